/* A customer as the API shows them, and their orders. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "handlers_customers.h"

typedef Penstock__Orders__V1__CustomerAddress CustomerAddress;
typedef Penstock__Orders__V1__CustomerHistory CustomerHistory;
typedef Penstock__Orders__V1__CustomerSpend CustomerSpend;

#define RECENT_ORDERS 10
#define RECENT_ADDRESSES 3
#define LAST_US (INT64_C(253402300799) * 1000000)

/* ---- the row ---- */

static void view_tags(struct arena *arena, const char *lines, CustomerProfile *view)
{
    view->tags = ARENA_ARRAY(arena, CUSTOMER_MAX_TAGS, char *);
    while (lines[0] != '\0' && view->n_tags < CUSTOMER_MAX_TAGS) {
        size_t bytes = strcspn(lines, "\n");
        view->tags[view->n_tags++] = arena_strndup(arena, lines, bytes);
        lines += bytes + (lines[bytes] != '\0');
    }
}

CustomerProfile *view_customer_row(struct arena *arena, const struct customer *customer)
{
    CustomerProfile *view = ARENA_NEW(arena, CustomerProfile);
    penstock__orders__v1__customer_profile__init(view);
    view->id = wire_uuid(arena, &customer->id);
    view->name = wire_text(customer->name);
    view->email = wire_text(customer->email);
    view->phone = wire_text(customer->phone);
    view->locale = wire_text(customer->locale);
    view->accepts_marketing = customer->accepts_marketing;
    view->consented_at_us = customer->consented_at_us;
    view->note = wire_text(customer->note);
    view_tags(arena, customer->tags, view);
    view->version = customer->version;
    view->created_at_us = customer->created_at_us;
    view->updated_at_us = customer->updated_at_us;
    view->merged_into = wire_uuid(arena, &customer->merged_into);
    view->erasing_since_us = customer->erasing_since_us;
    view->erased_at_us = customer->erased_at_us;
    return view;
}

/* ---- orders ---- */

static bool read_cursor(const char *text, struct order_key *key)
{
    char *end;
    *key = (struct order_key){.placed_at_us = LAST_US};
    memset(key->order_id.bytes, 0xff, sizeof(key->order_id.bytes));
    if (text[0] == '\0')
        return true;
    key->placed_at_us = strtoll(text, &end, 16);
    return *end == '.' && key->placed_at_us > 0 && key->placed_at_us <= LAST_US &&
           uuid_parse(end + 1, &key->order_id);
}

enum status view_customer_orders(struct call *call, const struct uuid *ids, size_t count,
                                 const char *after, const char *field, int64_t limit,
                                 Order ***orders, size_t *shown, char **next)
{
    struct order_key before, *keys;
    struct order_set set;
    size_t found, bytes = 0;
    *next = wire_text("");
    if (!read_cursor(after, &before))
        return refuse(call, STATUS_INVALID, "invalid", field,
                      "This is what the page before answered.");
    TRY(store_customer_orders(call->db, ids, count, &before, limit + 1, &keys, &found));
    struct uuid *order_ids = ARENA_ARRAY(call->arena, found, struct uuid);
    for (size_t i = 0; i < found; i++)
        order_ids[i] = keys[i].order_id;
    TRY(store_orders_load_parts(call->db, call->arena, order_ids, found, PARTS_SHOWN, &set));
    *orders = ARENA_ARRAY(call->arena, found, Order *);
    *shown = 0;
    for (size_t i = 0; i < found; i++) {
        const struct order *order = store_orders_find(&set, &order_ids[i]);
        Order *view = order != NULL ? view_order(call->arena, order, NULL) : NULL;
        bytes += view != NULL ? protobuf_c_message_get_packed_size(&view->base) : 0;
        if (i > 0 && (i == (size_t)limit || bytes > PAGE_BYTES)) {
            *next =
                arena_printf(call->arena, "%llx.%s", (unsigned long long)keys[i - 1].placed_at_us,
                             wire_uuid(call->arena, &order_ids[i - 1]));
            return STATUS_OK;
        }
        if (view != NULL)
            (*orders)[(*shown)++] = view;
    }
    return STATUS_OK;
}

/* ---- addresses: what was kept, and where the last orders went ---- */

static CustomerAddress *view_address(struct arena *arena, const struct address_row *row)
{
    CustomerAddress *view = ARENA_NEW(arena, CustomerAddress);
    penstock__orders__v1__customer_address__init(view);
    view->id = wire_uuid(arena, &row->id);
    view->label = wire_text(row->label);
    view->address = (Address *)(void *)protobuf_c_message_unpack(
        &penstock__common__v1__address__descriptor, arena_protobuf(arena), row->address.count,
        row->address.bytes);
    return view;
}

static bool is_same_address(const Address *a, const Address *b)
{
    return strcmp(a->name, b->name) == 0 && strcmp(a->address1, b->address1) == 0 &&
           strcmp(a->address2, b->address2) == 0 && strcmp(a->city, b->city) == 0 &&
           strcmp(a->postcode, b->postcode) == 0 && strcmp(a->phone, b->phone) == 0;
}

static bool has_address(const CustomerProfile *view, const Address *address)
{
    for (size_t i = 0; i < view->n_addresses; i++) {
        if (view->addresses[i]->address != NULL &&
            is_same_address(view->addresses[i]->address, address))
            return true;
    }
    return false;
}

static enum status view_addresses(struct call *call, const struct uuid *ids, size_t count,
                                  CustomerProfile *view)
{
    struct address_row *rows;
    Order **orders;
    size_t found, recent, kept;
    char *next;
    TRY(store_customer_addresses(call->db, ids, count, &rows, &found));
    TRY(view_customer_orders(call, ids, count, "", "", RECENT_ORDERS, &orders, &recent, &next));
    view->addresses = ARENA_ARRAY(call->arena, found + recent, CustomerAddress *);
    for (size_t i = 0; i < found; i++)
        view->addresses[view->n_addresses++] = view_address(call->arena, &rows[i]);
    kept = view->n_addresses;
    for (size_t i = 0; i < recent && view->n_addresses < kept + RECENT_ADDRESSES; i++) {
        Address *address = orders[i]->shipping_address;
        if (address == NULL || has_address(view, address))
            continue;
        CustomerAddress *used = ARENA_NEW(call->arena, CustomerAddress);
        penstock__orders__v1__customer_address__init(used);
        used->address = address;
        view->addresses[view->n_addresses++] = used;
    }
    return STATUS_OK;
}

/* ---- history ---- */

static CustomerSpend *view_spend(struct arena *arena, const struct history_row *row)
{
    CustomerSpend *spend = ARENA_NEW(arena, CustomerSpend);
    penstock__orders__v1__customer_spend__init(spend);
    spend->ordered = wire_money(arena, row->ordered, arena_strdup(arena, row->currency));
    spend->paid = wire_money(arena, row->paid, spend->ordered->currency);
    spend->orders = row->orders;
    return spend;
}

static enum status view_history(struct call *call, const struct uuid *ids, size_t count,
                                const struct customer *customer, CustomerProfile *view)
{
    struct history_row *rows;
    size_t found;
    TRY(store_customer_history(call->db, ids, count, &rows, &found));
    CustomerHistory *history = ARENA_NEW(call->arena, CustomerHistory);
    penstock__orders__v1__customer_history__init(history);
    history->spend = ARENA_ARRAY(call->arena, found, CustomerSpend *);
    for (size_t i = 0; i < found; i++) {
        history->orders += rows[i].orders;
        history->cancelled_orders += rows[i].cancelled_orders;
        history->returned_orders += rows[i].returned_orders;
        history->cod_refusals += rows[i].cod_refusals;
        if (i == 0 || rows[i].first_at_us < history->first_order_at_us)
            history->first_order_at_us = rows[i].first_at_us;
        if (rows[i].last_at_us > history->last_order_at_us)
            history->last_order_at_us = rows[i].last_at_us;
        history->spend[history->n_spend++] = view_spend(call->arena, &rows[i]);
    }
    history->merged = ARENA_ARRAY(call->arena, count, char *);
    for (size_t i = 0; i < count; i++) {
        if (!uuid_equal(&ids[i], &customer->id))
            history->merged[history->n_merged++] = wire_uuid(call->arena, &ids[i]);
    }
    view->history = history;
    return STATUS_OK;
}

enum status view_customer_whole(struct call *call, const struct customer *customer,
                                CustomerProfile **view)
{
    struct uuid *ids;
    size_t count;
    *view = view_customer_row(call->arena, customer);
    TRY(store_customer_family(call->db, &customer->id, &ids, &count));
    TRY(view_addresses(call, ids, count, *view));
    return view_history(call, ids, count, customer, *view);
}

enum status view_order_customers(struct call *call, Order **orders, size_t count)
{
    struct uuid *ids = ARENA_ARRAY(call->arena, count + 1, struct uuid);
    struct order_owner *owners;
    size_t found, known = 0;
    for (size_t i = 0; i < count; i++)
        known += uuid_parse(orders[i]->id, &ids[known]);
    if (known == 0)
        return STATUS_OK;
    TRY(store_customers_of_orders(call->db, ids, known, &owners, &found));
    for (size_t i = 0; i < found; i++) {
        const char *order_id = wire_uuid(call->arena, &owners[i].order_id);
        for (size_t k = 0; k < count; k++) {
            if (strcmp(orders[k]->id, order_id) == 0)
                orders[k]->customer_id = wire_uuid(call->arena, &owners[i].customer_id);
        }
    }
    return STATUS_OK;
}

/* ---- answers that are kept ---- */

static CustomerProfile **profile_in(ProtobufCMessage *out)
{
    return (void *)((char *)out + out->descriptor->fields[0].offset);
}

void strip_customer(ProtobufCMessage *out, struct arena *arena)
{
    CustomerProfile **view = profile_in(out);
    if (*view == NULL)
        return;
    char *id = (*view)->id;
    *view = ARENA_NEW(arena, CustomerProfile);
    penstock__orders__v1__customer_profile__init(*view);
    (*view)->id = id;
}

enum status render_customer(struct call *call, const ProtobufCMessage *in, ProtobufCMessage *out)
{
    CustomerProfile **view = profile_in(out);
    struct uuid id;
    struct customer *customer;
    (void)in;
    if (*view == NULL || !uuid_parse((*view)->id, &id))
        return STATUS_INTERNAL;
    TRY(store_customer_load(call->db, &id, &customer));
    return view_customer_whole(call, customer, view);
}
