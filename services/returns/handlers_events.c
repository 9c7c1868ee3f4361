/* What the logs of orders and fulfillment say: rows that are read when something comes back. The
 * two logs write different rows, so that it does not matter which is read first. */
#include <string.h>

#include "handlers.h"
#include "penstock/fulfillment/v1/fulfillment.pb-c.h"
#include "penstock/orders/v1/orders.pb-c.h"

typedef Penstock__Fulfillment__V1__FulfillmentShipped FulfillmentShipped;
typedef Penstock__Fulfillment__V1__ParcelDelivered ParcelDelivered;
typedef Penstock__Fulfillment__V1__WorkLine WorkLine;
typedef Penstock__Orders__V1__CancelledLine CancelledLine;
typedef Penstock__Orders__V1__OrderCancelled OrderCancelled;
typedef Penstock__Orders__V1__OrderChanged OrderChanged;
typedef Penstock__Orders__V1__OrderPlaced OrderPlaced;
typedef Penstock__Orders__V1__OrderSplitOff OrderSplitOff;
typedef Penstock__Orders__V1__PlacedLine PlacedLine;

static void park(struct call *call, const char *what)
{
    (void)refuse(call, STATUS_INVALID, "bad_event", what,
                 "The event's %s is not what it should be.", what);
}

static bool are_lines(PlacedLine *const *lines, size_t count)
{
    struct uuid id;
    for (size_t i = 0; i < count; i++)
        if (!uuid_parse(lines[i]->line_id, &id) || lines[i]->quantity < 0)
            return false;
    return true;
}

/* Keeps of each line what a return needs, packed; the currency stands once, in the total. */
static uint8_t *pack_lines(struct arena *arena, PlacedLine *const *lines, size_t count,
                           Money *total, size_t *bytes)
{
    OrderChanged kept = PENSTOCK__ORDERS__V1__ORDER_CHANGED__INIT;
    PlacedLine *copies = ARENA_ARRAY(arena, count, PlacedLine);
    Money *amounts = ARENA_ARRAY(arena, count, Money);
    kept.lines = ARENA_ARRAY(arena, count, PlacedLine *);
    kept.n_lines = count;
    kept.total = total;
    for (size_t i = 0; i < count; i++) {
        kept.lines[i] = &copies[i];
        penstock__orders__v1__placed_line__init(&copies[i]);
        penstock__common__v1__money__init(&amounts[i]);
        copies[i].line_id = lines[i]->line_id;
        copies[i].sku = lines[i]->sku;
        copies[i].name = lines[i]->name;
        copies[i].quantity = lines[i]->quantity;
        if (lines[i]->total == NULL)
            continue;
        amounts[i].amount_minor = lines[i]->total->amount_minor;
        copies[i].total = &amounts[i];
    }
    uint8_t *packed = arena_alloc(arena, protobuf_c_message_get_packed_size(&kept.base));
    *bytes = protobuf_c_message_pack(&kept.base, packed);
    return packed;
}

BATCH_HANDLER(on_order_placed)
{
    for_each_event(batch, call, OrderPlaced, event) {
        struct uuid order_id;
        size_t bytes;
        if (!uuid_parse(event->order_id, &order_id) || !are_lines(event->lines, event->n_lines)) {
            park(call, "lines");
            continue;
        }
        const uint8_t *lines =
            pack_lines(batch->arena, event->lines, event->n_lines, event->total, &bytes);
        store_sale_add(batch->db, &order_id, event->number, lines, bytes);
    }
    return STATUS_OK;
}

BATCH_HANDLER(on_order_split_off)
{
    for_each_event(batch, call, OrderSplitOff, event) {
        struct uuid order_id;
        size_t bytes;
        if (!uuid_parse(event->order_id, &order_id) || !are_lines(event->lines, event->n_lines)) {
            park(call, "lines");
            continue;
        }
        const uint8_t *lines =
            pack_lines(batch->arena, event->lines, event->n_lines, event->total, &bytes);
        store_sale_add(batch->db, &order_id, event->number, lines, bytes);
    }
    return STATUS_OK;
}

const char *returns_follows(const ProtobufCMessage *event)
{
    if (event->descriptor != &penstock__orders__v1__order_split_off__descriptor)
        return NULL;
    return ((const OrderSplitOff *)event)->parent_id;
}

/* A set must not write one row twice: the last change of an order counts. */
static bool changes_again(const struct batch *batch, const struct call *call, const char *order_id)
{
    for (const struct call *later = call + 1; later < batch->calls + batch->count; later++)
        if (strcmp(((const OrderChanged *)later->in)->order_id, order_id) == 0)
            return true;
    return false;
}

BATCH_HANDLER(on_order_changed)
{
    struct uuid *ids = ARENA_ARRAY(batch->arena, batch->count, struct uuid);
    size_t count = 0;
    for_each_event(batch, call, OrderChanged, event) {
        size_t bytes;
        if (changes_again(batch, call, event->order_id))
            continue;
        if (!uuid_parse(event->order_id, &ids[count]) || !are_lines(event->lines, event->n_lines)) {
            park(call, "lines");
            continue;
        }
        const uint8_t *lines =
            pack_lines(batch->arena, event->lines, event->n_lines, event->total, &bytes);
        store_sale_change(batch->db, &ids[count++], lines, bytes);
    }
    return store_sales_changed(batch->db, ids, count);
}

static bool are_cancelled_lines(CancelledLine *const *lines, size_t count)
{
    struct uuid id;
    for (size_t i = 0; i < count; i++)
        if (!uuid_parse(lines[i]->line_id, &id) || lines[i]->cancelled < 0 ||
            lines[i]->cancelled > RETURNS_MAX_QUANTITY)
            return false;
    return true;
}

BATCH_HANDLER(on_order_cancelled)
{
    for_each_event(batch, call, OrderCancelled, event) {
        struct uuid order_id, line_id;
        if (!uuid_parse(event->order_id, &order_id) ||
            !are_cancelled_lines(event->lines, event->n_lines)) {
            park(call, "lines");
            continue;
        }
        for (size_t i = 0; i < event->n_lines; i++)
            if (uuid_parse(event->lines[i]->line_id, &line_id) && event->lines[i]->cancelled > 0)
                store_cancelled_add(batch->db, &order_id, &line_id, event->lines[i]->cancelled);
    }
    return STATUS_OK;
}

static bool are_work_lines(WorkLine *const *lines, size_t count)
{
    struct uuid id;
    for (size_t i = 0; i < count; i++)
        if (!uuid_parse(lines[i]->order_line_id, &id) || lines[i]->total < 0 ||
            lines[i]->total > INT32_MAX)
            return false;
    return true;
}

BATCH_HANDLER(on_shipped)
{
    for_each_event(batch, call, FulfillmentShipped, event) {
        struct uuid order_id, line_id;
        if (!uuid_parse(event->order_id, &order_id) ||
            !are_work_lines(event->lines, event->n_lines)) {
            park(call, "lines");
            continue;
        }
        for (size_t i = 0; i < event->n_lines; i++)
            if (uuid_parse(event->lines[i]->order_line_id, &line_id))
                store_shipped_add(batch->db, &order_id, &line_id, event->lines[i]->total, 0);
    }
    return STATUS_OK;
}

BATCH_HANDLER(on_delivered)
{
    for_each_event(batch, call, ParcelDelivered, event) {
        struct uuid order_id, line_id;
        if (!uuid_parse(event->order_id, &order_id) ||
            !are_work_lines(event->lines, event->n_lines)) {
            park(call, "lines");
            continue;
        }
        for (size_t i = 0; i < event->n_lines; i++)
            if (uuid_parse(event->lines[i]->order_line_id, &line_id))
                store_shipped_add(batch->db, &order_id, &line_id, 0, event->lines[i]->total);
    }
    return STATUS_OK;
}

const struct subscription returns_subscriptions[] = {
    {"orders", &penstock__orders__v1__order_placed__descriptor, on_order_placed},
    {"orders", &penstock__orders__v1__order_split_off__descriptor, on_order_split_off},
    {"orders", &penstock__orders__v1__order_changed__descriptor, on_order_changed},
    {"orders", &penstock__orders__v1__order_cancelled__descriptor, on_order_cancelled},
    {"fulfillment", &penstock__fulfillment__v1__fulfillment_shipped__descriptor, on_shipped},
    {"fulfillment", &penstock__fulfillment__v1__parcel_delivered__descriptor, on_delivered},
    {NULL, NULL, NULL},
};
