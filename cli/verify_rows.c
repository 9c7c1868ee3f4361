/* verify_rows.c -- the rows of orders against its own log and those that it has read. */
#include "cli/verify_fold.h"
#include "verify_queries.h"

enum { CANCELLED = 6 };

/* ---- the order ---- */

struct order_row {
    struct uuid id;
    const char *number;
    int32_t status;
    struct uuid root_id;
    int64_t total, refunds, later_refunds;
};
DB_SHAPE(order_shape, struct order_row, DB_FIELD(struct order_row, id, DB_UUID),
         DB_FIELD(struct order_row, number, DB_TEXT), DB_FIELD(struct order_row, status, DB_INT32),
         DB_FIELD(struct order_row, root_id, DB_UUID), DB_FIELD(struct order_row, total, DB_INT64),
         DB_FIELD(struct order_row, refunds, DB_INT64),
         DB_FIELD(struct order_row, later_refunds, DB_INT64));

/* Refunds that came with the order have no event of their own; those that came later have one. */
static void judge_order(struct fold *fold, const struct order_row *row)
{
    char id[UUID_TEXT_BYTES];
    struct fold_order *order = fold_order(fold, &row->id, false);
    uuid_text(&row->id, id);
    if (order == NULL || order->status == 0) {
        verify_differ(fold->verify, INVARIANT_EVENT_ACTOR,
                      "order %s (%s) was placed without an event", row->number, id);
        return;
    }
    order->seen |= FOLD_BIT(ORDERS);
    if (order->status != row->status)
        verify_differ(fold->verify, INVARIANT_ORDER_STATUS,
                      "order %s (%s) is in state %d, its events lead to %d", row->number, id,
                      (int)row->status, order->status);
    if (!uuid_is_nil(&row->root_id) && (!order->is_family || order->total != row->total))
        verify_differ(fold->verify, INVARIANT_ORDER_FAMILY,
                      "order %s (%s) of a family costs %lld, its log says %lld", row->number, id,
                      (long long)row->total, (long long)order->total);
    if (order->refunded < row->later_refunds || order->refunded > row->refunds)
        verify_differ(fold->verify, INVARIANT_EVENT_ACTOR,
                      "order %s (%s): refunds of %lld are recorded, %lld of them later than the "
                      "order; events tell %lld",
                      row->number, id, (long long)row->refunds, (long long)row->later_refunds,
                      (long long)order->refunded);
}

static enum status judge_order_rows(struct fold *fold)
{
    struct uuid after = {{0}};
    size_t count;
    do {
        struct order_row *rows;
        arena_reset(fold->verify->arena);
        TRY(db_select(fold->verify->db, V_FOLD_ORDERS, &order_shape, &rows, &count, db_uuid(&after),
                      db_text(fold->from), db_text(fold->to)));
        for (size_t i = 0; i < count; i++)
            judge_order(fold, &rows[i]);
        if (count > 0)
            after = rows[count - 1].id;
    } while (count == VERIFY_PAGE);
    return STATUS_OK;
}

/* ---- its lines ---- */

struct line_row {
    struct uuid order_id, id;
    int32_t line_no;
    int64_t quantity, cancelled, allocated_total, picked_total, packed_total, shipped_total,
        delivered_total, returned_total;
};
DB_SHAPE(line_shape, struct line_row, DB_FIELD(struct line_row, order_id, DB_UUID),
         DB_FIELD(struct line_row, id, DB_UUID), DB_FIELD(struct line_row, line_no, DB_INT32),
         DB_FIELD(struct line_row, quantity, DB_INT64),
         DB_FIELD(struct line_row, cancelled, DB_INT64),
         DB_FIELD(struct line_row, allocated_total, DB_INT64),
         DB_FIELD(struct line_row, picked_total, DB_INT64),
         DB_FIELD(struct line_row, packed_total, DB_INT64),
         DB_FIELD(struct line_row, shipped_total, DB_INT64),
         DB_FIELD(struct line_row, delivered_total, DB_INT64),
         DB_FIELD(struct line_row, returned_total, DB_INT64));

static void compare(struct fold *fold, const struct line_row *row, const char *what, int64_t has,
                    int64_t told)
{
    char id[UUID_TEXT_BYTES];
    if (has != told)
        verify_differ(fold->verify, INVARIANT_EVENT_EFFECT,
                      "order %s line %d: orders says %lld %s, the log that it has read %lld",
                      uuid_text(&row->order_id, id), (int)row->line_no, (long long)has, what,
                      (long long)told);
}

/* After a change of the line by its channel, what inventory said before counts no more; until
 * orders has read its answer nothing can be said. */
static bool waits_for_inventory(const struct fold *fold, const struct fold_order *order)
{
    return order->changed_at != 0 &&
           (fold->cursors[FOLD_INVENTORY][FOLD_ORDERS] < order->changed_at ||
            fold->cursors[FOLD_ORDERS][FOLD_INVENTORY] <
                fold->cursors[FOLD_INVENTORY][FOLD_INVENTORY]);
}

static void judge_line(struct fold *fold, const struct line_row *row)
{
    char order_id[UUID_TEXT_BYTES];
    struct fold_order *order = fold_order(fold, &row->order_id, false);
    struct fold_line *line = order != NULL ? fold_line(fold, order, &row->id, false) : NULL;
    if (line == NULL || !line->is_placed) {
        verify_differ(fold->verify, INVARIANT_EVENT_ACTOR, "order %s line %d is in no event",
                      uuid_text(&row->order_id, order_id), (int)row->line_no);
        return;
    }
    line->seen_orders = true;
    if (row->quantity - row->cancelled != line->wanted)
        verify_differ(fold->verify, INVARIANT_EVENT_ACTOR,
                      "order %s line %d wants %lld units, its events say %lld",
                      uuid_text(&row->order_id, order_id), (int)row->line_no,
                      (long long)(row->quantity - row->cancelled), (long long)line->wanted);
    if (fold_is_parked(order, FOLD_ORDERS))
        return;
    if (line->allocated_orders != NOT_TOLD && !waits_for_inventory(fold, order))
        compare(fold, row, "allocated", row->allocated_total, line->allocated_orders);
    if (line->allocated_orders == NOT_TOLD && row->allocated_total > row->quantity)
        compare(fold, row, "allocated", row->allocated_total, row->quantity);
    compare(fold, row, "picked", row->picked_total, line->picked_orders);
    compare(fold, row, "packed", row->packed_total, line->packed_orders);
    compare(fold, row, "shipped", row->shipped_total, line->shipped_orders);
    compare(fold, row, "delivered", row->delivered_total, line->delivered_orders);
    compare(fold, row, "returned", row->returned_total, line->returned_orders);
}

static enum status judge_line_rows(struct fold *fold)
{
    struct uuid after = {{0}};
    int32_t after_line = -1;
    size_t count;
    do {
        struct line_row *rows;
        arena_reset(fold->verify->arena);
        TRY(db_select(fold->verify->db, V_FOLD_ORDER_LINES, &line_shape, &rows, &count,
                      db_uuid(&after), db_int(after_line), db_text(fold->from), db_text(fold->to)));
        for (size_t i = 0; i < count; i++)
            judge_line(fold, &rows[i]);
        if (count > 0) {
            after = rows[count - 1].order_id;
            after_line = rows[count - 1].line_no;
        }
        verify_progress(fold->verify, "event.effect: the lines of orders");
    } while (count == VERIFY_PAGE);
    return STATUS_OK;
}

/* ---- its returns and what they made due ---- */

struct return_row {
    struct uuid order_id, return_id;
    bool is_open;
};
DB_SHAPE(return_shape, struct return_row, DB_FIELD(struct return_row, order_id, DB_UUID),
         DB_FIELD(struct return_row, return_id, DB_UUID),
         DB_FIELD(struct return_row, is_open, DB_BOOLEAN));
struct inspection_row {
    struct uuid order_id, inspection_id;
    int64_t refund_due;
};
DB_SHAPE(inspection_shape, struct inspection_row,
         DB_FIELD(struct inspection_row, order_id, DB_UUID),
         DB_FIELD(struct inspection_row, inspection_id, DB_UUID),
         DB_FIELD(struct inspection_row, refund_due, DB_INT64));

static void miss_entries(struct fold *fold, const struct fold_table *table,
                         enum fold_service service, const char *what)
{
    char id[UUID_TEXT_BYTES], order_id[UUID_TEXT_BYTES];
    for (size_t i = 0; i < table->nslots; i++)
        for (const struct fold_entry *entry = table->slots[i]; entry != NULL; entry = entry->next)
            if (!entry->was_found && !fold_is_parked(entry->order, service))
                verify_differ(fold->verify, INVARIANT_EVENT_EFFECT,
                              "%s %s of order %s was read and is not there", what,
                              uuid_text(&entry->id, id), uuid_text(&entry->order->id, order_id));
}

static enum status judge_return_rows(struct fold *fold)
{
    struct return_row *rows;
    size_t count;
    char id[UUID_TEXT_BYTES];
    arena_reset(fold->verify->arena);
    TRY(db_select(fold->verify->db, V_FOLD_ORDER_RETURNS, &return_shape, &rows, &count,
                  db_text(fold->from), db_text(fold->to)));
    for (size_t i = 0; i < count; i++) {
        struct fold_entry *entry = fold_entry(&fold->returns, &rows[i].return_id, 0, 0, false);
        if (entry != NULL)
            entry->was_found = true;
        if ((entry == NULL || entry->expected != rows[i].is_open) &&
            !(entry != NULL && fold_is_parked(entry->order, FOLD_ORDERS)))
            verify_differ(fold->verify, INVARIANT_EVENT_EFFECT,
                          "orders says return %s is %s, the log that it has read %s",
                          uuid_text(&rows[i].return_id, id), rows[i].is_open ? "open" : "ended",
                          entry == NULL          ? "nothing"
                          : entry->expected != 0 ? "open"
                                                 : "ended");
    }
    miss_entries(fold, &fold->returns, FOLD_ORDERS, "return");
    return STATUS_OK;
}

/* Of orders against what it read, and of returns against its own log. */
static enum status judge_inspection_rows(struct fold *fold, int query, struct fold_table *table,
                                         enum fold_service service, const char *whose)
{
    struct inspection_row *rows;
    size_t count;
    char id[UUID_TEXT_BYTES];
    arena_reset(fold->verify->arena);
    TRY(db_select(fold->verify->db, query, &inspection_shape, &rows, &count, db_text(fold->from),
                  db_text(fold->to)));
    for (size_t i = 0; i < count; i++) {
        struct fold_entry *entry = fold_entry(table, &rows[i].inspection_id, 0, 0, false);
        if (entry != NULL)
            entry->was_found = true;
        if (entry == NULL ||
            (entry->expected != rows[i].refund_due && !fold_is_parked(entry->order, service)))
            verify_differ(fold->verify, INVARIANT_EVENT_EFFECT,
                          "%s says inspection %s makes %lld due, the log %lld", whose,
                          uuid_text(&rows[i].inspection_id, id), (long long)rows[i].refund_due,
                          entry != NULL ? (long long)entry->expected : 0LL);
    }
    miss_entries(fold, table, service, "inspection");
    return STATUS_OK;
}

/* ---- what has no row ---- */

static void miss_orders(struct fold *fold)
{
    char id[UUID_TEXT_BYTES], line_id[UUID_TEXT_BYTES];
    fold_each(fold, order)
    {
        uuid_text(&order->id, id);
        if (order->status != 0 && (order->seen & FOLD_BIT(ORDERS)) == 0)
            verify_differ(fold->verify, INVARIANT_ORDER_ALIVE,
                          "order %s (%s) was placed and is not there", order->number, id);
        for (size_t i = 0; i < order->nlines; i++) {
            const struct fold_line *line = &order->lines[i];
            if (line->is_placed && !line->seen_orders)
                verify_differ(fold->verify, INVARIANT_ORDER_ALIVE,
                              "line %s of order %s (%s) was placed and is not there",
                              uuid_text(&line->id, line_id), order->number, id);
            if (order->status == CANCELLED && line->shipped > 0)
                verify_differ(fold->verify, INVARIANT_ORDER_ALIVE,
                              "order %s (%s) is cancelled, and %lld units of line %s were shipped",
                              order->number, id, (long long)line->shipped,
                              uuid_text(&line->id, line_id));
        }
    }
}

enum status fold_judge_orders(struct fold *fold)
{
    TRY(judge_order_rows(fold));
    TRY(judge_line_rows(fold));
    TRY(judge_return_rows(fold));
    TRY(judge_inspection_rows(fold, V_FOLD_INSPECTIONS, &fold->inspections, FOLD_ORDERS, "orders"));
    TRY(judge_inspection_rows(fold, V_FOLD_OWN_INSPECTIONS, &fold->own_inspections, FOLD_RETURNS,
                              "returns"));
    miss_orders(fold);
    return STATUS_OK;
}
