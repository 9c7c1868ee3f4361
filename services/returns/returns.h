/* returns.h -- what came back of an order, or is to, as the rules and the store see it.
 *
 * A return is decided on the whole order: what was sold, what has been shipped, and every other
 * return of it. struct sale holds all of that.
 *
 * Ownership: everything lives in the arena of the call that loaded it.
 * Limits: RETURNS_MAX_LINES lines in a request, RETURNS_MAX_QUANTITY units in each.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/id.h"
#include "common/money.h"

#define RETURNS_MAX_LINES 500
#define RETURNS_MAX_QUANTITY 1000000
#define RETURNS_MAX_NOTE 1000

/* Stored and sent: append only, never renumber. IN_TRANSIT and EXPIRED are reached by no rule yet.
 */
#define RETURN_STATUSES(X)                                                                         \
    X(REQUESTED, 1)                                                                                \
    X(APPROVED, 2)                                                                                 \
    X(IN_TRANSIT, 3)                                                                               \
    X(RECEIVED, 4)  /* some of it, not all inspected */                                            \
    X(INSPECTED, 5) /* all that was received */                                                    \
    X(CLOSED, 6)                                                                                   \
    X(DECLINED, 7)                                                                                 \
    X(CANCELLED, 8)                                                                                \
    X(EXPIRED, 9)

enum return_status {
#define X(name, number) RETURN_##name = number,
    RETURN_STATUSES(X)
#undef X
};

/* From, to, why. */
#define RETURN_TRANSITIONS(X)                                                                      \
    X(REQUESTED, APPROVED, approved)                                                               \
    X(REQUESTED, DECLINED, declined)                                                               \
    X(REQUESTED, CANCELLED, cancelled)                                                             \
    X(REQUESTED, EXPIRED, expired)                                                                 \
    X(APPROVED, IN_TRANSIT, handed_over)                                                           \
    X(APPROVED, RECEIVED, received)                                                                \
    X(APPROVED, CANCELLED, cancelled)                                                              \
    X(APPROVED, EXPIRED, expired)                                                                  \
    X(IN_TRANSIT, RECEIVED, received)                                                              \
    X(IN_TRANSIT, CANCELLED, cancelled)                                                            \
    X(IN_TRANSIT, EXPIRED, expired)                                                                \
    X(RECEIVED, RECEIVED, more_received)                                                           \
    X(RECEIVED, INSPECTED, all_inspected)                                                          \
    X(INSPECTED, RECEIVED, more_received)                                                          \
    X(INSPECTED, CLOSED, closed)

#define DISPOSITIONS(X)                                                                            \
    X(RESTOCK, 1)                                                                                  \
    X(QUARANTINE, 2)                                                                               \
    X(SCRAP, 3)

enum disposition {
#define X(name, number) DISPOSITION_##name = number,
    DISPOSITIONS(X)
#undef X
};

/* A line of the order, with what has become of it. */
struct sold_line {
    struct uuid line_id;
    const char *sku, *name;
    int64_t quantity;    /* that total_minor is the price of */
    int64_t total_minor; /* what the customer pays for all of it */
    int64_t cancelled;   /* of quantity */
    int64_t shipped;
};

struct return_line {
    int32_t line_no; /* from 1 */
    struct uuid order_line_id;
    const char *sku, *reason;
    int64_t requested, received, restocked, quarantined, scrapped;
    int64_t refund_minor; /* due for what was inspected */
    bool is_changed;
};

struct return_order {
    struct uuid id;
    const char *number;
    int32_t sequence; /* the n-th of its order */
    enum return_status status;
    const char *currency, *location, *note, *end_reason;
    int64_t version, requested_at_us, updated_at_us;
    struct return_line *lines;
    size_t nlines;
};

/* One order with all its returns, oldest first. */
struct sale {
    struct uuid order_id;
    bool is_known; /* OrderPlaced was read */
    const char *number, *currency;
    struct sold_line *lines;
    size_t nlines;
    struct return_order *returns;
    size_t nreturns;
};
