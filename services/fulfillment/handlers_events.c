/* What the logs of orders and inventory say. Each handler is right in whatever order the two are
 * read. */
#include <assert.h>
#include <string.h>

#include "handlers.h"
#include "penstock/bus/v1/bus.pb-c.h"
#include "penstock/inventory/v1/inventory.pb-c.h"
#include "penstock/orders/v1/orders.pb-c.h"
#include "rules_allocate.h"

typedef Penstock__Bus__V1__HoldVoided HoldVoided;
typedef Penstock__Inventory__V1__StockAllocated StockAllocated;
typedef Penstock__Inventory__V1__AllocatedLine AllocatedLine;
typedef Penstock__Orders__V1__OrderPlaced OrderPlaced;
typedef Penstock__Orders__V1__OrderConfirmed OrderConfirmed;
typedef Penstock__Orders__V1__OrderCancelled OrderCancelled;
typedef Penstock__Orders__V1__OrderChanged OrderChanged;
typedef Penstock__Orders__V1__OrderContactChanged OrderContactChanged;
typedef Penstock__Orders__V1__OrderSplitOff OrderSplitOff;
typedef Penstock__Orders__V1__PlacedLine PlacedLine;
typedef Penstock__Orders__V1__HoldPlaced HoldPlaced;
typedef Penstock__Orders__V1__HoldReleased HoldReleased;

static enum status bad_event(struct call *call, const char *what)
{
    return refuse(call, STATUS_INVALID, "bad_event", what,
                  "The event's %s is not what it should be.", what);
}

static bool is_quantity(int64_t quantity)
{
    return quantity >= 0 && quantity <= FULFILLMENT_MAX_QUANTITY;
}

/* Loads the work of all orders that the batch is about; the key of these events is the order's id.
 */
static enum status load(struct batch *batch, struct works *works)
{
    struct uuid *ids = ARENA_ARRAY(batch->arena, batch->count, struct uuid);
    size_t count = 0;
    for (size_t i = 0; i < batch->count; i++) {
        struct call *call = &batch->calls[i];
        if (uuid_parse(call->event->key, &ids[count]))
            count++;
        else
            (void)bad_event(call, "key");
    }
    return store_works_load(batch->db, batch->arena, ids, count, works);
}

/* An event whose key is no id has been refused by load(). */
static struct work *work_of(const struct call *call, const struct works *works)
{
    struct uuid id;
    bool is_id = uuid_parse(call->event->key, &id);
    assert(is_id);
    return store_works_find(works, &id);
}

/* Tells of the fulfillment orders that an event has added to those that there were before. */
static void report_created(struct call *call, const struct work *work, size_t before)
{
    if (work->nfulfillments == before)
        return;
    count(call, COUNT_CREATED, (int64_t)(work->nfulfillments - before));
    call_log_order(call, "fulfillment.created", "Work was given to a location", call->event->key);
}

static bool take_wanted(struct call *call, struct work *work, PlacedLine *const *lines,
                        size_t nlines)
{
    struct wanted_line *wanted = ARENA_ARRAY(call->arena, nlines, struct wanted_line);
    for (size_t i = 0; i < nlines; i++) {
        wanted[i].name = lines[i]->name;
        wanted[i].quantity = lines[i]->quantity;
        if (!uuid_parse(lines[i]->line_id, &wanted[i].line_id) || !is_quantity(lines[i]->quantity))
            return false;
    }
    work->wanted = wanted;
    work->nwanted = nlines;
    work->is_changed = true;
    return true;
}

/* Channels also tell of orders that have ended before we hear of them. */
static void take_status(struct work *work, const OrderPlaced *event)
{
    work->is_confirmed |=
        event->status == PENSTOCK__ORDERS__V1__ORDER_STATUS__ORDER_STATUS_CONFIRMED ||
        event->status == PENSTOCK__ORDERS__V1__ORDER_STATUS__ORDER_STATUS_COMPLETED;
    work->is_cancelled |=
        event->status == PENSTOCK__ORDERS__V1__ORDER_STATUS__ORDER_STATUS_CANCELLED;
}

BATCH_HANDLER(on_order_placed)
{
    struct works works;
    TRY(load(batch, &works));
    for_each_event(batch, call, OrderPlaced, event) {
        struct work *work = work_of(call, &works);
        if (!take_wanted(call, work, event->lines, event->n_lines)) {
            (void)bad_event(call, "lines");
            continue;
        }
        work->number = event->number;
        work->delivery = event->delivery;
        take_status(work, event);
        work->is_on_hold |= event->has_holds;
        rules_reconcile(work, batch->now_us, batch->arena);
    }
    store_works_write(batch->db, batch->arena, &works);
    return STATUS_OK;
}

/* A child of an order is as if it had been placed; its parent wants less by the event before. */
BATCH_HANDLER(on_order_split_off)
{
    struct works works;
    TRY(load(batch, &works));
    for_each_event(batch, call, OrderSplitOff, event) {
        struct work *work = work_of(call, &works);
        if (!take_wanted(call, work, event->lines, event->n_lines)) {
            (void)bad_event(call, "lines");
            continue;
        }
        work->number = event->number;
        work->is_confirmed |=
            event->status == PENSTOCK__ORDERS__V1__ORDER_STATUS__ORDER_STATUS_CONFIRMED;
        work->is_on_hold |= event->has_holds;
        size_t before = work->nfulfillments;
        rules_reconcile(work, batch->now_us, batch->arena);
        report_created(call, work, before);
        call_log_order(call, "fulfillment.split_off", "Work is the child's of an order",
                       event->order_id);
    }
    store_works_write(batch->db, batch->arena, &works);
    return STATUS_OK;
}

const char *fulfillment_follows(const ProtobufCMessage *event)
{
    if (event->descriptor != &penstock__orders__v1__order_split_off__descriptor)
        return NULL;
    return ((const OrderSplitOff *)event)->parent_id;
}

BATCH_HANDLER(on_order_confirmed)
{
    struct works works;
    TRY(load(batch, &works));
    for_each_event(batch, call, OrderConfirmed, event) {
        struct work *work = work_of(call, &works);
        work->is_confirmed = work->is_changed = true;
        rules_refresh(work, batch->now_us);
        call_log_order(call, "fulfillment.released", "The order may be worked on", event->order_id);
    }
    store_works_write(batch->db, batch->arena, &works);
    return STATUS_OK;
}

/* Takes what is cancelled off what is wanted; the reconciliation cancels it where it is least far.
 */
static bool take_cancelled(struct call *call, struct work *work, const OrderCancelled *event)
{
    struct uuid *ids = ARENA_ARRAY(call->arena, event->n_lines, struct uuid);
    for (size_t i = 0; i < event->n_lines; i++)
        if (!uuid_parse(event->lines[i]->line_id, &ids[i]) ||
            !is_quantity(event->lines[i]->cancelled))
            return false;
    for (size_t i = 0; i < event->n_lines; i++)
        rules_want_less(work, &ids[i], event->lines[i]->cancelled);
    work->is_cancelled |= event->is_whole;
    work->is_changed = true;
    return true;
}

/* The events adopt the stops that they name, and every other under their commands is in vain: the
 * quantities are less now, so none needs to stand any longer. */
struct ended_stops {
    struct uuid *holds;
    const char **commands;
    size_t nholds, ncommands;
};

static void end_stop(struct batch *batch, struct ended_stops *ended, const char *hold_id,
                     const char *command_id)
{
    if (ended->holds == NULL) {
        ended->holds = ARENA_ARRAY(batch->arena, batch->count, struct uuid);
        ended->commands = ARENA_ARRAY(batch->arena, batch->count, const char *);
    }
    if (uuid_parse(hold_id, &ended->holds[ended->nholds]))
        ended->nholds++;
    if (command_id[0] != '\0')
        ended->commands[ended->ncommands++] = command_id;
}

static enum status end_stops(struct batch *batch, const struct ended_stops *ended)
{
    TRY(store_stops_end(batch->db, ended->holds, ended->nholds));
    return store_stops_end_by_command(batch->db, ended->commands, ended->ncommands);
}

BATCH_HANDLER(on_order_cancelled)
{
    struct works works;
    struct ended_stops ended = {0};
    TRY(load(batch, &works));
    for_each_event(batch, call, OrderCancelled, event) {
        struct work *work = work_of(call, &works);
        if (!take_cancelled(call, work, event)) {
            (void)bad_event(call, "lines");
            continue;
        }
        rules_reconcile(work, batch->now_us, batch->arena);
        end_stop(batch, &ended, event->stop_hold_id, event->command_id);
        if (event->is_whole)
            TRY(shipments_take_apart(call, &work->order_id, 1, "one of its orders is cancelled"));
        call_log_order(call, "fulfillment.order_cancelled", "Cancelled units leave the work",
                       event->order_id);
    }
    TRY(end_stops(batch, &ended));
    store_works_write(batch->db, batch->arena, &works);
    return STATUS_OK;
}

BATCH_HANDLER(on_order_changed)
{
    struct works works;
    struct ended_stops ended = {0};
    TRY(load(batch, &works));
    for_each_event(batch, call, OrderChanged, event) {
        struct work *work = work_of(call, &works);
        if (!take_wanted(call, work, event->lines, event->n_lines)) {
            (void)bad_event(call, "lines");
            continue;
        }
        if (event->delivery != NULL)
            work->delivery = event->delivery;
        size_t before = work->nfulfillments;
        rules_reconcile(work, batch->now_us, batch->arena);
        report_created(call, work, before);
        end_stop(batch, &ended, event->stop_hold_id, event->command_id);
        call_log_order(call, "fulfillment.order_changed", "What the order wants has changed",
                       event->order_id);
    }
    TRY(end_stops(batch, &ended));
    store_works_write(batch->db, batch->arena, &works);
    return STATUS_OK;
}

/* An order that goes elsewhere now leaves by itself. */
BATCH_HANDLER(on_contact_changed)
{
    for_each_event(batch, call, OrderContactChanged, event) {
        struct uuid id;
        if (uuid_parse(event->order_id, &id))
            TRY(shipments_take_apart(call, &id, 1, "one of its orders goes elsewhere now"));
    }
    return STATUS_OK;
}

BATCH_HANDLER(on_hold_placed)
{
    struct works works;
    TRY(load(batch, &works));
    for_each_event(batch, call, HoldPlaced, event) {
        struct work *work = work_of(call, &works);
        work->is_on_hold = work->is_changed = true;
        rules_refresh(work, batch->now_us);
        call_log_order(call, "fulfillment.held", "The order's work is on hold", event->order_id);
    }
    store_works_write(batch->db, batch->arena, &works);
    return STATUS_OK;
}

/* Orders places and releases a hold of this type for each fulfillment order cancelled in the
 * warehouse. */
static bool ends_withholding(const HoldReleased *event)
{
    return strcmp(event->type, "fulfillment_cancelled") == 0;
}

BATCH_HANDLER(on_hold_released)
{
    struct works works;
    TRY(load(batch, &works));
    for_each_event(batch, call, HoldReleased, event) {
        struct work *work = work_of(call, &works);
        work->is_on_hold &= !event->is_last;
        work->is_withheld &= !ends_withholding(event);
        work->is_changed = true;
        size_t before = work->nfulfillments;
        rules_reconcile(work, batch->now_us, batch->arena);
        report_created(call, work, before);
        call_log_order(call, "fulfillment.hold_released", "A hold of the order has ended",
                       event->order_id);
    }
    store_works_write(batch->db, batch->arena, &works);
    return STATUS_OK;
}

/* The command for which the work was stopped ended without it. */
BATCH_HANDLER(on_hold_voided)
{
    struct uuid *holds = ARENA_ARRAY(batch->arena, batch->count, struct uuid);
    size_t nholds = 0;
    for_each_event(batch, call, HoldVoided, event)
        if (strcmp(event->holder, "fulfillment") == 0 && uuid_parse(event->hold_id, &holds[nholds]))
            nholds++;
    return store_stops_end(batch->db, holds, nholds);
}

/* ---- inventory ---- */

static bool take_line(struct batch *batch, const AllocatedLine *from, struct allocated_line *line)
{
    *line = (struct allocated_line){
        .sku = from->sku,
        .consumed = from->consumed,
        .live = ARENA_ARRAY(batch->arena, from->n_allocations, struct placed_units)};
    if (!uuid_parse(from->line_id, &line->line_id) || !is_quantity(from->consumed))
        return false;
    for (size_t i = 0; i < from->n_allocations; i++) {
        if (!is_quantity(from->allocations[i]->quantity) ||
            from->allocations[i]->location[0] == '\0')
            return false;
        line->live[line->nlive++] =
            (struct placed_units){line->line_id, from->sku, from->allocations[i]->location,
                                  from->allocations[i]->quantity};
    }
    return true;
}

static struct allocated_line *take_lines(struct batch *batch, const StockAllocated *event)
{
    struct allocated_line *lines = ARENA_ARRAY(batch->arena, event->n_lines, struct allocated_line);
    for (size_t i = 0; i < event->n_lines; i++)
        if (!take_line(batch, event->lines[i], &lines[i]))
            return NULL;
    return lines;
}

/* Where units left from matters only for orders of which inventory has seen some leave. */
static enum status load_shipments(struct batch *batch, struct shipments *shipments)
{
    struct uuid *ids = ARENA_ARRAY(batch->arena, batch->count, struct uuid);
    size_t count = 0;
    for_each_event(batch, call, StockAllocated, event) {
        int64_t consumed = 0;
        for (size_t i = 0; i < event->n_lines; i++)
            consumed |= event->lines[i]->consumed;
        if (consumed != 0 && uuid_parse(call->event->key, &ids[count]))
            count++;
    }
    return store_shipments_load(batch->db, batch->arena, ids, count, shipments);
}

static void allocate(struct batch *batch, struct work *work, const struct allocated_line *lines,
                     size_t nlines, const struct shipments *shipments)
{
    size_t first = 0, end;
    while (first < shipments->count && !uuid_equal(&shipments->order_ids[first], &work->order_id))
        first++;
    for (end = first; end < shipments->count; end++)
        if (!uuid_equal(&shipments->order_ids[end], &work->order_id))
            break;
    rules_allocate(work, lines, nlines, shipments->units + first, end - first, batch->now_us,
                   batch->arena);
}

BATCH_HANDLER(on_stock_allocated)
{
    struct works works;
    struct shipments shipments;
    TRY(load(batch, &works));
    TRY(load_shipments(batch, &shipments));
    for_each_event(batch, call, StockAllocated, event) {
        struct work *work = work_of(call, &works);
        const struct allocated_line *lines = take_lines(batch, event);
        if (lines == NULL) {
            (void)bad_event(call, "lines");
            continue;
        }
        /* A row for the order, so that the next load looks for its work. */
        work->is_changed |= !work->is_stored;
        size_t before = work->nfulfillments;
        allocate(batch, work, lines, event->n_lines, &shipments);
        report_created(call, work, before);
    }
    store_works_write(batch->db, batch->arena, &works);
    return STATUS_OK;
}

const struct subscription fulfillment_subscriptions[] = {
    {"orders", &penstock__orders__v1__order_placed__descriptor, on_order_placed},
    {"orders", &penstock__orders__v1__order_confirmed__descriptor, on_order_confirmed},
    {"orders", &penstock__orders__v1__order_cancelled__descriptor, on_order_cancelled},
    {"orders", &penstock__orders__v1__order_changed__descriptor, on_order_changed},
    {"orders", &penstock__orders__v1__order_split_off__descriptor, on_order_split_off},
    {"orders", &penstock__orders__v1__order_contact_changed__descriptor, on_contact_changed},
    {"orders", &penstock__orders__v1__hold_placed__descriptor, on_hold_placed},
    {"orders", &penstock__orders__v1__hold_released__descriptor, on_hold_released},
    {"orders", &penstock__bus__v1__hold_voided__descriptor, on_hold_voided},
    {"inventory", &penstock__inventory__v1__stock_allocated__descriptor, on_stock_allocated},
    {NULL, NULL, NULL},
};
