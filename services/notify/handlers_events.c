/* What happens elsewhere and is to be told to a customer. Each event queues one row, in the
 * transaction that moves the cursor past it. */
#include "services/notify/handlers.h"

#include "services/notify/letters.h"
#include "services/notify/rules.h"
#include "services/notify/store.h"

typedef Penstock__Orders__V1__OrderPlaced OrderPlaced;
typedef Penstock__Orders__V1__OrderSplit OrderSplit;
typedef Penstock__Orders__V1__OrderSplitOff OrderSplitOff;
typedef Penstock__Orders__V1__OrderUnsplit OrderUnsplit;
typedef Penstock__Orders__V1__OrderChanged OrderChanged;
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

/* What is left of an order, when whoever split it wants its customer to know: about this child. */
static enum status tell_what_is_left(struct batch *batch, struct call *call, const char *order_id,
                                     const char *about, bool is_wanted)
{
    struct message_new message;
    TRY(message_about(call, MESSAGE_ORDER_CONFIRMATION, order_id, about, &message));
    if (!is_wanted) {
        message.status = MESSAGE_SUPPRESSED;
        message.reason = REASON_NOT_ASKED_FOR;
    }
    store_message_add(batch->db, &message, batch->now_us);
    outcall_kick(call, "send");
    return STATUS_OK;
}

BATCH_HANDLER(order_split)
{
    for_each_event(batch, call, OrderSplit, event) {
        enum status status = tell_what_is_left(batch, call, event->order_id, event->child_id,
                                               event->notify_customer);
        if (call->status == STATUS_OK)
            TRY(status);
    }
    return STATUS_OK;
}

/* The letter about the child, beside the one about the split itself, has the child's own id. */
BATCH_HANDLER(order_unsplit)
{
    for_each_event(batch, call, OrderUnsplit, event) {
        struct uuid ids[2];
        char text[UUID_TEXT_BYTES];
        if (!uuid_parse(event->order_id, &ids[0]) || !uuid_parse(event->child_id, &ids[1]))
            continue;
        struct uuid subject = uuid_of_hash(ids, sizeof(ids));
        enum status status = tell_what_is_left(batch, call, event->order_id,
                                               uuid_text(&subject, text), event->notify_customer);
        if (call->status == STATUS_OK)
            TRY(status);
    }
    return STATUS_OK;
}

BATCH_HANDLER(order_split_off)
{
    for_each_event(batch, call, OrderSplitOff, event) {
        struct message_new message;
        if (message_about(call, MESSAGE_ORDER_CONFIRMATION, event->order_id, event->order_id,
                          &message) != STATUS_OK)
            continue;
        message.order_number = event->number;
        if (event->is_silent || !event->notify_customer) {
            message.status = MESSAGE_SUPPRESSED;
            message.reason = event->is_silent ? REASON_SWITCHED_OFF : REASON_NOT_ASKED_FOR;
        }
        store_message_add(batch->db, &message, batch->now_us);
        outcall_kick(call, "send");
    }
    return STATUS_OK;
}

const char *notify_follows(const ProtobufCMessage *event)
{
    if (event->descriptor != &penstock__orders__v1__order_split_off__descriptor)
        return NULL;
    return ((const OrderSplitOff *)event)->parent_id;
}

/* One mail about what happened; what of the event the letter needs is kept with it, if anything. */
static void queue_mail(struct batch *batch, struct call *call, enum message_kind kind,
                       const char *order_id, const char *about, const ProtobufCMessage *detail)
{
    struct message_new message;
    if (message_about(call, kind, order_id, about, &message) != STATUS_OK)
        return;
    if (detail != NULL)
        keep_detail(call, detail, &message);
    store_message_add(batch->db, &message, batch->now_us);
    outcall_kick(call, "send");
}

BATCH_HANDLER(fulfillment_shipped)
{
    for_each_event(batch, call, FulfillmentShipped, event) {
        queue_mail(batch, call, MESSAGE_SHIPMENT, event->order_id, event->parcel_id, &event->base);
    }
    return STATUS_OK;
}

BATCH_HANDLER(refund_recorded)
{
    for_each_event(batch, call, RefundRecorded, event) {
        if (event->status != PENSTOCK__ORDERS__V1__REFUND_STATUS__REFUND_STATUS_SUCCEEDED)
            continue;
        queue_mail(batch, call, MESSAGE_REFUND, event->order_id, event->refund_id, &event->base);
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
        queue_mail(batch, call, MESSAGE_STAFF_MESSAGE, event->order_id, event->message_id,
                   &event->base);
    }
    return STATUS_OK;
}

BATCH_HANDLER(order_code_requested)
{
    for_each_event(batch, call, OrderCodeRequested, event) {
        queue_mail(batch, call, MESSAGE_ORDER_CODE, event->order_id, event->code_id, &event->base);
    }
    return STATUS_OK;
}

/* An edit is told when the person who made it says so. Its event is what the mail is about: the
 * letter shows the order as it is when it is written. */
BATCH_HANDLER(order_changed)
{
    for_each_event(batch, call, OrderChanged, event) {
        char event_id[UUID_TEXT_BYTES];
        if (!event->is_edit || !event->notify_customer)
            continue;
        uuid_text(&call->event->event_id, event_id);
        queue_mail(batch, call, MESSAGE_ORDER_EDITED, event->order_id, event_id, NULL);
    }
    return STATUS_OK;
}

const struct subscription notify_subscriptions[] = {
    {"orders", &penstock__orders__v1__order_placed__descriptor, order_placed},
    {"orders", &penstock__orders__v1__order_split__descriptor, order_split},
    {"orders", &penstock__orders__v1__order_split_off__descriptor, order_split_off},
    {"orders", &penstock__orders__v1__order_unsplit__descriptor, order_unsplit},
    {"orders", &penstock__orders__v1__order_changed__descriptor, order_changed},
    {"orders", &penstock__orders__v1__refund_recorded__descriptor, refund_recorded},
    {"orders", &penstock__orders__v1__message_posted__descriptor, message_posted},
    {"orders", &penstock__orders__v1__order_code_requested__descriptor, order_code_requested},
    {"fulfillment", &penstock__fulfillment__v1__fulfillment_shipped__descriptor,
     fulfillment_shipped},
    {NULL, NULL, NULL},
};
