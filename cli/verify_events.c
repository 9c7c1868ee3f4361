/* verify_events.c -- what each event says, for each of those who have read it. */
#include <string.h>

#include "cli/verify_fold.h"
#include "penstock/bus/v1/bus.pb-c.h"
#include "penstock/fulfillment/v1/fulfillment.pb-c.h"
#include "penstock/inventory/v1/inventory.pb-c.h"
#include "penstock/orders/v1/orders.pb-c.h"
#include "penstock/returns/v1/returns.pb-c.h"

typedef Penstock__Bus__V1__HoldVoided HoldVoided;
typedef Penstock__Orders__V1__OrderPlaced OrderPlaced;
typedef Penstock__Orders__V1__OrderChanged OrderChanged;
typedef Penstock__Orders__V1__OrderCancelled OrderCancelled;
typedef Penstock__Orders__V1__HoldReleased HoldReleased;
typedef Penstock__Orders__V1__RefundRecorded RefundRecorded;
typedef Penstock__Orders__V1__MessagePosted MessagePosted;
typedef Penstock__Orders__V1__PlacedLine PlacedLine;
typedef Penstock__Inventory__V1__StockAllocated StockAllocated;
typedef Penstock__Fulfillment__V1__FulfillmentPicked FulfillmentPicked;
typedef Penstock__Fulfillment__V1__FulfillmentPacked FulfillmentPacked;
typedef Penstock__Fulfillment__V1__FulfillmentShipped FulfillmentShipped;
typedef Penstock__Fulfillment__V1__FulfillmentCancelled FulfillmentCancelled;
typedef Penstock__Fulfillment__V1__ParcelDelivered ParcelDelivered;
typedef Penstock__Fulfillment__V1__WorkLine WorkLine;
typedef Penstock__Returns__V1__ReturnRequested ReturnRequested;
typedef Penstock__Returns__V1__ReturnInspected ReturnInspected;
typedef Penstock__Returns__V1__ReturnEnded ReturnEnded;

enum { PENDING = 2, CONFIRMED = 3, COMPLETED = 4, CANCELLED = 6, EXPIRED = 7 };
enum { AVAILABLE = 2, QUALITY_CONTROL = 6 };
enum { SHIP = 6, RETURN = 7 };

struct reader {
    const ProtobufCMessageDescriptor *type;
    bool (*apply)(const struct reading *reading);
};

static bool apply(struct fold *fold, const struct fold_event *event, const struct reader *readers)
{
    for (; readers->type != NULL; readers++) {
        if (strcmp(readers->type->short_name, event->type) != 0)
            continue;
        struct uuid id;
        struct reading it = {.fold = fold, .event = event};
        it.message = protobuf_c_message_unpack(readers->type, arena_protobuf(fold->verify->arena),
                                               event->payload.count, event->payload.bytes);
        if (uuid_parse(event->key, &id) &&
            readers->type != &penstock__bus__v1__hold_voided__descriptor)
            it.order = fold_order(fold, &id, true);
        return it.message != NULL && readers->apply(&it);
    }
    return true;
}

struct fold_line *fold_line_of(const struct reading *it, const char *line_id)
{
    struct uuid id;
    return it->order != NULL && uuid_parse(line_id, &id) ? fold_line(it->fold, it->order, &id, true)
                                                         : NULL;
}

static int64_t max_of(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* ---- orders ---- */

bool fold_take_lines(const struct reading *it, PlacedLine *const *lines, size_t count)
{
    bool by_inventory = fold_has_read(it, FOLD_INVENTORY, FOLD_ORDERS);
    bool by_fulfillment = fold_has_read(it, FOLD_FULFILLMENT, FOLD_ORDERS);
    bool by_returns = fold_has_read(it, FOLD_RETURNS, FOLD_ORDERS);
    for (size_t i = 0; i < count; i++) {
        const PlacedLine *from = lines[i];
        struct fold_line *line = fold_line_of(it, from->line_id);
        if (line == NULL)
            return false;
        line->is_placed = true;
        line->wanted = from->quantity;
        if (by_inventory) {
            line->wanted_inventory = from->takes_stock ? from->quantity : 0;
            line->in_stock |=
                from->takes_stock && (from->quantity > 0 || it->order->changed_at == 0);
        }
        if (by_fulfillment)
            line->wanted_fulfillment = from->quantity;
        if (by_returns) {
            line->sold_returns = from->quantity;
            line->worth_returns = from->total != NULL ? from->total->amount_minor : 0;
        }
    }
    return true;
}

/* The hold that an event names has ended for its holder. */
static void end_hold(struct fold_table *table, const char *hold_id)
{
    struct uuid id;
    struct fold_entry *entry =
        uuid_parse(hold_id, &id) ? fold_entry(table, &id, 0, 0, false) : NULL;
    if (entry != NULL)
        entry->was_found = true;
}

static bool on_placed(const struct reading *it)
{
    const OrderPlaced *event = (const OrderPlaced *)it->message;
    char id[UUID_TEXT_BYTES];
    if (it->order == NULL)
        return false;
    if (it->order->status != 0)
        verify_differ(it->fold->verify, INVARIANT_ORDER_ONCE, "order %s (%s) was placed twice",
                      event->number, uuid_text(&it->order->id, id));
    it->order->status = (int)event->status;
    it->order->number = arena_strdup(it->fold->arena, event->number);
    it->order->total = fold_minor(event->total);
    static const enum fold_service readers[] = {FOLD_INVENTORY, FOLD_FULFILLMENT, FOLD_RETURNS,
                                                FOLD_NOTIFY};
    for (size_t i = 0; i < sizeof(readers) / sizeof(readers[0]); i++)
        if (fold_has_read(it, readers[i], FOLD_ORDERS))
            it->order->read_by |= 1u << readers[i];
    if (fold_has_read(it, FOLD_FULFILLMENT, FOLD_ORDERS)) {
        it->order->is_confirmed |= (int)event->status == CONFIRMED;
        it->order->is_on_hold |= event->has_holds;
    }
    if (fold_has_read(it, FOLD_INVENTORY, FOLD_ORDERS))
        end_hold(&it->fold->holds, event->hold_id);
    return fold_take_lines(it, event->lines, event->n_lines);
}

static bool on_changed(const struct reading *it)
{
    const OrderChanged *event = (const OrderChanged *)it->message;
    if (it->order == NULL)
        return false;
    it->order->changed_at = it->event->position;
    if (fold_has_read(it, FOLD_INVENTORY, FOLD_ORDERS))
        end_hold(&it->fold->holds, event->hold_id);
    if (fold_has_read(it, FOLD_FULFILLMENT, FOLD_ORDERS))
        end_hold(&it->fold->stops, event->stop_hold_id);
    it->order->total = fold_minor(event->total);
    it->order->edits_told +=
        event->is_edit && event->notify_customer && fold_has_read(it, FOLD_NOTIFY, FOLD_ORDERS);
    return fold_take_lines(it, event->lines, event->n_lines);
}

/* The order's life as its own log tells it: only what the table of transitions allows. */
static void move_to(const struct reading *it, int status, unsigned from)
{
    char id[UUID_TEXT_BYTES];
    if ((from & (1u << it->order->status)) == 0)
        verify_differ(it->fold->verify, INVARIANT_ORDER_STATUS,
                      "order %s (%s) went from state %d to %d by event %lld (%s)",
                      it->order->number, uuid_text(&it->order->id, id), it->order->status, status,
                      (long long)it->event->position, it->event->type);
    it->order->status = status;
}

static bool on_confirmed(const struct reading *it)
{
    if (it->order == NULL)
        return false;
    move_to(it, CONFIRMED, 1u << PENDING);
    it->order->is_confirmed |= fold_has_read(it, FOLD_FULFILLMENT, FOLD_ORDERS);
    return true;
}

static bool on_expired(const struct reading *it)
{
    if (it->order == NULL)
        return false;
    move_to(it, EXPIRED, 1u << PENDING);
    return true;
}

static bool on_reopened(const struct reading *it)
{
    if (it->order == NULL)
        return false;
    move_to(it, PENDING, 1u << EXPIRED);
    return true;
}

static bool on_completed(const struct reading *it)
{
    if (it->order == NULL)
        return false;
    move_to(it, COMPLETED, 1u << CONFIRMED);
    return true;
}

static bool on_cancelled(const struct reading *it)
{
    const OrderCancelled *event = (const OrderCancelled *)it->message;
    bool by_inventory = fold_has_read(it, FOLD_INVENTORY, FOLD_ORDERS);
    bool by_fulfillment = fold_has_read(it, FOLD_FULFILLMENT, FOLD_ORDERS);
    if (it->order == NULL)
        return false;
    for (size_t i = 0; i < event->n_lines; i++) {
        struct fold_line *line = fold_line_of(it, event->lines[i]->line_id);
        if (line == NULL)
            return false;
        line->wanted -= event->lines[i]->cancelled;
        if (by_inventory)
            line->wanted_inventory = max_of(0, line->wanted_inventory - event->lines[i]->cancelled);
        if (by_fulfillment)
            line->wanted_fulfillment =
                max_of(0, line->wanted_fulfillment - event->lines[i]->cancelled);
    }
    /* An order that was cancelled before we heard of it is placed as what it is. */
    if (event->is_whole)
        move_to(it, CANCELLED, 1u << PENDING | 1u << CONFIRMED | 1u << CANCELLED);
    if (by_fulfillment) {
        it->order->is_cancelled |= event->is_whole;
        end_hold(&it->fold->stops, event->stop_hold_id);
    }
    return true;
}

static bool on_hold_placed(const struct reading *it)
{
    if (it->order == NULL)
        return false;
    it->order->is_on_hold |= fold_has_read(it, FOLD_FULFILLMENT, FOLD_ORDERS);
    return true;
}

static bool on_hold_released(const struct reading *it)
{
    const HoldReleased *event = (const HoldReleased *)it->message;
    if (it->order == NULL)
        return false;
    if (fold_has_read(it, FOLD_FULFILLMENT, FOLD_ORDERS))
        it->order->is_on_hold &= !event->is_last;
    return true;
}

static bool on_refund(const struct reading *it)
{
    const RefundRecorded *event = (const RefundRecorded *)it->message;
    if (it->order == NULL)
        return false;
    if (event->status != PENSTOCK__ORDERS__V1__REFUND_STATUS__REFUND_STATUS_SUCCEEDED)
        return true;
    it->order->refunded += event->amount != NULL ? event->amount->amount_minor : 0;
    it->order->refunds_told += fold_has_read(it, FOLD_NOTIFY, FOLD_ORDERS);
    return true;
}

static bool on_message_posted(const struct reading *it)
{
    const MessagePosted *event = (const MessagePosted *)it->message;
    if (it->order == NULL)
        return false;
    if (event->direction == PENSTOCK__ORDERS__V1__MESSAGE_DIRECTION__MESSAGE_DIRECTION_STAFF)
        it->order->staff_messages += fold_has_read(it, FOLD_NOTIFY, FOLD_ORDERS);
    return true;
}

static bool on_code_requested(const struct reading *it)
{
    if (it->order == NULL)
        return false;
    it->order->codes += fold_has_read(it, FOLD_NOTIFY, FOLD_ORDERS);
    return true;
}

static bool on_hold_voided(const struct reading *it)
{
    const HoldVoided *event = (const HoldVoided *)it->message;
    if (strcmp(event->holder, "inventory") == 0 && fold_has_read(it, FOLD_INVENTORY, FOLD_ORDERS))
        end_hold(&it->fold->holds, event->hold_id);
    if (strcmp(event->holder, "fulfillment") == 0 &&
        fold_has_read(it, FOLD_FULFILLMENT, FOLD_ORDERS))
        end_hold(&it->fold->stops, event->hold_id);
    return true;
}

bool fold_orders_event(struct fold *fold, const struct fold_event *event)
{
    static const struct reader readers[] = {
        {&penstock__orders__v1__order_placed__descriptor, on_placed},
        {&penstock__orders__v1__order_changed__descriptor, on_changed},
        {&penstock__orders__v1__order_split__descriptor, fold_on_split},
        {&penstock__orders__v1__order_split_off__descriptor, fold_on_split_off},
        {&penstock__orders__v1__order_unsplit__descriptor, fold_on_unsplit},
        {&penstock__orders__v1__order_confirmed__descriptor, on_confirmed},
        {&penstock__orders__v1__order_completed__descriptor, on_completed},
        {&penstock__orders__v1__order_cancelled__descriptor, on_cancelled},
        {&penstock__orders__v1__order_expired__descriptor, on_expired},
        {&penstock__orders__v1__order_reopened__descriptor, on_reopened},
        {&penstock__orders__v1__hold_placed__descriptor, on_hold_placed},
        {&penstock__orders__v1__hold_released__descriptor, on_hold_released},
        {&penstock__orders__v1__refund_recorded__descriptor, on_refund},
        {&penstock__orders__v1__message_posted__descriptor, on_message_posted},
        {&penstock__orders__v1__order_code_requested__descriptor, on_code_requested},
        {&penstock__bus__v1__hold_voided__descriptor, on_hold_voided},
        {NULL, NULL},
    };
    return apply(fold, event, readers);
}

/* ---- inventory ---- */

static bool on_allocated(const struct reading *it)
{
    const StockAllocated *event = (const StockAllocated *)it->message;
    bool by_orders = fold_has_read(it, FOLD_ORDERS, FOLD_INVENTORY);
    bool by_fulfillment = fold_has_read(it, FOLD_FULFILLMENT, FOLD_INVENTORY);
    if (it->order == NULL)
        return false;
    it->order->has_stock_told |= by_fulfillment;
    for (size_t i = 0; i < event->n_lines; i++) {
        struct fold_line *line = fold_line_of(it, event->lines[i]->line_id);
        if (line == NULL)
            return false;
        line->allocated = event->lines[i]->consumed;
        for (size_t k = 0; k < event->lines[i]->n_allocations; k++)
            line->allocated += event->lines[i]->allocations[k]->quantity;
        line->unallocated = event->lines[i]->unallocated;
        if (by_orders)
            line->allocated_orders = line->allocated;
        if (by_fulfillment)
            line->allocated_fulfillment = line->allocated;
    }
    return true;
}

bool fold_inventory_event(struct fold *fold, const struct fold_event *event)
{
    static const struct reader readers[] = {
        {&penstock__inventory__v1__stock_allocated__descriptor, on_allocated},
        {NULL, NULL},
    };
    return apply(fold, event, readers);
}

/* ---- fulfillment ---- */

static bool on_picked(const struct reading *it)
{
    const FulfillmentPicked *event = (const FulfillmentPicked *)it->message;
    for (size_t i = 0; i < event->n_lines; i++) {
        struct fold_line *line = fold_line_of(it, event->lines[i]->order_line_id);
        if (line == NULL)
            return false;
        line->picked = event->lines[i]->total;
        if (fold_has_read(it, FOLD_ORDERS, FOLD_FULFILLMENT))
            line->picked_orders = line->picked;
    }
    return true;
}

static bool on_packed(const struct reading *it)
{
    const FulfillmentPacked *event = (const FulfillmentPacked *)it->message;
    for (size_t i = 0; i < event->n_lines; i++) {
        struct fold_line *line = fold_line_of(it, event->lines[i]->order_line_id);
        if (line == NULL)
            return false;
        line->packed = event->lines[i]->total;
        if (fold_has_read(it, FOLD_ORDERS, FOLD_FULFILLMENT))
            line->packed_orders = line->packed;
    }
    return true;
}

static void expect_move(const struct reading *it, const WorkLine *from, const char *location)
{
    int32_t level = fold_level(it->fold, from->sku, location);
    if (level == 0) /* a SKU that nobody knows has no stock */
        return;
    struct fold_entry *entry = fold_entry(&it->fold->shipped, &it->order->id, level, SHIP, true);
    entry->order = it->order;
    entry->expected += from->quantity;
}

static bool on_shipped(const struct reading *it)
{
    const FulfillmentShipped *event = (const FulfillmentShipped *)it->message;
    char id[UUID_TEXT_BYTES];
    if (it->order == NULL)
        return false;
    it->order->shipments += fold_has_read(it, FOLD_NOTIFY, FOLD_FULFILLMENT);
    for (size_t i = 0; i < event->n_lines; i++) {
        const WorkLine *from = event->lines[i];
        struct fold_line *line = fold_line_of(it, from->order_line_id);
        if (line == NULL)
            return false;
        line->shipped += from->quantity;
        if (line->shipped != from->total)
            verify_differ(
                it->fold->verify, INVARIANT_FULFILLMENT_QUANTITY,
                "event %lld ships %lld units of order %s line %s, in all %lld, but says %lld",
                (long long)it->event->position, (long long)from->quantity,
                uuid_text(&it->order->id, id), from->order_line_id, (long long)line->shipped,
                (long long)from->total);
        if (fold_has_read(it, FOLD_ORDERS, FOLD_FULFILLMENT))
            line->shipped_orders = from->total;
        if (fold_has_read(it, FOLD_RETURNS, FOLD_FULFILLMENT))
            line->shipped_returns = max_of(line->shipped_returns, from->total);
        if (fold_has_read(it, FOLD_INVENTORY, FOLD_FULFILLMENT)) {
            line->shipped_inventory += from->quantity;
            expect_move(it, from, event->location);
        }
    }
    return true;
}

static bool on_delivered(const struct reading *it)
{
    const ParcelDelivered *event = (const ParcelDelivered *)it->message;
    for (size_t i = 0; i < event->n_lines; i++) {
        struct fold_line *line = fold_line_of(it, event->lines[i]->order_line_id);
        if (line == NULL)
            return false;
        if (fold_has_read(it, FOLD_ORDERS, FOLD_FULFILLMENT))
            line->delivered_orders = event->lines[i]->total;
        if (fold_has_read(it, FOLD_RETURNS, FOLD_FULFILLMENT))
            line->delivered_returns = max_of(line->delivered_returns, event->lines[i]->total);
    }
    return true;
}

static bool on_work_cancelled(const struct reading *it)
{
    const FulfillmentCancelled *event = (const FulfillmentCancelled *)it->message;
    for (size_t i = 0; i < event->n_lines; i++) {
        struct fold_line *line = fold_line_of(it, event->lines[i]->order_line_id);
        if (line == NULL)
            return false;
        line->picked = event->lines[i]->picked_total;
        line->packed = event->lines[i]->packed_total;
        if (!fold_has_read(it, FOLD_ORDERS, FOLD_FULFILLMENT))
            continue;
        line->picked_orders = line->picked;
        line->packed_orders = line->packed;
    }
    return true;
}

bool fold_fulfillment_event(struct fold *fold, const struct fold_event *event)
{
    static const struct reader readers[] = {
        {&penstock__fulfillment__v1__fulfillment_picked__descriptor, on_picked},
        {&penstock__fulfillment__v1__fulfillment_packed__descriptor, on_packed},
        {&penstock__fulfillment__v1__fulfillment_shipped__descriptor, on_shipped},
        {&penstock__fulfillment__v1__parcel_delivered__descriptor, on_delivered},
        {&penstock__fulfillment__v1__fulfillment_cancelled__descriptor, on_work_cancelled},
        {NULL, NULL},
    };
    return apply(fold, event, readers);
}

/* ---- returns ---- */

static bool set_open(const struct reading *it, const char *return_id, bool is_open)
{
    struct uuid id;
    if (it->order == NULL || !uuid_parse(return_id, &id))
        return false;
    if (!fold_has_read(it, FOLD_ORDERS, FOLD_RETURNS))
        return true;
    struct fold_entry *entry = fold_entry(&it->fold->returns, &id, 0, 0, true);
    entry->order = it->order;
    entry->expected = is_open;
    return true;
}

static bool on_return_requested(const struct reading *it)
{
    return set_open(it, ((const ReturnRequested *)it->message)->return_id, true);
}

static bool on_return_ended(const struct reading *it)
{
    return set_open(it, ((const ReturnEnded *)it->message)->return_id, false);
}

static void expect_due(const struct reading *it, struct fold_table *table, const struct uuid *id,
                       const ReturnInspected *event)
{
    struct fold_entry *entry = fold_entry(table, id, 0, 0, true);
    entry->order = it->order;
    entry->expected += event->refund_due != NULL ? event->refund_due->amount_minor : 0;
}

/* Units that go back to the shelf or to quality control, each once; scrap leaves the books. */
static void expect_back(const struct reading *it, const ReturnInspected *event, size_t i,
                        const struct uuid *return_id)
{
    int32_t bucket = 0;
    switch ((int)event->lines[i]->disposition) {
    case PENSTOCK__RETURNS__V1__DISPOSITION__DISPOSITION_RESTOCK:
        bucket = AVAILABLE;
        break;
    case PENSTOCK__RETURNS__V1__DISPOSITION__DISPOSITION_QUARANTINE:
        bucket = QUALITY_CONTROL;
        break;
    }
    int32_t level = fold_level(it->fold, event->lines[i]->sku, event->location);
    if (bucket == 0 || level == 0 || fold_is_parked(it->order, FOLD_INVENTORY))
        return;
    fold_entry(&it->fold->restocked, return_id, level, bucket, true)->expected +=
        event->lines[i]->quantity;
}

static bool on_inspected(const struct reading *it)
{
    const ReturnInspected *event = (const ReturnInspected *)it->message;
    struct uuid return_id, inspection_id;
    char id[UUID_TEXT_BYTES];
    if (!set_open(it, event->return_id, true) || !uuid_parse(event->return_id, &return_id) ||
        !uuid_parse(event->inspection_id, &inspection_id))
        return false;
    expect_due(it, &it->fold->own_inspections, &inspection_id, event);
    if (fold_has_read(it, FOLD_ORDERS, FOLD_RETURNS))
        expect_due(it, &it->fold->inspections, &inspection_id, event);
    for (size_t i = 0; i < event->n_lines; i++) {
        struct fold_line *line = fold_line_of(it, event->lines[i]->order_line_id);
        if (line == NULL)
            return false;
        line->inspected += event->lines[i]->quantity;
        if (fold_has_read(it, FOLD_ORDERS, FOLD_RETURNS))
            line->returned_orders = max_of(line->returned_orders, event->lines[i]->returned_total);
        if (fold_has_read(it, FOLD_INVENTORY, FOLD_RETURNS))
            expect_back(it, event, i, &return_id);
        if (line->inspected > line->shipped)
            verify_differ(it->fold->verify, INVARIANT_RETURN_QUANTITY,
                          "event %lld returns %lld units of order %s line %s, of %lld shipped",
                          (long long)it->event->position, (long long)line->inspected,
                          uuid_text(&it->order->id, id), event->lines[i]->order_line_id,
                          (long long)line->shipped);
    }
    return true;
}

bool fold_returns_event(struct fold *fold, const struct fold_event *event)
{
    static const struct reader readers[] = {
        {&penstock__returns__v1__return_requested__descriptor, on_return_requested},
        {&penstock__returns__v1__return_inspected__descriptor, on_inspected},
        {&penstock__returns__v1__return_ended__descriptor, on_return_ended},
        {NULL, NULL},
    };
    return apply(fold, event, readers);
}
