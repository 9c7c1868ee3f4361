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

/* ---- placing, confirming, holds ---- */

static struct order *place_through(const PlaceOrderRequest *in, bool confirms_manually,
                                   const struct held *held, bool is_import)
{
    struct channel channel = {"web", "WEB", confirms_manually, 100001, 0, 0};
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
