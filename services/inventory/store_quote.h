/* store_quote.h -- what items cost and what there is of them, as rows.
 *
 * Ownership: what is loaded lives in the arena of the database's user.
 */
#pragma once

#include "common/db.h"

struct quote_row {
    const char *sku, *name, *price_currency; /* "": it has no price */
    int64_t price_minor, available;
};

/* Those of the SKUs that are known and on sale. reservation_id: what it holds counts as available;
 * nil: none. */
enum status store_quotes(struct db *db, const char *const *skus, size_t count, int64_t now_us,
                         const struct uuid *reservation_id, struct quote_row **rows,
                         size_t *nrows) MUST_CHECK;
