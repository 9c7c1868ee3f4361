#include "services/notify/mailer.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "penstock/notify/v1/notify.pb-c.h"
#include "services/notify/contacts.h"
#include "services/notify/handlers.h"
#include "services/notify/letters.h"
#include "services/notify/maildir.h"
#include "services/notify/mime.h"
#include "services/notify/rules.h"
#include "services/notify/smtp.h"
#include "services/notify/store_templates.h"

typedef Penstock__Notify__V1__TestMail TestMail;

#define BATCH_MAX_US (INT64_C(120) * 1000000)
#define ARENA_BYTES ((size_t)256 << 20)

struct mailer {
    const struct notify_conf *conf;
    const struct service *service;
    struct letters *letters;
    int64_t template_generation; /* of the shop's own texts that are in use */
    struct maildir *maildir;     /* one of these two */
    struct smtp *smtp;
    struct arena *contacts, *mail, *bytes; /* of a batch, of one mail, of a batch's files */
};

/* Set once, when the service is told to stop: threads that wait for a server look at it. */
static atomic_bool is_stopping;

void mailer_stop(void)
{
    atomic_store(&is_stopping, true);
}

/* ---- opening ---- */

static enum status open_transport(struct mailer *mailer, const char **message)
{
    const struct notify_conf *conf = mailer->conf;
    if (*conf->smtp_url != '\0')
        return smtp_open(conf, &is_stopping, &mailer->smtp, message);
    int error = 0;
    *message = "neither smtp_url nor maildir is set";
    if (*conf->maildir == '\0')
        return STATUS_INVALID;
    enum status status = maildir_open(conf->maildir, &mailer->maildir, &error);
    if (status != STATUS_OK)
        *message = arena_printf(mailer->mail, "cannot open the Maildir %s: %s", conf->maildir,
                                strerror(error));
    return status;
}

static enum status check_addresses(const struct notify_conf *conf, const char **message)
{
    *message = "shop_mail_from is no mail address";
    if (!rules_sender_is_valid(conf->shop_mail_from))
        return STATUS_INVALID;
    *message = "mail_reply_to is no mail address";
    bool is_valid = *conf->mail_reply_to == '\0' || rules_sender_is_valid(conf->mail_reply_to);
    return is_valid ? STATUS_OK : STATUS_INVALID;
}

void mailer_close(void *state)
{
    struct mailer *mailer = state;
    if (mailer == NULL)
        return;
    letters_close(&mailer->letters);
    maildir_close(&mailer->maildir);
    smtp_close(&mailer->smtp);
    arena_close(&mailer->contacts);
    arena_close(&mailer->mail);
    arena_close(&mailer->bytes);
    free(mailer);
}

/* The sentence in *message lives in the mailer's arena. */
static struct mailer *open_with(const struct notify_conf *conf, const char **message)
{
    struct mailer *mailer = calloc(1, sizeof(*mailer));
    if (mailer == NULL)
        abort();
    *mailer = (struct mailer){.conf = conf,
                              .contacts = arena_open(ARENA_BYTES),
                              .mail = arena_open(ARENA_BYTES),
                              .bytes = arena_open(ARENA_BYTES)};
    *message = NULL;
    enum status status = check_addresses(conf, message);
    if (status == STATUS_OK)
        status = letters_open(conf, mailer->mail, &mailer->letters, message);
    if (status == STATUS_OK)
        status = open_transport(mailer, message);
    if (status == STATUS_OK)
        *message = NULL;
    return mailer;
}

void *mailer_open(const struct service *service, void *conf)
{
    const char *message;
    struct mailer *mailer = open_with(conf, &message);
    mailer->service = service;
    if (message == NULL)
        return mailer;
    mailer_close(mailer);
    return NULL;
}

enum status mailer_check(const struct service *service, void *conf)
{
    (void)service;
    const char *message;
    struct mailer *mailer = open_with(conf, &message);
    enum status status = message == NULL ? STATUS_OK : STATUS_INVALID;
    if (status != STATUS_OK)
        log_error("mail_settings_wrong", "Mail cannot be sent with these settings",
                  LOG_TEXT("reason", message));
    mailer_close(mailer);
    return status;
}

/* ---- one mail ---- */

static void set_outcome(struct mail *mail, enum mail_outcome outcome, const char *reason)
{
    mail->outcome = outcome;
    mail->reason = reason;
}

static const char *address_of(const struct mail *mail, struct arena *arena, const Contact *contact)
{
    if (mail->kind == MESSAGE_TEST) {
        const TestMail *test = penstock__notify__v1__test_mail__unpack(
            arena_protobuf(arena), mail->detail_bytes, mail->detail);
        return test == NULL ? "" : test->to;
    }
    if (contact->customer != NULL && *contact->customer->email != '\0')
        return contact->customer->email;
    return contact->shipping_address == NULL ? "" : contact->shipping_address->email;
}

/* False when nothing can be sent, and why: nobody to write to, or no address that may be used. */
static bool find_recipient(struct mail *mail, struct arena *arena, const Contact *contact,
                           const char **address)
{
    char masked[64];
    if (contact == NULL) {
        set_outcome(mail, OUTCOME_TEMPORARY, "orders does not know this order");
        return false;
    }
    if (contact->is_erased) {
        set_outcome(mail, OUTCOME_SUPPRESSED, REASON_ERASED);
        return false;
    }
    /* The confirmation was settled when the order was placed; somebody may have asked for it since.
     */
    bool is_silent = contact->order != NULL && contact->order->is_silent;
    if (is_silent && (mail->kind == MESSAGE_SHIPMENT || mail->kind == MESSAGE_REFUND)) {
        set_outcome(mail, OUTCOME_SUPPRESSED, REASON_SWITCHED_OFF);
        return false;
    }
    *address = address_of(mail, arena, contact);
    if (**address == '\0') {
        set_outcome(mail, OUTCOME_SUPPRESSED, REASON_NO_ADDRESS);
        return false;
    }
    if (!rules_address_is_valid(*address)) {
        set_outcome(mail, OUTCOME_PERMANENT, "the customer's mail address is not valid");
        return false;
    }
    rules_mask_address(*address, masked, sizeof(masked));
    mail->recipient_masked = arena_strdup(arena, masked);
    return true;
}

/* A test is a letter of another kind, to an address that its row keeps. */
static bool read_test(const struct mail *mail, const Contact *contact, struct arena *arena,
                      struct letter_subject *subject)
{
    const TestMail *test = penstock__notify__v1__test_mail__unpack(
        arena_protobuf(arena), mail->detail_bytes, mail->detail);
    int kind = test == NULL ? 0 : rules_letter_kind(test->type);
    if (kind != 0)
        *subject = letters_sample(arena, (enum message_kind)kind, contact, test->locale);
    return kind != 0;
}

/* The parcel or the refund that the row keeps. */
static bool read_subject(const struct mail *mail, const Contact *contact, struct arena *arena,
                         struct letter_subject *subject)
{
    *subject = (struct letter_subject){
        .kind = mail->kind, .contact = contact, .text = mail->text, .locale = NULL};
    ProtobufCAllocator *allocator = arena_protobuf(arena);
    switch (mail->kind) {
    case MESSAGE_ORDER_CONFIRMATION:
    case MESSAGE_ORDER_EDITED:
        return true;
    case MESSAGE_SHIPMENT:
        subject->shipped = penstock__fulfillment__v1__fulfillment_shipped__unpack(
            allocator, mail->detail_bytes, mail->detail);
        return subject->shipped != NULL;
    case MESSAGE_REFUND:
        subject->refund = penstock__orders__v1__refund_recorded__unpack(
            allocator, mail->detail_bytes, mail->detail);
        return subject->refund != NULL;
    case MESSAGE_STAFF_MESSAGE:
    case MESSAGE_ORDER_CODE:
        return mail->text != NULL;
    case MESSAGE_TEST:
        return read_test(mail, contact, arena, subject);
    }
    return false;
}

static bool needs_text(enum message_kind kind)
{
    return kind == MESSAGE_STAFF_MESSAGE || kind == MESSAGE_ORDER_CODE;
}

/* All mails about an order hang on its confirmation, so that mail programs show them together, and
 * an answer names the order by the ids that it refers to. A code stands alone. */
static const char *thread_of(const struct mailer *mailer, struct arena *arena,
                             const struct mail *mail)
{
    char text[UUID_TEXT_BYTES];
    if (mail->kind == MESSAGE_ORDER_CONFIRMATION || mail->kind == MESSAGE_ORDER_CODE ||
        mail->kind == MESSAGE_TEST)
        return NULL;
    struct uuid id = rules_message_id(&mail->order_id, MESSAGE_ORDER_CONFIRMATION, &mail->order_id);
    const char *at = strchr(mailer->conf->shop_mail_from, '@');
    return arena_printf(arena, "<%s@%s>", uuid_text(&id, text), at == NULL ? "localhost" : at + 1);
}

static bool write_mail(const struct mailer *mailer, const struct mail_batch *batch,
                       struct mail *mail, struct arena *job, const Contact *contact,
                       struct buffer *out)
{
    const char *address;
    struct letter_subject subject;
    if (!find_recipient(mail, job, contact, &address))
        return false;
    if (!rules_is_switched_on(batch->settings, batch->setting_count, mail->kind,
                              contact->channel)) {
        set_outcome(mail, OUTCOME_SUPPRESSED, REASON_SETTING_OFF);
        return false;
    }
    if (needs_text(mail->kind) && mail->text == NULL) {
        set_outcome(mail, OUTCOME_SUPPRESSED, REASON_EXPIRED);
        return false;
    }
    if (!read_subject(mail, contact, out->arena, &subject)) {
        set_outcome(mail, OUTCOME_PERMANENT, "the event that it is about cannot be read");
        return false;
    }
    int64_t now_us = clock_wall_us();
    struct letter letter;
    letters_write(mailer->letters, out->arena, &subject, now_us, &letter);
    mail->locale = wording_language_tag(letter.language);
    const struct mime_mail mime = {.from_name = mailer->conf->shop_name,
                                   .from_address = mailer->conf->shop_mail_from,
                                   .to_name = letter.to_name,
                                   .to_address = address,
                                   .reply_to = mailer->conf->mail_reply_to,
                                   .subject = letter.subject,
                                   .message_id = mail->message_id,
                                   .thread_id = thread_of(mailer, out->arena, mail),
                                   .is_written_by_hand = mail->kind == MESSAGE_STAFF_MESSAGE,
                                   .language = mail->locale,
                                   .date_us = now_us,
                                   .date_offset_s = letter.date_offset_s,
                                   .text = letter.text,
                                   .html = letter.html};
    mime_build(&mime, out);
    return true;
}

/* ---- into the Maildir ---- */

/* The same name for the same message, however often it is written. */
static const char *file_name(struct arena *arena, const struct mail *mail)
{
    char id[UUID_TEXT_BYTES];
    return arena_printf(arena, "%lld.%s.penstock", (long long)(mail->queued_at_us / 1000000),
                        uuid_text(&mail->id, id));
}

static void write_files(struct mailer *mailer, struct arena *job, struct mail_batch *batch,
                        const Contact *const *contacts)
{
    struct maildir_mail *files = ARENA_ARRAY(mailer->bytes, batch->count, struct maildir_mail);
    struct mail **owners = ARENA_ARRAY(mailer->bytes, batch->count, struct mail *);
    size_t count = 0;
    for (size_t i = 0; i < batch->count; i++) {
        struct buffer mime = buffer_open(mailer->mail, 16384);
        if (write_mail(mailer, batch, &batch->mails[i], job, contacts[i], &mime)) {
            const char *bytes = arena_copy(mailer->bytes, mime.bytes, mime.count);
            const char *name = file_name(mailer->bytes, &batch->mails[i]);
            owners[count] = &batch->mails[i];
            files[count++] = (struct maildir_mail){name, bytes, mime.count, 0};
        }
        arena_reset(mailer->mail);
    }
    maildir_write(mailer->maildir, files, count);
    for (size_t i = 0; i < count; i++) {
        if (files[i].error == 0)
            set_outcome(owners[i], OUTCOME_SENT, NULL);
        else
            set_outcome(owners[i], OUTCOME_TEMPORARY,
                        arena_strdup(job, strerrordesc_np(files[i].error)));
    }
}

/* ---- to the server ---- */

static void send_one(struct mailer *mailer, struct arena *job, const struct mail_batch *batch,
                     struct mail *mail, const Contact *contact, bool *reaches_server)
{
    struct buffer mime = buffer_open(mailer->mail, 16384);
    if (write_mail(mailer, batch, mail, job, contact, &mime)) {
        struct smtp_result result;
        const char *address = address_of(mail, mailer->mail, contact);
        smtp_send(mailer->smtp, mailer->conf->shop_mail_from, address, mime.bytes, mime.count,
                  &result);
        const char *reason = *result.reason == '\0' ? NULL : arena_strdup(job, result.reason);
        set_outcome(mail, result.outcome, reason);
        *reaches_server = result.reached_server;
    }
    arena_reset(mailer->mail);
}

/* A server that is away is not asked again for each mail of the batch: they share its fate. */
static void send_mails(struct mailer *mailer, struct arena *job, struct mail_batch *batch,
                       const Contact *const *contacts)
{
    int64_t end_us = clock_monotonic_us() + BATCH_MAX_US;
    bool reaches_server = true;
    const struct mail *last = NULL;
    for (size_t i = 0; i < batch->count; i++) {
        struct mail *mail = &batch->mails[i];
        if (atomic_load(&is_stopping) || clock_monotonic_us() > end_us)
            set_outcome(mail, OUTCOME_DEFERRED, NULL);
        else if (!reaches_server)
            set_outcome(mail, last->outcome, last->reason);
        else
            send_one(mailer, job, batch, mail, contacts[i], &reaches_server);
        last = mail;
    }
}

/* ---- the shop's own templates ---- */

static enum status read_own(struct mailer *mailer, struct db *db)
{
    struct template_row *rows;
    size_t count, used = 0;
    db_use_arena(db, mailer->contacts);
    TRY(db_begin_read_only(db));
    TRY(store_templates_newest(db, &rows, &count));
    struct letter_own *own = ARENA_ARRAY(mailer->contacts, count, struct letter_own);
    for (size_t i = 0; i < count; i++) {
        if (rows[i].body == NULL || !wording_language_parse(rows[i].locale, &own[used].language))
            continue;
        own[used].kind = (enum message_kind)rows[i].kind;
        own[used].part = strcmp(rows[i].part, "html") == 0 ? LETTER_HTML : LETTER_TEXT;
        own[used++].text = rows[i].body;
    }
    letters_use(mailer->letters, own, used);
    return db_commit(db);
}

/* Reads them again when others are in use than those that are known, which is seldom; a batch waits
 * while they cannot be read. */
static enum status use_templates(struct mailer *mailer, int64_t generation)
{
    struct db *db = NULL;
    if (generation == mailer->template_generation)
        return STATUS_OK;
    enum status status = service_db_open(mailer->service, "notify templates", &db);
    if (status == STATUS_OK)
        status = read_own(mailer, db);
    if (status == STATUS_OK)
        mailer->template_generation = generation;
    else
        log_warn("templates_unavailable", "The shop's templates cannot be read; mails wait");
    if (db != NULL)
        db_close(&db);
    arena_reset(mailer->contacts);
    return status;
}

/* ---- a batch ---- */

static void send_batch(struct mailer *mailer, struct bus_client *client, struct outcall_job *job)
{
    struct mail_batch *batch = job->data;
    for (size_t i = 0; i < batch->count; i++)
        set_outcome(&batch->mails[i], OUTCOME_DEFERRED, NULL);
    if (mailer == NULL || use_templates(mailer, batch->template_generation) != STATUS_OK)
        return;
    const Contact **contacts = ARENA_ARRAY(mailer->contacts, batch->count, const Contact *);
    const char **texts = ARENA_ARRAY(mailer->contacts, batch->count, const char *);
    enum status status =
        contacts_of(client, mailer->contacts, batch->mails, batch->count, contacts);
    if (status == STATUS_OK)
        status = letter_texts_of(client, mailer->contacts, batch->mails, batch->count, texts);
    for (size_t i = 0; i < batch->count && status == STATUS_OK; i++)
        batch->mails[i].text = texts[i];
    if (status != STATUS_OK)
        log_warn("contacts_unavailable", "Orders does not say who to write to; mails wait",
                 LOG_INT("mails", batch->count));
    else if (mailer->smtp != NULL)
        send_mails(mailer, job->arena, batch, contacts);
    else
        write_files(mailer, job->arena, batch, contacts);
    arena_reset(mailer->contacts);
    arena_reset(mailer->bytes);
}

void mailer_make(struct outcall_worker *worker, struct outcall_job *jobs, size_t count)
{
    for (size_t i = 0; i < count; i++)
        send_batch(worker->state, worker->client, &jobs[i]);
}
