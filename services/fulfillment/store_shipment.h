/* store_shipment.h -- parcels that several orders share, as rows.
 *
 * Ownership: what is loaded lives in the arena given.
 */
#pragma once

#include "store.h"

#define SHIPMENT_MAX_ORDERS 20

enum shipment_status { SHIPMENT_OPEN = 1, SHIPMENT_SHIPPED = 2, SHIPMENT_TAKEN_APART = 3 };

struct shipment_order {
    struct uuid order_id, fulfillment_id;
    const char *number;
};
struct shipment {
    struct uuid id;
    enum shipment_status status;
    const char *location, *carrier, *tracking_number, *reason;
    int64_t created_at_us, ended_at_us;
    struct shipment_order *orders;
    size_t count;
};

enum status store_shared_insert(struct db *db, const struct shipment *shipment,
                                const char *actor) MUST_CHECK;
/* Writes how it ended; stale when it was no longer open. */
enum status store_shared_end(struct db *db, const struct shipment *shipment) MUST_CHECK;
/* Newest first; ids that name none are left out. */
enum status store_shared_load(struct db *db, struct arena *arena, const struct uuid *ids,
                              size_t count, struct shipment **list, size_t *found) MUST_CHECK;
/* Of those that are open, which have any of the orders in them. */
enum status store_shared_open_of(struct db *db, struct arena *arena, const struct uuid *order_ids,
                                 size_t count, struct shipment **list, size_t *found) MUST_CHECK;
/* order_id NULL: of any order. before NULL: from the newest. */
enum status store_shared_list(struct db *db, struct arena *arena, const struct uuid *order_id,
                              const struct uuid *before, size_t limit, struct shipment **list,
                              size_t *count) MUST_CHECK;
