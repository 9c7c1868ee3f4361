#include "services/gateway/inbox.h"

#include <assert.h>
#include <string.h>

#include "penstock/gateway/v1/gateway.pb-c.h"
#include "services/gateway/store_inbox.h"

typedef Penstock__Gateway__V1__InboxDelivery Delivery;
typedef Penstock__Gateway__V1__ListInboxRequest ListInboxRequest;
typedef Penstock__Gateway__V1__ListInboxResponse ListInboxResponse;
typedef Penstock__Gateway__V1__GetDeliveryRequest GetDeliveryRequest;
typedef Penstock__Gateway__V1__GetDeliveryResponse GetDeliveryResponse;
typedef Penstock__Gateway__V1__ReplayDeliveryRequest ReplayDeliveryRequest;
typedef Penstock__Gateway__V1__ReplayDeliveryResponse ReplayDeliveryResponse;

#define X(name, number)                                                                            \
    static_assert((int)PENSTOCK__GATEWAY__V1__DELIVERY_STATUS__DELIVERY_STATUS_##name ==           \
                      INBOX_##name,                                                                \
                  "sent as it is stored");
INBOX_STATUSES(X)
#undef X

#define DEFAULT_LIMIT 50
#define MAX_LIMIT 200

static char *id_text(struct arena *arena, const struct uuid *id)
{
    return uuid_is_nil(id) ? arena_strdup(arena, "")
                           : uuid_text(id, arena_alloc(arena, UUID_TEXT_BYTES));
}

static Delivery *view_of(struct arena *arena, const struct inbox_row *row)
{
    Delivery *view = ARENA_NEW(arena, Delivery);
    penstock__gateway__v1__inbox_delivery__init(view);
    view->id = id_text(arena, &row->id);
    view->channel = arena_strdup(arena, row->channel);
    view->topic = arena_strdup(arena, row->topic);
    view->external_id = arena_strdup(arena, row->external_id);
    view->status = (Penstock__Gateway__V1__DeliveryStatus)row->status;
    view->reason_code = arena_strdup(arena, row->reason_code);
    view->reason = arena_strdup(arena, row->reason);
    view->order_id = id_text(arena, &row->order_id);
    view->order_number = arena_strdup(arena, row->order_number);
    view->effect = arena_strdup(arena, row->effect);
    view->attempts = row->attempts;
    view->received_at_us = row->received_at;
    view->done_at_us = row->done_at;
    view->body_bytes = row->body_bytes;
    return view;
}

static enum status load(struct call *call, const char *text, struct inbox_row **row)
{
    struct uuid id;
    enum status status = STATUS_NOT_FOUND;
    if (uuid_parse(text, &id))
        status = store_inbox_by_id(call->db, &id, row);
    if (status == STATUS_NOT_FOUND)
        return refuse(call, STATUS_NOT_FOUND, "not_found", "id",
                      "There is no delivery with this id.");
    return status;
}

static enum status read_filter(struct call *call, const ListInboxRequest *in,
                               struct inbox_filter *filter)
{
    if (*in->cursor != '\0' && !uuid_parse(in->cursor, &filter->before))
        return refuse(call, STATUS_INVALID, "invalid", "cursor",
                      "The cursor is not one that a list has given.");
    if (in->limit < 0 || in->limit > MAX_LIMIT)
        return refuse(call, STATUS_INVALID, "out_of_range", "limit", "A page has 1 to %d entries.",
                      MAX_LIMIT);
    filter->limit = in->limit == 0 ? DEFAULT_LIMIT : (size_t)in->limit;
    filter->status = (int32_t)in->status;
    filter->channel = in->channel;
    filter->external_id = in->external_id;
    return STATUS_OK;
}

enum status handle_list_inbox(struct call *call, const ProtobufCMessage *message,
                              ProtobufCMessage *reply)
{
    const ListInboxRequest *in = (const ListInboxRequest *)message;
    ListInboxResponse *out = (ListInboxResponse *)reply;
    struct inbox_filter filter = {.limit = 0};
    struct inbox_row *rows;
    size_t count;
    TRY(read_filter(call, in, &filter));
    size_t limit = filter.limit++; /* one more tells whether there is another page */
    TRY(store_inbox_page(call->db, &filter, &rows, &count));
    out->n_data = count < limit ? count : limit;
    out->data = ARENA_ARRAY(call->arena, out->n_data + 1, Delivery *);
    for (size_t i = 0; i < out->n_data; i++)
        out->data[i] = view_of(call->arena, &rows[i]);
    if (count > limit)
        out->next_cursor = id_text(call->arena, &rows[limit - 1].id);
    return STATUS_OK;
}

enum status handle_get_delivery(struct call *call, const ProtobufCMessage *message,
                                ProtobufCMessage *reply)
{
    const GetDeliveryRequest *in = (const GetDeliveryRequest *)message;
    GetDeliveryResponse *out = (GetDeliveryResponse *)reply;
    struct inbox_row *row;
    TRY(load(call, in->id, &row));
    out->delivery = view_of(call->arena, row);
    return STATUS_OK;
}

/* What waits already is left as it is. */
enum status handle_replay_delivery(struct call *call, const ProtobufCMessage *message,
                                   ProtobufCMessage *reply)
{
    const ReplayDeliveryRequest *in = (const ReplayDeliveryRequest *)message;
    ReplayDeliveryResponse *out = (ReplayDeliveryResponse *)reply;
    struct inbox_row *row;
    TRY(load(call, in->id, &row));
    if (row->status != INBOX_RECEIVED && !row->has_body)
        return refuse(call, STATUS_CONFLICT, "body_forgotten", "id",
                      "Its body is no longer kept, so there is nothing to replay.");
    if (row->status != INBOX_RECEIVED) {
        TRY(store_inbox_replay(call->db, &row->id, call->now_us));
        outcall_kick(call, "inbox");
        row->status = INBOX_RECEIVED;
        row->done_at = 0;
        row->reason_code = row->reason = "";
    }
    out->delivery = view_of(call->arena, row);
    return STATUS_OK;
}
