/* store_order.h -- what inventory knows of orders: rows, the queue of those that wait, decisions.
 *
 * An order's row keeps the StockAllocated that was last appended for it; this is where the two
 * become struct order and back. Orders that a desk has loaded or made are written together.
 *
 * Ownership: the desk's arena.
 */
#pragma once

#include "store_book.h"
#include "wire.h"

/* Loads those that exist and are not at the desk yet, with their SKUs. */
enum status store_orders_load(struct desk *desk, const struct uuid *ids, size_t count) MUST_CHECK;
/* NULL: not loaded, or there is none. */
struct order *store_order(const struct desk *desk, const struct uuid *id);
/* A new order, with room for its lines. */
struct order *store_order_new(struct desk *desk, const struct uuid *id, size_t nlines);
/* NULL: it has no such line. */
struct order_line *store_order_line(const struct order *order, const char *line_id);
/* Grows an order by a line. */
struct order_line *store_order_add_line(struct desk *desk, struct order *order);
/* Queues the rows of those that changed, and of the queue; order->allocated is then the event
 * (StockAllocated) that says what it has. */
void store_orders_write(struct desk *desk);

/* The line waits no longer for its SKU, for it is to have another. */
void store_order_leave_queue(struct desk *desk, const struct order *order, struct order_line *line);

/* Who waits for these, oldest first per SKU, at most so many in all. */
struct waiting {
    const char *sku;
    struct uuid order_id;
    int32_t line;
};
enum status store_queue(struct desk *desk, struct item *const *items, size_t count, size_t limit,
                        struct waiting **rows, size_t *nrows) MUST_CHECK;
/* SKUs that someone waits for while there is some: a queue that was not served to its end. */
enum status store_queue_unserved(struct desk *desk, const char ***skus, size_t *count) MUST_CHECK;

void store_sourcing_insert(struct desk *desk, const struct order *order,
                           const SourcingDecision *decision);
struct sourcing_row {
    struct uuid decision_id;
    int64_t decided_at;
    struct db_bytea decision;
};
/* All decisions for an order, oldest first. */
enum status store_sourcing(struct db *db, const struct uuid *order_id, struct sourcing_row **rows,
                           size_t *count) MUST_CHECK;

struct db_bytea store_pack(struct arena *arena, const ProtobufCMessage *message);
