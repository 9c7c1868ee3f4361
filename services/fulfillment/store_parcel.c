/* Parcels, what has left, and the lists. */
#include <string.h>

#include "queries.h"
#include "store.h"

struct shipment_row {
    struct uuid order_id, order_line_id;
    const char *location;
    int32_t quantity;
};
DB_SHAPE(shipment_shape, struct shipment_row, DB_FIELD(struct shipment_row, order_id, DB_UUID),
         DB_FIELD(struct shipment_row, location, DB_TEXT),
         DB_FIELD(struct shipment_row, order_line_id, DB_UUID),
         DB_FIELD(struct shipment_row, quantity, DB_INT32));

struct parcel_row {
    struct uuid order_id, id, fulfillment_id, order_line_id;
    const char *parcel_key, *carrier, *tracking_number, *sku;
    int32_t status, quantity;
    int64_t shipped_at, delivered_at;
};
DB_SHAPE(parcel_shape, struct parcel_row, DB_FIELD(struct parcel_row, order_id, DB_UUID),
         DB_FIELD(struct parcel_row, id, DB_UUID),
         DB_FIELD(struct parcel_row, fulfillment_id, DB_UUID),
         DB_FIELD(struct parcel_row, parcel_key, DB_TEXT),
         DB_FIELD(struct parcel_row, status, DB_INT32),
         DB_FIELD(struct parcel_row, carrier, DB_TEXT),
         DB_FIELD(struct parcel_row, tracking_number, DB_TEXT),
         DB_FIELD(struct parcel_row, shipped_at, DB_TIMESTAMP),
         DB_FIELD(struct parcel_row, delivered_at, DB_TIMESTAMP),
         DB_FIELD(struct parcel_row, order_line_id, DB_UUID),
         DB_FIELD(struct parcel_row, sku, DB_TEXT),
         DB_FIELD(struct parcel_row, quantity, DB_INT32));

DB_SHAPE(listed_shape, struct listed, DB_FIELD(struct listed, id, DB_UUID),
         DB_FIELD(struct listed, order_id, DB_UUID));

struct order_id_row {
    struct uuid order_id;
};
DB_SHAPE(order_id_shape, struct order_id_row, DB_FIELD(struct order_id_row, order_id, DB_UUID));

enum status store_shipments_load(struct db *db, struct arena *arena, const struct uuid *order_ids,
                                 size_t count, struct shipments *out)
{
    struct shipment_row *rows;
    *out = (struct shipments){0};
    if (count == 0)
        return STATUS_OK;
    TRY(db_select(db, Q_SHIPMENTS, &shipment_shape, &rows, &out->count,
                  db_uuids(order_ids, count)));
    out->order_ids = ARENA_ARRAY(arena, out->count, struct uuid);
    out->units = ARENA_ARRAY(arena, out->count, struct placed_units);
    for (size_t i = 0; i < out->count; i++) {
        out->order_ids[i] = rows[i].order_id;
        out->units[i] = (struct placed_units){.line_id = rows[i].order_line_id,
                                              .sku = "",
                                              .location = rows[i].location,
                                              .quantity = rows[i].quantity};
    }
    return STATUS_OK;
}

static enum status one_order_id(const struct order_id_row *rows, size_t count, struct uuid *out)
{
    if (count == 0)
        return STATUS_NOT_FOUND;
    *out = rows->order_id;
    return STATUS_OK;
}

enum status store_order_of(struct db *db, const struct uuid *fulfillment_id, struct uuid *order_id)
{
    struct order_id_row *rows;
    size_t count;
    TRY(db_select(db, Q_ORDER_OF_FULFILLMENT, &order_id_shape, &rows, &count,
                  db_uuid(fulfillment_id)));
    return one_order_id(rows, count, order_id);
}

enum status store_order_by_number(struct db *db, const char *number, struct uuid *order_id)
{
    struct order_id_row *rows;
    size_t count;
    TRY(db_select(db, Q_ORDER_BY_NUMBER, &order_id_shape, &rows, &count, db_text(number)));
    return one_order_id(rows, count, order_id);
}

struct location_row {
    const char *location;
};
DB_SHAPE(location_shape, struct location_row, DB_FIELD(struct location_row, location, DB_TEXT));

/* The location asked for, or all that there are. */
static enum status locations_of(struct db *db, struct arena *arena,
                                const struct list_filter *filter, const char ***out, size_t *count)
{
    struct location_row *rows;
    *count = 1;
    if (filter->location == NULL)
        TRY(db_select(db, Q_LOCATIONS, &location_shape, &rows, count));
    *out = ARENA_ARRAY(arena, *count, const char *);
    for (size_t i = 0; i < *count; i++)
        (*out)[i] = filter->location != NULL ? filter->location : rows[i].location;
    return STATUS_OK;
}

/* Asked for one status, or for each that there is: the list's index leads with location and status.
 */
static struct db_arg statuses_of(const struct list_filter *filter, const int64_t *one)
{
    static const int64_t all[] = {
#define X(name, number) number,
        FULFILLMENT_STATUSES(X)
#undef X
    };
    if (filter->status != 0)
        return db_ints(one, 1);
    return db_ints(all, sizeof all / sizeof all[0]);
}

enum status store_list(struct db *db, struct arena *arena, const struct list_filter *filter,
                       struct listed **rows, size_t *count)
{
    static const struct uuid last = {
        {255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255}};
    const struct uuid *before = filter->before != NULL ? filter->before : &last;
    int64_t status = (int64_t)filter->status;
    if (filter->order_id != NULL)
        return db_select(db, Q_FULFILLMENTS_OF_ORDER, &listed_shape, rows, count,
                         db_uuid(filter->order_id), db_uuid(before), statuses_of(filter, &status),
                         db_text(filter->location), db_int(filter->limit));
    if (filter->status == 0 && filter->location == NULL)
        return db_select(db, Q_FULFILLMENTS_NEWEST, &listed_shape, rows, count, db_uuid(before),
                         db_int(filter->limit));
    const char **locations;
    size_t nlocations;
    TRY(locations_of(db, arena, filter, &locations, &nlocations));
    return db_select(db, Q_FULFILLMENTS_LISTED, &listed_shape, rows, count,
                     db_texts(locations, nlocations), statuses_of(filter, &status), db_uuid(before),
                     db_int(filter->limit));
}

static void start_parcel(const struct parcel_row *row, struct parcel_line *lines,
                         struct parcel *parcel)
{
    *parcel = (struct parcel){.id = row->id,
                              .order_id = row->order_id,
                              .fulfillment_id = row->fulfillment_id,
                              .key = row->parcel_key,
                              .status = (enum parcel_status)row->status,
                              .carrier = row->carrier,
                              .tracking_number = row->tracking_number,
                              .shipped_at_us = row->shipped_at,
                              .delivered_at_us = row->delivered_at,
                              .lines = lines};
}

enum status store_parcels_load(struct db *db, struct arena *arena, const struct uuid *order_ids,
                               size_t norders, struct parcel **out, size_t *count)
{
    struct parcel_row *rows;
    size_t nrows;
    TRY(db_select(db, Q_PARCELS_OF_ORDERS, &parcel_shape, &rows, &nrows,
                  db_uuids(order_ids, norders)));
    *out = ARENA_ARRAY(arena, nrows, struct parcel);
    *count = 0;
    struct parcel_line *lines = ARENA_ARRAY(arena, nrows, struct parcel_line);
    for (size_t i = 0; i < nrows; i++) {
        if (i == 0 || !uuid_equal(&rows[i].id, &rows[i - 1].id))
            start_parcel(&rows[i], &lines[i], &(*out)[(*count)++]);
        lines[i] = (struct parcel_line){rows[i].order_line_id, rows[i].sku, rows[i].quantity};
        (*out)[*count - 1].nlines++;
    }
    return STATUS_OK;
}

enum status store_parcel_insert(struct db *db, const struct parcel *parcel)
{
    TRY(db_exec(db, Q_PARCEL_INSERT, db_uuid(&parcel->order_id), db_uuid(&parcel->id),
                db_uuid(&parcel->fulfillment_id), db_text(parcel->key), db_int(parcel->status),
                db_text(parcel->carrier), db_text(parcel->tracking_number),
                db_time(parcel->shipped_at_us)));
    for (size_t i = 0; i < parcel->nlines; i++)
        db_add(db_columns(db, Q_PARCEL_LINE_INSERT), db_uuid(&parcel->order_id),
               db_uuid(&parcel->id), db_uuid(&parcel->lines[i].order_line_id),
               db_text(parcel->lines[i].sku), db_int(parcel->lines[i].quantity));
    return STATUS_OK;
}

enum status store_parcel_deliver(struct db *db, const struct parcel *parcel)
{
    return db_exec_expect(db, Q_PARCEL_DELIVER, 1, db_uuid(&parcel->order_id), db_uuid(&parcel->id),
                          db_int(parcel->status), db_time(parcel->delivered_at_us));
}
