#include <string.h>

#include "rules_split.h"
#include "view.h"

static int64_t clamp(int64_t value, int64_t most)
{
    if (value < 0)
        return 0;
    return value < most ? value : most;
}

int64_t rules_part(int64_t amount, int64_t units, int64_t of)
{
    int64_t weights[2] = {of - units, units}, parts[2];
    money_share(amount, weights, 2, parts);
    return parts[1];
}

OrderDetails *rules_details_open(const struct order *order, struct arena *arena)
{
    OrderDetails *details = penstock__orders__v1__order_details__unpack(
        arena_protobuf(arena), order->details_bytes, order->details);
    if (details != NULL)
        return details;
    details = ARENA_NEW(arena, OrderDetails);
    penstock__orders__v1__order_details__init(details);
    return details;
}

void rules_details_close(struct order *order, const OrderDetails *details, struct arena *arena)
{
    order->details_bytes = protobuf_c_message_get_packed_size(&details->base);
    uint8_t *packed = arena_alloc(arena, order->details_bytes + 1);
    protobuf_c_message_pack(&details->base, packed);
    order->details = packed;
}

static int64_t minor_of(const Money *money)
{
    return money != NULL ? money->amount_minor : 0;
}

void rules_split_sums(const struct order *parent, struct split_sums *sums)
{
    int64_t tax = 0;
    for (size_t i = 0; i < parent->line_count; i++)
        tax += parent->lines[i].tax;
    sums->carries_tax = tax > 0 && !parent->prices_include_tax;
    sums->is_lines_tax = tax == parent->tax_total;
}

/* ---- how much of the order's own discounts and taxes goes ---- */

struct order_parts {
    int64_t discount, tax;
};

static int64_t sum_discounts(const OrderDetails *details)
{
    int64_t sum = 0;
    for (size_t i = 0; i < details->n_discounts; i++)
        sum += minor_of(details->discounts[i]->amount);
    return sum;
}

static int64_t net_of(const struct order *order)
{
    int64_t sum = 0;
    for (size_t i = 0; i < order->line_count; i++)
        sum += order->lines[i].unit_price * order->lines[i].quantity - order->lines[i].discount;
    return sum;
}

/* What the totals of the lines that stay hold besides their net. */
static int64_t carried_by_rest(const struct order *parent)
{
    int64_t sum = -net_of(parent);
    for (size_t i = 0; i < parent->line_count; i++)
        sum += parent->lines[i].total;
    return sum;
}

/* By what lines and shipping cost, as taxes are shared out, when nothing says whose tax it is. */
static int64_t tax_by_cost(const struct order *parent, const struct split_sums *sums)
{
    int64_t goes = sums->items - sums->line_discount + sums->shipping;
    int64_t all = goes + net_of(parent) + parent->shipping_total - sums->shipping;
    return goes > 0 ? rules_part(parent->tax_total, goes, all) : 0;
}

static struct order_parts parts_of(const struct order *parent, const OrderDetails *details,
                                   const struct split_sums *sums)
{
    int64_t discounts = sum_discounts(details);
    struct order_parts parts = {.tax = sums->line_tax};
    if (!sums->carries_tax && details->n_tax_lines > 0 && !sums->is_lines_tax)
        parts.tax = tax_by_cost(parent, sums);
    parts.tax = clamp(parts.tax, parent->tax_total);
    if (parent->prices_include_tax || sums->carries_tax) {
        parts.discount = clamp(-sums->carried, discounts);
        return parts;
    }
    /* The lines carry both in one figure: what is no tax is discount, on either side. */
    int64_t most = clamp(carried_by_rest(parent) + discounts, discounts);
    parts.discount = clamp(parts.tax - sums->carried, most);
    if (parts.discount < -sums->carried)
        parts.discount = clamp(-sums->carried, discounts);
    parts.tax = clamp(sums->carried + parts.discount, parent->tax_total);
    return parts;
}

/* ---- the entries of the details ---- */

static Money *money_of(struct arena *arena, const struct order *order, int64_t minor)
{
    return wire_money(arena, minor, order->currency);
}

static void split_discounts(OrderDetails *from, OrderDetails *to, int64_t part,
                            const struct order *order, struct arena *arena)
{
    size_t count = from->n_discounts;
    int64_t *weights = ARENA_ARRAY(arena, count + 1, int64_t);
    int64_t *shares = ARENA_ARRAY(arena, count + 1, int64_t);
    for (size_t i = 0; i < count; i++)
        weights[i] = minor_of(from->discounts[i]->amount);
    if (count > 0)
        money_share(part, weights, count, shares);
    to->n_discounts = 0;
    to->discounts = ARENA_ARRAY(arena, count + 1, Discount *);
    for (size_t i = 0; i < count; i++) {
        if (shares[i] == 0)
            continue;
        Discount *copy = arena_copy(arena, from->discounts[i], sizeof(*copy));
        copy->amount = money_of(arena, order, shares[i]);
        to->discounts[to->n_discounts++] = copy;
        from->discounts[i]->amount = money_of(arena, order, weights[i] - shares[i]);
    }
}

/* All of them stay on both, for a tax of nothing says that there is one. */
static void split_taxes(OrderDetails *from, OrderDetails *to, int64_t part,
                        const struct order *order, struct arena *arena)
{
    size_t count = from->n_tax_lines;
    int64_t *weights = ARENA_ARRAY(arena, count + 1, int64_t);
    int64_t *shares = ARENA_ARRAY(arena, count + 1, int64_t);
    for (size_t i = 0; i < count; i++)
        weights[i] = minor_of(from->tax_lines[i]->amount);
    if (count > 0)
        money_share(part, weights, count, shares);
    to->n_tax_lines = count;
    to->tax_lines = ARENA_ARRAY(arena, count + 1, TaxLine *);
    for (size_t i = 0; i < count; i++) {
        to->tax_lines[i] = arena_copy(arena, from->tax_lines[i], sizeof(*to->tax_lines[i]));
        to->tax_lines[i]->amount = money_of(arena, order, shares[i]);
        from->tax_lines[i]->amount = money_of(arena, order, weights[i] - shares[i]);
    }
}

static void split_shipping(OrderDetails *from, OrderDetails *to, int64_t part,
                           const struct order *order, struct arena *arena)
{
    to->n_shipping_lines = 0;
    to->shipping_lines = ARENA_ARRAY(arena, from->n_shipping_lines + 1, ShippingLine *);
    for (size_t i = 0; i < from->n_shipping_lines; i++) {
        int64_t price = minor_of(from->shipping_lines[i]->price);
        int64_t goes = clamp(part, price);
        ShippingLine *copy = arena_copy(arena, from->shipping_lines[i], sizeof(*copy));
        copy->price = money_of(arena, order, goes);
        to->shipping_lines[to->n_shipping_lines++] = copy;
        from->shipping_lines[i]->price = money_of(arena, order, price - goes);
        part -= goes;
    }
}

bool rules_split_money(struct order *parent, struct order *child, const struct split_sums *sums,
                       struct arena *arena)
{
    OrderDetails *stays = rules_details_open(parent, arena);
    OrderDetails *goes = rules_details_open(parent, arena);
    struct order_parts parts = parts_of(parent, stays, sums);
    int64_t total = sums->items - sums->line_discount - parts.discount + sums->shipping +
                    (parent->prices_include_tax ? 0 : parts.tax);
    if (total < 0 || total > parent->total)
        return false;
    split_discounts(stays, goes, parts.discount, parent, arena);
    split_taxes(stays, goes, parts.tax, parent, arena);
    split_shipping(stays, goes, sums->shipping, parent, arena);
    goes->n_charges = 0;
    stays->edit_base = goes->edit_base = NULL;
    child->items_total = sums->items;
    child->discount_total = sums->line_discount + parts.discount;
    child->shipping_total = sums->shipping;
    child->tax_total = parts.tax;
    child->total = total;
    parent->items_total -= child->items_total;
    parent->discount_total -= child->discount_total;
    parent->shipping_total -= child->shipping_total;
    parent->tax_total -= child->tax_total;
    parent->total -= child->total;
    rules_details_close(parent, stays, arena);
    rules_details_close(child, goes, arena);
    return true;
}

/* ---- and together again ---- */

static bool same(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

static void merge_discount(OrderDetails *to, Discount *from, const struct order *order,
                           struct arena *arena)
{
    for (size_t i = 0; i < to->n_discounts; i++) {
        Discount *into = to->discounts[i];
        if (!same(into->code, from->code) || !same(into->title, from->title))
            continue;
        into->amount = money_of(arena, order, minor_of(into->amount) + minor_of(from->amount));
        return;
    }
    Discount **all = ARENA_ARRAY(arena, to->n_discounts + 1, Discount *);
    for (size_t i = 0; i < to->n_discounts; i++)
        all[i] = to->discounts[i];
    all[to->n_discounts++] = from;
    to->discounts = all;
}

static void merge_tax(OrderDetails *to, TaxLine *from, const struct order *order,
                      struct arena *arena)
{
    for (size_t i = 0; i < to->n_tax_lines; i++) {
        TaxLine *into = to->tax_lines[i];
        if (!same(into->title, from->title) || into->rate_ppm != from->rate_ppm)
            continue;
        into->amount = money_of(arena, order, minor_of(into->amount) + minor_of(from->amount));
        return;
    }
    TaxLine **all = ARENA_ARRAY(arena, to->n_tax_lines + 1, TaxLine *);
    for (size_t i = 0; i < to->n_tax_lines; i++)
        all[i] = to->tax_lines[i];
    all[to->n_tax_lines++] = from;
    to->tax_lines = all;
}

static void merge_shipping(OrderDetails *to, ShippingLine *from, const struct order *order,
                           struct arena *arena)
{
    for (size_t i = 0; i < to->n_shipping_lines; i++) {
        ShippingLine *into = to->shipping_lines[i];
        if (!same(into->code, from->code) || !same(into->title, from->title))
            continue;
        into->price = money_of(arena, order, minor_of(into->price) + minor_of(from->price));
        return;
    }
    ShippingLine **all = ARENA_ARRAY(arena, to->n_shipping_lines + 1, ShippingLine *);
    for (size_t i = 0; i < to->n_shipping_lines; i++)
        all[i] = to->shipping_lines[i];
    all[to->n_shipping_lines++] = from;
    to->shipping_lines = all;
}

static void merge_charges(OrderDetails *to, const OrderDetails *from, struct arena *arena)
{
    Charge **all = ARENA_ARRAY(arena, to->n_charges + from->n_charges + 1, Charge *);
    for (size_t i = 0; i < to->n_charges; i++)
        all[i] = to->charges[i];
    for (size_t i = 0; i < from->n_charges; i++)
        all[to->n_charges++] = from->charges[i];
    to->charges = all;
}

static void empty(struct order *child)
{
    child->items_total = child->discount_total = child->shipping_total = 0;
    child->tax_total = child->charges_total = child->total = child->cancelled_value = 0;
}

void rules_unsplit_money(struct order *parent, struct order *child, struct arena *arena)
{
    OrderDetails *to = rules_details_open(parent, arena), *from = rules_details_open(child, arena);
    for (size_t i = 0; i < from->n_discounts; i++)
        merge_discount(to, from->discounts[i], parent, arena);
    for (size_t i = 0; i < from->n_tax_lines; i++)
        merge_tax(to, from->tax_lines[i], parent, arena);
    for (size_t i = 0; i < from->n_shipping_lines; i++)
        merge_shipping(to, from->shipping_lines[i], parent, arena);
    merge_charges(to, from, arena);
    to->edit_base = from->edit_base = NULL;
    parent->items_total += child->items_total;
    parent->discount_total += child->discount_total;
    parent->shipping_total += child->shipping_total;
    parent->tax_total += child->tax_total;
    parent->charges_total += child->charges_total;
    parent->total += child->total;
    parent->cancelled_value += child->cancelled_value;
    rules_details_close(parent, to, arena);
    from->n_discounts = from->n_tax_lines = from->n_shipping_lines = from->n_charges = 0;
    rules_details_close(child, from, arena);
    empty(child);
}
