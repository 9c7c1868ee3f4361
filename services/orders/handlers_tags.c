/* Tags of orders: put on and taken off, and counted. */
#include <string.h>

#include "handlers.h"
#include "handlers_tags.h"
#include "penstock/orders/v1/search.pb-c.h"
#include "store_tags.h"

typedef Penstock__Orders__V1__TagOrderRequest TagOrderRequest;
typedef Penstock__Orders__V1__TagOrderResponse TagOrderResponse;
typedef Penstock__Orders__V1__ListTagsRequest ListTagsRequest;
typedef Penstock__Orders__V1__ListTagsResponse ListTagsResponse;
typedef Penstock__Orders__V1__TagCount TagCount;

static char **wire_texts(struct arena *arena, const char *const *texts, size_t count)
{
    char **list = ARENA_ARRAY(arena, count, char *);
    for (size_t i = 0; i < count; i++)
        list[i] = wire_text(texts[i]);
    return list;
}

static enum status emit_tagged(struct call *call, const struct order *order,
                               const struct tag_change *change)
{
    Penstock__Orders__V1__OrderTagged event;
    penstock__orders__v1__order_tagged__init(&event);
    event.order_id = wire_uuid(call->arena, &order->id);
    event.n_added = change->added_count;
    event.added = wire_texts(call->arena, change->added, change->added_count);
    event.n_removed = change->removed_count;
    event.removed = wire_texts(call->arena, change->removed, change->removed_count);
    call_log_order(call, "orders.tagged", "Tags of the order changed", event.order_id);
    return emit(call, event.order_id, &event.base);
}

enum status tag_write(struct call *call, struct order *order, const struct tag_change *change)
{
    for (size_t i = 0; i < change->added_count; i++)
        store_tag_add(call->db, order, change->added[i]);
    for (size_t i = 0; i < change->removed_count; i++)
        store_tag_remove(call->db, order, change->removed[i]);
    if (change->added_count + change->removed_count == 0)
        return STATUS_OK;
    store_order_save(call->db, order);
    return emit_tagged(call, order, change);
}

ORDERS_HANDLER(tag_order, TagOrderRequest, TagOrderResponse)
{
    struct order *order;
    struct tag_row *rows;
    struct tag_change change;
    struct refusal no;
    struct act act = act_of(call);
    size_t count;
    if (!rules_check_tags(in->add, in->n_add, "add", &no) ||
        !rules_check_tags(in->remove, in->n_remove, "remove", &no))
        return refuse_by(call, &no);
    TRY(load_order(call, in->id, "id", &order));
    TRY(store_tags_load(call->db, &order->id, 1, &rows, &count));
    const char **tags = ARENA_ARRAY(call->arena, count, const char *);
    for (size_t i = 0; i < count; i++)
        tags[i] = rows[i].word;
    if (!rules_tag(order, &act, tags, count, in->add, in->n_add, in->remove, in->n_remove, &change,
                   &no))
        return refuse_by(call, &no);
    TRY(tag_write(call, order, &change));
    for (size_t i = 0; i < change.added_count; i++)
        store_tag_count_add(call->db, change.added[i], 1);
    for (size_t i = 0; i < change.removed_count; i++)
        store_tag_count_add(call->db, change.removed[i], -1);
    out->order = view_order(call->arena, order, NULL);
    return store_tags_show(call->db, call->arena, &order->id, 1, &out->order, 1);
}

ORDERS_HANDLER(list_tags, ListTagsRequest, ListTagsResponse)
{
    struct tag_count *rows;
    size_t count, limit = in->limit == 0 ? 200 : (size_t)in->limit;
    if (in->limit < 0 || in->limit > 1000)
        return refuse(call, STATUS_INVALID, "out_of_range", "limit", "A limit is from 1 to 1000.");
    TRY(store_tag_counts(call->db, in->cursor, limit + 1, &rows, &count));
    out->data = ARENA_ARRAY(call->arena, count, TagCount *);
    for (size_t i = 0; i < count && i < limit; i++) {
        TagCount *it = ARENA_NEW(call->arena, TagCount);
        penstock__orders__v1__tag_count__init(it);
        it->tag = wire_text(rows[i].tag);
        it->orders = rows[i].orders;
        out->data[out->n_data++] = it;
    }
    if (count > limit)
        out->next_cursor = out->data[limit - 1]->tag;
    return STATUS_OK;
}
