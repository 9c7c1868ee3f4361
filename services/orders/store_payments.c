#include "store_payments.h"

#include "queries.h"

DB_SHAPE(limit_shape, struct refund_limit, DB_FIELD(struct refund_limit, role, DB_TEXT),
         DB_FIELD(struct refund_limit, currency, DB_TEXT),
         DB_FIELD(struct refund_limit, amount, DB_INT64));

enum status store_refund_limits(struct db *db, struct refund_limit **limits, size_t *count)
{
    return db_select(db, Q_REFUND_LIMITS, &limit_shape, limits, count);
}

enum status store_refund_limits_put(struct db *db, const struct refund_limit *limits, size_t count)
{
    TRY(db_exec(db, Q_REFUND_LIMITS_DELETE));
    for (size_t i = 0; i < count; i++)
        TRY(db_exec(db, Q_REFUND_LIMIT_INSERT, db_text(limits[i].role), db_text(limits[i].currency),
                    db_int(limits[i].amount)));
    return STATUS_OK;
}

DB_SHAPE(refund_key_shape, struct refund_key, DB_FIELD(struct refund_key, order_id, DB_UUID),
         DB_FIELD(struct refund_key, id, DB_UUID), DB_FIELD(struct refund_key, number, DB_TEXT));

enum status store_refund_keys(struct db *db, const int64_t *statuses, size_t nstatuses,
                              const struct uuid *after, int64_t limit, struct refund_key **keys,
                              size_t *count)
{
    return db_select(db, Q_REFUND_KEYS, &refund_key_shape, keys, count,
                     db_ints(statuses, nstatuses), db_uuid(after), db_int(limit));
}

enum status store_refunds_due(struct db *db, int64_t now_us, int64_t limit,
                              struct refund_key **keys, size_t *count)
{
    return db_select(db, Q_REFUNDS_DUE, &refund_key_shape, keys, count, db_time(now_us),
                     db_int(limit));
}
