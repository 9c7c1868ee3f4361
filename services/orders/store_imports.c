#include "store_imports.h"

#include <assert.h>

#include "queries.h"

static_assert(sizeof(enum import_status) == sizeof(int32_t) &&
                  sizeof(enum import_order_status) == sizeof(int32_t),
              "enums are read as int32");

#define INT64(member) DB_FIELD(struct import, member, DB_INT64)
#define INT32(member) DB_FIELD(struct import, member, DB_INT32)
#define TEXT(member) DB_FIELD(struct import, member, DB_TEXT)
DB_SHAPE(import_shape, struct import, DB_FIELD(struct import, id, DB_UUID),
         DB_FIELD_AS(struct import, created_at_us, "created_at", DB_TIMESTAMP),
         DB_FIELD_AS(struct import, finished_at_us, "finished_at", DB_TIMESTAMP), INT64(bytes),
         INT64(rows), INT64(orders), INT64(failed), INT64(known), INT64(placed), INT32(parts),
         INT32(next_part), INT32(status), INT32(format), INT32(error_policy), INT32(stock_policy),
         DB_FIELD(struct import, is_historic, DB_BOOLEAN),
         DB_FIELD(struct import, notify_customers, DB_BOOLEAN), TEXT(name), TEXT(channel),
         TEXT(currency), TEXT(created_by), DB_FIELD(struct import, header, DB_BYTEA),
         DB_FIELD(struct import, carry, DB_BYTEA));

DB_SHAPE(due_shape, struct import_order, DB_FIELD(struct import_order, seq, DB_INT64),
         DB_FIELD(struct import_order, row, DB_INT64),
         DB_FIELD(struct import_order, external_id, DB_TEXT),
         DB_FIELD(struct import_order, body, DB_BYTEA));
DB_SHAPE(error_shape, struct import_order, DB_FIELD(struct import_order, seq, DB_INT64),
         DB_FIELD(struct import_order, row, DB_INT64),
         DB_FIELD(struct import_order, external_id, DB_TEXT),
         DB_FIELD(struct import_order, code, DB_TEXT),
         DB_FIELD(struct import_order, field, DB_TEXT),
         DB_FIELD(struct import_order, message, DB_TEXT));
struct body_row {
    struct db_bytea body;
};
DB_SHAPE(body_shape, struct body_row, DB_FIELD(struct body_row, body, DB_BYTEA));

/* An empty text is no NULL. */
static struct db_arg bytes_of(struct db_bytea body)
{
    return db_bytes(body.count > 0 ? body.bytes : (const uint8_t *)"", body.count);
}

enum status store_import_insert(struct db *db, const struct import *i)
{
    return db_exec(db, Q_IMPORT_INSERT, db_uuid(&i->id), db_time(i->created_at_us),
                   db_int(i->status), db_int(i->format), db_int(i->error_policy),
                   db_int(i->stock_policy), db_bool(i->is_historic), db_bool(i->notify_customers),
                   db_text(i->name), db_text(i->channel), db_text(i->currency),
                   db_text(i->created_by));
}

enum status store_import_save(struct db *db, const struct import *i, enum import_status from,
                              int32_t next_part)
{
    return db_exec_expect(db, Q_IMPORT_SAVE, 1, db_uuid(&i->id), db_int(from), db_int(next_part),
                          db_time(i->finished_at_us), db_int(i->bytes), db_int(i->rows),
                          db_int(i->orders), db_int(i->failed), db_int(i->known), db_int(i->placed),
                          db_int(i->parts), db_int(i->next_part), db_int(i->status),
                          bytes_of(i->header), bytes_of(i->carry));
}

enum status store_import_load(struct db *db, const struct uuid *id, struct import **import)
{
    size_t count;
    TRY(db_select(db, Q_IMPORT_BY_ID, &import_shape, import, &count, db_uuid(id)));
    return count > 0 ? STATUS_OK : STATUS_NOT_FOUND;
}

enum status store_imports_page(struct db *db, const struct uuid *before, int64_t limit,
                               struct import **imports, size_t *count)
{
    return db_select(db, Q_IMPORTS_PAGE, &import_shape, imports, count, db_uuid(before),
                     db_int(limit));
}

enum status store_import_at_work(struct db *db, struct import **import)
{
    size_t count;
    TRY(db_select(db, Q_IMPORTS_AT_WORK, &import_shape, import, &count));
    if (count == 0)
        *import = NULL;
    return STATUS_OK;
}

enum status store_import_forgotten(struct db *db, int64_t before_us, struct import **import)
{
    size_t count;
    TRY(db_select(db, Q_IMPORTS_FORGOTTEN, &import_shape, import, &count, db_time(before_us)));
    if (count == 0)
        *import = NULL;
    return STATUS_OK;
}

enum status store_import_part_put(struct db *db, const struct uuid *id, int32_t part,
                                  const char *csv, size_t bytes)
{
    return db_exec(db, Q_IMPORT_PART_PUT, db_uuid(id), db_int(part), db_bytes(csv, bytes));
}

enum status store_import_part(struct db *db, const struct uuid *id, int32_t part,
                              struct db_bytea *body)
{
    struct body_row *rows;
    size_t count;
    TRY(db_select(db, Q_IMPORT_PART_BODY, &body_shape, &rows, &count, db_uuid(id), db_int(part)));
    *body = count > 0 ? rows[0].body : (struct db_bytea){NULL, 0};
    return STATUS_OK;
}

enum status store_import_part_delete(struct db *db, const struct uuid *id, int32_t part)
{
    return db_exec(db, Q_IMPORT_PART_DELETE, db_uuid(id), db_int(part));
}

void store_import_order_add(struct db *db, const struct uuid *id, const struct import_order *o)
{
    db_add(db_columns(db, Q_IMPORT_ORDER_INSERT), db_uuid(id), db_int(o->seq), db_int(o->row),
           db_int(o->status), db_text(o->external_id), db_text(o->code), db_text(o->field),
           db_text(o->message),
           o->status == ROW_CHECKED ? db_bytes(o->body.bytes, o->body.count) : db_null());
}

enum status store_import_orders_due(struct db *db, const struct uuid *id, int64_t limit,
                                    struct import_order **orders, size_t *count)
{
    return db_select(db, Q_IMPORT_ORDERS_DUE, &due_shape, orders, count, db_uuid(id),
                     db_int(limit));
}

void store_import_order_done(struct db *db, const struct uuid *id, const struct import_order *o)
{
    db_add(db_columns(db, Q_IMPORT_ORDER_DONE), db_uuid(id), db_int(o->seq), db_int(o->status),
           db_uuid(&o->order_id), db_text(o->code), db_text(o->field), db_text(o->message));
}

enum status store_import_errors(struct db *db, const struct uuid *id, int64_t after, int64_t limit,
                                struct import_order **orders, size_t *count)
{
    return db_select(db, Q_IMPORT_ERRORS, &error_shape, orders, count, db_uuid(id), db_int(after),
                     db_int(limit));
}

enum status store_import_drop(struct db *db, const struct uuid *id)
{
    TRY(db_exec(db, Q_IMPORT_PARTS_DROP, db_uuid(id)));
    return db_exec(db, Q_IMPORT_ORDERS_DROP, db_uuid(id));
}
