#include "store_order.h"

#include <string.h>

#include "common/log.h"
#include "lookup.h"
#include "queries.h"
#include "rules_order.h"
#include "store_hold.h"

struct order_row {
    struct uuid order_id, hold_id, claim_id, command_key, question_key;
    int64_t placed_at, decided_at;
    struct db_bytea decision, allocated;
};
DB_SHAPE(order_shape, struct order_row, DB_FIELD(struct order_row, order_id, DB_UUID),
         DB_FIELD(struct order_row, hold_id, DB_UUID),
         DB_FIELD(struct order_row, claim_id, DB_UUID),
         DB_FIELD(struct order_row, command_key, DB_UUID),
         DB_FIELD(struct order_row, question_key, DB_UUID),
         DB_FIELD(struct order_row, placed_at, DB_TIMESTAMP),
         DB_FIELD(struct order_row, decided_at, DB_TIMESTAMP),
         DB_FIELD(struct order_row, decision, DB_BYTEA),
         DB_FIELD(struct order_row, allocated, DB_BYTEA));

DB_SHAPE(waiting_shape, struct waiting, DB_FIELD(struct waiting, sku, DB_TEXT),
         DB_FIELD(struct waiting, order_id, DB_UUID), DB_FIELD(struct waiting, line, DB_INT32));

struct sku_row {
    const char *sku;
};
DB_SHAPE(sku_shape, struct sku_row, DB_FIELD(struct sku_row, sku, DB_TEXT));

DB_SHAPE(sourcing_shape, struct sourcing_row, DB_FIELD(struct sourcing_row, decision_id, DB_UUID),
         DB_FIELD(struct sourcing_row, decided_at, DB_TIMESTAMP),
         DB_FIELD(struct sourcing_row, decision, DB_BYTEA));

struct db_bytea store_pack(struct arena *arena, const ProtobufCMessage *message)
{
    size_t bytes = protobuf_c_message_get_packed_size(message);
    uint8_t *packed = arena_alloc(arena, bytes + 1);
    protobuf_c_message_pack(message, packed);
    return (struct db_bytea){packed, bytes};
}

/* ---- reading ---- */

static enum status take_line(struct desk *desk, struct order_line *line, const AllocatedLine *from)
{
    if (!uuid_parse(from->line_id, &line->line_id))
        return STATUS_INTERNAL;
    line->sku = from->sku;
    line->item = desk_item(desk, from->sku);
    line->unallocated = from->unallocated;
    line->queued = *from->sku == '\0' ? 0 : from->unallocated;
    line->ahead = from->preordered + from->backordered;
    line->ahead_kind = from->preordered > 0 ? AHEAD_PREORDER : AHEAD_BACKORDER;
    line->promised_at_us = from->promised_at_us;
    line->consumed = from->consumed;
    for (size_t i = 0; i < from->n_allocations; i++) {
        const struct place *place = desk_place(desk, from->allocations[i]->location);
        struct level *level =
            line->item != NULL && place != NULL ? desk_level(line->item, place) : NULL;
        if (level == NULL)
            return STATUS_INTERNAL;
        rules_order_give(line, level, from->allocations[i]->quantity, desk->arena);
    }
    return STATUS_OK;
}

static enum status take_order(struct desk *desk, const struct order_row *row,
                              const StockAllocated *from)
{
    struct order *order = store_order_new(desk, &row->order_id, from->n_lines);
    order->is_new = false;
    order->hold_id = row->hold_id;
    order->claim_id = row->claim_id;
    order->command_key = row->command_key;
    order->question_key = row->question_key;
    order->placed_at_us = row->placed_at;
    order->decided_at_us = row->decided_at;
    order->decision = row->decision.bytes;
    order->decision_bytes = row->decision.count;
    for (size_t i = 0; i < from->n_lines; i++) {
        enum status status = take_line(desk, &order->lines[i], from->lines[i]);
        if (status != STATUS_OK) {
            log_error("stock_order_broken", "The stock of an order cannot be read",
                      LOG_TEXT("order_id", from->order_id));
            return status;
        }
    }
    return STATUS_OK;
}

enum status store_orders_load(struct desk *desk, const struct uuid *ids, size_t count)
{
    struct uuid *wanted = ARENA_ARRAY(desk->arena, count + 1, struct uuid);
    size_t nwanted = 0, nrows;
    for (size_t i = 0; i < count; i++)
        if (store_order(desk, &ids[i]) == NULL)
            wanted[nwanted++] = ids[i];
    if (nwanted == 0)
        return STATUS_OK;
    struct order_row *rows;
    TRY(db_select(desk->db, Q_ORDERS_BY_ID, &order_shape, &rows, &nrows,
                  db_uuids(wanted, nwanted)));
    StockAllocated **list = ARENA_ARRAY(desk->arena, nrows + 1, StockAllocated *);
    for (size_t i = 0; i < nrows; i++) {
        list[i] = (StockAllocated *)protobuf_c_message_unpack(
            &penstock__inventory__v1__stock_allocated__descriptor, arena_protobuf(desk->arena),
            rows[i].allocated.count, rows[i].allocated.bytes);
        if (list[i] == NULL)
            return STATUS_INTERNAL;
        for (size_t j = 0; j < list[i]->n_lines; j++)
            desk_want(desk, list[i]->lines[j]->sku);
    }
    TRY(desk_load(desk));
    for (size_t i = 0; i < nrows; i++)
        TRY(take_order(desk, &rows[i], list[i]));
    return STATUS_OK;
}

struct order *store_order(const struct desk *desk, const struct uuid *id)
{
    return lookup_get(&desk->order_index, id);
}

struct order *store_order_new(struct desk *desk, const struct uuid *id, size_t nlines)
{
    struct order *order = ARENA_NEW(desk->arena, struct order);
    order->order_id = *id;
    order->is_new = true;
    order->nlines = nlines;
    order->lines = ARENA_ARRAY(desk->arena, nlines + 1, struct order_line);
    desk_list_add(desk->arena, &desk->orders, &desk->norders, &desk->orders_room, order);
    desk->order_index.arena = desk->arena;
    lookup_put(&desk->order_index, &order->order_id, order);
    return order;
}

struct order_line *store_order_line(const struct order *order, const char *line_id)
{
    struct uuid id;
    if (!uuid_parse(line_id, &id))
        return NULL;
    for (size_t i = 0; i < order->nlines; i++)
        if (uuid_equal(&order->lines[i].line_id, &id))
            return &order->lines[i];
    return NULL;
}

struct order_line *store_order_add_line(struct desk *desk, struct order *order)
{
    struct order_line *lines = ARENA_ARRAY(desk->arena, order->nlines + 1, struct order_line);
    if (order->nlines > 0)
        memcpy(lines, order->lines, order->nlines * sizeof *lines);
    order->lines = lines;
    return &order->lines[order->nlines++];
}

/* ---- writing ---- */

static AllocatedLine *allocated_line(const struct desk *desk, const struct order_line *line)
{
    AllocatedLine *out = ARENA_NEW(desk->arena, AllocatedLine);
    penstock__inventory__v1__allocated_line__init(out);
    out->line_id = uuid_text(&line->line_id, arena_alloc(desk->arena, UUID_TEXT_BYTES));
    out->sku = arena_strdup(desk->arena, line->sku);
    out->is_unmatched = line->item == NULL;
    out->unallocated = line->unallocated;
    out->consumed = line->consumed;
    out->preordered = line->ahead_kind == AHEAD_PREORDER ? line->ahead : 0;
    out->backordered = line->ahead - out->preordered;
    out->promised_at_us = line->ahead > 0 ? line->promised_at_us : 0;
    out->allocations = ARENA_ARRAY(desk->arena, line->nshares + 1, LineAllocation *);
    for (size_t i = 0; i < line->nshares; i++) {
        if (line->shares[i].units == 0)
            continue;
        LineAllocation *share = ARENA_NEW(desk->arena, LineAllocation);
        penstock__inventory__v1__line_allocation__init(share);
        share->location = arena_strdup(desk->arena, line->shares[i].level->place->code);
        share->quantity = line->shares[i].units;
        out->allocations[out->n_allocations++] = share;
    }
    return out;
}

static const StockAllocated *allocated_event(const struct desk *desk, const struct order *order)
{
    StockAllocated *out = ARENA_NEW(desk->arena, StockAllocated);
    penstock__inventory__v1__stock_allocated__init(out);
    out->order_id = uuid_text(&order->order_id, arena_alloc(desk->arena, UUID_TEXT_BYTES));
    out->lines = ARENA_ARRAY(desk->arena, order->nlines + 1, AllocatedLine *);
    for (size_t i = 0; i < order->nlines; i++)
        out->lines[out->n_lines++] = allocated_line(desk, &order->lines[i]);
    return out;
}

void store_order_leave_queue(struct desk *desk, const struct order *order, struct order_line *line)
{
    if (line->queued == 0)
        return;
    db_add(db_columns(desk->db, Q_BACKORDER_DROP), db_text(line->sku), db_time(order->placed_at_us),
           db_uuid(&order->order_id), db_int(line - order->lines));
    if (line->item != NULL)
        desk_queue(desk, line->item, -line->queued);
    line->queued = 0;
}

static void write_queue(struct desk *desk, struct order *order)
{
    for (size_t i = 0; i < order->nlines; i++) {
        struct order_line *line = &order->lines[i];
        int64_t waits = *line->sku == '\0' ? 0 : line->unallocated;
        if (waits == line->queued)
            continue;
        if (waits == 0) {
            store_order_leave_queue(desk, order, line);
            continue;
        }
        db_add(db_columns(desk->db, Q_BACKORDER_PUT), db_text(line->sku),
               db_time(order->placed_at_us), db_uuid(&order->order_id), db_int((int64_t)i),
               db_int(waits));
        if (line->item != NULL)
            desk_queue(desk, line->item, waits - line->queued);
        line->queued = waits;
    }
}

static void write_order(struct desk *desk, struct order *order)
{
    struct array_text lines = {0}, levels = {0}, quantities = {0};
    const StockAllocated *event = allocated_event(desk, order);
    struct db_bytea allocated = store_pack(desk->arena, &event->base);
    order->allocated = event;
    for (size_t i = 0; i < order->nlines; i++)
        for (size_t j = 0; j < order->lines[i].nshares; j++) {
            const struct share *share = &order->lines[i].shares[j];
            if (share->units == 0)
                continue;
            array_text_add(&lines, desk->arena, (int64_t)i);
            array_text_add(&levels, desk->arena, share->level->id);
            array_text_add(&quantities, desk->arena, share->units);
        }
    const char *lines_text = array_text_end(&lines, desk->arena);
    const char *levels_text = array_text_end(&levels, desk->arena);
    const char *quantities_text = array_text_end(&quantities, desk->arena);
    if (order->is_new)
        db_add(db_columns(desk->db, Q_ORDER_INSERT), db_uuid(&order->order_id),
               db_uuid(&order->hold_id), db_uuid(&order->claim_id), db_uuid(&order->command_key),
               db_uuid(&order->question_key), db_time(order->placed_at_us),
               db_time(order->decided_at_us), db_bytes(order->decision, order->decision_bytes),
               db_bytes(allocated.bytes, allocated.count), db_text(lines_text),
               db_text(levels_text), db_text(quantities_text));
    else
        db_add(db_columns(desk->db, Q_ORDER_UPDATE), db_uuid(&order->order_id),
               db_bytes(allocated.bytes, allocated.count), db_text(lines_text),
               db_text(levels_text), db_text(quantities_text));
    order->is_new = false;
    order->is_changed = false;
}

void store_orders_write(struct desk *desk)
{
    for (size_t i = 0; i < desk->norders; i++)
        if (desk->orders[i]->is_changed) {
            write_order(desk, desk->orders[i]);
            write_queue(desk, desk->orders[i]);
        }
}

/* ---- the queue ---- */

enum status store_queue(struct desk *desk, struct item *const *items, size_t count, size_t limit,
                        struct waiting **rows, size_t *nrows)
{
    const char **skus = ARENA_ARRAY(desk->arena, count + 1, const char *);
    for (size_t i = 0; i < count; i++)
        skus[i] = items[i]->sku;
    return db_select(desk->db, Q_QUEUE, &waiting_shape, rows, nrows, db_texts(skus, count),
                     db_int((int64_t)limit));
}

enum status store_queue_unserved(struct desk *desk, const char ***skus, size_t *count)
{
    struct sku_row *rows;
    TRY(db_select(desk->db, Q_QUEUE_UNSERVED, &sku_shape, &rows, count));
    *skus = ARENA_ARRAY(desk->arena, *count + 1, const char *);
    for (size_t i = 0; i < *count; i++)
        (*skus)[i] = rows[i].sku;
    return STATUS_OK;
}

/* ---- decisions ---- */

void store_sourcing_insert(struct desk *desk, const struct order *order,
                           const SourcingDecision *decision)
{
    struct uuid id = uuid_new();
    struct db_bytea packed = store_pack(desk->arena, &decision->base);
    db_add(db_columns(desk->db, Q_SOURCING_INSERT), db_uuid(&order->order_id), db_uuid(&id),
           db_time(desk->now_us), db_bytes(packed.bytes, packed.count));
}

enum status store_sourcing(struct db *db, const struct uuid *order_id, struct sourcing_row **rows,
                           size_t *count)
{
    return db_select(db, Q_SOURCING, &sourcing_shape, rows, count, db_uuid(order_id));
}
