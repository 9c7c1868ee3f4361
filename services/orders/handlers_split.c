/* Splitting an order, and putting it together again. The warehouse is asked to stop what moves, so
 * that it cannot leave under the number that it no longer has. */
#include <string.h>

#include "handlers.h"
#include "handlers_edit.h"
#include "penstock/fulfillment/v1/fulfillment.pb-c.h"
#include "rules_split.h"
#include "store_family.h"

typedef Penstock__Fulfillment__V1__StopWorkRequest StopWorkRequest;
typedef Penstock__Fulfillment__V1__StopWorkResponse StopWorkResponse;
typedef Penstock__Fulfillment__V1__StopLine StopLine;
typedef Penstock__Orders__V1__SplitLine SplitLine;
typedef Penstock__Orders__V1__SplitOrders SplitOrders;
typedef Penstock__Orders__V1__SplitOrderRequest SplitOrderRequest;
typedef Penstock__Orders__V1__SplitOrderResponse SplitOrderResponse;
typedef Penstock__Orders__V1__PreviewSplitRequest PreviewSplitRequest;
typedef Penstock__Orders__V1__PreviewSplitResponse PreviewSplitResponse;
typedef Penstock__Orders__V1__UnsplitOrderRequest UnsplitOrderRequest;
typedef Penstock__Orders__V1__UnsplitOrderResponse UnsplitOrderResponse;
typedef Penstock__Orders__V1__MovedLine MovedLine;

#define MAX_REASON 500

/* ---- what is asked ---- */

static bool read_lines(SplitLine *const *lines, size_t count, struct arena *arena,
                       struct splitting *splitting, struct refusal *no)
{
    struct split_wish *wishes = ARENA_ARRAY(arena, count + 1, struct split_wish);
    if (count > ORDERS_MAX_LINES)
        return rules_refuse(no, STATUS_INVALID, "too_many", "An order has at most 500 lines.", "%s",
                            "lines");
    for (size_t i = 0; i < count; i++) {
        wishes[i].quantity = lines[i]->quantity;
        if (!uuid_parse(lines[i]->line_id, &wishes[i].line_id))
            return rules_refuse(no, STATUS_INVALID, "not_found", "The order has no such line.",
                                "lines[%zu].line_id", i);
    }
    splitting->wishes = wishes;
    splitting->count = count;
    return true;
}

static bool read_shipping(const Money *shipping, const struct order *order,
                          struct splitting *splitting, struct refusal *no)
{
    if (shipping == NULL || shipping->amount_minor == 0)
        return true;
    return rules_check_amount(shipping, order->currency, no, "shipping", &splitting->shipping);
}

static enum status check_version(struct call *call, const struct order *order, int64_t version)
{
    if (version == 0 || version == order->version)
        return STATUS_OK;
    refuse(call, STATUS_STALE, "stale_version", "version",
           "The order has changed since; look at it again.");
    refuse_detail(call, "version", "%lld", (long long)order->version);
    return STATUS_STALE;
}

/* ---- the question to fulfillment ---- */

static enum status ask_stop(struct call *call, const struct order *order,
                            const struct stopped *lines, size_t count, StopWorkRequest *question)
{
    if (count == 0)
        return STATUS_NOT_FOUND;
    question->order_id = wire_uuid(call->arena, &order->id);
    question->order_version = order->version;
    question->lines = ARENA_ARRAY(call->arena, count, StopLine *);
    for (size_t i = 0; i < count; i++) {
        StopLine *line = ARENA_NEW(call->arena, StopLine);
        penstock__fulfillment__v1__stop_line__init(line);
        line->line_id = wire_uuid(call->arena, &lines[i].line_id);
        line->quantity = lines[i].stopped;
        question->lines[question->n_lines++] = line;
    }
    return STATUS_OK;
}

static enum status load_by(struct call *call, const char *id_or_number, struct order **order)
{
    struct uuid id;
    TRY(store_order_resolve(call->db, id_or_number, &id));
    return store_order_load(call->db, call->arena, &id, order);
}

enum status ask_stop_for_split(struct call *call, const ProtobufCMessage *message,
                               ProtobufCMessage *question)
{
    const SplitOrderRequest *in = (const SplitOrderRequest *)message;
    struct splitting splitting = {0};
    struct order *order;
    struct refusal no;
    TRY(load_by(call, in->id, &order));
    if (!read_lines(in->lines, in->n_lines, call->arena, &splitting, &no))
        return STATUS_NOT_FOUND;
    struct stopped *lines = ARENA_ARRAY(call->arena, in->n_lines + 1, struct stopped);
    return ask_stop(call, order, lines, rules_split_stops(order, &splitting, lines),
                    (StopWorkRequest *)question);
}

enum status ask_stop_for_unsplit(struct call *call, const ProtobufCMessage *message,
                                 ProtobufCMessage *question)
{
    struct order *child;
    TRY(load_by(call, ((const UnsplitOrderRequest *)message)->id, &child));
    struct stopped *lines = ARENA_ARRAY(call->arena, child->line_count + 1, struct stopped);
    return ask_stop(call, child, lines, rules_stop_lines(child, lines),
                    (StopWorkRequest *)question);
}

/* What fulfillment said. Nobody was asked when the rules were going to refuse anyway, or when
 * nothing is to be picked: then they see it again. */
static enum status read_stops(struct call *call, struct splitting *splitting, size_t wanted)
{
    const struct answer *answer = &call->answers[0];
    splitting->stopped = ARENA_ARRAY(call->arena, 1, struct stopped);
    if (wanted == 0)
        return STATUS_OK;
    if (!answer->was_asked)
        return refuse(call, STATUS_UNAVAILABLE, "order_changed", "",
                      "The order changed while its work was being stopped; try again.");
    if (!answer->came)
        return refuse(call, STATUS_UNAVAILABLE, "fulfillment_unavailable", "",
                      "The warehouse's work could not be stopped in time; try again.");
    if (answer->status != STATUS_OK)
        return refuse(call, answer->status, answer->code, answer->field, "%s", answer->text);
    const StopWorkResponse *said = (const StopWorkResponse *)answer->message;
    struct stopped *stopped = ARENA_ARRAY(call->arena, said->n_lines + 1, struct stopped);
    for (size_t i = 0; i < said->n_lines; i++) {
        stopped[i].stopped = said->lines[i]->stopped;
        stopped[i].shipped = said->lines[i]->shipped;
        if (uuid_parse(said->lines[i]->line_id, &stopped[i].line_id))
            splitting->stopped_count++;
    }
    splitting->stopped = stopped;
    return STATUS_OK;
}

/* ---- what is told ---- */

static MovedLine **moved_lines(struct arena *arena, const struct split *split)
{
    MovedLine **lines = ARENA_ARRAY(arena, split->count + 1, MovedLine *);
    for (size_t i = 0; i < split->count; i++) {
        MovedLine *line = lines[i] = ARENA_NEW(arena, MovedLine);
        penstock__orders__v1__moved_line__init(line);
        line->line_id = wire_uuid(arena, &split->moved[i].line_id);
        line->child_line_id = wire_uuid(arena, &split->moved[i].child_line_id);
        line->sku = wire_text(split->moved[i].sku);
        line->quantity = split->moved[i].quantity;
        line->takes_stock = split->moved[i].takes_stock;
    }
    return lines;
}

static enum status emit_split(struct call *call, const struct order *parent,
                              const struct split *split, bool notify)
{
    Penstock__Orders__V1__OrderSplit event;
    penstock__orders__v1__order_split__init(&event);
    event.order_id = wire_uuid(call->arena, &parent->id);
    event.child_id = wire_uuid(call->arena, &split->child->id);
    event.child_number = wire_text(split->child->number);
    event.root_id = wire_uuid(call->arena, &parent->root_id);
    event.lines = moved_lines(call->arena, split);
    event.n_lines = split->count;
    event.total_before = wire_money(call->arena, split->total_before, parent->currency);
    event.total = wire_money(call->arena, parent->total, parent->currency);
    event.child_total = wire_money(call->arena, split->child_total, parent->currency);
    event.notify_customer = notify;
    event.child_placed_at_us = split->child->placed_at_us;
    call_log_order(call, "orders.split", "An order is split", event.order_id);
    return emit(call, event.order_id, &event.base);
}

/* Asked for without mails when it was placed, or taken over from the past. */
static bool is_silent(const struct call *call, const struct order *child)
{
    return rules_details_open(child, call->arena)->is_silent || !is_news(call, child);
}

static enum status emit_split_off(struct call *call, const struct order *child, bool notify)
{
    Penstock__Orders__V1__OrderSplitOff event;
    penstock__orders__v1__order_split_off__init(&event);
    event.order_id = wire_uuid(call->arena, &child->id);
    event.number = wire_text(child->number);
    event.parent_id = wire_uuid(call->arena, &child->parent_id);
    event.root_id = wire_uuid(call->arena, &child->root_id);
    event.channel = wire_text(child->channel);
    event.currency = wire_text(child->currency);
    event.locale = wire_text(child->locale);
    event.status = (Penstock__Orders__V1__OrderStatus)child->status;
    event.has_holds = child->hold_count > 0;
    event.n_lines = child->line_count;
    event.lines = placed_lines(call->arena, child);
    event.total = wire_money(call->arena, child->total, child->currency);
    event.placed_at_us = child->placed_at_us;
    event.country = wire_text(child->country);
    event.notify_customer = notify;
    event.is_silent = is_silent(call, child);
    call_log_order(call, "orders.split_off", "An order is split off from another", event.order_id);
    return emit(call, event.order_id, &event.base);
}

static enum status emit_unsplit(struct call *call, const struct order *parent,
                                const struct split *split, bool notify)
{
    Penstock__Orders__V1__OrderUnsplit event;
    penstock__orders__v1__order_unsplit__init(&event);
    event.order_id = wire_uuid(call->arena, &parent->id);
    event.child_id = wire_uuid(call->arena, &split->child->id);
    event.lines = moved_lines(call->arena, split);
    event.n_lines = split->count;
    event.total_before = wire_money(call->arena, split->total_before, parent->currency);
    event.total = wire_money(call->arena, parent->total, parent->currency);
    event.child_total = wire_money(call->arena, split->child_total, parent->currency);
    event.notify_customer = notify;
    call_log_order(call, "orders.unsplit", "A child goes back into its order", event.order_id);
    return emit(call, event.order_id, &event.base);
}

/* What an order wants after it was split or put together; ends the stop that it was asked for. */
static enum status emit_wants(struct call *call, const struct order *order, int64_t total_before,
                              bool ends_stop)
{
    Penstock__Orders__V1__OrderChanged event;
    penstock__orders__v1__order_changed__init(&event);
    event.order_id = wire_uuid(call->arena, &order->id);
    event.n_lines = order->line_count;
    event.lines = placed_lines(call->arena, order);
    event.total = wire_money(call->arena, order->total, order->currency);
    event.total_before = wire_money(call->arena, total_before, order->currency);
    event.version = order->version;
    if (ends_stop) {
        event.command_id = wire_text(call->command_id);
        event.stop_hold_id = wire_uuid(call->arena, &call->answers[0].hold_id);
    }
    return emit(call, event.order_id, &event.base);
}

/* ---- the commands ---- */

static SplitOrders *view_both(struct arena *arena, const struct order *parent,
                              const struct order *child)
{
    SplitOrders *out = ARENA_NEW(arena, SplitOrders);
    penstock__orders__v1__split_orders__init(out);
    out->parent = view_order(arena, parent, NULL);
    out->child = view_order(arena, child, NULL);
    return out;
}

ORDERS_HANDLER(split_order, SplitOrderRequest, SplitOrderResponse)
{
    struct order *parent;
    struct refusal no;
    struct split split;
    struct act act = act_of(call);
    struct splitting splitting = {.reason = in->reason};
    if (!rules_check_text(in->reason, MAX_REASON, &no, "reason") ||
        !read_lines(in->lines, in->n_lines, call->arena, &splitting, &no))
        return refuse_by(call, &no);
    TRY(load_order(call, in->id, "id", &parent));
    TRY(check_version(call, parent, in->version));
    if (!read_shipping(in->shipping, parent, &splitting, &no))
        return refuse_by(call, &no);
    struct stopped *stops = ARENA_ARRAY(call->arena, in->n_lines + 1, struct stopped);
    TRY(read_stops(call, &splitting, rules_split_stops(parent, &splitting, stops)));
    splitting.ids = new_ids(call->arena, rules_split_ids(parent, &splitting));
    const Order *before = version_before(call, parent);
    if (!rules_split(parent, &act, &splitting, &split, &no))
        return refuse_by(call, &no);
    keep_versions(call, parent, before, VERSION_SPLIT, in->reason);
    TRY(emit_split(call, parent, &split, in->notify_parent));
    TRY(emit_wants(call, parent, split.total_before, true));
    TRY(emit_split_off(call, split.child, in->notify_child));
    TRY(complete_if_due(call, parent, &act));
    store_child_add(call->db, split.child);
    store_order_save(call->db, parent);
    out->split = view_both(call->arena, parent, split.child);
    return STATUS_OK;
}

ORDERS_HANDLER(preview_split, PreviewSplitRequest, PreviewSplitResponse)
{
    struct order *parent;
    struct refusal no;
    struct split split;
    struct act act = act_of(call);
    struct splitting splitting = {0};
    if (!read_lines(in->lines, in->n_lines, call->arena, &splitting, &no))
        return refuse_by(call, &no);
    TRY(load_order(call, in->id, "id", &parent));
    TRY(check_version(call, parent, in->version));
    if (!read_shipping(in->shipping, parent, &splitting, &no))
        return refuse_by(call, &no);
    splitting.ids = new_ids(call->arena, rules_split_ids(parent, &splitting));
    if (!rules_split(parent, &act, &splitting, &split, &no))
        return refuse_by(call, &no);
    out->split = view_both(call->arena, parent, split.child);
    out->split->child->id = wire_text("");
    return STATUS_OK;
}

ORDERS_HANDLER(unsplit_order, UnsplitOrderRequest, UnsplitOrderResponse)
{
    struct order *child;
    struct refusal no;
    struct split split;
    struct act act = act_of(call);
    struct splitting splitting = {.reason = in->reason};
    if (!rules_check_text(in->reason, MAX_REASON, &no, "reason"))
        return refuse_by(call, &no);
    TRY(load_order(call, in->id, "id", &child));
    TRY(check_version(call, child, in->version));
    struct stopped *stops = ARENA_ARRAY(call->arena, child->line_count + 1, struct stopped);
    bool may_be = rules_parent(child) != NULL && rules_order_may(child->status, ORDER_CANCELLED);
    TRY(read_stops(call, &splitting, may_be ? rules_stop_lines(child, stops) : 0));
    const Order *before = may_be ? version_before(call, rules_parent(child)) : NULL;
    if (!rules_unsplit(child, &act, &splitting, &split, &no))
        return refuse_by(call, &no);
    struct order *parent = rules_parent(child);
    keep_versions(call, parent, before, VERSION_UNSPLIT, in->reason);
    const int64_t *cuts = ARENA_ARRAY(call->arena, child->line_count + 1, int64_t);
    TRY(emit_unsplit(call, parent, &split, in->notify_parent));
    TRY(emit_wants(call, parent, split.total_before, false));
    TRY(emit_wants(call, child, split.child_total, false));
    TRY(emit_cancelled(call, child, cuts, &call->answers[0].hold_id));
    TRY(complete_if_due(call, parent, &act));
    store_order_save(call->db, parent);
    out->split = view_both(call->arena, parent, child);
    return STATUS_OK;
}

/* ---- answers that are kept: without a word about who ---- */

static void strip_one(Order *order)
{
    if (order == NULL)
        return;
    order->customer = NULL;
    order->shipping_address = order->billing_address = NULL;
    order->note = order->shipping_remark = wire_text("");
}

static SplitOrders **split_in(ProtobufCMessage *out)
{
    return (void *)((char *)out + out->descriptor->fields[0].offset);
}

void strip_split(ProtobufCMessage *out, struct arena *arena)
{
    SplitOrders *split = *split_in(out);
    (void)arena;
    if (split == NULL)
        return;
    strip_one(split->parent);
    strip_one(split->child);
}

static enum status render_one(struct call *call, Order *kept)
{
    struct uuid id;
    struct order *order;
    if (kept == NULL || !uuid_parse(kept->id, &id))
        return STATUS_INTERNAL;
    TRY(store_order_load(call->db, call->arena, &id, &order));
    const Order *now = view_order(call->arena, order, NULL);
    kept->customer = now->customer;
    kept->shipping_address = now->shipping_address;
    kept->billing_address = now->billing_address;
    kept->note = now->note;
    kept->shipping_remark = now->shipping_remark;
    return STATUS_OK;
}

enum status render_split(struct call *call, const ProtobufCMessage *in, ProtobufCMessage *out)
{
    SplitOrders *split = *split_in(out);
    (void)in;
    if (split == NULL)
        return STATUS_INTERNAL;
    TRY(render_one(call, split->parent));
    return render_one(call, split->child);
}
