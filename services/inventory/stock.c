#include "stock.h"

#include <string.h>

#include "views.h"

/* ---- beginning ---- */

static void give_back(struct desk *desk, const struct hold *hold, enum cause cause)
{
    for (size_t i = 0; i < hold->ntakes; i++)
        desk_move(desk, hold->takes[i].level, BUCKET_RESERVED, BUCKET_AVAILABLE,
                  hold->takes[i].units, (struct cause_of){.cause = cause, .id = &hold->hold_id});
}

void stock_end_checkout(struct desk *desk, struct hold *hold, enum reservation_state state)
{
    give_back(desk, hold, state == RESERVATION_EXPIRED ? CAUSE_EXPIRE : CAUSE_RELEASE);
    store_hold_delete(desk, hold);
    store_reservation_end(desk, &hold->hold_id, state, NULL);
}

static enum status expire(struct desk *desk)
{
    struct hold **due;
    size_t count;
    do {
        TRY(store_holds_due(desk, &due, &count));
        for (size_t i = 0; i < count; i++)
            stock_end_checkout(desk, due[i], RESERVATION_EXPIRED);
    } while (count > 0);
    return STATUS_OK;
}

enum status stock_begin(struct desk *desk, struct db *db, struct arena *arena, void *state,
                        int64_t now_us, const char *actor)
{
    struct stock_state *own = state;
    if (own->book == NULL)
        own->book = book_open();
    TRY(desk_open(desk, db, arena, own->book, now_us, actor));
    if (desk->next_due_us == 0 || desk->next_due_us > now_us)
        return STATUS_OK;
    return expire(desk);
}

enum status stock_begin_call(struct desk *desk, struct call *call)
{
    return stock_begin(desk, call->db, call->arena, call->state, call->now_us, call->actor);
}

enum status stock_begin_batch(struct desk *desk, struct batch *batch)
{
    return stock_begin(desk, batch->db, batch->arena, batch->state, batch->now_us, "");
}

/* ---- booking ---- */

void stock_book_moves(struct desk *desk, const struct moves *moves, const struct uuid *cause_id)
{
    for (size_t i = 0; i < moves->count; i++) {
        const struct move *move = &moves->list[i];
        desk_move(desk, move->level, move->from, move->to, move->units,
                  (struct cause_of){.cause = move->cause, .id = cause_id});
    }
}

void stock_tell(struct order *order, struct call *teller)
{
    order->is_changed = true;
    order->is_unspoken = true;
    if (order->teller == NULL)
        order->teller = teller;
}

void stock_decide(struct desk *desk, const struct wants *wants, enum policy policy,
                  struct reserve_decision *out)
{
    arena_reset(desk->scratch);
    rules_reserve(wants, policy, desk_places(desk), desk->scratch, desk->arena, out);
}

void stock_take(struct desk *desk, const struct take *takes, size_t ntakes, enum bucket into,
                struct cause_of cause)
{
    for (size_t i = 0; i < ntakes; i++)
        desk_move(desk, takes[i].level, BUCKET_AVAILABLE, into, takes[i].units, cause);
}

enum status stock_void(struct desk *desk, struct holds *holds, struct hold *hold)
{
    if (hold->expires_at_us == 0) {
        give_back(desk, hold, CAUSE_RELEASE);
        store_hold_delete(desk, hold);
        return STATUS_OK;
    }
    if (hold->expires_at_us <= desk->now_us) {
        stock_end_checkout(desk, hold, RESERVATION_EXPIRED);
        return STATUS_OK;
    }
    struct hold *checkout = arena_copy(desk->arena, hold, sizeof *hold);
    hold->is_gone = true;
    checkout->claim_id = checkout->hold_id;
    checkout->command_key = checkout->question_key = (struct uuid){{0}};
    checkout->command_id = checkout->asker = NULL;
    checkout->asked_at_us = 0;
    checkout->next = NULL;
    lookup_put(&holds->by_id, &checkout->hold_id, checkout);
    return store_hold_claim(desk, holds, checkout);
}

/* ---- serving those who wait ---- */

static void serve_line(struct desk *desk, struct order *order, struct order_line *line,
                       struct call *teller)
{
    struct moves moves = {.arena = desk->arena};
    int64_t asked = line->unallocated;
    if (rules_line_fill(order, line, &moves) == 0)
        return;
    stock_book_moves(desk, &moves, &order->order_id);
    stock_tell(order, teller);
    store_sourcing_insert(desk, order, view_fill(desk, order, line, asked, &moves));
    count(teller, COUNT_SERVED, 1);
}

/* What has just been written is read here again, behind those who waited before. */
static enum status serve(struct desk *desk, struct call *teller)
{
    struct waiting *rows;
    size_t nitems, nrows;
    struct item **items = desk_take_raised(desk, &nitems);
    TRY(store_queue(desk, items, nitems, STOCK_SERVE_AT_ONCE, &rows, &nrows));
    struct uuid *ids = ARENA_ARRAY(desk->arena, nrows + 1, struct uuid);
    for (size_t i = 0; i < nrows; i++)
        ids[i] = rows[i].order_id;
    TRY(store_orders_load(desk, ids, nrows));
    for (size_t i = 0; i < nrows; i++) {
        struct order *order = store_order(desk, &rows[i].order_id);
        if (order == NULL || (size_t)rows[i].line >= order->nlines)
            return STATUS_INTERNAL;
        serve_line(desk, order, &order->lines[rows[i].line], teller);
    }
    for (size_t i = 0; i < nitems && nrows == STOCK_SERVE_AT_ONCE; i++)
        desk_raise(desk, items[i]);
    return STATUS_OK;
}

static enum status speak(struct desk *desk, struct call *teller)
{
    for (size_t i = 0; i < desk->norders; i++) {
        struct order *order = desk->orders[i];
        if (!order->is_unspoken)
            continue;
        const StockAllocated *event = order->allocated;
        TRY(emit(order->teller != NULL ? order->teller : teller, event->order_id, &event->base));
        order->is_unspoken = false;
    }
    return STATUS_OK;
}

enum status stock_end(struct desk *desk, struct call *teller)
{
    for (int round = 0;; round++) {
        store_orders_write(desk);
        TRY(desk_write(desk));
        if (desk->nraised == 0)
            break;
        if (teller == NULL || round == STOCK_SERVE_ROUNDS) {
            size_t count;
            desk_take_raised(desk, &count);
            book_set_unserved(desk->book, true);
            break;
        }
        TRY(serve(desk, teller));
    }
    return speak(desk, teller);
}

enum status stock_end_batch(struct desk *desk, struct batch *batch)
{
    struct call *teller = NULL;
    for (size_t i = 0; i < batch->count && teller == NULL; i++)
        if (batch->calls[i].status == STATUS_OK)
            teller = &batch->calls[i];
    return stock_end(desk, teller);
}
