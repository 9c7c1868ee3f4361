/* store_transfers.h -- transfers that wait for approval, as rows.
 *
 * Ownership: what is loaded lives in the arena of the database's user.
 */
#pragma once

#include "common/db.h"
#include "orders.h"

#define TRANSFER_STATUSES(X)                                                                       \
    X(PENDING, 1)                                                                                  \
    X(APPROVED, 2)                                                                                 \
    X(DECLINED, 3)
#define X(name, value) TRANSFER_##name = value,
enum transfer_status { TRANSFER_STATUSES(X) };
#undef X

struct transfer {
    struct uuid payment_id, order_id;
    const char *number; /* the order's */
    int32_t status;
    int64_t claimed, received;
    char currency[4];
    const char *last_five, *reference, *note, *submitted_by, *decided_by;
    int64_t submitted_at_us, decided_at_us;
};

enum status store_transfer_add(struct db *db, const struct transfer *transfer) MUST_CHECK;
/* NULL when there is none. */
enum status store_transfer_by_payment(struct db *db, const struct uuid *payment_id,
                                      struct transfer **transfer) MUST_CHECK;
enum status store_transfer_page(struct db *db, int32_t status, const struct uuid *after,
                                int64_t limit, struct transfer **rows, size_t *count) MUST_CHECK;
enum status store_transfer_decide(struct db *db, const struct transfer *transfer,
                                  const char *note) MUST_CHECK;
