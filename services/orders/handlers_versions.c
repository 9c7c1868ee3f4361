/* The versions of an order: kept, listed, compared. */
#include <stdlib.h>
#include <string.h>

#include "handlers_edit.h"

typedef Penstock__Orders__V1__ListVersionsRequest ListVersionsRequest;
typedef Penstock__Orders__V1__ListVersionsResponse ListVersionsResponse;
typedef Penstock__Orders__V1__GetVersionRequest GetVersionRequest;
typedef Penstock__Orders__V1__GetVersionResponse GetVersionResponse;
typedef Penstock__Orders__V1__TimelineEntry TimelineEntry;

#define DEFAULT_LIMIT 50
#define MAX_LIMIT 200

/* ---- keeping ---- */

static struct db_bytea pack(struct arena *arena, const ProtobufCMessage *message)
{
    size_t bytes = protobuf_c_message_get_packed_size(message);
    uint8_t *packed = arena_alloc(arena, bytes + 1);
    protobuf_c_message_pack(message, packed);
    return (struct db_bytea){packed, bytes};
}

/* States, money and people have histories of their own. */
static void forget_states(Order *order)
{
    order->customer = NULL;
    order->n_payments = order->n_refunds = order->n_holds = 0;
    order->status = 0;
    order->payment_status = 0;
    order->fulfillment_status = 0;
    order->return_status = 0;
    for (size_t i = 0; i < order->n_lines; i++) {
        OrderLine *line = order->lines[i];
        line->open = line->fulfilled = line->unallocated = line->backordered = 0;
        line->preordered = line->reserved = line->picked = line->packed = line->returned = 0;
    }
}

static void put_version(struct call *call, const struct version_row *head, const Order *shown)
{
    Order content = *shown;
    OrderDetails contact;
    struct version_row row = *head;
    penstock__orders__v1__order_details__init(&contact);
    contact.shipping_address = content.shipping_address;
    contact.billing_address = content.billing_address;
    contact.note = content.note;
    contact.shipping_remark = content.shipping_remark;
    content.shipping_address = content.billing_address = NULL;
    content.note = content.shipping_remark = wire_text("");
    row.content = pack(call->arena, &content.base);
    row.contact = pack(call->arena, &contact.base);
    store_version_add(call->db, &row);
}

Order *version_before(struct call *call, const struct order *order)
{
    Order *shown = view_order(call->arena, order, NULL);
    forget_states(shown);
    return shown;
}

void keep_versions(struct call *call, const struct order *order, const Order *before,
                   const char *kind, const char *reason)
{
    const struct version_row placed = {.order_id = order->id,
                                       .version = 1,
                                       .made_at_us = order->created_at_us,
                                       .kind = VERSION_PLACED,
                                       .actor = order->created_by,
                                       .reason = ""};
    const struct version_row now = {.order_id = order->id,
                                    .version = order->version,
                                    .made_at_us = call->now_us,
                                    .kind = kind,
                                    .actor = call->actor,
                                    .reason = reason};
    put_version(call, &placed, before);
    put_version(call, &now, version_before(call, order));
}

/* ---- reading ---- */

static Order *open_version(struct arena *arena, const struct version_row *row)
{
    Order *order = (Order *)(void *)protobuf_c_message_unpack(
        &penstock__orders__v1__order__descriptor, arena_protobuf(arena), row->content.count,
        row->content.bytes);
    OrderDetails *contact = (OrderDetails *)(void *)protobuf_c_message_unpack(
        &penstock__orders__v1__order_details__descriptor, arena_protobuf(arena), row->contact.count,
        row->contact.bytes);
    if (order == NULL || contact == NULL)
        return NULL;
    order->shipping_address = contact->shipping_address;
    order->billing_address = contact->billing_address;
    order->note = contact->note;
    order->shipping_remark = contact->shipping_remark;
    return order;
}

/* A read version and the one before it, which may be none. */
static OrderVersion *view_version(struct arena *arena, const struct version_row *row,
                                  const Order *before)
{
    OrderVersion *out = ARENA_NEW(arena, OrderVersion);
    penstock__orders__v1__order_version__init(out);
    out->version = row->version;
    out->made_at_us = row->made_at_us;
    out->kind = wire_text(row->kind);
    out->actor = wire_text(row->actor);
    out->reason = wire_text(row->reason);
    out->order = open_version(arena, row);
    if (out->order == NULL)
        return NULL;
    out->total = out->order->total;
    if (before != NULL) {
        struct changes changes = rules_edit_diff(before, out->order, arena);
        out->changes = changes.list;
        out->n_changes = changes.count;
    }
    return out;
}

/* An order that nobody has changed is its own and only version. */
static OrderVersion *only_version(struct call *call, const struct order *order)
{
    OrderVersion *out = ARENA_NEW(call->arena, OrderVersion);
    penstock__orders__v1__order_version__init(out);
    out->version = 1;
    out->made_at_us = order->created_at_us;
    out->kind = wire_text(VERSION_PLACED);
    out->actor = wire_text(order->created_by);
    out->order = version_before(call, order);
    out->order->version = 1;
    out->total = out->order->total;
    return out;
}

static bool read_limit(int32_t asked, int64_t *limit)
{
    *limit = asked == 0 ? DEFAULT_LIMIT : asked;
    return *limit >= 1 && *limit <= MAX_LIMIT;
}

static enum status list_rows(struct call *call, const struct version_row *rows, size_t count,
                             size_t limit, ListVersionsResponse *out)
{
    out->data = ARENA_ARRAY(call->arena, count + 1, OrderVersion *);
    for (size_t i = 0; i < count && i < limit; i++) {
        const Order *before = i + 1 < count ? open_version(call->arena, &rows[i + 1]) : NULL;
        OrderVersion *version = view_version(call->arena, &rows[i], before);
        if (version == NULL)
            return STATUS_INTERNAL;
        version->order = NULL;
        out->data[out->n_data++] = version;
    }
    if (count > limit)
        out->next_cursor = arena_printf(call->arena, "%lld", (long long)rows[limit - 1].version);
    return STATUS_OK;
}

ORDERS_HANDLER(list_versions, ListVersionsRequest, ListVersionsResponse)
{
    struct order *order;
    struct version_row *rows;
    size_t count;
    int64_t limit;
    char *end;
    long long before = strtoll(in->cursor, &end, 10);
    if (*end != '\0' || before < 0 || (in->cursor[0] != '\0' && before == 0))
        return refuse(call, STATUS_INVALID, "invalid", "cursor",
                      "A cursor is the next_cursor of the page before.");
    if (!read_limit(in->limit, &limit))
        return refuse(call, STATUS_INVALID, "out_of_range", "limit",
                      "A page has from 1 to 200 entries.");
    TRY(load_order(call, in->id, "id", &order));
    TRY(store_versions_page(call->db, &order->id, before > 0 ? before - 1 : INT64_MAX, limit + 1,
                            &rows, &count));
    if (count == 0 && before == 0) {
        out->data = ARENA_ARRAY(call->arena, 1, OrderVersion *);
        out->data[out->n_data++] = only_version(call, order);
        out->data[0]->order = NULL;
        return STATUS_OK;
    }
    return list_rows(call, rows, count, (size_t)limit, out);
}

static enum status refuse_version(struct call *call, const char *field)
{
    return refuse(call, STATUS_NOT_FOUND, "not_found", field, "The order has no such version.");
}

/* The version that was in force when the order had that one. */
static enum status load_version(struct call *call, const struct order *order, int64_t version,
                                const char *field, struct version_row **row)
{
    size_t count;
    if (version < 1 || version > order->version)
        return refuse_version(call, field);
    TRY(store_versions_page(call->db, &order->id, version, 1, row, &count));
    if (count == 0)
        *row = NULL;
    return STATUS_OK;
}

ORDERS_HANDLER(get_version, GetVersionRequest, GetVersionResponse)
{
    struct order *order;
    struct version_row *row, *before = NULL;
    char *end;
    long long version = strtoll(in->version, &end, 10);
    TRY(load_order(call, in->id, "id", &order));
    if (*end != '\0')
        return refuse_version(call, "version");
    TRY(load_version(call, order, version, "version", &row));
    if (row == NULL) {
        out->version = only_version(call, order);
        return STATUS_OK;
    }
    if (in->against != 0)
        TRY(load_version(call, order, in->against, "against", &before));
    else if (row->version > 1)
        TRY(load_version(call, order, row->version - 1, "version", &before));
    const Order *was = before != NULL ? open_version(call->arena, before) : NULL;
    out->version = view_version(call->arena, row, was);
    return out->version != NULL ? STATUS_OK : STATUS_INTERNAL;
}

/* ---- what changed ---- */

/* What was cancelled meanwhile is no edit: quantities are compared as they were agreed. */
static void forget_cancelled(Order *order)
{
    for (size_t i = 0; i < order->n_lines; i++)
        order->lines[i]->cancelled = 0;
}

enum status changes_since(struct call *call, const struct order *order, int64_t version,
                          struct changes *changes)
{
    struct version_row *newest, *then;
    size_t count;
    *changes = (struct changes){0};
    TRY(store_versions_page(call->db, &order->id, order->version, 1, &newest, &count));
    if (count == 0 || newest->version <= version)
        return STATUS_OK;
    TRY(store_versions_page(call->db, &order->id, version, 1, &then, &count));
    if (count == 0)
        return STATUS_OK;
    Order *before = open_version(call->arena, then), *after = version_before(call, order);
    if (before == NULL)
        return STATUS_INTERNAL;
    forget_cancelled(before);
    forget_cancelled(after);
    *changes = rules_edit_diff(before, after, call->arena);
    return STATUS_OK;
}

/* Newest first, as they were read; the one before an entry's is its "before". */
static enum status tell_entry(struct call *call, const struct version_row *rows, size_t count,
                              TimelineEntry *entry)
{
    for (size_t i = 0; i + 1 < count; i++) {
        if (rows[i].version != entry->position)
            continue;
        const Order *before = open_version(call->arena, &rows[i + 1]);
        const OrderVersion *version = view_version(call->arena, &rows[i], before);
        if (before == NULL || version == NULL)
            return STATUS_INTERNAL;
        entry->changes = version->changes;
        entry->n_changes = version->n_changes;
    }
    return STATUS_OK;
}

static bool has_changes(const TimelineEntry *entry)
{
    return strcmp(entry->type, "order_edited") == 0 || strcmp(entry->type, "order_changed") == 0;
}

enum status tell_changes(struct call *call, const struct uuid *order_id, TimelineEntry **entries,
                         size_t count)
{
    struct version_row *rows;
    size_t nrows;
    int64_t first = INT64_MAX, last = 0;
    for (size_t i = 0; i < count; i++) {
        if (!has_changes(entries[i]))
            continue;
        first = entries[i]->position < first ? entries[i]->position : first;
        last = entries[i]->position;
    }
    if (last == 0)
        return STATUS_OK;
    TRY(store_versions_around(call->db, order_id, first, last, &rows, &nrows));
    for (size_t i = 0; i < count; i++) {
        if (has_changes(entries[i]))
            TRY(tell_entry(call, rows, nrows, entries[i]));
    }
    return STATUS_OK;
}
