/* Properties over random sequences of edit, payment, refund, cancel and work; PENSTOCK_SEQUENCES
 * says how many of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "orders_edits.h"

static uint64_t seed;

static int64_t random_below(int64_t bound)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (int64_t)((seed >> 33) % (uint64_t)bound);
}

static PlaceOrderRequest *any_request(void)
{
    static const char *const titles[] = {"d0", "d1", "d2"};
    PlaceOrderRequest *in = a_request(arena);
    bool taxes_lines = random_below(2) == 0;
    int64_t net = 0, taxes = 0;
    in->prices_include_tax = random_below(2) == 0;
    in->n_lines = 0;
    for (int64_t n = 1 + random_below(4); n > 0; n--) {
        LineInput *line = a_line(arena, "TEE-M", 1 + random_below(7), random_below(20000));
        int64_t price = line->quantity * line->unit_price->amount_minor;
        line->is_custom = random_below(6) == 0;
        line->name = TEXT("x");
        line->discount = wire_money(arena, price > 0 ? random_below(price) / 3 : 0, "HKD");
        if (taxes_lines)
            line->tax = wire_money(arena, random_below(price / 10 + 1), "HKD");
        net += price - minor_of(line->discount);
        taxes += minor_of(line->tax);
        in->lines[in->n_lines++] = line;
    }
    for (int64_t n = random_below(3); n > 0; n--) {
        in->discounts[in->n_discounts] = a_discount(arena, 1 + random_below(net / 3 + 1));
        in->discounts[in->n_discounts]->title = TEXT(titles[in->n_discounts]);
        in->n_discounts++;
    }
    if (random_below(2) == 0)
        in->shipping_lines[in->n_shipping_lines++] = a_shipping(arena, 1 + random_below(10000));
    /* The order's tax lines are the whole tax: those of the lines, and the shipping's. */
    if (taxes_lines && random_below(2) == 0)
        in->tax_lines[in->n_tax_lines++] =
            a_tax(arena, taxes + (in->n_shipping_lines > 0 ? random_below(500) : 0));
    for (int64_t n = taxes_lines ? 0 : random_below(3); n > 0; n--)
        in->tax_lines[in->n_tax_lines++] = a_tax(arena, random_below(net / 10 + 1));
    return in;
}

static struct order *edit_at_random(struct order *order)
{
    struct script script = {0};
    struct refusal no;
    for (int64_t n = 1 + random_below(3); n > 0; n--) {
        size_t line = (size_t)random_below((int64_t)order->line_count);
        int64_t live = order->lines[line].quantity - order->lines[line].cancelled;
        switch (random_below(7)) {
        case 0:
        case 1:
            set_quantity(&script, order, line, random_below(10));
            break;
        case 2:
            replace(&script, order, line, "TEE-L", random_below(live + 1));
            break;
        case 3:
            discount_line(&script, order, line,
                          random_below(order->lines[line].unit_price * 3 + 1));
            break;
        case 4:
            add_line(&script, "CAP", 1 + random_below(5), 1 + random_below(9999));
            break;
        case 5:
            set_discount(&script, "d0", random_below(5000));
            break;
        default:
            set_shipping(&script, random_below(5000));
            break;
        }
    }
    struct edited *edited = try_script(order, &script, &no);
    return edited != NULL ? keep(edited) : order;
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

static bool refund(struct order *order, int64_t minor)
{
    struct act act = an_act(arena);
    struct refusal no;
    size_t count;
    struct refund_facts facts = {
        .amount = minor, .reason = "", .ids = some_ids(arena, order->payment_count + 1)};
    return rules_refund(order, &act, &facts, &count, &no) != NULL;
}

static void cancel_some(struct order *order)
{
    struct act act = an_act(arena);
    struct refusal no;
    struct stopped *lines = ARENA_ARRAY(arena, order->line_count + 1, struct stopped);
    struct cancel cancel = {.reason = "customer", .remaining = true, .stopped = lines};
    cancel.stopped_count = rules_stop_lines(order, lines);
    for (size_t i = 0; i < cancel.stopped_count; i++)
        lines[i].stopped = random_below(lines[i].stopped + 1);
    rules_cancel(order, &act, &cancel, &no);
}

static void work_some(struct order *order)
{
    struct order_line *line = &order->lines[random_below((int64_t)order->line_count)];
    if (order->status != ORDER_CONFIRMED || !rules_line_is_tracked(line))
        return;
    int64_t most = line->reserved + line->picked + line->packed + line->fulfilled;
    if (most < line->picked_total)
        return;
    int64_t picked = line->picked_total + random_below(most - line->picked_total + 1);
    line->picked_total = picked;
    if (random_below(2) == 0)
        line->packed_total = line->shipped_total = picked;
    rules_order_derive(order);
}

static void refund_the_rest(struct order *order)
{
    while (rules_refundable(order) > 0) {
        assert_true(refund(order, 1 + random_below(rules_refundable(order))));
        assert_money(order);
    }
    assert_false(refund(order, 1));
    assert_int_equal(order->refunded_total, order->captured_total);
}

static void one_sequence(void)
{
    struct refusal no;
    arena_reset(arena);
    struct order *order = stored(an_order(arena, any_request(), &no));
    for (int64_t steps = order != NULL ? 3 + random_below(8) : 0; steps > 0; steps--) {
        switch (random_below(8)) {
        case 0:
            pay(order, 1 + random_below(order->total + 100));
            break;
        case 1:
            refund(order, 1 + random_below(rules_refundable(order) + 1));
            break;
        case 2:
            cancel_some(order);
            break;
        case 3:
            work_some(order);
            break;
        default:
            order = edit_at_random(order);
            break;
        }
        assert_adds_up(order);
        assert_money(order);
    }
    if (order != NULL)
        refund_the_rest(order);
}

static long sequences(void)
{
    const char *wished = getenv("PENSTOCK_SEQUENCES");
    return wished != NULL ? strtol(wished, NULL, 10) : 20000;
}

static void every_random_sequence_keeps_the_sums(void **state)
{
    (void)state;
    for (long i = 0; i < sequences(); i++) {
        seed = (uint64_t)i * UINT64_C(0x9e3779b97f4a7c15);
        one_sequence();
    }
}

/* Says by operations what the first order was. */
static void go_back(struct script *script, const struct order *first, const struct order *now)
{
    const OrderDetails *details = details_of(first);
    for (size_t i = 0; i < now->line_count; i++)
        set_quantity(script, now, i, i < first->line_count ? first->lines[i].quantity : 0);
    for (size_t i = 0; i < first->line_count; i++)
        discount_line(script, now, i, first->lines[i].discount);
    bool had_discount = details->n_discounts > 0;
    set_discount(script, "d0", had_discount ? minor_of(details->discounts[0]->amount) : 0);
    set_shipping(script, first->shipping_total);
}

static void every_random_edit_can_be_taken_back_to_the_cent(void **state)
{
    (void)state;
    for (long i = 0; i < sequences() / 2; i++) {
        struct refusal no;
        struct script back = {0};
        seed = (uint64_t)i * UINT64_C(0x9e3779b97f4a7c15) + 7;
        arena_reset(arena);
        struct order *first = stored(an_order(arena, any_request(), &no)), *now = first;
        for (int64_t n = first != NULL ? 1 + random_below(4) : 0; n > 0; n--)
            now = edit_at_random(now);
        if (now == first)
            continue;
        go_back(&back, first, now);
        now = done(now, &back);
        assert_int_equal(now->total, first->total);
        assert_int_equal(now->tax_total, first->tax_total);
        assert_int_equal(now->amount_due, first->amount_due);
        assert_int_equal(now->refund_due, 0);
        for (size_t k = 0; k < first->line_count; k++) {
            assert_int_equal(now->lines[k].discount, first->lines[k].discount);
            assert_int_equal(now->lines[k].tax, first->lines[k].tax);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_random_sequence_keeps_the_sums, setup, teardown),
        cmocka_unit_test_setup_teardown(every_random_edit_can_be_taken_back_to_the_cent, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
