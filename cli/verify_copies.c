/* verify_copies.c -- what fulfillment, returns and notify made of the logs that they have read. */
#include <string.h>

#include "cli/verify_fold.h"
#include "penstock/orders/v1/orders.pb-c.h"
#include "verify_queries.h"

typedef Penstock__Orders__V1__OrderChanged OrderChanged;

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static const OrderChanged *unpack(struct fold *fold, const struct db_bytea *bytes)
{
    return (const OrderChanged *)protobuf_c_message_unpack(
        &penstock__orders__v1__order_changed__descriptor, arena_protobuf(fold->verify->arena),
        bytes->count, bytes->bytes);
}

/* ---- fulfillment: what it knows of an order ---- */

struct work_row {
    struct uuid order_id;
    const char *number;
    struct db_bytea lines;
    bool is_confirmed, is_on_hold, is_cancelled, is_withheld;
};
DB_SHAPE(work_shape, struct work_row, DB_FIELD(struct work_row, order_id, DB_UUID),
         DB_FIELD(struct work_row, number, DB_TEXT), DB_FIELD(struct work_row, lines, DB_BYTEA),
         DB_FIELD(struct work_row, is_confirmed, DB_BOOLEAN),
         DB_FIELD(struct work_row, is_on_hold, DB_BOOLEAN),
         DB_FIELD(struct work_row, is_cancelled, DB_BOOLEAN),
         DB_FIELD(struct work_row, is_withheld, DB_BOOLEAN));

static void judge_wanted(struct fold *fold, struct fold_order *order, const OrderChanged *kept)
{
    char id[UUID_TEXT_BYTES];
    struct uuid line_id;
    for (size_t i = 0; i < kept->n_lines; i++) {
        const struct fold_line *line = uuid_parse(kept->lines[i]->line_id, &line_id)
                                           ? fold_line(fold, order, &line_id, false)
                                           : NULL;
        if (line == NULL || line->wanted_fulfillment != kept->lines[i]->quantity)
            verify_differ(fold->verify, INVARIANT_EVENT_EFFECT,
                          "order %s (%s) line %s: fulfillment says %lld units are wanted, the log "
                          "that it has read %lld",
                          order->number, uuid_text(&order->id, id), kept->lines[i]->line_id,
                          (long long)kept->lines[i]->quantity,
                          line != NULL ? (long long)line->wanted_fulfillment : 0LL);
    }
}

static void judge_work(struct fold *fold, const struct work_row *row)
{
    char id[UUID_TEXT_BYTES];
    struct fold_order *order = fold_order(fold, &row->order_id, true);
    bool is_known = (order->read_by & FOLD_BIT(FULFILLMENT)) != 0;
    order->seen |= FOLD_BIT(FULFILLMENT);
    order->is_withheld = row->is_withheld;
    if (fold_is_parked(order, FOLD_FULFILLMENT))
        return;
    uuid_text(&row->order_id, id);
    if (strcmp(row->number, is_known ? order->number : "") != 0 ||
        row->is_confirmed != order->is_confirmed || row->is_on_hold != order->is_on_hold ||
        row->is_cancelled != order->is_cancelled)
        verify_differ(
            fold->verify, INVARIANT_EVENT_EFFECT,
            "fulfillment says order %s (%s) is%s confirmed,%s on hold,%s cancelled; the log "
            "that it has read says %s is%s,%s,%s",
            row->number, id, row->is_confirmed ? "" : " not", row->is_on_hold ? "" : " not",
            row->is_cancelled ? "" : " not", order->number, order->is_confirmed ? "" : " not",
            order->is_on_hold ? "" : " not", order->is_cancelled ? "" : " not");
    const OrderChanged *kept = unpack(fold, &row->lines);
    if (kept == NULL)
        verify_differ(fold->verify, INVARIANT_EVENT_EFFECT,
                      "fulfillment's lines of order %s (%s) cannot be read", row->number, id);
    else
        judge_wanted(fold, order, kept);
}

static enum status judge_work_rows(struct fold *fold)
{
    struct uuid after = {{0}};
    size_t count;
    do {
        struct work_row *rows;
        arena_reset(fold->verify->arena);
        TRY(db_select(fold->verify->db, V_FOLD_WORK, &work_shape, &rows, &count, db_uuid(&after),
                      db_text(fold->from), db_text(fold->to)));
        for (size_t i = 0; i < count; i++)
            judge_work(fold, &rows[i]);
        if (count > 0)
            after = rows[count - 1].order_id;
        verify_progress(fold->verify, "event.effect: what fulfillment knows of orders");
    } while (count == VERIFY_PAGE);
    return STATUS_OK;
}

/* ---- fulfillment: the work itself ---- */

struct work_line_row {
    struct uuid order_id, order_line_id;
    int64_t allocated, picked, packed, shipped;
};
DB_SHAPE(work_line_shape, struct work_line_row, DB_FIELD(struct work_line_row, order_id, DB_UUID),
         DB_FIELD(struct work_line_row, order_line_id, DB_UUID),
         DB_FIELD(struct work_line_row, allocated, DB_INT64),
         DB_FIELD(struct work_line_row, picked, DB_INT64),
         DB_FIELD(struct work_line_row, packed, DB_INT64),
         DB_FIELD(struct work_line_row, shipped, DB_INT64));

/* What a cancelled order takes off picked units is told by no event of the warehouse: its log may
 * say more, never less. */
static enum status load_work_lines(struct fold *fold)
{
    struct work_line_row *rows;
    size_t count;
    char id[UUID_TEXT_BYTES], line_id[UUID_TEXT_BYTES];
    arena_reset(fold->verify->arena);
    TRY(db_select(fold->verify->db, V_FOLD_WORK_LINES, &work_line_shape, &rows, &count,
                  db_text(fold->from), db_text(fold->to)));
    for (size_t i = 0; i < count; i++) {
        struct fold_order *order = fold_order(fold, &rows[i].order_id, true);
        struct fold_line *line = fold_line(fold, order, &rows[i].order_line_id, true);
        line->work_allocated = rows[i].allocated;
        line->work_shipped = rows[i].shipped;
        if (rows[i].picked > line->picked || rows[i].packed > line->packed)
            verify_differ(
                fold->verify, INVARIANT_FULFILLMENT_QUANTITY,
                "order %s (%s) line %s: %lld units picked and %lld packed, events tell %lld "
                "and %lld",
                order->number, uuid_text(&order->id, id), uuid_text(&line->id, line_id),
                (long long)rows[i].picked, (long long)rows[i].packed, (long long)line->picked,
                (long long)line->packed);
    }
    return STATUS_OK;
}

/* Work is given out for what is allocated, as far as it is wanted; what has left is not taken back.
 * A location that ships more than was allocated there may have the rest of it elsewhere. */
static void judge_given(struct fold *fold, const struct fold_order *order,
                        const struct fold_line *line)
{
    char id[UUID_TEXT_BYTES], line_id[UUID_TEXT_BYTES];
    bool is_known = (order->read_by & FOLD_BIT(FULFILLMENT)) != 0;
    int64_t told = most(line->allocated_fulfillment, 0);
    int64_t wanted = order->is_cancelled ? 0 : is_known ? line->wanted_fulfillment : INT64_MAX;
    int64_t lower = order->is_withheld ? 0 : least(wanted, told);
    int64_t upper = most(least(wanted, told + line->work_shipped), line->work_shipped);
    if (line->work_allocated >= lower && line->work_allocated <= upper)
        return;
    verify_differ(
        fold->verify,
        line->work_allocated < lower ? INVARIANT_ORDER_ALIVE : INVARIANT_FULFILLMENT_QUANTITY,
        "order %s (%s) line %s: work for %lld units is given out, where %lld are allocated "
        "and %lld wanted",
        order->number, uuid_text(&order->id, id), uuid_text(&line->id, line_id),
        (long long)line->work_allocated, (long long)told, (long long)wanted);
}

static void judge_work_of(struct fold *fold, const struct fold_order *order)
{
    char id[UUID_TEXT_BYTES], line_id[UUID_TEXT_BYTES];
    bool is_due = (order->read_by & FOLD_BIT(FULFILLMENT)) != 0 || order->has_stock_told;
    if (is_due && (order->seen & FOLD_BIT(FULFILLMENT)) == 0)
        verify_differ(fold->verify, INVARIANT_ORDER_ALIVE,
                      "fulfillment has read of order %s (%s), and does not know it", order->number,
                      uuid_text(&order->id, id));
    for (size_t i = 0; i < order->nlines; i++) {
        const struct fold_line *line = &order->lines[i];
        judge_given(fold, order, line);
        if (line->work_shipped != line->shipped)
            verify_differ(fold->verify, INVARIANT_FULFILLMENT_QUANTITY,
                          "order %s (%s) line %s: %lld units shipped, events tell %lld",
                          order->number, uuid_text(&order->id, id), uuid_text(&line->id, line_id),
                          (long long)line->work_shipped, (long long)line->shipped);
    }
}

enum status fold_judge_fulfillment(struct fold *fold)
{
    TRY(judge_work_rows(fold));
    TRY(load_work_lines(fold));
    fold_each(fold, order)
    {
        if (!fold_is_parked(order, FOLD_FULFILLMENT))
            judge_work_of(fold, order);
    }
    return STATUS_OK;
}

/* ---- returns ---- */

struct sale_row {
    struct uuid order_id;
    const char *number;
    struct db_bytea lines;
};
DB_SHAPE(sale_shape, struct sale_row, DB_FIELD(struct sale_row, order_id, DB_UUID),
         DB_FIELD(struct sale_row, number, DB_TEXT), DB_FIELD(struct sale_row, lines, DB_BYTEA));

static void judge_sold(struct fold *fold, struct fold_order *order, const OrderChanged *kept)
{
    char id[UUID_TEXT_BYTES];
    struct uuid line_id;
    for (size_t i = 0; i < kept->n_lines; i++) {
        int64_t worth = kept->lines[i]->total != NULL ? kept->lines[i]->total->amount_minor : 0;
        const struct fold_line *line = uuid_parse(kept->lines[i]->line_id, &line_id)
                                           ? fold_line(fold, order, &line_id, false)
                                           : NULL;
        if (line == NULL || line->sold_returns != kept->lines[i]->quantity ||
            line->worth_returns != worth)
            verify_differ(
                fold->verify, INVARIANT_EVENT_EFFECT,
                "order %s (%s) line %s: returns says %lld units sold for %lld, the log that "
                "it has read %lld for %lld",
                order->number, uuid_text(&order->id, id), kept->lines[i]->line_id,
                (long long)kept->lines[i]->quantity, (long long)worth,
                line != NULL ? (long long)line->sold_returns : 0LL,
                line != NULL ? (long long)line->worth_returns : 0LL);
    }
}

static void judge_sale(struct fold *fold, const struct sale_row *row)
{
    char id[UUID_TEXT_BYTES];
    struct fold_order *order = fold_order(fold, &row->order_id, true);
    order->seen |= FOLD_BIT(RETURNS);
    if (fold_is_parked(order, FOLD_RETURNS))
        return;
    const OrderChanged *kept = unpack(fold, &row->lines);
    bool is_known = (order->read_by & FOLD_BIT(RETURNS)) != 0;
    if (!is_known || kept == NULL || strcmp(row->number, order->number) != 0)
        verify_differ(fold->verify, INVARIANT_EVENT_EFFECT,
                      "returns knows order %s as %s%s, the log that it has read says %s",
                      uuid_text(&row->order_id, id), row->number,
                      kept == NULL ? " (unreadable)" : "", is_known ? order->number : "nothing");
    if (kept != NULL)
        judge_sold(fold, order, kept);
}

static enum status judge_sale_rows(struct fold *fold)
{
    struct uuid after = {{0}};
    size_t count;
    do {
        struct sale_row *rows;
        arena_reset(fold->verify->arena);
        TRY(db_select(fold->verify->db, V_FOLD_SALES, &sale_shape, &rows, &count, db_uuid(&after),
                      db_text(fold->from), db_text(fold->to)));
        for (size_t i = 0; i < count; i++)
            judge_sale(fold, &rows[i]);
        if (count > 0)
            after = rows[count - 1].order_id;
        verify_progress(fold->verify, "event.effect: what returns knows of orders");
    } while (count == VERIFY_PAGE);
    return STATUS_OK;
}

struct shipped_row {
    struct uuid order_id, order_line_id;
    int64_t shipped, delivered;
};
DB_SHAPE(shipped_shape, struct shipped_row, DB_FIELD(struct shipped_row, order_id, DB_UUID),
         DB_FIELD(struct shipped_row, order_line_id, DB_UUID),
         DB_FIELD(struct shipped_row, shipped, DB_INT64),
         DB_FIELD(struct shipped_row, delivered, DB_INT64));

static enum status judge_shipped_rows(struct fold *fold)
{
    struct shipped_row *rows;
    size_t count;
    char id[UUID_TEXT_BYTES], line_id[UUID_TEXT_BYTES];
    arena_reset(fold->verify->arena);
    TRY(db_select(fold->verify->db, V_FOLD_SHIPPED_LINES, &shipped_shape, &rows, &count,
                  db_text(fold->from), db_text(fold->to)));
    for (size_t i = 0; i < count; i++) {
        struct fold_order *order = fold_order(fold, &rows[i].order_id, true);
        struct fold_line *line = fold_line(fold, order, &rows[i].order_line_id, true);
        line->seen_returns = true;
        if ((rows[i].shipped != line->shipped_returns ||
             rows[i].delivered != line->delivered_returns) &&
            !fold_is_parked(order, FOLD_RETURNS))
            verify_differ(
                fold->verify, INVARIANT_EVENT_EFFECT,
                "order %s (%s) line %s: returns says %lld shipped and %lld delivered, the "
                "log that it has read %lld and %lld",
                order->number, uuid_text(&order->id, id), uuid_text(&line->id, line_id),
                (long long)rows[i].shipped, (long long)rows[i].delivered,
                (long long)line->shipped_returns, (long long)line->delivered_returns);
    }
    return STATUS_OK;
}

struct inspected_row {
    struct uuid order_id, order_line_id;
    int64_t inspected;
};
DB_SHAPE(inspected_shape, struct inspected_row, DB_FIELD(struct inspected_row, order_id, DB_UUID),
         DB_FIELD(struct inspected_row, order_line_id, DB_UUID),
         DB_FIELD(struct inspected_row, inspected, DB_INT64));

static enum status load_inspected(struct fold *fold)
{
    struct inspected_row *rows;
    size_t count;
    arena_reset(fold->verify->arena);
    TRY(db_select(fold->verify->db, V_FOLD_RETURN_LINES, &inspected_shape, &rows, &count,
                  db_text(fold->from), db_text(fold->to)));
    for (size_t i = 0; i < count; i++) {
        struct fold_order *order = fold_order(fold, &rows[i].order_id, true);
        fold_line(fold, order, &rows[i].order_line_id, true)->rows_inspected = rows[i].inspected;
    }
    return STATUS_OK;
}

static void miss_returns(struct fold *fold, const struct fold_order *order)
{
    char id[UUID_TEXT_BYTES], line_id[UUID_TEXT_BYTES];
    uuid_text(&order->id, id);
    if ((order->read_by & FOLD_BIT(RETURNS)) != 0 && (order->seen & FOLD_BIT(RETURNS)) == 0)
        verify_differ(fold->verify, INVARIANT_EVENT_EFFECT,
                      "returns has read that order %s (%s) was placed, and does not know it",
                      order->number, id);
    for (size_t i = 0; i < order->nlines; i++) {
        const struct fold_line *line = &order->lines[i];
        uuid_text(&line->id, line_id);
        if (line->shipped_returns + line->delivered_returns > 0 && !line->seen_returns)
            verify_differ(fold->verify, INVARIANT_EVENT_EFFECT,
                          "order %s (%s) line %s: returns has read of %lld units shipped, and does "
                          "not know them",
                          order->number, id, line_id, (long long)line->shipped_returns);
        if (line->rows_inspected != line->inspected)
            verify_differ(fold->verify, INVARIANT_RETURN_QUANTITY,
                          "order %s (%s) line %s: %lld units inspected, events tell %lld",
                          order->number, id, line_id, (long long)line->rows_inspected,
                          (long long)line->inspected);
    }
}

enum status fold_judge_returns(struct fold *fold)
{
    TRY(judge_sale_rows(fold));
    TRY(judge_shipped_rows(fold));
    TRY(load_inspected(fold));
    fold_each(fold, order)
    {
        if (!fold_is_parked(order, FOLD_RETURNS))
            miss_returns(fold, order);
    }
    return STATUS_OK;
}

/* ---- notify ---- */

struct messages_row {
    struct uuid order_id;
    int32_t kind;
    int64_t number;
};
DB_SHAPE(messages_shape, struct messages_row, DB_FIELD(struct messages_row, order_id, DB_UUID),
         DB_FIELD(struct messages_row, kind, DB_INT32),
         DB_FIELD(struct messages_row, number, DB_INT64));

enum { CONFIRMATION = 1, SHIPMENT = 2, REFUND = 3, STAFF_MESSAGE = 4, ORDER_CODE = 5, EDIT = 6 };

static void compare_messages(struct fold *fold, const struct fold_order *order, int kind,
                             const char *what, int64_t due)
{
    char id[UUID_TEXT_BYTES];
    if (order->messages[kind] != due)
        verify_differ(fold->verify, INVARIANT_NOTIFY_ONCE,
                      "order %s (%s): %lld %s messages are due, %lld are there", order->number,
                      uuid_text(&order->id, id), (long long)due, what,
                      (long long)order->messages[kind]);
}

enum status fold_judge_notify(struct fold *fold)
{
    struct messages_row *rows;
    size_t count;
    arena_reset(fold->verify->arena);
    TRY(db_select(fold->verify->db, V_FOLD_MESSAGES, &messages_shape, &rows, &count,
                  db_text(fold->from), db_text(fold->to)));
    for (size_t i = 0; i < count; i++)
        if (rows[i].kind >= CONFIRMATION && rows[i].kind <= EDIT)
            fold_order(fold, &rows[i].order_id, true)->messages[rows[i].kind] = rows[i].number;
    fold_each(fold, order)
    {
        if (fold_is_parked(order, FOLD_NOTIFY))
            continue;
        compare_messages(fold, order, CONFIRMATION, "confirmation",
                         ((order->read_by & FOLD_BIT(NOTIFY)) != 0) + order->splits_told);
        compare_messages(fold, order, SHIPMENT, "shipment", order->shipments);
        compare_messages(fold, order, REFUND, "refund", order->refunds_told);
        compare_messages(fold, order, STAFF_MESSAGE, "staff", order->staff_messages);
        compare_messages(fold, order, ORDER_CODE, "code", order->codes);
        compare_messages(fold, order, EDIT, "edit", order->edits_told);
    }
    return STATUS_OK;
}
