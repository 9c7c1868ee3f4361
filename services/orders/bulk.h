/* bulk.h -- one action on many orders: which they are, and what it does to each.
 *
 * What a bulk does by itself (confirm, hold, tag, ...) it does in turns of the writer, a few dozen
 * orders each, with their results and its own place in the same transaction. What takes a word of
 * another service first (cancel) it asks of this service's own front, order by order, under an
 * identity made of the bulk and the order: however often it is tried, it has its effect once.
 *
 * Ownership: all in the given arena.
 */
#pragma once

#include "find.h"
#include "handlers.h"
#include "penstock/orders/v1/bulk.pb-c.h"
#include "store_bulk.h"

/* ---- which (bulk_select.c) ---- */

struct bulk_choice {
    struct uuid *ids;
    size_t count;
    bool is_all; /* nothing comes after them */
};
/* The next orders of the bulk, at most room; moves its place on and counts them as seen. budget: as
 * find_next(). */
enum status bulk_choose(struct db *db, struct arena *arena, struct bulk *bulk,
                        const struct query *query, const struct uuid *exclude, size_t exclude_count,
                        size_t room, int64_t budget, struct bulk_choice *choice) MUST_CHECK;
enum status bulk_query(struct arena *arena, const struct bulk *bulk, struct query *query);

/* ---- what (bulk_apply.c) ---- */

struct bulk_verdict {
    enum bulk_outcome outcome;
    const char *code, *text;
};
/* Decides each order; writes unless it is only a preview. verdicts: one for each id. */
enum status bulk_apply(struct call *call, const struct bulk *bulk, const struct uuid *ids,
                       size_t count, bool is_preview, struct order_set *set,
                       struct bulk_verdict *verdicts) MUST_CHECK;
/* The tags of a bulk, which are stored as one text. */
char **bulk_tags(struct arena *arena, const struct bulk *bulk, size_t *count);

/* ---- at work (bulk_run.c): an outcall, see service.h ---- */

enum status bulk_take(struct call *call, struct outcall_job *jobs, size_t *count);
void bulk_make(struct outcall_worker *worker, struct outcall_job *jobs, size_t count);
enum status bulk_done(struct call *call, struct outcall_job *jobs, size_t count);
