#include "store.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "penstock/orders/v1/orders.pb-c.h"
#include "queries.h"

typedef Penstock__Orders__V1__OrderChanged OrderChanged;
typedef Penstock__Orders__V1__PlacedLine PlacedLine;

struct sold_row {
    struct uuid order_id;
    const char *number;
    struct db_bytea lines;
};
DB_SHAPE(sold_shape, struct sold_row, DB_FIELD(struct sold_row, order_id, DB_UUID),
         DB_FIELD(struct sold_row, number, DB_TEXT), DB_FIELD(struct sold_row, lines, DB_BYTEA));

struct line_row {
    struct uuid order_id, order_line_id;
    int32_t shipped, cancelled;
};
DB_SHAPE(line_shape, struct line_row, DB_FIELD(struct line_row, order_id, DB_UUID),
         DB_FIELD(struct line_row, order_line_id, DB_UUID),
         DB_FIELD(struct line_row, shipped, DB_INT32),
         DB_FIELD(struct line_row, cancelled, DB_INT32));

/* A line of a return beside its head. */
struct return_row {
    struct uuid order_id, id, order_line_id;
    const char *number, *currency, *location, *note, *end_reason, *sku, *reason;
    int32_t sequence, status, version, line_no;
    int32_t requested, received, restocked, quarantined, scrapped;
    int64_t refund_minor, requested_at, updated_at;
};
DB_SHAPE(return_shape, struct return_row, DB_FIELD(struct return_row, order_id, DB_UUID),
         DB_FIELD(struct return_row, id, DB_UUID), DB_FIELD(struct return_row, number, DB_TEXT),
         DB_FIELD(struct return_row, sequence, DB_INT32),
         DB_FIELD(struct return_row, status, DB_INT32),
         DB_FIELD(struct return_row, currency, DB_TEXT),
         DB_FIELD(struct return_row, location, DB_TEXT), DB_FIELD(struct return_row, note, DB_TEXT),
         DB_FIELD(struct return_row, end_reason, DB_TEXT),
         DB_FIELD(struct return_row, version, DB_INT32),
         DB_FIELD(struct return_row, requested_at, DB_TIMESTAMP),
         DB_FIELD(struct return_row, updated_at, DB_TIMESTAMP),
         DB_FIELD(struct return_row, line_no, DB_INT32),
         DB_FIELD(struct return_row, order_line_id, DB_UUID),
         DB_FIELD(struct return_row, sku, DB_TEXT), DB_FIELD(struct return_row, reason, DB_TEXT),
         DB_FIELD(struct return_row, requested, DB_INT32),
         DB_FIELD(struct return_row, received, DB_INT32),
         DB_FIELD(struct return_row, restocked, DB_INT32),
         DB_FIELD(struct return_row, quarantined, DB_INT32),
         DB_FIELD(struct return_row, scrapped, DB_INT32),
         DB_FIELD(struct return_row, refund_minor, DB_INT64));

struct order_id_row {
    struct uuid order_id;
};
DB_SHAPE(order_id_shape, struct order_id_row, DB_FIELD(struct order_id_row, order_id, DB_UUID));

DB_SHAPE(listed_shape, struct listed, DB_FIELD(struct listed, id, DB_UUID),
         DB_FIELD(struct listed, order_id, DB_UUID));

static int compare_uuids(const void *a, const void *b)
{
    return uuid_compare(a, b);
}

struct sale *store_sales_find(const struct sales *sales, const struct uuid *order_id)
{
    /* The id is the first member, so that an id compares with a sale. */
    struct sale *sale =
        bsearch(order_id, sales->list, sales->count, sizeof *sales->list, compare_uuids);
    assert(sale != NULL);
    return sale;
}

/* The blob is this service's own: one that does not unpack is a broken database. */
static enum status unpack_lines(struct arena *arena, struct db_bytea blob, struct sale *sale)
{
    const OrderChanged *sold =
        penstock__orders__v1__order_changed__unpack(arena_protobuf(arena), blob.count, blob.bytes);
    if (sold == NULL)
        return STATUS_INTERNAL;
    sale->currency = sold->total != NULL ? sold->total->currency : "";
    sale->lines = ARENA_ARRAY(arena, sold->n_lines, struct sold_line);
    for (size_t i = 0; i < sold->n_lines; i++) {
        const PlacedLine *from = sold->lines[i];
        struct sold_line *line = &sale->lines[sale->nlines++];
        *line =
            (struct sold_line){.sku = from->sku,
                               .name = from->name,
                               .quantity = from->quantity,
                               .total_minor = from->total != NULL ? from->total->amount_minor : 0};
        if (!uuid_parse(from->line_id, &line->line_id))
            return STATUS_INTERNAL;
    }
    return STATUS_OK;
}

static enum status load_sold(struct db *db, struct arena *arena, const struct uuid *ids,
                             struct sales *sales)
{
    struct sold_row *rows;
    size_t count;
    TRY(db_select(db, Q_SOLD_ORDERS, &sold_shape, &rows, &count, db_uuids(ids, sales->count)));
    for (size_t i = 0; i < count; i++) {
        struct sale *sale = store_sales_find(sales, &rows[i].order_id);
        sale->is_known = true;
        sale->number = rows[i].number;
        TRY(unpack_lines(arena, rows[i].lines, sale));
    }
    return STATUS_OK;
}

static enum status load_lines(struct db *db, const struct uuid *ids, struct sales *sales)
{
    struct line_row *rows;
    size_t count;
    TRY(db_select(db, Q_SOLD_LINES, &line_shape, &rows, &count, db_uuids(ids, sales->count)));
    for (size_t i = 0; i < count; i++) {
        struct sale *sale = store_sales_find(sales, &rows[i].order_id);
        for (size_t k = 0; k < sale->nlines; k++)
            if (uuid_equal(&sale->lines[k].line_id, &rows[i].order_line_id)) {
                sale->lines[k].shipped = rows[i].shipped;
                sale->lines[k].cancelled = rows[i].cancelled;
            }
    }
    return STATUS_OK;
}

static void fill_return(const struct return_row *row, struct return_order *one)
{
    *one = (struct return_order){.id = row->id,
                                 .number = row->number,
                                 .sequence = row->sequence,
                                 .status = (enum return_status)row->status,
                                 .currency = row->currency,
                                 .location = row->location,
                                 .note = row->note,
                                 .end_reason = row->end_reason,
                                 .version = row->version,
                                 .requested_at_us = row->requested_at,
                                 .updated_at_us = row->updated_at};
}

static void fill_line(const struct return_row *row, struct return_line *line)
{
    *line = (struct return_line){.line_no = row->line_no,
                                 .order_line_id = row->order_line_id,
                                 .sku = row->sku,
                                 .reason = row->reason,
                                 .requested = row->requested,
                                 .received = row->received,
                                 .restocked = row->restocked,
                                 .quarantined = row->quarantined,
                                 .scrapped = row->scrapped,
                                 .refund_minor = row->refund_minor};
}

/* Rows come by order, return and line; each sale and each return points into one array of its kind.
 */
static enum status load_returns(struct db *db, struct arena *arena, const struct uuid *ids,
                                struct sales *sales)
{
    struct return_row *rows;
    size_t count;
    TRY(db_select(db, Q_RETURNS_OF_ORDERS, &return_shape, &rows, &count,
                  db_uuids(ids, sales->count)));
    struct return_order *returns = ARENA_ARRAY(arena, count, struct return_order);
    struct return_line *lines = ARENA_ARRAY(arena, count, struct return_line);
    struct return_order *one = NULL;
    size_t nreturns = 0;
    for (size_t i = 0; i < count; i++) {
        if (one == NULL || !uuid_equal(&one->id, &rows[i].id)) {
            struct sale *sale = store_sales_find(sales, &rows[i].order_id);
            one = &returns[nreturns++];
            fill_return(&rows[i], one);
            one->lines = &lines[i];
            if (sale->nreturns++ == 0)
                sale->returns = one;
        }
        fill_line(&rows[i], &lines[i]);
        one->nlines++;
    }
    return STATUS_OK;
}

enum status store_sales_load(struct db *db, struct arena *arena, struct uuid *ids, size_t count,
                             struct sales *out)
{
    qsort(ids, count, sizeof *ids, compare_uuids);
    *out = (struct sales){ARENA_ARRAY(arena, count, struct sale), 0};
    for (size_t i = 0; i < count; i++) {
        if (i != 0 && uuid_equal(&ids[i], &ids[i - 1]))
            continue;
        out->list[out->count] = (struct sale){.order_id = ids[i], .number = "", .currency = ""};
        ids[out->count++] = ids[i];
    }
    TRY(load_sold(db, arena, ids, out));
    TRY(load_lines(db, ids, out));
    return load_returns(db, arena, ids, out);
}

static enum status one_order_id(const struct order_id_row *rows, size_t count, struct uuid *out)
{
    if (count == 0)
        return STATUS_NOT_FOUND;
    *out = rows->order_id;
    return STATUS_OK;
}

enum status store_order_by_number(struct db *db, const char *number, struct uuid *order_id)
{
    struct order_id_row *rows;
    size_t count;
    TRY(db_select(db, Q_ORDER_BY_NUMBER, &order_id_shape, &rows, &count, db_text(number)));
    return one_order_id(rows, count, order_id);
}

enum status store_order_of_return(struct db *db, const struct uuid *return_id,
                                  struct uuid *order_id)
{
    struct order_id_row *rows;
    size_t count;
    TRY(db_select(db, Q_ORDER_OF_RETURN, &order_id_shape, &rows, &count, db_uuid(return_id)));
    return one_order_id(rows, count, order_id);
}

enum status store_order_of_return_number(struct db *db, const char *number, struct uuid *order_id)
{
    struct order_id_row *rows;
    size_t count;
    TRY(db_select(db, Q_ORDER_OF_RETURN_NUMBER, &order_id_shape, &rows, &count, db_text(number)));
    return one_order_id(rows, count, order_id);
}

void store_sale_add(struct db *db, const struct uuid *order_id, const char *number,
                    const void *lines, size_t bytes)
{
    db_add(db_columns(db, Q_SOLD_ORDER_INSERT), db_uuid(order_id), db_text(number),
           db_bytes(lines, bytes));
}

void store_sale_change(struct db *db, const struct uuid *order_id, const void *lines, size_t bytes)
{
    db_columns(db, Q_SOLD_ORDER_INSERT); /* goes first, whichever a turn begins with */
    db_add(db_columns(db, Q_SOLD_ORDER_CHANGE), db_uuid(order_id), db_bytes(lines, bytes));
}

enum status store_sales_changed(struct db *db, const struct uuid *order_ids, size_t count)
{
    return count == 0 ? STATUS_OK
                      : db_exec(db, Q_CANCELLED_LINES_FORGET, db_uuids(order_ids, count));
}

void store_shipped_add(struct db *db, const struct uuid *order_id, const struct uuid *line_id,
                       int64_t shipped, int64_t delivered)
{
    db_add(db_columns(db, Q_SHIPPED_LINE_UPSERT), db_uuid(order_id), db_uuid(line_id),
           db_int(shipped), db_int(delivered));
}

void store_cancelled_add(struct db *db, const struct uuid *order_id, const struct uuid *line_id,
                         int64_t cancelled)
{
    db_add(db_columns(db, Q_CANCELLED_LINE_UPSERT), db_uuid(order_id), db_uuid(line_id),
           db_int(cancelled));
}

enum status store_return_insert(struct db *db, const struct uuid *order_id,
                                const struct return_order *one)
{
    TRY(db_exec(db, Q_RETURN_INSERT, db_uuid(&one->id), db_uuid(order_id), db_text(one->number),
                db_int(one->sequence), db_int(one->status), db_text(one->currency),
                db_text(one->location), db_text(one->note), db_text(one->end_reason),
                db_int(one->version), db_time(one->requested_at_us), db_time(one->updated_at_us)));
    for (size_t i = 0; i < one->nlines; i++)
        db_add(db_columns(db, Q_RETURN_LINE_INSERT), db_uuid(&one->id),
               db_int(one->lines[i].line_no), db_uuid(&one->lines[i].order_line_id),
               db_text(one->lines[i].sku), db_text(one->lines[i].reason),
               db_int(one->lines[i].requested));
    return STATUS_OK;
}

enum status store_return_update(struct db *db, const struct return_order *one)
{
    TRY(db_exec_expect(db, Q_RETURN_UPDATE, 1, db_uuid(&one->id), db_int(one->status),
                       db_text(one->location), db_text(one->end_reason), db_int(one->version),
                       db_time(one->updated_at_us)));
    for (size_t i = 0; i < one->nlines; i++) {
        const struct return_line *line = &one->lines[i];
        if (line->is_changed)
            db_add(db_columns(db, Q_RETURN_LINE_UPDATE), db_uuid(&one->id), db_int(line->line_no),
                   db_int(line->received), db_int(line->restocked), db_int(line->quarantined),
                   db_int(line->scrapped), db_int(line->refund_minor));
    }
    return STATUS_OK;
}

enum status store_inspection_insert(struct db *db, const struct uuid *id,
                                    const struct uuid *return_id, int64_t refund_minor,
                                    int64_t inspected_at_us)
{
    return db_exec(db, Q_INSPECTION_INSERT, db_uuid(id), db_uuid(return_id), db_int(refund_minor),
                   db_time(inspected_at_us));
}

enum status store_list(struct db *db, const struct list_filter *filter, struct listed **rows,
                       size_t *count)
{
    static const struct uuid last = {
        {255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255}};
    const struct uuid *before = filter->before != NULL ? filter->before : &last;
    if (filter->order_id != NULL)
        return db_select(db, Q_RETURNS_OF_ORDER, &listed_shape, rows, count,
                         db_uuid(filter->order_id), db_uuid(before),
                         filter->status != 0 ? db_int(filter->status) : db_null(),
                         db_int(filter->limit));
    if (filter->status != 0)
        return db_select(db, Q_RETURNS_BY_STATUS, &listed_shape, rows, count,
                         db_int(filter->status), db_uuid(before), db_int(filter->limit));
    return db_select(db, Q_RETURNS_NEWEST, &listed_shape, rows, count, db_uuid(before),
                     db_int(filter->limit));
}
