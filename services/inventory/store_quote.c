#include "store_quote.h"

#include "queries.h"

DB_SHAPE(quote_shape, struct quote_row, DB_FIELD(struct quote_row, sku, DB_TEXT),
         DB_FIELD(struct quote_row, name, DB_TEXT),
         DB_FIELD(struct quote_row, price_currency, DB_TEXT),
         DB_FIELD(struct quote_row, price_minor, DB_INT64),
         DB_FIELD(struct quote_row, available, DB_INT64));

enum status store_quotes(struct db *db, const char *const *skus, size_t count, int64_t now_us,
                         const struct uuid *reservation_id, struct quote_row **rows, size_t *nrows)
{
    return db_select(db, Q_QUOTES, &quote_shape, rows, nrows, db_texts(skus, count),
                     db_time(now_us), db_uuid(reservation_id));
}
