/* find.h -- orders that a query asks for, in the order of a list, a page at a time.
 *
 * Everything that goes through orders uses it: lists, counts, bulk actions, exports. A query has
 * one source that gives keys in order (the search index, a tag, holds, channel and statuses, or
 * time: the narrowest that there is), and what is left of it is compared with the orders' own rows.
 *
 * However rare what is looked for, the work of one page is bounded: past FIND_BUDGET it ends short,
 * with the key that it has reached, from where the next goes on.
 *
 * Ownership: all in the given arena. Limits: those of rules_query.h.
 */
#pragma once

#include "common/service.h"
#include "rules_query.h"
#include "store.h"

#define FIND_BUDGET 1500 /* rows looked at; a comparison of words counts for six */

struct finder;
/* beyond: exclusive; NULL: from the beginning of the list. */
enum status find_open(struct db *db, struct arena *arena, const struct query *query,
                      const struct order_key *beyond, bool is_oldest_first,
                      struct finder **out) MUST_CHECK;

struct found {
    struct order_key *keys;
    size_t count;
    /* Neither: there are room of them, and perhaps more. */
    bool is_all;   /* there are no others */
    bool is_short; /* the budget is spent; go on from reached */
    struct order_key reached;
    bool uses_index; /* the search index, which may lag */
    int64_t spent;   /* of the budget */
};
/* The next at most room of them; budget: FIND_BUDGET, or what else may be spent. */
enum status find_next(struct finder *finder, size_t room, int64_t budget,
                      struct found *found) MUST_CHECK;

/* Of orders that are known by other means: those that fit the query, in the order given. */
enum status find_these(struct db *db, struct arena *arena, const struct query *query,
                       struct uuid *ids, size_t *count) MUST_CHECK;

/* Cursors of lists as texts. */
char *find_cursor_text(struct arena *arena, const struct order_key *key);
bool find_cursor_read(const char *text, struct order_key *key);
/* A key that is newer than any order, or older. */
struct order_key find_edge(bool is_oldest_first);

/* The shop's offset from UTC now, for the dates of a query. */
int64_t find_offset_us(const struct call *call);
