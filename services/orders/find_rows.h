/* find_rows.h -- the rows that find.c goes through: keys from each source, and what is compared.
 *
 * Ownership: all in the arena of the database's user.
 */
#pragma once

#include "common/arena.h"
#include "common/db.h"
#include "rules_query.h"
#include "search_segment.h"

/* Keys beyond one, by a query that takes a time, an id and a limit. */
enum status find_keys(struct db *db, int query, const struct order_key *beyond, size_t room,
                      struct order_key **keys, size_t *count) MUST_CHECK;
enum status find_keys_by_tag(struct db *db, bool is_oldest_first, const struct query_list *tags,
                             const struct order_key *beyond, size_t room, struct order_key **keys,
                             size_t *count) MUST_CHECK;

/* Of channel and the three statuses. */
struct find_combination {
    const char *channel;
    int64_t status, payment_status, fulfillment_status;
};
struct find_combinations {
    struct find_combination *list;
    size_t count;
};
enum status find_combinations(struct db *db, const struct query *query,
                              struct find_combinations *combinations) MUST_CHECK;
enum status find_keys_by_status(struct db *db, struct arena *arena, bool is_oldest_first,
                                const struct find_combinations *combinations,
                                const struct order_key *beyond, size_t room,
                                struct order_key **keys, size_t *count) MUST_CHECK;

/* Orders that a word names outright; those found by a parcel are remembered with it. */
struct find_tracking {
    struct uuid order_id;
    int64_t placed_at_us;
    const char *tracking; /* "" when found otherwise */
};
struct find_trackings {
    struct find_tracking *list;
    size_t count;
};
enum status find_exact(struct db *db, struct arena *arena, const struct query *query,
                       struct find_trackings *trackings, struct order_key **keys,
                       size_t *count) MUST_CHECK;

/* Takes fits[i] away where the order is otherwise than asked for; ids without an order do not fit.
 */
enum status find_compare_marks(struct db *db, struct arena *arena, const struct query *query,
                               const struct uuid *ids, size_t count, bool *fits) MUST_CHECK;
enum status find_compare_words(struct db *db, struct arena *arena, const struct query *query,
                               const struct find_trackings *trackings, const struct uuid *ids,
                               size_t count, bool *fits) MUST_CHECK;

/* What orders are found by: their texts, as the index and the comparison see them. */
struct find_text {
    enum query_field field;
    const char *canonical;
};
struct find_texts {
    struct order_key key;
    struct find_text *list;
    size_t count, room;
};
/* By order id; orders that are not there are left out. */
enum status find_load_texts(struct db *db, struct arena *arena, const struct uuid *ids,
                            size_t count, struct find_texts **texts, size_t *found) MUST_CHECK;
