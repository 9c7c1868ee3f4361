/* fulfillment.h -- the warehouse's work for one order, as the rules and the store see it.
 *
 * Two logs tell about an order in any order: orders says what is wanted and whether it may be
 * worked on, inventory says what is allocated and where. struct work holds what both have said so
 * far, and the fulfillment orders that follow from it, so that every rule sees one order whole.
 *
 * Ownership: everything lives in the arena of the call or batch that loaded it.
 * Limits: quantities are at most FULFILLMENT_MAX_QUANTITY per line; an event beyond it is refused.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/id.h"

#define FULFILLMENT_MAX_QUANTITY INT64_C(1000000000)
#define FULFILLMENT_MAX_LINES 500

/* Stored and sent: append only, never renumber. Those from IN_WAVE, READY, SHORT, REJECTED and the
 * two of store pickup are reached by no rule yet. */
#define FULFILLMENT_STATUSES(X)                                                                    \
    X(SCHEDULED, 1) /* allocated; the order is not confirmed yet */                                \
    X(OPEN, 2)                                                                                     \
    X(ON_HOLD, 3)                                                                                  \
    X(IN_WAVE, 4)                                                                                  \
    X(PICKING, 5)                                                                                  \
    X(PICKED, 6)                                                                                   \
    X(PACKING, 7)                                                                                  \
    X(PACKED, 8)                                                                                   \
    X(READY, 9)                                                                                    \
    X(SHIPPED, 10) /* nothing is left to ship */                                                   \
    X(CLOSED, 11)  /* and every parcel has arrived */                                              \
    X(SHORT, 12)                                                                                   \
    X(REJECTED, 13)                                                                                \
    X(CANCELLED, 14)                                                                               \
    X(READY_FOR_PICKUP, 15)                                                                        \
    X(COLLECTED, 16)

enum fulfillment_status {
#define X(name, number) FULFILLMENT_##name = number,
    FULFILLMENT_STATUSES(X)
#undef X
};

/* Stored and sent: append only, never renumber. */
#define PARCEL_STATUSES(X)                                                                         \
    X(LABEL_CREATED, 1)                                                                            \
    X(HANDED_OVER, 2)                                                                              \
    X(IN_TRANSIT, 3)                                                                               \
    X(OUT_FOR_DELIVERY, 4)                                                                         \
    X(DELIVERED, 5)                                                                                \
    X(ARRIVED_AT_STORE, 6)                                                                         \
    X(COLLECTED, 7)                                                                                \
    X(UNCOLLECTED, 8)                                                                              \
    X(RETURNING, 9)                                                                                \
    X(RETURNED_TO_SENDER, 10)                                                                      \
    X(EXCEPTION, 11)                                                                               \
    X(STORE_CLOSED, 12)                                                                            \
    X(LOST, 13)                                                                                    \
    X(VOIDED, 14)

enum parcel_status {
#define X(name, number) PARCEL_##name = number,
    PARCEL_STATUSES(X)
#undef X
};

/* Part of one order line that one location works on. Running totals:
 * shipped <= packed <= picked <= allocated - cancelled. */
struct fulfillment_line {
    struct uuid order_line_id;
    const char *sku;
    int64_t allocated, cancelled, picked, packed, shipped;
    bool is_new, is_changed;
};

struct fulfillment {
    struct uuid id; /* nil until the handler has given it one */
    const char *location;
    int32_t round; /* the n-th for its order and location */
    enum fulfillment_status status;
    int64_t version;
    int64_t delivered; /* units in parcels that have arrived */
    int64_t created_at_us, updated_at_us;
    struct fulfillment_line *lines;
    size_t nlines, room; /* room: of the array */
    bool is_new, is_changed, has_new_version;
};

/* What the customer still wants of one line: ordered less cancelled. */
struct wanted_line {
    struct uuid line_id;
    const char *name;
    int64_t quantity;
};

/* Units of one order line at one location. */
struct placed_units {
    struct uuid line_id;
    const char *sku, *location;
    int64_t quantity;
};

struct work {
    struct uuid order_id;
    const char *number; /* "" until OrderPlaced was read; then wanted is known too */
    bool is_confirmed;
    bool is_on_hold;
    bool is_cancelled;
    bool is_withheld; /* the warehouse cancelled work: none is given out until that hold is released
                       */
    struct wanted_line *wanted;
    size_t nwanted;
    const void *delivery; /* orders.v1.Delivery: how the order is to be delivered; NULL: not told */
    /* Allocated by inventory, but on no fulfillment order: withheld, or more than is wanted as far
     * as is known. */
    struct placed_units *unassigned;
    size_t nunassigned;
    struct fulfillment *fulfillments; /* oldest first */
    size_t nfulfillments, room;
    bool is_stored, is_changed; /* of the order itself: number, flags, wanted, unassigned */
};

struct parcel_line {
    struct uuid order_line_id;
    const char *sku;
    int64_t quantity;
};

struct parcel {
    struct uuid id, order_id, fulfillment_id;
    const char *key; /* one parcel per (order, key) */
    enum parcel_status status;
    const char *carrier, *tracking_number;
    int64_t shipped_at_us, delivered_at_us;
    struct parcel_line *lines;
    size_t nlines;
};
