/* Which orders a bulk is about. */
#include <stdlib.h>
#include <string.h>

#include "bulk.h"

enum status bulk_query(struct arena *arena, const struct bulk *bulk, struct query *query)
{
    struct refusal no;
    *query = (struct query){.word_count = 0};
    /* It was understood when the bulk began; its days are those of that moment. */
    if (!rules_query_parse(arena, bulk->q, bulk->created_at_us, bulk->offset_us, "q", query, &no))
        return STATUS_INTERNAL;
    /* What is placed from now on is not meant. */
    if (query->placed_until_us == 0 || query->placed_until_us > bulk->created_at_us)
        query->placed_until_us = bulk->created_at_us;
    return STATUS_OK;
}

static int by_id(const void *a, const void *b)
{
    return uuid_compare(a, b);
}

static enum status choose_found(struct db *db, struct arena *arena, struct bulk *bulk,
                                const struct query *query, size_t room, int64_t budget,
                                struct bulk_choice *choice)
{
    struct finder *finder;
    struct found found;
    TRY(find_open(db, arena, query, bulk->reached.placed_at_us > 0 ? &bulk->reached : NULL, false,
                  &finder));
    TRY(find_next(finder, room, budget, &found));
    choice->ids = ARENA_ARRAY(arena, found.count, struct uuid);
    choice->count = found.count;
    for (size_t i = 0; i < found.count; i++)
        choice->ids[i] = found.keys[i].order_id;
    choice->is_all = found.is_all;
    bulk->reached = found.reached;
    return STATUS_OK;
}

static enum status choose(struct db *db, struct arena *arena, struct bulk *bulk,
                          const struct query *query, size_t room, int64_t budget,
                          struct bulk_choice *choice)
{
    if (bulk->id_count == 0 && uuid_is_nil(&bulk->source_bulk))
        return choose_found(db, arena, bulk, query, room, budget, choice);
    if (bulk->id_count > 0)
        TRY(store_bulk_given(db, bulk, room, &choice->ids, &choice->count));
    else
        TRY(store_bulk_from_results(db, bulk, room, &choice->ids, &choice->count));
    choice->is_all = choice->count < room;
    if (choice->count > 0)
        bulk->reached = (struct order_key){choice->ids[choice->count - 1], 1};
    return STATUS_OK;
}

enum status bulk_choose(struct db *db, struct arena *arena, struct bulk *bulk,
                        const struct query *query, const struct uuid *exclude, size_t exclude_count,
                        size_t room, int64_t budget, struct bulk_choice *choice)
{
    size_t kept = 0;
    TRY(choose(db, arena, bulk, query, room, budget, choice));
    bulk->seen += (int64_t)choice->count;
    for (size_t i = 0; i < choice->count; i++) {
        bool is_out = exclude_count > 0 && bsearch(&choice->ids[i], exclude, exclude_count,
                                                   sizeof(*exclude), by_id) != NULL;
        if (!is_out)
            choice->ids[kept++] = choice->ids[i];
    }
    choice->count = kept;
    return STATUS_OK;
}
