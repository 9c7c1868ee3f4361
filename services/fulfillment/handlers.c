/* The commands of the warehouse: pick, pack, ship, cancel, deliver. */
#include "handlers.h"

#include <string.h>

#include "penstock/fulfillment/v1/shipments.pb-c.h"
#include "penstock/orders/v1/splits.pb-c.h"

typedef Penstock__Fulfillment__V1__QuantityLine QuantityLine;
typedef Penstock__Fulfillment__V1__PickFulfillmentRequest PickFulfillmentRequest;
typedef Penstock__Fulfillment__V1__PickFulfillmentResponse PickFulfillmentResponse;
typedef Penstock__Fulfillment__V1__PackFulfillmentRequest PackFulfillmentRequest;
typedef Penstock__Fulfillment__V1__PackFulfillmentResponse PackFulfillmentResponse;
typedef Penstock__Fulfillment__V1__ShipFulfillmentRequest ShipFulfillmentRequest;
typedef Penstock__Fulfillment__V1__ShipFulfillmentResponse ShipFulfillmentResponse;
typedef Penstock__Fulfillment__V1__CancelFulfillmentRequest CancelFulfillmentRequest;
typedef Penstock__Fulfillment__V1__CancelFulfillmentResponse CancelFulfillmentResponse;
typedef Penstock__Fulfillment__V1__DeliverParcelRequest DeliverParcelRequest;
typedef Penstock__Fulfillment__V1__DeliverParcelResponse DeliverParcelResponse;
typedef Penstock__Fulfillment__V1__WorkLine WorkLine;
typedef Penstock__Fulfillment__V1__UndoneLine UndoneLine;
typedef Penstock__Fulfillment__V1__FulfillmentPicked FulfillmentPicked;
typedef Penstock__Fulfillment__V1__FulfillmentPacked FulfillmentPacked;
typedef Penstock__Fulfillment__V1__FulfillmentShipped FulfillmentShipped;
typedef Penstock__Fulfillment__V1__FulfillmentCancelled FulfillmentCancelled;
typedef Penstock__Fulfillment__V1__ParcelDelivered ParcelDelivered;

/* The lines of an event: what it moved, and the order line's total after it. */
struct moved {
    WorkLine **lines;
    size_t count;
    int64_t units;
};

enum total { TOTAL_PICKED, TOTAL_PACKED, TOTAL_SHIPPED };

static int64_t total_of(enum total which, struct line_totals totals)
{
    switch (which) {
    case TOTAL_PICKED:
        return totals.picked;
    case TOTAL_PACKED:
        return totals.packed;
    case TOTAL_SHIPPED:
        return totals.shipped;
    }
    return 0;
}

static struct moved moved_lines(struct call *call, const struct target *target, enum total which,
                                const int64_t *quantities)
{
    const struct fulfillment *one = target->one;
    struct moved moved = {ARENA_ARRAY(call->arena, one->nlines, WorkLine *), 0, 0};
    for (size_t i = 0; i < one->nlines; i++) {
        if (quantities[i] == 0)
            continue;
        const struct fulfillment_line *from = &one->lines[i];
        WorkLine *line = moved.lines[moved.count++] = ARENA_NEW(call->arena, WorkLine);
        penstock__fulfillment__v1__work_line__init(line);
        line->order_line_id = id_text(call->arena, &from->order_line_id);
        line->sku = arena_strdup(call->arena, from->sku);
        line->quantity = quantities[i];
        line->total = total_of(which, rules_totals(target->work, &from->order_line_id));
        moved.units += quantities[i];
    }
    return moved;
}

static enum status emit_picked(struct call *call, const struct target *target,
                               const struct step_plan *plan)
{
    struct moved moved = moved_lines(call, target, TOTAL_PICKED, plan->pick);
    if (moved.count == 0)
        return STATUS_OK;
    FulfillmentPicked event = PENSTOCK__FULFILLMENT__V1__FULFILLMENT_PICKED__INIT;
    event.order_id = id_text(call->arena, &target->work->order_id);
    event.fulfillment_id = id_text(call->arena, &target->one->id);
    event.location = arena_strdup(call->arena, target->one->location);
    event.lines = moved.lines;
    event.n_lines = moved.count;
    count(call, COUNT_PICKED, moved.units);
    call_log_order(call, "fulfillment.picked", "Units were picked", event.order_id);
    return emit(call, event.order_id, &event.base);
}

static enum status emit_packed(struct call *call, const struct target *target,
                               const struct step_plan *plan)
{
    struct moved moved = moved_lines(call, target, TOTAL_PACKED, plan->pack);
    if (moved.count == 0)
        return STATUS_OK;
    FulfillmentPacked event = PENSTOCK__FULFILLMENT__V1__FULFILLMENT_PACKED__INIT;
    event.order_id = id_text(call->arena, &target->work->order_id);
    event.fulfillment_id = id_text(call->arena, &target->one->id);
    event.location = arena_strdup(call->arena, target->one->location);
    event.lines = moved.lines;
    event.n_lines = moved.count;
    count(call, COUNT_PACKED, moved.units);
    call_log_order(call, "fulfillment.packed", "Units were packed", event.order_id);
    return emit(call, event.order_id, &event.base);
}

static enum status emit_shipped(struct call *call, const struct target *target,
                                const struct step_plan *plan, const struct parcel *parcel)
{
    struct moved moved = moved_lines(call, target, TOTAL_SHIPPED, plan->ship);
    FulfillmentShipped event = PENSTOCK__FULFILLMENT__V1__FULFILLMENT_SHIPPED__INIT;
    event.order_id = id_text(call->arena, &target->work->order_id);
    event.fulfillment_id = id_text(call->arena, &target->one->id);
    event.parcel_id = id_text(call->arena, &parcel->id);
    event.location = arena_strdup(call->arena, target->one->location);
    event.carrier = arena_strdup(call->arena, parcel->carrier);
    event.tracking_number = arena_strdup(call->arena, parcel->tracking_number);
    event.lines = moved.lines;
    event.n_lines = moved.count;
    event.shipped_at_us = parcel->shipped_at_us;
    event.is_complete = rules_is_final(target->one->status);
    count(call, COUNT_SHIPPED, moved.units);
    count(call, COUNT_PARCELS, 1);
    call_log_order(call, "fulfillment.shipped", "A parcel was handed over", event.order_id);
    return emit(call, event.order_id, &event.base);
}

/* What may change by itself within a second (a confirmation, the end of a hold or a stop that is on
 * its way here) is waited for; the rest is refused at once. */
enum status target_may_work(struct call *call, const struct target *target)
{
    struct refusal refusal =
        rules_may_work(target->work, target->one, target->is_stopped, call->arena);
    if (refusal.status == STATUS_OK)
        return STATUS_OK;
    bool may_pass = target->is_stopped || target->one->status == FULFILLMENT_SCHEDULED ||
                    target->one->status == FULFILLMENT_ON_HOLD;
    if (may_pass && !call->is_last_try)
        return call_later(call);
    return refuse_by_rule(call, &refusal);
}

static const struct step_line *step_lines(struct call *call, QuantityLine *const *lines,
                                          size_t count)
{
    struct step_line *out = ARENA_ARRAY(call->arena, count, struct step_line);
    for (size_t i = 0; i < count; i++)
        out[i] = (struct step_line){lines[i]->sku, lines[i]->order_line_id, lines[i]->quantity};
    return out;
}

static enum status plan_step(struct call *call, enum step step, const struct target *target,
                             QuantityLine *const *lines, size_t count, struct step_plan *plan)
{
    if (count > FULFILLMENT_MAX_LINES)
        return refuse(call, STATUS_INVALID, "too_many", "lines", "At most %d lines.",
                      FULFILLMENT_MAX_LINES);
    TRY(target_may_work(call, target));
    *plan = rules_step(step, target->one, step_lines(call, lines, count), count, call->arena);
    return plan->refusal.status == STATUS_OK ? STATUS_OK : refuse_by_rule(call, &plan->refusal);
}

/* Books the plan; the events follow in the order of the steps. */
static enum status do_step(struct call *call, struct target *target, const struct step_plan *plan)
{
    rules_apply(target->one, plan);
    rules_refresh(target->work, call->now_us);
    store_works_write(call->db, call->arena, &target->works);
    TRY(emit_picked(call, target, plan));
    return emit_packed(call, target, plan);
}

static FulfillmentOrder *view(struct call *call, const struct target *target)
{
    return fulfillment_view(call, target->work, target->one, target->parcels, target->nparcels);
}

HANDLER(pick_fulfillment, PickFulfillmentRequest, PickFulfillmentResponse)
{
    struct target target;
    struct step_plan plan;
    TRY(target_load(call, in->id, &target));
    TRY(plan_step(call, STEP_PICK, &target, in->lines, in->n_lines, &plan));
    TRY(do_step(call, &target, &plan));
    out->fulfillment = view(call, &target);
    return STATUS_OK;
}

HANDLER(pack_fulfillment, PackFulfillmentRequest, PackFulfillmentResponse)
{
    struct target target;
    struct step_plan plan;
    TRY(target_load(call, in->id, &target));
    TRY(plan_step(call, STEP_PACK, &target, in->lines, in->n_lines, &plan));
    TRY(do_step(call, &target, &plan));
    out->fulfillment = view(call, &target);
    return STATUS_OK;
}

static const struct parcel *find_parcel_by_key(const struct target *target, const char *key)
{
    for (size_t i = 0; i < target->nparcels; i++)
        if (strcmp(target->parcels[i].key, key) == 0)
            return &target->parcels[i];
    return NULL;
}

static void add_parcel(struct call *call, struct target *target, const struct label *label,
                       const struct step_plan *plan)
{
    struct parcel *parcels = ARENA_ARRAY(call->arena, target->nparcels + 1, struct parcel);
    if (target->nparcels != 0)
        memcpy(parcels, target->parcels, target->nparcels * sizeof *parcels);
    target->parcels = parcels;
    struct parcel *parcel = &parcels[target->nparcels++];
    *parcel = (struct parcel){.id = uuid_is_nil(&label->parcel_id) ? uuid_new() : label->parcel_id,
                              .order_id = target->work->order_id,
                              .fulfillment_id = target->one->id,
                              .key = label->key,
                              .status = PARCEL_HANDED_OVER,
                              .carrier = label->carrier,
                              .tracking_number = label->tracking_number,
                              .shipped_at_us = call->now_us};
    if (label->key[0] == '\0')
        parcel->key = id_text(call->arena, &parcel->id);
    parcel->lines = ARENA_ARRAY(call->arena, target->one->nlines, struct parcel_line);
    for (size_t i = 0; i < target->one->nlines; i++)
        if (plan->ship[i] != 0)
            parcel->lines[parcel->nlines++] = (struct parcel_line){
                target->one->lines[i].order_line_id, target->one->lines[i].sku, plan->ship[i]};
}

enum status target_ship(struct call *call, struct target *target, const struct label *label,
                        const struct step_plan *plan)
{
    add_parcel(call, target, label, plan);
    const struct parcel *parcel = &target->parcels[target->nparcels - 1];
    TRY(do_step(call, target, plan));
    TRY(store_parcel_insert(call->db, parcel));
    return emit_shipped(call, target, plan, parcel);
}

/* A parcel key that is known: the same parcel again is answered as it stands. */
static enum status ship_again(struct call *call, const struct target *target,
                              const ShipFulfillmentRequest *in, const struct parcel *parcel)
{
    if (uuid_equal(&parcel->fulfillment_id, &target->one->id) &&
        strcmp(parcel->carrier, in->carrier) == 0 &&
        strcmp(parcel->tracking_number, in->tracking_number) == 0)
        return STATUS_OK;
    return refuse(call, STATUS_CONFLICT, "duplicate_parcel_key", "parcel_key",
                  "Another parcel of this order has this key.");
}

HANDLER(ship_fulfillment, ShipFulfillmentRequest, ShipFulfillmentResponse)
{
    struct target target;
    struct step_plan plan;
    struct refusal no = rules_check_label(in->carrier, in->tracking_number, in->parcel_key);
    if (no.status != STATUS_OK)
        return refuse_by_rule(call, &no);
    TRY(target_load(call, in->id, &target));
    const char *key = in->parcel_key[0] != '\0' ? in->parcel_key : call->command_id;
    const struct parcel *known = key[0] != '\0' ? find_parcel_by_key(&target, key) : NULL;
    if (known != NULL) {
        TRY(ship_again(call, &target, in, known));
    } else {
        TRY(plan_step(call, STEP_SHIP, &target, in->lines, in->n_lines, &plan));
        TRY(shipments_refuse_alone(call, &target.work->order_id));
        const struct label label = {
            .carrier = in->carrier, .tracking_number = in->tracking_number, .key = key};
        TRY(target_ship(call, &target, &label, &plan));
    }
    out->fulfillment = view(call, &target);
    return STATUS_OK;
}

static enum status emit_cancelled(struct call *call, const struct target *target,
                                  const char *reason, const struct undo *undo)
{
    const struct fulfillment *one = target->one;
    FulfillmentCancelled event = PENSTOCK__FULFILLMENT__V1__FULFILLMENT_CANCELLED__INIT;
    event.order_id = id_text(call->arena, &target->work->order_id);
    event.fulfillment_id = id_text(call->arena, &one->id);
    event.reason = arena_strdup(call->arena, reason);
    event.lines = ARENA_ARRAY(call->arena, one->nlines, UndoneLine *);
    for (size_t i = 0; i < one->nlines; i++) {
        if (undo->quantity[i] == 0)
            continue;
        struct line_totals totals = rules_totals(target->work, &one->lines[i].order_line_id);
        UndoneLine *line = event.lines[event.n_lines++] = ARENA_NEW(call->arena, UndoneLine);
        penstock__fulfillment__v1__undone_line__init(line);
        line->order_line_id = id_text(call->arena, &one->lines[i].order_line_id);
        line->sku = arena_strdup(call->arena, one->lines[i].sku);
        line->quantity = undo->quantity[i];
        line->picked_total = totals.picked;
        line->packed_total = totals.packed;
    }
    count(call, COUNT_CANCELLED, 1);
    call_log_order(call, "fulfillment.cancelled", "A fulfillment order was cancelled",
                   event.order_id);
    return emit(call, event.order_id, &event.base);
}

HANDLER(cancel_fulfillment, CancelFulfillmentRequest, CancelFulfillmentResponse)
{
    struct target target;
    if (strlen(in->reason) > 500)
        return refuse(call, STATUS_INVALID, "too_long", "reason", "A reason is at most 500 bytes.");
    TRY(target_load(call, in->id, &target));
    if (target.is_stopped && !call->is_last_try && !rules_is_final(target.one->status))
        return call_later(call);
    struct undo undo = rules_cancel(target.work, target.one, target.is_stopped, call->arena);
    if (undo.refusal.status != STATUS_OK)
        return refuse_by_rule(call, &undo.refusal);
    rules_refresh(target.work, call->now_us);
    store_works_write(call->db, call->arena, &target.works);
    TRY(emit_cancelled(call, &target, in->reason, &undo));
    TRY(shipments_take_apart(call, &target.work->order_id, 1, "its work was cancelled"));
    out->fulfillment = view(call, &target);
    return STATUS_OK;
}

static struct parcel *find_parcel(const struct target *target, const char *id)
{
    struct uuid parcel_id;
    if (!uuid_parse(id, &parcel_id))
        return NULL;
    for (size_t i = 0; i < target->nparcels; i++)
        if (uuid_equal(&target->parcels[i].id, &parcel_id) &&
            uuid_equal(&target->parcels[i].fulfillment_id, &target->one->id))
            return &target->parcels[i];
    return NULL;
}

/* Units of an order line in parcels that have arrived. */
static int64_t delivered_of(const struct target *target, const struct uuid *order_line_id)
{
    int64_t units = 0;
    for (size_t i = 0; i < target->nparcels; i++) {
        const struct parcel *parcel = &target->parcels[i];
        for (size_t k = 0; parcel->status == PARCEL_DELIVERED && k < parcel->nlines; k++)
            if (uuid_equal(&parcel->lines[k].order_line_id, order_line_id))
                units += parcel->lines[k].quantity;
    }
    return units;
}

static enum status emit_delivered(struct call *call, const struct target *target,
                                  const struct parcel *parcel)
{
    ParcelDelivered event = PENSTOCK__FULFILLMENT__V1__PARCEL_DELIVERED__INIT;
    event.order_id = id_text(call->arena, &target->work->order_id);
    event.parcel_id = id_text(call->arena, &parcel->id);
    event.delivered_at_us = parcel->delivered_at_us;
    event.lines = ARENA_ARRAY(call->arena, parcel->nlines, WorkLine *);
    for (size_t i = 0; i < parcel->nlines; i++) {
        WorkLine *line = event.lines[event.n_lines++] = ARENA_NEW(call->arena, WorkLine);
        penstock__fulfillment__v1__work_line__init(line);
        line->order_line_id = id_text(call->arena, &parcel->lines[i].order_line_id);
        line->sku = arena_strdup(call->arena, parcel->lines[i].sku);
        line->quantity = parcel->lines[i].quantity;
        line->total = delivered_of(target, &parcel->lines[i].order_line_id);
    }
    call_log_order(call, "fulfillment.delivered", "A parcel arrived", event.order_id);
    return emit(call, event.order_id, &event.base);
}

static enum status deliver(struct call *call, struct target *target, struct parcel *parcel,
                           int64_t at_us)
{
    parcel->status = PARCEL_DELIVERED;
    parcel->delivered_at_us = at_us;
    for (size_t i = 0; i < parcel->nlines; i++)
        target->one->delivered += parcel->lines[i].quantity;
    target->one->is_changed = true;
    rules_refresh(target->work, call->now_us);
    store_works_write(call->db, call->arena, &target->works);
    TRY(store_parcel_deliver(call->db, parcel));
    return emit_delivered(call, target, parcel);
}

enum status target_deliver(struct call *call, const char *fulfillment_id,
                           const struct uuid *parcel_id, int64_t at_us)
{
    struct target target;
    TRY(target_load(call, fulfillment_id, &target));
    struct parcel *parcel = find_parcel(&target, id_text(call->arena, parcel_id));
    if (parcel == NULL || !rules_parcel_may_become(parcel->status, PARCEL_DELIVERED))
        return STATUS_OK;
    return deliver(call, &target, parcel, at_us);
}

HANDLER(deliver_parcel, DeliverParcelRequest, DeliverParcelResponse)
{
    struct target target;
    TRY(target_load(call, in->id, &target));
    struct parcel *parcel = find_parcel(&target, in->parcel_id);
    if (parcel == NULL)
        return refuse(call, STATUS_NOT_FOUND, "not_found", "parcel_id",
                      "This fulfillment order has no such parcel.");
    int64_t at_us = in->delivered_at_us != 0 ? in->delivered_at_us : call->now_us;
    if (at_us < parcel->shipped_at_us || at_us > call->now_us)
        return refuse(call, STATUS_INVALID, "out_of_range", "delivered_at",
                      "A parcel arrives after it was handed over and not in the future.");
    /* Late or repeated news never moves a parcel back, and is no error. */
    if (rules_parcel_may_become(parcel->status, PARCEL_DELIVERED))
        TRY(deliver(call, &target, parcel, at_us));
    TRY(shipments_deliver_others(call, &parcel->id, &target.work->order_id, at_us));
    out->fulfillment = view(call, &target);
    return STATUS_OK;
}

#define READ "fulfillment:read"
#define WRITE "fulfillment:write"

const struct route fulfillment_routes[] = {
    {.rpc = "GetFulfillment", .kind = ROUTE_QUERY, .handler = get_fulfillment, .permission = READ},
    {.rpc = "ListFulfillments",
     .kind = ROUTE_QUERY,
     .handler = list_fulfillments,
     .permission = READ},
    {.rpc = "PickFulfillment",
     .kind = ROUTE_COMMAND,
     .handler = pick_fulfillment,
     .permission = WRITE},
    {.rpc = "PackFulfillment",
     .kind = ROUTE_COMMAND,
     .handler = pack_fulfillment,
     .permission = WRITE},
    {.rpc = "ShipFulfillment",
     .kind = ROUTE_COMMAND,
     .handler = ship_fulfillment,
     .permission = WRITE},
    {.rpc = "CancelFulfillment",
     .kind = ROUTE_COMMAND,
     .handler = cancel_fulfillment,
     .permission = WRITE},
    {.rpc = "DeliverParcel", .kind = ROUTE_COMMAND, .handler = deliver_parcel, .permission = WRITE},
    {.rpc = "ShipTogether",
     .kind = ROUTE_COMMAND,
     .handler = ship_together,
     .permission = WRITE,
     .asks = {{.service = "orders",
               .rpc = "CompareRecipients",
               .question = &penstock__orders__v1__compare_recipients_request__descriptor,
               .answer = &penstock__orders__v1__compare_recipients_response__descriptor,
               .build = ask_recipients}}},
    {.rpc = "GetShipment", .kind = ROUTE_QUERY, .handler = get_shipment, .permission = READ},
    {.rpc = "ListShipments", .kind = ROUTE_QUERY, .handler = list_shipments, .permission = READ},
    {.rpc = "ShipShipment", .kind = ROUTE_COMMAND, .handler = ship_shipment, .permission = WRITE},
    {.rpc = "TakeApart",
     .kind = ROUTE_COMMAND,
     .handler = take_apart_shipment,
     .permission = WRITE},
    {.rpc = "StopWork", .kind = ROUTE_COMMAND, .handler = stop_work, .permission = NULL},
    {.rpc = NULL},
};

const struct counter fulfillment_counters[] = {
    {COUNT_CREATED, "Fulfillment orders made from allocations."},
    {COUNT_PICKED, "Units picked."},
    {COUNT_PACKED, "Units packed."},
    {COUNT_SHIPPED, "Units shipped."},
    {COUNT_PARCELS, "Parcels handed over."},
    {COUNT_CANCELLED, "Fulfillment orders cancelled in the warehouse."},
    {COUNT_STOPS, "Stops of work kept for commands of other services."},
    {NULL, NULL},
};

const ProtobufCMessageDescriptor *const fulfillment_events[] = {
    &penstock__fulfillment__v1__fulfillment_picked__descriptor,
    &penstock__fulfillment__v1__fulfillment_packed__descriptor,
    &penstock__fulfillment__v1__fulfillment_shipped__descriptor,
    &penstock__fulfillment__v1__fulfillment_cancelled__descriptor,
    &penstock__fulfillment__v1__parcel_delivered__descriptor,
    &penstock__fulfillment__v1__order_grouped__descriptor,
    &penstock__fulfillment__v1__order_ungrouped__descriptor,
    NULL,
};
