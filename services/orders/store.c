#include "store.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "queries.h"
#include "rules.h"
#include "store_family.h"

/* ---- shapes ---- */

/* A bytea and our pointer and count are the same two words. */
static_assert(offsetof(struct order, details_bytes) ==
                      offsetof(struct order, details) + offsetof(struct db_bytea, count) &&
                  offsetof(struct external, answer_bytes) ==
                      offsetof(struct external, answer) + offsetof(struct db_bytea, count) &&
                  offsetof(struct refund, parts_bytes) ==
                      offsetof(struct refund, parts) + offsetof(struct db_bytea, count),
              "bytea");
static_assert(sizeof(enum order_status) == sizeof(int32_t), "statuses are read as int32");

#define TIME(type_, member, column) DB_FIELD_AS(type_, member, column, DB_TIMESTAMP)

DB_SHAPE(
    order_shape, struct order, DB_FIELD(struct order, id, DB_UUID),
    TIME(struct order, placed_at_us, "placed_at"), TIME(struct order, created_at_us, "created_at"),
    TIME(struct order, updated_at_us, "updated_at"),
    TIME(struct order, confirmed_at_us, "confirmed_at"),
    TIME(struct order, cancelled_at_us, "cancelled_at"),
    TIME(struct order, completed_at_us, "completed_at"),
    TIME(struct order, edited_at_us, "edited_at"), DB_FIELD(struct order, version, DB_INT64),
    DB_FIELD(struct order, items_total, DB_INT64), DB_FIELD(struct order, discount_total, DB_INT64),
    DB_FIELD(struct order, shipping_total, DB_INT64), DB_FIELD(struct order, tax_total, DB_INT64),
    DB_FIELD(struct order, charges_total, DB_INT64), DB_FIELD(struct order, total, DB_INT64),
    DB_FIELD(struct order, current_total, DB_INT64),
    DB_FIELD(struct order, cancelled_value, DB_INT64),
    DB_FIELD(struct order, returned_value, DB_INT64),
    DB_FIELD(struct order, captured_total, DB_INT64),
    DB_FIELD(struct order, refunded_total, DB_INT64), DB_FIELD(struct order, hold_count, DB_INT32),
    DB_FIELD(struct order, status, DB_INT32), DB_FIELD(struct order, payment_status, DB_INT32),
    DB_FIELD(struct order, fulfillment_status, DB_INT32),
    DB_FIELD(struct order, return_status, DB_INT32), DB_FIELD(struct order, stock_policy, DB_INT32),
    DB_FIELD(struct order, prices_include_tax, DB_BOOLEAN), DB_FIELD(struct order, number, DB_TEXT),
    DB_FIELD(struct order, channel, DB_TEXT), DB_FIELD(struct order, external_id, DB_TEXT),
    DB_FIELD(struct order, external_number, DB_TEXT), DB_FIELD(struct order, currency, DB_CHAR4),
    DB_FIELD(struct order, locale, DB_TEXT), DB_FIELD(struct order, country, DB_TEXT),
    DB_FIELD(struct order, cancel_reason, DB_TEXT), DB_FIELD(struct order, created_by, DB_TEXT),
    DB_FIELD(struct order, customer_id, DB_TEXT),
    DB_FIELD(struct order, customer_external_id, DB_TEXT),
    DB_FIELD(struct order, customer_name, DB_TEXT), DB_FIELD(struct order, email, DB_TEXT),
    DB_FIELD(struct order, phone, DB_TEXT), DB_FIELD(struct order, root_id, DB_UUID),
    DB_FIELD(struct order, details, DB_BYTEA));

#define LINE_INT64(member) DB_FIELD(struct order_line, member, DB_INT64)
DB_SHAPE(line_shape, struct order_line, DB_FIELD(struct order_line, order_id, DB_UUID),
         DB_FIELD(struct order_line, id, DB_UUID), LINE_INT64(quantity), LINE_INT64(unit_price),
         LINE_INT64(discount), LINE_INT64(tax), LINE_INT64(total), LINE_INT64(cancelled),
         LINE_INT64(allocated_total), LINE_INT64(picked_total), LINE_INT64(packed_total),
         LINE_INT64(shipped_total), LINE_INT64(delivered_total), LINE_INT64(returned_total),
         LINE_INT64(unallocated), LINE_INT64(backordered), LINE_INT64(preordered),
         LINE_INT64(reserved), LINE_INT64(picked), LINE_INT64(packed), LINE_INT64(fulfilled),
         LINE_INT64(delivered), LINE_INT64(returned),
         DB_FIELD(struct order_line, line_no, DB_INT32),
         DB_FIELD(struct order_line, is_custom, DB_BOOLEAN),
         DB_FIELD(struct order_line, no_shipping, DB_BOOLEAN),
         DB_FIELD(struct order_line, sku, DB_TEXT), DB_FIELD(struct order_line, name, DB_TEXT),
         LINE_INT64(preordered_total), LINE_INT64(backordered_total),
         TIME(struct order_line, promised_at_us, "promised_at"),
         DB_FIELD(struct order_line, origin_id, DB_UUID),
         DB_FIELD(struct order_line, external_id, DB_TEXT));

DB_SHAPE(payment_shape, struct payment, DB_FIELD(struct payment, order_id, DB_UUID),
         DB_FIELD(struct payment, id, DB_UUID), DB_FIELD(struct payment, amount, DB_INT64),
         DB_FIELD(struct payment, refunded, DB_INT64), TIME(struct payment, paid_at_us, "paid_at"),
         TIME(struct payment, recorded_at_us, "recorded_at"),
         DB_FIELD(struct payment, status, DB_INT32), DB_FIELD(struct payment, method, DB_TEXT),
         DB_FIELD(struct payment, reference, DB_TEXT));

DB_SHAPE(refund_shape, struct refund, DB_FIELD(struct refund, order_id, DB_UUID),
         DB_FIELD(struct refund, id, DB_UUID), DB_FIELD(struct refund, payment_id, DB_UUID),
         DB_FIELD(struct refund, status, DB_INT32), DB_FIELD(struct refund, amount, DB_INT64),
         DB_FIELD(struct refund, reason, DB_TEXT), DB_FIELD(struct refund, return_id, DB_UUID),
         DB_FIELD(struct refund, inspection_id, DB_UUID),
         TIME(struct refund, recorded_at_us, "recorded_at"),
         DB_FIELD(struct refund, actor, DB_TEXT), DB_FIELD(struct refund, request_id, DB_UUID),
         DB_FIELD(struct refund, provider, DB_INT32), DB_FIELD(struct refund, approved_by, DB_TEXT),
         DB_FIELD(struct refund, error, DB_TEXT), DB_FIELD(struct refund, attempts, DB_INT32),
         TIME(struct refund, next_attempt_at_us, "next_attempt_at"),
         TIME(struct refund, settled_at_us, "settled_at"), DB_FIELD(struct refund, parts, DB_BYTEA),
         DB_FIELD(struct refund, member_id, DB_UUID));

DB_SHAPE(hold_shape, struct hold, DB_FIELD(struct hold, order_id, DB_UUID),
         DB_FIELD(struct hold, id, DB_UUID), DB_FIELD(struct hold, type, DB_TEXT),
         DB_FIELD(struct hold, reason, DB_TEXT), DB_FIELD(struct hold, actor, DB_TEXT),
         TIME(struct hold, placed_at_us, "placed_at"),
         TIME(struct hold, expires_at_us, "expires_at"),
         TIME(struct hold, released_at_us, "released_at"),
         DB_FIELD(struct hold, released_by, DB_TEXT));

DB_SHAPE(return_shape, struct order_return, DB_FIELD(struct order_return, order_id, DB_UUID),
         DB_FIELD(struct order_return, return_id, DB_UUID),
         DB_FIELD(struct order_return, is_open, DB_BOOLEAN));

DB_SHAPE(inspection_shape, struct inspection, DB_FIELD(struct inspection, order_id, DB_UUID),
         DB_FIELD(struct inspection, inspection_id, DB_UUID),
         DB_FIELD(struct inspection, return_id, DB_UUID),
         DB_FIELD(struct inspection, refund_due, DB_INT64));

/* Nothing but an id: an array of them is an array of ids. */
struct id_row {
    struct uuid order_id;
};
static_assert(sizeof(struct id_row) == sizeof(struct uuid), "an id row is an id");
DB_SHAPE(id_shape, struct id_row, DB_FIELD(struct id_row, order_id, DB_UUID));

/* ---- loading aggregates ---- */

/* Every part is sorted by its order's id, which comes first in its struct. */
struct parts {
    char *rows;
    size_t count, size, next;
};

/* The run of rows that belong to the order; orders are asked for in the same sorting. */
static void *take_run(struct parts *parts, const struct uuid *order_id, size_t *count)
{
    size_t first = parts->next;
    while (parts->next < parts->count) {
        const struct uuid *owner = (const void *)(parts->rows + parts->next * parts->size);
        if (!uuid_equal(owner, order_id))
            break;
        parts->next++;
    }
    *count = parts->next - first;
    return parts->rows != NULL ? parts->rows + first * parts->size : NULL;
}

static enum status load_parts(struct db *db, int query, const struct db_shape *shape,
                              const struct uuid *ids, size_t count, struct parts *parts)
{
    void *rows;
    size_t found;
    TRY(db_select(db, query, shape, &rows, &found, db_uuids(ids, count)));
    *parts = (struct parts){rows, found, shape->size, 0};
    return STATUS_OK;
}

struct all_parts {
    struct parts lines, payments, refunds, holds, returns, inspections;
};

static enum status load_wanted(struct db *db, const struct uuid *ids, size_t count, unsigned wanted,
                               struct all_parts *all)
{
    *all = (struct all_parts){0};
    if ((wanted & PART_LINES) != 0)
        TRY(load_parts(db, Q_LINES_BY_ORDER, &line_shape, ids, count, &all->lines));
    if ((wanted & PART_PAYMENTS) != 0)
        TRY(load_parts(db, Q_PAYMENTS_BY_ORDER, &payment_shape, ids, count, &all->payments));
    if ((wanted & PART_REFUNDS) != 0)
        TRY(load_parts(db, Q_REFUNDS_BY_ORDER, &refund_shape, ids, count, &all->refunds));
    if ((wanted & PART_HOLDS) != 0)
        TRY(load_parts(db, Q_HOLDS_BY_ORDER, &hold_shape, ids, count, &all->holds));
    if ((wanted & PART_RETURNS) == 0)
        return STATUS_OK;
    TRY(load_parts(db, Q_RETURNS_BY_ORDER, &return_shape, ids, count, &all->returns));
    return load_parts(db, Q_INSPECTIONS_BY_ORDER, &inspection_shape, ids, count, &all->inspections);
}

/* What is derived and not stored: two figures of money. */
static void derive_due(struct order *order)
{
    int64_t net = order->captured_total - order->refunded_total;
    order->amount_due = order->current_total > net ? order->current_total - net : 0;
    order->refund_due =
        (net > order->current_total ? net - order->current_total : 0) + rules_refunds_failed(order);
}

enum status store_orders_load_parts(struct db *db, struct arena *arena, const struct uuid *ids,
                                    size_t count, unsigned parts, struct order_set *set)
{
    *set = (struct order_set){NULL, 0};
    if (count == 0)
        return STATUS_OK;
    TRY(db_select(db, Q_ORDERS_BY_ID, &order_shape, &set->orders, &set->count,
                  db_uuids(ids, count)));
    if (set->count == 0)
        return STATUS_OK;
    struct uuid *found = ARENA_ARRAY(arena, set->count, struct uuid);
    for (size_t i = 0; i < set->count; i++)
        found[i] = set->orders[i].id;
    struct all_parts all;
    TRY(load_wanted(db, found, set->count, parts, &all));
    for (size_t i = 0; i < set->count; i++) {
        struct order *order = &set->orders[i];
        order->lines = take_run(&all.lines, &order->id, &order->line_count);
        order->payments = take_run(&all.payments, &order->id, &order->payment_count);
        order->refunds = take_run(&all.refunds, &order->id, &order->refund_count);
        order->holds = take_run(&all.holds, &order->id, &order->hold_rows);
        order->returns = take_run(&all.returns, &order->id, &order->return_count);
        order->inspections = take_run(&all.inspections, &order->id, &order->inspection_count);
        derive_due(order);
    }
    return STATUS_OK;
}

enum status store_orders_load(struct db *db, struct arena *arena, const struct uuid *ids,
                              size_t count, struct order_set *set)
{
    unsigned parts = PARTS_SHOWN | PART_RETURNS;
    TRY(store_orders_load_parts(db, arena, ids, count, parts, set));
    return store_families_complete(db, arena, parts, set);
}

static int by_id(const void *id, const void *order)
{
    return uuid_compare(id, &((const struct order *)order)->id);
}

struct order *store_orders_find(const struct order_set *set, const struct uuid *id)
{
    if (set->count == 0)
        return NULL;
    return bsearch(id, set->orders, set->count, sizeof(*set->orders), by_id);
}

enum status store_order_resolve(struct db *db, const char *id_or_number, struct uuid *id)
{
    if (uuid_parse(id_or_number, id))
        return STATUS_OK;
    struct id_row *rows;
    size_t count;
    if (id_or_number[0] == '\0' || strlen(id_or_number) > 128)
        return STATUS_NOT_FOUND;
    TRY(db_select(db, Q_ORDER_ID_BY_NUMBER, &id_shape, &rows, &count, db_text(id_or_number)));
    if (count == 0)
        return STATUS_NOT_FOUND;
    *id = rows[0].order_id;
    return STATUS_OK;
}

enum status store_order_load(struct db *db, struct arena *arena, const struct uuid *id,
                             struct order **order)
{
    struct order_set set;
    TRY(store_orders_load(db, arena, id, 1, &set));
    *order = store_orders_find(&set, id);
    return *order != NULL ? STATUS_OK : STATUS_NOT_FOUND;
}

enum status store_orders_allocated_otherwise(struct db *db, const struct uuid *order_ids,
                                             const struct uuid *line_ids, const int64_t *totals,
                                             size_t count, struct uuid **different,
                                             size_t *different_count)
{
    struct id_row *rows;
    *different = NULL;
    *different_count = 0;
    if (count == 0)
        return STATUS_OK;
    TRY(db_select(db, Q_ORDERS_ALLOCATED_OTHERWISE, &id_shape, &rows, different_count,
                  db_uuids(order_ids, count), db_uuids(line_ids, count), db_ints(totals, count)));
    *different = &rows->order_id;
    return STATUS_OK;
}

/* ---- channels and external ids ---- */

DB_SHAPE(channel_shape, struct channel, DB_FIELD(struct channel, name, DB_TEXT),
         DB_FIELD(struct channel, number_prefix, DB_TEXT),
         DB_FIELD(struct channel, confirms_manually, DB_BOOLEAN),
         DB_FIELD(struct channel, next_number, DB_INT64),
         DB_FIELD(struct channel, unpaid_minutes, DB_INT32));

enum status store_channels_load(struct db *db, const char *const *names, size_t count,
                                struct channel **channels, size_t *found)
{
    return db_select(db, Q_CHANNELS_BY_NAME, &channel_shape, channels, found,
                     db_texts(names, count));
}

enum status store_channel_of_prefix(struct db *db, const char *prefix, struct channel **channel)
{
    size_t count;
    TRY(db_select(db, Q_CHANNEL_BY_PREFIX, &channel_shape, channel, &count, db_text(prefix)));
    if (count == 0)
        *channel = NULL;
    return STATUS_OK;
}

enum status store_channel_put(struct db *db, const char *name, const char *prefix,
                              bool confirms_manually)
{
    return db_exec(db, Q_CHANNEL_UPSERT, db_text(name), db_text(prefix),
                   db_bool(confirms_manually));
}

enum status store_channels_save(struct db *db, struct channel *channels, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct channel *channel = &channels[i];
        if (channel->taken == 0)
            continue;
        TRY(db_exec_expect(db, Q_CHANNEL_TAKE_NUMBERS, 1, db_text(channel->name),
                           db_int(channel->next_number),
                           db_int(channel->next_number + channel->taken)));
        channel->next_number += channel->taken;
        channel->taken = 0;
    }
    return STATUS_OK;
}

DB_SHAPE(external_shape, struct external, DB_FIELD(struct external, channel, DB_TEXT),
         DB_FIELD(struct external, external_id, DB_TEXT),
         DB_FIELD(struct external, order_id, DB_UUID),
         DB_FIELD(struct external, content_hash, DB_UUID),
         DB_FIELD(struct external, answer, DB_BYTEA),
         DB_FIELD_AS(struct external, version.updated_at_us, "source_updated_at_us", DB_INT64),
         DB_FIELD_AS(struct external, version.triggered_at_ns, "source_triggered_at_ns", DB_INT64),
         DB_FIELD_AS(struct external, version.body_hash, "source_body_hash", DB_TEXT),
         DB_FIELD(struct external, source_content_hash, DB_UUID));

enum status store_externals_load(struct db *db, const char *const *channels,
                                 const char *const *external_ids, size_t count,
                                 struct external **externals, size_t *found)
{
    *externals = NULL;
    *found = 0;
    if (count == 0)
        return STATUS_OK;
    return db_select(db, Q_EXTERNALS_BY_KEY, &external_shape, externals, found,
                     db_texts(channels, count), db_texts(external_ids, count));
}

/* ---- lists ---- */

enum status store_orders_by_external(struct db *db, const char *channel, const char *external_id,
                                     struct uuid **order_ids, size_t *count)
{
    struct id_row *rows;
    if (channel != NULL)
        TRY(db_select(db, Q_ORDER_ID_BY_EXTERNAL, &id_shape, &rows, count, db_text(channel),
                      db_text(external_id)));
    else
        TRY(db_select(db, Q_ORDER_IDS_BY_EXTERNAL, &id_shape, &rows, count, db_text(external_id)));
    *order_ids = &rows->order_id;
    return STATUS_OK;
}

struct number_row {
    int64_t lag;
};
DB_SHAPE(lag_shape, struct number_row, DB_FIELD(struct number_row, lag, DB_INT64));

enum status store_search_lag(struct db *db, int64_t *lag)
{
    struct number_row *rows;
    size_t count;
    TRY(db_select(db, Q_SEARCH_LAG, &lag_shape, &rows, &count));
    *lag = count > 0 ? rows[0].lag : 0;
    return STATUS_OK;
}

DB_SHAPE(change_shape, struct change, DB_FIELD(struct change, version, DB_INT64),
         TIME(struct change, occurred_at_us, "occurred_at"),
         DB_FIELD(struct change, source, DB_TEXT), DB_FIELD(struct change, type, DB_TEXT),
         DB_FIELD(struct change, actor, DB_TEXT), DB_FIELD(struct change, detail, DB_TEXT));

enum status store_timeline_page(struct db *db, const struct uuid *order_id, int64_t after_version,
                                int64_t limit, struct change **changes, size_t *count)
{
    return db_select(db, Q_TIMELINE_PAGE, &change_shape, changes, count, db_uuid(order_id),
                     db_int(after_version), db_int(limit));
}

enum status store_expired_holds(struct db *db, int64_t now_us, struct uuid **order_ids,
                                size_t *count)
{
    struct id_row *rows;
    TRY(db_select(db, Q_HOLDS_EXPIRED, &id_shape, &rows, count, db_time(now_us)));
    *order_ids = &rows->order_id;
    return STATUS_OK;
}
