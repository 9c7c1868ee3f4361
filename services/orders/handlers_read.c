/* Reading: one order, the timeline of one, and whom to write to. Lists are in handlers_list.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "handlers_edit.h"
#include "store_tags.h"
#include "timeline.h"

typedef Penstock__Orders__V1__GetOrderRequest GetOrderRequest;
typedef Penstock__Orders__V1__GetOrderResponse GetOrderResponse;
typedef Penstock__Orders__V1__GetTimelineRequest GetTimelineRequest;
typedef Penstock__Orders__V1__GetTimelineResponse GetTimelineResponse;
typedef Penstock__Orders__V1__TimelineEntry TimelineEntry;
typedef Penstock__Orders__V1__GetContactsRequest GetContactsRequest;
typedef Penstock__Orders__V1__GetContactsResponse GetContactsResponse;
typedef Penstock__Orders__V1__Contact Contact;

#define DEFAULT_LIMIT 50
#define MAX_LIMIT 200
#define MAX_CONTACTS 200
/* Below the bus's megabyte, so that a page of huge orders is a short page and no failure. */
#define MAX_PAGE_BYTES ((size_t)900 << 10)

ORDERS_HANDLER(get_order, GetOrderRequest, GetOrderResponse)
{
    struct order *order;
    TRY(load_order(call, in->id, "id", &order));
    out->order = view_order(call->arena, order, NULL);
    TRY(view_order_customers(call, &out->order, 1));
    return store_tags_show(call->db, call->arena, &order->id, 1, &out->order, 1);
}

static bool read_limit(int32_t asked, int64_t *limit)
{
    *limit = asked == 0 ? DEFAULT_LIMIT : asked;
    return *limit >= 1 && *limit <= MAX_LIMIT;
}

static enum status refuse_limit(struct call *call)
{
    return refuse(call, STATUS_INVALID, "out_of_range", "limit", "A limit is from 1 to 200.");
}

/* ---- timeline ---- */

static TimelineEntry *entry_of(struct arena *arena, const struct change *change)
{
    TimelineEntry *entry = ARENA_NEW(arena, TimelineEntry);
    penstock__orders__v1__timeline_entry__init(entry);
    entry->position = change->version;
    entry->occurred_at_us = change->occurred_at_us;
    entry->type = wire_text(change->type);
    entry->actor = wire_text(change->actor);
    entry->source = wire_text(change->source);
    entry->summary = wire_text(timeline_sentence(arena, change));
    return entry;
}

ORDERS_HANDLER(get_timeline, GetTimelineRequest, GetTimelineResponse)
{
    struct order *order;
    struct change *changes, placed;
    size_t count;
    int64_t limit;
    char *end;
    long long after = strtoll(in->cursor, &end, 10);
    if (*end != '\0' || after < 0)
        return refuse(call, STATUS_INVALID, "invalid", "cursor",
                      "A cursor is the next_cursor of the page before.");
    if (!read_limit(in->limit, &limit))
        return refuse_limit(call);
    TRY(load_order(call, in->id, "id", &order));
    TRY(store_timeline_page(call->db, &order->id, after, limit + 1, &changes, &count));
    out->data = ARENA_ARRAY(call->arena, count + 1, TimelineEntry *);
    placed = timeline_of_placing(call->arena, order);
    if (after == 0)
        out->data[out->n_data++] = entry_of(call->arena, &placed);
    for (size_t i = 0; i < count && out->n_data < (size_t)limit; i++)
        out->data[out->n_data++] = entry_of(call->arena, &changes[i]);
    TRY(tell_changes(call, &order->id, out->data, out->n_data));
    size_t all = count + (after == 0);
    if (all > out->n_data)
        out->next_cursor =
            arena_printf(call->arena, "%lld", (long long)out->data[out->n_data - 1]->position);
    return STATUS_OK;
}

/* ---- contacts ---- */

static Contact *contact_of(struct arena *arena, const struct order *order)
{
    Contact *contact = ARENA_NEW(arena, Contact);
    penstock__orders__v1__contact__init(contact);
    contact->order = view_order(arena, order, NULL);
    contact->order_id = contact->order->id;
    contact->number = contact->order->number;
    contact->channel = contact->order->channel;
    contact->locale = contact->order->locale;
    contact->customer = contact->order->customer;
    contact->shipping_address = contact->order->shipping_address;
    contact->is_erased = contact->order->is_erased;
    return contact;
}

/* In the order in which they were asked for; fewer than asked for when they fill the answer. */
ORDERS_HANDLER(get_contacts, GetContactsRequest, GetContactsResponse)
{
    struct order_set set;
    struct uuid *ids = ARENA_ARRAY(call->arena, in->n_order_ids, struct uuid);
    size_t bytes = 0;
    if (in->n_order_ids > MAX_CONTACTS)
        return refuse(call, STATUS_INVALID, "too_many", "order_ids",
                      "At most 200 orders are asked about at a time.");
    for (size_t i = 0; i < in->n_order_ids; i++) {
        enum status status = STATUS_OK;
        if (!uuid_parse(in->order_ids[i], &ids[i]))
            status = store_order_resolve(call->db, in->order_ids[i], &ids[i]);
        if (status == STATUS_NOT_FOUND)
            ids[i] = (struct uuid){{0}};
        else
            TRY(status);
    }
    TRY(store_orders_load_parts(call->db, call->arena, ids, in->n_order_ids, PARTS_OF_A_LETTER,
                                &set));
    out->contacts = ARENA_ARRAY(call->arena, in->n_order_ids, Contact *);
    for (size_t i = 0; i < in->n_order_ids; i++) {
        const struct order *order = store_orders_find(&set, &ids[i]);
        if (order == NULL)
            continue;
        Contact *contact = contact_of(call->arena, order);
        bytes += protobuf_c_message_get_packed_size(&contact->base);
        if (bytes > MAX_PAGE_BYTES && out->n_contacts > 0)
            break;
        out->contacts[out->n_contacts++] = contact;
    }
    return add_links(call, ids, in->n_order_ids, out);
}
