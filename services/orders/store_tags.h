/* store_tags.h -- the tags of orders as rows.
 *
 * Ownership: what is read lives in the arena of the database's user.
 */
#pragma once

#include "common/db.h"
#include "store.h"
#include "wire.h"

struct tag_row {
    struct uuid order_id;
    const char *word;
};
/* By order, then by tag. */
enum status store_tags_load(struct db *db, const struct uuid *ids, size_t count,
                            struct tag_row **tags, size_t *found) MUST_CHECK;
/* Puts the tags into what is shown of the orders. */
enum status store_tags_show(struct db *db, struct arena *arena, const struct uuid *ids,
                            size_t count, Order *const *orders, size_t order_count) MUST_CHECK;
void store_tag_add(struct db *db, const struct order *order, const char *tag);
void store_tag_remove(struct db *db, const struct order *order, const char *tag);

struct tag_count {
    const char *tag;
    int64_t orders;
};
/* Those that any order has, by name, beyond one. */
enum status store_tag_counts(struct db *db, const char *after, size_t room,
                             struct tag_count **counts, size_t *count) MUST_CHECK;
/* Adds to the number of orders that have each tag; each tag once. */
void store_tag_count_add(struct db *db, const char *tag, int64_t orders);
