#include "view.h"

#include <string.h>

#include "rules_family.h"

char *wire_uuid(struct arena *arena, const struct uuid *uuid)
{
    if (uuid_is_nil(uuid))
        return wire_text("");
    return uuid_text(uuid, arena_alloc(arena, UUID_TEXT_BYTES));
}

Money *wire_money(struct arena *arena, int64_t minor, const char *currency)
{
    Money *money = ARENA_NEW(arena, Money);
    penstock__common__v1__money__init(money);
    money->amount_minor = minor;
    money->currency = wire_text(currency);
    return money;
}

static OrderLine *view_line(struct arena *arena, const struct order_line *line,
                            const char *currency)
{
    OrderLine *out = ARENA_NEW(arena, OrderLine);
    penstock__orders__v1__order_line__init(out);
    out->id = wire_uuid(arena, &line->id);
    out->sku = wire_text(line->sku);
    out->name = wire_text(line->name);
    out->external_id = wire_text(line->external_id);
    out->quantity = line->quantity;
    out->unit_price = wire_money(arena, line->unit_price, currency);
    out->discount = wire_money(arena, line->discount, currency);
    out->tax = wire_money(arena, line->tax, currency);
    out->total = wire_money(arena, line->total, currency);
    out->is_custom = line->is_custom;
    out->no_shipping = line->no_shipping;
    out->cancelled = line->cancelled;
    out->open = line->unallocated + line->backordered + line->preordered + line->reserved +
                line->picked + line->packed;
    out->fulfilled = line->fulfilled;
    out->unallocated = line->unallocated;
    out->backordered = line->backordered;
    out->preordered = line->preordered;
    out->reserved = line->reserved;
    out->picked = line->picked;
    out->packed = line->packed;
    out->returned = line->returned;
    out->origin_line_id = wire_uuid(arena, &line->origin_id);
    out->promised_at_us = line->preordered + line->backordered > 0 ? line->promised_at_us : 0;
    return out;
}

static Payment *view_payment(struct arena *arena, const struct payment *payment,
                             const char *currency)
{
    Payment *out = ARENA_NEW(arena, Payment);
    penstock__orders__v1__payment__init(out);
    out->id = wire_uuid(arena, &payment->id);
    out->method = wire_text(payment->method);
    out->status = (Penstock__Orders__V1__PaymentEntryStatus)payment->status;
    out->amount = wire_money(arena, payment->amount, currency);
    out->reference = wire_text(payment->reference);
    out->refunded = wire_money(arena, payment->refunded, currency);
    out->recorded_at_us = payment->recorded_at_us;
    return out;
}

Refund *view_refund(struct arena *arena, const struct refund *refund, const char *currency)
{
    Refund *out = ARENA_NEW(arena, Refund);
    penstock__orders__v1__refund__init(out);
    out->id = wire_uuid(arena, &refund->id);
    out->status = (Penstock__Orders__V1__RefundStatus)refund->status;
    out->amount = wire_money(arena, refund->amount, currency);
    out->reason = wire_text(refund->reason);
    out->payment_id = wire_uuid(arena, &refund->payment_id);
    out->return_id = wire_uuid(arena, &refund->return_id);
    out->recorded_at_us = refund->recorded_at_us;
    out->request_id = wire_uuid(arena, &refund->request_id);
    out->provider = (Penstock__Orders__V1__RefundProvider)refund->provider;
    out->requested_by = wire_text(refund->actor);
    out->approved_by = wire_text(refund->approved_by);
    out->attempts = refund->attempts;
    out->error = wire_text(refund->error);
    out->settled_at_us = refund->settled_at_us;
    return out;
}

Hold *view_hold(struct arena *arena, const struct hold *hold)
{
    Hold *out = ARENA_NEW(arena, Hold);
    penstock__orders__v1__hold__init(out);
    out->id = wire_uuid(arena, &hold->id);
    out->type = wire_text(hold->type);
    out->reason = wire_text(hold->reason);
    out->actor = wire_text(hold->actor);
    out->placed_at_us = hold->placed_at_us;
    out->expires_at_us = hold->expires_at_us;
    out->released_at_us = hold->released_at_us;
    return out;
}

static void view_belongings(struct arena *arena, const struct order *order, Order *out)
{
    const char *currency = out->currency;
    out->lines = ARENA_ARRAY(arena, order->line_count, OrderLine *);
    for (size_t i = 0; i < order->line_count; i++) {
        bool has_moved = order->lines[i].quantity == 0 && !uuid_is_nil(&order->root_id);
        if (!has_moved)
            out->lines[out->n_lines++] = view_line(arena, &order->lines[i], currency);
        out->item_count += order->lines[i].quantity - order->lines[i].cancelled;
    }
    const struct order *ledger = rules_ledger_of(order);
    out->payments = ARENA_ARRAY(arena, ledger->payment_count, Payment *);
    for (size_t i = 0; i < ledger->payment_count; i++)
        out->payments[out->n_payments++] = view_payment(arena, &ledger->payments[i], currency);
    out->refunds = ARENA_ARRAY(arena, ledger->refund_count, Refund *);
    for (size_t i = 0; i < ledger->refund_count; i++) {
        if (rules_is_refund_of(order, &ledger->refunds[i]))
            out->refunds[out->n_refunds++] = view_refund(arena, &ledger->refunds[i], currency);
    }
    out->holds = ARENA_ARRAY(arena, order->hold_rows, Hold *);
    for (size_t i = 0; i < order->hold_rows; i++) {
        if (order->holds[i].released_at_us == 0)
            out->holds[out->n_holds++] = view_hold(arena, &order->holds[i]);
    }
}

static void view_money(struct arena *arena, const struct order *order, Order *out)
{
    const char *currency = out->currency;
    out->items_total = wire_money(arena, order->items_total, currency);
    out->discount_total = wire_money(arena, order->discount_total, currency);
    out->shipping_total = wire_money(arena, order->shipping_total, currency);
    out->tax_total = wire_money(arena, order->tax_total, currency);
    out->charges_total = wire_money(arena, order->charges_total, currency);
    out->total = wire_money(arena, order->total, currency);
    out->current_total = wire_money(arena, order->current_total, currency);
    out->paid_total = wire_money(arena, order->captured_total, currency);
    out->refunded_total = wire_money(arena, order->refunded_total, currency);
    out->amount_due = wire_money(arena, order->amount_due, currency);
    out->refund_due = wire_money(arena, order->refund_due, currency);
}

static void view_customer(struct arena *arena, const struct order *order, Order *out)
{
    Customer *customer = ARENA_NEW(arena, Customer);
    penstock__orders__v1__customer__init(customer);
    customer->id = wire_text(order->customer_id);
    customer->external_id = wire_text(order->customer_external_id);
    customer->name = wire_text(order->customer_name);
    customer->email = wire_text(order->email);
    customer->phone = wire_text(order->phone);
    out->customer = customer;
}

static FamilyMember *view_member(struct arena *arena, const struct order *member)
{
    FamilyMember *out = ARENA_NEW(arena, FamilyMember);
    penstock__orders__v1__family_member__init(out);
    out->order_id = wire_uuid(arena, &member->id);
    out->number = wire_text(member->number);
    out->parent_id = wire_uuid(arena, &member->parent_id);
    out->status = (Penstock__Orders__V1__OrderStatus)member->status;
    out->payment_status = (Penstock__Orders__V1__PaymentStatus)member->payment_status;
    out->total = wire_money(arena, member->total, member->currency);
    out->amount_due = wire_money(arena, member->amount_due, member->currency);
    return out;
}

/* Lists do not load families: they tell that there is one. */
static void view_family(struct arena *arena, const struct order *order, Order *out)
{
    if (uuid_is_nil(&order->root_id))
        return;
    Family *family = out->family = ARENA_NEW(arena, Family);
    penstock__orders__v1__family__init(family);
    family->root_id = wire_uuid(arena, &order->root_id);
    family->parent_id = wire_uuid(arena, &order->parent_id);
    if (order->family == NULL)
        return;
    struct family_money money = rules_family_money(order->family);
    family->total = wire_money(arena, money.total, out->currency);
    family->paid_total = wire_money(arena, money.captured, out->currency);
    family->refunded_total = wire_money(arena, money.refunded, out->currency);
    family->amount_due = wire_money(arena, money.amount_due, out->currency);
    family->refund_due = wire_money(arena, money.refund_due, out->currency);
    family->members = ARENA_ARRAY(arena, order->family->count, FamilyMember *);
    for (size_t i = 0; i < order->family->count; i++)
        family->members[family->n_members++] = view_member(arena, order->family->members[i]);
}

static void view_details(Order *out, const OrderDetails *details)
{
    out->shipping_address = details->shipping_address;
    out->billing_address = details->billing_address;
    out->n_shipping_lines = details->n_shipping_lines;
    out->shipping_lines = details->shipping_lines;
    out->n_discounts = details->n_discounts;
    out->discounts = details->discounts;
    out->n_tax_lines = details->n_tax_lines;
    out->tax_lines = details->tax_lines;
    out->n_charges = details->n_charges;
    out->charges = details->charges;
    out->note = details->note;
    out->shipping_remark = details->shipping_remark;
    out->delivery = details->delivery;
    out->is_silent = details->is_silent;
    out->is_erased = details->is_erased;
}

Order *view_order(struct arena *arena, const struct order *order, const OrderDetails *details)
{
    Order *out = ARENA_NEW(arena, Order);
    penstock__orders__v1__order__init(out);
    out->id = wire_uuid(arena, &order->id);
    out->number = wire_text(order->number);
    out->channel = wire_text(order->channel);
    out->external_id = wire_text(order->external_id);
    out->external_number = wire_text(order->external_number);
    out->status = (Penstock__Orders__V1__OrderStatus)order->status;
    out->payment_status = (Penstock__Orders__V1__PaymentStatus)order->payment_status;
    out->fulfillment_status = (Penstock__Orders__V1__FulfillmentStatus)order->fulfillment_status;
    out->return_status = (Penstock__Orders__V1__ReturnStatus)order->return_status;
    out->currency = arena_strdup(arena, order->currency);
    out->locale = wire_text(order->locale);
    out->prices_include_tax = order->prices_include_tax;
    out->version = order->version;
    out->placed_at_us = order->placed_at_us;
    out->updated_at_us = order->updated_at_us;
    out->edited_at_us = order->edited_at_us;
    out->confirmed_at_us = order->confirmed_at_us;
    out->cancelled_at_us = order->cancelled_at_us;
    out->cancel_reason = wire_text(order->cancel_reason);
    view_money(arena, order, out);
    view_customer(arena, order, out);
    view_belongings(arena, order, out);
    view_family(arena, order, out);
    if (details == NULL)
        details = (const OrderDetails *)(const void *)protobuf_c_message_unpack(
            &penstock__orders__v1__order_details__descriptor, arena_protobuf(arena),
            order->details_bytes, order->details);
    if (details != NULL)
        view_details(out, details);
    return out;
}
