/* What the logs of inventory, fulfillment and returns say about orders. Each handler is right in
 * whatever order the three are read: it stores what a log says, and the terms follow from all. */
#include <string.h>

#include "handlers.h"
#include "penstock/fulfillment/v1/fulfillment.pb-c.h"
#include "penstock/inventory/v1/inventory.pb-c.h"
#include "penstock/returns/v1/returns.pb-c.h"
#include "rules_family.h"

typedef Penstock__Inventory__V1__StockAllocated StockAllocated;
typedef Penstock__Inventory__V1__StockReleased StockReleased;
typedef Penstock__Inventory__V1__AllocatedLine AllocatedLine;
typedef Penstock__Fulfillment__V1__WorkLine WorkLine;
typedef Penstock__Fulfillment__V1__FulfillmentPicked FulfillmentPicked;
typedef Penstock__Fulfillment__V1__FulfillmentPacked FulfillmentPacked;
typedef Penstock__Fulfillment__V1__FulfillmentShipped FulfillmentShipped;
typedef Penstock__Fulfillment__V1__FulfillmentCancelled FulfillmentCancelled;
typedef Penstock__Fulfillment__V1__ParcelDelivered ParcelDelivered;
typedef Penstock__Returns__V1__ReturnRequested ReturnRequested;
typedef Penstock__Returns__V1__ReturnReceived ReturnReceived;
typedef Penstock__Returns__V1__ReturnInspected ReturnInspected;
typedef Penstock__Returns__V1__ReturnEnded ReturnEnded;

/* ---- every event: load the batch's orders, apply each event to its own, write them once ---- */

typedef enum status apply_fn(struct call *call, struct order *order, const struct act *act);

static enum status bad_event(struct call *call, const char *what)
{
    return refuse(call, STATUS_INVALID, "bad_event", what, "The event's %s is not of this order.",
                  what);
}

static enum status apply_one(struct call *call, struct order *order, apply_fn *apply)
{
    struct act act = act_of(call);
    act.now_us = call->event->occurred_at_us;
    enum status status = apply(call, order, &act);
    if (call->status != STATUS_OK)
        return STATUS_OK; /* parked: it has changed nothing */
    TRY(status);
    return complete_if_due(call, order, &act);
}

/* ids: the orders that are touched; events of others are passed over. */
static enum status apply_to(struct batch *batch, const struct uuid *ids, size_t count,
                            apply_fn *apply)
{
    struct order_set set;
    TRY(store_orders_load(batch->db, batch->arena, ids, count, &set));
    for (size_t i = 0; i < batch->count; i++) {
        struct call *call = &batch->calls[i];
        struct uuid id;
        if (call->status != STATUS_OK || !uuid_parse(call->event->key, &id))
            continue;
        struct order *order = store_orders_find(&set, &id);
        if (order != NULL)
            TRY(apply_one(call, order, apply));
    }
    for (size_t i = 0; i < set.count; i++)
        store_order_save(batch->db, &set.orders[i]);
    return STATUS_OK;
}

static enum status apply_all(struct batch *batch, apply_fn *apply)
{
    struct uuid *ids = ARENA_ARRAY(batch->arena, batch->count, struct uuid);
    size_t count = 0;
    for (size_t i = 0; i < batch->count; i++) {
        if (uuid_parse(batch->calls[i].event->key, &ids[count]))
            count++;
        else
            bad_event(&batch->calls[i], "key");
    }
    return apply_to(batch, ids, count, apply);
}

/* What fits a row: no honest log counts further. */
static bool is_total(int64_t total)
{
    return total >= 0 && total <= INT32_MAX;
}

static struct order_line *line_of(struct order *order, const char *line_id)
{
    struct uuid id;
    if (!uuid_parse(line_id, &id))
        return NULL;
    for (size_t i = 0; i < order->line_count; i++) {
        if (uuid_equal(&order->lines[i].id, &id))
            return &order->lines[i];
    }
    return NULL;
}

/* A hold that a rule of ours puts on; an order that has ended has no work left to hold. */
static enum status put_hold(struct call *call, struct order *order, const struct act *act,
                            const char *type, const char *reason)
{
    struct refusal no;
    struct uuid id = uuid_new();
    struct act ours = *act;
    ours.actor = "system:orders";
    const struct hold *hold = rules_hold(order, &ours, &id, type, reason, 0, &no);
    return hold != NULL ? emit_hold_placed(call, order, hold) : STATUS_OK;
}

/* ---- inventory ---- */

static int64_t allocated_of(const AllocatedLine *line)
{
    int64_t sum = line->consumed;
    for (size_t i = 0; i < line->n_allocations; i++)
        sum += line->allocations[i]->quantity;
    return sum;
}

static const AllocatedLine *find_unmatched(const StockAllocated *event)
{
    for (size_t i = 0; i < event->n_lines; i++) {
        if (event->lines[i]->is_unmatched)
            return event->lines[i];
    }
    return NULL;
}

static bool had_hold(const struct order *order, const char *type)
{
    for (size_t i = 0; i < order->hold_rows; i++) {
        if (strcmp(order->holds[i].type, type) == 0)
            return true;
    }
    return false;
}

static const char *allocation_words(const struct order *order, struct arena *arena)
{
    int64_t has = 0, wants = 0;
    for (size_t i = 0; i < order->line_count; i++) {
        const struct order_line *line = &order->lines[i];
        if (!rules_line_is_tracked(line))
            continue;
        wants += line->quantity - line->cancelled;
        has += line->quantity - line->cancelled - line->unallocated - line->preordered -
               line->backordered;
    }
    return arena_printf(arena, "%lld of %lld units", (long long)has, (long long)wants);
}

/* What of it is sold ahead; true when that is another than before. */
static bool take_ahead(struct order_line *line, const AllocatedLine *told)
{
    bool is_same = line->preordered_total == told->preordered &&
                   line->backordered_total == told->backordered &&
                   line->promised_at_us == told->promised_at_us;
    if (is_same || !is_total(told->preordered) || !is_total(told->backordered))
        return false;
    line->preordered_total = told->preordered;
    line->backordered_total = told->backordered;
    line->promised_at_us = told->promised_at_us;
    line->is_ahead = true;
    return true;
}

static enum status apply_allocated(struct call *call, struct order *order, const struct act *act)
{
    const StockAllocated *event = (const StockAllocated *)call->in;
    bool changed = false;
    for (size_t i = 0; i < event->n_lines; i++) {
        if (line_of(order, event->lines[i]->line_id) == NULL ||
            !is_total(allocated_of(event->lines[i])))
            return bad_event(call, "lines");
    }
    for (size_t i = 0; i < event->n_lines; i++) {
        struct order_line *line = line_of(order, event->lines[i]->line_id);
        int64_t allocated = allocated_of(event->lines[i]);
        line->is_changed |= line->allocated_total != allocated;
        changed |= line->allocated_total != allocated;
        changed |= take_ahead(line, event->lines[i]);
        line->allocated_total = allocated;
    }
    rules_order_derive(order);
    if (changed)
        rules_note(order, act, "stock_allocated", allocation_words(order, call->arena));
    const AllocatedLine *unmatched = find_unmatched(event);
    if (unmatched == NULL || had_hold(order, "unmatched_item"))
        return STATUS_OK;
    return put_hold(call, order, act, "unmatched_item",
                    arena_printf(call->arena, "No item has the SKU %.64s.",
                                 unmatched->sku[0] != '\0' ? unmatched->sku : "(none)"));
}

static bool is_ahead(const StockAllocated *event)
{
    for (size_t i = 0; i < event->n_lines; i++) {
        if (event->lines[i]->preordered + event->lines[i]->backordered > 0)
            return true;
    }
    return false;
}

/* The orders for which an event says anything new. An order placed with its stock held has it in
 * its lines from the first day, so that of a busy hour's events nearly none is. */
struct allocations {
    struct uuid *order_ids, *line_ids;
    int64_t *totals;
    size_t count;
    struct uuid *touched;
    size_t touched_count;
};

static void gather(struct batch *batch, struct allocations *all)
{
    size_t room = 0;
    for_each_event(batch, counted, StockAllocated, event)
        room += event->n_lines;
    *all = (struct allocations){.order_ids = ARENA_ARRAY(batch->arena, room, struct uuid),
                                .line_ids = ARENA_ARRAY(batch->arena, room, struct uuid),
                                .totals = ARENA_ARRAY(batch->arena, room, int64_t)};
    for_each_event(batch, call, StockAllocated, event) {
        struct uuid order_id;
        if (!uuid_parse(call->event->key, &order_id)) {
            bad_event(call, "key");
            continue;
        }
        for (size_t i = 0; i < event->n_lines; i++) {
            all->order_ids[all->count] = order_id;
            uuid_parse(event->lines[i]->line_id, &all->line_ids[all->count]);
            int64_t allocated = allocated_of(event->lines[i]);
            all->totals[all->count++] =
                is_total(allocated) ? allocated : -1; /* never what is there */
        }
    }
}

static void touch_others(struct batch *batch, struct allocations *all)
{
    struct uuid *touched =
        ARENA_ARRAY(batch->arena, all->touched_count + batch->count, struct uuid);
    if (all->touched_count > 0)
        memcpy(touched, all->touched, all->touched_count * sizeof(*touched));
    all->touched = touched;
    for_each_event(batch, call, StockAllocated, event) {
        if ((find_unmatched(event) != NULL || is_ahead(event)) &&
            uuid_parse(call->event->key, &touched[all->touched_count]))
            all->touched_count++;
    }
}

enum status on_stock_allocated(struct batch *batch)
{
    struct allocations all;
    gather(batch, &all);
    TRY(store_orders_allocated_otherwise(batch->db, all.order_ids, all.line_ids, all.totals,
                                         all.count, &all.touched, &all.touched_count));
    touch_others(batch, &all);
    return apply_to(batch, all.touched, all.touched_count, apply_allocated);
}

/* The figures come with StockAllocated; this one says why. */
static enum status apply_released(struct call *call, struct order *order, const struct act *act)
{
    const StockReleased *event = (const StockReleased *)call->in;
    int64_t units = 0;
    for (size_t i = 0; i < event->n_lines; i++)
        units += event->lines[i]->released;
    rules_note(order, act, "stock_released",
               arena_printf(call->arena, "%lld units", (long long)units));
    return STATUS_OK;
}

enum status on_stock_released(struct batch *batch)
{
    return apply_all(batch, apply_released);
}

/* ---- fulfillment: running totals per line ---- */

/* Sets one running total of each line; how many units moved, or -1: not lines of this order. */
static int64_t set_totals(struct order *order, WorkLine *const *lines, size_t count, size_t member)
{
    int64_t units = 0;
    for (size_t i = 0; i < count; i++) {
        if (line_of(order, lines[i]->order_line_id) == NULL || !is_total(lines[i]->total))
            return -1;
    }
    for (size_t i = 0; i < count; i++) {
        struct order_line *line = line_of(order, lines[i]->order_line_id);
        int64_t *total = (void *)((char *)line + member);
        *total = lines[i]->total;
        line->is_changed = true;
        units += lines[i]->quantity;
    }
    rules_order_derive(order);
    return units;
}

static enum status note_units(struct call *call, struct order *order, const struct act *act,
                              const char *type, int64_t units, const char *how)
{
    if (units < 0)
        return bad_event(call, "lines");
    rules_note(order, act, type,
               arena_printf(call->arena, "%lld units%s%s", (long long)units,
                            how[0] != '\0' ? ", " : "", how));
    return STATUS_OK;
}

static enum status apply_picked(struct call *call, struct order *order, const struct act *act)
{
    const FulfillmentPicked *event = (const FulfillmentPicked *)call->in;
    int64_t units =
        set_totals(order, event->lines, event->n_lines, offsetof(struct order_line, picked_total));
    return note_units(call, order, act, "picked", units, event->location);
}

static enum status apply_packed(struct call *call, struct order *order, const struct act *act)
{
    const FulfillmentPacked *event = (const FulfillmentPacked *)call->in;
    int64_t units =
        set_totals(order, event->lines, event->n_lines, offsetof(struct order_line, packed_total));
    return note_units(call, order, act, "packed", units, event->location);
}

static enum status apply_shipped(struct call *call, struct order *order, const struct act *act)
{
    const FulfillmentShipped *event = (const FulfillmentShipped *)call->in;
    int64_t units =
        set_totals(order, event->lines, event->n_lines, offsetof(struct order_line, shipped_total));
    const char *how = arena_printf(call->arena, "%s %s", event->carrier, event->tracking_number);
    store_tracking_add(call->db, call->arena, &order->id, event->tracking_number);
    call_log_order(call, "orders.shipped", "Units of the order have shipped", event->order_id);
    return note_units(call, order, act, "parcel_shipped", units, how);
}

static enum status apply_delivered(struct call *call, struct order *order, const struct act *act)
{
    const ParcelDelivered *event = (const ParcelDelivered *)call->in;
    int64_t units = set_totals(order, event->lines, event->n_lines,
                               offsetof(struct order_line, delivered_total));
    return note_units(call, order, act, "parcel_delivered", units, "");
}

static enum status apply_work_cancelled(struct call *call, struct order *order,
                                        const struct act *act)
{
    const FulfillmentCancelled *event = (const FulfillmentCancelled *)call->in;
    int64_t units = 0;
    for (size_t i = 0; i < event->n_lines; i++) {
        if (line_of(order, event->lines[i]->order_line_id) == NULL ||
            !is_total(event->lines[i]->picked_total) || !is_total(event->lines[i]->packed_total))
            return bad_event(call, "lines");
    }
    for (size_t i = 0; i < event->n_lines; i++) {
        struct order_line *line = line_of(order, event->lines[i]->order_line_id);
        line->picked_total = event->lines[i]->picked_total;
        line->packed_total = event->lines[i]->packed_total;
        line->is_changed = true;
        units += event->lines[i]->quantity;
    }
    rules_order_derive(order);
    rules_note(order, act, "fulfillment_cancelled",
               arena_printf(call->arena, "%lld units", (long long)units));
    return put_hold(call, order, act, "fulfillment_cancelled",
                    event->reason[0] != '\0' ? event->reason : "The warehouse cancelled its work.");
}

enum status on_fulfillment_picked(struct batch *batch)
{
    return apply_all(batch, apply_picked);
}

enum status on_fulfillment_packed(struct batch *batch)
{
    return apply_all(batch, apply_packed);
}

enum status on_fulfillment_shipped(struct batch *batch)
{
    return apply_all(batch, apply_shipped);
}

enum status on_fulfillment_cancelled(struct batch *batch)
{
    return apply_all(batch, apply_work_cancelled);
}

enum status on_parcel_delivered(struct batch *batch)
{
    return apply_all(batch, apply_delivered);
}

/* ---- returns ---- */

static void set_return(struct order *order, struct arena *arena, const struct uuid *return_id,
                       bool is_open)
{
    for (size_t i = 0; i < order->return_count; i++) {
        struct order_return *known = &order->returns[i];
        if (!uuid_equal(&known->return_id, return_id))
            continue;
        known->is_changed |= known->is_open != is_open;
        known->is_open = is_open;
        return;
    }
    struct order_return *all = ARENA_ARRAY(arena, order->return_count + 1, struct order_return);
    if (order->return_count > 0)
        memcpy(all, order->returns, order->return_count * sizeof(*all));
    all[order->return_count++] =
        (struct order_return){order->id, *return_id, is_open, .is_changed = true};
    order->returns = all;
}

static enum status apply_requested(struct call *call, struct order *order, const struct act *act)
{
    const ReturnRequested *event = (const ReturnRequested *)call->in;
    struct uuid return_id;
    if (!uuid_parse(event->return_id, &return_id))
        return bad_event(call, "return_id");
    set_return(order, call->arena, &return_id, true);
    rules_order_derive(order);
    rules_note(order, act, "return_requested", event->number);
    return STATUS_OK;
}

static enum status apply_approved(struct call *call, struct order *order, const struct act *act)
{
    (void)call;
    rules_note(order, act, "return_approved", NULL);
    return STATUS_OK;
}

static enum status apply_received(struct call *call, struct order *order, const struct act *act)
{
    const ReturnReceived *event = (const ReturnReceived *)call->in;
    int64_t units = 0;
    for (size_t i = 0; i < event->n_lines; i++)
        units += event->lines[i]->quantity;
    return note_units(call, order, act, "return_received", units, event->location);
}

static enum status apply_ended(struct call *call, struct order *order, const struct act *act)
{
    const ReturnEnded *event = (const ReturnEnded *)call->in;
    struct uuid return_id;
    if (!uuid_parse(event->return_id, &return_id))
        return bad_event(call, "return_id");
    set_return(order, call->arena, &return_id, false);
    rules_order_derive(order);
    rules_note(order, act, "return_ended", NULL);
    return STATUS_OK;
}

static bool set_returned(struct order *order, const ReturnInspected *event)
{
    for (size_t i = 0; i < event->n_lines; i++) {
        if (line_of(order, event->lines[i]->order_line_id) == NULL ||
            !is_total(event->lines[i]->returned_total))
            return false;
    }
    for (size_t i = 0; i < event->n_lines; i++) {
        struct order_line *line = line_of(order, event->lines[i]->order_line_id);
        if (event->lines[i]->returned_total > line->returned_total)
            line->returned_total = event->lines[i]->returned_total;
        line->is_changed = true;
    }
    return true;
}

static int64_t due_of(const ReturnInspected *event, const struct order *order)
{
    if (event->refund_due == NULL || strcmp(event->refund_due->currency, order->currency) != 0)
        return 0;
    return event->refund_due->amount_minor > 0 ? event->refund_due->amount_minor : 0;
}

/* The refund that an inspection makes due, as far as anything was captured; what goes beyond was
 * never paid, and is taken off what the customer owes. */
static enum status refund_inspection(struct call *call, struct order *order, const struct act *act,
                                     const struct uuid *return_id, const struct uuid *inspection_id)
{
    struct refusal no;
    size_t count;
    struct refund_facts facts = {.reason = "return",
                                 .return_id = *return_id,
                                 .inspection_id = *inspection_id,
                                 .ids = new_ids(call->arena, rules_refund_ids(order))};
    int64_t due = due_of((const ReturnInspected *)call->in, order);
    if (!rules_inspection(order, act, inspection_id, return_id, due, &facts.amount) ||
        facts.amount == 0)
        return STATUS_OK;
    const struct refund *refunds = rules_refund(order, act, &facts, &count, &no);
    return refunds != NULL ? emit_refunds(call, order, refunds, count) : STATUS_OK;
}

static enum status apply_inspected(struct call *call, struct order *order, const struct act *act)
{
    const ReturnInspected *event = (const ReturnInspected *)call->in;
    struct uuid return_id, inspection_id;
    if (!uuid_parse(event->return_id, &return_id))
        return bad_event(call, "return_id");
    if (!uuid_parse(event->inspection_id, &inspection_id))
        return bad_event(call, "inspection_id");
    if (!set_returned(order, event))
        return bad_event(call, "lines");
    set_return(order, call->arena, &return_id, true);
    rules_order_derive(order);
    rules_note(order, act, "return_inspected", event->number);
    return refund_inspection(call, order, act, &return_id, &inspection_id);
}

enum status on_return_requested(struct batch *batch)
{
    return apply_all(batch, apply_requested);
}

enum status on_return_approved(struct batch *batch)
{
    return apply_all(batch, apply_approved);
}

enum status on_return_received(struct batch *batch)
{
    return apply_all(batch, apply_received);
}

enum status on_return_inspected(struct batch *batch)
{
    return apply_all(batch, apply_inspected);
}

enum status on_return_ended(struct batch *batch)
{
    return apply_all(batch, apply_ended);
}
