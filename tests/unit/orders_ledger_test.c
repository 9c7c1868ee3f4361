/* Money: totals, the payments ledger, refunds. Tables of cases, and properties over random
 * sequences. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "orders_fixture.h"

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

/* ---- payment status ---- */

static struct order *ledger(int64_t total, int64_t cancelled, const struct payment *payments,
                            size_t count)
{
    struct order *order = ARENA_NEW(arena, struct order);
    order->total = total;
    order->cancelled_value = cancelled;
    order->payments = arena_copy(arena, payments, count * sizeof(*payments));
    order->payment_count = count;
    order->status = ORDER_CONFIRMED;
    memcpy(order->currency, "HKD", 4);
    rules_order_derive(order);
    return order;
}

static void payment_status_is_the_first_that_fits(void **state)
{
    (void)state;
    static const struct {
        int64_t total, cancelled;
        struct payment payments[2];
        size_t count;
        enum payment_status status;
        int64_t current_total, amount_due, refund_due;
    } cases[] = {
        {100, 0, {{.amount = 0}}, 0, PAYMENT_UNPAID, 100, 100, 0},
        {0, 0, {{.amount = 0}}, 0, PAYMENT_PAID, 0, 0, 0},
        {100, 0, {{.status = ENTRY_PENDING, .amount = 100}}, 1, PAYMENT_PENDING, 100, 100, 0},
        {100, 0, {{.status = ENTRY_AUTHORIZED, .amount = 100}}, 1, PAYMENT_AUTHORIZED, 100, 100, 0},
        {100, 0, {{.status = ENTRY_VOIDED, .amount = 100}}, 1, PAYMENT_VOIDED, 100, 100, 0},
        {100, 0, {{.status = ENTRY_FAILED, .amount = 100}}, 1, PAYMENT_UNPAID, 100, 100, 0},
        {100, 0, {{.status = ENTRY_CAPTURED, .amount = 40}}, 1, PAYMENT_PARTIALLY_PAID, 100, 60, 0},
        {100, 0, {{.status = ENTRY_CAPTURED, .amount = 100}}, 1, PAYMENT_PAID, 100, 0, 0},
        {100, 0, {{.status = ENTRY_CAPTURED, .amount = 130}}, 1, PAYMENT_OVERPAID, 100, 0, 30},
        {100,
         0,
         {{.status = ENTRY_CAPTURED, .amount = 40}, {.status = ENTRY_AUTHORIZED, .amount = 60}},
         2,
         PAYMENT_PARTIALLY_PAID,
         100,
         60,
         0},
        /* cancelled after it was paid: the money is owed back */
        {100, 100, {{.status = ENTRY_CAPTURED, .amount = 100}}, 1, PAYMENT_OVERPAID, 0, 0, 100},
        {100, 100, {{.amount = 0}}, 0, PAYMENT_UNPAID, 0, 0, 0},
        {100,
         100,
         {{.status = ENTRY_CAPTURED, .amount = 100, .refunded = 100}},
         1,
         PAYMENT_REFUNDED,
         0,
         0,
         0},
        /* a refund out of kindness lowers the total, and is not owed again */
        {100,
         0,
         {{.status = ENTRY_CAPTURED, .amount = 100, .refunded = 30}},
         1,
         PAYMENT_PARTIALLY_REFUNDED,
         70,
         0,
         0},
        /* a refund of what was paid too much lowers nothing */
        {100,
         0,
         {{.status = ENTRY_CAPTURED, .amount = 130, .refunded = 30}},
         1,
         PAYMENT_PARTIALLY_REFUNDED,
         100,
         0,
         0},
        {100,
         0,
         {{.status = ENTRY_CAPTURED, .amount = 100, .refunded = 100}},
         1,
         PAYMENT_REFUNDED,
         0,
         0,
         0},
        {100,
         40,
         {{.status = ENTRY_CAPTURED, .amount = 100, .refunded = 10}},
         1,
         PAYMENT_PARTIALLY_REFUNDED,
         60,
         0,
         30},
        {100,
         0,
         {{.status = ENTRY_CAPTURED, .amount = 50, .refunded = 20}},
         1,
         PAYMENT_PARTIALLY_REFUNDED,
         80,
         50,
         0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct order *order =
            ledger(cases[i].total, cases[i].cancelled, cases[i].payments, cases[i].count);
        assert_int_equal(order->payment_status, cases[i].status);
        assert_int_equal(order->current_total, cases[i].current_total);
        assert_int_equal(order->amount_due, cases[i].amount_due);
        assert_int_equal(order->refund_due, cases[i].refund_due);
    }
}

/* ---- payments and refunds ---- */

static struct payment_facts fact(const char *method, const char *reference,
                                 enum entry_status status, int64_t amount)
{
    return (struct payment_facts){method, reference, status, amount, 0};
}

static void a_payment_with_a_known_reference_moves_on_and_never_doubles(void **state)
{
    (void)state;
    struct refusal no = {.status = STATUS_OK};
    struct act act = an_act(arena);
    bool changed;
    struct order *order = an_order(arena, a_request(arena), &no);
    struct uuid *ids = some_ids(arena, 4);
    struct payment_facts facts = fact("card", "ch_1", ENTRY_AUTHORIZED, 12000);
    assert_non_null(rules_payment(order, &act, &ids[0], &facts, &changed, &no));
    assert_int_equal(order->payment_status, PAYMENT_AUTHORIZED);
    facts.status = ENTRY_CAPTURED;
    assert_non_null(rules_payment(order, &act, &ids[1], &facts, &changed, &no));
    assert_true(changed);
    assert_int_equal(order->payment_count, 1);
    assert_int_equal(order->payment_status, PAYMENT_PAID);
    assert_non_null(rules_payment(order, &act, &ids[2], &facts, &changed, &no));
    assert_false(changed);
    facts.amount = 1;
    assert_null(rules_payment(order, &act, &ids[3], &facts, &changed, &no));
    assert_string_equal(no.code, "reference_reused");
    facts = fact("card", "ch_1", ENTRY_PENDING, 12000);
    assert_null(rules_payment(order, &act, &ids[3], &facts, &changed, &no));
    assert_string_equal(no.code, "invalid_state");
    assert_int_equal(order->version, 3);
}

static void a_refund_is_spread_over_the_payments_oldest_first(void **state)
{
    (void)state;
    struct refusal no;
    struct act act = an_act(arena);
    PlaceOrderRequest *in = a_request(arena);
    in->lines[0]->unit_price->amount_minor = 100000;
    in->payments[in->n_payments++] = a_payment(arena, "card", ENTRY_CAPTURED, 30000);
    in->payments[in->n_payments++] = a_payment(arena, "voucher", ENTRY_VOIDED, 5000);
    in->payments[in->n_payments++] = a_payment(arena, "bank_transfer", ENTRY_CAPTURED, 70000);
    struct order *order = an_order(arena, in, &no);
    assert_int_equal(order->payment_status, PAYMENT_PAID);
    struct refund_facts facts = {
        .amount = 40000, .reason = "goodwill", .ids = some_ids(arena, order->payment_count)};
    size_t count;
    const struct refund *refunds = rules_refund(order, &act, &facts, &count, &no);
    assert_non_null(refunds);
    assert_int_equal(count, 2);
    assert_int_equal(refunds[0].amount, 30000);
    assert_int_equal(refunds[1].amount, 10000);
    assert_true(uuid_equal(&refunds[1].payment_id, &order->payments[2].id));
    facts.ids = some_ids(arena, order->payment_count);
    facts.amount = 60001;
    assert_null(rules_refund(order, &act, &facts, &count, &no));
    assert_string_equal(no.code, "refund_exceeds_captured");
    assert_int_equal(no.figures[0].value, 60000);
    facts.amount = 60000;
    assert_non_null(rules_refund(order, &act, &facts, &count, &no));
    assert_int_equal(order->payment_status, PAYMENT_REFUNDED);
    assert_int_equal(order->refunded_total, 100000);
}

static void a_refund_of_one_payment_stays_within_it(void **state)
{
    (void)state;
    struct refusal no;
    struct act act = an_act(arena);
    PlaceOrderRequest *in = a_request(arena);
    in->payments[in->n_payments++] = a_payment(arena, "card", ENTRY_CAPTURED, 5000);
    in->payments[in->n_payments++] = a_payment(arena, "cash", ENTRY_CAPTURED, 7000);
    struct order *order = an_order(arena, in, &no);
    size_t count;
    struct refund_facts facts = {.amount = 6000,
                                 .reason = "",
                                 .payment_id = &order->payments[0].id,
                                 .ids = some_ids(arena, 2)};
    assert_null(rules_refund(order, &act, &facts, &count, &no));
    facts.amount = 5000;
    assert_non_null(rules_refund(order, &act, &facts, &count, &no));
    struct uuid stranger = uuid_new();
    facts.payment_id = &stranger;
    assert_null(rules_refund(order, &act, &facts, &count, &no));
    assert_string_equal(no.field, "payment");
}

static void an_inspection_counts_once_and_refunds_at_most_what_was_captured(void **state)
{
    (void)state;
    struct refusal no;
    struct act act = an_act(arena);
    PlaceOrderRequest *in = a_request(arena);
    in->lines[0]->quantity = 3;
    in->payments[in->n_payments++] = a_payment(arena, "card", ENTRY_CAPTURED, 20000);
    struct order *order = an_order(arena, in, &no);
    struct uuid *ids = some_ids(arena, 3);
    int64_t refund;
    assert_true(rules_inspection(order, &act, &ids[0], &ids[2], 12000, &refund));
    assert_int_equal(refund, 12000);
    assert_false(rules_inspection(order, &act, &ids[0], &ids[2], 12000, &refund));
    assert_int_equal(refund, 0);
    assert_int_equal(order->returned_value, 12000);
    assert_true(rules_inspection(order, &act, &ids[1], &ids[2], 24000, &refund));
    assert_int_equal(refund, 20000);
}

static void check_ledger(const struct order *order)
{
    int64_t captured = 0, refunded = 0, recorded = 0;
    for (size_t i = 0; i < order->payment_count; i++) {
        const struct payment *payment = &order->payments[i];
        captured += payment->status == ENTRY_CAPTURED ? payment->amount : 0;
        refunded += payment->refunded;
        assert_true(payment->refunded >= 0);
        assert_true(payment->refunded == 0 || payment->status == ENTRY_CAPTURED);
        assert_true(payment->refunded <= payment->amount);
    }
    for (size_t i = 0; i < order->refund_count; i++)
        recorded += order->refunds[i].amount;
    assert_int_equal(order->captured_total, captured);
    assert_int_equal(order->refunded_total, refunded);
    assert_int_equal(recorded, refunded);
    assert_true(refunded <= captured);
    assert_true(order->amount_due >= 0 && order->refund_due >= 0 && order->current_total >= 0);
    assert_true(order->amount_due == 0 || order->refund_due == 0);
    assert_int_equal(order->current_total - (captured - refunded),
                     order->amount_due - order->refund_due);
    assert_int_equal(order->payment_status, rules_payment_status(order));
}

static void random_payment(struct order *order, const struct act *act)
{
    struct refusal no;
    bool changed;
    struct uuid id = uuid_new();
    const char *reference = arena_printf(arena, "ref-%d", (int)random_below(6));
    struct payment_facts facts =
        fact("card", random_below(3) ? reference : "", (enum entry_status)(1 + random_below(5)),
             1 + random_below(9000));
    (void)rules_payment(order, act, &id, &facts, &changed, &no);
}

static void random_refund(struct order *order, const struct act *act)
{
    struct refusal no;
    size_t count;
    struct refund_facts facts = {.amount = 1 + random_below(9000),
                                 .reason = "",
                                 .ids = some_ids(arena, order->payment_count)};
    if (order->payment_count > 0 && random_below(2))
        facts.payment_id = &order->payments[random_below((int64_t)order->payment_count)].id;
    (void)rules_refund(order, act, &facts, &count, &no);
}

static void random_inspection(struct order *order, const struct act *act)
{
    struct refusal no;
    size_t count;
    struct uuid inspection = uuid_new(), return_id = uuid_new();
    struct refund_facts facts = {.reason = "return", .ids = some_ids(arena, order->payment_count)};
    if (rules_inspection(order, act, &inspection, &return_id, random_below(5000), &facts.amount) &&
        facts.amount > 0)
        assert_non_null(rules_refund(order, act, &facts, &count, &no));
}

static void no_sequence_of_payments_and_refunds_breaks_the_ledger(void **state)
{
    (void)state;
    for (seed = 1; seed < 400; seed++) {
        uint64_t kept = seed;
        struct refusal no;
        struct act act = an_act(arena);
        arena_reset(arena);
        struct order *order = an_order(arena, a_request(arena), &no);
        for (int step = 0; step < 40; step++) {
            switch (random_below(4)) {
            case 0:
            case 1:
                random_payment(order, &act);
                break;
            case 2:
                random_refund(order, &act);
                break;
            default:
                random_inspection(order, &act);
            }
            check_ledger(order);
        }
        seed = kept;
    }
}

/* ---- totals ---- */

static int64_t sum_of_line_totals(const struct order *order)
{
    int64_t sum = 0;
    for (size_t i = 0; i < order->line_count; i++)
        sum += order->lines[i].total;
    return sum;
}

static void an_orders_total_is_items_less_discounts_plus_shipping_tax_and_charges(void **state)
{
    (void)state;
    struct refusal no;
    PlaceOrderRequest *in = a_request(arena);
    in->lines[0]->quantity = 3;
    in->lines[0]->discount = wire_money(arena, 1000, "HKD");
    in->discounts[in->n_discounts++] = a_discount(arena, 500);
    in->shipping_lines[in->n_shipping_lines++] = a_shipping(arena, 3000);
    in->tax_lines[in->n_tax_lines++] = a_tax(arena, 700);
    struct order *order = an_order(arena, in, &no);
    assert_int_equal(order->total, 36000 - 1500 + 3000);
    in->prices_include_tax = false;
    order = an_order(arena, in, &no);
    assert_int_equal(order->total, 36000 - 1500 + 3000 + 700);
    in->n_tax_lines = 0; /* without tax lines of the order the lines' own are the tax */
    in->lines[0]->tax = wire_money(arena, 90, "HKD");
    order = an_order(arena, in, &no);
    assert_int_equal(order->tax_total, 90);
    assert_int_equal(order->lines[0].total, 36000 - 1500 + 90);
}

static void the_lines_shares_of_discounts_and_taxes_sum_to_the_cent(void **state)
{
    (void)state;
    for (seed = 1; seed < 2000; seed++) {
        uint64_t kept = seed;
        struct refusal no;
        arena_reset(arena);
        PlaceOrderRequest *in = a_request(arena);
        in->prices_include_tax = random_below(2) == 1;
        in->n_lines = 0;
        for (int64_t n = 1 + random_below(6); n > 0; n--)
            in->lines[in->n_lines++] = a_line(arena, "A", 1 + random_below(9), random_below(10000));
        in->discounts[in->n_discounts++] = a_discount(arena, random_below(3000));
        struct order *order = an_order(arena, in, &no);
        if (order == NULL) {
            assert_string_equal(no.code, "out_of_range");
        } else {
            assert_int_equal(sum_of_line_totals(order), order->total);
        }
        seed = kept;
    }
}

static void amounts_that_overflow_are_refused_with_their_field(void **state)
{
    (void)state;
    struct refusal no;
    PlaceOrderRequest *in = a_request(arena);
    in->lines[0]->quantity = 1000000;
    in->lines[0]->unit_price->amount_minor = INT64_C(10000000000);
    assert_null(an_order(arena, in, &no));
    assert_string_equal(no.code, "amount_too_large");
    assert_string_equal(no.field, "lines[0].unit_price.amount");
    in->lines[0]->quantity = 1;
    in->lines[0]->unit_price->amount_minor = MONEY_MAX_MINOR;
    in->lines[1] = a_line(arena, "B", 1, 1);
    in->n_lines = 2;
    assert_null(an_order(arena, in, &no));
    assert_string_equal(no.code, "amount_too_large");
}

static void an_order_may_cost_nothing_but_never_less(void **state)
{
    (void)state;
    struct refusal no;
    PlaceOrderRequest *in = a_request(arena);
    in->discounts[in->n_discounts++] = a_discount(arena, 12000);
    struct order *order = an_order(arena, in, &no);
    assert_int_equal(order->total, 0);
    assert_int_equal(order->payment_status, PAYMENT_PAID);
    in->discounts[0]->amount->amount_minor = 12001;
    assert_null(an_order(arena, in, &no));
    assert_string_equal(no.field, "discounts");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(payment_status_is_the_first_that_fits),
        cmocka_unit_test(a_payment_with_a_known_reference_moves_on_and_never_doubles),
        cmocka_unit_test(a_refund_is_spread_over_the_payments_oldest_first),
        cmocka_unit_test(a_refund_of_one_payment_stays_within_it),
        cmocka_unit_test(an_inspection_counts_once_and_refunds_at_most_what_was_captured),
        cmocka_unit_test(no_sequence_of_payments_and_refunds_breaks_the_ledger),
        cmocka_unit_test(an_orders_total_is_items_less_discounts_plus_shipping_tax_and_charges),
        cmocka_unit_test(the_lines_shares_of_discounts_and_taxes_sum_to_the_cent),
        cmocka_unit_test(amounts_that_overflow_are_refused_with_their_field),
        cmocka_unit_test(an_order_may_cost_nothing_but_never_less),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
