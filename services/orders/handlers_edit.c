/* Editing an order: the preview, and the command. What is added is held and what is taken back is
 * stopped before anything is decided; both are adopted by the event. */
#include <stdio.h>
#include <string.h>

#include "handlers_edit.h"
#include "penstock/fulfillment/v1/fulfillment.pb-c.h"
#include "penstock/inventory/v1/inventory.pb-c.h"
#include "rules_family.h"
#include "rules_refund.h"
#include "store_payments.h"

typedef Penstock__Orders__V1__EditOrderRequest EditOrderRequest;
typedef Penstock__Orders__V1__EditOrderResponse EditOrderResponse;
typedef Penstock__Orders__V1__PreviewEditRequest PreviewEditRequest;
typedef Penstock__Orders__V1__PreviewEditResponse PreviewEditResponse;
typedef Penstock__Orders__V1__EditPreview EditPreview;
typedef Penstock__Orders__V1__EditStock EditStock;
typedef Penstock__Orders__V1__EditStop EditStop;
typedef Penstock__Inventory__V1__ReserveRequest ReserveRequest;
typedef Penstock__Inventory__V1__ReserveResponse ReserveResponse;
typedef Penstock__Inventory__V1__ReserveLine ReserveLine;
typedef Penstock__Inventory__V1__HoldLine HoldLine;
typedef Penstock__Inventory__V1__QuoteStockRequest QuoteStockRequest;
typedef Penstock__Inventory__V1__QuoteStockResponse QuoteStockResponse;
typedef Penstock__Fulfillment__V1__StopWorkRequest StopWorkRequest;
typedef Penstock__Fulfillment__V1__StopWorkResponse StopWorkResponse;
typedef Penstock__Fulfillment__V1__StoppedLine StoppedLine;
typedef Penstock__Fulfillment__V1__StopLine StopLine;

#define CREDIT_REFUND PENSTOCK__ORDERS__V1__EDIT_CREDIT__EDIT_CREDIT_REFUND

/* ---- the questions ---- */

/* What the edit would make of the order as it is now. What cannot be edited is not asked about; the
 * handler says why. */
static enum status try_edit(struct call *call, const char *id, EditOperation *const *operations,
                            size_t count, struct order **order, struct edited **edited)
{
    struct uuid order_id;
    struct refusal no;
    TRY(store_order_resolve(call->db, id, &order_id));
    TRY(store_order_load(call->db, call->arena, &order_id, order));
    const struct edit edit = {
        .operations = operations, .count = count, .ids = new_ids(call->arena, count)};
    if (!rules_check_edit(operations, count, (*order)->currency, call->now_us, &no))
        return STATUS_NOT_FOUND;
    *edited = rules_edit(*order, &edit, call->arena, &no);
    return *edited != NULL ? STATUS_OK : STATUS_NOT_FOUND;
}

enum status ask_reserve_for_edit(struct call *call, const ProtobufCMessage *message,
                                 ProtobufCMessage *asked)
{
    const EditOrderRequest *in = (const EditOrderRequest *)message;
    ReserveRequest *question = (ReserveRequest *)asked;
    struct order *order;
    struct edited *edited;
    TRY(try_edit(call, in->id, in->operations, in->n_operations, &order, &edited));
    if (edited->need_count == 0)
        return STATUS_NOT_FOUND;
    question->policy = (Penstock__Inventory__V1__StockPolicy)POLICY_REQUIRE;
    question->channel = wire_text(order->channel);
    question->country = wire_text(edited->order->country);
    question->placed_at_us = order->placed_at_us;
    question->wants_prices = true;
    question->lines = ARENA_ARRAY(call->arena, edited->need_count, ReserveLine *);
    for (size_t i = 0; i < edited->need_count; i++) {
        ReserveLine *line = ARENA_NEW(call->arena, ReserveLine);
        penstock__inventory__v1__reserve_line__init(line);
        line->sku = wire_text(edited->order->lines[edited->needs[i].line].sku);
        line->quantity = edited->needs[i].units;
        question->lines[question->n_lines++] = line;
    }
    return STATUS_OK;
}

enum status ask_stop_for_edit(struct call *call, const ProtobufCMessage *message,
                              ProtobufCMessage *asked)
{
    const EditOrderRequest *in = (const EditOrderRequest *)message;
    StopWorkRequest *question = (StopWorkRequest *)asked;
    struct order *order;
    struct edited *edited;
    TRY(try_edit(call, in->id, in->operations, in->n_operations, &order, &edited));
    if (edited->cut_count == 0)
        return STATUS_NOT_FOUND;
    question->order_id = wire_uuid(call->arena, &order->id);
    question->order_version = order->version;
    question->keeps_picked = true;
    question->lines = ARENA_ARRAY(call->arena, edited->cut_count, StopLine *);
    for (size_t i = 0; i < edited->cut_count; i++) {
        StopLine *line = ARENA_NEW(call->arena, StopLine);
        penstock__fulfillment__v1__stop_line__init(line);
        line->line_id = wire_uuid(call->arena, &edited->order->lines[edited->cuts[i].line].id);
        line->quantity = edited->cuts[i].units;
        question->lines[question->n_lines++] = line;
    }
    return STATUS_OK;
}

enum status ask_quote_for_preview(struct call *call, const ProtobufCMessage *message,
                                  ProtobufCMessage *asked)
{
    const PreviewEditRequest *in = (const PreviewEditRequest *)message;
    QuoteStockRequest *question = (QuoteStockRequest *)asked;
    struct order *order;
    struct edited *edited;
    TRY(try_edit(call, in->id, in->operations, in->n_operations, &order, &edited));
    size_t most = edited->need_count + edited->cut_count;
    question->skus = ARENA_ARRAY(call->arena, most + 1, char *);
    for (size_t i = 0; i < most; i++) {
        const struct edit_units *units =
            i < edited->need_count ? &edited->needs[i] : &edited->cuts[i - edited->need_count];
        question->skus[question->n_skus++] = wire_text(edited->order->lines[units->line].sku);
    }
    return most > 0 ? STATUS_OK : STATUS_NOT_FOUND;
}

/* ---- what the catalogue says ---- */

struct items {
    struct item_facts *list;
    size_t count;
};

static struct money price_of(const Money *money)
{
    struct money price = {0};
    if (money != NULL && strlen(money->currency) == 3) {
        price.minor = money->amount_minor;
        memcpy(price.currency, money->currency, 3);
    }
    return price;
}

static struct items items_of_hold(struct call *call)
{
    const struct answer *answer = &call->answers[0];
    struct items items = {ARENA_ARRAY(call->arena, 1, struct item_facts), 0};
    if (!answer->came || answer->status != STATUS_OK)
        return items;
    const ReserveResponse *said = (const ReserveResponse *)answer->message;
    items.list = ARENA_ARRAY(call->arena, said->n_lines + 1, struct item_facts);
    for (size_t i = 0; i < said->n_lines; i++) {
        const HoldLine *line = said->lines[i];
        items.list[items.count++] = (struct item_facts){.sku = line->sku,
                                                        .name = line->name,
                                                        .is_known = line->is_known,
                                                        .price = price_of(line->price),
                                                        .available = line->available};
    }
    return items;
}

static struct items items_of_quote(struct call *call)
{
    const struct answer *answer = &call->answers[0];
    struct items items = {ARENA_ARRAY(call->arena, 1, struct item_facts), 0};
    if (!answer->came || answer->status != STATUS_OK)
        return items;
    const QuoteStockResponse *said = (const QuoteStockResponse *)answer->message;
    items.list = ARENA_ARRAY(call->arena, said->n_quotes + 1, struct item_facts);
    for (size_t i = 0; i < said->n_quotes; i++)
        items.list[items.count++] = (struct item_facts){.sku = said->quotes[i]->sku,
                                                        .name = said->quotes[i]->name,
                                                        .is_known = true,
                                                        .price = price_of(said->quotes[i]->price),
                                                        .available = said->quotes[i]->available};
    return items;
}

/* ---- versions that have moved on ---- */

static enum status refuse_stale(struct call *call, const struct order *order, int64_t version,
                                const char *what)
{
    refuse(call, STATUS_STALE, "stale_version", "version",
           "The order has changed since version %lld, where this edit changes it too: %s.",
           (long long)version, what[0] != '\0' ? what : "units were cancelled");
    refuse_detail(call, "version", "%lld", (long long)order->version);
    refuse_detail(call, "changes", "%s", what);
    return call->status;
}

/* What others changed elsewhere stays as it is, and the edit goes on top of it; where both changed
 * the same, the person who came second has to look first. */
static enum status check_version(struct call *call, const struct order *order, int64_t version,
                                 EditOperation *const *operations, size_t count, bool *is_rebased)
{
    struct changes changes;
    bool was_cancelled = false;
    *is_rebased = false;
    if (version == 0)
        return STATUS_OK;
    if (version < 0 || version > order->version)
        return refuse(call, STATUS_STALE, "stale_version", "version",
                      "The order has no version %lld; it is at %lld.", (long long)version,
                      (long long)order->version);
    TRY(changes_since(call, order, version, &changes));
    const char *what = rules_edit_words(&changes, call->arena);
    if (rules_edit_overlaps(operations, count, &changes, call->arena))
        return refuse_stale(call, order, version, what);
    if (rules_edit_touches_lines(operations, count))
        TRY(store_cancelled_after(call->db, &order->id, version, &was_cancelled));
    if (was_cancelled)
        return refuse_stale(call, order, version, what);
    *is_rebased = changes.count > 0;
    return STATUS_OK;
}

/* ---- the answers ---- */

static enum status refuse_moved(struct call *call)
{
    return refuse(call, STATUS_UNAVAILABLE, "order_changed", "",
                  "The order changed while the edit was being prepared; try again.");
}

static enum status refuse_short(struct call *call, const struct edited *edited,
                                const ReserveResponse *said)
{
    size_t at = said->refusal_line >= 0 ? (size_t)said->refusal_line : 0;
    if (at >= edited->need_count || at >= said->n_lines)
        return refuse(call, STATUS_CONFLICT, said->refusal_code, "operations",
                      "The stock for this edit cannot be promised.");
    const struct edit_units *need = &edited->needs[at];
    const HoldLine *line = said->lines[at];
    char field[48];
    snprintf(field, sizeof(field), "operations[%zu]", need->operation);
    if (strcmp(said->refusal_code, "unknown_sku") == 0)
        return refuse(call, STATUS_INVALID, "unknown_sku", field,
                      "There is no item with the SKU %.64s.", line->sku);
    refuse(call, STATUS_CONFLICT, said->refusal_code, field,
           "There is not enough stock of %.64s: %lld available, %lld more needed.", line->sku,
           (long long)line->available, (long long)need->units);
    refuse_detail(call, "sku", "%.64s", line->sku);
    refuse_detail(call, "available", "%lld", (long long)line->available);
    refuse_detail(call, "asked", "%lld", (long long)need->units);
    return call->status;
}

/* All that the edit adds is held, line by line, or sold ahead: else nothing has changed. */
static enum status read_held(struct call *call, struct edited *edited)
{
    struct answer *answer = &call->answers[0];
    if (edited->need_count == 0) {
        answer->hold_id = (struct uuid){{0}};
        return STATUS_OK;
    }
    if (!answer->was_asked)
        return refuse_moved(call);
    if (!answer->came)
        return refuse(call, STATUS_UNAVAILABLE, "inventory_unavailable", "",
                      "The stock could not be reserved in time; try again.");
    if (answer->status != STATUS_OK)
        return refuse(call, answer->status, answer->code, answer->field, "%s", answer->text);
    const ReserveResponse *said = (const ReserveResponse *)answer->message;
    bool fits = said->n_lines == edited->need_count;
    for (size_t i = 0; fits && i < said->n_lines; i++)
        fits = strcmp(said->lines[i]->sku, edited->order->lines[edited->needs[i].line].sku) == 0;
    if (!fits)
        return refuse_moved(call);
    if (said->refusal_code[0] != '\0')
        return refuse_short(call, edited, said);
    for (size_t i = 0; i < said->n_lines; i++) {
        if (said->lines[i]->held < 0 || said->lines[i]->held > edited->needs[i].units)
            return refuse_moved(call);
        edited->needs[i].held = said->lines[i]->held;
    }
    return STATUS_OK;
}

static const StoppedLine *stopped_of(const StopWorkResponse *said, const char *line_id)
{
    for (size_t i = 0; i < said->n_lines; i++) {
        if (strcmp(said->lines[i]->line_id, line_id) == 0)
            return said->lines[i];
    }
    return NULL;
}

static enum status refuse_begun(struct call *call, const struct edited *edited,
                                const struct edit_units *cut, const StoppedLine *line)
{
    bool has_left = line->shipped > 0 && line->shipped == line->picked;
    char field[48];
    snprintf(field, sizeof(field), "operations[%zu]", cut->operation);
    refuse(call, STATUS_CONFLICT, has_left ? "already_shipped" : "already_picked", field,
           "Of %.64s %lld units are picked or shipped; %lld could be taken back.",
           edited->order->lines[cut->line].sku, (long long)line->picked, (long long)line->stopped);
    refuse_detail(call, "picked", "%lld", (long long)line->picked);
    refuse_detail(call, "shipped", "%lld", (long long)line->shipped);
    refuse_detail(call, "stopped", "%lld", (long long)line->stopped);
    return call->status;
}

/* What the edit takes back stands still in the warehouse. */
static enum status read_stopped(struct call *call, const struct edited *edited)
{
    struct answer *answer = &call->answers[1];
    if (edited->cut_count == 0) {
        answer->hold_id = (struct uuid){{0}};
        return STATUS_OK;
    }
    if (!answer->was_asked)
        return refuse_moved(call);
    if (!answer->came)
        return refuse(call, STATUS_UNAVAILABLE, "fulfillment_unavailable", "",
                      "The warehouse's work could not be stopped in time; try again.");
    if (answer->status != STATUS_OK)
        return refuse(call, answer->status, answer->code, answer->field, "%s", answer->text);
    const StopWorkResponse *said = (const StopWorkResponse *)answer->message;
    for (size_t i = 0; i < edited->cut_count; i++) {
        const struct edit_units *cut = &edited->cuts[i];
        const StoppedLine *line =
            stopped_of(said, wire_uuid(call->arena, &edited->order->lines[cut->line].id));
        if (line == NULL)
            return refuse_moved(call);
        if (line->stopped < cut->units)
            return refuse_begun(call, edited, cut, line);
    }
    return STATUS_OK;
}

/* ---- the command ---- */

static bool has_permission(const struct call *call, const char *permission)
{
    for (const char *const *at = call->permissions; *at != NULL; at++) {
        if (strcmp(*at, permission) == 0)
            return true;
    }
    return false;
}

static enum status check_request(struct call *call, const EditOrderRequest *in,
                                 const struct order *order)
{
    struct refusal no;
    if (!rules_check_edit(in->operations, in->n_operations, order->currency, call->now_us, &no) ||
        !rules_check_text(in->reason, 500, &no, "reason"))
        return refuse_by(call, &no);
    if ((int)in->credit < 0 || (int)in->credit > (int)CREDIT_REFUND)
        return refuse(call, STATUS_INVALID, "invalid", "credit",
                      "What is owed to the customer is left or refunded.");
    if (in->credit == CREDIT_REFUND && !has_permission(call, "payments:write"))
        return refuse(call, STATUS_FORBIDDEN, "forbidden", "credit",
                      "Refunding takes the permission payments:write.");
    return STATUS_OK;
}

/* The held units are the order's from now on: inventory's word on that is on its way. */
static void take_held(struct order *order, const struct edited *edited)
{
    for (size_t i = 0; i < edited->need_count; i++)
        order->lines[edited->needs[i].line].allocated_total += edited->needs[i].held;
    rules_order_derive(order);
}

static void pack_details(struct order *order, const OrderDetails *details, struct arena *arena)
{
    order->details_bytes = protobuf_c_message_get_packed_size(&details->base);
    uint8_t *packed = arena_alloc(arena, order->details_bytes + 1);
    protobuf_c_message_pack(&details->base, packed);
    order->details = packed;
    order->is_rewritten = true;
}

static bool begins_with(const struct changes *changes, const char *prefix)
{
    for (size_t i = 0; i < changes->count; i++) {
        if (strncmp(changes->list[i]->field, prefix, strlen(prefix)) == 0)
            return true;
    }
    return false;
}

/* What is owed to the customer goes back now, within what this person may give back alone. */
static enum status refund_credit(struct call *call, struct order *order, const struct act *act)
{
    struct refund_limit *limits;
    struct refusal no;
    size_t count;
    struct refund_facts facts = {.amount = order->refund_due - rules_refunds_failed(order),
                                 .reason = "edit",
                                 .provider = PROVIDER_MANUAL};
    if (facts.amount <= 0)
        return STATUS_OK;
    TRY(store_refund_limits(call->db, &limits, &count));
    int64_t limit = rules_refund_limit(limits, count, call->permissions, order->currency);
    facts.status = rules_refund_begins(facts.amount, limit, facts.provider);
    facts.ids = new_ids(call->arena, rules_refund_ids(order));
    facts.request_id = uuid_new();
    struct refund *refunds = rules_refund(order, act, &facts, &count, &no);
    return refunds != NULL ? emit_refunds(call, order, refunds, count) : refuse_by(call, &no);
}

static enum status emit_collection(struct call *call, const struct order *order)
{
    for (size_t i = 0; i < order->payment_count; i++) {
        if (order->payments[i].is_changed)
            TRY(emit_payment(call, order, &order->payments[i]));
    }
    return STATUS_OK;
}

/* Nothing refuses from here on but the refund, which is decided before anything is written. */
static enum status do_edit(struct call *call, const EditOrderRequest *in,
                           const struct order *before, struct edited *edited)
{
    struct order *order = edited->order;
    struct act act = act_of(call);
    const Order *was = version_before(call, before);
    take_held(order, edited);
    pack_details(order, edited->details, call->arena);
    const Order *is = version_before(call, order);
    struct changes changes = rules_edit_diff(was, is, call->arena);
    if (changes.count == 0)
        return STATUS_OK;
    order->edited_at_us = call->now_us;
    rules_note(order, &act, "order_edited", rules_edit_words(&changes, call->arena));
    const struct edit_tale tale = {
        .edited = edited, .total_before = before->total, .notify_customer = in->notify_customer};
    keep_versions(call, order, was, VERSION_EDITED, in->reason);
    TRY(emit_edited(call, order, &tale));
    if (begins_with(&changes, "shipping_address.") || begins_with(&changes, "delivery."))
        TRY(emit_contact_changed(call, order));
    TRY(emit_collection(call, order));
    if (in->credit == CREDIT_REFUND)
        TRY(refund_credit(call, order, &act));
    TRY(complete_if_due(call, order, &act));
    store_order_save(call->db, order);
    return store_order_edited(call->db, &order->id, call->now_us);
}

ORDERS_HANDLER(edit_order, EditOrderRequest, EditOrderResponse)
{
    struct order *order;
    struct refusal no;
    bool is_rebased;
    TRY(load_order(call, in->id, "id", &order));
    TRY(check_request(call, in, order));
    TRY(check_version(call, order, in->version, in->operations, in->n_operations, &is_rebased));
    struct items items = items_of_hold(call);
    const struct edit edit = {.operations = in->operations,
                              .count = in->n_operations,
                              .ids = new_ids(call->arena, in->n_operations),
                              .items = items.list,
                              .item_count = items.count};
    struct edited *edited = rules_edit(order, &edit, call->arena, &no);
    if (edited == NULL)
        return refuse_by(call, &no);
    TRY(read_held(call, edited));
    TRY(read_stopped(call, edited));
    TRY(do_edit(call, in, order, edited));
    out->order = view_order(call->arena, edited->order, edited->details);
    return STATUS_OK;
}

/* ---- the preview ---- */

static EditStock *stock_of(struct call *call, EditPreview *preview, const struct items *items,
                           const struct order_line *line)
{
    for (size_t i = 0; i < preview->n_stock; i++) {
        if (strcmp(preview->stock[i]->sku, line->sku) == 0)
            return preview->stock[i];
    }
    EditStock *stock = preview->stock[preview->n_stock++] = ARENA_NEW(call->arena, EditStock);
    penstock__orders__v1__edit_stock__init(stock);
    stock->sku = wire_text(line->sku);
    stock->name = wire_text(line->name);
    for (size_t i = 0; i < items->count; i++) {
        if (strcmp(items->list[i].sku, line->sku) != 0)
            continue;
        stock->is_known = true;
        stock->name = wire_text(items->list[i].name);
        stock->available = items->list[i].available;
    }
    return stock;
}

static void show_stock(struct call *call, EditPreview *preview, const struct edited *edited,
                       const struct items *items)
{
    size_t most = edited->need_count + edited->cut_count;
    preview->stock = ARENA_ARRAY(call->arena, most + 1, EditStock *);
    preview->stops = ARENA_ARRAY(call->arena, edited->cut_count + 1, EditStop *);
    for (size_t i = 0; i < edited->need_count; i++) {
        const struct edit_units *need = &edited->needs[i];
        EditStock *stock = stock_of(call, preview, items, &edited->order->lines[need->line]);
        stock->taken += need->units;
        preview->is_short |= stock->taken > stock->available;
    }
    for (size_t i = 0; i < edited->cut_count; i++) {
        const struct edit_units *cut = &edited->cuts[i];
        const struct order_line *line = &edited->order->lines[cut->line];
        stock_of(call, preview, items, line)->given_back += cut->units;
        EditStop *stop = preview->stops[preview->n_stops++] = ARENA_NEW(call->arena, EditStop);
        penstock__orders__v1__edit_stop__init(stop);
        stop->line = wire_uuid(call->arena, &line->id);
        stop->sku = wire_text(line->sku);
        stop->quantity = cut->units;
    }
}

static EditPreview *show_edit(struct call *call, const struct order *before,
                              const struct edited *edited, const struct items *items)
{
    struct arena *arena = call->arena;
    const struct order *after = edited->order;
    EditPreview *preview = ARENA_NEW(arena, EditPreview);
    penstock__orders__v1__edit_preview__init(preview);
    const Order *was = version_before(call, before);
    preview->order = view_order(arena, after, edited->details);
    struct changes changes = rules_edit_diff(was, preview->order, arena);
    preview->changes = changes.list;
    preview->n_changes = changes.count;
    preview->total_before = wire_money(arena, before->current_total, before->currency);
    preview->total_after = wire_money(arena, after->current_total, after->currency);
    preview->difference =
        wire_money(arena, after->current_total - before->current_total, after->currency);
    preview->amount_due = wire_money(arena, after->amount_due, after->currency);
    preview->refund_due = wire_money(arena, after->refund_due, after->currency);
    show_stock(call, preview, edited, items);
    return preview;
}

ORDERS_HANDLER(preview_edit, PreviewEditRequest, PreviewEditResponse)
{
    struct order *order;
    struct refusal no;
    bool is_rebased;
    TRY(load_order(call, in->id, "id", &order));
    if (!rules_check_edit(in->operations, in->n_operations, order->currency, call->now_us, &no))
        return refuse_by(call, &no);
    TRY(check_version(call, order, in->version, in->operations, in->n_operations, &is_rebased));
    struct items items = items_of_quote(call);
    const struct edit edit = {.operations = in->operations,
                              .count = in->n_operations,
                              .ids = new_ids(call->arena, in->n_operations),
                              .items = items.list,
                              .item_count = items.count};
    struct edited *edited = rules_edit(order, &edit, call->arena, &no);
    if (edited == NULL)
        return refuse_by(call, &no);
    if (edited->need_count > 0 && call->answers[0].was_asked && !call->answers[0].came)
        return refuse(call, STATUS_UNAVAILABLE, "inventory_unavailable", "",
                      "The stock could not be read in time; try again.");
    out->preview = show_edit(call, order, edited, &items);
    out->preview->is_rebased = is_rebased;
    return STATUS_OK;
}
