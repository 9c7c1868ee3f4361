/* store_catalog.h -- rows of locations and items, and the lists of levels and movements.
 *
 * What the query lanes read. Nothing here is in the book: handlers that change a location or an
 * item have the book forget it (desk_touch).
 *
 * Ownership: rows live in the connection's arena.
 */
#pragma once

#include "common/db.h"
#include "common/status.h"
#include "inventory.h"

struct location_row {
    const char *code;
    struct uuid location_id;
    const char *name;
    int32_t type, rank;
    bool is_sellable, is_active;
    struct db_bytea address;
    int64_t created_at;
};
enum status store_location(struct db *db, const char *code, struct location_row **row) MUST_CHECK;
enum status store_location_ranks(struct db *db, int64_t *last, int64_t *count) MUST_CHECK;
enum status store_location_insert(struct db *db, const struct location_row *row) MUST_CHECK;
enum status store_location_update(struct db *db, const struct location_row *row) MUST_CHECK;
enum status store_locations(struct db *db, int64_t after_rank, const char *after_code,
                            int64_t limit, struct location_row **rows, size_t *count) MUST_CHECK;

struct catalog_row {
    const char *sku;
    struct uuid item_id;
    const char *name;
    int64_t price_minor;
    const char *price_currency;
    const char *barcode;
    int32_t weight_g;
    bool is_active;
    int64_t created_at;
    int32_t selling_ahead;
    int64_t ahead_limit, promised_at;
};
/* *row is NULL when there is none. */
enum status store_item(struct db *db, const char *sku, struct catalog_row **row) MUST_CHECK;
enum status store_item_insert(struct db *db, const struct catalog_row *row) MUST_CHECK;
enum status store_item_update(struct db *db, const struct catalog_row *row) MUST_CHECK;
enum status store_items(struct db *db, const char *after_sku, int64_t limit,
                        struct catalog_row **rows, size_t *count) MUST_CHECK;

struct level_row {
    int32_t level_id;
    const char *sku, *location;
    int64_t on_hand, available, committed, reserved, safety, damaged, quality_control, incoming;
};
/* Which levels, and from where on: texts are "" for any. */
struct level_filter {
    const char *sku, *location;
    const char *after_sku, *after_location;
    int64_t limit;
};
enum status store_levels(struct db *db, const struct level_filter *filter, int64_t now_us,
                         struct level_row **rows, size_t *count) MUST_CHECK;
/* As they were at a moment: exact, from the ledger. */
enum status store_levels_at(struct db *db, const struct level_filter *filter, int64_t at_us,
                            struct arena *arena, struct level_row **rows, size_t *count) MUST_CHECK;

struct movement_row {
    int64_t position;
    const char *sku, *location;
    int32_t from_bucket, to_bucket;
    int64_t quantity;
    int32_t cause, reason;
    struct uuid cause_id;
    const char *actor;
    int64_t moved_at;
};
struct movement_filter {
    const char *sku, *location;
    struct uuid cause_id; /* nil: any */
    int64_t before;       /* position; INT64_MAX: from the newest */
    int64_t limit;
};
/* Newest first. *more_before is where to go on, 0 at the end: a filter that finds little may give
 * less than the limit and still have more. */
enum status store_movements(struct db *db, const struct movement_filter *filter,
                            struct movement_row **rows, size_t *count,
                            int64_t *more_before) MUST_CHECK;
