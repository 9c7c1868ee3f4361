/* Which orders may leave in one parcel: the question of whoever packs, and what to suggest. */
#include <string.h>

#include "find.h"
#include "handlers.h"
#include "penstock/fulfillment/v1/shipments.pb-c.h"
#include "rules_together.h"

typedef Penstock__Orders__V1__ListShipTogetherRequest ListShipTogetherRequest;
typedef Penstock__Orders__V1__ListShipTogetherResponse ListShipTogetherResponse;
typedef Penstock__Orders__V1__CompareRecipientsRequest CompareRecipientsRequest;
typedef Penstock__Orders__V1__CompareRecipientsResponse CompareRecipientsResponse;

typedef Penstock__Fulfillment__V1__OrderGrouped OrderGrouped;
typedef Penstock__Fulfillment__V1__OrderUngrouped OrderUngrouped;

#define MOST_CANDIDATES 100
#define MOST_COMPARED 20

/* ---- what to suggest ---- */

/* Candidates have the telephone number of the order's customer, or the e-mail address. */
static enum status find_candidates(struct call *call, const struct order *order,
                                   struct order_set *set)
{
    struct query query = {.placed_from_us = call->now_us - TOGETHER_WITHIN_US};
    struct refusal no;
    struct finder *finder;
    struct found found;
    *set = (struct order_set){NULL, 0};
    const char *word = rules_together_word(order, call->arena);
    if (word[0] == '\0' || !rules_query_add_word(call->arena, QUERY_ANY, word, &query, &no, "id"))
        return STATUS_OK;
    TRY(find_open(call->db, call->arena, &query, NULL, false, &finder));
    TRY(find_next(finder, MOST_CANDIDATES, FIND_BUDGET, &found));
    struct uuid *ids = ARENA_ARRAY(call->arena, found.count + 1, struct uuid);
    for (size_t i = 0; i < found.count; i++)
        ids[i] = found.keys[i].order_id;
    return store_orders_load(call->db, call->arena, ids, found.count, set);
}

ORDERS_HANDLER(list_ship_together, ListShipTogetherRequest, ListShipTogetherResponse)
{
    struct order *order;
    struct order_set set;
    TRY(load_order(call, in->id, "id", &order));
    if (!rules_may_share(order))
        return STATUS_OK;
    TRY(find_candidates(call, order, &set));
    out->data = ARENA_ARRAY(call->arena, set.count + 1, Order *);
    for (size_t i = 0; i < set.count; i++) {
        const struct order *other = &set.orders[i];
        if (!uuid_equal(&other->id, &order->id) && rules_may_share(other) &&
            rules_same_recipient(order, other, call->arena))
            out->data[out->n_data++] = view_order(call->arena, other, NULL);
    }
    return STATUS_OK;
}

/* ---- what fulfillment asks ---- */

ORDERS_HANDLER(compare_recipients, CompareRecipientsRequest, CompareRecipientsResponse)
{
    struct order_set set;
    struct uuid *ids = ARENA_ARRAY(call->arena, in->n_order_ids + 1, struct uuid);
    if (in->n_order_ids == 0 || in->n_order_ids > MOST_COMPARED)
        return refuse(call, STATUS_INVALID, "out_of_range", "order_ids", "1 to 20 orders.");
    for (size_t i = 0; i < in->n_order_ids; i++)
        if (!uuid_parse(in->order_ids[i], &ids[i]))
            ids[i] = (struct uuid){{0}};
    TRY(store_orders_load_parts(call->db, call->arena, ids, in->n_order_ids, PART_LINES, &set));
    const struct order *first = store_orders_find(&set, &ids[0]);
    for (size_t i = 0; i < in->n_order_ids; i++) {
        const struct order *other = store_orders_find(&set, &ids[i]);
        if (first != NULL && other != NULL && rules_same_recipient(first, other, call->arena))
            continue;
        out->different_order_id = in->order_ids[i];
        return STATUS_OK;
    }
    out->is_same = true;
    return STATUS_OK;
}

/* ---- what fulfillment tells: a line of the timeline ---- */

typedef const char *words_fn(struct call *call);

static enum status note_each(struct batch *batch, const char *type, words_fn *words)
{
    struct order_set set;
    struct uuid *ids = ARENA_ARRAY(batch->arena, batch->count, struct uuid);
    for (size_t i = 0; i < batch->count; i++)
        if (!uuid_parse(batch->calls[i].event->key, &ids[i]))
            ids[i] = (struct uuid){{0}};
    TRY(store_orders_load(batch->db, batch->arena, ids, batch->count, &set));
    for (size_t i = 0; i < batch->count; i++) {
        struct call *call = &batch->calls[i];
        struct order *order = store_orders_find(&set, &ids[i]);
        struct act act = act_of(call);
        act.now_us = call->event->occurred_at_us;
        if (call->status == STATUS_OK && order != NULL)
            rules_note(order, &act, type, words(call));
    }
    for (size_t i = 0; i < set.count; i++)
        store_order_save(batch->db, &set.orders[i]);
    return STATUS_OK;
}

static const char *grouped_words(struct call *call)
{
    const OrderGrouped *event = (const OrderGrouped *)call->in;
    return arena_printf(call->arena, "%zu orders, shipment %s", event->n_order_ids,
                        event->shipment_id);
}

static const char *ungrouped_words(struct call *call)
{
    return ((const OrderUngrouped *)call->in)->reason;
}

enum status on_order_grouped(struct batch *batch)
{
    return note_each(batch, "shares_parcel", grouped_words);
}

enum status on_order_ungrouped(struct batch *batch)
{
    return note_each(batch, "parcel_taken_apart", ungrouped_words);
}
