/* store.h -- orders as rows: loaded as whole aggregates, written as sets.
 *
 * Loading takes any number of orders at a time and costs one query per table, not per order.
 * Writing appends to the column sets of the turn: what is written here reaches the database with
 * the next read or at commit. Nothing is decided here and no SQL is written here.
 *
 * Ownership: what is loaded lives in the arena of the database's user, see db_use_arena().
 * Limits: EXTERNAL keys and ids per load are those of a turn, or of a page of a list.
 */
#pragma once

#include "common/db.h"
#include "orders.h"

struct order_set {
    struct order *orders; /* in the order of their ids */
    size_t count;
};

/* What of an order besides its own row. */
enum order_part {
    PART_LINES = 1,
    PART_PAYMENTS = 2,
    PART_REFUNDS = 4,
    PART_HOLDS = 8,
    PART_RETURNS = 16,
    PARTS_OF_A_LETTER = PART_LINES | PART_PAYMENTS,
    PARTS_SHOWN = PARTS_OF_A_LETTER | PART_REFUNDS | PART_HOLDS,
};
/* ids may repeat, and may name no order: then it is not in the set. What is loaded for a decision
 * is loaded whole: store_orders_load(), which also loads the other members of an order's family. */
enum status store_orders_load_parts(struct db *db, struct arena *arena, const struct uuid *ids,
                                    size_t count, unsigned parts, struct order_set *set) MUST_CHECK;
enum status store_orders_load(struct db *db, struct arena *arena, const struct uuid *ids,
                              size_t count, struct order_set *set) MUST_CHECK;
/* NULL when it is not in the set. */
struct order *store_orders_find(const struct order_set *set, const struct uuid *id);
/* By id or number; NOT_FOUND when there is none. */
enum status store_order_resolve(struct db *db, const char *id_or_number,
                                struct uuid *id) MUST_CHECK;
enum status store_order_load(struct db *db, struct arena *arena, const struct uuid *id,
                             struct order **order) MUST_CHECK;

/* Which of the orders have lines whose allocated total is not the one given; an order or line that
 * is not there is among them. */
enum status store_orders_allocated_otherwise(struct db *db, const struct uuid *order_ids,
                                             const struct uuid *line_ids, const int64_t *totals,
                                             size_t count, struct uuid **different,
                                             size_t *different_count) MUST_CHECK;

/* A new order with all that it has. */
void store_order_add(struct db *db, struct order *order);
/* A parcel's number, by which the order is found. */
void store_tracking_add(struct db *db, struct arena *arena, const struct uuid *order_id,
                        const char *tracking_number);
/* What the rules changed of an order that was loaded, and of its family; clears the marks. */
void store_order_save(struct db *db, struct order *order);

/* ---- channels and external ids ---- */

enum status store_channels_load(struct db *db, const char *const *names, size_t count,
                                struct channel **channels, size_t *found) MUST_CHECK;
/* NULL when no channel has the prefix. */
enum status store_channel_of_prefix(struct db *db, const char *prefix,
                                    struct channel **channel) MUST_CHECK;
enum status store_channel_put(struct db *db, const char *name, const char *prefix,
                              bool confirms_manually) MUST_CHECK;
/* Keeps the numbers that were taken of each. */
enum status store_channels_save(struct db *db, struct channel *channels, size_t count) MUST_CHECK;
enum status store_externals_load(struct db *db, const char *const *channels,
                                 const char *const *external_ids, size_t count,
                                 struct external **externals, size_t *found) MUST_CHECK;
void store_external_add(struct db *db, const struct external *external);
/* Adds or moves on the version that a channel sent. */
void store_external_import(struct db *db, const struct external *external,
                           const char *financial_status);

/* ---- lists ---- */

struct order_key {
    struct uuid order_id;
    int64_t placed_at_us;
};
/* channel NULL: of any channel, at most one order in each. */
enum status store_orders_by_external(struct db *db, const char *channel, const char *external_id,
                                     struct uuid **order_ids, size_t *count) MUST_CHECK;
/* Events that the search projection has not seen yet. */
enum status store_search_lag(struct db *db, int64_t *lag) MUST_CHECK;

enum status store_timeline_page(struct db *db, const struct uuid *order_id, int64_t after_version,
                                int64_t limit, struct change **changes, size_t *count) MUST_CHECK;
/* The orders that have holds whose time is over, at most 200. */
enum status store_expired_holds(struct db *db, int64_t now_us, struct uuid **order_ids,
                                size_t *count) MUST_CHECK;
