/* What happens elsewhere and is to be told to a customer. Each event queues one row, in the
 * transaction that moves the cursor past it. */
#include "services/notify/handlers.h"

#include "services/notify/letters.h"
#include "services/notify/rules.h"
#include "services/notify/store.h"

typedef Penstock__Orders__V1__OrderPlaced OrderPlaced;
typedef Penstock__Orders__V1__MessagePosted MessagePosted;
typedef Penstock__Orders__V1__OrderCodeRequested OrderCodeRequested;

static const char *message_id_text(struct call *call, const struct uuid *id)
{
    const struct notify *notify = call->state;
    char text[UUID_TEXT_BYTES];
    return arena_printf(call->arena, "<%s@%s>", uuid_text(id, text), notify->message_id_domain);
}

/* The message about this subject, or a refusal, which parks the event: its ids are no ids. */
static enum status message_about(struct call *call, enum message_kind kind, const char *order_id,
                                 const char *subject_id, struct message_new *message)
{
    struct uuid subject;
    *message = (struct message_new){.kind = kind, .status = MESSAGE_QUEUED};
    if (!uuid_parse(order_id, &message->order_id) || !uuid_parse(subject_id, &subject))
        return refuse(call, STATUS_INVALID, "invalid", "order_id", "An id is not a UUID.");
    message->id = rules_message_id(&message->order_id, kind, &subject);
    message->message_id = message_id_text(call, &message->id);
    return STATUS_OK;
}

/* What the letter will need of the event. */
static void keep_detail(struct call *call, const ProtobufCMessage *event,
                        struct message_new *message)
{
    message->detail_bytes = protobuf_c_message_get_packed_size(event);
    uint8_t *packed = arena_alloc(call->arena, message->detail_bytes + 1);
    protobuf_c_message_pack(event, packed);
    message->detail = packed;
}

BATCH_HANDLER(order_placed)
{
    for_each_event(batch, call, OrderPlaced, event) {
        struct message_new message;
        if (message_about(call, MESSAGE_ORDER_CONFIRMATION, event->order_id, event->order_id,
                          &message) != STATUS_OK)
            continue;
        message.order_number = event->number;
        if (!event->notify_customer) {
            message.status = MESSAGE_SUPPRESSED;
            message.reason = REASON_SWITCHED_OFF;
        }
        store_message_add(batch->db, &message, batch->now_us);
        outcall_kick(call, "send");
    }
    return STATUS_OK;
}

BATCH_HANDLER(fulfillment_shipped)
{
    for_each_event(batch, call, FulfillmentShipped, event) {
        struct message_new message;
        if (message_about(call, MESSAGE_SHIPMENT, event->order_id, event->parcel_id, &message) !=
            STATUS_OK)
            continue;
        keep_detail(call, &event->base, &message);
        store_message_add(batch->db, &message, batch->now_us);
        outcall_kick(call, "send");
    }
    return STATUS_OK;
}

BATCH_HANDLER(refund_recorded)
{
    for_each_event(batch, call, RefundRecorded, event) {
        if (event->status != PENSTOCK__ORDERS__V1__REFUND_STATUS__REFUND_STATUS_SUCCEEDED)
            continue;
        struct message_new message;
        if (message_about(call, MESSAGE_REFUND, event->order_id, event->refund_id, &message) !=
            STATUS_OK)
            continue;
        keep_detail(call, &event->base, &message);
        store_message_add(batch->db, &message, batch->now_us);
        outcall_kick(call, "send");
    }
    return STATUS_OK;
}

/* Only what the shop wrote goes out; what the customer wrote the shop reads in the message centre.
 */
BATCH_HANDLER(message_posted)
{
    for_each_event(batch, call, MessagePosted, event) {
        if (event->direction != PENSTOCK__ORDERS__V1__MESSAGE_DIRECTION__MESSAGE_DIRECTION_STAFF)
            continue;
        struct message_new message;
        if (message_about(call, MESSAGE_STAFF_MESSAGE, event->order_id, event->message_id,
                          &message) != STATUS_OK)
            continue;
        keep_detail(call, &event->base, &message);
        store_message_add(batch->db, &message, batch->now_us);
        outcall_kick(call, "send");
    }
    return STATUS_OK;
}

BATCH_HANDLER(order_code_requested)
{
    for_each_event(batch, call, OrderCodeRequested, event) {
        struct message_new message;
        if (message_about(call, MESSAGE_ORDER_CODE, event->order_id, event->code_id, &message) !=
            STATUS_OK)
            continue;
        keep_detail(call, &event->base, &message);
        store_message_add(batch->db, &message, batch->now_us);
        outcall_kick(call, "send");
    }
    return STATUS_OK;
}

const struct subscription notify_subscriptions[] = {
    {"orders", &penstock__orders__v1__order_placed__descriptor, order_placed},
    {"orders", &penstock__orders__v1__refund_recorded__descriptor, refund_recorded},
    {"orders", &penstock__orders__v1__message_posted__descriptor, message_posted},
    {"orders", &penstock__orders__v1__order_code_requested__descriptor, order_code_requested},
    {"fulfillment", &penstock__fulfillment__v1__fulfillment_shipped__descriptor,
     fulfillment_shipped},
    {NULL, NULL, NULL},
};
