#include "rules.h"

#include <string.h>

/* Every amount is within 10^15, so that a sum of two never wraps an int64. */
static bool add(int64_t *sum, int64_t term)
{
    *sum += term;
    return *sum <= MONEY_MAX_MINOR && *sum >= -MONEY_MAX_MINOR;
}

static bool too_large(struct refusal *no, const char *list)
{
    return rules_refuse(no, STATUS_INVALID, "amount_too_large",
                        "Amounts and their sums are limited to 10^15 minor units.", "%s", list);
}

static int64_t minor_of(const Money *money)
{
    return money != NULL ? money->amount_minor : 0;
}

/* What a line costs before anything is shared out. */
static int64_t line_net(const struct order_line *line)
{
    return line->unit_price * line->quantity - line->discount;
}

static bool price_lines(struct order *order, struct refusal *no)
{
    for (size_t i = 0; i < order->line_count; i++) {
        const struct order_line *line = &order->lines[i];
        int64_t price;
        if (__builtin_mul_overflow(line->unit_price, line->quantity, &price) ||
            price > MONEY_MAX_MINOR)
            return rules_refuse(no, STATUS_INVALID, "amount_too_large",
                                "Quantity times price is past 10^15 minor units.",
                                "lines[%zu].unit_price.amount", i);
        if (line->discount > price)
            return rules_refuse(no, STATUS_INVALID, "out_of_range",
                                "A line's discount is at most what the line costs.",
                                "lines[%zu].discount.amount", i);
        if (!add(&order->items_total, price) || !add(&order->discount_total, line->discount))
            return too_large(no, "lines");
    }
    return true;
}

static bool sum_parts(struct order *order, const PlaceOrderRequest *in, struct refusal *no)
{
    int64_t line_taxes = 0;
    for (size_t i = 0; i < in->n_shipping_lines; i++) {
        if (!add(&order->shipping_total, minor_of(in->shipping_lines[i]->price)))
            return too_large(no, "shipping_lines");
    }
    for (size_t i = 0; i < in->n_discounts; i++) {
        if (!add(&order->discount_total, minor_of(in->discounts[i]->amount)))
            return too_large(no, "discounts");
    }
    for (size_t i = 0; i < in->n_tax_lines; i++) {
        if (!add(&order->tax_total, minor_of(in->tax_lines[i]->amount)))
            return too_large(no, "tax_lines");
    }
    for (size_t i = 0; i < in->n_charges; i++) {
        if (!add(&order->charges_total, minor_of(in->charges[i]->amount)))
            return too_large(no, "charges");
    }
    for (size_t i = 0; i < order->line_count; i++) {
        if (!add(&line_taxes, order->lines[i].tax))
            return too_large(no, "lines");
    }
    /* The order's own tax lines are the whole tax; without them the lines' taxes are. */
    if (in->n_tax_lines == 0)
        order->tax_total = line_taxes;
    return true;
}

static bool sum_total(struct order *order, struct refusal *no)
{
    int64_t total = order->items_total - order->discount_total;
    if (!add(&total, order->shipping_total) || !add(&total, order->charges_total) ||
        (!order->prices_include_tax && !add(&total, order->tax_total)))
        return too_large(no, "lines");
    if (total < 0)
        return rules_refuse(no, STATUS_INVALID, "out_of_range",
                            "The discounts are more than the order costs.", "%s", "discounts");
    order->total = total;
    return true;
}

/* Lines give their own net as the weight; shipping, which taxes fall on too, is the last share. */
struct shares {
    int64_t *weights, *parts;
    size_t count;
};

static struct shares shares_open(const struct order *order, struct arena *arena, int64_t shipping)
{
    struct shares shares = {
        .weights = ARENA_ARRAY(arena, order->line_count + 1, int64_t),
        .parts = ARENA_ARRAY(arena, order->line_count + 1, int64_t),
        .count = order->line_count + 1,
    };
    for (size_t i = 0; i < order->line_count; i++)
        shares.weights[i] = line_net(&order->lines[i]);
    shares.weights[order->line_count] = shipping;
    return shares;
}

/* The discounts of the whole order, as far as the lines can bear them. */
static void share_discounts(struct order *order, struct arena *arena, int64_t discount)
{
    int64_t net = 0;
    for (size_t i = 0; i < order->line_count; i++)
        net += line_net(&order->lines[i]);
    if (discount > net)
        discount = net;
    if (discount <= 0)
        return;
    struct shares shares = shares_open(order, arena, 0);
    money_share(discount, shares.weights, order->line_count, shares.parts);
    for (size_t i = 0; i < order->line_count; i++)
        order->lines[i].total -= shares.parts[i];
}

static void share_taxes(struct order *order, struct arena *arena)
{
    int64_t own = 0;
    for (size_t i = 0; i < order->line_count; i++)
        own += order->lines[i].tax;
    if (own > 0) {
        for (size_t i = 0; i < order->line_count; i++)
            order->lines[i].total += order->lines[i].tax;
        return;
    }
    struct shares shares = shares_open(order, arena, order->shipping_total);
    money_share(order->tax_total, shares.weights, shares.count, shares.parts);
    for (size_t i = 0; i < order->line_count; i++)
        order->lines[i].total += shares.parts[i];
}

static void share_out(struct order *order, struct arena *arena)
{
    int64_t line_discounts = 0;
    for (size_t i = 0; i < order->line_count; i++) {
        order->lines[i].total = line_net(&order->lines[i]);
        line_discounts += order->lines[i].discount;
    }
    if (order->discount_total > line_discounts)
        share_discounts(order, arena, order->discount_total - line_discounts);
    if (!order->prices_include_tax && order->tax_total > 0)
        share_taxes(order, arena);
}

bool rules_totals(struct order *order, const PlaceOrderRequest *in, struct arena *arena,
                  struct refusal *no)
{
    order->items_total = order->discount_total = order->shipping_total = 0;
    order->tax_total = order->charges_total = 0;
    if (!price_lines(order, no) || !sum_parts(order, in, no) || !sum_total(order, no))
        return false;
    share_out(order, arena);
    return true;
}
