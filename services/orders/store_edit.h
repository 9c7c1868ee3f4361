/* store_edit.h -- the versions of an order as rows.
 *
 * A version is the order as the API shows it, packed, without states; what says who somebody is is
 * packed apart, so that it can be erased without the version.
 *
 * Ownership: what is loaded lives in the arena of the database's user.
 */
#pragma once

#include "store.h"

struct version_row {
    struct uuid order_id;
    int64_t version, made_at_us;
    const char *kind, *actor, *reason;
    struct db_bytea content, contact; /* an Order; an OrderDetails, or nothing */
};

void store_version_add(struct db *db, const struct version_row *row);
enum status store_order_edited(struct db *db, const struct uuid *order_id,
                               int64_t edited_at_us) MUST_CHECK;
/* Newest first, those up to the version. */
enum status store_versions_page(struct db *db, const struct uuid *order_id, int64_t up_to,
                                int64_t limit, struct version_row **rows, size_t *count) MUST_CHECK;
/* Newest first; the one before them, if any, comes last. */
enum status store_versions_around(struct db *db, const struct uuid *order_id, int64_t first,
                                  int64_t last, struct version_row **rows,
                                  size_t *count) MUST_CHECK;
enum status store_cancelled_after(struct db *db, const struct uuid *order_id, int64_t version,
                                  bool *was_cancelled) MUST_CHECK;
/* For the orders of an erased customer. */
enum status store_versions_erase(struct db *db, const struct uuid *order_ids,
                                 size_t count) MUST_CHECK;
