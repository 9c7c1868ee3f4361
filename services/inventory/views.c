#include "views.h"

#include <string.h>

char *view_uuid(struct arena *arena, const struct uuid *id)
{
    return uuid_text(id, arena_alloc(arena, UUID_TEXT_BYTES));
}

char *view_text(struct arena *arena, const char *text)
{
    return arena_strdup(arena, text == NULL ? "" : text);
}

const char *view_cause(int32_t cause)
{
    switch ((enum cause)cause) {
#define X(name, number, text)                                                                      \
    case CAUSE_##name:                                                                             \
        return text;
        CAUSES(X)
#undef X
    }
    return NULL;
}

const char *view_reason(int32_t reason)
{
    switch ((enum reason)reason) {
#define X(name, number, text)                                                                      \
    case REASON_##name:                                                                            \
        return text;
        REASONS(X)
#undef X
    }
    return NULL;
}

static const char *verdict_text(enum verdict verdict)
{
    switch (verdict) {
#define X(name, text)                                                                              \
    case VERDICT_##name:                                                                           \
        return text;
        VERDICTS(X)
#undef X
    }
    return NULL;
}

/* ---- decisions ---- */

static LineAllocation *allocation(struct arena *arena, const struct level *level, int64_t units)
{
    LineAllocation *out = ARENA_NEW(arena, LineAllocation);
    penstock__inventory__v1__line_allocation__init(out);
    out->location = view_text(arena, level->place->code);
    out->quantity = units;
    return out;
}

static SourcingDecision *new_decision(struct arena *arena, const char *rule, int64_t now_us,
                                      size_t nlines, size_t ncandidates)
{
    SourcingDecision *out = ARENA_NEW(arena, SourcingDecision);
    penstock__inventory__v1__sourcing_decision__init(out);
    out->rule = view_text(arena, rule);
    out->rule_version = RULES_SOURCING_VERSION;
    out->decided_at_us = now_us;
    out->lines = ARENA_ARRAY(arena, nlines + 1, SourcingLine *);
    out->candidates = ARENA_ARRAY(arena, ncandidates + 1, SourcingCandidate *);
    return out;
}

static SourcingLine *add_line(struct arena *arena, SourcingDecision *decision, size_t index,
                              const char *sku, int64_t asked, size_t allocations)
{
    SourcingLine *line = ARENA_NEW(arena, SourcingLine);
    penstock__inventory__v1__sourcing_line__init(line);
    line->line = (int32_t)index;
    line->sku = view_text(arena, sku);
    line->asked = asked;
    line->allocations = ARENA_ARRAY(arena, allocations + 1, LineAllocation *);
    decision->lines[decision->n_lines++] = line;
    return line;
}

static void add_candidate(struct arena *arena, SourcingDecision *decision,
                          const struct place *place, enum verdict verdict, int32_t lines_fillable)
{
    SourcingCandidate *candidate = ARENA_NEW(arena, SourcingCandidate);
    penstock__inventory__v1__sourcing_candidate__init(candidate);
    candidate->location = view_text(arena, place->code);
    candidate->rank = place->rank;
    candidate->verdict = view_text(arena, verdict_text(verdict));
    candidate->lines_fillable = lines_fillable;
    decision->candidates[decision->n_candidates++] = candidate;
}

static void view_ahead(SourcingLine *line, const struct item *item, int64_t units)
{
    bool is_preorder = item->selling_ahead == AHEAD_PREORDER;
    line->preordered = is_preorder ? units : 0;
    line->backordered = is_preorder ? 0 : units;
    line->promised_at_us = item->promised_at_us;
}

SourcingDecision *view_decision(struct arena *arena, const struct wants *wants,
                                const struct sourcing *sourcing, int64_t now_us)
{
    SourcingDecision *out =
        new_decision(arena, "ranked_locations", now_us, wants->count, sourcing->ncandidates);
    out->parcels = sourcing->parcels;
    out->parcels_at_least = sourcing->parcels_at_least;
    for (size_t i = 0; i < sourcing->ncandidates; i++)
        add_candidate(arena, out, sourcing->candidates[i].place, sourcing->candidates[i].verdict,
                      sourcing->candidates[i].lines_fillable);
    for (size_t i = 0, take = 0; i < wants->count; i++) {
        size_t first = take;
        while (take < sourcing->ntakes && sourcing->takes[take].line == i)
            take++;
        SourcingLine *line =
            add_line(arena, out, i, wants->skus[i], wants->list[i].units, take - first);
        line->unallocated = sourcing->missing[i];
        if (sourcing->ahead != NULL && sourcing->ahead[i] > 0)
            view_ahead(line, wants->list[i].item, sourcing->ahead[i]);
        for (size_t j = first; j < take; j++)
            line->allocations[line->n_allocations++] =
                allocation(arena, sourcing->takes[j].level, sourcing->takes[j].units);
    }
    return out;
}

static bool is_taken_from(const struct moves *moves, const struct level *level)
{
    for (size_t i = 0; i < moves->count; i++)
        if (moves->list[i].level == level)
            return true;
    return false;
}

/* Made before the moves are booked or after: it says who was chosen, not what is left. */
SourcingDecision *view_fill(const struct desk *desk, const struct order *order,
                            const struct order_line *line, int64_t asked, const struct moves *moves)
{
    struct arena *arena = desk->arena;
    const struct item *item = line->item;
    SourcingDecision *out = new_decision(arena, "oldest_first", desk->now_us, 1, item->nlevels);
    for (size_t i = 0; i < item->nlevels; i++) {
        const struct level *level = item->levels[i];
        bool is_chosen = is_taken_from(moves, level);
        enum verdict verdict = is_chosen                             ? VERDICT_CHOSEN
                               : !level->place->is_active            ? VERDICT_INACTIVE
                               : !place_promises(level->place)       ? VERDICT_NOT_SELLABLE
                               : level->units[BUCKET_AVAILABLE] == 0 ? VERDICT_NO_STOCK
                                                                     : VERDICT_NOT_NEEDED;
        if (out->n_candidates < RULES_MAX_CANDIDATES)
            add_candidate(arena, out, level->place, verdict, is_chosen ? 1 : 0);
    }
    SourcingLine *view =
        add_line(arena, out, (size_t)(line - order->lines), line->sku, asked, moves->count);
    for (size_t i = 0; i < moves->count; i++)
        view->allocations[view->n_allocations++] =
            allocation(arena, moves->list[i].level, moves->list[i].units);
    view->unallocated = line->unallocated;
    out->parcels = out->parcels_at_least = (int32_t)moves->count;
    return out;
}

/* ---- answers to Reserve ---- */

static HoldLine *add_hold_line(const struct desk *desk, ReserveResponse *out, const char *sku)
{
    const struct item *item = desk_item(desk, sku);
    HoldLine *line = ARENA_NEW(desk->arena, HoldLine);
    penstock__inventory__v1__hold_line__init(line);
    line->sku = view_text(desk->arena, sku);
    line->name = view_text(desk->arena, item == NULL ? "" : item->name);
    line->is_known = item != NULL;
    out->lines[out->n_lines++] = line;
    return line;
}

void view_held(const struct desk *desk, const SourcingDecision *decision, ReserveResponse *out)
{
    out->lines = ARENA_ARRAY(desk->arena, decision->n_lines + 1, HoldLine *);
    for (size_t i = 0; i < decision->n_lines; i++) {
        const SourcingLine *from = decision->lines[i];
        HoldLine *line = add_hold_line(desk, out, from->sku);
        line->held = from->asked - from->unallocated;
        line->available = from->unallocated > 0 ? line->held : 0;
        line->n_allocations = from->n_allocations;
        line->allocations = from->allocations;
    }
}

void view_refused(const struct desk *desk, const struct wants *wants,
                  const struct reserve_decision *decision, ReserveResponse *out)
{
    out->lines = ARENA_ARRAY(desk->arena, wants->count + 1, HoldLine *);
    for (size_t i = 0; i < wants->count; i++) {
        HoldLine *line = add_hold_line(desk, out, wants->skus[i]);
        line->available = wants->list[i].units > 0 ? decision->sourcing.offered[i] : 0;
    }
    switch (decision->refusal) {
    case SHORTAGE_NONE:
        break;
    case SHORTAGE_STOCK:
        out->refusal_code = view_text(desk->arena, "insufficient_stock");
        break;
    case SHORTAGE_UNKNOWN_SKU:
        out->refusal_code = view_text(desk->arena, "unknown_sku");
        break;
    }
    out->refusal_line = (int32_t)decision->refusal_line;
}

/* ---- what the API shows ---- */

Level *view_level(struct arena *arena, const struct level *level)
{
    Level *out = ARENA_NEW(arena, Level);
    penstock__inventory__v1__level__init(out);
    out->location = view_text(arena, level->place->code);
    out->sku = view_text(arena, level->item->sku);
    out->on_hand = level_on_hand(level->units);
    out->available = level->units[BUCKET_AVAILABLE];
    out->committed = level->units[BUCKET_COMMITTED];
    out->reserved = level->units[BUCKET_RESERVED];
    out->safety = level->units[BUCKET_SAFETY];
    out->damaged = level->units[BUCKET_DAMAGED];
    out->quality_control = level->units[BUCKET_QUALITY_CONTROL];
    out->incoming = level->units[BUCKET_INCOMING];
    return out;
}

Level *view_level_row(struct arena *arena, const struct level_row *row)
{
    Level *out = ARENA_NEW(arena, Level);
    penstock__inventory__v1__level__init(out);
    out->location = view_text(arena, row->location);
    out->sku = view_text(arena, row->sku);
    out->on_hand = row->on_hand;
    out->available = row->available;
    out->committed = row->committed;
    out->reserved = row->reserved;
    out->safety = row->safety;
    out->damaged = row->damaged;
    out->quality_control = row->quality_control;
    out->incoming = row->incoming;
    return out;
}

Location *view_location(struct arena *arena, const struct location_row *row)
{
    Location *out = ARENA_NEW(arena, Location);
    penstock__inventory__v1__location__init(out);
    out->id = view_uuid(arena, &row->location_id);
    out->code = view_text(arena, row->code);
    out->name = view_text(arena, row->name);
    out->type = (Penstock__Inventory__V1__LocationType)row->type;
    out->rank = row->rank;
    out->is_sellable = row->is_sellable;
    out->is_active = row->is_active;
    out->created_at_us = row->created_at;
    if (row->address.count > 0)
        out->address = (Address *)protobuf_c_message_unpack(
            &penstock__common__v1__address__descriptor, arena_protobuf(arena), row->address.count,
            row->address.bytes);
    return out;
}

Money *view_price(struct arena *arena, const struct quote_row *rows, size_t count, const char *sku)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(rows[i].sku, sku) != 0 || *rows[i].price_currency == '\0')
            continue;
        Money *price = ARENA_NEW(arena, Money);
        penstock__common__v1__money__init(price);
        price->amount_minor = rows[i].price_minor;
        price->currency = view_text(arena, rows[i].price_currency);
        return price;
    }
    return NULL;
}

Item *view_item(struct arena *arena, const struct catalog_row *row)
{
    Item *out = ARENA_NEW(arena, Item);
    penstock__inventory__v1__item__init(out);
    out->id = view_uuid(arena, &row->item_id);
    out->sku = view_text(arena, row->sku);
    out->name = view_text(arena, row->name);
    out->barcode = view_text(arena, row->barcode);
    out->weight_g = row->weight_g;
    out->is_active = row->is_active;
    out->created_at_us = row->created_at;
    out->selling_ahead = (Penstock__Inventory__V1__SellingAhead)row->selling_ahead;
    out->ahead_limit = row->ahead_limit;
    out->promised_at_us = row->promised_at;
    if (*row->price_currency != '\0') {
        out->price = ARENA_NEW(arena, Money);
        penstock__common__v1__money__init(out->price);
        out->price->amount_minor = row->price_minor;
        out->price->currency = view_text(arena, row->price_currency);
    }
    return out;
}

/* An id for what is known by its position: the same whenever it is shown. */
static struct uuid movement_id(int64_t position)
{
    char name[40] = "movement:";
    memcpy(&name[9], &position, sizeof position);
    return uuid_of_hash(name, 9 + sizeof position);
}

Movement *view_movement(struct arena *arena, const struct movement_row *row)
{
    struct uuid id = movement_id(row->position);
    Movement *out = ARENA_NEW(arena, Movement);
    penstock__inventory__v1__movement__init(out);
    out->id = view_uuid(arena, &id);
    out->position = row->position;
    out->sku = view_text(arena, row->sku);
    out->location = view_text(arena, row->location);
    out->from = (Penstock__Inventory__V1__Bucket)row->from_bucket;
    out->to = (Penstock__Inventory__V1__Bucket)row->to_bucket;
    out->quantity = row->quantity;
    out->cause = view_text(arena, view_cause(row->cause));
    out->reason = view_text(arena, view_reason(row->reason));
    out->cause_id = view_uuid(arena, &row->cause_id);
    out->actor = view_text(arena, row->actor);
    out->moved_at_us = row->moved_at;
    return out;
}

Reservation *view_reservation(struct arena *arena, const struct uuid *id,
                              enum reservation_state state, int64_t expires_at_us,
                              const struct uuid *order_id, const SourcingDecision *decision)
{
    Reservation *out = ARENA_NEW(arena, Reservation);
    penstock__inventory__v1__reservation__init(out);
    out->id = view_uuid(arena, id);
    out->status = (Penstock__Inventory__V1__ReservationStatus)state;
    out->expires_at_us = expires_at_us;
    if (!uuid_is_nil(order_id))
        out->order_id = view_uuid(arena, order_id);
    out->lines = ARENA_ARRAY(arena, decision->n_lines + 1, ReservationLine *);
    for (size_t i = 0; i < decision->n_lines; i++) {
        ReservationLine *line = ARENA_NEW(arena, ReservationLine);
        penstock__inventory__v1__reservation_line__init(line);
        line->sku = view_text(arena, decision->lines[i]->sku);
        line->quantity = decision->lines[i]->asked;
        line->n_allocations = decision->lines[i]->n_allocations;
        line->allocations = decision->lines[i]->allocations;
        out->lines[out->n_lines++] = line;
    }
    return out;
}
