/* What the shop and the customer write to each other about an order. */
#include "handlers_messages.h"

#include <string.h>

typedef Penstock__Orders__V1__PostMessageRequest PostMessageRequest;
typedef Penstock__Orders__V1__PostMessageResponse PostMessageResponse;
typedef Penstock__Orders__V1__ListOrderMessagesRequest ListOrderMessagesRequest;
typedef Penstock__Orders__V1__ListOrderMessagesResponse ListOrderMessagesResponse;
typedef Penstock__Orders__V1__SetShippingRemarkRequest SetShippingRemarkRequest;
typedef Penstock__Orders__V1__SetShippingRemarkResponse SetShippingRemarkResponse;
typedef Penstock__Orders__V1__GetLetterTextsRequest GetLetterTextsRequest;
typedef Penstock__Orders__V1__GetLetterTextsResponse GetLetterTextsResponse;
typedef Penstock__Orders__V1__LetterText LetterText;

#define DEFAULT_LIMIT 50
#define MAX_LIMIT 200
#define MAX_LETTERS 200

#define MESSAGE_DIRECTION(name)                                                                    \
    ((int)PENSTOCK__ORDERS__V1__MESSAGE_DIRECTION__MESSAGE_DIRECTION_##name)
static_assert((int)DIRECTION_CUSTOMER == MESSAGE_DIRECTION(CUSTOMER) &&
                  (int)DIRECTION_STAFF == MESSAGE_DIRECTION(STAFF),
              "directions");

/* ---- shared ---- */

bool page_limit(struct call *call, int32_t asked, int64_t *limit)
{
    *limit = asked == 0 ? DEFAULT_LIMIT : asked;
    if (*limit >= 1 && *limit <= MAX_LIMIT)
        return true;
    (void)refuse(call, STATUS_INVALID, "out_of_range", "limit", "A limit is from 1 to 200.");
    return false;
}

bool page_cursor(struct call *call, const char *cursor, struct uuid *id)
{
    *id = (struct uuid){{0}};
    if (cursor[0] == '\0' || uuid_parse(cursor, id))
        return true;
    (void)refuse(call, STATUS_INVALID, "invalid", "cursor",
                 "A cursor is the next_cursor of the page before.");
    return false;
}

ThreadMessage *view_message(struct arena *arena, const struct thread_message *message)
{
    ThreadMessage *out = ARENA_NEW(arena, ThreadMessage);
    penstock__orders__v1__thread_message__init(out);
    out->id = wire_uuid(arena, &message->id);
    out->order_id = wire_uuid(arena, &message->order_id);
    out->direction = (Penstock__Orders__V1__MessageDirection)message->direction;
    out->author = wire_text(message->author);
    out->body = wire_text(message->body);
    out->created_at_us = message->created_at_us;
    out->is_read = message->is_read;
    return out;
}

static enum status emit_posted(struct call *call, const struct thread_message *message)
{
    Penstock__Orders__V1__MessagePosted event;
    penstock__orders__v1__message_posted__init(&event);
    event.order_id = wire_uuid(call->arena, &message->order_id);
    event.message_id = wire_uuid(call->arena, &message->id);
    event.direction = (Penstock__Orders__V1__MessageDirection)message->direction;
    call_log_order(call, "orders.message_posted", "A message is written", event.order_id);
    return emit(call, event.order_id, &event.base);
}

enum status write_message(struct call *call, struct order *order, enum direction direction,
                          const char *body, struct thread_message *message)
{
    struct act act = act_of(call);
    *message = (struct thread_message){.order_id = order->id,
                                       .id = uuid_new(),
                                       .direction = (int32_t)direction,
                                       .is_read = direction == DIRECTION_STAFF,
                                       .created_at_us = call->now_us,
                                       .author = call->actor,
                                       .body = body};
    rules_note(order, &act, direction == DIRECTION_STAFF ? "message_sent" : "message_received",
               NULL);
    TRY(store_message_add(call->db, message));
    store_order_save(call->db, order);
    return emit_posted(call, message);
}

/* ---- the shop writes ---- */

ORDERS_HANDLER(post_message, PostMessageRequest, PostMessageResponse)
{
    struct order *order;
    struct refusal no;
    struct thread_message message;
    if (!rules_check_body(in->body, MESSAGE_MAX_CHARACTERS, &no, "body"))
        return refuse_by(call, &no);
    TRY(load_order(call, in->id, "id", &order));
    TRY(write_message(call, order, DIRECTION_STAFF, in->body, &message));
    out->message = view_message(call->arena, &message);
    return STATUS_OK;
}

/* What was written is not kept with the command's identity, and is in the request again. */
void strip_message(ProtobufCMessage *out, struct arena *arena)
{
    PostMessageResponse *response = (PostMessageResponse *)out;
    (void)arena;
    if (response->message != NULL)
        response->message->body = wire_text("");
}

enum status render_message(struct call *call, const ProtobufCMessage *in, ProtobufCMessage *out)
{
    PostMessageResponse *response = (PostMessageResponse *)out;
    (void)call;
    if (response->message != NULL)
        response->message->body = ((const PostMessageRequest *)in)->body;
    return STATUS_OK;
}

ORDERS_HANDLER(list_order_messages, ListOrderMessagesRequest, ListOrderMessagesResponse)
{
    struct order *order;
    struct thread_message *rows;
    struct uuid after;
    int64_t limit;
    size_t found;
    if (!page_limit(call, in->limit, &limit) || !page_cursor(call, in->cursor, &after))
        return call->status;
    TRY(load_order(call, in->id, "id", &order));
    TRY(store_messages_page(call->db, &order->id, &after, limit + 1, &rows, &found));
    size_t count = found > (size_t)limit ? (size_t)limit : found;
    out->data = ARENA_ARRAY(call->arena, count, ThreadMessage *);
    while (out->n_data < count) {
        out->data[out->n_data] = view_message(call->arena, &rows[out->n_data]);
        out->n_data++;
    }
    if (found > count)
        out->next_cursor = out->data[count - 1]->id;
    return STATUS_OK;
}

/* ---- the shipping remark ---- */

static enum status emit_remark_changed(struct call *call, const struct order *order)
{
    Penstock__Orders__V1__ShippingRemarkChanged event;
    penstock__orders__v1__shipping_remark_changed__init(&event);
    event.order_id = wire_uuid(call->arena, &order->id);
    call_log_order(call, "orders.remark_changed", "The shipping remark is changed", event.order_id);
    return emit(call, event.order_id, &event.base);
}

/* True when it is another remark now. */
static bool set_remark(struct call *call, struct order *order, const char *remark)
{
    struct act act = act_of(call);
    OrderDetails *details = (OrderDetails *)(void *)protobuf_c_message_unpack(
        &penstock__orders__v1__order_details__descriptor, arena_protobuf(call->arena),
        order->details_bytes, order->details);
    if (details == NULL) {
        details = ARENA_NEW(call->arena, OrderDetails);
        penstock__orders__v1__order_details__init(details);
    }
    if (strcmp(details->shipping_remark, remark) == 0)
        return false;
    details->shipping_remark = wire_text(remark);
    order->details_bytes = protobuf_c_message_get_packed_size(&details->base);
    uint8_t *packed = arena_alloc(call->arena, order->details_bytes + 1);
    protobuf_c_message_pack(&details->base, packed);
    order->details = packed;
    order->is_rewritten = true;
    rules_note(order, &act, "remark_changed", NULL);
    return true;
}

ORDERS_HANDLER(set_shipping_remark, SetShippingRemarkRequest, SetShippingRemarkResponse)
{
    struct order *order;
    struct refusal no;
    if (!rules_check_lines(in->shipping_remark, ORDERS_MAX_REMARK, &no, "shipping_remark"))
        return refuse_by(call, &no);
    TRY(load_order(call, in->id, "id", &order));
    if (set_remark(call, order, in->shipping_remark)) {
        TRY(emit_remark_changed(call, order));
        store_order_save(call->db, order);
    }
    out->order = view_order(call->arena, order, NULL);
    return STATUS_OK;
}

/* ---- letters ---- */

static LetterText *add_letter(struct call *call, GetLetterTextsResponse *out, const struct uuid *id)
{
    LetterText *text = ARENA_NEW(call->arena, LetterText);
    penstock__orders__v1__letter_text__init(text);
    text->id = wire_uuid(call->arena, id);
    out->texts[out->n_texts++] = text;
    return text;
}

static bool read_ids(struct call *call, char *const *texts, size_t count, struct uuid **ids)
{
    *ids = ARENA_ARRAY(call->arena, count, struct uuid);
    for (size_t i = 0; i < count; i++) {
        if (!uuid_parse(texts[i], &(*ids)[i]))
            return false;
    }
    return true;
}

static enum status message_letters(struct call *call, const struct uuid *ids, size_t count,
                                   GetLetterTextsResponse *out)
{
    struct thread_message *rows;
    size_t found;
    TRY(store_messages_by_id(call->db, ids, count, &rows, &found));
    for (size_t i = 0; i < found; i++)
        add_letter(call, out, &rows[i].id)->text = wire_text(rows[i].body);
    return STATUS_OK;
}

/* A code that has expired, or that a newer one has taken the place of, is an empty text. */
static enum status code_letters(struct call *call, const struct uuid *ids, size_t count,
                                GetLetterTextsResponse *out)
{
    struct lookup *rows;
    struct links links;
    size_t found;
    TRY(store_links_load(call->db, call->arena, NULL, 0, &links));
    TRY(store_lookups_by_codes(call->db, ids, count, &rows, &found));
    for (size_t i = 0; i < found; i++) {
        char code[LINK_CODE_DIGITS + 1];
        if (rules_lookup_code_is_good(&rows[i], call->now_us))
            add_letter(call, out, &rows[i].code_id)->text =
                arena_strdup(call->arena, rules_code_text(links.secret, &rows[i].code_id, code));
    }
    return STATUS_OK;
}

ORDERS_HANDLER(get_letter_texts, GetLetterTextsRequest, GetLetterTextsResponse)
{
    struct uuid *messages, *codes;
    size_t count = in->n_message_ids + in->n_code_ids;
    if (count > MAX_LETTERS)
        return refuse(call, STATUS_INVALID, "too_many", "message_ids",
                      "At most 200 letters are asked about at a time.");
    if (!read_ids(call, in->message_ids, in->n_message_ids, &messages) ||
        !read_ids(call, in->code_ids, in->n_code_ids, &codes))
        return refuse(call, STATUS_INVALID, "invalid", "message_ids", "An id is a UUID.");
    out->texts = ARENA_ARRAY(call->arena, count, LetterText *);
    if (in->n_message_ids > 0)
        TRY(message_letters(call, messages, in->n_message_ids, out));
    if (in->n_code_ids > 0)
        TRY(code_letters(call, codes, in->n_code_ids, out));
    return STATUS_OK;
}
