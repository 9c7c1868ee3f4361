/* The shop's own texts of mails, and which mails are sent. */
#include "services/notify/handlers.h"

#include <stdlib.h>
#include <string.h>

#include "common/wording.h"
#include "penstock/notify/v1/notify.pb-c.h"
#include "services/notify/letters.h"
#include "services/notify/rules.h"
#include "services/notify/store.h"
#include "services/notify/store_templates.h"

typedef Penstock__Notify__V1__Template Template;
typedef Penstock__Notify__V1__ListTemplatesRequest ListTemplatesRequest;
typedef Penstock__Notify__V1__ListTemplatesResponse ListTemplatesResponse;
typedef Penstock__Notify__V1__GetTemplateRequest GetTemplateRequest;
typedef Penstock__Notify__V1__GetTemplateResponse GetTemplateResponse;
typedef Penstock__Notify__V1__PutTemplateRequest PutTemplateRequest;
typedef Penstock__Notify__V1__PutTemplateResponse PutTemplateResponse;
typedef Penstock__Notify__V1__DeleteTemplateRequest DeleteTemplateRequest;
typedef Penstock__Notify__V1__DeleteTemplateResponse DeleteTemplateResponse;
typedef Penstock__Notify__V1__ListTemplateVersionsRequest ListTemplateVersionsRequest;
typedef Penstock__Notify__V1__ListTemplateVersionsResponse ListTemplateVersionsResponse;
typedef Penstock__Notify__V1__PreviewTemplateRequest PreviewTemplateRequest;
typedef Penstock__Notify__V1__PreviewTemplateResponse PreviewTemplateResponse;
typedef Penstock__Notify__V1__SendTestMailRequest SendTestMailRequest;
typedef Penstock__Notify__V1__SendTestMailResponse SendTestMailResponse;
typedef Penstock__Notify__V1__TestMail TestMail;
typedef Penstock__Orders__V1__GetContactsRequest GetContactsRequest;
typedef Penstock__Orders__V1__GetContactsResponse GetContactsResponse;

#define MAX_TEMPLATE_BYTES (64 << 10)
#define DEFAULT_LIMIT 50
#define MAX_LIMIT 200

static const char *const part_names[] = {[LETTER_HTML] = "html", [LETTER_TEXT] = "text"};

static char *text(struct arena *arena, const char *value)
{
    return arena_strdup(arena, value == NULL ? "" : value);
}

/* ---- which ---- */

struct which {
    enum message_kind kind;
    enum language language;
    enum letter_part part;
};

static bool read_which(struct call *call, const char *type, const char *locale, const char *part,
                       struct which *which)
{
    int kind = rules_letter_kind(type);
    bool is_text = strcmp(part, part_names[LETTER_TEXT]) == 0;
    if (kind != 0 && wording_language_parse(locale, &which->language) &&
        (is_text || strcmp(part, part_names[LETTER_HTML]) == 0)) {
        which->kind = (enum message_kind)kind;
        which->part = is_text ? LETTER_TEXT : LETTER_HTML;
        return true;
    }
    (void)refuse(call, STATUS_NOT_FOUND, "not_found", kind == 0 ? "type" : "part",
                 "There is no such template.");
    return false;
}

static struct template_row row_of(const struct which *which)
{
    return (struct template_row){.kind = (int32_t)which->kind,
                                 .locale = wording_language_tag(which->language),
                                 .part = part_names[which->part]};
}

/* Opened once for each thread: the service has started with these settings, so they are good. */
static enum status letters_of(struct call *call, struct letters **letters)
{
    struct notify *notify = call->state;
    const char *message;
    if (notify->letters == NULL)
        TRY(letters_open(notify->conf, call->arena, &notify->letters, &message));
    *letters = notify->letters;
    return STATUS_OK;
}

/* ---- reading ---- */

static Template *view_template(struct arena *arena, const struct which *which,
                               const struct template_row *row)
{
    Template *out = ARENA_NEW(arena, Template);
    penstock__notify__v1__template__init(out);
    out->type = text(arena, rules_kind_name(which->kind));
    out->locale = text(arena, wording_language_tag(which->language));
    out->part = text(arena, part_names[which->part]);
    if (row == NULL)
        return out;
    out->version = row->version;
    out->is_changed = row->body != NULL;
    out->updated_at_us = row->updated_at_us;
    out->updated_by = text(arena, row->updated_by);
    return out;
}

static const struct template_row *find_row(const struct template_row *rows, size_t count,
                                           const struct which *which)
{
    const struct template_row wanted = row_of(which);
    for (size_t i = 0; i < count; i++) {
        if (rows[i].kind == wanted.kind && strcmp(rows[i].locale, wanted.locale) == 0 &&
            strcmp(rows[i].part, wanted.part) == 0)
            return &rows[i];
    }
    return NULL;
}

/* There are so few that they are one page. */
NOTIFY_HANDLER(list_templates, ListTemplatesRequest, ListTemplatesResponse)
{
    struct template_row *rows;
    size_t count;
    (void)in;
    TRY(store_templates_newest(call->db, &rows, &count));
    out->data = ARENA_ARRAY(call->arena, MESSAGE_KIND_COUNT * LANGUAGE_COUNT * 2, Template *);
    for (int kind = 1; kind <= MESSAGE_KIND_COUNT; kind++) {
        for (int i = 0; i < LANGUAGE_COUNT * 2; i++) {
            const struct which which = {(enum message_kind)kind, (enum language)(i / 2),
                                        (enum letter_part)(i % 2)};
            out->data[out->n_data++] =
                view_template(call->arena, &which, find_row(rows, count, &which));
        }
    }
    return STATUS_OK;
}

/* The version asked for, or the newest; *row is NULL when the template was never changed. */
static enum status load_version(struct call *call, const struct which *which, int32_t version,
                                const struct template_row **row)
{
    const struct template_row wanted = row_of(which);
    struct template_row *rows;
    size_t count;
    int32_t before = version > 0 ? version + 1 : 0;
    TRY(store_template_versions(call->db, &wanted, before, 1, &rows, &count));
    *row = count > 0 ? &rows[0] : NULL;
    if (version > 0 && (count == 0 || rows[0].version != version))
        return refuse(call, STATUS_NOT_FOUND, "not_found", "version", "There is no such version.");
    return STATUS_OK;
}

/* With its text and the original's. */
static enum status view_whole(struct call *call, const struct which *which,
                              const struct template_row *row, Template **out)
{
    struct letters *letters;
    TRY(letters_of(call, &letters));
    const char *original = letters_original(letters, which->kind, which->language, which->part);
    *out = view_template(call->arena, which, row);
    (*out)->original_body = text(call->arena, original);
    (*out)->body = text(call->arena, row != NULL && row->body != NULL ? row->body : original);
    return STATUS_OK;
}

NOTIFY_HANDLER(get_template, GetTemplateRequest, GetTemplateResponse)
{
    struct which which;
    const struct template_row *row;
    if (!read_which(call, in->type, in->locale, in->part, &which))
        return call->status;
    if (in->version < 0)
        return refuse(call, STATUS_INVALID, "out_of_range", "version", "Versions begin at 1.");
    TRY(load_version(call, &which, in->version, &row));
    return view_whole(call, &which, row, &out->template_);
}

NOTIFY_HANDLER(list_template_versions, ListTemplateVersionsRequest, ListTemplateVersionsResponse)
{
    struct which which;
    struct template_row *rows;
    size_t found;
    char *end;
    long before = strtol(in->cursor, &end, 10);
    int64_t limit = in->limit == 0 ? DEFAULT_LIMIT : in->limit;
    if (!read_which(call, in->type, in->locale, in->part, &which))
        return call->status;
    if (limit < 1 || limit > MAX_LIMIT)
        return refuse(call, STATUS_INVALID, "out_of_range", "limit", "A limit is from 1 to 200.");
    if (*end != '\0' || before < 0 || before > INT32_MAX)
        return refuse(call, STATUS_INVALID, "invalid", "cursor",
                      "A cursor is what next_cursor of the page before said.");
    const struct template_row wanted = row_of(&which);
    TRY(store_template_versions(call->db, &wanted, (int32_t)before, limit + 1, &rows, &found));
    size_t count = found > (size_t)limit ? (size_t)limit : found;
    out->data = ARENA_ARRAY(call->arena, count, Template *);
    while (out->n_data < count) {
        Template *view = view_template(call->arena, &which, &rows[out->n_data]);
        view->body = text(call->arena, rows[out->n_data].body);
        out->data[out->n_data++] = view;
    }
    if (found > count)
        out->next_cursor = arena_printf(call->arena, "%d", rows[count - 1].version);
    return STATUS_OK;
}

/* ---- changing ---- */

static enum status emit_template_changed(struct call *call, const Template *view)
{
    Penstock__Notify__V1__TemplateChanged event = PENSTOCK__NOTIFY__V1__TEMPLATE_CHANGED__INIT;
    event.type = view->type;
    event.locale = view->locale;
    event.part = view->part;
    event.version = view->version;
    event.is_changed = view->is_changed;
    return emit(call, arena_printf(call->arena, "template:%s", view->type), &event.base);
}

/* body NULL: back to the file. What is said already makes no version. */
static enum status change(struct call *call, const struct which *which, const char *body,
                          Template **out)
{
    const struct template_row *row;
    TRY(load_version(call, which, 0, &row));
    const char *now = row == NULL ? NULL : row->body;
    bool is_same = body == NULL ? now == NULL : now != NULL && strcmp(now, body) == 0;
    if (is_same)
        return view_whole(call, which, row, out);
    struct template_row next = row_of(which);
    next.version = row == NULL ? 1 : row->version + 1;
    next.body = body;
    next.updated_at_us = call->now_us;
    next.updated_by = call->actor;
    TRY(store_template_add(call->db, &next));
    TRY(view_whole(call, which, &next, out));
    return emit_template_changed(call, *out);
}

static enum status check_body(struct call *call, const struct which *which, const char *body)
{
    struct letters *letters;
    const char *wrong = "";
    if (*body == '\0')
        return refuse(call, STATUS_INVALID, "required", "body", "A template has a text.");
    if (strlen(body) > MAX_TEMPLATE_BYTES)
        return refuse(call, STATUS_INVALID, "too_long", "body", "A template has 64 KiB at most.");
    TRY(letters_of(call, &letters));
    if (letters_check(letters, call->arena, which->part, body, &wrong) != STATUS_OK)
        return refuse(call, STATUS_INVALID, "invalid_template", "body", "%s.", wrong);
    return STATUS_OK;
}

NOTIFY_HANDLER(put_template, PutTemplateRequest, PutTemplateResponse)
{
    struct which which;
    if (!read_which(call, in->type, in->locale, in->part, &which))
        return call->status;
    TRY(check_body(call, &which, in->body));
    return change(call, &which, in->body, &out->template_);
}

NOTIFY_HANDLER(delete_template, DeleteTemplateRequest, DeleteTemplateResponse)
{
    struct which which;
    if (!read_which(call, in->type, in->locale, in->part, &which))
        return call->status;
    return change(call, &which, NULL, &out->template_);
}

/* ---- looking at it with a real order ---- */

static enum status ask_contact(struct call *call, char *order, GetContactsRequest *question)
{
    if (*order == '\0')
        return refuse(call, STATUS_INVALID, "required", "order", "Say which order.");
    question->order_ids = ARENA_ARRAY(call->arena, 1, char *);
    question->order_ids[0] = order;
    question->n_order_ids = 1;
    return STATUS_OK;
}

enum status ask_contact_for_preview(struct call *call, const ProtobufCMessage *in,
                                    ProtobufCMessage *question)
{
    return ask_contact(call, ((const PreviewTemplateRequest *)in)->order,
                       (GetContactsRequest *)question);
}

enum status ask_contact_for_test(struct call *call, const ProtobufCMessage *in,
                                 ProtobufCMessage *question)
{
    return ask_contact(call, ((const SendTestMailRequest *)in)->order,
                       (GetContactsRequest *)question);
}

static enum status take_contact(struct call *call, const Contact **contact)
{
    const struct answer *answer = &call->answers[0];
    if (!answer->came || answer->status != STATUS_OK)
        return refuse(call, STATUS_UNAVAILABLE, "orders_unavailable", "",
                      "Orders does not answer; try again.");
    const GetContactsResponse *said = (const GetContactsResponse *)answer->message;
    if (said->n_contacts == 0)
        return refuse(call, STATUS_NOT_FOUND, "not_found", "order", "There is no such order.");
    *contact = said->contacts[0];
    return STATUS_OK;
}

NOTIFY_HANDLER(preview_template, PreviewTemplateRequest, PreviewTemplateResponse)
{
    struct which which;
    struct letters *letters;
    const struct template_row *row;
    const Contact *contact;
    const char *subject_line, *written;
    Template *now;
    if (!read_which(call, in->type, in->locale, in->part, &which))
        return call->status;
    TRY(load_version(call, &which, 0, &row));
    TRY(view_whole(call, &which, row, &now));
    const char *body = *in->body != '\0' ? in->body : now->body;
    TRY(check_body(call, &which, body));
    TRY(take_contact(call, &contact));
    TRY(letters_of(call, &letters));
    const struct letter_subject subject =
        letters_sample(call->arena, which.kind, contact, wording_language_tag(which.language));
    letters_preview(letters, call->arena, which.part, body, &subject, &subject_line, &written);
    out->subject = text(call->arena, subject_line);
    out->body = text(call->arena, written);
    return STATUS_OK;
}

/* It holds personal data, and is not kept for a repeat. */
void strip_preview(ProtobufCMessage *message, struct arena *arena)
{
    PreviewTemplateResponse *out = (PreviewTemplateResponse *)message;
    out->subject = text(arena, "");
    out->body = text(arena, "");
}

enum status render_preview(struct call *call, const ProtobufCMessage *in, ProtobufCMessage *out)
{
    (void)in;
    (void)out;
    return refuse(call, STATUS_CONFLICT, "not_repeatable", "",
                  "A preview is not kept; ask again without that Idempotency-Key.");
}

/* A row as any other message's, so that it is sent, tried again and listed as they are. */
NOTIFY_HANDLER(send_test_mail, SendTestMailRequest, SendTestMailResponse)
{
    const struct notify *notify = call->state;
    const Contact *contact;
    struct which which;
    char id[UUID_TEXT_BYTES];
    if (!read_which(call, in->type, in->locale, part_names[LETTER_TEXT], &which))
        return call->status;
    if (!rules_address_is_valid(in->to))
        return refuse(call, STATUS_INVALID, "invalid", "to", "This is no mail address.");
    TRY(take_contact(call, &contact));
    TestMail test = PENSTOCK__NOTIFY__V1__TEST_MAIL__INIT;
    test.type = in->type;
    test.locale = in->locale;
    test.to = in->to;
    const struct uuid about = uuid_new();
    struct message_new row = {.kind = MESSAGE_TEST, .status = MESSAGE_QUEUED};
    if (!uuid_parse(contact->order_id, &row.order_id))
        return STATUS_INTERNAL;
    row.id = rules_message_id(&row.order_id, MESSAGE_TEST, &about);
    row.message_id =
        arena_printf(call->arena, "<%s@%s>", uuid_text(&row.id, id), notify->message_id_domain);
    row.detail_bytes = protobuf_c_message_get_packed_size(&test.base);
    uint8_t *packed = arena_alloc(call->arena, row.detail_bytes + 1);
    protobuf_c_message_pack(&test.base, packed);
    row.detail = packed;
    store_message_add(call->db, &row, call->now_us);
    outcall_kick(call, "send");
    out->message_id = text(call->arena, uuid_text(&row.id, id));
    return STATUS_OK;
}
