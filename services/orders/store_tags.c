#include "store_tags.h"

#include <string.h>

#include "queries.h"
#include "view.h"

DB_SHAPE(tag_shape, struct tag_row, DB_FIELD(struct tag_row, order_id, DB_UUID),
         DB_FIELD(struct tag_row, word, DB_TEXT));

enum status store_tags_load(struct db *db, const struct uuid *ids, size_t count,
                            struct tag_row **tags, size_t *found)
{
    *found = 0;
    if (count == 0)
        return STATUS_OK;
    return db_select(db, Q_FIND_TAGS, &tag_shape, tags, found, db_uuids(ids, count));
}

enum status store_tags_show(struct db *db, struct arena *arena, const struct uuid *ids,
                            size_t count, Order *const *orders, size_t order_count)
{
    struct tag_row *tags;
    size_t found;
    TRY(store_tags_load(db, ids, count, &tags, &found));
    for (size_t i = 0; i < order_count && found > 0; i++) {
        struct uuid id;
        size_t first = 0, last;
        if (!uuid_parse(orders[i]->id, &id))
            continue;
        while (first < found && !uuid_equal(&tags[first].order_id, &id))
            first++;
        for (last = first; last < found && uuid_equal(&tags[last].order_id, &id);)
            last++;
        orders[i]->tags = ARENA_ARRAY(arena, last - first, char *);
        for (; first < last; first++)
            orders[i]->tags[orders[i]->n_tags++] = wire_text(tags[first].word);
    }
    return STATUS_OK;
}

void store_tag_add(struct db *db, const struct order *order, const char *tag)
{
    db_add(db_columns(db, Q_TAG_INSERT), db_uuid(&order->id), db_text(tag),
           db_time(order->placed_at_us));
}

void store_tag_remove(struct db *db, const struct order *order, const char *tag)
{
    db_add(db_columns(db, Q_TAG_DELETE), db_uuid(&order->id), db_text(tag));
}

DB_SHAPE(count_shape, struct tag_count, DB_FIELD(struct tag_count, tag, DB_TEXT),
         DB_FIELD(struct tag_count, orders, DB_INT64));

enum status store_tag_counts(struct db *db, const char *after, size_t room,
                             struct tag_count **counts, size_t *count)
{
    return db_select(db, Q_TAG_COUNTS, &count_shape, counts, count, db_text(after),
                     db_int((int64_t)room));
}

void store_tag_count_add(struct db *db, const char *tag, int64_t orders)
{
    db_add(db_columns(db, Q_TAG_COUNT_ADD), db_text(tag), db_int(orders));
}
