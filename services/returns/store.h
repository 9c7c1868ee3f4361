/* store.h -- orders sold, what has been shipped of them, and their returns, to rows and back.
 *
 * Ownership: what is loaded lives in the arena given. Nothing is decided here.
 */
#pragma once

#include "common/arena.h"
#include "common/db.h"
#include "returns.h"

/* Everything known of some orders, sorted by id; also of orders that are not known (yet). ids are
 * sorted and made unique in place. */
struct sales {
    struct sale *list;
    size_t count;
};
enum status store_sales_load(struct db *db, struct arena *arena, struct uuid *ids, size_t count,
                             struct sales *out) MUST_CHECK;
/* One of those that were loaded. */
struct sale *store_sales_find(const struct sales *sales, const struct uuid *order_id);

/* NOT_FOUND when there is no such. */
enum status store_order_by_number(struct db *db, const char *number,
                                  struct uuid *order_id) MUST_CHECK;
enum status store_order_of_return(struct db *db, const struct uuid *return_id,
                                  struct uuid *order_id) MUST_CHECK;
enum status store_order_of_return_number(struct db *db, const char *number,
                                         struct uuid *order_id) MUST_CHECK;

/* An order's lines are kept as the bytes of an orders.v1.OrderChanged. */
void store_sale_add(struct db *db, const struct uuid *order_id, const char *number,
                    const void *lines, size_t bytes);
void store_sale_change(struct db *db, const struct uuid *order_id, const void *lines, size_t bytes);
/* What was cancelled before is left out of the new lines. */
enum status store_sales_changed(struct db *db, const struct uuid *order_ids,
                                size_t count) MUST_CHECK;

void store_shipped_add(struct db *db, const struct uuid *order_id, const struct uuid *line_id,
                       int64_t shipped, int64_t delivered);
void store_cancelled_add(struct db *db, const struct uuid *order_id, const struct uuid *line_id,
                         int64_t cancelled);

enum status store_return_insert(struct db *db, const struct uuid *order_id,
                                const struct return_order *one) MUST_CHECK;
/* Writes the head, whose version was raised by one, and the lines that changed. */
enum status store_return_update(struct db *db, const struct return_order *one) MUST_CHECK;
enum status store_inspection_insert(struct db *db, const struct uuid *id,
                                    const struct uuid *return_id, int64_t refund_minor,
                                    int64_t inspected_at_us) MUST_CHECK;

struct listed {
    struct uuid id, order_id;
};
struct list_filter {
    const struct uuid *order_id; /* NULL: any */
    enum return_status status;   /* 0: any */
    const struct uuid *before;   /* NULL: from the newest */
    int64_t limit;
};
enum status store_list(struct db *db, const struct list_filter *filter, struct listed **rows,
                       size_t *count) MUST_CHECK;
