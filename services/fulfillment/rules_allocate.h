/* rules_allocate.h -- makes the fulfillment orders of one order agree with what is allocated.
 *
 * Inventory's word is absolute, and so is what is wanted; both may be older than the other. Units
 * go to the unfinished fulfillment order of their location, or to a new one; what is wanted no
 * longer leaves where the least work was done; what has been shipped stays shipped.
 *
 * Ownership: the work is changed in place; what is added lives in the arena.
 */
#pragma once

#include "common/arena.h"
#include "fulfillment.h"

/* One line of StockAllocated. */
struct allocated_line {
    struct uuid line_id;
    const char *sku;
    int64_t consumed;          /* shipped, as far as inventory had read */
    struct placed_units *live; /* by location; line and SKU are the line's */
    size_t nlive;
};

/* Inventory counts what it has seen leave per line; its live figures are per location. shipments
 * are this order's, in the order in which they left, so that the first `consumed` units of a line
 * are those that inventory has seen. Lines that are not named stay as they are. */
void rules_allocate(struct work *work, const struct allocated_line *lines, size_t nlines,
                    const struct placed_units *shipments, size_t nshipments, int64_t now_us,
                    struct arena *arena);

/* The same with what is allocated already: after a change of what is wanted, or the end of a hold.
 */
void rules_reconcile(struct work *work, int64_t now_us, struct arena *arena);

/* Takes cancelled units off what is wanted. */
void rules_want_less(struct work *work, const struct uuid *line_id, int64_t quantity);
