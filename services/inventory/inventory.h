/* inventory.h -- what stock is: locations, items, levels, and the words for what happens to them.
 *
 * A level is the units of one SKU at one location, by bucket. Every change is a movement from one
 * bucket to another with a cause, so that a level is the sum of its movements. The lists below are
 * stored and sent: append only, never renumber.
 *
 * Ownership: items and levels belong to the book (store_book.h), which keeps them in memory.
 * Limits: below; quantities are units and never negative.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/id.h"

#define INVENTORY_MAX_LINES 500
#define INVENTORY_MAX_QUANTITY 1000000 /* of a line */
#define INVENTORY_MAX_ADJUSTMENT INT64_C(1000000000)
#define INVENTORY_MAX_UNITS INT64_C(1000000000000) /* in a bucket */
#define INVENTORY_MAX_LOCATIONS 200
#define INVENTORY_SKU_CHARACTERS 64
#define INVENTORY_NAME_BYTES 1024
#define INVENTORY_CODE_BYTES 33 /* with the final NUL */
#define INVENTORY_RESERVATION_DEFAULT_S 900
#define INVENTORY_RESERVATION_MAX_S 86400

#define BUCKETS(X)                                                                                 \
    X(OUTSIDE, 1) /* where units come from and go to */                                            \
    X(AVAILABLE, 2)                                                                                \
    X(COMMITTED, 3) /* an order's */                                                               \
    X(RESERVED, 4)  /* a hold's */                                                                 \
    X(SAFETY, 5)                                                                                   \
    X(QUALITY_CONTROL, 6)                                                                          \
    X(DAMAGED, 7)                                                                                  \
    X(INCOMING, 8) /* stands apart from on_hand */

enum bucket {
#define X(name, number) BUCKET_##name = number,
    BUCKETS(X)
#undef X
};
#define BUCKET_COUNT 9 /* 0 is unused */

#define CAUSES(X)                                                                                  \
    X(ADJUSTMENT, 1, "adjustment")                                                                 \
    X(HOLD, 2, "hold")                                                                             \
    X(COMMIT, 3, "commit")                                                                         \
    X(RELEASE, 4, "release")                                                                       \
    X(EXPIRE, 5, "expire")                                                                         \
    X(SHIP, 6, "ship")                                                                             \
    X(RETURN, 7, "return")                                                                         \
    X(ALLOCATE, 8, "allocate")

enum cause {
#define X(name, number, text) CAUSE_##name = number,
    CAUSES(X)
#undef X
};

/* Why a person or a program changed a figure. NONE is every other cause's. */
#define REASONS(X)                                                                                 \
    X(NONE, 0, "")                                                                                 \
    X(RECEIVED, 1, "received")                                                                     \
    X(DAMAGED, 2, "damaged")                                                                       \
    X(LOST, 3, "lost")                                                                             \
    X(FOUND, 4, "found")                                                                           \
    X(COUNTED, 5, "counted")                                                                       \
    X(RETURNED, 6, "returned")                                                                     \
    X(CORRECTION, 7, "correction")                                                                 \
    X(SAMPLE, 8, "sample")                                                                         \
    X(THEFT, 9, "theft")                                                                           \
    X(EXPIRED, 10, "expired")

enum reason {
#define X(name, number, text) REASON_##name = number,
    REASONS(X)
#undef X
};

#define PLACE_TYPES(X)                                                                             \
    X(WAREHOUSE, 1, true)                                                                          \
    X(STORE, 2, true)                                                                              \
    X(THIRD_PARTY, 3, true)                                                                        \
    X(IN_TRANSIT, 4, false)                                                                        \
    X(QUARANTINE, 5, false)

enum place_type {
#define X(name, number, can_sell) PLACE_##name = number,
    PLACE_TYPES(X)
#undef X
};

/* A checkout's reservation. What became of it after an order took it follows from the order. */
#define RESERVATION_STATES(X)                                                                      \
    X(HELD, 1)                                                                                     \
    X(COMMITTED, 2)                                                                                \
    X(CONSUMED, 3)                                                                                 \
    X(RELEASED, 4)                                                                                 \
    X(EXPIRED, 5)

enum reservation_state {
#define X(name, number) RESERVATION_##name = number,
    RESERVATION_STATES(X)
#undef X
};

/* Whether what is not there may be sold. */
#define SELLING_AHEAD(X)                                                                           \
    X(NONE, 1)                                                                                     \
    X(PREORDER, 2)                                                                                 \
    X(BACKORDER, 3)

enum selling_ahead {
#define X(name, number) AHEAD_##name = number,
    SELLING_AHEAD(X)
#undef X
};

/* A location, as the rules see it. */
struct place {
    char code[INVENTORY_CODE_BYTES];
    int32_t rank;
    enum place_type type;
    bool is_sellable;
    bool is_active;
    size_t index; /* among all, by rank, then code */
};

struct item;

struct level {
    int32_t id;
    const struct place *place;
    struct item *item;
    int64_t units[BUCKET_COUNT];
    int32_t moves;         /* since its last snapshot */
    int64_t last_position; /* of its last movement; 0: there is none */
    int64_t planned;       /* rules_order_ship()'s, 0 outside of it */
    bool is_new, is_dirty;
};

struct item {
    const char *sku;
    const char *name;
    bool is_active;
    int64_t queued; /* units that orders wait for */
    enum selling_ahead selling_ahead;
    int64_t ahead_limit;    /* so many units may be waited for */
    int64_t promised_at_us; /* when they are expected; 0: not said */
    int64_t ahead_held;     /* of the limit: what live holds have */
    struct level **levels;  /* by place */
    size_t nlevels;
    struct item *next; /* in its slot of the book's table */
    bool is_raised;    /* its available units rose in this turn: the queue is to be served */
};

/* So many units at one place, for one line. */
struct share {
    struct level *level;
    int64_t units;
    int64_t planned; /* rules_order_ship()'s, 0 outside of it */
};

struct call;

/* The line of an order, with what stock it has and lacks. */
struct order_line {
    struct uuid line_id;
    const char *sku;
    struct item *item; /* NULL: no such SKU */
    int64_t unallocated;
    int64_t ahead; /* of unallocated: sold ahead, within the item's limit */
    enum selling_ahead ahead_kind;
    int64_t promised_at_us; /* of what is sold ahead; 0: not said */
    int64_t consumed;       /* shipped */
    struct share *shares;
    size_t nshares, shares_room;
    int64_t queued; /* of unallocated, as the queue's row says */
};

struct order {
    struct uuid order_id;
    struct uuid hold_id;
    struct uuid claim_id, command_key, question_key; /* nil: there was no ask */
    int64_t placed_at_us;
    int64_t decided_at_us;
    const uint8_t *decision; /* SourcingDecision, packed */
    size_t decision_bytes;
    struct order_line *lines;
    size_t nlines;
    bool is_new;      /* no row yet */
    bool is_changed;  /* its row is to be written */
    bool is_unspoken; /* StockAllocated is to be appended, on behalf of: */
    struct call *teller;
    const void *allocated; /* the event, as its row was last written */
};

/* On hand: what lies there, whoever it is promised to. */
static inline int64_t level_on_hand(const int64_t units[BUCKET_COUNT])
{
    return units[BUCKET_AVAILABLE] + units[BUCKET_COMMITTED] + units[BUCKET_RESERVED] +
           units[BUCKET_SAFETY] + units[BUCKET_QUALITY_CONTROL] + units[BUCKET_DAMAGED];
}

static inline bool place_type_sells(enum place_type type)
{
    switch (type) {
#define X(name, number, can_sell)                                                                  \
    case PLACE_##name:                                                                             \
        return can_sell;
        PLACE_TYPES(X)
#undef X
    }
    return false;
}

/* Its stock may be promised to orders. */
static inline bool place_promises(const struct place *place)
{
    return place->is_active && place->is_sellable && place_type_sells(place->type);
}
