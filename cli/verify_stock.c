/* verify_stock.c -- what inventory keeps for orders against the logs that it has read. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/verify_fold.h"
#include "penstock/inventory/v1/inventory.pb-c.h"
#include "verify_queries.h"

typedef Penstock__Inventory__V1__StockAllocated StockAllocated;
typedef Penstock__Inventory__V1__AllocatedLine AllocatedLine;

enum { SHIP = 6 };

/* ---- the queue, as text by order ---- */

struct waits_row {
    struct uuid order_id;
    const char *waits;
};
DB_SHAPE(waits_shape, struct waits_row, DB_FIELD(struct waits_row, order_id, DB_UUID),
         DB_FIELD(struct waits_row, waits, DB_TEXT));

static enum status load_waits(struct fold *fold)
{
    struct waits_row *rows;
    size_t count;
    arena_reset(fold->verify->arena);
    TRY(db_select(fold->verify->db, V_FOLD_BACKORDERS, &waits_shape, &rows, &count,
                  db_text(fold->from), db_text(fold->to)));
    for (size_t i = 0; i < count; i++)
        fold_order(fold, &rows[i].order_id, true)->waits = arena_strdup(fold->arena, rows[i].waits);
    return STATUS_OK;
}

/* ---- the stock of an order ---- */

struct stock_row {
    struct uuid order_id;
    struct db_bytea allocated;
    const char *live;
};
DB_SHAPE(stock_shape, struct stock_row, DB_FIELD(struct stock_row, order_id, DB_UUID),
         DB_FIELD(struct stock_row, allocated, DB_BYTEA),
         DB_FIELD(struct stock_row, live, DB_TEXT));

struct share {
    size_t line;
    int32_t level;
    int64_t units;
};

static int compare_shares(const void *left, const void *right)
{
    const struct share *a = left, *b = right;
    if (a->line != b->line)
        return a->line < b->line ? -1 : 1;
    return a->level < b->level ? -1 : a->level > b->level;
}

/* "line:level:units ..." of what the packed message says is live. */
static const char *live_text(struct fold *fold, const StockAllocated *message)
{
    struct arena *arena = fold->verify->arena;
    size_t room = 0, count = 0;
    for (size_t i = 0; i < message->n_lines; i++)
        room += message->lines[i]->n_allocations;
    struct share *shares = ARENA_ARRAY(arena, room + 1, struct share);
    for (size_t i = 0; i < message->n_lines; i++)
        for (size_t k = 0; k < message->lines[i]->n_allocations; k++)
            shares[count++] =
                (struct share){i,
                               fold_level(fold, message->lines[i]->sku,
                                          message->lines[i]->allocations[k]->location),
                               message->lines[i]->allocations[k]->quantity};
    if (count > 1)
        qsort(shares, count, sizeof(*shares), compare_shares);
    size_t bytes = count * 64 + 1, used = 0;
    char *text = arena_alloc(arena, bytes);
    for (size_t i = 0; i < count; i++)
        used += (size_t)snprintf(text + used, bytes - used, "%s%zu:%d:%lld", i > 0 ? " " : "",
                                 shares[i].line, (int)shares[i].level, (long long)shares[i].units);
    return text;
}

/* "line:units:sku ..." of what it says is waited for. */
static const char *waits_text(struct fold *fold, const StockAllocated *message)
{
    const char *text = "";
    for (size_t i = 0; i < message->n_lines; i++) {
        const AllocatedLine *line = message->lines[i];
        if (line->unallocated > 0 && line->sku[0] != '\0')
            text = arena_printf(fold->verify->arena, "%s%s%zu:%lld:%s", text,
                                text[0] != '\0' ? " " : "", i, (long long)line->unallocated,
                                line->sku);
    }
    return text;
}

static int64_t live_of(const AllocatedLine *line)
{
    int64_t sum = 0;
    for (size_t i = 0; i < line->n_allocations; i++)
        sum += line->allocations[i]->quantity;
    return sum;
}

static void judge_line(struct fold *fold, const struct fold_order *order,
                       const struct fold_line *line, const AllocatedLine *row)
{
    struct verify *verify = fold->verify;
    char id[UUID_TEXT_BYTES];
    int64_t live = live_of(row), has = live + row->unallocated + row->consumed;
    int64_t wants = line->wanted_inventory > line->shipped_inventory ? line->wanted_inventory
                                                                     : line->shipped_inventory;
    uuid_text(&order->id, id);
    if (has != wants)
        verify_differ(verify, has > wants ? INVARIANT_STOCK_OWNER : INVARIANT_ORDER_ALIVE,
                      "order %s (%s) line %s wants %lld units of %s; inventory keeps %lld, misses "
                      "%lld and shipped %lld",
                      order->number, id, row->line_id, (long long)wants, row->sku, (long long)live,
                      (long long)row->unallocated, (long long)row->consumed);
    if (row->consumed != line->shipped_inventory)
        verify_differ(verify, INVARIANT_STOCK_SOLD,
                      "order %s (%s) line %s: %lld units of %s were shipped, inventory counts %lld",
                      order->number, id, row->line_id, (long long)line->shipped_inventory, row->sku,
                      (long long)row->consumed);
    /* What is shipped of an unknown SKU is counted without a word. */
    if (!row->is_unmatched &&
        (line->allocated != live + row->consumed ||
         (line->allocated != NOT_TOLD && line->unallocated != row->unallocated)))
        verify_differ(
            verify, INVARIANT_EVENT_EFFECT,
            "order %s (%s) line %s: inventory's log says %lld allocated and %lld missing, "
            "its row %lld and %lld",
            order->number, id, row->line_id, (long long)line->allocated,
            (long long)line->unallocated, (long long)(live + row->consumed),
            (long long)row->unallocated);
}

static bool has_line(const StockAllocated *message, const struct uuid *id)
{
    struct uuid other;
    for (size_t i = 0; i < message->n_lines; i++)
        if (uuid_parse(message->lines[i]->line_id, &other) && uuid_equal(&other, id))
            return true;
    return false;
}

static void judge_lines(struct fold *fold, struct fold_order *order, const StockAllocated *message)
{
    char id[UUID_TEXT_BYTES];
    struct uuid line_id;
    for (size_t i = 0; i < message->n_lines; i++) {
        const AllocatedLine *row = message->lines[i];
        const struct fold_line *line =
            uuid_parse(row->line_id, &line_id) ? fold_line(fold, order, &line_id, false) : NULL;
        if (line == NULL || !line->in_stock)
            verify_differ(fold->verify, INVARIANT_STOCK_OWNER,
                          "inventory keeps stock for line %s, which order %s (%s) does not have",
                          row->line_id, order->number, uuid_text(&order->id, id));
        else
            judge_line(fold, order, line, row);
    }
    for (size_t i = 0; i < order->nlines; i++)
        if (order->lines[i].in_stock && !has_line(message, &order->lines[i].id))
            verify_differ(fold->verify, INVARIANT_ORDER_ALIVE,
                          "line %zu of order %s (%s) wants stock, and inventory has forgotten it",
                          i, order->number, uuid_text(&order->id, id));
}

static void judge_stock(struct fold *fold, const struct stock_row *row)
{
    char id[UUID_TEXT_BYTES];
    struct fold_order *order = fold_order(fold, &row->order_id, false);
    uuid_text(&row->order_id, id);
    if (order == NULL || (order->read_by & FOLD_BIT(INVENTORY)) == 0) {
        verify_differ(
            fold->verify, INVARIANT_STOCK_OWNER,
            "inventory keeps stock for order %s, which was not placed as far as it has read", id);
        return;
    }
    order->seen |= FOLD_BIT(INVENTORY);
    if (fold_is_parked(order, FOLD_INVENTORY))
        return;
    const StockAllocated *message = (const StockAllocated *)protobuf_c_message_unpack(
        &penstock__inventory__v1__stock_allocated__descriptor, arena_protobuf(fold->verify->arena),
        row->allocated.count, row->allocated.bytes);
    if (message == NULL) {
        verify_differ(fold->verify, INVARIANT_EVENT_EFFECT, "the stock of order %s cannot be read",
                      id);
        return;
    }
    judge_lines(fold, order, message);
    const char *live = live_text(fold, message), *waits = waits_text(fold, message);
    if (strcmp(live, row->live) != 0)
        verify_differ(fold->verify, INVARIANT_STOCK_RESERVATION,
                      "order %s (%s) was told it has \"%s\" (line:level:units), but \"%s\" is kept",
                      order->number, id, live, row->live);
    if (strcmp(waits, order->waits) != 0)
        verify_differ(fold->verify, INVARIANT_ORDER_ALIVE,
                      "order %s (%s) waits for \"%s\" (line:units:SKU), the queue has \"%s\"",
                      order->number, id, waits, order->waits);
}

static enum status judge_stock_rows(struct fold *fold)
{
    struct uuid after = {{0}};
    size_t count;
    do {
        struct stock_row *rows;
        arena_reset(fold->verify->arena);
        TRY(db_select(fold->verify->db, V_FOLD_ORDER_STOCK, &stock_shape, &rows, &count,
                      db_uuid(&after), db_text(fold->from), db_text(fold->to)));
        for (size_t i = 0; i < count; i++)
            judge_stock(fold, &rows[i]);
        if (count > 0)
            after = rows[count - 1].order_id;
        verify_progress(fold->verify, "stock.owner: what inventory keeps for orders");
    } while (count == VERIFY_PAGE);
    return STATUS_OK;
}

static void miss_stock(struct fold *fold)
{
    char id[UUID_TEXT_BYTES];
    fold_each(fold, order)
    {
        if ((order->read_by & FOLD_BIT(INVENTORY)) != 0 &&
            (order->seen & FOLD_BIT(INVENTORY)) == 0 && !fold_is_parked(order, FOLD_INVENTORY))
            verify_differ(fold->verify, INVARIANT_ORDER_ALIVE,
                          "inventory has read that order %s (%s) was placed, and does not know it",
                          order->number, uuid_text(&order->id, id));
    }
}

/* ---- movements that shipments and returns call for ---- */

struct move_row {
    struct uuid cause_id;
    int32_t level_id, cause, to_bucket;
    int64_t units;
};
DB_SHAPE(move_shape, struct move_row, DB_FIELD(struct move_row, cause_id, DB_UUID),
         DB_FIELD(struct move_row, level_id, DB_INT32), DB_FIELD(struct move_row, cause, DB_INT32),
         DB_FIELD(struct move_row, to_bucket, DB_INT32),
         DB_FIELD(struct move_row, units, DB_INT64));

static const char *level_words(const struct fold *fold, int32_t id)
{
    for (size_t i = 0; i < fold->nlevels; i++)
        if (fold->levels[i].id == id)
            return arena_printf(fold->verify->arena, "%s at %s", fold->levels[i].sku,
                                fold->levels[i].location);
    return "an unknown level";
}

static enum status judge_shipped(struct fold *fold)
{
    struct move_row *rows;
    size_t count;
    char id[UUID_TEXT_BYTES];
    arena_reset(fold->verify->arena);
    TRY(db_select(fold->verify->db, V_FOLD_MOVES_SHIPPED, &move_shape, &rows, &count,
                  db_text(fold->from), db_text(fold->to)));
    for (size_t i = 0; i < count; i++) {
        struct fold_entry *entry =
            fold_entry(&fold->shipped, &rows[i].cause_id, rows[i].level_id, SHIP, true);
        entry->found += rows[i].units;
        if (entry->order == NULL)
            entry->order = fold_order(fold, &rows[i].cause_id, true);
    }
    for (size_t i = 0; i < fold->shipped.nslots; i++)
        for (struct fold_entry *entry = fold->shipped.slots[i]; entry != NULL; entry = entry->next)
            if (entry->expected != entry->found && !fold_is_parked(entry->order, FOLD_INVENTORY))
                verify_differ(fold->verify, INVARIANT_STOCK_SOLD,
                              "order %s (%s): %lld units of %s were shipped, %lld left the ledger",
                              entry->order->number, uuid_text(&entry->id, id),
                              (long long)entry->expected, level_words(fold, entry->a),
                              (long long)entry->found);
    return STATUS_OK;
}

static enum status judge_returned(struct fold *fold)
{
    struct move_row *rows;
    size_t count;
    char id[UUID_TEXT_BYTES];
    arena_reset(fold->verify->arena);
    TRY(db_select(fold->verify->db, V_FOLD_MOVES_RETURNED, &move_shape, &rows, &count));
    for (size_t i = 0; i < count; i++)
        fold_entry(&fold->restocked, &rows[i].cause_id, rows[i].level_id, rows[i].to_bucket, true)
            ->found += rows[i].units;
    for (size_t i = 0; i < fold->restocked.nslots; i++)
        for (struct fold_entry *entry = fold->restocked.slots[i]; entry != NULL;
             entry = entry->next)
            if (entry->expected != entry->found && !entry->was_found)
                verify_differ(fold->verify, INVARIANT_RETURN_QUANTITY,
                              "return %s: %lld units of %s are to be back in bucket %d, %lld came",
                              uuid_text(&entry->id, id), (long long)entry->expected,
                              level_words(fold, entry->a), (int)entry->b, (long long)entry->found);
    return STATUS_OK;
}

/* ---- holds ---- */

static void judge_holds(struct fold *fold, const struct fold_table *table, const char *whose)
{
    char id[UUID_TEXT_BYTES];
    for (size_t i = 0; i < table->nslots; i++)
        for (const struct fold_entry *entry = table->slots[i]; entry != NULL; entry = entry->next)
            if (entry->was_found)
                verify_differ(fold->verify, INVARIANT_STOCK_OWNER,
                              "hold %s of %s still stands, though orders' log has ended it",
                              uuid_text(&entry->id, id), whose);
}

enum status fold_judge_inventory(struct fold *fold)
{
    TRY(load_waits(fold));
    TRY(judge_stock_rows(fold));
    miss_stock(fold);
    return judge_shipped(fold);
}

enum status fold_judge_whole(struct fold *fold)
{
    judge_holds(fold, &fold->holds, "inventory");
    judge_holds(fold, &fold->stops, "fulfillment");
    return judge_returned(fold);
}
