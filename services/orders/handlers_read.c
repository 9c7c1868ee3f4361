/* Reading: one order, lists of them, the timeline of one, and whom to write to. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "handlers.h"
#include "timeline.h"

typedef Penstock__Orders__V1__GetOrderRequest GetOrderRequest;
typedef Penstock__Orders__V1__GetOrderResponse GetOrderResponse;
typedef Penstock__Orders__V1__ListOrdersRequest ListOrdersRequest;
typedef Penstock__Orders__V1__ListOrdersResponse ListOrdersResponse;
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
#define LAST_US (INT64_C(253402300799) * 1000000) /* the end of the year 9999 */

ORDERS_HANDLER(get_order, GetOrderRequest, GetOrderResponse)
{
    struct order *order;
    TRY(load_order(call, in->id, "id", &order));
    out->order = view_order(call->arena, order, NULL);
    return STATUS_OK;
}

/* ---- cursors ---- */

#define CURSOR_BYTES (16 + 32 + 1)

static char *cursor_text(struct arena *arena, const struct order_key *key)
{
    char *text = arena_alloc(arena, CURSOR_BYTES);
    snprintf(text, CURSOR_BYTES, "%016llx", (unsigned long long)key->placed_at_us);
    for (size_t i = 0; i < sizeof(key->order_id.bytes); i++)
        snprintf(text + 16 + 2 * i, 3, "%02x", key->order_id.bytes[i]);
    return text;
}

static bool hex_value(const char *text, size_t digits, uint64_t *value)
{
    *value = 0;
    for (size_t i = 0; i < digits; i++) {
        const char *hex = "0123456789abcdef";
        const char *at = text[i] != '\0' ? strchr(hex, text[i]) : NULL;
        if (at == NULL)
            return false;
        *value = *value << 4 | (uint64_t)(at - hex);
    }
    return true;
}

static bool cursor_read(const char *text, struct order_key *key)
{
    uint64_t value;
    if (strlen(text) != CURSOR_BYTES - 1 || !hex_value(text, 16, &value))
        return false;
    key->placed_at_us = (int64_t)value;
    for (size_t i = 0; i < sizeof(key->order_id.bytes); i++) {
        if (!hex_value(text + 16 + 2 * i, 2, &value))
            return false;
        key->order_id.bytes[i] = (uint8_t)value;
    }
    return key->placed_at_us > 0 && key->placed_at_us <= LAST_US && !uuid_is_nil(&key->order_id);
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

/* ---- what a list asks for ---- */

static char *lower(struct arena *arena, const char *text)
{
    char *copy = arena_strdup(arena, text);
    for (char *s = copy; *s != '\0'; s++) {
        if (*s >= 'A' && *s <= 'Z')
            *s = (char)(*s - 'A' + 'a');
    }
    return copy;
}

static char *digits_of(struct arena *arena, const char *text)
{
    char *digits = arena_alloc(arena, strlen(text) + 1), *to = digits;
    for (const char *s = text; *s != '\0'; s++) {
        if (*s >= '0' && *s <= '9')
            *to++ = *s;
    }
    return digits;
}

/* A customer is named by e-mail, telephone or id: what it looks like decides where it is looked
 * for. */
static void read_terms(struct call *call, const ListOrdersRequest *in, struct order_filter *filter)
{
    const char **terms = ARENA_ARRAY(call->arena, 3, const char *);
    size_t count = 0;
    if (strchr(in->customer, '@') != NULL) {
        terms[count++] = arena_printf(call->arena, "e:%s", lower(call->arena, in->customer));
    } else if (in->customer[0] != '\0') {
        const char *digits = digits_of(call->arena, in->customer);
        terms[count++] = arena_printf(call->arena, "c:%s", in->customer);
        if (strlen(digits) >= 5 && strspn(in->customer, "+0123456789 -().") == strlen(in->customer))
            terms[count++] = arena_printf(call->arena, "p:%s", digits);
    }
    if (in->sku[0] != '\0' && count == 0)
        terms[count++] = arena_printf(call->arena, "s:%s", in->sku);
    else if (in->sku[0] != '\0')
        filter->sku = in->sku;
    filter->terms = terms;
    filter->term_count = count;
}

static bool check_list(const ListOrdersRequest *in, struct refusal *no)
{
    if ((int)in->status < 0 || (int)in->status > ORDER_EXPIRED)
        return rules_refuse(no, STATUS_INVALID, "invalid", "This status is not known.", "%s",
                            "status");
    if ((int)in->payment_status < 0 || (int)in->payment_status > PAYMENT_VOIDED)
        return rules_refuse(no, STATUS_INVALID, "invalid", "This status is not known.", "%s",
                            "payment_status");
    if ((int)in->fulfillment_status < 0 || (int)in->fulfillment_status > FULFILLMENT_NOT_REQUIRED)
        return rules_refuse(no, STATUS_INVALID, "invalid", "This status is not known.", "%s",
                            "fulfillment_status");
    return rules_check_text(in->channel, 64, no, "channel") &&
           rules_check_text(in->number, 64, no, "number") &&
           rules_check_text(in->external_id, 128, no, "external_id") &&
           rules_check_text(in->customer, 254, no, "customer") &&
           rules_check_text(in->sku, 64, no, "sku");
}

/* What a key is compared with that is newer than any order. */
static struct order_key newest_key(int64_t placed_before_us)
{
    struct order_key key = {.placed_at_us = placed_before_us};
    if (placed_before_us > 0 && placed_before_us < LAST_US) {
        key.order_id.bytes[15] = 1; /* no id is smaller, and the nil id would be NULL */
        return key;
    }
    key.placed_at_us = LAST_US;
    memset(key.order_id.bytes, 0xff, sizeof(key.order_id.bytes));
    return key;
}

static enum status read_filter(struct call *call, const ListOrdersRequest *in,
                               struct order_filter *filter)
{
    struct refusal no;
    struct order_key cursor;
    *filter = (struct order_filter){
        .channel = in->channel[0] != '\0' ? in->channel : NULL,
        .status = (enum order_status)in->status,
        .payment_status = (int)in->payment_status,
        .fulfillment_status = (int)in->fulfillment_status,
        .before = newest_key(in->placed_before_us),
        .placed_after_us = in->placed_after_us,
    };
    if (!check_list(in, &no))
        return refuse_by(call, &no);
    if (!read_limit(in->limit, &filter->limit))
        return refuse_limit(call);
    if (in->cursor[0] != '\0') {
        if (!cursor_read(in->cursor, &cursor))
            return refuse(call, STATUS_INVALID, "invalid", "cursor",
                          "A cursor is the next_cursor of the page before.");
        if (cursor.placed_at_us < filter->before.placed_at_us)
            filter->before = cursor;
    }
    read_terms(call, in, filter);
    return STATUS_OK;
}

/* ---- what a list answers ---- */

static bool has_sku(const struct order *order, const char *sku)
{
    for (size_t i = 0; i < order->line_count; i++) {
        if (strcmp(order->lines[i].sku, sku) == 0)
            return true;
    }
    return false;
}

static bool has_customer(struct arena *arena, const struct order *order, const char *customer)
{
    const char *digits = digits_of(arena, customer);
    return strcmp(order->customer_id, customer) == 0 ||
           strcmp(order->customer_external_id, customer) == 0 ||
           strcmp(lower(arena, order->email), lower(arena, customer)) == 0 ||
           (strlen(digits) >= 5 && strcmp(digits_of(arena, order->phone), digits) == 0);
}

/* What was found is compared with what was asked: a term of the search may be older than the
 * order's last change, and an order found by its number may be another channel's. */
static bool matches(struct arena *arena, const struct order *order, const ListOrdersRequest *in)
{
    return (in->channel[0] == '\0' || strcmp(order->channel, in->channel) == 0) &&
           (in->number[0] == '\0' || strcmp(order->number, in->number) == 0) &&
           (in->external_id[0] == '\0' || strcmp(order->external_id, in->external_id) == 0) &&
           ((int)in->status == 0 || (int)order->status == (int)in->status) &&
           ((int)in->payment_status == 0 ||
            (int)order->payment_status == (int)in->payment_status) &&
           ((int)in->fulfillment_status == 0 ||
            (int)order->fulfillment_status == (int)in->fulfillment_status) &&
           (in->placed_after_us <= 0 || order->placed_at_us >= in->placed_after_us) &&
           (in->placed_before_us <= 0 || order->placed_at_us < in->placed_before_us) &&
           (in->sku[0] == '\0' || has_sku(order, in->sku)) &&
           (in->customer[0] == '\0' || has_customer(arena, order, in->customer));
}

/* Shows the orders of the keys; false when the page is full before the last of them: *shown says
 * how many keys it got to. */
static bool show(struct call *call, const ListOrdersRequest *in, const struct order_set *set,
                 const struct uuid *ids, size_t count, ListOrdersResponse *out, size_t *shown)
{
    size_t bytes = 0;
    out->data = ARENA_ARRAY(call->arena, count, Order *);
    for (*shown = 0; *shown < count; (*shown)++) {
        const struct order *order = store_orders_find(set, &ids[*shown]);
        if (order == NULL || !matches(call->arena, order, in))
            continue;
        Order *view = view_order(call->arena, order, NULL);
        bytes += protobuf_c_message_get_packed_size(&view->base);
        if (bytes > MAX_PAGE_BYTES && out->n_data > 0)
            return false;
        out->data[out->n_data++] = view;
    }
    return true;
}

/* By number or external id: a few at most, from tables of their own, never stale. */
static enum status list_known(struct call *call, const ListOrdersRequest *in,
                              ListOrdersResponse *out)
{
    struct uuid one, *ids = &one;
    size_t count = 1, shown;
    struct order_set set;
    if (in->number[0] != '\0') {
        enum status status = store_order_resolve(call->db, in->number, &one);
        if (status != STATUS_OK)
            return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    } else {
        const char *channel = in->channel[0] != '\0' ? in->channel : NULL;
        TRY(store_orders_by_external(call->db, channel, in->external_id, &ids, &count));
    }
    TRY(store_orders_load_parts(call->db, call->arena, ids, count, PARTS_SHOWN, &set));
    show(call, in, &set, ids, count, out, &shown);
    return STATUS_OK;
}

ORDERS_HANDLER(list_orders, ListOrdersRequest, ListOrdersResponse)
{
    struct order_filter filter;
    struct order_key *keys;
    struct order_set set;
    size_t found, shown;
    int64_t lag = 0;
    TRY(read_filter(call, in, &filter));
    if (in->number[0] != '\0' || in->external_id[0] != '\0')
        return list_known(call, in, out);
    int64_t limit = filter.limit++; /* one more tells whether there is a next page */
    TRY(store_orders_list(call->db, &filter, &keys, &found));
    size_t count = found > (size_t)limit ? (size_t)limit : found;
    struct uuid *ids = ARENA_ARRAY(call->arena, count, struct uuid);
    for (size_t i = 0; i < count; i++)
        ids[i] = keys[i].order_id;
    TRY(store_orders_load_parts(call->db, call->arena, ids, count, PARTS_SHOWN, &set));
    bool is_whole = show(call, in, &set, ids, count, out, &shown);
    if ((!is_whole || found > count) && shown > 0)
        out->next_cursor = cursor_text(call->arena, &keys[shown - 1]);
    if (filter.term_count > 0)
        TRY(store_search_lag(call->db, &lag));
    out->stale = lag > 0;
    return STATUS_OK;
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
        if (!uuid_parse(in->order_ids[i], &ids[i]))
            return refuse(call, STATUS_INVALID, "invalid", "order_ids", "An id is a UUID.");
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
