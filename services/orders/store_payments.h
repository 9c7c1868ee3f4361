/* store_payments.h -- what belongs to payments besides the ledger of one order: who may give back
 * how much, and lists over all orders.
 *
 * Ownership: what is loaded lives in the arena of the database's user.
 */
#pragma once

#include "common/db.h"
#include "rules_refund.h"

enum status store_refund_limits(struct db *db, struct refund_limit **limits,
                                size_t *count) MUST_CHECK;
enum status store_refund_limits_put(struct db *db, const struct refund_limit *limits,
                                    size_t count) MUST_CHECK;

struct refund_key {
    struct uuid order_id, id;
    const char *number; /* the order's */
};
/* Those that go through a channel and are to be made: approved, or nobody has heard of their last
 * attempt. */
enum status store_refunds_due(struct db *db, int64_t now_us, int64_t limit,
                              struct refund_key **keys, size_t *count) MUST_CHECK;
/* Of these statuses, after that id. */
enum status store_refund_keys(struct db *db, const int64_t *statuses, size_t nstatuses,
                              const struct uuid *after, int64_t limit, struct refund_key **keys,
                              size_t *count) MUST_CHECK;
