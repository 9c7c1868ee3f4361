#include "rules_auto.h"

#include <string.h>

#define DAY_US (INT64_C(86400) * 1000000)

size_t rules_place_ids(const PlaceOrderRequest *in)
{
    return 1 + in->n_lines + 2 * in->n_payments + 1;
}

bool rules_input_takes_stock(const LineInput *line)
{
    return !line->is_custom && !line->no_shipping && line->sku[0] != '\0';
}

static int64_t minor_of(const Money *money)
{
    return money != NULL ? money->amount_minor : 0;
}

/* "" when the customer's word for it is no country code. */
static const char *country_of(const Address *address, struct arena *arena)
{
    if (address == NULL || strlen(address->country) != 2)
        return "";
    char *code = arena_strdup(arena, address->country);
    for (size_t i = 0; i < 2; i++) {
        if (code[i] >= 'a' && code[i] <= 'z')
            code[i] = (char)(code[i] - 'a' + 'A');
        if (code[i] < 'A' || code[i] > 'Z')
            return "";
    }
    return code;
}

static void place_line(struct order *order, const struct placing *placing, size_t i)
{
    const LineInput *in = placing->in->lines[i];
    const struct held *held = placing->held != NULL ? &placing->held[i] : NULL;
    struct order_line *line = &order->lines[i];
    *line = (struct order_line){
        .order_id = order->id,
        .id = placing->ids[1 + i],
        .line_no = (int32_t)i,
        .sku = in->sku,
        .name = in->name,
        .external_id = in->external_id,
        .quantity = in->quantity,
        .unit_price = minor_of(in->unit_price),
        .discount = minor_of(in->discount),
        .tax = minor_of(in->tax),
        .is_custom = in->is_custom,
        .no_shipping = in->no_shipping,
        .cancelled = placing->is_cancelled ? in->quantity : in->cancelled,
        .allocated_total = held != NULL ? held->held : 0,
        .is_new = true,
    };
    if (line->name[0] == '\0' && held != NULL && held->name != NULL)
        line->name = held->name;
}

static void place_payments(struct order *order, const struct placing *placing,
                           const struct act *act)
{
    const PlaceOrderRequest *in = placing->in;
    const struct uuid *ids = placing->ids + 1 + in->n_lines;
    order->payments = ARENA_ARRAY(act->arena, in->n_payments, struct payment);
    order->refunds = ARENA_ARRAY(act->arena, in->n_payments, struct refund);
    for (size_t i = 0; i < in->n_payments; i++) {
        const PaymentInput *input = in->payments[i];
        struct payment *payment = &order->payments[order->payment_count++];
        *payment = (struct payment){
            .order_id = order->id,
            .id = ids[2 * i],
            .method = input->method,
            .reference = input->reference,
            .status = (enum entry_status)input->status,
            .amount = minor_of(input->amount),
            .refunded = input->status == (int)ENTRY_CAPTURED ? minor_of(input->refunded) : 0,
            .paid_at_us = input->paid_at_us,
            .recorded_at_us = act->now_us,
            .is_new = true,
        };
        if (payment->refunded == 0)
            continue;
        order->refunds[order->refund_count++] = (struct refund){
            .order_id = order->id,
            .id = ids[2 * i + 1],
            .payment_id = payment->id,
            .status = REFUND_SUCCEEDED,
            .amount = payment->refunded,
            .reason = "channel",
            .recorded_at_us = act->now_us,
            .actor = act->actor,
            .provider = PROVIDER_CHANNEL,
            .approved_by = act->actor,
            .error = "",
            .settled_at_us = act->now_us,
            .is_new = true,
        };
    }
}

/* A tracked line that no item answers to: nobody could pick it. */
static bool is_unmatched(const struct placing *placing, size_t i)
{
    const LineInput *line = placing->in->lines[i];
    if (line->is_custom || line->no_shipping || line->cancelled == line->quantity)
        return false;
    return line->sku[0] == '\0' || (placing->held != NULL && placing->held[i].is_unknown);
}

static void place_unmatched_hold(struct order *order, const struct placing *placing,
                                 const struct act *act)
{
    const char *lines = "";
    for (size_t i = 0; i < placing->in->n_lines && !placing->is_cancelled; i++) {
        const char *sku = placing->in->lines[i]->sku;
        if (is_unmatched(placing, i))
            lines = arena_printf(act->arena, "%s%sline %zu (%s)", lines, lines[0] ? ", " : "",
                                 i + 1, sku[0] != '\0' ? sku : "no SKU");
    }
    if (lines[0] == '\0')
        return;
    order->holds = ARENA_NEW(act->arena, struct hold);
    order->hold_rows = 1;
    order->holds[0] = (struct hold){
        .order_id = order->id,
        .id = placing->ids[rules_place_ids(placing->in) - 1],
        .type = "unmatched_item",
        .reason = arena_printf(act->arena, "No item has the SKU of %.400s.", lines),
        .actor = "system:orders",
        .placed_at_us = act->now_us,
        .released_by = "",
        .is_new = true,
    };
}

static void place_contact(struct order *order, const PlaceOrderRequest *in)
{
    const Customer *customer = in->customer;
    order->customer_id = in->customer_id[0] != '\0' ? in->customer_id
                         : customer != NULL         ? customer->id
                                                    : "";
    order->customer_external_id = customer != NULL ? customer->external_id : "";
    order->customer_name = customer != NULL ? customer->name : "";
    order->email = customer != NULL ? customer->email : "";
    order->phone = customer != NULL ? customer->phone : "";
}

void rules_details(const PlaceOrderRequest *in, OrderDetails *details)
{
    penstock__orders__v1__order_details__init(details);
    details->shipping_address = in->shipping_address;
    details->billing_address = in->billing_address;
    details->n_shipping_lines = in->n_shipping_lines;
    details->shipping_lines = in->shipping_lines;
    details->n_discounts = in->n_discounts;
    details->discounts = in->discounts;
    details->n_tax_lines = in->n_tax_lines;
    details->tax_lines = in->tax_lines;
    details->n_charges = in->n_charges;
    details->charges = in->charges;
    details->note = in->note;
    details->shipping_remark = in->shipping_remark;
    details->delivery = in->delivery;
    details->is_silent = in->notify_customer == PENSTOCK__INVENTORY__V1__SWITCH__SWITCH_OFF;
}

static void place_details(struct order *order, const PlaceOrderRequest *in, const char *remark,
                          struct arena *arena)
{
    OrderDetails details;
    rules_details(in, &details);
    if (remark != NULL && details.shipping_remark[0] == '\0')
        details.shipping_remark = arena_strdup(arena, remark);
    order->details_bytes = protobuf_c_message_get_packed_size(&details.base);
    uint8_t *packed = arena_alloc(arena, order->details_bytes + 1);
    protobuf_c_message_pack(&details.base, packed);
    order->details = packed;
}

/* What came off before we heard of the order, at what it is worth. */
static void place_cancelled(struct order *order, const struct placing *placing,
                            const struct act *act)
{
    int64_t open = 0;
    for (size_t i = 0; i < order->line_count; i++) {
        order->cancelled_value += rules_line_value(&order->lines[i], order->lines[i].cancelled);
        open += order->lines[i].quantity - order->lines[i].cancelled;
    }
    if (open > 0)
        return;
    order->cancelled_value = order->total;
    order->status = ORDER_CANCELLED;
    order->cancelled_at_us = act->now_us;
    order->cancel_reason = placing->cancel_reason != NULL ? placing->cancel_reason : "other";
}

/* What the shop's own rules do to it: the remark that they set, or NULL. */
static const char *place_rules(struct order *order, const struct placing *placing,
                               const struct act *act)
{
    OrderDetails details;
    if (placing->rules == NULL || placing->is_cancelled)
        return NULL;
    rules_details(placing->in, &details);
    order->status = ORDER_PENDING;
    rules_order_derive(order);
    struct auto_facts facts = rules_auto_facts(order, &details);
    *placing->verdict = rules_auto_decide(placing->rules, &facts, act->arena);
    return rules_auto_apply(order, act, placing->verdict, placing->rule_ids);
}

static bool goes_by_itself(const struct order *order, const struct placing *placing)
{
    enum auto_wish wish = placing->verdict != NULL ? placing->verdict->wish : AUTO_NONE;
    return order->hold_count == 0 && rules_auto_confirms(order, placing->channel, wish);
}

/* A new order is pending; it goes on by itself unless a person has to say so or a hold stands. */
static void place_status(struct order *order, const struct placing *placing, const struct act *act)
{
    order->status = ORDER_PENDING;
    place_cancelled(order, placing, act);
    rules_order_derive(order);
    if (order->status == ORDER_PENDING && goes_by_itself(order, placing)) {
        order->status = ORDER_CONFIRMED;
        order->confirmed_at_us = act->now_us;
        rules_order_derive(order);
    }
}

/* A channel's clock may be wrong, and its orders are taken all the same: none is of the future. */
static int64_t placed_at(const PlaceOrderRequest *in, int64_t now_us)
{
    if (in->placed_at_us <= 0)
        return now_us;
    return in->placed_at_us > now_us + DAY_US ? now_us : in->placed_at_us;
}

static struct order *place_head(const struct placing *placing, const struct act *act)
{
    const PlaceOrderRequest *in = placing->in;
    struct order *order = ARENA_NEW(act->arena, struct order);
    order->id = placing->ids[0];
    order->number = placing->number;
    order->channel = in->channel;
    order->external_id = in->external_id;
    order->external_number = placing->external_number != NULL ? placing->external_number : "";
    order->stock_policy = !placing->is_import && (int)in->stock_policy == (int)POLICY_REQUIRE
                              ? POLICY_REQUIRE
                              : POLICY_ACCEPT;
    memcpy(order->currency, in->currency, 3);
    order->locale = in->locale;
    order->country = country_of(in->shipping_address, act->arena);
    order->prices_include_tax = in->prices_include_tax;
    order->version = 1;
    order->placed_at_us = placed_at(in, act->now_us);
    order->created_at_us = order->updated_at_us = act->now_us;
    order->created_by = act->actor;
    order->cancel_reason = "";
    return order;
}

struct order *rules_place(const struct placing *placing, const struct act *act, struct refusal *no)
{
    const PlaceOrderRequest *in = placing->in;
    struct order *order = place_head(placing, act);
    order->line_count = in->n_lines;
    order->lines = ARENA_ARRAY(act->arena, in->n_lines, struct order_line);
    for (size_t i = 0; i < in->n_lines; i++)
        place_line(order, placing, i);
    if (!rules_totals(order, in, act->arena, no))
        return NULL;
    place_contact(order, in);
    place_payments(order, placing, act);
    if (placing->is_import || placing->held != NULL)
        place_unmatched_hold(order, placing, act);
    place_details(order, in, place_rules(order, placing, act), act->arena);
    place_status(order, placing, act);
    if (placing->current_total != NULL) {
        rules_import_current_total(order, placing->current_total);
        rules_order_derive(order);
    }
    if (!placing->is_import && !rules_check_collection(order, in->delivery, no))
        return NULL;
    return order;
}
