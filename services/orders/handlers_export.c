/* Lists as files: a page of rows at a time; the gateway makes a file of them. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "find.h"
#include "handlers.h"
#include "penstock/orders/v1/search.pb-c.h"
#include "rules_export.h"
#include "store_tags.h"

typedef Penstock__Orders__V1__ExportOrdersRequest ExportOrdersRequest;
typedef Penstock__Orders__V1__ExportOrdersResponse ExportOrdersResponse;

/* Rows of one page: their orders are loaded together, and 500 rows are half a megabyte at most
 * times.
 */
#define PAGE_ORDERS 500
#define PAGE_BYTES ((size_t)700 << 10)
#define EXPORT_BUDGET (4 * FIND_BUDGET)

static const char *const heads[] = {"number",    "placed_at",   "channel", "external_id", "status",
                                    "payment",   "fulfillment", "return",  "customer",    "email",
                                    "telephone", "recipient",   "city",    "country",     "items",
                                    "products",  "currency",    "total",   "current",     "paid",
                                    "refunded",  "due",         "holds",   "tags"};

#define X(name, number_) [number_] = #name,
static const char *const order_words[] = {ORDER_STATUSES(X)};
static const char *const payment_words[] = {PAYMENT_STATUSES(X)};
static const char *const fulfillment_words[] = {FULFILLMENT_STATUSES(X)};
static const char *const return_words[] = {RETURN_STATUSES(X)};
#undef X

static void put_word(struct export_rows *rows, const char *word)
{
    char text[32];
    size_t i = 0;
    for (; word[i] != '\0' && i < sizeof(text) - 1; i++)
        text[i] = word[i] >= 'A' && word[i] <= 'Z' ? (char)(word[i] - 'A' + 'a') : word[i];
    text[i] = '\0';
    export_text(rows, text);
}

static void put_time(struct export_rows *rows, int64_t at_us, int64_t offset_us)
{
    char text[32];
    struct tm parts;
    time_t seconds = (time_t)((at_us + offset_us) / 1000000);
    gmtime_r(&seconds, &parts);
    strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &parts);
    export_text(rows, text);
}

static void put_money(struct export_rows *rows, const Money *money)
{
    char text[MONEY_TEXT_BYTES];
    struct money amount = {.minor = money->amount_minor};
    snprintf(amount.currency, sizeof(amount.currency), "%s", money->currency);
    export_number(rows, money_text(amount, text));
}

static const char *joined(struct arena *arena, const char *text, const char *more)
{
    return text[0] == '\0' ? more : arena_printf(arena, "%s, %s", text, more);
}

static void put_lists(struct export_rows *rows, const Order *order)
{
    const char *holds = "", *tags = "";
    for (size_t i = 0; i < order->n_holds; i++)
        holds = joined(rows->arena, holds, order->holds[i]->type);
    for (size_t i = 0; i < order->n_tags; i++)
        tags = joined(rows->arena, tags, order->tags[i]);
    export_text(rows, holds);
    export_text(rows, tags);
}

/* Of a long order the first ten. */
static const char *products_of(struct arena *arena, const Order *order)
{
    const char *text = "";
    for (size_t i = 0; i < order->n_lines && i < 10; i++) {
        const OrderLine *line = order->lines[i];
        const char *name = line->name[0] != '\0' ? line->name : line->sku;
        text =
            joined(arena, text, arena_printf(arena, "%s x%lld", name, (long long)line->quantity));
    }
    return order->n_lines > 10 ? arena_printf(arena, "%s, ...", text) : text;
}

static void put_order(struct export_rows *rows, const Order *order, int64_t offset_us)
{
    static const Address nowhere = PENSTOCK__COMMON__V1__ADDRESS__INIT;
    const Address *address = order->shipping_address != NULL ? order->shipping_address : &nowhere;
    char items[24];
    export_begin_row(rows);
    export_text(rows, order->number);
    put_time(rows, order->placed_at_us, offset_us);
    export_text(rows, order->channel);
    export_text(rows, order->external_id);
    put_word(rows, order_words[order->status]);
    put_word(rows, payment_words[order->payment_status]);
    put_word(rows, fulfillment_words[order->fulfillment_status]);
    put_word(rows, return_words[order->return_status]);
    export_text(rows, order->customer->name);
    export_text(rows, order->customer->email);
    export_text(rows, order->customer->phone);
    export_text(rows, address->name);
    export_text(rows, address->city);
    export_text(rows, address->country);
    snprintf(items, sizeof(items), "%lld", (long long)order->item_count);
    export_number(rows, items);
    export_text(rows, products_of(rows->arena, order));
    export_text(rows, order->currency);
    put_money(rows, order->total);
    put_money(rows, order->current_total);
    put_money(rows, order->paid_total);
    put_money(rows, order->refunded_total);
    put_money(rows, order->amount_due);
    put_lists(rows, order);
    export_end_row(rows);
}

static enum status put_orders(struct call *call, struct export_rows *rows,
                              const struct found *found, ExportOrdersResponse *out)
{
    struct order_set set;
    struct uuid *ids = ARENA_ARRAY(call->arena, found->count, struct uuid);
    Order **orders = ARENA_ARRAY(call->arena, found->count, Order *);
    int64_t offset_us = find_offset_us(call);
    size_t count = 0, shown = 0;
    for (size_t i = 0; i < found->count; i++)
        ids[i] = found->keys[i].order_id;
    TRY(store_orders_load_parts(call->db, call->arena, ids, found->count, PARTS_SHOWN, &set));
    for (size_t i = 0; i < found->count; i++) {
        const struct order *order = store_orders_find(&set, &ids[i]);
        if (order != NULL)
            orders[count++] = view_order(call->arena, order, NULL);
    }
    TRY(store_tags_show(call->db, call->arena, ids, found->count, orders, count));
    for (; shown < count && rows->count < PAGE_BYTES; shown++)
        put_order(rows, orders[shown], offset_us);
    out->count += (int64_t)shown;
    if (shown < count) {
        struct order_key last = {.placed_at_us = orders[shown - 1]->placed_at_us};
        if (!uuid_parse(orders[shown - 1]->id, &last.order_id))
            return STATUS_INTERNAL;
        out->next_page = find_cursor_text(call->arena, &last);
    } else if (!found->is_all) {
        out->next_page = find_cursor_text(call->arena, &found->reached);
    }
    return STATUS_OK;
}

static void put_heads(struct export_rows *rows)
{
    export_begin_row(rows);
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
        export_text(rows, heads[i]);
    export_end_row(rows);
}

ORDERS_HANDLER(export_orders, ExportOrdersRequest, ExportOrdersResponse)
{
    struct refusal no;
    struct query query = {.word_count = 0};
    struct order_key cursor;
    struct finder *finder;
    struct found found;
    bool has_cursor = in->cursor[0] != '\0', is_oldest_first = strcmp(in->sort, "oldest") == 0;
    struct export_rows rows = {
        .arena = call->arena, .format = strcmp(in->format, "xlsx") == 0 ? EXPORT_XLSX : EXPORT_CSV};
    if (in->format[0] != '\0' && strcmp(in->format, "csv") != 0 && rows.format == EXPORT_CSV)
        return refuse(call, STATUS_INVALID, "invalid", "format", "A format is csv or xlsx.");
    if (in->sort[0] != '\0' && strcmp(in->sort, "newest") != 0 && !is_oldest_first)
        return refuse(call, STATUS_INVALID, "invalid", "sort", "A sort is newest or oldest.");
    if (has_cursor && !find_cursor_read(in->cursor, &cursor))
        return refuse(call, STATUS_INVALID, "invalid", "cursor", "This is no cursor of ours.");
    if (!rules_check_text(in->q, QUERY_MAX_BYTES, &no, "q") ||
        !rules_query_parse(call->arena, in->q, call->now_us, find_offset_us(call), "q", &query,
                           &no))
        return refuse_by(call, &no);
    if (!has_cursor)
        put_heads(&rows);
    out->count = !has_cursor;
    TRY(find_open(call->db, call->arena, &query, has_cursor ? &cursor : NULL, is_oldest_first,
                  &finder));
    TRY(find_next(finder, PAGE_ORDERS, EXPORT_BUDGET, &found));
    TRY(put_orders(call, &rows, &found, out));
    out->rows.data = (uint8_t *)rows.bytes;
    out->rows.len = rows.count;
    return STATUS_OK;
}
