/* Splitting, putting together, and the money of a family. Tables of cases, and properties over
 * random sequences of split, unsplit, edit, cancel, payment and refund; PENSTOCK_SEQUENCES says how
 * many of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "orders_fixture.h"
#include "rules_edit.h"
#include "rules_split.h"

static struct arena *arena;

static int setup(void **state)
{
    (void)state;
    arena = arena_open((size_t)256 << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_close(&arena);
    return 0;
}

static uint64_t seed;

static int64_t random_below(int64_t bound)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (int64_t)((seed >> 33) % (uint64_t)bound);
}

/* ---- what holds of every order ---- */

static int64_t minor_of(const Money *money)
{
    return money != NULL ? money->amount_minor : 0;
}

/* The parts of an order add up to its totals, and its lines' terms to their quantities. */
static void assert_adds_up(const struct order *order)
{
    const OrderDetails *details = rules_details_open(order, arena);
    int64_t items = 0, discount = 0, tax = 0, shipping = 0, total = 0, order_tax = 0;
    for (size_t i = 0; i < order->line_count; i++) {
        const struct order_line *line = &order->lines[i];
        items += line->unit_price * line->quantity;
        discount += line->discount;
        tax += line->tax;
        total += line->total;
        assert_true(line->quantity >= 0 && line->discount >= 0 && line->tax >= 0);
        assert_int_equal(line->quantity, line->cancelled + line->fulfilled + rules_line_open(line));
    }
    for (size_t i = 0; i < details->n_discounts; i++) {
        discount += minor_of(details->discounts[i]->amount);
        assert_true(minor_of(details->discounts[i]->amount) >= 0);
    }
    for (size_t i = 0; i < details->n_shipping_lines; i++)
        shipping += minor_of(details->shipping_lines[i]->price);
    for (size_t i = 0; i < details->n_tax_lines; i++)
        order_tax += minor_of(details->tax_lines[i]->amount);
    assert_int_equal(items, order->items_total);
    assert_int_equal(discount, order->discount_total);
    assert_int_equal(shipping, order->shipping_total);
    assert_int_equal(details->n_tax_lines > 0 ? order_tax : tax, order->tax_total);
    assert_int_equal(order->total, items - discount + shipping + order->charges_total +
                                       (order->prices_include_tax ? 0 : order->tax_total));
    assert_true(order->total >= 0);
    int64_t net = items - discount > 0 ? items - discount : 0;
    assert_in_range(total, net, net + (order->prices_include_tax ? 0 : order->tax_total));
}

static void assert_money(const struct order *order)
{
    int64_t net = order->captured_total - order->refunded_total;
    assert_true(order->refunded_total <= order->captured_total);
    assert_int_equal(order->current_total - net, order->amount_due - order->refund_due);
    assert_true(order->amount_due == 0 || order->refund_due == 0);
    assert_int_equal(order->payment_status, rules_payment_status(order));
}

/* The family's ledger is shared out whole, and never more is given back than was taken. */
static void assert_family(const struct order *one, int64_t total)
{
    const struct order *root = rules_ledger_of(one);
    const struct family *family = root->family;
    struct order *alone[1] = {(struct order *)(uintptr_t)root};
    struct family of_one = {.members = alone, .count = 1};
    struct family_money money = rules_family_money(family != NULL ? family : &of_one);
    int64_t captured = 0, refunded = 0, given = 0;
    for (size_t i = 0; i < root->payment_count; i++) {
        const struct payment *payment = &root->payments[i];
        captured += payment->status == ENTRY_CAPTURED ? payment->amount : 0;
        refunded += payment->refunded;
        assert_true(payment->refunded <= (payment->status == ENTRY_CAPTURED ? payment->amount : 0));
    }
    for (size_t i = 0; i < root->refund_count; i++)
        given += root->refunds[i].amount;
    assert_int_equal(money.total, total);
    assert_int_equal(money.captured, captured);
    assert_int_equal(money.refunded, refunded);
    assert_int_equal(given, refunded);
    for (size_t i = 0; family != NULL && i < family->count; i++) {
        assert_adds_up(family->members[i]);
        assert_money(family->members[i]);
    }
}

/* ---- orders to be split ---- */

static struct order *placed(const PlaceOrderRequest *in)
{
    struct refusal no;
    struct order *order = an_order(arena, in, &no);
    assert_non_null(order);
    return order;
}

/* 3 x 99.99 and 2 x 10.01, 50.00 off, 30.00 to ship. */
static PlaceOrderRequest *two_lines(void)
{
    PlaceOrderRequest *in = a_request(arena);
    in->n_lines = 0;
    in->lines[in->n_lines++] = a_line(arena, "TEE-M", 3, 9999);
    in->lines[in->n_lines++] = a_line(arena, "MUG", 2, 1001);
    in->discounts[in->n_discounts++] = a_discount(arena, 5000);
    in->shipping_lines[in->n_shipping_lines++] = a_shipping(arena, 3000);
    return in;
}

static bool split(struct order *order, size_t line, int64_t units, int64_t shipping,
                  struct split *out, struct refusal *no)
{
    struct act act = an_act(arena);
    struct split_wish wish = {.line_id = order->lines[line].id, .quantity = units};
    struct splitting splitting = {.wishes = &wish, .count = 1, .shipping = shipping};
    splitting.ids = some_ids(arena, rules_split_ids(order, &splitting));
    return rules_split(order, &act, &splitting, out, no);
}

static bool unsplit(struct order *child, struct refusal *no)
{
    struct act act = an_act(arena);
    struct splitting none = {.count = 0};
    struct split out;
    return rules_unsplit(child, &act, &none, &out, no);
}

static bool pay(struct order *order, int64_t minor)
{
    struct act act = an_act(arena);
    struct refusal no;
    bool changed;
    struct payment_facts facts = {
        .method = "card", .reference = "", .status = ENTRY_CAPTURED, .amount = minor};
    return rules_payment(order, &act, some_ids(arena, 1), &facts, &changed, &no) != NULL;
}

static bool refund(struct order *order, int64_t minor, struct refusal *no)
{
    struct act act = an_act(arena);
    size_t count;
    struct refund_facts facts = {
        .amount = minor, .reason = "", .ids = some_ids(arena, rules_refund_ids(order))};
    return rules_refund(order, &act, &facts, &count, no) != NULL;
}

/* ---- cases ---- */

static void a_split_conserves_every_cent(void **state)
{
    (void)state;
    struct refusal no;
    struct split out;
    struct order *order = placed(two_lines());
    int64_t total = order->total;
    assert_true(split(order, 0, 1, 0, &out, &no));
    assert_string_equal(out.child->number, "WEB-100001-A");
    assert_int_equal(order->total + out.child->total, total);
    assert_int_equal(out.child->shipping_total, 0);
    assert_int_equal(order->lines[0].quantity, 2);
    assert_int_equal(out.child->lines[0].quantity, 1);
    assert_false(uuid_equal(&out.child->lines[0].id, &order->lines[0].id));
    assert_true(uuid_equal(&out.child->lines[0].origin_id, &order->lines[0].id));
    assert_family(order, total);
}

static void a_line_that_goes_whole_keeps_its_id(void **state)
{
    (void)state;
    struct refusal no;
    struct split out;
    struct order *order = placed(two_lines());
    struct uuid id = order->lines[1].id;
    assert_true(split(order, 1, 0, 1000, &out, &no));
    assert_true(uuid_equal(&out.child->lines[0].id, &id));
    assert_int_equal(order->lines[1].quantity, 0);
    assert_int_equal(out.child->shipping_total, 1000);
    assert_int_equal(order->shipping_total, 2000);
    assert_family(order, order->total + out.child->total);
}

static void children_of_children_go_on_with_the_roots_letters(void **state)
{
    (void)state;
    struct refusal no;
    struct split a, b, c;
    struct order *order = placed(two_lines());
    assert_true(split(order, 0, 2, 0, &a, &no));
    assert_true(split(a.child, 0, 1, 0, &b, &no));
    assert_true(split(order, 1, 1, 0, &c, &no));
    assert_string_equal(b.child->number, "WEB-100001-B");
    assert_string_equal(c.child->number, "WEB-100001-C");
    assert_ptr_equal(rules_parent(b.child), a.child);
    assert_string_equal(rules_letters(arena, 26), "Z");
    assert_string_equal(rules_letters(arena, 27), "AA");
    assert_string_equal(rules_letters(arena, 52), "AZ");
    assert_string_equal(rules_letters(arena, 703), "AAA");
}

static void what_is_picked_or_all_there_is_stays(void **state)
{
    (void)state;
    struct refusal no;
    struct split out;
    struct order *order = placed(two_lines());
    order->lines[0].picked_total = 2;
    rules_order_derive(order);
    assert_int_equal(rules_movable(&order->lines[0]), 1);
    assert_false(split(order, 0, 2, 0, &out, &no));
    assert_string_equal(no.code, "quantity_too_large");
    struct order *single = placed(a_request(arena));
    assert_false(split(single, 0, 0, 0, &out, &no));
    assert_string_equal(no.code, "nothing_left");
    assert_null(single->family);
    assert_false(split(order, 1, 1, 3001, &out, &no));
    assert_string_equal(no.field, "shipping.amount");
}

static void what_waits_goes_first(void **state)
{
    (void)state;
    struct refusal no;
    struct split out;
    struct order *order = placed(two_lines());
    order->lines[0].allocated_total = 1;
    order->lines[0].preordered_total = 1;
    rules_order_derive(order);
    assert_true(split(order, 0, 2, 0, &out, &no));
    assert_int_equal(order->lines[0].reserved, 1);
    assert_int_equal(out.child->lines[0].preordered, 1);
    assert_int_equal(out.child->lines[0].unallocated, 1);
    assert_int_equal(out.child->lines[0].reserved, 0);
}

static void a_later_payment_marks_the_family(void **state)
{
    (void)state;
    struct refusal no;
    struct split out;
    struct order *order = placed(two_lines());
    int64_t total = order->total;
    assert_true(split(order, 0, 1, 0, &out, &no));
    struct order *child = out.child;
    assert_true(pay(child, order->total));
    assert_int_equal(order->payment_status, PAYMENT_PAID);
    assert_int_equal(child->payment_status, PAYMENT_UNPAID);
    assert_true(pay(child, child->total));
    assert_int_equal(child->payment_status, PAYMENT_PAID);
    assert_int_equal(child->payment_count, 0);
    assert_false(refund(child, total + 1, &no));
    assert_string_equal(no.code, "refund_exceeds_captured");
    assert_true(refund(child, child->total, &no));
    assert_int_equal(child->payment_status, PAYMENT_REFUNDED);
    assert_int_equal(order->payment_status, PAYMENT_PAID);
    assert_family(order, total);
}

static void putting_together_is_the_inverse_to_the_cent(void **state)
{
    (void)state;
    struct refusal no;
    struct split out;
    struct order *order = placed(two_lines());
    struct order before = *order;
    struct order_line lines[2] = {order->lines[0], order->lines[1]};
    assert_true(split(order, 0, 2, 500, &out, &no));
    assert_true(unsplit(out.child, &no));
    assert_int_equal(order->total, before.total);
    assert_int_equal(order->discount_total, before.discount_total);
    assert_int_equal(order->shipping_total, before.shipping_total);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(order->lines[i].quantity, lines[i].quantity);
        assert_int_equal(order->lines[i].total, lines[i].total);
        assert_int_equal(order->lines[i].reserved, lines[i].reserved);
    }
    assert_int_equal(out.child->total, 0);
    assert_int_equal(out.child->status, ORDER_CANCELLED);
    assert_false(unsplit(out.child, &no));
    assert_string_equal(no.code, "invalid_state");
    assert_true(split(order, 0, 2, 0, &out, &no));
    assert_string_equal(out.child->number, "WEB-100001-B");
}

/* ---- random sequences ---- */

static PlaceOrderRequest *any_request(void)
{
    PlaceOrderRequest *in = a_request(arena);
    in->prices_include_tax = random_below(2) == 0;
    in->n_lines = 0;
    bool taxes_lines = random_below(2) == 0;
    for (int64_t n = 1 + random_below(4); n > 0; n--) {
        LineInput *line = a_line(arena, "TEE-M", 1 + random_below(7), random_below(20000));
        line->is_custom = random_below(6) == 0;
        int64_t price = line->quantity * line->unit_price->amount_minor;
        line->discount = wire_money(arena, price > 0 ? random_below(price) / 3 : 0, "HKD");
        if (taxes_lines)
            line->tax = wire_money(arena, random_below(price / 10 + 1), "HKD");
        in->lines[in->n_lines++] = line;
    }
    int64_t net = 0;
    for (size_t i = 0; i < in->n_lines; i++)
        net += in->lines[i]->quantity * minor_of(in->lines[i]->unit_price) -
               minor_of(in->lines[i]->discount);
    for (int64_t n = random_below(3); n > 0; n--)
        in->discounts[in->n_discounts++] = a_discount(arena, random_below(net / 3 + 1));
    if (random_below(2) == 0)
        in->shipping_lines[in->n_shipping_lines++] = a_shipping(arena, random_below(10000));
    if (!taxes_lines && random_below(2) == 0)
        in->tax_lines[in->n_tax_lines++] = a_tax(arena, random_below(net / 10 + 1));
    return in;
}

struct world {
    struct order *root;
    int64_t total;
};

static struct order *any_member(const struct world *world)
{
    const struct family *family = world->root->family;
    return family != NULL ? family->members[random_below((int64_t)family->count)] : world->root;
}

static void try_split(struct world *world)
{
    struct order *order = any_member(world);
    struct act act = an_act(arena);
    struct refusal no;
    struct split out;
    struct split_wish wishes[8];
    struct splitting splitting = {.wishes = wishes};
    if (order->shipping_total > 0 && random_below(3) == 0)
        splitting.shipping = random_below(order->shipping_total + 1);
    for (size_t i = 0; i < order->line_count && splitting.count < 8; i++) {
        int64_t movable = rules_movable(&order->lines[i]);
        if (movable > 0 && random_below(2) == 0)
            wishes[splitting.count++] = (struct split_wish){
                order->lines[i].id, random_below(2) == 0 ? 0 : 1 + random_below(movable)};
    }
    splitting.ids = some_ids(arena, rules_split_ids(order, &splitting));
    rules_split(order, &act, &splitting, &out, &no);
}

static void try_cancel(struct world *world)
{
    struct order *order = any_member(world);
    struct act act = an_act(arena);
    struct refusal no;
    struct stopped *lines = ARENA_ARRAY(arena, order->line_count + 1, struct stopped);
    struct cancel cancel = {.reason = "customer", .remaining = random_below(2) == 0};
    cancel.stopped = lines;
    cancel.stopped_count = rules_stop_lines(order, lines);
    for (size_t i = 0; cancel.remaining && i < cancel.stopped_count; i++)
        lines[i].stopped = random_below(lines[i].stopped + 1);
    rules_cancel(order, &act, &cancel, &no);
}

static void try_work(struct world *world)
{
    struct order *order = any_member(world);
    if (order->line_count == 0 || order->status != ORDER_CONFIRMED)
        return;
    struct order_line *line = &order->lines[random_below((int64_t)order->line_count)];
    int64_t *totals[] = {&line->picked_total, &line->packed_total, &line->shipped_total};
    int64_t most = rules_line_is_tracked(line) ? line->reserved + line->shipped_total : 0;
    for (int64_t i = random_below(3); i >= 0 && most > line->shipped_total; i--)
        *totals[i] = *totals[i] < most ? most : *totals[i];
    struct act act = an_act(arena);
    rules_order_derive(order);
    rules_complete(order, &act);
}

static EditOperation *any_operation(const struct order *order)
{
    EditOperation *operation = ARENA_NEW(arena, EditOperation);
    SetQuantity *quantity = ARENA_NEW(arena, SetQuantity);
    penstock__orders__v1__edit_operation__init(operation);
    penstock__orders__v1__set_quantity__init(quantity);
    if (order->line_count == 0 || random_below(3) == 0) {
        operation->add_line = a_line(arena, "CAP", 1 + random_below(4), random_below(9999));
        return operation;
    }
    quantity->line = wire_uuid(arena, &order->lines[random_below((int64_t)order->line_count)].id);
    quantity->quantity = random_below(9);
    operation->set_quantity = quantity;
    return operation;
}

/* What is edited is loaded first: nothing of it is new. The original takes the copy's place in its
 * family, as if it had been stored and loaded again. */
static void try_edit(struct world *world)
{
    struct order *order = any_member(world);
    struct family *family = order->family;
    struct refusal no;
    EditOperation *operations[] = {any_operation(order), any_operation(order)};
    const struct item_facts nothing = {.sku = ""};
    const struct edit edit = {.operations = operations,
                              .count = 1 + (size_t)random_below(2),
                              .ids = some_ids(arena, 2),
                              .items = &nothing};
    for (size_t i = 0; i < order->line_count; i++)
        order->lines[i].is_new = false;
    struct edited *edited = rules_edit(order, &edit, arena, &no);
    if (edited == NULL)
        return;
    world->total += edited->order->total - order->total;
    *order = *edited->order;
    order->family = family;
    rules_details_close(order, edited->details, arena);
    for (size_t i = 0; i < edited->need_count; i++)
        order->lines[edited->needs[i].line].allocated_total += edited->needs[i].units;
    rules_order_derive(order);
}

static void one_step(struct world *world)
{
    struct refusal no;
    struct order *order = any_member(world);
    switch (random_below(10)) {
    case 8:
    case 9:
        try_edit(world);
        break;
    case 0:
    case 1:
    case 2:
        try_split(world);
        break;
    case 3:
        unsplit(order, &no);
        break;
    case 4:
        pay(order, 1 + random_below(world->total + 100));
        break;
    case 5:
        refund(order, 1 + random_below(rules_refundable(order) + 1), &no);
        break;
    case 6:
        try_cancel(world);
        break;
    default:
        try_work(world);
        break;
    }
}

/* What is left of the ledger goes back to the last cent. */
static void refund_the_rest(const struct world *world)
{
    struct refusal no;
    while (rules_refundable(world->root) > 0) {
        int64_t part = 1 + random_below(rules_refundable(world->root));
        assert_true(refund(any_member(world), part, &no));
    }
    assert_false(refund(world->root, 1, &no));
    assert_family(world->root, world->total);
}

static void one_sequence(void)
{
    struct refusal no;
    arena_reset(arena);
    struct world world = {.root = an_order(arena, any_request(), &no)};
    if (world.root == NULL)
        return;
    world.total = world.root->total;
    for (int64_t steps = 3 + random_below(8); steps > 0; steps--) {
        one_step(&world);
        assert_family(world.root, world.total);
    }
    refund_the_rest(&world);
}

static void every_random_sequence_keeps_the_sums(void **state)
{
    (void)state;
    const char *wished = getenv("PENSTOCK_SEQUENCES");
    long count = wished != NULL ? strtol(wished, NULL, 10) : 20000;
    for (long i = 0; i < count; i++) {
        seed = (uint64_t)i * UINT64_C(0x9e3779b97f4a7c15);
        one_sequence();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_split_conserves_every_cent, setup, teardown),
        cmocka_unit_test_setup_teardown(a_line_that_goes_whole_keeps_its_id, setup, teardown),
        cmocka_unit_test_setup_teardown(children_of_children_go_on_with_the_roots_letters, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_is_picked_or_all_there_is_stays, setup, teardown),
        cmocka_unit_test_setup_teardown(what_waits_goes_first, setup, teardown),
        cmocka_unit_test_setup_teardown(a_later_payment_marks_the_family, setup, teardown),
        cmocka_unit_test_setup_teardown(putting_together_is_the_inverse_to_the_cent, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(every_random_sequence_keeps_the_sums, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
