/* store.h -- the warehouse's work to rows and back.
 *
 * Sets in, sets out: what a turn touches is loaded once, changed in memory by the rules, and what
 * has changed is written as sets. Nothing is decided here.
 *
 * Ownership: all that is loaded lives in the arena given.
 */
#pragma once

#include "common/arena.h"
#include "common/db.h"
#include "fulfillment.h"

/* The work of some orders, sorted by id; also for orders that no log has mentioned yet. */
struct works {
    struct work *list;
    size_t count;
};

/* is_fresh: no order of them is expected to be known, as for orders just placed; then their work is
 * only looked for when one is known after all. ids are sorted and made unique in place. */
enum status store_works_load(struct db *db, struct arena *arena, struct uuid *ids, size_t count,
                             struct works *out) MUST_CHECK;
/* One of those that were loaded. */
struct work *store_works_find(const struct works *works, const struct uuid *order_id);
/* Gives new fulfillment orders their ids and writes whatever has changed. */
void store_works_write(struct db *db, struct arena *arena, struct works *works);
/* Of one order. */
enum status store_work_load(struct db *db, struct arena *arena, const struct uuid *order_id,
                            struct works *out) MUST_CHECK;

/* What has left, by order, in the order in which it left. */
struct shipments {
    struct uuid *order_ids;
    struct placed_units *units;
    size_t count;
};
enum status store_shipments_load(struct db *db, struct arena *arena, const struct uuid *order_ids,
                                 size_t count, struct shipments *out) MUST_CHECK;

/* The order of a fulfillment order; NOT_FOUND when there is no such. */
enum status store_order_of(struct db *db, const struct uuid *fulfillment_id,
                           struct uuid *order_id) MUST_CHECK;
enum status store_order_by_number(struct db *db, const char *number,
                                  struct uuid *order_id) MUST_CHECK;

/* A page of fulfillment orders, newest first. */
struct listed {
    struct uuid id, order_id;
};
struct list_filter {
    const struct uuid *order_id;    /* NULL: any */
    enum fulfillment_status status; /* 0: any */
    const char *location;           /* NULL: any */
    const struct uuid *before;      /* NULL: from the newest */
    int64_t limit;
};
enum status store_list(struct db *db, struct arena *arena, const struct list_filter *filter,
                       struct listed **rows, size_t *count) MUST_CHECK;

enum status store_parcels_load(struct db *db, struct arena *arena, const struct uuid *order_ids,
                               size_t norders, struct parcel **out, size_t *count) MUST_CHECK;
enum status store_parcel_insert(struct db *db, const struct parcel *parcel) MUST_CHECK;
enum status store_parcel_deliver(struct db *db, const struct parcel *parcel) MUST_CHECK;

/* A hold on an order's work, kept for a command of another service. */
struct stop {
    struct uuid hold_id, order_id;
    const char *command_id, *question_hash, *asker;
    const void *answer;
    size_t answer_bytes;
    int64_t stopped_at_us;
};
/* NOT_FOUND when the question is new. Fills hold_id and answer only. */
enum status store_stop_find(struct db *db, const char *command_id, const char *question_hash,
                            struct stop *out) MUST_CHECK;
enum status store_stop_insert(struct db *db, const struct stop *stop) MUST_CHECK;
enum status store_stops_of_order(struct db *db, const struct uuid *order_id,
                                 size_t *count) MUST_CHECK;
enum status store_stops_end(struct db *db, const struct uuid *hold_ids, size_t count) MUST_CHECK;
enum status store_stops_end_by_command(struct db *db, const char *const *command_ids,
                                       size_t count) MUST_CHECK;
/* Those that stood at that time already; in: room, out: how many. Fills the ids and asker only. */
enum status store_stops_unsettled(struct db *db, int64_t before_us, struct stop *out,
                                  size_t *count) MUST_CHECK;
