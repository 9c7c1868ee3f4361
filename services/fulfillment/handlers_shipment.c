/* A parcel shared by several orders: put together, shipped, taken apart. Each order keeps its
 * number, its channel and its papers, and is told of its own shipping. */
#include <string.h>

#include "handlers.h"
#include "penstock/fulfillment/v1/shipments.pb-c.h"
#include "penstock/orders/v1/splits.pb-c.h"
#include "rules_shipment.h"
#include "store_shipment.h"

typedef Penstock__Fulfillment__V1__Shipment Shipment;
typedef Penstock__Fulfillment__V1__ShipmentOrder ShipmentOrder;
typedef Penstock__Fulfillment__V1__ShipTogetherRequest ShipTogetherRequest;
typedef Penstock__Fulfillment__V1__ShipTogetherResponse ShipTogetherResponse;
typedef Penstock__Fulfillment__V1__GetShipmentRequest GetShipmentRequest;
typedef Penstock__Fulfillment__V1__GetShipmentResponse GetShipmentResponse;
typedef Penstock__Fulfillment__V1__ListShipmentsRequest ListShipmentsRequest;
typedef Penstock__Fulfillment__V1__ListShipmentsResponse ListShipmentsResponse;
typedef Penstock__Fulfillment__V1__ShipShipmentRequest ShipShipmentRequest;
typedef Penstock__Fulfillment__V1__ShipShipmentResponse ShipShipmentResponse;
typedef Penstock__Fulfillment__V1__TakeApartRequest TakeApartRequest;
typedef Penstock__Fulfillment__V1__TakeApartResponse TakeApartResponse;
typedef Penstock__Orders__V1__CompareRecipientsRequest CompareRecipientsRequest;
typedef Penstock__Orders__V1__CompareRecipientsResponse CompareRecipientsResponse;

#define DEFAULT_LIMIT 50
#define MAX_LIMIT 200

/* ---- what is shown and told ---- */

static Shipment *shipment_view(struct arena *arena, const struct shipment *shipment)
{
    Shipment *out = ARENA_NEW(arena, Shipment);
    penstock__fulfillment__v1__shipment__init(out);
    out->id = id_text(arena, &shipment->id);
    out->status = (Penstock__Fulfillment__V1__ShipmentStatus)shipment->status;
    out->location = arena_strdup(arena, shipment->location);
    out->carrier = arena_strdup(arena, shipment->carrier);
    out->tracking_number = arena_strdup(arena, shipment->tracking_number);
    out->reason = arena_strdup(arena, shipment->reason);
    out->created_at_us = shipment->created_at_us;
    out->ended_at_us = shipment->ended_at_us;
    out->orders = ARENA_ARRAY(arena, shipment->count, ShipmentOrder *);
    for (size_t i = 0; i < shipment->count; i++) {
        ShipmentOrder *order = out->orders[out->n_orders++] = ARENA_NEW(arena, ShipmentOrder);
        penstock__fulfillment__v1__shipment_order__init(order);
        order->order_id = id_text(arena, &shipment->orders[i].order_id);
        order->order_number = arena_strdup(arena, shipment->orders[i].number);
        order->fulfillment_id = id_text(arena, &shipment->orders[i].fulfillment_id);
    }
    return out;
}

static enum status emit_grouped(struct call *call, const struct shipment *shipment)
{
    char **ids = ARENA_ARRAY(call->arena, shipment->count, char *);
    for (size_t i = 0; i < shipment->count; i++)
        ids[i] = id_text(call->arena, &shipment->orders[i].order_id);
    for (size_t i = 0; i < shipment->count; i++) {
        Penstock__Fulfillment__V1__OrderGrouped event =
            PENSTOCK__FULFILLMENT__V1__ORDER_GROUPED__INIT;
        event.order_id = ids[i];
        event.shipment_id = id_text(call->arena, &shipment->id);
        event.order_ids = ids;
        event.n_order_ids = shipment->count;
        call_log_order(call, "fulfillment.grouped", "The order shares a parcel", event.order_id);
        TRY(emit(call, event.order_id, &event.base));
    }
    return STATUS_OK;
}

static enum status take_apart(struct call *call, struct shipment *shipment, const char *reason)
{
    shipment->status = SHIPMENT_TAKEN_APART;
    shipment->reason = reason;
    shipment->ended_at_us = call->now_us;
    TRY(store_shared_end(call->db, shipment));
    for (size_t i = 0; i < shipment->count; i++) {
        Penstock__Fulfillment__V1__OrderUngrouped event =
            PENSTOCK__FULFILLMENT__V1__ORDER_UNGROUPED__INIT;
        event.order_id = id_text(call->arena, &shipment->orders[i].order_id);
        event.shipment_id = id_text(call->arena, &shipment->id);
        event.reason = arena_strdup(call->arena, reason);
        call_log_order(call, "fulfillment.ungrouped", "The order's parcel is its own again",
                       event.order_id);
        TRY(emit(call, event.order_id, &event.base));
    }
    return STATUS_OK;
}

enum status shipments_take_apart(struct call *call, const struct uuid *order_ids, size_t count,
                                 const char *reason)
{
    struct shipment *list;
    size_t found;
    TRY(store_shared_open_of(call->db, call->arena, order_ids, count, &list, &found));
    for (size_t i = 0; i < found; i++)
        TRY(take_apart(call, &list[i], reason));
    return STATUS_OK;
}

enum status shipments_refuse_alone(struct call *call, const struct uuid *order_id)
{
    struct shipment *list;
    size_t found;
    TRY(store_shared_open_of(call->db, call->arena, order_id, 1, &list, &found));
    if (found == 0)
        return STATUS_OK;
    refuse(call, STATUS_CONFLICT, "in_shared_parcel", "id",
           "The order shares a parcel: ship that, or take it apart first.");
    refuse_detail(call, "shipment_id", "%s", id_text(call->arena, &list[0].id));
    return STATUS_CONFLICT;
}

enum status shipments_deliver_others(struct call *call, const struct uuid *parcel_id,
                                     const struct uuid *order_id, int64_t at_us)
{
    struct shipment *shipment;
    size_t found;
    TRY(store_shared_load(call->db, call->arena, parcel_id, 1, &shipment, &found));
    for (size_t i = 0; found != 0 && i < shipment->count; i++)
        if (!uuid_equal(&shipment->orders[i].order_id, order_id))
            TRY(target_deliver(call, id_text(call->arena, &shipment->orders[i].fulfillment_id),
                               parcel_id, at_us));
    return STATUS_OK;
}

/* ---- putting together ---- */

enum status ask_recipients(struct call *call, const ProtobufCMessage *in,
                           ProtobufCMessage *question)
{
    const ShipTogetherRequest *wish = (const ShipTogetherRequest *)in;
    CompareRecipientsRequest *asked = (CompareRecipientsRequest *)question;
    (void)call;
    if (wish->n_orders < 2 || wish->n_orders > SHIPMENT_MAX_ORDERS)
        return STATUS_NOT_FOUND;
    asked->order_ids = wish->orders;
    asked->n_order_ids = wish->n_orders;
    return STATUS_OK;
}

static enum status read_ids(struct call *call, const ShipTogetherRequest *in, struct uuid *ids)
{
    if (in->n_orders < 2 || in->n_orders > SHIPMENT_MAX_ORDERS)
        return refuse(call, STATUS_INVALID, "out_of_range", "orders",
                      "2 to %d orders share a parcel.", SHIPMENT_MAX_ORDERS);
    for (size_t i = 0; i < in->n_orders; i++) {
        const char *field = arena_printf(call->arena, "orders[%zu]", i);
        if (!uuid_parse(in->orders[i], &ids[i]))
            return refuse(call, STATUS_INVALID, "invalid", field, "An order is named by its id.");
        for (size_t k = 0; k < i; k++)
            if (uuid_equal(&ids[k], &ids[i]))
                return refuse(call, STATUS_INVALID, "duplicate", field, "It is named twice.");
    }
    return STATUS_OK;
}

static enum status read_recipients(struct call *call, const ShipTogetherRequest *in)
{
    const struct answer *answer = &call->answers[0];
    if (!answer->was_asked || !answer->came)
        return refuse(call, STATUS_UNAVAILABLE, "orders_unavailable", "",
                      "Whether they go to one recipient cannot be told now; try again.");
    if (answer->status != STATUS_OK)
        return refuse(call, answer->status, answer->code, "orders", "%s", answer->text);
    const CompareRecipientsResponse *said = (const CompareRecipientsResponse *)answer->message;
    for (size_t i = 0; i < in->n_orders && !said->is_same; i++)
        if (strcmp(in->orders[i], said->different_order_id) == 0)
            return refuse(call, STATUS_CONFLICT, "different_recipient",
                          arena_printf(call->arena, "orders[%zu]", i),
                          "It goes to another recipient or address, or by another method.");
    return STATUS_OK;
}

/* None is stopped for a command, and none is in another shared parcel. */
static enum status check_free(struct call *call, const struct uuid *ids, size_t count)
{
    struct shipment *list;
    size_t stops, found;
    for (size_t i = 0; i < count; i++) {
        TRY(store_stops_of_order(call->db, &ids[i], &stops));
        if (stops != 0)
            return call->is_last_try ? refuse(call, STATUS_CONFLICT, "work_stopped",
                                              arena_printf(call->arena, "orders[%zu]", i),
                                              "Its work is stopped by a change on its way.")
                                     : call_later(call);
    }
    TRY(store_shared_open_of(call->db, call->arena, ids, count, &list, &found));
    if (found != 0)
        return refuse(call, STATUS_CONFLICT, "in_shared_parcel", "orders",
                      "One of them shares a parcel already.");
    return STATUS_OK;
}

static enum status find_location(struct call *call, const struct works *works,
                                 const struct uuid *ids, size_t count, const char **location)
{
    struct work **list = ARENA_ARRAY(call->arena, count, struct work *);
    struct refusal refusal;
    size_t index;
    for (size_t i = 0; i < count; i++)
        list[i] = store_works_find(works, &ids[i]);
    *location = rules_share_location(list, count, &index, &refusal);
    if (*location != NULL)
        return STATUS_OK;
    refusal.field = arena_printf(call->arena, "orders[%zu]", index);
    return refuse_by_rule(call, &refusal);
}

FULFILLMENT_HANDLER(ship_together, ShipTogetherRequest, ShipTogetherResponse)
{
    struct works works;
    struct uuid *ids = ARENA_ARRAY(call->arena, in->n_orders + 1, struct uuid);
    struct shipment shipment = {.id = uuid_new(),
                                .status = SHIPMENT_OPEN,
                                .carrier = "",
                                .tracking_number = "",
                                .reason = "",
                                .created_at_us = call->now_us};
    TRY(read_ids(call, in, ids));
    TRY(read_recipients(call, in));
    TRY(check_free(call, ids, in->n_orders));
    struct uuid *sorted = arena_copy(call->arena, ids, in->n_orders * sizeof *ids);
    TRY(store_works_load(call->db, call->arena, sorted, in->n_orders, &works));
    TRY(find_location(call, &works, ids, in->n_orders, &shipment.location));
    shipment.orders = ARENA_ARRAY(call->arena, in->n_orders, struct shipment_order);
    for (size_t i = 0; i < in->n_orders; i++) {
        const struct work *work = store_works_find(&works, &ids[i]);
        shipment.orders[shipment.count++] = (struct shipment_order){
            ids[i], rules_shareable(work, shipment.location)->id, work->number};
    }
    TRY(store_shared_insert(call->db, &shipment, call->actor));
    TRY(emit_grouped(call, &shipment));
    out->shipment = shipment_view(call->arena, &shipment);
    return STATUS_OK;
}

/* ---- and after ---- */

static enum status load_shipment(struct call *call, const char *id_as_text,
                                 struct shipment **shipment)
{
    struct uuid id;
    size_t found = 0;
    if (uuid_parse(id_as_text, &id))
        TRY(store_shared_load(call->db, call->arena, &id, 1, shipment, &found));
    if (found == 0)
        return refuse(call, STATUS_NOT_FOUND, "not_found", "id", "There is no such shipment.");
    return STATUS_OK;
}

static enum status load_open(struct call *call, const char *id, struct shipment **shipment)
{
    TRY(load_shipment(call, id, shipment));
    if ((*shipment)->status == SHIPMENT_OPEN)
        return STATUS_OK;
    return refuse(call, STATUS_CONFLICT, "invalid_state", "",
                  (*shipment)->status == SHIPMENT_SHIPPED ? "It has shipped."
                                                          : "It was taken apart.");
}

/* Every order is looked at before any of them leaves. */
static enum status ship_orders(struct call *call, const struct shipment *shipment,
                               const struct label *label)
{
    struct target *targets = ARENA_ARRAY(call->arena, shipment->count, struct target);
    struct step_plan *plans = ARENA_ARRAY(call->arena, shipment->count, struct step_plan);
    size_t *counts = ARENA_ARRAY(call->arena, shipment->count, size_t), leaving = 0;
    for (size_t i = 0; i < shipment->count; i++) {
        TRY(target_load(call, id_text(call->arena, &shipment->orders[i].fulfillment_id),
                        &targets[i]));
        const struct step_line *lines = rules_all_left(targets[i].one, call->arena, &counts[i]);
        if (counts[i] == 0)
            continue;
        TRY(target_may_work(call, &targets[i]));
        plans[i] = rules_step(STEP_SHIP, targets[i].one, lines, counts[i], call->arena);
        if (plans[i].refusal.status != STATUS_OK)
            return refuse_by_rule(call, &plans[i].refusal);
        leaving++;
    }
    if (leaving == 0)
        return refuse(call, STATUS_CONFLICT, "invalid_state", "", "Nothing of it is left to ship.");
    for (size_t i = 0; i < shipment->count; i++)
        if (counts[i] != 0)
            TRY(target_ship(call, &targets[i], label, &plans[i]));
    return STATUS_OK;
}

FULFILLMENT_HANDLER(ship_shipment, ShipShipmentRequest, ShipShipmentResponse)
{
    struct shipment *shipment;
    struct refusal no = rules_check_label(in->carrier, in->tracking_number, "");
    if (no.status != STATUS_OK)
        return refuse_by_rule(call, &no);
    TRY(load_open(call, in->id, &shipment));
    const struct label label = {.carrier = in->carrier,
                                .tracking_number = in->tracking_number,
                                .key = id_text(call->arena, &shipment->id),
                                .parcel_id = shipment->id};
    TRY(ship_orders(call, shipment, &label));
    shipment->status = SHIPMENT_SHIPPED;
    shipment->carrier = in->carrier;
    shipment->tracking_number = in->tracking_number;
    shipment->ended_at_us = call->now_us;
    TRY(store_shared_end(call->db, shipment));
    out->shipment = shipment_view(call->arena, shipment);
    return STATUS_OK;
}

FULFILLMENT_HANDLER(take_apart_shipment, TakeApartRequest, TakeApartResponse)
{
    struct shipment *shipment;
    if (strlen(in->reason) > 500)
        return refuse(call, STATUS_INVALID, "too_long", "reason", "A reason is at most 500 bytes.");
    TRY(load_open(call, in->id, &shipment));
    TRY(take_apart(call, shipment, in->reason[0] != '\0' ? in->reason : "by hand"));
    out->shipment = shipment_view(call->arena, shipment);
    return STATUS_OK;
}

/* ---- reading ---- */

FULFILLMENT_HANDLER(get_shipment, GetShipmentRequest, GetShipmentResponse)
{
    struct shipment *shipment;
    TRY(load_shipment(call, in->id, &shipment));
    out->shipment = shipment_view(call->arena, shipment);
    return STATUS_OK;
}

FULFILLMENT_HANDLER(list_shipments, ListShipmentsRequest, ListShipmentsResponse)
{
    struct uuid before, order_id;
    struct shipment *list;
    size_t count, limit = in->limit != 0 ? (size_t)in->limit : DEFAULT_LIMIT;
    if (in->limit < 0 || in->limit > MAX_LIMIT)
        return refuse(call, STATUS_INVALID, "out_of_range", "limit", "A limit is 1 to %d.",
                      MAX_LIMIT);
    if (in->cursor[0] != '\0' && !uuid_parse(in->cursor, &before))
        return refuse(call, STATUS_INVALID, "invalid", "cursor",
                      "A cursor comes from next_cursor.");
    if (in->order[0] != '\0' && !uuid_parse(in->order, &order_id)) {
        enum status status = store_order_by_number(call->db, in->order, &order_id);
        if (status == STATUS_NOT_FOUND)
            return STATUS_OK;
        TRY(status);
    }
    TRY(store_shared_list(call->db, call->arena, in->order[0] != '\0' ? &order_id : NULL,
                          in->cursor[0] != '\0' ? &before : NULL, limit + 1, &list, &count));
    if (count > limit) {
        count = limit;
        out->next_cursor = id_text(call->arena, &list[limit - 1].id);
    }
    out->data = ARENA_ARRAY(call->arena, count + 1, Shipment *);
    for (size_t i = 0; i < count; i++)
        out->data[out->n_data++] = shipment_view(call->arena, &list[i]);
    return STATUS_OK;
}
