#include "store_shipment.h"

#include "queries.h"

struct shipment_row {
    struct uuid id, order_id, fulfillment_id;
    int32_t status;
    const char *location, *carrier, *tracking_number, *reason, *number;
    int64_t created_at, ended_at;
};
DB_SHAPE(shipment_shape, struct shipment_row, DB_FIELD(struct shipment_row, id, DB_UUID),
         DB_FIELD(struct shipment_row, order_id, DB_UUID),
         DB_FIELD(struct shipment_row, fulfillment_id, DB_UUID),
         DB_FIELD(struct shipment_row, status, DB_INT32),
         DB_FIELD(struct shipment_row, location, DB_TEXT),
         DB_FIELD(struct shipment_row, carrier, DB_TEXT),
         DB_FIELD(struct shipment_row, tracking_number, DB_TEXT),
         DB_FIELD(struct shipment_row, reason, DB_TEXT),
         DB_FIELD(struct shipment_row, number, DB_TEXT),
         DB_FIELD(struct shipment_row, created_at, DB_TIMESTAMP),
         DB_FIELD(struct shipment_row, ended_at, DB_TIMESTAMP));

struct id_row {
    struct uuid id;
};
DB_SHAPE(id_shape, struct id_row, DB_FIELD(struct id_row, id, DB_UUID));

enum status store_shared_insert(struct db *db, const struct shipment *shipment, const char *actor)
{
    TRY(db_exec(db, Q_SHIPMENT_INSERT, db_uuid(&shipment->id), db_int(shipment->status),
                db_text(shipment->location), db_text(actor), db_time(shipment->created_at_us)));
    for (size_t i = 0; i < shipment->count; i++)
        db_add(db_columns(db, Q_SHIPMENT_ORDER_INSERT), db_uuid(&shipment->id),
               db_uuid(&shipment->orders[i].order_id),
               db_uuid(&shipment->orders[i].fulfillment_id));
    return STATUS_OK;
}

enum status store_shared_end(struct db *db, const struct shipment *shipment)
{
    TRY(db_exec_expect(db, Q_SHIPMENT_END, 1, db_uuid(&shipment->id), db_int(shipment->status),
                       db_text(shipment->carrier), db_text(shipment->tracking_number),
                       db_text(shipment->reason), db_time(shipment->ended_at_us)));
    return db_exec(db, Q_SHIPMENT_ORDERS_CLOSE, db_uuid(&shipment->id));
}

static struct shipment shipment_of(const struct shipment_row *row, struct shipment_order *orders)
{
    return (struct shipment){.id = row->id,
                             .status = (enum shipment_status)row->status,
                             .location = row->location,
                             .carrier = row->carrier,
                             .tracking_number = row->tracking_number,
                             .reason = row->reason,
                             .created_at_us = row->created_at,
                             .ended_at_us = row->ended_at,
                             .orders = orders};
}

enum status store_shared_load(struct db *db, struct arena *arena, const struct uuid *ids,
                              size_t count, struct shipment **list, size_t *found)
{
    struct shipment_row *rows;
    size_t nrows;
    *found = 0;
    *list = NULL;
    if (count == 0)
        return STATUS_OK;
    TRY(db_select(db, Q_SHIPMENTS_BY_ID, &shipment_shape, &rows, &nrows, db_uuids(ids, count)));
    *list = ARENA_ARRAY(arena, nrows + 1, struct shipment);
    struct shipment_order *orders = ARENA_ARRAY(arena, nrows + 1, struct shipment_order);
    for (size_t i = 0; i < nrows; i++) {
        if (i == 0 || !uuid_equal(&rows[i].id, &rows[i - 1].id))
            (*list)[(*found)++] = shipment_of(&rows[i], &orders[i]);
        orders[i] =
            (struct shipment_order){rows[i].order_id, rows[i].fulfillment_id, rows[i].number};
        (*list)[*found - 1].count++;
    }
    return STATUS_OK;
}

enum status store_shared_open_of(struct db *db, struct arena *arena, const struct uuid *order_ids,
                                 size_t count, struct shipment **list, size_t *found)
{
    struct id_row *rows;
    size_t nrows;
    *found = 0;
    *list = NULL;
    if (count == 0)
        return STATUS_OK;
    TRY(db_select(db, Q_SHIPMENTS_OPEN_OF_ORDERS, &id_shape, &rows, &nrows,
                  db_uuids(order_ids, count)));
    return store_shared_load(db, arena, &rows->id, nrows, list, found);
}

enum status store_shared_list(struct db *db, struct arena *arena, const struct uuid *order_id,
                              const struct uuid *before, size_t limit, struct shipment **list,
                              size_t *count)
{
    static const struct uuid last = {
        {255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255}};
    const struct uuid *from = before != NULL ? before : &last;
    struct id_row *rows;
    size_t nrows;
    if (order_id != NULL)
        TRY(db_select(db, Q_SHIPMENTS_OF_ORDER, &id_shape, &rows, &nrows, db_uuid(order_id),
                      db_uuid(from), db_int((int64_t)limit)));
    else
        TRY(db_select(db, Q_SHIPMENTS_NEWEST, &id_shape, &rows, &nrows, db_uuid(from),
                      db_int((int64_t)limit)));
    return store_shared_load(db, arena, &rows->id, nrows, list, count);
}
