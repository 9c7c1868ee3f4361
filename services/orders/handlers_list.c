/* Lists of orders: what is asked for, a page of it. */
#include <string.h>

#include "find.h"
#include "handlers.h"
#include "store_tags.h"

typedef Penstock__Orders__V1__ListOrdersRequest ListOrdersRequest;
typedef Penstock__Orders__V1__ListOrdersResponse ListOrdersResponse;

#define DEFAULT_LIMIT 50
#define MAX_LIMIT 200
/* Below the bus's megabyte, so that a page of huge orders is a short page and no failure. */
#define MAX_PAGE_BYTES ((size_t)900 << 10)

/* ---- what a list asks for ---- */

static bool add_status(int32_t number, int last, uint32_t *mask, const char *field,
                       struct refusal *no)
{
    if (number < 0 || number > last)
        return rules_refuse(no, STATUS_INVALID, "invalid", "This status is not known.", "%s",
                            field);
    if (number > 0) {
        uint32_t bit = 1u << number;
        *mask = *mask == 0 || (*mask & bit) != 0 ? bit : 1u; /* bit 0: of a contradiction, none */
    }
    return true;
}

static bool add_exact(struct arena *arena, enum query_field field, const char *text,
                      struct query *query, struct refusal *no, const char *name)
{
    size_t before = query->word_count;
    if (!rules_query_add_word(arena, field, text, query, no, name))
        return false;
    if (query->word_count > before)
        query->words[before].is_whole = true;
    return true;
}

static bool add_filters(const struct call *call, const ListOrdersRequest *in, struct query *query,
                        struct refusal *no)
{
    if (in->placed_after_us > query->placed_from_us)
        query->placed_from_us = in->placed_after_us;
    if (in->placed_before_us > 0 &&
        (query->placed_until_us == 0 || in->placed_before_us < query->placed_until_us))
        query->placed_until_us = in->placed_before_us;
    if (in->channel[0] != '\0' &&
        !rules_query_add_value(&query->channels, in->channel, no, "channel"))
        return false;
    if (in->tag[0] != '\0' && !rules_query_add_value(&query->tags, in->tag, no, "tag"))
        return false;
    return add_status((int32_t)in->status, ORDER_EXPIRED, &query->statuses, "status", no) &&
           add_status((int32_t)in->payment_status, PAYMENT_VOIDED, &query->payment_statuses,
                      "payment_status", no) &&
           add_status((int32_t)in->fulfillment_status, FULFILLMENT_NOT_REQUIRED,
                      &query->fulfillment_statuses, "fulfillment_status", no) &&
           add_status((int32_t)in->return_status, RETURN_RETURNED, &query->return_statuses,
                      "return_status", no) &&
           add_exact(call->arena, QUERY_CUSTOMER, in->customer, query, no, "customer") &&
           add_exact(call->arena, QUERY_SKU, in->sku, query, no, "sku");
}

static bool check_texts(const ListOrdersRequest *in, struct refusal *no)
{
    return rules_check_text(in->q, QUERY_MAX_BYTES, no, "q") &&
           rules_check_text(in->channel, 64, no, "channel") &&
           rules_check_text(in->number, 64, no, "number") &&
           rules_check_text(in->external_id, 128, no, "external_id") &&
           rules_check_text(in->customer, 254, no, "customer") &&
           rules_check_text(in->sku, 64, no, "sku") && rules_check_text(in->tag, 64, no, "tag");
}

static enum status list_read_query(struct call *call, const ListOrdersRequest *in,
                                   struct query *query)
{
    struct refusal no;
    *query = (struct query){.word_count = 0};
    int64_t offset_us = in->q[0] != '\0' ? find_offset_us(call) : 0;
    if (!check_texts(in, &no) ||
        !rules_query_parse(call->arena, in->q, call->now_us, offset_us, "q", query, &no) ||
        !add_filters(call, in, query, &no))
        return refuse_by(call, &no);
    return STATUS_OK;
}

struct page {
    struct query query;
    struct order_key cursor;
    bool has_cursor, is_oldest_first;
    size_t limit;
};

static enum status read_page(struct call *call, const ListOrdersRequest *in, struct page *page)
{
    page->limit = in->limit == 0 ? DEFAULT_LIMIT : (size_t)in->limit;
    if (in->limit < 0 || in->limit > MAX_LIMIT)
        return refuse(call, STATUS_INVALID, "out_of_range", "limit", "A limit is from 1 to 200.");
    page->is_oldest_first = strcmp(in->sort, "oldest") == 0;
    if (in->sort[0] != '\0' && strcmp(in->sort, "newest") != 0 && !page->is_oldest_first)
        return refuse(call, STATUS_INVALID, "invalid", "sort", "A sort is newest or oldest.");
    page->has_cursor = in->cursor[0] != '\0';
    if (page->has_cursor && !find_cursor_read(in->cursor, &page->cursor))
        return refuse(call, STATUS_INVALID, "invalid", "cursor",
                      "A cursor is the next_cursor of the page before.");
    return list_read_query(call, in, &page->query);
}

/* ---- what a list answers ---- */

/* Shows the orders of the keys; false when the page is full before the last of them: *shown says
 * how many keys it got to. */
static enum status show(struct call *call, const struct uuid *ids, size_t count,
                        ListOrdersResponse *out, size_t *shown)
{
    struct order_set set;
    size_t bytes = 0;
    TRY(store_orders_load_parts(call->db, call->arena, ids, count, PARTS_SHOWN, &set));
    out->data = ARENA_ARRAY(call->arena, count, Order *);
    for (*shown = 0; *shown < count; (*shown)++) {
        const struct order *order = store_orders_find(&set, &ids[*shown]);
        if (order == NULL)
            continue;
        Order *view = view_order(call->arena, order, NULL);
        bytes += protobuf_c_message_get_packed_size(&view->base);
        if (bytes > MAX_PAGE_BYTES && out->n_data > 0)
            break;
        out->data[out->n_data++] = view;
    }
    TRY(view_order_customers(call, out->data, out->n_data));
    return store_tags_show(call->db, call->arena, ids, *shown, out->data, out->n_data);
}

/* By number or external id: a few at most, from tables of their own, never stale. */
static enum status list_known(struct call *call, const ListOrdersRequest *in,
                              const struct query *query, ListOrdersResponse *out)
{
    struct uuid one, *ids = &one;
    size_t count = 1, shown;
    if (in->number[0] != '\0') {
        enum status status = store_order_resolve(call->db, in->number, &one);
        if (status != STATUS_OK)
            return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    } else {
        const char *channel = in->channel[0] != '\0' ? in->channel : NULL;
        TRY(store_orders_by_external(call->db, channel, in->external_id, &ids, &count));
    }
    TRY(find_these(call->db, call->arena, query, ids, &count));
    return show(call, ids, count, out, &shown);
}

static enum status say_stale(struct call *call, const struct found *found, ListOrdersResponse *out)
{
    int64_t lag = 0;
    if (found->uses_index)
        TRY(store_search_lag(call->db, &lag));
    out->stale = lag > 0;
    return STATUS_OK;
}

ORDERS_HANDLER(list_orders, ListOrdersRequest, ListOrdersResponse)
{
    struct page page;
    struct finder *finder;
    struct found found;
    size_t shown;
    TRY(read_page(call, in, &page));
    if (in->number[0] != '\0' || in->external_id[0] != '\0')
        return list_known(call, in, &page.query, out);
    TRY(find_open(call->db, call->arena, &page.query, page.has_cursor ? &page.cursor : NULL,
                  page.is_oldest_first, &finder));
    TRY(find_next(finder, page.limit, FIND_BUDGET, &found));
    struct uuid *ids = ARENA_ARRAY(call->arena, found.count, struct uuid);
    for (size_t i = 0; i < found.count; i++)
        ids[i] = found.keys[i].order_id;
    TRY(show(call, ids, found.count, out, &shown));
    if (shown < found.count)
        out->next_cursor = find_cursor_text(call->arena, &found.keys[shown - 1]);
    else if (!found.is_all)
        out->next_cursor = find_cursor_text(call->arena, &found.reached);
    return say_stale(call, &found, out);
}
