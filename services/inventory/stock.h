/* stock.h -- what the handlers of inventory do to stock in common.
 *
 * A handler that writes begins at a desk, decides by the rules, books, and ends. Ending writes all
 * of it, serves whoever waits for what became available, oldest first, and appends StockAllocated
 * once for each order whose allocation changed.
 *
 * Ownership: the desk's arena. Limits: a desk serves STOCK_SERVE_ROUNDS times STOCK_SERVE_AT_ONCE
 * waiting lines; the timer goes on with the rest, and until then nobody else is promised any of it.
 */
#pragma once

#include "common/service.h"
#include "rules.h"
#include "rules_order.h"
#include "store_book.h"
#include "store_hold.h"
#include "store_order.h"

#define STOCK_SERVE_AT_ONCE 200
#define STOCK_SERVE_ROUNDS 5
#define COUNT_SERVED "penstock_inventory_backorders_served_total"

/* What service.open makes: the writer's. Lanes have one too and never open its book. */
struct stock_state {
    struct book *book;
    int64_t swept_at_us;
};

/* Opens the desk and releases what has expired, so that nothing is decided on stock that a checkout
 * held past its time. */
enum status stock_begin(struct desk *desk, struct db *db, struct arena *arena, void *state,
                        int64_t now_us, const char *actor) MUST_CHECK;
enum status stock_begin_call(struct desk *desk, struct call *call) MUST_CHECK;
enum status stock_begin_batch(struct desk *desk, struct batch *batch) MUST_CHECK;
/* teller is the call whose events tell of orders that were served; NULL: serve them later. */
enum status stock_end(struct desk *desk, struct call *teller) MUST_CHECK;
/* With the first call that was not refused as teller. */
enum status stock_end_batch(struct desk *desk, struct batch *batch) MUST_CHECK;

/* Books what a rule decided about an order. */
void stock_book_moves(struct desk *desk, const struct moves *moves, const struct uuid *cause_id);
/* The order's allocation changed: its row is to be written and the event appended. */
void stock_tell(struct order *order, struct call *teller);

/* Decides, with the book's places. */
void stock_decide(struct desk *desk, const struct wants *wants, enum policy policy,
                  struct reserve_decision *out);
/* Takes what was decided from available into a bucket. */
void stock_take(struct desk *desk, const struct take *takes, size_t ntakes, enum bucket into,
                struct cause_of cause);

/* A command's hold that no order adopts: released; a checkout goes back to waiting for a command,
 * or ends when its time is over. */
enum status stock_void(struct desk *desk, struct holds *holds, struct hold *hold) MUST_CHECK;
/* A checkout's hold ends for good. */
void stock_end_checkout(struct desk *desk, struct hold *hold, enum reservation_state state);
