/* The sending of what is queued: take and done in the writer, the mails themselves in mailer.c. */
#include "services/notify/handlers.h"

#include <stdlib.h>
#include <string.h>

#include "penstock/notify/v1/notify.pb-c.h"
#include "services/notify/letters.h"
#include "services/notify/mailer.h"
#include "services/notify/rules.h"
#include "services/notify/store.h"
#include "services/notify/store_templates.h"

typedef Penstock__Notify__V1__MessageSent MessageSent;
typedef Penstock__Notify__V1__MessageFailed MessageFailed;
typedef Penstock__Notify__V1__MessageSuppressed MessageSuppressed;

/* No batch is on its way for longer: mailer.c stops well before. */
#define SENDING_MAX_US (INT64_C(15) * 60 * 1000000)

/* ---- take ---- */

static struct uuid confirmation_of(const struct due *due)
{
    return rules_message_id(&due->order_id, MESSAGE_ORDER_CONFIRMATION, &due->order_id);
}

static enum wish wish_of(const struct wish_row *rows, size_t count, const struct uuid *confirmation)
{
    for (size_t i = 0; i < count; i++) {
        if (!uuid_equal(&rows[i].id, confirmation))
            continue;
        bool is_off = rows[i].status == MESSAGE_SUPPRESSED && rows[i].last_error != NULL &&
                      strcmp(rows[i].last_error, REASON_SWITCHED_OFF) == 0;
        return is_off ? WISH_NO : WISH_YES;
    }
    return WISH_UNKNOWN;
}

/* True when this message is to be sent now; else it has been put where it belongs. */
static bool act_on_wish(struct call *call, const struct due *due, enum wish wish)
{
    switch (rules_wish(wish, due->queued_at, call->now_us)) {
    case WISH_SEND:
        return true;
    case WISH_WAIT:
        store_retry_add(call->db, due->position, call->now_us + RULES_DEFER_US, due->since_at,
                        true);
        return false;
    case WISH_SUPPRESS:
        break;
    }
    const struct message_result result = {
        .position = due->position, .status = MESSAGE_SUPPRESSED, .reason = REASON_SWITCHED_OFF};
    store_result_add(call->db, &result, call->now_us);
    return false;
}

/* Keeps of the due messages those that are to be sent. Confirmations, nearly all, need no look;
 * what a person wrote or asked for is sent in any case. */
static enum status keep_wished(struct call *call, struct due *due, size_t *count)
{
    struct uuid *asked = ARENA_ARRAY(call->arena, *count, struct uuid);
    size_t nasked = 0, nrows = 0, kept = 0;
    for (size_t i = 0; i < *count; i++) {
        if (due[i].checks_wish && rules_asks_wish((enum message_kind)due[i].kind))
            asked[nasked++] = confirmation_of(&due[i]);
    }
    struct wish_row *rows = NULL;
    if (nasked > 0)
        TRY(store_wishes(call->db, asked, nasked, &rows, &nrows));
    for (size_t i = 0; i < *count; i++) {
        if (due[i].status != MESSAGE_QUEUED)
            continue;
        if (due[i].checks_wish && rules_asks_wish((enum message_kind)due[i].kind)) {
            struct uuid confirmation = confirmation_of(&due[i]);
            if (!act_on_wish(call, &due[i], wish_of(rows, nrows, &confirmation)))
                continue;
        }
        due[kept++] = due[i];
    }
    *count = kept;
    return STATUS_OK;
}

/* Retries get half of the room, and fresh messages what is left: neither starves. */
static enum status take_due(struct call *call, const struct sender_look *look, size_t room,
                            struct due **out, size_t *count)
{
    struct due *again = NULL, *fresh = NULL;
    size_t nagain = 0, nfresh = 0;
    if (look->has_due)
        TRY(store_retry_take(call->db, call->now_us, (room + 1) / 2, &again, &nagain));
    if (look->last_position > look->taken_position)
        TRY(store_fresh_take(call->db, look->taken_position, room - nagain, &fresh, &nfresh));
    struct due *all = ARENA_ARRAY(call->arena, nagain + nfresh, struct due);
    if (nagain > 0)
        memcpy(all, again, nagain * sizeof(*all));
    if (nfresh > 0)
        memcpy(all + nagain, fresh, nfresh * sizeof(*all));
    *out = all;
    *count = nagain + nfresh;
    return keep_wished(call, all, count);
}

static struct mail mail_of(struct arena *arena, const struct due *due)
{
    struct mail mail = {.position = due->position,
                        .id = due->id,
                        .order_id = due->order_id,
                        .kind = (enum message_kind)due->kind,
                        .message_id = arena_strdup(arena, due->message_id),
                        .detail_bytes = due->detail.count,
                        .history = {due->attempts, due->ambiguous_attempts, due->since_at},
                        .queued_at_us = due->queued_at};
    if (due->detail.bytes != NULL)
        mail.detail = arena_copy(arena, due->detail.bytes, due->detail.count);
    return mail;
}

static const struct setting_row *copy_settings(struct arena *arena, const struct setting_row *rows,
                                               size_t count)
{
    struct setting_row *copy = arena_copy(arena, rows, count * sizeof(*rows));
    for (size_t i = 0; i < count; i++)
        copy[i].channel = arena_strdup(arena, rows[i].channel);
    return copy;
}

/* Which mails are sent, and by which texts: the same for every batch of a turn. */
static enum status look_up_settings(struct call *call, struct mail_batch *like)
{
    struct setting_row *settings;
    *like = (struct mail_batch){.count = 0};
    TRY(store_settings_all(call->db, &settings, &like->setting_count));
    like->settings = settings;
    return store_template_generation(call->db, &like->template_generation);
}

/* One job is a batch of mails, recorded as one attempt. */
static enum status fill_job(struct call *call, struct outcall_job *job,
                            const struct mail_batch *like, const struct due *due, size_t count)
{
    const struct notify *notify = call->state;
    struct mail_batch *batch = ARENA_NEW(job->arena, struct mail_batch);
    *batch = *like;
    batch->id = uuid_new();
    batch->mails = ARENA_ARRAY(job->arena, count, struct mail);
    batch->count = count;
    batch->settings = copy_settings(job->arena, like->settings, like->setting_count);
    int64_t *positions = ARENA_ARRAY(call->arena, count, int64_t);
    for (size_t i = 0; i < count; i++) {
        batch->mails[i] = mail_of(job->arena, &due[i]);
        positions[i] = due[i].position;
    }
    job->data = batch;
    return store_sending_add(call->db, &batch->id, &notify->run_id, call->now_us, positions, count);
}

static enum status send_take(struct call *call, struct outcall_job *jobs, size_t *count)
{
    const struct notify *notify = call->state;
    size_t per_job = (size_t)notify->conf->mails_per_job, room = *count, ndue = 0;
    int64_t lost_before_us = call->now_us - SENDING_MAX_US;
    struct sender_look look;
    struct due *due;
    *count = 0;
    TRY(store_sender_look(call->db, call->now_us, &notify->run_id, lost_before_us, &look));
    if (look.has_lost)
        TRY(store_sending_recover(call->db, &notify->run_id, lost_before_us, call->now_us));
    TRY(take_due(call, &look, room * per_job, &due, &ndue));
    struct mail_batch like = {.count = 0};
    if (ndue > 0)
        TRY(look_up_settings(call, &like));
    for (size_t i = 0; i < ndue; i += per_job) {
        size_t mails = ndue - i < per_job ? ndue - i : per_job;
        TRY(fill_job(call, &jobs[*count], &like, due + i, mails));
        ++*count;
    }
    return STATUS_OK;
}

/* ---- done ---- */

static const char *outcome_counter(enum mail_outcome outcome)
{
    switch (outcome) {
    case OUTCOME_SENT:
        return "mails_sent";
    case OUTCOME_TEMPORARY:
        return "mails_put_off";
    case OUTCOME_AMBIGUOUS:
        return "mails_ambiguous";
    case OUTCOME_PERMANENT:
        return "mails_refused";
    case OUTCOME_SUPPRESSED:
        return "mails_suppressed";
    case OUTCOME_DEFERRED:
        break;
    }
    return "mails_deferred";
}

/* Tells the log how it ended; nothing while it is still to be sent. */
static enum status emit_result(struct call *call, const struct mail *mail, enum message_state state,
                               char *reason)
{
    char *order_id = arena_alloc(call->arena, UUID_TEXT_BYTES);
    uuid_text(&mail->order_id, order_id);
    char *template = arena_strdup(call->arena, rules_kind_name(mail->kind));
    char *message_id = arena_strdup(call->arena, mail->message_id);
    MessageSent sent = PENSTOCK__NOTIFY__V1__MESSAGE_SENT__INIT;
    MessageFailed failed = PENSTOCK__NOTIFY__V1__MESSAGE_FAILED__INIT;
    MessageSuppressed suppressed = PENSTOCK__NOTIFY__V1__MESSAGE_SUPPRESSED__INIT;
    switch (state) {
    case MESSAGE_QUEUED:
        return STATUS_OK;
    case MESSAGE_SENT:
        sent = (MessageSent){sent.base, order_id, message_id, template};
        return emit(call, order_id, &sent.base);
    case MESSAGE_FAILED:
        failed = (MessageFailed){failed.base, order_id, message_id, template, reason};
        return emit(call, order_id, &failed.base);
    case MESSAGE_SUPPRESSED:
        break;
    }
    suppressed = (MessageSuppressed){suppressed.base, order_id, message_id, template, reason};
    return emit(call, order_id, &suppressed.base);
}

static enum status record_result(struct call *call, const struct mail *mail)
{
    struct attempt_decision next =
        rules_after_attempt(&mail->id, mail->history, mail->outcome, call->now_us);
    const char *reason = mail->reason;
    if (next.has_run_out)
        reason = arena_printf(call->arena, "tried for five days: %s", mail->reason);
    const struct message_result result = {
        mail->position,         next.state, next.attempts_more, next.ambiguous_more, mail->locale,
        mail->recipient_masked, reason};
    store_result_add(call->db, &result, call->now_us);
    if (next.state == MESSAGE_QUEUED)
        store_retry_add(call->db, mail->position, next.next_attempt_at_us, mail->history.since_us,
                        false);
    count(call, outcome_counter(mail->outcome), 1);
    return emit_result(call, mail, next.state, arena_strdup(call->arena, reason ? reason : ""));
}

static bool is_present(const struct id_row *rows, size_t count, const struct uuid *id)
{
    for (size_t i = 0; i < count; i++) {
        if (uuid_equal(&rows[i].id, id))
            return true;
    }
    return false;
}

/* A batch that another life of the writer has taken for lost is counted as ambiguous already, and
 * its mails are on their way again: what came of the first attempt changes nothing more. */
static enum status send_done(struct call *call, struct outcall_job *jobs, size_t njobs)
{
    struct uuid *ids = ARENA_ARRAY(call->arena, njobs, struct uuid);
    for (size_t i = 0; i < njobs; i++)
        ids[i] = ((struct mail_batch *)jobs[i].data)->id;
    struct id_row *present;
    size_t npresent;
    TRY(store_sending_present(call->db, ids, njobs, &present, &npresent));
    for (size_t i = 0; i < njobs; i++) {
        const struct mail_batch *batch = jobs[i].data;
        if (!is_present(present, npresent, &batch->id))
            continue;
        for (size_t m = 0; m < batch->count; m++)
            TRY(record_result(call, &batch->mails[m]));
    }
    return store_sending_delete(call->db, ids, njobs);
}

const struct outcall notify_outcalls[] = {
    {.name = "send",
     .workers = 2,
     .period_ms = 1000,
     .max_jobs = 2,
     .take = send_take,
     .open = mailer_open,
     .make = mailer_make,
     .done = send_done,
     .close = mailer_close},
    {0},
};

/* ---- the state ---- */

void *notify_open(void *conf)
{
    const struct notify_conf *settings = conf;
    struct notify *notify = calloc(1, sizeof(*notify));
    if (notify == NULL)
        abort();
    const char *at = strchr(settings->shop_mail_from, '@');
    *notify = (struct notify){settings, at == NULL ? "localhost" : at + 1, uuid_new(), NULL};
    return notify;
}

void notify_close(void *state)
{
    struct notify *notify = state;
    letters_close(&notify->letters);
    free(notify);
}

/* Whatever an earlier leader had under way is not ours. */
enum status notify_lead(struct call *call)
{
    struct notify *notify = call->state;
    notify->run_id = uuid_new();
    return STATUS_OK;
}

enum status notify_start(const struct service *service, struct bus *bus, void *conf)
{
    (void)bus;
    return mailer_check(service, conf);
}

void notify_stop(void)
{
    mailer_stop();
}
