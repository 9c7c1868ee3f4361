/* Levels, what is changed of them by hand, movements, and why an order ships from there. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "handlers.h"
#include "queries.h"

/* ---- adjusting ---- */

/* What a call asks for, once it is known to make sense. */
struct change {
    struct item *item;
    const struct place *place;
    enum bucket bucket;
    enum reason reason;
    int64_t delta;
};

static enum status check_reason(struct call *call, const char *text, enum reason *reason)
{
    if (*text == '\0')
        return refuse(call, STATUS_INVALID, "required", "reason", "A reason is needed.");
#define X(name, number, word)                                                                      \
    if (strcmp(text, word) == 0) {                                                                 \
        *reason = REASON_##name;                                                                   \
        return STATUS_OK;                                                                          \
    }
    REASONS(X)
#undef X
    return refuse(call, STATUS_INVALID, "invalid", "reason",
                  "A reason is received, damaged, lost, found, counted, returned, correction, "
                  "sample, theft or expired.");
}

/* Committed and reserved units are orders' and checkouts': no hand changes them. */
static enum status check_bucket(struct call *call, int32_t wire, enum bucket *bucket)
{
    *bucket = wire == 0 ? BUCKET_AVAILABLE : (enum bucket)wire;
    if (*bucket == BUCKET_AVAILABLE || *bucket == BUCKET_SAFETY ||
        *bucket == BUCKET_QUALITY_CONTROL || *bucket == BUCKET_DAMAGED ||
        *bucket == BUCKET_INCOMING)
        return STATUS_OK;
    return refuse(call, STATUS_INVALID, "invalid", "bucket",
                  "Available, safety, quality_control, damaged and incoming can be adjusted.");
}

static enum status check_amount(struct call *call, const AdjustStockRequest *in)
{
    if ((in->set == NULL) == (in->delta == 0))
        return refuse(call, STATUS_INVALID, in->set == NULL ? "required" : "invalid", "delta",
                      "Give either a delta that is not 0, or \"set\" with what is expected.");
    if (in->set == NULL &&
        (in->delta > INVENTORY_MAX_ADJUSTMENT || in->delta < -INVENTORY_MAX_ADJUSTMENT))
        return refuse(call, STATUS_INVALID, "out_of_range", "delta",
                      "At most %" PRId64 " units are adjusted at a time.",
                      INVENTORY_MAX_ADJUSTMENT);
    if (in->set != NULL && (in->set->quantity < 0 || in->set->quantity > INVENTORY_MAX_ADJUSTMENT))
        return refuse(call, STATUS_INVALID, "out_of_range", "set.quantity",
                      "A quantity is 0 to %" PRId64 ".", INVENTORY_MAX_ADJUSTMENT);
    if (strlen(in->note) > INVENTORY_NAME_BYTES)
        return refuse(call, STATUS_INVALID, "too_long", "note", "A note has at most %d bytes.",
                      INVENTORY_NAME_BYTES);
    return STATUS_OK;
}

static enum status check_target(struct desk *desk, struct call *call, const AdjustStockRequest *in,
                                struct change *change)
{
    if (*in->sku == '\0')
        return refuse(call, STATUS_INVALID, "required", "sku", "A SKU is needed.");
    if (*in->location == '\0')
        return refuse(call, STATUS_INVALID, "required", "location", "A location is needed.");
    change->item = desk_item(desk, in->sku);
    if (change->item == NULL)
        return refuse(call, STATUS_INVALID, "unknown_sku", "sku", "There is no item \"%s\".",
                      in->sku);
    change->place = desk_place(desk, in->location);
    if (change->place == NULL)
        return refuse(call, STATUS_INVALID, "unknown_location", "location",
                      "There is no location \"%s\".", in->location);
    return STATUS_OK;
}

/* The delta, against what is there now. */
static enum status decide_delta(struct call *call, const AdjustStockRequest *in,
                                struct change *change)
{
    const struct level *level = desk_level(change->item, change->place);
    int64_t there = level == NULL ? 0 : level->units[change->bucket];
    change->delta = in->set != NULL ? in->set->quantity - there : in->delta;
    if (in->set != NULL && in->set->expected != there) {
        refuse(call, STATUS_CONFLICT, "unexpected_quantity", "set.expected",
               "There are %" PRId64 " and not %" PRId64 ".", there, in->set->expected);
        refuse_detail(call, "current", "%" PRId64, there);
        return call->status;
    }
    if (there + change->delta < 0) {
        refuse(call, STATUS_CONFLICT, "insufficient_stock", "delta",
               "There are %" PRId64 ": %" PRId64 " cannot be taken away.", there, -change->delta);
        refuse_detail(call, "available", "%" PRId64, there);
        refuse_detail(call, "delta", "%" PRId64, change->delta);
        return call->status;
    }
    if (there + change->delta > INVENTORY_MAX_UNITS)
        return refuse(call, STATUS_CONFLICT, "out_of_range", "delta",
                      "So many do not fit a location.");
    return STATUS_OK;
}

static enum status decide_change(struct desk *desk, struct call *call, const AdjustStockRequest *in,
                                 struct change *change)
{
    TRY(check_target(desk, call, in, change));
    TRY(check_amount(call, in));
    TRY(check_bucket(call, (int32_t)in->bucket, &change->bucket));
    TRY(check_reason(call, in->reason, &change->reason));
    return decide_delta(call, in, change);
}

static void make_change(struct desk *desk, const struct change *change, const char *note,
                        AdjustStockResponse *out)
{
    struct uuid id = uuid_new();
    struct level none = {.item = change->item, .place = change->place};
    struct level *level = desk_level(change->item, change->place);
    struct cause_of cause = {CAUSE_ADJUSTMENT, change->reason, &id};
    if (change->delta != 0)
        level = desk_level_at(desk, change->item, change->place);
    if (change->delta > 0)
        desk_move(desk, level, BUCKET_OUTSIDE, change->bucket, change->delta, cause);
    if (change->delta < 0)
        desk_move(desk, level, change->bucket, BUCKET_OUTSIDE, -change->delta, cause);
    db_add(db_columns(desk->db, Q_ADJUSTMENT_INSERT), db_uuid(&id), db_text(change->item->sku),
           db_text(change->place->code), db_int(change->bucket), db_int(change->delta),
           db_int(change->reason), db_text(note), db_text(desk->actor), db_time(desk->now_us));
    Adjustment *view = ARENA_NEW(desk->arena, Adjustment);
    penstock__inventory__v1__adjustment__init(view);
    view->id = view_uuid(desk->arena, &id);
    view->delta = change->delta;
    view->reason = view_text(desk->arena, view_reason((int32_t)change->reason));
    view->level = view_level(desk->arena, level == NULL ? &none : level);
    out->adjustment = view;
}

enum status adjust_stock(struct batch *batch)
{
    struct desk desk;
    TRY(stock_begin_batch(&desk, batch));
    for (size_t i = 0; i < batch->count; i++)
        desk_want(&desk, ((const AdjustStockRequest *)batch->calls[i].in)->sku);
    TRY(desk_load(&desk));
    for_each_call(batch, call, const AdjustStockRequest, in, AdjustStockResponse, out) {
        struct change change = {0};
        if (decide_change(&desk, call, in, &change) != STATUS_OK)
            continue;
        desk.actor = call->actor;
        make_change(&desk, &change, in->note, out);
    }
    return stock_end_batch(&desk, batch);
}

/* ---- reading ---- */

enum status list_levels(struct call *call, const ProtobufCMessage *message,
                        ProtobufCMessage *answer)
{
    const ListLevelsRequest *in = (const ListLevelsRequest *)message;
    ListLevelsResponse *out = (ListLevelsResponse *)answer;
    struct level_filter filter = {.sku = in->sku, .location = in->location};
    struct level_row *rows;
    int64_t limit;
    size_t count;
    TRY(page_limit(call, in->limit, &limit));
    TRY(cursor_parts(call, in->cursor, &filter.after_sku, &filter.after_location));
    if (in->at_us < 0 || in->at_us > call->now_us)
        return refuse(call, STATUS_INVALID, "out_of_range", "at",
                      "What will be is not known: give a moment that has passed.");
    filter.limit = limit + 1;
    if (in->at_us == 0)
        TRY(store_levels(call->db, &filter, call->now_us, &rows, &count));
    else
        TRY(store_levels_at(call->db, &filter, in->at_us, call->arena, &rows, &count));
    out->data = ARENA_ARRAY(call->arena, count + 1, Level *);
    for (size_t i = 0; i < count && i < (size_t)limit; i++)
        out->data[out->n_data++] = view_level_row(call->arena, &rows[i]);
    if (count > (size_t)limit)
        out->next_cursor = cursor_text(call->arena, rows[limit - 1].sku, rows[limit - 1].location);
    return STATUS_OK;
}

enum status list_movements(struct call *call, const ProtobufCMessage *message,
                           ProtobufCMessage *answer)
{
    const ListMovementsRequest *in = (const ListMovementsRequest *)message;
    ListMovementsResponse *out = (ListMovementsResponse *)answer;
    struct movement_filter filter = {.sku = in->sku, .location = in->location, .before = INT64_MAX};
    struct movement_row *rows;
    const char *before, *rest;
    int64_t more_before;
    size_t count;
    TRY(page_limit(call, in->limit, &filter.limit));
    TRY(cursor_parts(call, in->cursor, &before, &rest));
    if (*before != '\0')
        filter.before = strtoll(before, NULL, 10);
    if (*in->cause_id != '\0' && !uuid_parse(in->cause_id, &filter.cause_id))
        return refuse(call, STATUS_INVALID, "invalid", "cause_id", "This is no id.");
    TRY(store_movements(call->db, &filter, &rows, &count, &more_before));
    out->data = ARENA_ARRAY(call->arena, count + 1, Movement *);
    for (size_t i = 0; i < count; i++)
        out->data[out->n_data++] = view_movement(call->arena, &rows[i]);
    if (more_before > 0)
        out->next_cursor =
            cursor_text(call->arena, arena_printf(call->arena, "%" PRId64, more_before), "");
    return STATUS_OK;
}

enum status get_sourcing(struct call *call, const ProtobufCMessage *message,
                         ProtobufCMessage *answer)
{
    const GetSourcingRequest *in = (const GetSourcingRequest *)message;
    GetSourcingResponse *out = (GetSourcingResponse *)answer;
    struct sourcing_row *rows;
    struct uuid order_id;
    size_t count;
    if (!uuid_parse(in->order, &order_id))
        return refuse(call, STATUS_INVALID, "invalid", "order", "This is no order's id.");
    TRY(store_sourcing(call->db, &order_id, &rows, &count));
    if (count == 0)
        return refuse(call, STATUS_NOT_FOUND, "not_found", "order",
                      "Nothing was decided for such an order.");
    out->data = ARENA_ARRAY(call->arena, count, SourcingDecision *);
    for (size_t i = 0; i < count; i++) {
        SourcingDecision *decision = (SourcingDecision *)protobuf_c_message_unpack(
            &penstock__inventory__v1__sourcing_decision__descriptor, arena_protobuf(call->arena),
            rows[i].decision.count, rows[i].decision.bytes);
        if (decision == NULL)
            return STATUS_INTERNAL;
        decision->id = view_uuid(call->arena, &rows[i].decision_id);
        out->data[out->n_data++] = decision;
    }
    return STATUS_OK;
}
