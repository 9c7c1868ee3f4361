/* Canned replies: texts with fields of the order in them, in the languages of the shop. */
#include <stdio.h>
#include <string.h>

#include "common/template.h"
#include "common/wording.h"
#include "handlers_messages.h"

typedef Penstock__Orders__V1__CannedReply CannedReply;
typedef Penstock__Orders__V1__CannedText CannedText;
typedef Penstock__Orders__V1__ListCannedRepliesRequest ListCannedRepliesRequest;
typedef Penstock__Orders__V1__ListCannedRepliesResponse ListCannedRepliesResponse;
typedef Penstock__Orders__V1__CreateCannedReplyRequest CreateCannedReplyRequest;
typedef Penstock__Orders__V1__CreateCannedReplyResponse CreateCannedReplyResponse;
typedef Penstock__Orders__V1__UpdateCannedReplyRequest UpdateCannedReplyRequest;
typedef Penstock__Orders__V1__UpdateCannedReplyResponse UpdateCannedReplyResponse;
typedef Penstock__Orders__V1__DeleteCannedReplyRequest DeleteCannedReplyRequest;
typedef Penstock__Orders__V1__DeleteCannedReplyResponse DeleteCannedReplyResponse;
typedef Penstock__Orders__V1__PreviewCannedReplyRequest PreviewCannedReplyRequest;
typedef Penstock__Orders__V1__PreviewCannedReplyResponse PreviewCannedReplyResponse;

#define MAX_NAME 100

/* ---- what a text may say of an order ---- */

#define REPLY_FIELDS(X)                                                                            \
    X(shop_name)                                                                                   \
    X(number)                                                                                      \
    X(customer_name)                                                                               \
    X(placed_at)                                                                                   \
    X(total)                                                                                       \
    X(amount_due)                                                                                  \
    X(refunded_total)                                                                              \
    X(payment_method)                                                                              \
    X(shipping_remark)                                                                             \
    X(order_link)

struct fields {
#define X(name) const char *name;
    REPLY_FIELDS(X)
#undef X
    const struct view *lines;
    size_t line_count;
};

static const struct view *view_of(struct arena *arena, const struct fields *f)
{
    const struct view_value values[] = {
#define X(name) {#name, f->name == NULL ? "" : f->name, NULL, 0},
        REPLY_FIELDS(X)
#undef X
            {"lines", NULL, f->lines, f->line_count},
        {NULL, NULL, NULL, 0},
    };
    struct view *view = ARENA_NEW(arena, struct view);
    view->values = arena_copy(arena, values, sizeof(values));
    return view;
}

static struct view line_view(struct arena *arena, const char *name, const char *sku,
                             int64_t quantity)
{
    const struct view_value values[] = {
        {"name", name, NULL, 0},
        {"sku", sku, NULL, 0},
        {"quantity", arena_printf(arena, "%lld", (long long)quantity), NULL, 0},
        {NULL, NULL, NULL, 0},
    };
    return (struct view){arena_copy(arena, values, sizeof(values))};
}

/* One with something in every list, to check texts against. */
static const struct view *sample_view(struct arena *arena)
{
    struct view *line = ARENA_NEW(arena, struct view);
    *line = line_view(arena, "", "", 1);
    const struct fields f = {.lines = line, .line_count = 1};
    return view_of(arena, &f);
}

static const char *amount(struct arena *arena, const struct order *order, int64_t minor)
{
    struct money money = {.minor = minor};
    memcpy(money.currency, order->currency, sizeof(money.currency));
    return minor == 0 ? "" : wording_money(arena, money);
}

static const struct view *lines_view(struct arena *arena, const struct order *order)
{
    struct view *views = ARENA_ARRAY(arena, order->line_count + 1, struct view);
    for (size_t i = 0; i < order->line_count; i++) {
        const struct order_line *line = &order->lines[i];
        views[i] = line_view(arena, line->name[0] != '\0' ? line->name : line->sku, line->sku,
                             line->quantity - line->cancelled);
    }
    return views;
}

static enum status order_view(struct call *call, const struct order *order, enum language language,
                              const struct view **view)
{
    const struct orders_conf *conf = call->state;
    struct arena *arena = call->arena;
    const Order *shown = view_order(arena, order, NULL);
    struct zone *zone;
    const char *token;
    int64_t expires_at_us;
    struct fields f = {
        .shop_name = conf->shop_name,
        .number = order->number,
        .customer_name = order->customer_name,
        .total = amount(arena, order, order->current_total),
        .amount_due = amount(arena, order, order->amount_due),
        .refunded_total = amount(arena, order, order->refunded_total),
        .shipping_remark = shown->shipping_remark,
        .lines = lines_view(arena, order),
        .line_count = order->line_count,
    };
    TRY(zone_open(conf->shop_time_zone, &zone));
    f.placed_at = wording_time(arena, language, zone, order->placed_at_us);
    zone_close(&zone);
    if (order->payment_count > 0)
        f.payment_method = wording_payment(language, order->payments[0].method);
    if (conf->shop_public_url[0] != '\0')
        TRY(order_link(call, &order->id, &f.order_link, &token, &expires_at_us));
    *view = view_of(arena, &f);
    return STATUS_OK;
}

/* ---- checking ---- */

static enum status refuse_text(struct call *call, size_t index, const char *member,
                               const char *code, const char *sentence)
{
    char field[48];
    snprintf(field, sizeof(field), "texts[%zu].%s", index, member);
    return refuse(call, STATUS_INVALID, code, field, "%s", sentence);
}

static enum status check_text(struct call *call, CannedText *const *texts, size_t index)
{
    const CannedText *text = texts[index];
    enum language language;
    struct template *template;
    struct refusal no;
    const char *wrong = "";
    if (!wording_language_parse(text->locale, &language))
        return refuse_text(call, index, "locale", "invalid", "A locale is zh-Hant or en.");
    for (size_t i = 0; i < index; i++) {
        if (strcmp(texts[i]->locale, text->locale) == 0)
            return refuse_text(call, index, "locale", "duplicate",
                               "There is one text for each locale.");
    }
    if (!rules_check_body(text->body, CANNED_MAX_CHARACTERS, &no, "body"))
        return refuse_text(call, index, "body", no.code, no.text);
    enum status status =
        template_parse(call->arena, TEMPLATE_TEXT, text->body, NULL, NULL, &template, &wrong);
    if (status == STATUS_OK)
        status = template_check(template, sample_view(call->arena), call->arena, &wrong);
    return status == STATUS_OK ? STATUS_OK
                               : refuse_text(call, index, "body", "invalid_template", wrong);
}

/* Fills the reply's name and texts from what was sent. */
static enum status read_reply(struct call *call, const char *name, CannedText **texts, size_t count,
                              struct canned_reply *reply)
{
    struct refusal no;
    struct canned_reply *other;
    if (name[0] == '\0')
        return refuse(call, STATUS_INVALID, "required", "name", "A reply has a name.");
    if (!rules_check_text(name, MAX_NAME, &no, "name"))
        return refuse_by(call, &no);
    if (count == 0 || count > LANGUAGE_COUNT)
        return refuse(call, STATUS_INVALID, "required", "texts",
                      "A reply has a text in one language at least.");
    reply->name = name;
    reply->texts = ARENA_ARRAY(call->arena, count, struct canned_text);
    reply->text_count = count;
    for (size_t i = 0; i < count; i++) {
        TRY(check_text(call, texts, i));
        reply->texts[i] = (struct canned_text){reply->id, texts[i]->locale, texts[i]->body};
    }
    enum status status = store_canned_of_name(call->db, name, &other);
    if (status == STATUS_OK && !uuid_equal(&other->id, &reply->id))
        return refuse(call, STATUS_CONFLICT, "duplicate_name", "name",
                      "There is a reply of this name.");
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* ---- views ---- */

static CannedReply *view_reply(struct arena *arena, const struct canned_reply *reply)
{
    CannedReply *out = ARENA_NEW(arena, CannedReply);
    penstock__orders__v1__canned_reply__init(out);
    out->id = wire_uuid(arena, &reply->id);
    out->name = wire_text(reply->name);
    out->updated_at_us = reply->updated_at_us;
    out->updated_by = wire_text(reply->updated_by);
    out->texts = ARENA_ARRAY(arena, reply->text_count, CannedText *);
    for (size_t i = 0; i < reply->text_count; i++) {
        CannedText *text = ARENA_NEW(arena, CannedText);
        penstock__orders__v1__canned_text__init(text);
        text->locale = wire_text(reply->texts[i].locale);
        text->body = wire_text(reply->texts[i].body);
        out->texts[out->n_texts++] = text;
    }
    return out;
}

static enum status load_reply(struct call *call, const char *id, struct canned_reply **reply)
{
    struct uuid uuid;
    enum status status = STATUS_NOT_FOUND;
    if (uuid_parse(id, &uuid))
        status = store_canned_load(call->db, &uuid, reply);
    if (status == STATUS_NOT_FOUND)
        return refuse(call, STATUS_NOT_FOUND, "not_found", "id", "There is no such reply.");
    return status;
}

static enum status emit_canned_changed(struct call *call, const struct uuid *id, bool is_deleted)
{
    Penstock__Orders__V1__CannedReplyChanged event;
    penstock__orders__v1__canned_reply_changed__init(&event);
    event.canned_reply_id = wire_uuid(call->arena, id);
    event.is_deleted = is_deleted;
    return emit(call, arena_printf(call->arena, "canned_reply:%s", event.canned_reply_id),
                &event.base);
}

/* ---- routes ---- */

ORDERS_HANDLER(list_canned_replies, ListCannedRepliesRequest, ListCannedRepliesResponse)
{
    struct refusal no;
    struct canned_reply *rows;
    size_t found;
    int64_t limit;
    if (!page_limit(call, in->limit, &limit))
        return call->status;
    if (!rules_check_text(in->cursor, MAX_NAME, &no, "cursor"))
        return refuse_by(call, &no);
    TRY(store_canned_page(call->db, in->cursor, limit + 1, &rows, &found));
    size_t count = found > (size_t)limit ? (size_t)limit : found;
    out->data = ARENA_ARRAY(call->arena, count, CannedReply *);
    while (out->n_data < count) {
        out->data[out->n_data] = view_reply(call->arena, &rows[out->n_data]);
        out->n_data++;
    }
    if (found > count)
        out->next_cursor = out->data[count - 1]->name;
    return STATUS_OK;
}

ORDERS_HANDLER(create_canned_reply, CreateCannedReplyRequest, CreateCannedReplyResponse)
{
    struct canned_reply reply = {
        .id = uuid_new(), .updated_at_us = call->now_us, .updated_by = call->actor};
    TRY(read_reply(call, in->name, in->texts, in->n_texts, &reply));
    TRY(store_canned_add(call->db, &reply));
    out->canned_reply = view_reply(call->arena, &reply);
    return emit_canned_changed(call, &reply.id, false);
}

ORDERS_HANDLER(update_canned_reply, UpdateCannedReplyRequest, UpdateCannedReplyResponse)
{
    struct canned_reply *reply;
    TRY(load_reply(call, in->id, &reply));
    TRY(read_reply(call, in->name, in->texts, in->n_texts, reply));
    reply->updated_at_us = call->now_us;
    reply->updated_by = call->actor;
    TRY(store_canned_save(call->db, reply));
    out->canned_reply = view_reply(call->arena, reply);
    return emit_canned_changed(call, &reply->id, false);
}

ORDERS_HANDLER(delete_canned_reply, DeleteCannedReplyRequest, DeleteCannedReplyResponse)
{
    struct canned_reply *reply;
    (void)out;
    TRY(load_reply(call, in->id, &reply));
    TRY(store_canned_delete(call->db, &reply->id));
    return emit_canned_changed(call, &reply->id, true);
}

/* The text in the customer's language, or the first that there is. */
static const struct canned_text *text_for(const struct canned_reply *reply, const char *locale,
                                          enum language *language)
{
    *language = wording_language(locale, LANGUAGE_ZH_HANT);
    for (size_t i = 0; i < reply->text_count; i++) {
        if (strcmp(reply->texts[i].locale, wording_language_tag(*language)) == 0)
            return &reply->texts[i];
    }
    (void)wording_language_parse(reply->texts[0].locale, language);
    return &reply->texts[0];
}

ORDERS_HANDLER(preview_canned_reply, PreviewCannedReplyRequest, PreviewCannedReplyResponse)
{
    struct canned_reply *reply;
    struct order *order;
    struct template *template;
    const struct view *view;
    const char *wrong;
    enum language language;
    TRY(load_reply(call, in->id, &reply));
    TRY(load_order(call, in->order, "order", &order));
    const struct canned_text *text = text_for(reply, order->locale, &language);
    TRY(order_view(call, order, language, &view));
    if (template_parse(call->arena, TEMPLATE_TEXT, text->body, NULL, NULL, &template, &wrong) !=
            STATUS_OK ||
        template_check(template, view, call->arena, &wrong) != STATUS_OK)
        return refuse(call, STATUS_CONFLICT, "invalid_template", "id", "%s", wrong);
    struct buffer written = buffer_open(call->arena, 1024);
    template_render(template, view, &written);
    out->locale = wire_text(text->locale);
    out->body = written.bytes;
    return STATUS_OK;
}
