/* rules.h -- what may come back, what it is worth, and how a return moves on.
 *
 * Pure: from facts to decisions. Never more of a line is in returns than has been shipped; the
 * refunds for all units of a line sum to its total exactly.
 *
 * Ownership: decisions live in the given arena and point into what they were made from.
 */
#pragma once

#include "common/arena.h"
#include "common/status.h"
#include "returns.h"

struct figure {
    const char *name;
    int64_t value;
};

struct refusal {
    enum status status; /* OK: not refused */
    const char *code, *field, *text;
    struct figure figures[4]; /* name NULL at the end */
    bool may_pass;            /* the events that allow it may be on their way */
};

/* The transition table. */
bool rules_may_become(enum return_status from, enum return_status to);
/* Refuses, in a sentence with verb ("approve"), what the table does not hold. */
struct refusal rules_check_move(const struct return_order *one, enum return_status to,
                                const char *verb, struct arena *arena);
/* Lower case, for a sentence. */
const char *rules_status_word(enum return_status status);

/* Why something may come back: a table that shops will extend. */
bool rules_is_reason(const char *reason);

/* As asked: by SKU, by order line, or both. */
struct asked_line {
    const char *sku;
    const char *order_line_id; /* "": any */
    int64_t quantity;
    const char *reason;           /* request only */
    enum disposition disposition; /* inspect only */
};

struct refusal rules_check_asked(const struct asked_line *lines, size_t count, struct arena *arena);

/* Units of a line that are in a return, or were: what is declined or cancelled does not count, and
 * of a closed return only what came. */
int64_t rules_in_returns(const struct sale *sale, const struct uuid *order_line_id);

struct request_decision {
    struct refusal refusal;
    struct return_line *lines;
    size_t nlines;
};
/* Shares each asked line out to the order's lines of that SKU, first come first. */
struct request_decision rules_request(const struct sale *sale, const struct asked_line *lines,
                                      size_t count, struct arena *arena);

/* Units by line of the return, index by index. */
struct receive_decision {
    struct refusal refusal;
    int64_t *received;
};
/* No lines: all that is left. */
struct receive_decision rules_receive(const struct return_order *one, const char *location,
                                      const struct asked_line *lines, size_t count,
                                      struct arena *arena);

struct inspect_decision {
    struct refusal refusal;
    int64_t *restocked, *quarantined, *scrapped, *refund_minor;
    int64_t refund_total_minor;
};
/* No lines: all that was received and not inspected is restocked. */
struct inspect_decision rules_inspect(const struct sale *sale, const struct return_order *one,
                                      const struct asked_line *lines, size_t count,
                                      struct arena *arena);

/* Inspected units of an order line, over all its returns. */
int64_t rules_returned(const struct sale *sale, const struct uuid *order_line_id);

/* What the first `units` of a line that costs total_minor for quantity are worth together: rounded
 * down, so that the last unit takes the remainder. */
int64_t rules_worth(int64_t total_minor, int64_t quantity, int64_t units);

/* The status that follows from the quantities, once something has been received. */
enum return_status rules_status(const struct return_order *one);
bool rules_is_complete(const struct return_order *one);
