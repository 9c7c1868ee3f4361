/* verify.h -- an independent judge of what is in the database.
 *
 * Everything that can be recomputed is recomputed, in one read-only snapshot of all schemas, so
 * that rows, logs and cursors fit each other exactly while the system works on. Nothing here shares
 * code with the services' rules: two that agree because they are one prove nothing.
 *
 * Ownership: struct verify lives in command_verify(); rows live in its arena until the next page.
 * Limits: at most VERIFY_SHOWN differences of an invariant are printed, all are counted. Memory is
 * bounded by folding at most VERIFY_ORDERS_A_PASS orders at a time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/db.h"
#include "common/status.h"

#define VERIFY_SHOWN 20
#define VERIFY_PAGE 10000
#define VERIFY_ORDERS_A_PASS 100000

/* local: one schema by itself; across: a consumer's rows against the logs that it has read. */
#define INVARIANTS(X)                                                                              \
    X(STOCK_BALANCE, "stock.balance", "local")                                                     \
    X(STOCK_NONNEGATIVE, "stock.nonnegative", "local")                                             \
    X(STOCK_LEDGER, "stock.ledger", "local")                                                       \
    X(STOCK_RESERVATION, "stock.reservation", "local")                                             \
    X(STOCK_OWNER, "stock.owner", "across")                                                        \
    X(STOCK_SOLD, "stock.sold", "across")                                                          \
    X(ORDER_LINES, "order.lines", "local")                                                         \
    X(ORDER_STATUS, "order.status", "local")                                                       \
    X(ORDER_ONCE, "order.once", "local")                                                           \
    X(ORDER_FAMILY, "order.family", "local")                                                       \
    X(ORDER_ALIVE, "order.alive", "across")                                                        \
    X(MONEY_REFUND, "money.refund", "local")                                                       \
    X(MONEY_LEDGER, "money.ledger", "local")                                                       \
    X(FULFILLMENT_QUANTITY, "fulfillment.quantity", "local")                                       \
    X(RETURN_QUANTITY, "return.quantity", "across")                                                \
    X(INGEST_ONCE, "ingest.once", "across")                                                        \
    X(EVENT_GAPLESS, "event.gapless", "local")                                                     \
    X(EVENT_EFFECT, "event.effect", "across")                                                      \
    X(EVENT_ACTOR, "event.actor", "local")                                                         \
    X(NOTIFY_ONCE, "notify.once", "across")                                                        \
    X(PRIVACY_ERASED, "privacy.erased", "local")                                                   \
    X(AUDIT_CHAIN, "audit.chain", "local")

enum invariant {
#define X(name, word, kind) INVARIANT_##name,
    INVARIANTS(X)
#undef X
        INVARIANT_COUNT,
    /* Not of the data, but of the moment: only asked for with --strict. */
    INVARIANT_STRICT = INVARIANT_COUNT,
    INVARIANT_ALL,
};

struct sizes {
    int64_t orders, movements, events, parked;
};

struct verify {
    struct db *db;
    struct arena *arena;
    bool is_strict;
    int64_t now_us;
    int64_t started_us, said_us; /* monotonic */
    struct sizes sizes;
    int64_t found[INVARIANT_ALL];
};

/* One difference: a sentence with ids and figures. */
void verify_differ(struct verify *verify, enum invariant invariant, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Says on standard error what is being done, if it has been quiet for some seconds. */
void verify_progress(struct verify *verify, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* verify_totals.c: an order's totals from its lines and its packed details. */
enum status verify_totals(struct verify *verify) MUST_CHECK;
/* verify_fold.c: what consumers hold against the logs that they have read. */
enum status verify_fold(struct verify *verify) MUST_CHECK;
