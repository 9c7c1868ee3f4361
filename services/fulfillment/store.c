#include "store.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "penstock/inventory/v1/inventory.pb-c.h"
#include "penstock/orders/v1/orders.pb-c.h"
#include "queries.h"

typedef Penstock__Orders__V1__OrderChanged OrderChanged;
typedef Penstock__Orders__V1__PlacedLine PlacedLine;
typedef Penstock__Inventory__V1__StockAllocated StockAllocated;
typedef Penstock__Inventory__V1__AllocatedLine AllocatedLine;
typedef Penstock__Inventory__V1__LineAllocation LineAllocation;

struct order_row {
    struct uuid order_id;
    const char *number;
    struct db_bytea lines, unassigned;
    bool is_confirmed, is_on_hold, is_cancelled, is_withheld;
};
DB_SHAPE(order_shape, struct order_row, DB_FIELD(struct order_row, order_id, DB_UUID),
         DB_FIELD(struct order_row, number, DB_TEXT), DB_FIELD(struct order_row, lines, DB_BYTEA),
         DB_FIELD(struct order_row, unassigned, DB_BYTEA),
         DB_FIELD(struct order_row, is_confirmed, DB_BOOLEAN),
         DB_FIELD(struct order_row, is_on_hold, DB_BOOLEAN),
         DB_FIELD(struct order_row, is_cancelled, DB_BOOLEAN),
         DB_FIELD(struct order_row, is_withheld, DB_BOOLEAN));

/* A line of a fulfillment order beside its head. */
struct work_row {
    struct uuid order_id, id, order_line_id;
    const char *location, *sku;
    int32_t round, status, version, delivered;
    int64_t created_at, updated_at;
    int32_t allocated, cancelled, picked, packed, shipped;
};
DB_SHAPE(work_shape, struct work_row, DB_FIELD(struct work_row, order_id, DB_UUID),
         DB_FIELD(struct work_row, id, DB_UUID), DB_FIELD(struct work_row, location, DB_TEXT),
         DB_FIELD(struct work_row, round, DB_INT32), DB_FIELD(struct work_row, status, DB_INT32),
         DB_FIELD(struct work_row, version, DB_INT32),
         DB_FIELD(struct work_row, delivered, DB_INT32),
         DB_FIELD(struct work_row, created_at, DB_TIMESTAMP),
         DB_FIELD(struct work_row, updated_at, DB_TIMESTAMP),
         DB_FIELD(struct work_row, order_line_id, DB_UUID), DB_FIELD(struct work_row, sku, DB_TEXT),
         DB_FIELD(struct work_row, allocated, DB_INT32),
         DB_FIELD(struct work_row, cancelled, DB_INT32),
         DB_FIELD(struct work_row, picked, DB_INT32), DB_FIELD(struct work_row, packed, DB_INT32),
         DB_FIELD(struct work_row, shipped, DB_INT32));

static int compare_uuids(const void *a, const void *b)
{
    return uuid_compare(a, b);
}

/* The blobs are this service's own: one that does not unpack is a broken database. */
static enum status unpack_wanted(struct arena *arena, struct db_bytea blob, struct work *work)
{
    const OrderChanged *wanted =
        penstock__orders__v1__order_changed__unpack(arena_protobuf(arena), blob.count, blob.bytes);
    if (wanted == NULL)
        return STATUS_INTERNAL;
    work->wanted = ARENA_ARRAY(arena, wanted->n_lines, struct wanted_line);
    for (size_t i = 0; i < wanted->n_lines; i++) {
        struct wanted_line *line = &work->wanted[work->nwanted++];
        line->name = wanted->lines[i]->name;
        line->quantity = wanted->lines[i]->quantity;
        if (!uuid_parse(wanted->lines[i]->line_id, &line->line_id))
            return STATUS_INTERNAL;
    }
    work->delivery = wanted->delivery;
    return STATUS_OK;
}

static enum status unpack_unassigned(struct arena *arena, struct db_bytea blob, struct work *work)
{
    if (blob.count == 0)
        return STATUS_OK;
    const StockAllocated *units = penstock__inventory__v1__stock_allocated__unpack(
        arena_protobuf(arena), blob.count, blob.bytes);
    if (units == NULL)
        return STATUS_INTERNAL;
    work->unassigned = ARENA_ARRAY(arena, units->n_lines, struct placed_units);
    for (size_t i = 0; i < units->n_lines; i++) {
        struct placed_units *unit = &work->unassigned[work->nunassigned++];
        unit->sku = units->lines[i]->sku;
        unit->location = units->lines[i]->allocations[0]->location;
        unit->quantity = units->lines[i]->allocations[0]->quantity;
        if (!uuid_parse(units->lines[i]->line_id, &unit->line_id))
            return STATUS_INTERNAL;
    }
    return STATUS_OK;
}

static enum status load_orders(struct db *db, struct arena *arena, const struct uuid *ids,
                               struct works *works, bool *is_any_known)
{
    struct order_row *rows;
    size_t count;
    TRY(db_select(db, Q_SALES_ORDERS, &order_shape, &rows, &count, db_uuids(ids, works->count)));
    for (size_t i = 0; i < count; i++) {
        struct work *work = store_works_find(works, &rows[i].order_id);
        work->number = rows[i].number;
        work->is_confirmed = rows[i].is_confirmed;
        work->is_on_hold = rows[i].is_on_hold;
        work->is_cancelled = rows[i].is_cancelled;
        work->is_withheld = rows[i].is_withheld;
        work->is_stored = true;
        TRY(unpack_wanted(arena, rows[i].lines, work));
        TRY(unpack_unassigned(arena, rows[i].unassigned, work));
    }
    *is_any_known = count != 0;
    return STATUS_OK;
}

static size_t same_order(const struct work_row *rows, size_t count)
{
    size_t same = 1;
    while (same < count && uuid_equal(&rows[same].order_id, &rows[0].order_id))
        same++;
    return same;
}

static size_t same_fulfillment(const struct work_row *rows, size_t count)
{
    size_t same = 1;
    while (same < count && uuid_equal(&rows[same].id, &rows[0].id))
        same++;
    return same;
}

static void fill_fulfillment(struct arena *arena, const struct work_row *rows, size_t count,
                             struct fulfillment *one)
{
    *one = (struct fulfillment){.id = rows->id,
                                .location = rows->location,
                                .round = rows->round,
                                .status = (enum fulfillment_status)rows->status,
                                .version = rows->version,
                                .delivered = rows->delivered,
                                .created_at_us = rows->created_at,
                                .updated_at_us = rows->updated_at,
                                .lines = ARENA_ARRAY(arena, count, struct fulfillment_line),
                                .nlines = count,
                                .room = count};
    for (size_t i = 0; i < count; i++)
        one->lines[i] = (struct fulfillment_line){.order_line_id = rows[i].order_line_id,
                                                  .sku = rows[i].sku,
                                                  .allocated = rows[i].allocated,
                                                  .cancelled = rows[i].cancelled,
                                                  .picked = rows[i].picked,
                                                  .packed = rows[i].packed,
                                                  .shipped = rows[i].shipped};
}

static enum status load_work(struct db *db, struct arena *arena, const struct uuid *ids,
                             struct works *works)
{
    struct work_row *rows;
    size_t count;
    TRY(db_select(db, Q_WORK, &work_shape, &rows, &count, db_uuids(ids, works->count)));
    for (size_t i = 0; i < count;) {
        struct work *work = store_works_find(works, &rows[i].order_id);
        size_t end = i + same_order(&rows[i], count - i);
        work->fulfillments = ARENA_ARRAY(arena, end - i, struct fulfillment);
        work->room = end - i;
        while (i < end) {
            size_t lines = same_fulfillment(&rows[i], end - i);
            fill_fulfillment(arena, &rows[i], lines, &work->fulfillments[work->nfulfillments++]);
            i += lines;
        }
    }
    return STATUS_OK;
}

enum status store_works_load(struct db *db, struct arena *arena, struct uuid *ids, size_t count,
                             struct works *out)
{
    qsort(ids, count, sizeof *ids, compare_uuids);
    *out = (struct works){ARENA_ARRAY(arena, count, struct work), 0};
    for (size_t i = 0; i < count; i++) {
        if (i != 0 && uuid_equal(&ids[i], &ids[i - 1]))
            continue;
        out->list[out->count] = (struct work){.order_id = ids[i], .number = ""};
        ids[out->count++] = ids[i];
    }
    bool is_any_known;
    TRY(load_orders(db, arena, ids, out, &is_any_known));
    return is_any_known ? load_work(db, arena, ids, out) : STATUS_OK;
}

enum status store_work_load(struct db *db, struct arena *arena, const struct uuid *order_id,
                            struct works *out)
{
    struct uuid id = *order_id;
    return store_works_load(db, arena, &id, 1, out);
}

struct work *store_works_find(const struct works *works, const struct uuid *order_id)
{
    /* The id is the first member, so that an id compares with a work. */
    struct work *work =
        bsearch(order_id, works->list, works->count, sizeof *works->list, compare_uuids);
    assert(work != NULL);
    return work;
}

/* ---- writing ---- */

static struct db_arg pack_wanted(struct arena *arena, const struct work *work)
{
    OrderChanged message = PENSTOCK__ORDERS__V1__ORDER_CHANGED__INIT;
    PlacedLine *lines = ARENA_ARRAY(arena, work->nwanted, PlacedLine);
    char(*ids)[UUID_TEXT_BYTES] = arena_array(arena, work->nwanted, UUID_TEXT_BYTES);
    message.lines = ARENA_ARRAY(arena, work->nwanted, PlacedLine *);
    message.n_lines = work->nwanted;
    for (size_t i = 0; i < work->nwanted; i++) {
        penstock__orders__v1__placed_line__init(&lines[i]);
        lines[i].line_id = uuid_text(&work->wanted[i].line_id, ids[i]);
        lines[i].name = arena_strdup(arena, work->wanted[i].name);
        lines[i].quantity = work->wanted[i].quantity;
        message.lines[i] = &lines[i];
    }
    message.delivery = (Penstock__Orders__V1__Delivery *)(uintptr_t)work->delivery;
    uint8_t *bytes = arena_alloc(arena, protobuf_c_message_get_packed_size(&message.base));
    return db_bytes(bytes, protobuf_c_message_pack(&message.base, bytes));
}

static struct db_arg pack_unassigned(struct arena *arena, const struct work *work)
{
    if (work->nunassigned == 0)
        return db_null();
    StockAllocated message = PENSTOCK__INVENTORY__V1__STOCK_ALLOCATED__INIT;
    message.lines = ARENA_ARRAY(arena, work->nunassigned, AllocatedLine *);
    message.n_lines = work->nunassigned;
    for (size_t i = 0; i < work->nunassigned; i++) {
        const struct placed_units *units = &work->unassigned[i];
        AllocatedLine *line = ARENA_NEW(arena, AllocatedLine);
        LineAllocation *at = ARENA_NEW(arena, LineAllocation);
        penstock__inventory__v1__allocated_line__init(line);
        penstock__inventory__v1__line_allocation__init(at);
        line->line_id = uuid_text(&units->line_id, arena_alloc(arena, UUID_TEXT_BYTES));
        line->sku = arena_strdup(arena, units->sku);
        line->allocations = ARENA_NEW(arena, LineAllocation *);
        line->allocations[0] = at;
        line->n_allocations = 1;
        at->location = arena_strdup(arena, units->location);
        at->quantity = units->quantity;
        message.lines[i] = line;
    }
    uint8_t *bytes = arena_alloc(arena, protobuf_c_message_get_packed_size(&message.base));
    return db_bytes(bytes, protobuf_c_message_pack(&message.base, bytes));
}

static void write_order(struct db *db, struct arena *arena, const struct work *work)
{
    db_add(db_columns(db, work->is_stored ? Q_SALES_ORDER_UPDATE : Q_SALES_ORDER_INSERT),
           db_uuid(&work->order_id), db_text(work->number), pack_wanted(arena, work),
           pack_unassigned(arena, work), db_bool(work->is_confirmed), db_bool(work->is_on_hold),
           db_bool(work->is_cancelled), db_bool(work->is_withheld));
}

static void write_line(struct db *db, const struct fulfillment *one,
                       const struct fulfillment_line *line)
{
    if (line->is_new)
        db_add(db_columns(db, Q_LINE_INSERT), db_uuid(&one->id), db_uuid(&line->order_line_id),
               db_text(line->sku), db_int(line->allocated), db_int(line->cancelled),
               db_int(line->picked), db_int(line->packed), db_int(line->shipped));
    else if (line->is_changed)
        db_add(db_columns(db, Q_LINE_UPDATE), db_uuid(&one->id), db_uuid(&line->order_line_id),
               db_int(line->allocated), db_int(line->cancelled), db_int(line->picked),
               db_int(line->packed), db_int(line->shipped));
}

static void write_fulfillment(struct db *db, const struct work *work, const struct fulfillment *one)
{
    if (one->is_new)
        db_add(db_columns(db, Q_FULFILLMENT_INSERT), db_uuid(&one->id), db_uuid(&work->order_id),
               db_text(one->location), db_int(one->round), db_int(one->status),
               db_int(one->version), db_int(one->delivered), db_time(one->created_at_us),
               db_time(one->updated_at_us));
    else
        db_add(db_columns(db, Q_FULFILLMENT_UPDATE), db_uuid(&one->id), db_int(one->status),
               db_int(one->version), db_int(one->delivered), db_time(one->updated_at_us));
    for (size_t i = 0; i < one->nlines; i++)
        write_line(db, one, &one->lines[i]);
}

void store_works_write(struct db *db, struct arena *arena, struct works *works)
{
    for (size_t i = 0; i < works->count; i++) {
        struct work *work = &works->list[i];
        if (work->is_changed)
            write_order(db, arena, work);
        for (size_t k = 0; k < work->nfulfillments; k++) {
            struct fulfillment *one = &work->fulfillments[k];
            if (uuid_is_nil(&one->id))
                one->id = uuid_new();
            if (one->is_changed)
                write_fulfillment(db, work, one);
        }
    }
}
