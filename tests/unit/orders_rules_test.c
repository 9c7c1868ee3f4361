/* The rules of orders: tables of cases, and properties over random sequences. */
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

/* ---- the life cycle ---- */

static void the_transition_table_is_what_the_design_draws(void **state)
{
    (void)state;
    static const struct {
        enum order_status from, to;
        bool may;
    } cases[] = {
        {ORDER_DRAFT, ORDER_PENDING, true},        {ORDER_PENDING, ORDER_CONFIRMED, true},
        {ORDER_CONFIRMED, ORDER_COMPLETED, true},  {ORDER_COMPLETED, ORDER_CONFIRMED, true},
        {ORDER_PENDING, ORDER_EXPIRED, true},      {ORDER_CONFIRMED, ORDER_CANCELLED, true},
        {ORDER_COMPLETED, ORDER_CANCELLED, false}, {ORDER_CANCELLED, ORDER_CONFIRMED, false},
        {ORDER_EXPIRED, ORDER_CONFIRMED, false},   {ORDER_PENDING, ORDER_COMPLETED, false},
        {ORDER_CONFIRMED, ORDER_PENDING, false},   {ORDER_ARCHIVED, ORDER_CONFIRMED, false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(rules_order_may(cases[i].from, cases[i].to), cases[i].may);
}

/* ---- the line identity ---- */

static void assert_identity(const struct order_line *line)
{
    int64_t open = line->unallocated + line->backordered + line->preordered + line->reserved +
                   line->picked + line->packed;
    const int64_t terms[] = {
        line->cancelled, line->fulfilled, line->unallocated, line->backordered, line->preordered,
        line->reserved,  line->picked,    line->packed,      line->returned,    line->delivered};
    assert_int_equal(line->quantity, line->cancelled + open + line->fulfilled);
    for (size_t i = 0; i < sizeof(terms) / sizeof(terms[0]); i++)
        assert_true(terms[i] >= 0);
    assert_true(line->returned <= line->fulfilled);
    assert_true(line->delivered <= line->fulfilled);
}

static void running_totals_are_clamped_in_the_order_shipped_packed_picked_reserved(void **state)
{
    (void)state;
    static const struct {
        int64_t quantity, cancelled, allocated, picked, packed, shipped;
        int64_t unallocated_now, reserved_now, picked_now, packed_now, fulfilled_now;
    } cases[] = {
        {5, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0}, {5, 0, 5, 0, 0, 0, 0, 5, 0, 0, 0},
        {5, 0, 3, 0, 0, 0, 2, 3, 0, 0, 0}, {5, 0, 5, 2, 0, 0, 0, 3, 2, 0, 0},
        {5, 0, 5, 5, 3, 0, 0, 0, 2, 3, 0}, {5, 0, 5, 5, 5, 4, 0, 0, 0, 1, 4},
        {5, 2, 5, 0, 0, 0, 0, 3, 0, 0, 0}, {5, 5, 5, 0, 0, 0, 0, 0, 0, 0, 0},
        {5, 0, 0, 0, 0, 2, 3, 0, 0, 0, 2}, /* shipped is told before the allocation */
        {5, 0, 0, 0, 3, 0, 2, 0, 0, 3, 0}, /* packed before picked */
        {5, 3, 5, 5, 5, 5, 0, 0, 0, 0, 2}, /* no more is fulfilled than was not cancelled */
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct order_line line = {.quantity = cases[i].quantity,
                                  .cancelled = cases[i].cancelled,
                                  .allocated_total = cases[i].allocated,
                                  .picked_total = cases[i].picked,
                                  .packed_total = cases[i].packed,
                                  .shipped_total = cases[i].shipped};
        rules_line_derive(&line);
        assert_identity(&line);
        assert_int_equal(line.unallocated, cases[i].unallocated_now);
        assert_int_equal(line.reserved, cases[i].reserved_now);
        assert_int_equal(line.picked, cases[i].picked_now);
        assert_int_equal(line.packed, cases[i].packed_now);
        assert_int_equal(line.fulfilled, cases[i].fulfilled_now);
    }
}

static void the_line_identity_holds_in_every_interleaving_of_totals(void **state)
{
    (void)state;
    seed = 1;
    for (int i = 0; i < 100000; i++) {
        struct order_line line = {.quantity = random_below(8),
                                  .allocated_total = random_below(10),
                                  .picked_total = random_below(10),
                                  .packed_total = random_below(10),
                                  .shipped_total = random_below(10),
                                  .delivered_total = random_below(10),
                                  .returned_total = random_below(10)};
        line.cancelled = random_below(line.quantity + 1);
        rules_line_derive(&line);
        assert_identity(&line);
    }
}

static void a_line_that_nobody_picks_is_fulfilled_with_the_last_unit_that_ships(void **state)
{
    (void)state;
    struct refusal no;
    PlaceOrderRequest *in = a_request(arena);
    in->lines[1] = a_line(arena, "", 1, 500);
    in->lines[1]->is_custom = true;
    in->lines[1]->name = TEXT("gift wrapping");
    in->n_lines = 2;
    struct order *order = an_order(arena, in, &no);
    assert_int_equal(order->lines[1].fulfilled, 0);
    assert_int_equal(order->fulfillment_status, FULFILLMENT_UNFULFILLED);
    order->lines[0].shipped_total = 1;
    rules_order_derive(order);
    assert_int_equal(order->lines[1].fulfilled, 1);
    assert_int_equal(order->fulfillment_status, FULFILLMENT_FULFILLED);
}

static void
an_order_of_nothing_that_ships_needs_no_fulfillment_and_completes_when_paid(void **state)
{
    (void)state;
    struct refusal no;
    struct act act = an_act(arena);
    PlaceOrderRequest *in = a_request(arena);
    in->lines[0]->no_shipping = true;
    in->payments[in->n_payments++] = a_payment(arena, "card", ENTRY_CAPTURED, 12000);
    struct order *order = an_order(arena, in, &no);
    assert_int_equal(order->fulfillment_status, FULFILLMENT_NOT_REQUIRED);
    assert_int_equal(order->lines[0].fulfilled, 1);
    assert_true(rules_complete(order, &act));
    assert_int_equal(order->status, ORDER_COMPLETED);
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

/* ---- placing, confirming, holds ---- */

static struct order *place_through(const PlaceOrderRequest *in, bool confirms_manually,
                                   const struct held *held, bool is_import)
{
    struct channel channel = {"web", "WEB", confirms_manually, 100001, 0};
    struct act act = an_act(arena);
    struct refusal no;
    struct placing placing = {.in = in,
                              .channel = &channel,
                              .number = "WEB-100001",
                              .held = held,
                              .ids = some_ids(arena, rules_place_ids(in)),
                              .is_import = is_import};
    return rules_place(&placing, &act, &no);
}

static void an_automatic_channel_confirms_at_once_whatever_the_payment(void **state)
{
    (void)state;
    struct order *order = place_through(a_request(arena), false, NULL, false);
    assert_int_equal(order->status, ORDER_CONFIRMED);
    assert_int_equal(order->payment_status, PAYMENT_UNPAID);
    order = place_through(a_request(arena), true, NULL, false);
    assert_int_equal(order->status, ORDER_PENDING);
}

static void a_channels_line_without_a_known_sku_holds_the_order(void **state)
{
    (void)state;
    struct refusal no = {.status = STATUS_OK};
    struct act act = an_act(arena);
    PlaceOrderRequest *in = a_request(arena);
    in->lines[1] = a_line(arena, "", 1, 100);
    in->lines[2] = a_line(arena, "NO-SUCH", 1, 100);
    in->n_lines = 3;
    const struct held held[] = {{.held = 1}, {0}, {.is_unknown = true}};
    struct order *order = place_through(in, false, held, true);
    assert_int_equal(order->status, ORDER_PENDING);
    assert_int_equal(order->hold_count, 1);
    assert_string_equal(order->holds[0].type, "unmatched_item");
    assert_non_null(strstr(order->holds[0].reason, "line 2 (no SKU), line 3 (NO-SUCH)"));
    assert_non_null(rules_release(order, &act, &order->holds[0].id, &no));
    assert_int_equal(order->hold_count, 0);
    assert_true(rules_confirm(order, &act, &no));
    assert_int_equal(order->status, ORDER_CONFIRMED);
}

static void several_holds_coexist_and_one_that_is_not_there_cannot_be_released(void **state)
{
    (void)state;
    struct refusal no;
    struct act act = an_act(arena);
    struct order *order = an_order(arena, a_request(arena), &no);
    struct uuid *ids = some_ids(arena, 3);
    assert_non_null(rules_hold(order, &act, &ids[0], "manual", "wait", 0, &no));
    assert_non_null(rules_hold(order, &act, &ids[1], "fraud", "", 0, &no));
    assert_int_equal(order->hold_count, 2);
    assert_null(rules_release(order, &act, &ids[2], &no));
    assert_int_equal(no.status, STATUS_NOT_FOUND);
    assert_non_null(rules_release(order, &act, &ids[0], &no));
    assert_null(rules_release(order, &act, &ids[0], &no));
    assert_int_equal(no.status, STATUS_CONFLICT);
    assert_int_equal(order->hold_count, 1);
    assert_int_equal(order->version, 4);
    assert_int_equal(order->change_count, 3);
}

/* ---- cancelling ---- */

static struct stopped *stop_all(const struct order *order, size_t *count)
{
    struct stopped *stopped = ARENA_ARRAY(arena, order->line_count, struct stopped);
    *count = rules_stop_lines(order, stopped);
    return stopped;
}

static void cancelling_a_paid_order_leaves_the_refund_owed(void **state)
{
    (void)state;
    struct refusal no;
    struct act act = an_act(arena);
    PlaceOrderRequest *in = a_request(arena);
    in->payments[in->n_payments++] = a_payment(arena, "card", ENTRY_CAPTURED, 12000);
    struct order *order = an_order(arena, in, &no);
    struct cancel cancel = {.reason = "customer"};
    cancel.stopped = stop_all(order, &cancel.stopped_count);
    const int64_t *cuts = rules_cancel(order, &act, &cancel, &no);
    assert_non_null(cuts);
    assert_int_equal(cuts[0], 1);
    assert_int_equal(order->status, ORDER_CANCELLED);
    assert_int_equal(order->refund_due, 12000);
    assert_int_equal(order->current_total, 0);
    assert_identity(&order->lines[0]);
    assert_null(rules_cancel(order, &act, &cancel, &no));
    assert_string_equal(no.code, "invalid_state");
}

static void what_has_shipped_cannot_be_cancelled_the_rest_can(void **state)
{
    (void)state;
    struct refusal no;
    struct act act = an_act(arena);
    PlaceOrderRequest *in = a_request(arena);
    in->lines[0]->quantity = 3;
    in->shipping_lines[in->n_shipping_lines++] = a_shipping(arena, 1000);
    in->payments[in->n_payments++] = a_payment(arena, "card", ENTRY_CAPTURED, 37000);
    struct order *order = an_order(arena, in, &no);
    /* Fulfillment knows of a parcel that we have not heard of. */
    struct stopped stopped = {order->lines[0].id, 2, 1};
    struct cancel cancel = {.reason = "customer", .stopped = &stopped, .stopped_count = 1};
    assert_null(rules_cancel(order, &act, &cancel, &no));
    assert_string_equal(no.code, "already_shipped");
    assert_string_equal(no.figures[0].name, "shipped");
    assert_int_equal(no.figures[0].value, 1);
    assert_int_equal(no.figures[1].value, 2);
    assert_int_equal(order->lines[0].cancelled, 0);
    cancel.remaining = true;
    const int64_t *cuts = rules_cancel(order, &act, &cancel, &no);
    assert_int_equal(cuts[0], 2);
    assert_int_equal(order->status, ORDER_CONFIRMED);
    assert_int_equal(order->cancelled_value, 24000);
    assert_int_equal(order->refund_due, 24000);
    order->lines[0].shipped_total = 1;
    rules_order_derive(order);
    assert_identity(&order->lines[0]);
    assert_true(rules_complete(order, &act));
}

static void parts_of_a_lines_value_sum_to_the_whole(void **state)
{
    (void)state;
    struct order_line line = {.quantity = 7, .total = 1000};
    int64_t sum = 0;
    for (int64_t units = 1; units <= 7; units++)
        sum += rules_line_value(&line, units) - rules_line_value(&line, units - 1);
    assert_int_equal(sum, 1000);
    line = (struct order_line){.quantity = 1000000, .total = MONEY_MAX_MINOR};
    assert_int_equal(rules_line_value(&line, 999999), MONEY_MAX_MINOR - 1000000000);
}

static void an_order_that_moved_while_it_was_stopped_is_a_conflict(void **state)
{
    (void)state;
    struct refusal no;
    struct act act = an_act(arena);
    PlaceOrderRequest *in = a_request(arena);
    in->lines[0]->quantity = 3;
    struct order *order = an_order(arena, in, &no);
    struct stopped stopped = {order->lines[0].id, 2, 0};
    struct cancel cancel = {.reason = "customer", .stopped = &stopped, .stopped_count = 1};
    assert_null(rules_cancel(order, &act, &cancel, &no));
    assert_string_equal(no.code, "order_changed");
}

/* ---- statuses over a whole life ---- */

static void returns_show_in_the_return_status(void **state)
{
    (void)state;
    struct refusal no;
    PlaceOrderRequest *in = a_request(arena);
    in->lines[0]->quantity = 2;
    struct order *order = an_order(arena, in, &no);
    assert_int_equal(order->return_status, RETURN_NONE);
    order->lines[0].shipped_total = 2;
    struct order_return open = {.is_open = true};
    order->returns = &open;
    order->return_count = 1;
    rules_order_derive(order);
    assert_int_equal(order->return_status, RETURN_REQUESTED);
    order->lines[0].returned_total = 1;
    rules_order_derive(order);
    assert_int_equal(order->return_status, RETURN_PARTIALLY_RETURNED);
    order->lines[0].returned_total = 2;
    rules_order_derive(order);
    assert_int_equal(order->return_status, RETURN_RETURNED);
}

static void fulfillment_status_follows_the_quantities(void **state)
{
    (void)state;
    static const struct {
        int64_t cancelled, shipped, delivered;
        enum fulfillment_status status;
    } cases[] = {
        {0, 0, 0, FULFILLMENT_UNFULFILLED}, {0, 1, 0, FULFILLMENT_PARTIALLY_FULFILLED},
        {0, 3, 0, FULFILLMENT_FULFILLED},   {0, 3, 1, FULFILLMENT_PARTIALLY_DELIVERED},
        {0, 3, 3, FULFILLMENT_DELIVERED},   {1, 2, 2, FULFILLMENT_DELIVERED},
        {2, 1, 0, FULFILLMENT_FULFILLED},   {3, 0, 0, FULFILLMENT_UNFULFILLED},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct order_line line = {.quantity = 3,
                                  .cancelled = cases[i].cancelled,
                                  .shipped_total = cases[i].shipped,
                                  .delivered_total = cases[i].delivered};
        struct order order = {.lines = &line, .line_count = 1, .status = ORDER_CONFIRMED};
        rules_order_derive(&order);
        assert_int_equal(order.fulfillment_status, cases[i].status);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_transition_table_is_what_the_design_draws),
        cmocka_unit_test(running_totals_are_clamped_in_the_order_shipped_packed_picked_reserved),
        cmocka_unit_test(the_line_identity_holds_in_every_interleaving_of_totals),
        cmocka_unit_test(a_line_that_nobody_picks_is_fulfilled_with_the_last_unit_that_ships),
        cmocka_unit_test(
            an_order_of_nothing_that_ships_needs_no_fulfillment_and_completes_when_paid),
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
        cmocka_unit_test(an_automatic_channel_confirms_at_once_whatever_the_payment),
        cmocka_unit_test(a_channels_line_without_a_known_sku_holds_the_order),
        cmocka_unit_test(several_holds_coexist_and_one_that_is_not_there_cannot_be_released),
        cmocka_unit_test(cancelling_a_paid_order_leaves_the_refund_owed),
        cmocka_unit_test(what_has_shipped_cannot_be_cancelled_the_rest_can),
        cmocka_unit_test(parts_of_a_lines_value_sum_to_the_whole),
        cmocka_unit_test(an_order_that_moved_while_it_was_stopped_is_a_conflict),
        cmocka_unit_test(returns_show_in_the_return_status),
        cmocka_unit_test(fulfillment_status_follows_the_quantities),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
