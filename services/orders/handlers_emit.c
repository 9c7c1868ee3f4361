/* The events of orders: facts, complete enough that a consumer need not ask back, and without
 * anything that says who somebody is. */
#include <string.h>

#include "handlers.h"
#include "rules_edit.h"
#include "rules_family.h"

#define HOUR_US (INT64_C(3600) * 1000000)

typedef Penstock__Orders__V1__PlacedLine PlacedLine;
typedef Penstock__Orders__V1__CancelledLine CancelledLine;

static PlacedLine *placed_line(struct arena *arena, const struct order *order,
                               const struct order_line *line)
{
    bool is_cancelled = order->status == ORDER_CANCELLED;
    int64_t wanted = line->quantity - line->cancelled;
    PlacedLine *out = ARENA_NEW(arena, PlacedLine);
    penstock__orders__v1__placed_line__init(out);
    out->line_id = wire_uuid(arena, &line->id);
    out->sku = wire_text(line->sku);
    out->quantity = is_cancelled ? line->quantity : wanted;
    out->takes_stock = rules_line_is_tracked(line) && line->sku[0] != '\0' && !is_cancelled;
    out->no_shipping = line->no_shipping;
    out->name = wire_text(line->name);
    out->unit_price = wire_money(arena, line->unit_price, order->currency);
    out->total =
        wire_money(arena, line->total - rules_line_value(line, line->cancelled), order->currency);
    return out;
}

PlacedLine **placed_lines(struct arena *arena, const struct order *order)
{
    PlacedLine **lines = ARENA_ARRAY(arena, order->line_count, PlacedLine *);
    for (size_t i = 0; i < order->line_count; i++)
        lines[i] = placed_line(arena, order, &order->lines[i]);
    return lines;
}

bool is_news(const struct call *call, const struct order *order)
{
    const struct orders_conf *conf = call->state;
    return order->status != ORDER_CANCELLED &&
           call->now_us - order->placed_at_us <= conf->notify_max_age_hours * HOUR_US;
}

/* The store's name is for people; whoever carries a parcel knows it by its code. */
static Delivery *told_delivery(struct arena *arena, const Delivery *delivery)
{
    if (delivery == NULL)
        return NULL;
    Delivery *told = arena_copy(arena, delivery, sizeof(*delivery));
    told->store_name = wire_text("");
    return told;
}

enum status emit_placed(struct call *call, const struct order *order, const PlaceOrderRequest *in)
{
    Penstock__Orders__V1__OrderPlaced event;
    penstock__orders__v1__order_placed__init(&event);
    event.order_id = wire_uuid(call->arena, &order->id);
    event.number = wire_text(order->number);
    event.channel = wire_text(order->channel);
    event.external_id = wire_text(order->external_id);
    event.currency = wire_text(order->currency);
    event.locale = wire_text(order->locale);
    enum order_status status = order->status == ORDER_COMPLETED ? ORDER_CONFIRMED : order->status;
    event.status = (Penstock__Orders__V1__OrderStatus)status;
    event.has_holds = order->hold_count > 0;
    event.stock_policy = (Penstock__Inventory__V1__StockPolicy)order->stock_policy;
    event.command_id = wire_text(call->command_id);
    event.hold_id = wire_uuid(call->arena, &call->answers[0].hold_id);
    event.n_lines = order->line_count;
    event.lines = placed_lines(call->arena, order);
    event.total = wire_money(call->arena, order->total, order->currency);
    event.placed_at_us = order->placed_at_us;
    event.country = wire_text(order->country);
    event.notify_customer =
        in->notify_customer != PENSTOCK__INVENTORY__V1__SWITCH__SWITCH_OFF && is_news(call, order);
    event.delivery = told_delivery(call->arena, in->delivery);
    return emit(call, event.order_id, &event.base);
}

enum status emit_changed(struct call *call, const struct order *order)
{
    Penstock__Orders__V1__OrderChanged event;
    penstock__orders__v1__order_changed__init(&event);
    event.order_id = wire_uuid(call->arena, &order->id);
    event.n_lines = order->line_count;
    event.lines = placed_lines(call->arena, order);
    event.total = wire_money(call->arena, order->total, order->currency);
    return emit(call, event.order_id, &event.base);
}

enum status emit_edited(struct call *call, const struct order *order, const struct edit_tale *tale)
{
    const struct edited *edited = tale->edited;
    Penstock__Orders__V1__OrderChanged event;
    penstock__orders__v1__order_changed__init(&event);
    event.order_id = wire_uuid(call->arena, &order->id);
    event.n_lines = order->line_count;
    event.lines = placed_lines(call->arena, order);
    event.total = wire_money(call->arena, order->total, order->currency);
    event.total_before = wire_money(call->arena, tale->total_before, order->currency);
    event.command_id = wire_text(call->command_id);
    event.hold_id = wire_uuid(call->arena, &call->answers[0].hold_id);
    event.stop_hold_id = wire_uuid(call->arena, &call->answers[1].hold_id);
    event.held_line_ids = ARENA_ARRAY(call->arena, edited->need_count + 1, char *);
    for (size_t i = 0; i < edited->need_count; i++)
        event.held_line_ids[event.n_held_line_ids++] =
            wire_uuid(call->arena, &order->lines[edited->needs[i].line].id);
    event.version = order->version;
    event.is_edit = true;
    event.notify_customer = tale->notify_customer;
    call_log_order(call, "orders.edited", "The order is edited", event.order_id);
    count(call, "orders_edited_total", 1);
    return emit(call, event.order_id, &event.base);
}

enum status emit_contact_changed(struct call *call, const struct order *order)
{
    Penstock__Orders__V1__OrderContactChanged event;
    penstock__orders__v1__order_contact_changed__init(&event);
    event.order_id = wire_uuid(call->arena, &order->id);
    return emit(call, event.order_id, &event.base);
}

enum status emit_confirmed(struct call *call, const struct order *order)
{
    Penstock__Orders__V1__OrderConfirmed event;
    penstock__orders__v1__order_confirmed__init(&event);
    event.order_id = wire_uuid(call->arena, &order->id);
    call_log_order(call, "orders.confirmed", "The order is confirmed", event.order_id);
    return emit(call, event.order_id, &event.base);
}

enum status emit_completed(struct call *call, const struct order *order)
{
    Penstock__Orders__V1__OrderCompleted event;
    penstock__orders__v1__order_completed__init(&event);
    event.order_id = wire_uuid(call->arena, &order->id);
    call_log_order(call, "orders.completed", "The order is completed", event.order_id);
    return emit(call, event.order_id, &event.base);
}

static const char *due_words(struct arena *arena, const struct order *order)
{
    struct money money = {.minor = order->amount_due};
    memcpy(money.currency, order->currency, sizeof(money.currency));
    char text[MONEY_TEXT_BYTES];
    return arena_printf(arena, "%s %s", money_text(money, text), order->currency);
}

/* What happened to one member has changed what the family's ledger means for another. */
static enum status tell_member(struct call *call, struct order *member, const struct act *act)
{
    if (member->payment_status == member->payment_status_before &&
        member->amount_due == member->amount_due_before)
        return STATUS_OK;
    member->payment_status_before = member->payment_status;
    member->amount_due_before = member->amount_due;
    rules_note(member, act, "family_payment_changed", due_words(call->arena, member));
    Penstock__Orders__V1__FamilyPaymentChanged event;
    penstock__orders__v1__family_payment_changed__init(&event);
    event.order_id = wire_uuid(call->arena, &member->id);
    event.root_id = wire_uuid(call->arena, &member->root_id);
    event.payment_status = (Penstock__Orders__V1__PaymentStatus)member->payment_status;
    event.amount_due = wire_money(call->arena, member->amount_due, member->currency);
    return emit(call, event.order_id, &event.base);
}

enum status complete_if_due(struct call *call, struct order *order, const struct act *act)
{
    if (order->family == NULL)
        return rules_complete(order, act) ? emit_completed(call, order) : STATUS_OK;
    for (size_t i = 0; i < order->family->count; i++) {
        struct order *member = order->family->members[i];
        if (member != order)
            TRY(tell_member(call, member, act));
        if (rules_complete(member, act))
            TRY(emit_completed(call, member));
    }
    return STATUS_OK;
}

enum status emit_cancelled(struct call *call, const struct order *order, const int64_t *cuts,
                           const struct uuid *stop_hold_id)
{
    Penstock__Orders__V1__OrderCancelled event;
    penstock__orders__v1__order_cancelled__init(&event);
    event.order_id = wire_uuid(call->arena, &order->id);
    event.reason = wire_text(order->cancel_reason);
    event.is_whole = order->status == ORDER_CANCELLED;
    event.command_id = wire_text(call->command_id);
    event.stop_hold_id = wire_uuid(call->arena, stop_hold_id);
    event.refund_due = wire_money(call->arena, order->refund_due, order->currency);
    event.lines = ARENA_ARRAY(call->arena, order->line_count, CancelledLine *);
    for (size_t i = 0; i < order->line_count; i++) {
        const struct order_line *line = &order->lines[i];
        if (cuts[i] == 0)
            continue;
        CancelledLine *out = ARENA_NEW(call->arena, CancelledLine);
        penstock__orders__v1__cancelled_line__init(out);
        out->line_id = wire_uuid(call->arena, &line->id);
        out->sku = wire_text(line->sku);
        out->cancelled = cuts[i];
        out->remaining = rules_line_open(line);
        event.lines[event.n_lines++] = out;
    }
    call_log_order(call, "orders.cancelled", "Units of the order are cancelled", event.order_id);
    count(call, "orders_cancelled_total", 1);
    return emit(call, event.order_id, &event.base);
}

/* The words of our own rules; a person's may name a customer and stay with the order. */
static const char *hold_reason(const struct hold *hold)
{
    bool is_ours = strcmp(hold->type, "unmatched_item") == 0 ||
                   strcmp(hold->type, "channel_changed") == 0 ||
                   strcmp(hold->type, "fulfillment_cancelled") == 0;
    return is_ours ? hold->reason : "";
}

enum status emit_hold_placed(struct call *call, const struct order *order, const struct hold *hold)
{
    Penstock__Orders__V1__HoldPlaced event;
    penstock__orders__v1__hold_placed__init(&event);
    event.order_id = wire_uuid(call->arena, &order->id);
    event.hold_id = wire_uuid(call->arena, &hold->id);
    event.type = wire_text(hold->type);
    event.reason = wire_text(hold_reason(hold));
    event.expires_at_us = hold->expires_at_us;
    if (strncmp(hold->actor, "rule:", 5) == 0)
        event.rule_id = wire_text(hold->actor + 5);
    call_log_order(call, "orders.held", "A hold is placed on the order", event.order_id);
    return emit(call, event.order_id, &event.base);
}

enum status emit_hold_released(struct call *call, const struct order *order,
                               const struct hold *hold)
{
    Penstock__Orders__V1__HoldReleased event;
    penstock__orders__v1__hold_released__init(&event);
    event.order_id = wire_uuid(call->arena, &order->id);
    event.hold_id = wire_uuid(call->arena, &hold->id);
    event.type = wire_text(hold->type);
    event.is_last = order->hold_count == 0;
    call_log_order(call, "orders.hold_released", "A hold of the order is released", event.order_id);
    return emit(call, event.order_id, &event.base);
}

enum status emit_payment(struct call *call, const struct order *order,
                         const struct payment *payment)
{
    Penstock__Orders__V1__PaymentRecorded event;
    penstock__orders__v1__payment_recorded__init(&event);
    event.order_id = wire_uuid(call->arena, &order->id);
    event.payment_id = wire_uuid(call->arena, &payment->id);
    event.method = wire_text(payment->method);
    event.status = (Penstock__Orders__V1__PaymentEntryStatus)payment->status;
    event.amount = wire_money(call->arena, payment->amount, order->currency);
    event.payment_status = (Penstock__Orders__V1__PaymentStatus)order->payment_status;
    call_log_order(call, "orders.payment_recorded", "A payment is recorded", event.order_id);
    return emit(call, event.order_id, &event.base);
}

enum status emit_refunds(struct call *call, const struct order *order, const struct refund *refunds,
                         size_t count)
{
    for (size_t i = 0; i < count; i++) {
        Penstock__Orders__V1__RefundRecorded event;
        penstock__orders__v1__refund_recorded__init(&event);
        const struct order *member = rules_member_of(order, &refunds[i].member_id);
        event.order_id = wire_uuid(call->arena, &member->id);
        event.refund_id = wire_uuid(call->arena, &refunds[i].id);
        event.status = (Penstock__Orders__V1__RefundStatus)refunds[i].status;
        event.amount = wire_money(call->arena, refunds[i].amount, order->currency);
        event.reason = wire_text(refunds[i].reason);
        event.payment_id = wire_uuid(call->arena, &refunds[i].payment_id);
        event.return_id = wire_uuid(call->arena, &refunds[i].return_id);
        event.payment_status = (Penstock__Orders__V1__PaymentStatus)member->payment_status;
        call_log_order(call, "orders.refund_recorded", "A refund is recorded", event.order_id);
        TRY(emit(call, event.order_id, &event.base));
    }
    return STATUS_OK;
}
