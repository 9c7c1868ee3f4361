/* The commands of returns: request, approve, decline, cancel, receive, inspect, close. */
#include "handlers.h"

#include <string.h>

#include "penstock/inventory/v1/inventory.pb-c.h"

typedef Penstock__Inventory__V1__ListLocationsRequest ListLocationsRequest;
typedef Penstock__Inventory__V1__ListLocationsResponse ListLocationsResponse;
typedef Penstock__Returns__V1__ApproveReturnRequest ApproveReturnRequest;
typedef Penstock__Returns__V1__ApproveReturnResponse ApproveReturnResponse;
typedef Penstock__Returns__V1__CancelReturnRequest CancelReturnRequest;
typedef Penstock__Returns__V1__CancelReturnResponse CancelReturnResponse;
typedef Penstock__Returns__V1__CloseReturnRequest CloseReturnRequest;
typedef Penstock__Returns__V1__CloseReturnResponse CloseReturnResponse;
typedef Penstock__Returns__V1__DeclineReturnRequest DeclineReturnRequest;
typedef Penstock__Returns__V1__DeclineReturnResponse DeclineReturnResponse;
typedef Penstock__Returns__V1__DispositionLine DispositionLine;
typedef Penstock__Returns__V1__InspectReturnRequest InspectReturnRequest;
typedef Penstock__Returns__V1__InspectReturnResponse InspectReturnResponse;
typedef Penstock__Returns__V1__ReceiveReturnRequest ReceiveReturnRequest;
typedef Penstock__Returns__V1__ReceiveReturnResponse ReceiveReturnResponse;
typedef Penstock__Returns__V1__RequestReturnRequest RequestReturnRequest;
typedef Penstock__Returns__V1__RequestReturnResponse RequestReturnResponse;
typedef Penstock__Returns__V1__ReturnApproved ReturnApproved;
typedef Penstock__Returns__V1__ReturnEnded ReturnEnded;
typedef Penstock__Returns__V1__ReturnEventLine ReturnEventLine;
typedef Penstock__Returns__V1__ReturnInspected ReturnInspected;
typedef Penstock__Returns__V1__ReturnQuantity ReturnQuantity;
typedef Penstock__Returns__V1__ReturnReceived ReturnReceived;
typedef Penstock__Returns__V1__ReturnRequested ReturnRequested;

static enum status asked_lines(struct call *call, ReturnQuantity *const *from, size_t count,
                               struct asked_line **out)
{
    struct asked_line *lines = *out = ARENA_ARRAY(call->arena, count, struct asked_line);
    for (size_t i = 0; i < count; i++) {
        int disposition = (int)from[i]->disposition;
        lines[i] =
            (struct asked_line){.sku = from[i]->sku,
                                .order_line_id = from[i]->order_line_id,
                                .quantity = from[i]->quantity,
                                .reason = from[i]->reason[0] != '\0' ? from[i]->reason : "other",
                                .disposition = DISPOSITION_RESTOCK};
        if (disposition < 0 || disposition > DISPOSITION_SCRAP)
            return refuse(call, STATUS_INVALID, "invalid",
                          arena_printf(call->arena, "lines[%zu].disposition", i),
                          "A disposition is restock, quarantine or scrap.");
        if (disposition != 0)
            lines[i].disposition = (enum disposition)disposition;
    }
    struct refusal refusal = rules_check_asked(lines, count, call->arena);
    return refusal.status == STATUS_OK ? STATUS_OK : refuse_by_rule(call, &refusal);
}

static enum status check_text(struct call *call, const char *field, const char *text)
{
    if (strlen(text) <= RETURNS_MAX_NOTE)
        return STATUS_OK;
    return refuse(call, STATUS_INVALID, "too_long", field, "A %s is at most %d bytes.", field,
                  RETURNS_MAX_NOTE);
}

/* ---- request ---- */

/* What orders has just placed may not have been read yet: that is waited for. */
static enum status sale_load(struct call *call, const char *order, struct sales *sales)
{
    struct uuid order_id;
    enum status status = STATUS_OK;
    if (order[0] == '\0')
        return refuse(call, STATUS_INVALID, "required", "order",
                      "Name the order, by id or number.");
    if (!uuid_parse(order, &order_id))
        status = store_order_by_number(call->db, order, &order_id);
    if (status == STATUS_OK)
        TRY(store_sales_load(call->db, call->arena, &order_id, 1, sales));
    else if (status != STATUS_NOT_FOUND)
        return status;
    if (status == STATUS_OK && sales->list->is_known)
        return STATUS_OK;
    if (!call->is_last_try)
        return call_later(call);
    return refuse(call, STATUS_NOT_FOUND, "not_found", "order", "There is no such order.");
}

static struct return_order *add_return(struct call *call, struct sale *sale, const char *note,
                                       const struct request_decision *decision)
{
    struct return_order *returns =
        ARENA_ARRAY(call->arena, sale->nreturns + 1, struct return_order);
    if (sale->nreturns != 0)
        memcpy(returns, sale->returns, sale->nreturns * sizeof *returns);
    int32_t sequence = sale->nreturns != 0 ? returns[sale->nreturns - 1].sequence + 1 : 1;
    struct return_order *one = &returns[sale->nreturns++];
    sale->returns = returns;
    *one = (struct return_order){
        .id = uuid_new(),
        .number = arena_printf(call->arena, "%s-R%d", sale->number, (int)sequence),
        .sequence = sequence,
        .status = RETURN_REQUESTED,
        .currency = sale->currency,
        .location = "",
        .note = note,
        .end_reason = "",
        .version = 1,
        .requested_at_us = call->now_us,
        .updated_at_us = call->now_us,
        .lines = decision->lines,
        .nlines = decision->nlines};
    return one;
}

static ReturnEventLine *event_line(struct call *call, const struct return_line *line,
                                   int64_t quantity)
{
    ReturnEventLine *out = ARENA_NEW(call->arena, ReturnEventLine);
    penstock__returns__v1__return_event_line__init(out);
    out->order_line_id = id_text(call->arena, &line->order_line_id);
    out->sku = arena_strdup(call->arena, line->sku);
    out->quantity = quantity;
    out->reason = arena_strdup(call->arena, line->reason);
    return out;
}

static enum status emit_requested(struct call *call, const struct sale *sale,
                                  const struct return_order *one)
{
    ReturnRequested event = PENSTOCK__RETURNS__V1__RETURN_REQUESTED__INIT;
    event.order_id = id_text(call->arena, &sale->order_id);
    event.return_id = id_text(call->arena, &one->id);
    event.number = arena_strdup(call->arena, one->number);
    event.lines = ARENA_ARRAY(call->arena, one->nlines, ReturnEventLine *);
    for (size_t i = 0; i < one->nlines; i++)
        event.lines[event.n_lines++] = event_line(call, &one->lines[i], one->lines[i].requested);
    count(call, COUNT_REQUESTED, 1);
    call_log_order(call, "returns.requested", "A return was requested", event.order_id);
    return emit(call, event.order_id, &event.base);
}

HANDLER(request_return, RequestReturnRequest, RequestReturnResponse)
{
    struct asked_line *lines;
    struct sales sales;
    TRY(check_text(call, "note", in->note));
    TRY(asked_lines(call, in->lines, in->n_lines, &lines));
    TRY(sale_load(call, in->order, &sales));
    struct request_decision decision = rules_request(sales.list, lines, in->n_lines, call->arena);
    /* A parcel that was just handed over may not have been read yet either. */
    if (decision.refusal.may_pass && !call->is_last_try)
        return call_later(call);
    if (decision.refusal.status != STATUS_OK)
        return refuse_by_rule(call, &decision.refusal);
    const struct return_order *one = add_return(call, sales.list, in->note, &decision);
    TRY(store_return_insert(call->db, &sales.list->order_id, one));
    TRY(emit_requested(call, sales.list, one));
    out->return_ = return_view(call, sales.list, one);
    return STATUS_OK;
}

/* ---- moving on ---- */

static enum status check_move(struct call *call, const struct return_order *one,
                              enum return_status to, const char *verb)
{
    struct refusal refusal = rules_check_move(one, to, verb, call->arena);
    return refusal.status == STATUS_OK ? STATUS_OK : refuse_by_rule(call, &refusal);
}

static enum status move(struct call *call, struct return_order *one, enum return_status to)
{
    one->status = to;
    one->version++;
    one->updated_at_us = call->now_us;
    return store_return_update(call->db, one);
}

HANDLER(approve_return, ApproveReturnRequest, ApproveReturnResponse)
{
    struct target target;
    TRY(target_load(call, in->id, &target));
    TRY(check_move(call, target.one, RETURN_APPROVED, "approved"));
    TRY(move(call, target.one, RETURN_APPROVED));
    ReturnApproved event = PENSTOCK__RETURNS__V1__RETURN_APPROVED__INIT;
    event.order_id = id_text(call->arena, &target.sale->order_id);
    event.return_id = id_text(call->arena, &target.one->id);
    call_log_order(call, "returns.approved", "A return was approved", event.order_id);
    out->return_ = return_view(call, target.sale, target.one);
    return emit(call, event.order_id, &event.base);
}

/* Declined, cancelled or closed. */
static enum status end(struct call *call, const char *id, enum return_status to, const char *verb,
                       const char *reason, ReturnOrder **out)
{
    struct target target;
    TRY(check_text(call, "reason", reason));
    TRY(target_load(call, id, &target));
    TRY(check_move(call, target.one, to, verb));
    target.one->end_reason = reason;
    TRY(move(call, target.one, to));
    ReturnEnded event = PENSTOCK__RETURNS__V1__RETURN_ENDED__INIT;
    event.order_id = id_text(call->arena, &target.sale->order_id);
    event.return_id = id_text(call->arena, &target.one->id);
    event.status = (Penstock__Returns__V1__ReturnOrderStatus)to;
    event.reason = arena_strdup(call->arena, reason);
    call_log_order(call, "returns.ended", "A return has ended", event.order_id);
    *out = return_view(call, target.sale, target.one);
    return emit(call, event.order_id, &event.base);
}

HANDLER(decline_return, DeclineReturnRequest, DeclineReturnResponse)
{
    return end(call, in->id, RETURN_DECLINED, "declined", in->reason, &out->return_);
}

HANDLER(cancel_return, CancelReturnRequest, CancelReturnResponse)
{
    return end(call, in->id, RETURN_CANCELLED, "cancelled", in->reason, &out->return_);
}

HANDLER(close_return, CloseReturnRequest, CloseReturnResponse)
{
    return end(call, in->id, RETURN_CLOSED, "closed", "", &out->return_);
}

/* ---- receive ---- */

/* Stock will come back to this location, so inventory is asked whether there is one of this code.
 */
static enum status ask_locations(struct call *call, const ProtobufCMessage *in,
                                 ProtobufCMessage *question)
{
    (void)call;
    (void)in;
    ((ListLocationsRequest *)question)->limit = 200;
    return STATUS_OK;
}

static int location_timeout_ms(const ProtobufCMessage *in)
{
    (void)in;
    return 1000;
}

static enum status check_location(struct call *call, const char *location)
{
    const struct answer *answer = &call->answers[0];
    if (location[0] == '\0')
        return refuse(call, STATUS_INVALID, "required", "location",
                      "Name the location where it arrived.");
    if (!answer->came || answer->status != STATUS_OK)
        return refuse(call, STATUS_UNAVAILABLE, "unavailable", "location",
                      "Inventory does not answer, so the location cannot be checked.");
    const ListLocationsResponse *known = (const ListLocationsResponse *)answer->message;
    for (size_t i = 0; i < known->n_data; i++)
        if (strcmp(known->data[i]->code, location) == 0)
            return STATUS_OK;
    if (known->next_cursor[0] != '\0')
        return STATUS_OK; /* more locations than one answer holds: the event will tell */
    return refuse(call, STATUS_INVALID, "unknown_location", "location",
                  "There is no such location.");
}

static enum status emit_received(struct call *call, const struct target *target,
                                 const int64_t *received)
{
    const struct return_order *one = target->one;
    ReturnReceived event = PENSTOCK__RETURNS__V1__RETURN_RECEIVED__INIT;
    event.order_id = id_text(call->arena, &target->sale->order_id);
    event.return_id = id_text(call->arena, &one->id);
    event.location = arena_strdup(call->arena, one->location);
    event.lines = ARENA_ARRAY(call->arena, one->nlines, ReturnEventLine *);
    for (size_t i = 0; i < one->nlines; i++) {
        if (received[i] == 0)
            continue;
        event.lines[event.n_lines++] = event_line(call, &one->lines[i], received[i]);
        count(call, COUNT_RECEIVED, received[i]);
    }
    call_log_order(call, "returns.received", "Returned units arrived", event.order_id);
    return emit(call, event.order_id, &event.base);
}

HANDLER(receive_return, ReceiveReturnRequest, ReceiveReturnResponse)
{
    struct target target;
    struct asked_line *lines;
    TRY(asked_lines(call, in->lines, in->n_lines, &lines));
    TRY(target_load(call, in->id, &target));
    TRY(check_move(call, target.one, RETURN_RECEIVED, "received"));
    TRY(check_location(call, in->location));
    struct receive_decision decision =
        rules_receive(target.one, in->location, lines, in->n_lines, call->arena);
    if (decision.refusal.status != STATUS_OK)
        return refuse_by_rule(call, &decision.refusal);
    for (size_t i = 0; i < target.one->nlines; i++) {
        target.one->lines[i].received += decision.received[i];
        target.one->lines[i].is_changed = decision.received[i] != 0;
    }
    target.one->location = in->location;
    TRY(move(call, target.one, RETURN_RECEIVED));
    TRY(emit_received(call, &target, decision.received));
    out->return_ = return_view(call, target.sale, target.one);
    return STATUS_OK;
}

/* ---- inspect ---- */

static void add_disposition(struct call *call, const struct target *target, size_t line,
                            enum disposition disposition, int64_t quantity, ReturnInspected *event)
{
    const struct return_line *from = &target->one->lines[line];
    if (quantity == 0)
        return;
    DispositionLine *out = event->lines[event->n_lines++] = ARENA_NEW(call->arena, DispositionLine);
    penstock__returns__v1__disposition_line__init(out);
    out->order_line_id = id_text(call->arena, &from->order_line_id);
    out->sku = arena_strdup(call->arena, from->sku);
    out->disposition = (Penstock__Returns__V1__Disposition)disposition;
    out->quantity = quantity;
    out->returned_total = rules_returned(target->sale, &from->order_line_id);
    count(call, COUNT_INSPECTED, quantity);
}

static enum status emit_inspected(struct call *call, const struct target *target,
                                  const struct uuid *inspection_id,
                                  const struct inspect_decision *decision)
{
    const struct return_order *one = target->one;
    ReturnInspected event = PENSTOCK__RETURNS__V1__RETURN_INSPECTED__INIT;
    event.order_id = id_text(call->arena, &target->sale->order_id);
    event.return_id = id_text(call->arena, &one->id);
    event.number = arena_strdup(call->arena, one->number);
    event.location = arena_strdup(call->arena, one->location);
    event.refund_due = money_view(call, decision->refund_total_minor, one->currency);
    event.inspection_id = id_text(call->arena, inspection_id);
    event.is_complete = rules_is_complete(one);
    event.lines = ARENA_ARRAY(call->arena, one->nlines * 3, DispositionLine *);
    for (size_t i = 0; i < one->nlines; i++) {
        add_disposition(call, target, i, DISPOSITION_RESTOCK, decision->restocked[i], &event);
        add_disposition(call, target, i, DISPOSITION_QUARANTINE, decision->quarantined[i], &event);
        add_disposition(call, target, i, DISPOSITION_SCRAP, decision->scrapped[i], &event);
    }
    call_log_order(call, "returns.inspected", "Returned units were inspected", event.order_id);
    return emit(call, event.order_id, &event.base);
}

static void apply_inspection(struct return_order *one, const struct inspect_decision *decision)
{
    for (size_t i = 0; i < one->nlines; i++) {
        struct return_line *line = &one->lines[i];
        line->restocked += decision->restocked[i];
        line->quarantined += decision->quarantined[i];
        line->scrapped += decision->scrapped[i];
        line->refund_minor += decision->refund_minor[i];
        line->is_changed =
            decision->restocked[i] + decision->quarantined[i] + decision->scrapped[i] != 0;
    }
}

HANDLER(inspect_return, InspectReturnRequest, InspectReturnResponse)
{
    struct target target;
    struct asked_line *lines;
    struct uuid inspection_id = uuid_new();
    TRY(asked_lines(call, in->lines, in->n_lines, &lines));
    TRY(target_load(call, in->id, &target));
    if (target.one->status != RETURN_RECEIVED)
        TRY(check_move(call, target.one, RETURN_INSPECTED, "inspected"));
    struct inspect_decision decision =
        rules_inspect(target.sale, target.one, lines, in->n_lines, call->arena);
    if (decision.refusal.status != STATUS_OK)
        return refuse_by_rule(call, &decision.refusal);
    apply_inspection(target.one, &decision);
    TRY(move(call, target.one, rules_status(target.one)));
    TRY(store_inspection_insert(call->db, &inspection_id, &target.one->id,
                                decision.refund_total_minor, call->now_us));
    TRY(emit_inspected(call, &target, &inspection_id, &decision));
    out->return_ = return_view(call, target.sale, target.one);
    return STATUS_OK;
}

#define READ "returns:read"
#define WRITE "returns:write"

const struct route returns_routes[] = {
    {.rpc = "RequestReturn", .kind = ROUTE_COMMAND, .handler = request_return, .permission = WRITE},
    {.rpc = "GetReturn", .kind = ROUTE_QUERY, .handler = get_return, .permission = READ},
    {.rpc = "ListReturns", .kind = ROUTE_QUERY, .handler = list_returns, .permission = READ},
    {.rpc = "ApproveReturn", .kind = ROUTE_COMMAND, .handler = approve_return, .permission = WRITE},
    {.rpc = "DeclineReturn", .kind = ROUTE_COMMAND, .handler = decline_return, .permission = WRITE},
    {.rpc = "CancelReturn", .kind = ROUTE_COMMAND, .handler = cancel_return, .permission = WRITE},
    {.rpc = "ReceiveReturn",
     .kind = ROUTE_COMMAND,
     .handler = receive_return,
     .permission = WRITE,
     .asks = {{.service = "inventory",
               .rpc = "ListLocations",
               .question = &penstock__inventory__v1__list_locations_request__descriptor,
               .answer = &penstock__inventory__v1__list_locations_response__descriptor,
               .build = ask_locations,
               .timeout_ms = location_timeout_ms}}},
    {.rpc = "InspectReturn", .kind = ROUTE_COMMAND, .handler = inspect_return, .permission = WRITE},
    {.rpc = "CloseReturn", .kind = ROUTE_COMMAND, .handler = close_return, .permission = WRITE},
    {.rpc = NULL},
};

const struct counter returns_counters[] = {
    {COUNT_REQUESTED, "Returns requested."},
    {COUNT_RECEIVED, "Returned units that arrived."},
    {COUNT_INSPECTED, "Returned units inspected."},
    {NULL, NULL},
};

const ProtobufCMessageDescriptor *const returns_events[] = {
    &penstock__returns__v1__return_requested__descriptor,
    &penstock__returns__v1__return_approved__descriptor,
    &penstock__returns__v1__return_received__descriptor,
    &penstock__returns__v1__return_inspected__descriptor,
    &penstock__returns__v1__return_ended__descriptor,
    NULL,
};
