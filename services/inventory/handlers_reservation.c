/* Checkouts' reservations: made, looked at, given back. */
#include <inttypes.h>
#include <string.h>

#include "handlers.h"

#define SECOND_US INT64_C(1000000)

/* ---- making ---- */

static enum status check_request(struct call *call, const CreateReservationRequest *in)
{
    if (in->n_lines == 0)
        return refuse(call, STATUS_INVALID, "required", "lines", "At least one line is needed.");
    TRY(lines_check(call, in->lines, in->n_lines, 1));
    if (in->expires_in_seconds < 0 || in->expires_in_seconds > INVENTORY_RESERVATION_MAX_S)
        return refuse(call, STATUS_INVALID, "out_of_range", "expires_in_seconds",
                      "A reservation lasts 1 to %d seconds.", INVENTORY_RESERVATION_MAX_S);
    return STATUS_OK;
}

static enum status refuse_short(struct call *call, const char *const *skus,
                                const struct reserve_decision *decision)
{
    size_t line = decision->refusal_line;
    bool is_unknown = decision->refusal == SHORTAGE_UNKNOWN_SKU;
    char *field = arena_printf(call->arena, "lines[%zu].%s", line, is_unknown ? "sku" : "quantity");
    if (is_unknown)
        return refuse(call, STATUS_INVALID, "unknown_sku", field, "There is no item \"%s\".",
                      skus[line]);
    refuse(call, STATUS_CONFLICT, "insufficient_stock", field, "There is not enough of \"%s\".",
           skus[line]);
    refuse_detail(call, "sku", "%s", skus[line]);
    refuse_detail(call, "available", "%" PRId64, decision->sourcing.offered[line]);
    return call->status;
}

static enum status make(struct desk *desk, struct holds *holds, struct call *call,
                        const CreateReservationRequest *in, CreateReservationResponse *out)
{
    struct reserve_decision decision;
    const struct wants wants = lines_wants(desk, in->lines, in->n_lines);
    stock_decide(desk, &wants, POLICY_STRICT, &decision);
    if (decision.refusal != SHORTAGE_NONE)
        return refuse_short(call, wants.skus, &decision);
    int32_t seconds =
        in->expires_in_seconds != 0 ? in->expires_in_seconds : INVENTORY_RESERVATION_DEFAULT_S;
    struct hold *hold = ARENA_NEW(desk->arena, struct hold);
    hold->hold_id = hold->claim_id = uuid_new();
    hold->expires_at_us = desk->now_us + seconds * SECOND_US;
    hold->takes = decision.sourcing.takes;
    hold->ntakes = decision.sourcing.ntakes;
    hold->decision = view_decision(desk->arena, &wants, &decision.sourcing, desk->now_us);
    stock_take(desk, hold->takes, hold->ntakes, BUCKET_RESERVED,
               (struct cause_of){.cause = CAUSE_HOLD, .id = &hold->hold_id});
    store_hold_insert(desk, holds, hold);
    store_reservation_insert(desk, hold);
    static const struct uuid nobody;
    out->reservation = view_reservation(desk->arena, &hold->hold_id, RESERVATION_HELD,
                                        hold->expires_at_us, &nobody, hold->decision);
    return STATUS_OK;
}

enum status create_reservation(struct batch *batch)
{
    struct desk desk;
    struct holds holds = {0};
    TRY(stock_begin_batch(&desk, batch));
    for (size_t i = 0; i < batch->count; i++) {
        const CreateReservationRequest *in = (const CreateReservationRequest *)batch->calls[i].in;
        lines_note(&desk, in->lines, in->n_lines);
    }
    TRY(desk_load(&desk));
    for_each_call(batch, call, const CreateReservationRequest, in, CreateReservationResponse, out) {
        desk.actor = call->actor;
        if (check_request(call, in) == STATUS_OK && make(&desk, &holds, call, in, out) != STATUS_OK)
            continue;
    }
    return stock_end_batch(&desk, batch);
}

/* ---- looking ---- */

static SourcingDecision *unpack_decision(struct arena *arena, struct db_bytea packed)
{
    return (SourcingDecision *)protobuf_c_message_unpack(
        &penstock__inventory__v1__sourcing_decision__descriptor, arena_protobuf(arena),
        packed.count, packed.bytes);
}

/* What has become of the units is the order's to say. */
static enum reservation_state state_by_order(const StockAllocated *order)
{
    int64_t live = 0, consumed = 0;
    for (size_t i = 0; i < order->n_lines; i++) {
        live += order->lines[i]->unallocated;
        consumed += order->lines[i]->consumed;
        for (size_t j = 0; j < order->lines[i]->n_allocations; j++)
            live += order->lines[i]->allocations[j]->quantity;
    }
    return live > 0       ? RESERVATION_COMMITTED
           : consumed > 0 ? RESERVATION_CONSUMED
                          : RESERVATION_RELEASED;
}

static enum status show(struct call *call, const struct reservation_row *row, Reservation **out)
{
    enum reservation_state state = (enum reservation_state)row->status;
    SourcingDecision *decision = unpack_decision(call->arena, row->decision);
    if (decision == NULL)
        return STATUS_INTERNAL;
    if (state == RESERVATION_HELD && !row->is_claimed && row->expires_at <= call->now_us)
        state = RESERVATION_EXPIRED;
    if (state == RESERVATION_COMMITTED && row->allocated.count > 0) {
        const StockAllocated *order = (const StockAllocated *)protobuf_c_message_unpack(
            &penstock__inventory__v1__stock_allocated__descriptor, arena_protobuf(call->arena),
            row->allocated.count, row->allocated.bytes);
        if (order == NULL)
            return STATUS_INTERNAL;
        state = state_by_order(order);
    }
    *out = view_reservation(call->arena, &row->reservation_id, state, row->expires_at,
                            &row->order_id, decision);
    return STATUS_OK;
}

static enum status find(struct call *call, const char *text, struct reservation_row **row)
{
    struct uuid id;
    *row = NULL;
    if (uuid_parse(text, &id))
        TRY(store_reservation(call->db, &id, row));
    if (*row == NULL)
        return refuse(call, STATUS_NOT_FOUND, "not_found", "id", "There is no such reservation.");
    return STATUS_OK;
}

enum status get_reservation(struct call *call, const ProtobufCMessage *message,
                            ProtobufCMessage *answer)
{
    const GetReservationRequest *in = (const GetReservationRequest *)message;
    GetReservationResponse *out = (GetReservationResponse *)answer;
    struct reservation_row *row;
    TRY(find(call, in->id, &row));
    return show(call, row, &out->reservation);
}

/* ---- keeping for longer ---- */

/* What nobody claims and is not over yet lasts longer; the units stay where they are. */
enum status extend_reservation(struct call *call, const ProtobufCMessage *message,
                               ProtobufCMessage *answer)
{
    const ExtendReservationRequest *in = (const ExtendReservationRequest *)message;
    ExtendReservationResponse *out = (ExtendReservationResponse *)answer;
    struct reservation_row *row;
    int32_t seconds =
        in->expires_in_seconds != 0 ? in->expires_in_seconds : INVENTORY_RESERVATION_DEFAULT_S;
    if (seconds < 0 || seconds > INVENTORY_RESERVATION_MAX_S)
        return refuse(call, STATUS_INVALID, "out_of_range", "expires_in_seconds",
                      "A reservation lasts 1 to %d seconds.", INVENTORY_RESERVATION_MAX_S);
    TRY(find(call, in->id, &row));
    bool stands =
        row->status == RESERVATION_HELD && !row->is_claimed && row->expires_at > call->now_us;
    if (!stands)
        return refuse(call, STATUS_CONFLICT, "invalid_state", "id",
                      "The reservation has ended, or an order has taken it.");
    row->expires_at = call->now_us + seconds * SECOND_US;
    TRY(store_reservation_extend(call->db, &row->reservation_id, row->expires_at));
    return show(call, row, &out->reservation);
}

/* ---- giving back ---- */

/* What has ended already stays as it is, so that giving back twice is no fault. */
enum status release_reservation(struct call *call, const ProtobufCMessage *message,
                                ProtobufCMessage *answer)
{
    const ReleaseReservationRequest *in = (const ReleaseReservationRequest *)message;
    ReleaseReservationResponse *out = (ReleaseReservationResponse *)answer;
    struct desk desk;
    struct holds holds = {0};
    struct reservation_row *row;
    TRY(stock_begin_call(&desk, call));
    TRY(find(call, in->id, &row));
    TRY(store_checkouts_load(&desk, &holds, &row->reservation_id, 1));
    struct hold *hold = lookup_get(&holds.by_id, &row->reservation_id);
    if (hold != NULL) {
        stock_end_checkout(&desk, hold, RESERVATION_RELEASED);
        row->status = RESERVATION_RELEASED;
    } else if (row->status == RESERVATION_COMMITTED || row->is_claimed) {
        return refuse(call, STATUS_CONFLICT, "invalid_state", "id",
                      "An order has taken this reservation: cancel the order.");
    }
    TRY(show(call, row, &out->reservation));
    return stock_end(&desk, call);
}
