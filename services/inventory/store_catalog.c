#include "store_catalog.h"

#include <string.h>

#include "queries.h"

/* How many positions one page of movements looks through for those of one location. */
#define MOVEMENT_STRETCH 20000

DB_SHAPE(location_shape, struct location_row, DB_FIELD(struct location_row, code, DB_TEXT),
         DB_FIELD(struct location_row, location_id, DB_UUID),
         DB_FIELD(struct location_row, name, DB_TEXT),
         DB_FIELD(struct location_row, type, DB_INT32),
         DB_FIELD(struct location_row, rank, DB_INT32),
         DB_FIELD(struct location_row, is_sellable, DB_BOOLEAN),
         DB_FIELD(struct location_row, is_active, DB_BOOLEAN),
         DB_FIELD(struct location_row, address, DB_BYTEA),
         DB_FIELD(struct location_row, created_at, DB_TIMESTAMP));

DB_SHAPE(catalog_shape, struct catalog_row, DB_FIELD(struct catalog_row, sku, DB_TEXT),
         DB_FIELD(struct catalog_row, item_id, DB_UUID),
         DB_FIELD(struct catalog_row, name, DB_TEXT),
         DB_FIELD(struct catalog_row, price_minor, DB_INT64),
         DB_FIELD(struct catalog_row, price_currency, DB_TEXT),
         DB_FIELD(struct catalog_row, barcode, DB_TEXT),
         DB_FIELD(struct catalog_row, weight_g, DB_INT32),
         DB_FIELD(struct catalog_row, is_active, DB_BOOLEAN),
         DB_FIELD(struct catalog_row, created_at, DB_TIMESTAMP),
         DB_FIELD(struct catalog_row, selling_ahead, DB_INT32),
         DB_FIELD(struct catalog_row, ahead_limit, DB_INT64),
         DB_FIELD(struct catalog_row, promised_at, DB_TIMESTAMP));

#define UNIT_FIELDS                                                                                \
    DB_FIELD(struct level_row, available, DB_INT64),                                               \
        DB_FIELD(struct level_row, committed, DB_INT64),                                           \
        DB_FIELD(struct level_row, reserved, DB_INT64),                                            \
        DB_FIELD(struct level_row, safety, DB_INT64),                                              \
        DB_FIELD(struct level_row, damaged, DB_INT64),                                             \
        DB_FIELD(struct level_row, quality_control, DB_INT64),                                     \
        DB_FIELD(struct level_row, incoming, DB_INT64)
DB_SHAPE(level_shape, struct level_row, DB_FIELD(struct level_row, sku, DB_TEXT),
         DB_FIELD(struct level_row, location, DB_TEXT),
         DB_FIELD(struct level_row, on_hand, DB_INT64), UNIT_FIELDS);
DB_SHAPE(level_name_shape, struct level_row, DB_FIELD(struct level_row, level_id, DB_INT32),
         DB_FIELD(struct level_row, sku, DB_TEXT), DB_FIELD(struct level_row, location, DB_TEXT));
DB_SHAPE(level_sum_shape, struct level_row, DB_FIELD(struct level_row, level_id, DB_INT32),
         UNIT_FIELDS);

DB_SHAPE(movement_shape, struct movement_row, DB_FIELD(struct movement_row, position, DB_INT64),
         DB_FIELD(struct movement_row, sku, DB_TEXT),
         DB_FIELD(struct movement_row, location, DB_TEXT),
         DB_FIELD(struct movement_row, from_bucket, DB_INT32),
         DB_FIELD(struct movement_row, to_bucket, DB_INT32),
         DB_FIELD(struct movement_row, quantity, DB_INT64),
         DB_FIELD(struct movement_row, cause, DB_INT32),
         DB_FIELD(struct movement_row, reason, DB_INT32),
         DB_FIELD(struct movement_row, cause_id, DB_UUID),
         DB_FIELD(struct movement_row, actor, DB_TEXT),
         DB_FIELD(struct movement_row, moved_at, DB_TIMESTAMP));

/* ---- locations ---- */

enum status store_location(struct db *db, const char *code, struct location_row **row)
{
    size_t count;
    TRY(db_select(db, Q_LOCATION_BY_CODE, &location_shape, row, &count, db_text(code)));
    if (count == 0)
        *row = NULL;
    return STATUS_OK;
}

enum status store_location_ranks(struct db *db, int64_t *last, int64_t *count)
{
    struct ranks {
        int64_t last, count;
    } * rows;
    DB_SHAPE(ranks_shape, struct ranks, DB_FIELD(struct ranks, last, DB_INT64),
             DB_FIELD(struct ranks, count, DB_INT64));
    size_t nrows;
    TRY(db_select(db, Q_LOCATION_RANKS, &ranks_shape, &rows, &nrows));
    *last = rows[0].last;
    *count = rows[0].count;
    return STATUS_OK;
}

enum status store_location_insert(struct db *db, const struct location_row *row)
{
    return db_exec(db, Q_LOCATION_INSERT, db_text(row->code), db_uuid(&row->location_id),
                   db_text(row->name), db_int(row->type), db_int(row->rank),
                   db_bool(row->is_sellable), db_bytes(row->address.bytes, row->address.count),
                   db_time(row->created_at));
}

enum status store_location_update(struct db *db, const struct location_row *row)
{
    return db_exec_expect(db, Q_LOCATION_UPDATE, 1, db_text(row->code), db_text(row->name),
                          db_int(row->rank), db_bool(row->is_sellable), db_bool(row->is_active),
                          db_bytes(row->address.bytes, row->address.count));
}

enum status store_locations(struct db *db, int64_t after_rank, const char *after_code,
                            int64_t limit, struct location_row **rows, size_t *count)
{
    return db_select(db, Q_LOCATIONS, &location_shape, rows, count, db_int(after_rank),
                     db_text(after_code), db_int(limit));
}

/* ---- items ---- */

enum status store_item(struct db *db, const char *sku, struct catalog_row **row)
{
    size_t count;
    TRY(db_select(db, Q_ITEM_BY_SKU, &catalog_shape, row, &count, db_text(sku)));
    if (count == 0)
        *row = NULL;
    return STATUS_OK;
}

enum status store_item_insert(struct db *db, const struct catalog_row *row)
{
    return db_exec(db, Q_ITEM_INSERT, db_text(row->sku), db_uuid(&row->item_id), db_text(row->name),
                   db_int(row->price_minor), db_text(row->price_currency), db_text(row->barcode),
                   db_int(row->weight_g), db_time(row->created_at), db_int(row->selling_ahead),
                   db_int(row->ahead_limit), db_time(row->promised_at));
}

enum status store_item_update(struct db *db, const struct catalog_row *row)
{
    return db_exec_expect(db, Q_ITEM_UPDATE, 1, db_text(row->sku), db_text(row->name),
                          db_int(row->price_minor), db_text(row->price_currency),
                          db_text(row->barcode), db_int(row->weight_g), db_bool(row->is_active),
                          db_int(row->selling_ahead), db_int(row->ahead_limit),
                          db_time(row->promised_at));
}

enum status store_items(struct db *db, const char *after_sku, int64_t limit,
                        struct catalog_row **rows, size_t *count)
{
    return db_select(db, Q_ITEMS, &catalog_shape, rows, count, db_text(after_sku), db_int(limit));
}

/* ---- levels ---- */

enum status store_levels(struct db *db, const struct level_filter *filter, int64_t now_us,
                         struct level_row **rows, size_t *count)
{
    if (*filter->sku != '\0')
        return db_select(db, Q_LEVELS_OF_SKU, &level_shape, rows, count, db_text(filter->sku),
                         db_text(filter->after_location), db_int(filter->limit),
                         db_text(filter->location), db_time(now_us));
    if (*filter->location != '\0')
        return db_select(db, Q_LEVELS_OF_LOCATION, &level_shape, rows, count,
                         db_text(filter->location), db_text(filter->after_sku),
                         db_int(filter->limit), db_time(now_us));
    return db_select(db, Q_LEVELS, &level_shape, rows, count, db_text(filter->after_sku),
                     db_text(filter->after_location), db_int(filter->limit), db_time(now_us));
}

static enum status select_names(struct db *db, const struct level_filter *filter, int64_t at_us,
                                struct level_row **rows, size_t *count)
{
    if (*filter->sku != '\0')
        return db_select(db, Q_LEVELS_THEN_OF_SKU, &level_name_shape, rows, count,
                         db_text(filter->sku), db_text(filter->after_location),
                         db_int(filter->limit), db_text(filter->location), db_time(at_us));
    if (*filter->location != '\0')
        return db_select(db, Q_LEVELS_THEN_OF_LOCATION, &level_name_shape, rows, count,
                         db_text(filter->location), db_text(filter->after_sku),
                         db_int(filter->limit), db_time(at_us));
    return db_select(db, Q_LEVELS_THEN, &level_name_shape, rows, count, db_text(filter->after_sku),
                     db_text(filter->after_location), db_int(filter->limit), db_time(at_us));
}

static struct level_row *find_sum(struct level_row *sums, size_t count, int32_t level_id)
{
    for (size_t i = 0; i < count; i++)
        if (sums[i].level_id == level_id)
            return &sums[i];
    return NULL;
}

enum status store_levels_at(struct db *db, const struct level_filter *filter, int64_t at_us,
                            struct arena *arena, struct level_row **rows, size_t *count)
{
    struct level_row *sums;
    size_t nsums;
    TRY(select_names(db, filter, at_us, rows, count));
    int64_t *ids = ARENA_ARRAY(arena, *count + 1, int64_t);
    for (size_t i = 0; i < *count; i++)
        ids[i] = (*rows)[i].level_id;
    TRY(db_select(db, Q_LEVEL_SUMS, &level_sum_shape, &sums, &nsums, db_ints(ids, *count),
                  db_time(at_us)));
    for (size_t i = 0; i < *count; i++) {
        struct level_row *sum = find_sum(sums, nsums, (*rows)[i].level_id);
        if (sum == NULL)
            return STATUS_INTERNAL;
        sum->sku = (*rows)[i].sku;
        sum->location = (*rows)[i].location;
        sum->on_hand = sum->available + sum->committed + sum->reserved + sum->safety +
                       sum->damaged + sum->quality_control;
        (*rows)[i] = *sum;
    }
    return STATUS_OK;
}

/* ---- movements ---- */

/* A stretch of the whole ledger: its positions are dense, so that a page is a range. */
static enum status select_stretch(struct db *db, const struct movement_filter *filter,
                                  struct movement_row **rows, size_t *count, int64_t *more_before)
{
    struct position {
        int64_t position;
    } * head;
    DB_SHAPE(head_shape, struct position, DB_FIELD(struct position, position, DB_INT64));
    size_t nrows;
    TRY(db_select(db, Q_MOVEMENT_HEAD, &head_shape, &head, &nrows));
    int64_t before = filter->before > head[0].position ? head[0].position + 1 : filter->before;
    int64_t stretch = *filter->location == '\0' ? filter->limit : MOVEMENT_STRETCH;
    int64_t from = before > stretch ? before - stretch : 1;
    TRY(db_select(db, Q_MOVEMENTS, &movement_shape, rows, count, db_int(before), db_int(from),
                  db_text(filter->location), db_int(filter->limit)));
    if (*count == (size_t)filter->limit)
        *more_before = (*rows)[*count - 1].position;
    else
        *more_before = from;
    if (*more_before <= 1)
        *more_before = 0;
    return STATUS_OK;
}

enum status store_movements(struct db *db, const struct movement_filter *filter,
                            struct movement_row **rows, size_t *count, int64_t *more_before)
{
    if (uuid_is_nil(&filter->cause_id) && *filter->sku == '\0')
        return select_stretch(db, filter, rows, count, more_before);
    int64_t room = filter->limit + 1; /* one more, to know whether there is more */
    if (uuid_is_nil(&filter->cause_id))
        TRY(db_select(db, Q_MOVEMENTS_OF_SKU, &movement_shape, rows, count, db_text(filter->sku),
                      db_int(filter->before), db_int(room), db_text(filter->location)));
    else
        TRY(db_select(db, Q_MOVEMENTS_OF_CAUSE, &movement_shape, rows, count,
                      db_uuid(&filter->cause_id), db_int(filter->before), db_int(room),
                      db_text(filter->sku), db_text(filter->location)));
    *more_before = 0;
    if (*count < (size_t)room)
        return STATUS_OK;
    (*count)--;
    *more_before = (*rows)[*count - 1].position;
    return STATUS_OK;
}
