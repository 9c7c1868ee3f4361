/* verify_fold.h -- what the logs say about orders, folded for each consumer up to its cursor.
 *
 * One walk over each log serves all who read it: an event counts for a consumer when its position
 * is at most the consumer's cursor, and for the log's owner always. Afterwards every consumer's
 * rows are compared with what was folded for it.
 *
 * Ownership: everything of a pass lives in the fold's own arena, until the next pass.
 * Limits: a pass folds one slice of all orders; quantities are int64.
 */
#pragma once

#include "cli/verify.h"
#include "common/id.h"
#include "penstock/orders/v1/orders.pb-c.h"

#define FOLD_SERVICES(X)                                                                           \
    X(ORDERS, "orders")                                                                            \
    X(INVENTORY, "inventory")                                                                      \
    X(FULFILLMENT, "fulfillment")                                                                  \
    X(RETURNS, "returns")                                                                          \
    X(NOTIFY, "notify")

enum fold_service {
#define X(name, word) FOLD_##name,
    FOLD_SERVICES(X)
#undef X
        FOLD_COUNT,
};
#define FOLD_BIT(service) (1u << FOLD_##service)

#define NOT_TOLD INT64_C(-1)

struct fold_line {
    struct uuid id;
    bool is_placed, in_stock; /* in_stock: inventory keeps a line for it */
    bool seen_orders, seen_returns;
    /* What orders' log says is wanted: to its head, and as far as others have read. */
    int64_t wanted, wanted_inventory, wanted_fulfillment, sold_returns, worth_returns;
    /* What inventory's log says is allocated, shipped units included; NOT_TOLD. */
    int64_t allocated_orders, allocated_fulfillment, allocated, unallocated;
    /* Running totals of fulfillment's log. */
    int64_t picked_orders, packed_orders, shipped_orders, delivered_orders;
    int64_t shipped_inventory, shipped_returns, delivered_returns;
    int64_t picked, packed, shipped;
    /* Of returns' log. */
    int64_t returned_orders, inspected;
    /* What the rows of fulfillment and returns add up to. */
    int64_t work_allocated, work_shipped, rows_inspected;
};

struct fold_order {
    struct uuid id;
    struct fold_order *next; /* in its slot */
    struct fold_line *lines;
    size_t nlines, room;
    unsigned parked;  /* FOLD_BIT of consumers that have set its key aside */
    unsigned read_by; /* FOLD_BIT of those that have read its OrderPlaced */
    unsigned seen;    /* FOLD_BIT of those that have a row for it */
    int status;       /* by orders' own log; 0: not placed */
    bool is_confirmed, is_on_hold, is_cancelled; /* as far as fulfillment has read */
    bool has_stock_told;                         /* fulfillment has read a StockAllocated */
    bool is_withheld;                            /* says fulfillment's row */
    int64_t changed_at;                          /* last OrderChanged's position; 0: none */
    int64_t splits_told;             /* that notify has read: letters about what is left */
    int64_t total;                   /* as its log told last */
    bool is_family;                  /* it was split, or split off */
    int64_t shipments, refunds_told; /* that notify has read, and below */
    int64_t staff_messages, codes, edits_told;
    int64_t refunded;    /* by RefundRecorded events */
    int64_t messages[7]; /* rows, by kind */
    const char *number, *waits;
};

/* What a log says of something that has an id of its own, and what the rows say. */
struct fold_entry {
    struct uuid id;
    int32_t a, b; /* what else tells it apart */
    struct fold_entry *next;
    const struct fold_order *order;
    int64_t expected, found;
    bool was_found;
};
struct fold_table {
    struct arena *arena;
    struct fold_entry **slots;
    size_t nslots, count;
};

struct fold_level {
    const char *sku, *location;
    int32_t id;
};

struct fold {
    struct verify *verify;
    struct arena *arena;                     /* of a pass */
    struct arena *whole;                     /* of the whole run */
    const char *from, *to;                   /* the slice */
    int64_t cursors[FOLD_COUNT][FOLD_COUNT]; /* [consumer][log] */
    struct fold_order **orders;
    size_t nslots, count;
    struct fold_table shipped;         /* (order, level): units that inventory read of */
    struct fold_table returns;         /* (return): open, as orders has read; inspections */
    struct fold_table inspections;     /* as orders has read: what is due */
    struct fold_table own_inspections; /* to the head of returns' log */
    struct fold_table holds, stops;    /* that stand; found: ended by orders' log */
    struct fold_table restocked;       /* (return, level, bucket), in the whole run */
    struct fold_level *levels;         /* sorted by SKU and location */
    size_t nlevels;
};

/* The order of this id; made when make is true, else NULL if no log spoke of it. */
struct fold_order *fold_order(struct fold *fold, const struct uuid *id, bool make);
struct fold_line *fold_line(struct fold *fold, struct fold_order *order, const struct uuid *id,
                            bool make);
struct fold_entry *fold_entry(struct fold_table *table, const struct uuid *id, int32_t a, int32_t b,
                              bool make);
/* 0: there is no such level. */
int32_t fold_level(const struct fold *fold, const char *sku, const char *location);

/* Whether the order belongs to this pass. */
bool fold_has(const struct fold *fold, const struct uuid *id);

static inline bool fold_reads(const struct fold *fold, enum fold_service consumer,
                              enum fold_service log, int64_t position)
{
    return position <= fold->cursors[consumer][log];
}
static inline bool fold_is_parked(const struct fold_order *order, enum fold_service consumer)
{
    return (order->parked & (1u << consumer)) != 0;
}

struct fold_event {
    int64_t position;
    const char *type, *key;
    struct db_bytea payload;
};
/* An event of a type, on its way to a function that knows it. */
struct reading {
    struct fold *fold;
    const struct fold_event *event;
    const ProtobufCMessage *message;
    struct fold_order *order;
};
static inline bool fold_has_read(const struct reading *it, enum fold_service consumer,
                                 enum fold_service log)
{
    return fold_reads(it->fold, consumer, log, it->event->position);
}
static inline int64_t fold_minor(const Penstock__Common__V1__Money *money)
{
    return money != NULL ? money->amount_minor : 0;
}
/* NULL: no id of a line. */
struct fold_line *fold_line_of(const struct reading *it, const char *line_id);
/* What an event says of all lines of an order. */
bool fold_take_lines(const struct reading *it, Penstock__Orders__V1__PlacedLine *const *lines,
                     size_t count);
/* verify_split.c */
bool fold_on_split(const struct reading *it);
bool fold_on_split_off(const struct reading *it);
bool fold_on_unsplit(const struct reading *it);

/* verify_events.c: one event of a log; false when its payload cannot be read. */
bool fold_orders_event(struct fold *fold, const struct fold_event *event);
bool fold_inventory_event(struct fold *fold, const struct fold_event *event);
bool fold_fulfillment_event(struct fold *fold, const struct fold_event *event);
bool fold_returns_event(struct fold *fold, const struct fold_event *event);

/* verify_rows.c and verify_stock.c: rows against what was folded, for a slice. */
enum status fold_judge_orders(struct fold *fold) MUST_CHECK;
enum status fold_judge_inventory(struct fold *fold) MUST_CHECK;
enum status fold_judge_fulfillment(struct fold *fold) MUST_CHECK;
enum status fold_judge_returns(struct fold *fold) MUST_CHECK;
enum status fold_judge_notify(struct fold *fold) MUST_CHECK;
/* What belongs to no slice, after the last. */
enum status fold_judge_whole(struct fold *fold) MUST_CHECK;

/* Every order of the pass. */
#define fold_each(fold_, order_)                                                                   \
    for (size_t order_##_slot = 0; order_##_slot < (fold_)->nslots; order_##_slot++)               \
        for (struct fold_order *order_ = (fold_)->orders[order_##_slot]; order_ != NULL;           \
             order_ = order_->next)
