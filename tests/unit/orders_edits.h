/* orders_edits.h -- edits as scripts of operations, for the tests of the orders service.
 *
 * Included by several tests, after cmocka; everything is static, and inline where a test may not
 * need it.
 */
#pragma once

#include "orders_fixture.h"
#include "rules_edit.h"

static struct arena *arena;

static inline int setup(void **state)
{
    (void)state;
    arena = arena_open((size_t)256 << 20);
    return 0;
}

static inline int teardown(void **state)
{
    (void)state;
    arena_close(&arena);
    return 0;
}

/* ---- operations ---- */

struct script {
    EditOperation *operations[64];
    size_t count;
};

static inline EditOperation *next_of(struct script *script)
{
    EditOperation *operation = ARENA_NEW(arena, EditOperation);
    penstock__orders__v1__edit_operation__init(operation);
    script->operations[script->count++] = operation;
    return operation;
}

static inline char *id_of(const struct order *order, size_t line)
{
    return wire_uuid(arena, &order->lines[line].id);
}

static inline void set_quantity(struct script *script, const struct order *order, size_t line,
                                int64_t quantity)
{
    SetQuantity *out = ARENA_NEW(arena, SetQuantity);
    penstock__orders__v1__set_quantity__init(out);
    out->line = id_of(order, line);
    out->quantity = quantity;
    next_of(script)->set_quantity = out;
}

static inline void replace(struct script *script, const struct order *order, size_t line,
                           const char *sku, int64_t quantity)
{
    ReplaceLine *out = ARENA_NEW(arena, ReplaceLine);
    penstock__orders__v1__replace_line__init(out);
    out->line = id_of(order, line);
    out->sku = TEXT(sku);
    out->quantity = quantity;
    next_of(script)->replace_line = out;
}

static inline void discount_line(struct script *script, const struct order *order, size_t line,
                                 int64_t minor)
{
    SetLineDiscount *out = ARENA_NEW(arena, SetLineDiscount);
    penstock__orders__v1__set_line_discount__init(out);
    out->line = id_of(order, line);
    out->discount = wire_money(arena, minor, "HKD");
    next_of(script)->set_line_discount = out;
}

static inline void add_line(struct script *script, const char *sku, int64_t quantity, int64_t price)
{
    LineInput *line = a_line(arena, sku, quantity, price);
    if (price == 0)
        line->unit_price = NULL;
    next_of(script)->add_line = line;
}

static inline void set_discount(struct script *script, const char *title, int64_t minor)
{
    Discount *discount = a_discount(arena, minor);
    discount->title = TEXT(title);
    next_of(script)->set_discount = discount;
}

static inline void set_charge(struct script *script, const char *title, int64_t minor)
{
    Charge *charge = ARENA_NEW(arena, Charge);
    penstock__orders__v1__charge__init(charge);
    charge->title = TEXT(title);
    charge->amount = wire_money(arena, minor, "HKD");
    next_of(script)->set_charge = charge;
}

static inline void set_shipping(struct script *script, int64_t minor)
{
    Penstock__Orders__V1__SetShipping *out = ARENA_NEW(arena, Penstock__Orders__V1__SetShipping);
    penstock__orders__v1__set_shipping__init(out);
    out->n_lines = minor > 0;
    out->lines = ARENA_ARRAY(arena, 1, ShippingLine *);
    out->lines[0] = a_shipping(arena, minor);
    next_of(script)->set_shipping = out;
}

static inline void set_remark(struct script *script, const char *text)
{
    SetText *out = ARENA_NEW(arena, SetText);
    penstock__orders__v1__set_text__init(out);
    out->text = TEXT(text);
    next_of(script)->set_shipping_remark = out;
}

static const struct item_facts catalogue[] = {
    {.sku = "TEE-L", .name = "上衣 L", .is_known = true, .price = {22000, "HKD"}, .available = 9},
    {.sku = "MUG", .name = "馬克杯", .is_known = true, .price = {3000, "TWD"}, .available = 9},
};

static inline struct edited *try_script(const struct order *order, const struct script *script,
                                        struct refusal *no)
{
    const struct edit edit = {.operations = script->operations,
                              .count = script->count,
                              .ids = some_ids(arena, script->count),
                              .items = catalogue,
                              .item_count = sizeof(catalogue) / sizeof(catalogue[0])};
    if (!rules_check_edit(script->operations, script->count, "HKD", NOW_US, no))
        return NULL;
    return rules_edit(order, &edit, arena, no);
}

/* As the command keeps it: the details packed, what was held allocated, nothing new any more. */
static inline struct order *keep(struct edited *edited)
{
    struct order *order = edited->order;
    order->details_bytes = protobuf_c_message_get_packed_size(&edited->details->base);
    uint8_t *packed = arena_alloc(arena, order->details_bytes + 1);
    protobuf_c_message_pack(&edited->details->base, packed);
    order->details = packed;
    for (size_t i = 0; i < edited->need_count; i++)
        order->lines[edited->needs[i].line].allocated_total += edited->needs[i].units;
    for (size_t i = 0; i < order->line_count; i++)
        order->lines[i].is_new = order->lines[i].is_rewritten = false;
    rules_order_derive(order);
    return order;
}

static inline struct order *done(const struct order *order, const struct script *script)
{
    struct refusal no = {0};
    struct edited *edited = try_script(order, script, &no);
    if (edited == NULL)
        print_error("%s: %s (%s)\n", no.code, no.text, no.field);
    assert_non_null(edited);
    return keep(edited);
}

/* As it is loaded after it was placed. */
static inline struct order *stored(struct order *order)
{
    for (size_t i = 0; order != NULL && i < order->line_count; i++)
        order->lines[i].is_new = false;
    return order;
}

static inline struct order *placed(const PlaceOrderRequest *in)
{
    struct refusal no;
    struct order *order = stored(an_order(arena, in, &no));
    assert_non_null(order);
    return order;
}

/* ---- what holds of every order ---- */

static inline int64_t minor_of(const Money *money)
{
    return money != NULL ? money->amount_minor : 0;
}

static inline OrderDetails *details_of(const struct order *order)
{
    return (OrderDetails *)(void *)protobuf_c_message_unpack(
        &penstock__orders__v1__order_details__descriptor, arena_protobuf(arena),
        order->details_bytes, order->details);
}

static inline void assert_adds_up(const struct order *order)
{
    const OrderDetails *details = details_of(order);
    int64_t items = 0, discount = 0, tax = 0, shipping = 0, charges = 0, total = 0, order_tax = 0;
    for (size_t i = 0; i < order->line_count; i++) {
        const struct order_line *line = &order->lines[i];
        items += line->unit_price * line->quantity;
        discount += line->discount;
        tax += line->tax;
        total += line->total;
        assert_true(line->quantity >= 0 && line->discount >= 0 && line->tax >= 0);
        assert_true(line->discount <= line->unit_price * line->quantity);
        assert_int_equal(line->quantity, line->cancelled + line->fulfilled + rules_line_open(line));
    }
    for (size_t i = 0; i < details->n_discounts; i++)
        discount += minor_of(details->discounts[i]->amount);
    for (size_t i = 0; i < details->n_shipping_lines; i++)
        shipping += minor_of(details->shipping_lines[i]->price);
    for (size_t i = 0; i < details->n_charges; i++)
        charges += minor_of(details->charges[i]->amount);
    for (size_t i = 0; i < details->n_tax_lines; i++) {
        order_tax += minor_of(details->tax_lines[i]->amount);
        assert_true(minor_of(details->tax_lines[i]->amount) >= 0);
    }
    assert_int_equal(items, order->items_total);
    assert_int_equal(discount, order->discount_total);
    assert_int_equal(shipping, order->shipping_total);
    assert_int_equal(charges, order->charges_total);
    assert_int_equal(details->n_tax_lines > 0 ? order_tax : tax, order->tax_total);
    assert_int_equal(order->total, items - discount + shipping + charges +
                                       (order->prices_include_tax ? 0 : order->tax_total));
    assert_true(order->total >= 0);
    int64_t net = items > discount ? items - discount : 0;
    assert_in_range(total, net, net + (order->prices_include_tax ? 0 : order->tax_total));
}

static inline void assert_money(const struct order *order)
{
    int64_t net = order->captured_total - order->refunded_total, captured = 0, refunded = 0;
    for (size_t i = 0; i < order->payment_count; i++) {
        const struct payment *payment = &order->payments[i];
        int64_t amount = payment->status == ENTRY_CAPTURED ? payment->amount : 0;
        assert_true(payment->refunded >= 0 && payment->refunded <= amount);
        captured += amount;
        refunded += payment->refunded;
    }
    assert_int_equal(captured, order->captured_total);
    assert_int_equal(refunded, order->refunded_total);
    assert_true(order->refunded_total <= order->captured_total);
    assert_int_equal(order->current_total - net, order->amount_due - order->refund_due);
    assert_true(order->amount_due == 0 || order->refund_due == 0);
    assert_int_equal(order->payment_status, rules_payment_status(order));
}
