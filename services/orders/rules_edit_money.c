#include "rules_edit.h"

#include <string.h>

/* Room for an amount times an amount. */
__extension__ typedef __int128 wide;

/* amount x to / from, rounded half up; none of them negative. */
static int64_t scale(int64_t amount, int64_t to, int64_t from)
{
    if (from <= 0 || to == from)
        return from <= 0 ? 0 : amount;
    wide product = (wide)amount * to;
    wide scaled = (product * 2 + from) / ((wide)from * 2);
    return scaled > MONEY_MAX_MINOR ? MONEY_MAX_MINOR + 1 : (int64_t)scaled;
}

/* Past the limit on overflow, which the totals then refuse. */
static int64_t net_of(const struct order_line *line)
{
    wide net = (wide)line->unit_price * line->quantity - line->discount;
    if (net > MONEY_MAX_MINOR)
        return MONEY_MAX_MINOR + 1;
    return net < 0 ? 0 : (int64_t)net;
}

static int64_t shipping_of(const OrderDetails *details)
{
    int64_t sum = 0;
    for (size_t i = 0; i < details->n_shipping_lines; i++)
        sum += details->shipping_lines[i]->price != NULL
                   ? details->shipping_lines[i]->price->amount_minor
                   : 0;
    return sum;
}

static int64_t discount_of(const OrderDetails *details)
{
    int64_t sum = 0;
    for (size_t i = 0; i < details->n_discounts; i++)
        sum +=
            details->discounts[i]->amount != NULL ? details->discounts[i]->amount->amount_minor : 0;
    return sum;
}

/* What taxes of the whole order fall on. */
static int64_t taxable_of(const struct order *order, const OrderDetails *details)
{
    int64_t net = 0, discount = discount_of(details);
    for (size_t i = 0; i < order->line_count; i++)
        net += net_of(&order->lines[i]);
    return net - (discount < net ? discount : net) + shipping_of(details);
}

/* ---- the base ---- */

LineBase *rules_edit_line_base(const OrderDetails *details, size_t line)
{
    return details->edit_base->lines[line];
}

struct rate {
    int64_t tax, net;
};

/* What the lines that the base knows are taxed in all, where each has a tax of its own. */
static struct rate line_rate(const EditBase *base)
{
    struct rate rate = {0, 0};
    for (size_t i = 0; i < base->n_lines; i++) {
        rate.tax += base->lines[i]->tax;
        rate.net += base->lines[i]->net;
    }
    return rate;
}

static void base_begin(const struct order *order, OrderDetails *details, struct arena *arena)
{
    EditBase *base = ARENA_NEW(arena, EditBase);
    penstock__orders__v1__edit_base__init(base);
    base->tax_total = order->tax_total;
    base->taxable = taxable_of(order, details);
    base->shipping_total = order->shipping_total;
    for (size_t i = 0; i < order->line_count; i++)
        base->line_tax += order->lines[i].tax;
    base->tax_amounts = ARENA_ARRAY(arena, details->n_tax_lines + 1, int64_t);
    for (size_t i = 0; i < details->n_tax_lines; i++)
        base->tax_amounts[base->n_tax_amounts++] =
            details->tax_lines[i]->amount != NULL ? details->tax_lines[i]->amount->amount_minor : 0;
    details->edit_base = base;
}

/* A line that is added by an edit is taxed like the others, unless it says how much. */
static void base_line(const struct order_line *line, bool is_added, struct rate rate, LineBase *out)
{
    penstock__orders__v1__line_base__init(out);
    out->quantity = line->quantity;
    out->discount = line->discount;
    out->net = net_of(line);
    out->tax = is_added && line->tax == 0 ? scale(rate.tax, out->net, rate.net) : line->tax;
}

void rules_edit_base(const struct order *order, OrderDetails *details, struct arena *arena)
{
    bool is_first = details->edit_base == NULL;
    if (is_first)
        base_begin(order, details, arena);
    EditBase *base = details->edit_base;
    struct rate rate = line_rate(base);
    LineBase **lines = ARENA_ARRAY(arena, order->line_count + 1, LineBase *);
    if (base->n_lines > 0)
        memcpy(lines, base->lines, base->n_lines * sizeof(LineBase *));
    for (size_t i = base->n_lines; i < order->line_count; i++) {
        lines[i] = ARENA_NEW(arena, LineBase);
        base_line(&order->lines[i], !is_first, rate, lines[i]);
    }
    base->lines = lines;
    base->n_lines = order->line_count;
}

/* ---- prices ---- */

/* The price of a new line is known only when inventory has answered. */
static void price_new_line(const struct order_line *line, const struct rate *rate, LineBase *base)
{
    if (line->is_new)
        base_line(line, true, *rate, base);
}

static void price_lines(struct order *order, const OrderDetails *details)
{
    struct rate rate = {0, 0};
    for (size_t i = 0; i < order->line_count; i++) {
        const LineBase *base = details->edit_base->lines[i];
        if (order->lines[i].is_new)
            continue;
        rate.tax += base->tax;
        rate.net += base->net;
    }
    for (size_t i = 0; i < order->line_count; i++) {
        struct order_line *line = &order->lines[i];
        LineBase *base = details->edit_base->lines[i];
        line->discount = scale(base->discount, line->quantity, base->quantity);
        price_new_line(line, &rate, base);
        line->tax = scale(base->tax, net_of(line), base->net);
    }
}

/* Lines with taxes of their own bring those; what is more than theirs is the shipping's. */
static int64_t tax_by_lines(const struct order *order, const OrderDetails *details)
{
    const EditBase *base = details->edit_base;
    int64_t now = 0, rest = base->tax_total - base->line_tax;
    for (size_t i = 0; i < order->line_count; i++)
        now += order->lines[i].tax;
    if (rest > 0 && base->shipping_total > 0)
        rest = scale(rest, shipping_of(details), base->shipping_total);
    return now + rest > 0 ? now + rest : 0;
}

static int64_t tax_by_rates(const OrderDetails *details, int64_t taxable)
{
    int64_t sum = 0;
    for (size_t i = 0; i < details->n_tax_lines; i++)
        sum += scale(taxable, details->tax_lines[i]->rate_ppm, 1000000);
    return sum;
}

static int64_t tax_of_order(const struct order *order, const OrderDetails *details)
{
    const EditBase *base = details->edit_base;
    int64_t taxable = taxable_of(order, details);
    if (line_rate(base).tax > 0)
        return tax_by_lines(order, details);
    if (base->taxable == 0 && taxable > 0)
        return tax_by_rates(details, taxable);
    return taxable == base->taxable ? base->tax_total
                                    : scale(base->tax_total, taxable, base->taxable);
}

static void price_taxes(struct order *order, OrderDetails *details, struct arena *arena)
{
    const EditBase *base = details->edit_base;
    if (details->n_tax_lines == 0 || base->n_tax_amounts != details->n_tax_lines)
        return;
    int64_t *amounts = ARENA_ARRAY(arena, details->n_tax_lines, int64_t);
    money_share(tax_of_order(order, details), base->tax_amounts, details->n_tax_lines, amounts);
    for (size_t i = 0; i < details->n_tax_lines; i++) {
        TaxLine *line = details->tax_lines[i];
        if (line->amount != NULL)
            line->amount->amount_minor = amounts[i];
    }
}

static int64_t value_of_cancelled(const struct order *order)
{
    int64_t sum = 0;
    for (size_t i = 0; i < order->line_count; i++)
        sum += rules_line_value(&order->lines[i], order->lines[i].cancelled);
    return sum;
}

static int64_t excess_of(const struct order *order, const OrderDetails *details)
{
    int64_t excess = discount_of(details);
    for (size_t i = 0; i < order->line_count; i++)
        excess -= net_of(&order->lines[i]);
    return excess > 0 ? excess : 0;
}

struct edit_figures rules_edit_figures(const struct order *order, const OrderDetails *details)
{
    return (struct edit_figures){.beyond = order->cancelled_value - value_of_cancelled(order),
                                 .excess = excess_of(order, details)};
}

static bool check_discounts(const struct order *order, struct refusal *no)
{
    for (size_t i = 0; i < order->line_count; i++) {
        const struct order_line *line = &order->lines[i];
        if ((wide)line->unit_price * line->quantity < line->discount)
            return rules_refuse(no, STATUS_INVALID, "discount_too_large",
                                "A line's discount is at most what the line costs.", "%s",
                                "operations");
    }
    return true;
}

/* The discounts of the order are for its lines; what is left of those has to bear them. */
static bool refuse_discounts(struct refusal *no)
{
    return rules_refuse(no, STATUS_CONFLICT, "discount_too_large",
                        "The order's discounts would be more than its lines cost.", "%s",
                        "operations");
}

static bool refuse_totals(struct refusal *no)
{
    if (strcmp(no->field, "discounts") == 0)
        return refuse_discounts(no);
    return rules_refuse(no, no->status, no->code, no->text, "%s", "operations");
}

bool rules_edit_price(struct order *order, OrderDetails *details, const struct edit_figures *before,
                      struct arena *arena, struct refusal *no)
{
    PlaceOrderRequest parts;
    price_lines(order, details);
    price_taxes(order, details, arena);
    penstock__orders__v1__place_order_request__init(&parts);
    parts.n_shipping_lines = details->n_shipping_lines;
    parts.shipping_lines = details->shipping_lines;
    parts.n_discounts = details->n_discounts;
    parts.discounts = details->discounts;
    parts.n_tax_lines = details->n_tax_lines;
    parts.tax_lines = details->tax_lines;
    parts.n_charges = details->n_charges;
    parts.charges = details->charges;
    if (!check_discounts(order, no))
        return false;
    if (excess_of(order, details) > before->excess)
        return refuse_discounts(no);
    if (!rules_totals(order, &parts, arena, no))
        return refuse_totals(no);
    int64_t value = value_of_cancelled(order) + before->beyond;
    order->cancelled_value = value > 0 ? value : 0;
    return true;
}
