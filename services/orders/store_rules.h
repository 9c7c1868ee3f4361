/* store_rules.h -- rules, the blacklist and a customer's past as rows.
 *
 * Ownership: what is loaded lives in the arena of the database's user, except where an arena is
 * given.
 */
#pragma once

#include "common/db.h"
#include "rules_auto.h"

/* All of them, in order, unpacked in the arena. */
enum status store_rules_load(struct db *db, struct arena *arena, Rule ***rules,
                             size_t *count) MUST_CHECK;
/* Replaces all of them; their places are their order. */
enum status store_rules_put(struct db *db, struct arena *arena, Rule *const *rules,
                            size_t count) MUST_CHECK;

/* ---- following the log ---- */

enum status store_rule_cursor(struct db *db, int64_t *position) MUST_CHECK;
enum status store_rule_cursor_move(struct db *db, int64_t position) MUST_CHECK;
enum status store_rule_cursor_to_head(struct db *db) MUST_CHECK;
/* The next orders that were placed, and how far that has looked. */
enum status store_orders_placed(struct db *db, int64_t after, struct arena *arena,
                                struct uuid **ids, size_t *count, int64_t *end) MUST_CHECK;
enum status store_search_is_at(struct db *db, int64_t position, bool *is_there) MUST_CHECK;

enum status store_refusals(struct db *db, const struct uuid *ids, size_t count,
                           int64_t *refusals) MUST_CHECK;

/* ---- the blacklist ---- */

struct blacklist_row {
    struct uuid id;
    int32_t kind;
    const char *value, *reason, *added_by;
    int64_t added_at_us;
};
/* Sorted. */
enum status store_blacklist_keys(struct db *db, struct arena *arena, struct uuid **keys,
                                 size_t *count) MUST_CHECK;
enum status store_blacklist_count(struct db *db, int64_t *count) MUST_CHECK;
enum status store_blacklist_add(struct db *db, const struct blacklist_row *row,
                                const struct uuid *key) MUST_CHECK;
enum status store_blacklist_remove(struct db *db, const struct uuid *id) MUST_CHECK;
/* NULL when there is none. */
enum status store_blacklist_by_key(struct db *db, const struct uuid *key,
                                   struct blacklist_row **row) MUST_CHECK;
enum status store_blacklist_by_id(struct db *db, const struct uuid *id,
                                  struct blacklist_row **row) MUST_CHECK;
enum status store_blacklist_page(struct db *db, const struct uuid *after, int64_t limit,
                                 struct blacklist_row **rows, size_t *count) MUST_CHECK;
