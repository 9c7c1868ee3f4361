/* The rules of returns: what may come back, what it is worth, how a return moves on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rules.h"

static struct arena *arena;

static int open_arena(void **state)
{
    (void)state;
    arena = arena_open((size_t)256 << 20);
    return 0;
}

static int close_arena(void **state)
{
    (void)state;
    arena_close(&arena);
    return 0;
}

static struct uuid id_of(unsigned number)
{
    struct uuid id = {{0}};
    id.bytes[15] = (uint8_t)number;
    return id;
}

/* Two lines of SKU A and one of B. */
static void fill_sale(struct sale *sale, struct sold_line lines[3])
{
    lines[0] = (struct sold_line){id_of(1), "A", "", 3, 10000, 0, 2};
    lines[1] = (struct sold_line){id_of(2), "A", "", 2, 2000, 0, 2};
    lines[2] = (struct sold_line){id_of(3), "B", "", 1, 999, 0, 1};
    *sale = (struct sale){
        .is_known = true, .number = "WEB-1", .currency = "HKD", .lines = lines, .nlines = 3};
}

static struct return_order return_of(enum return_status status, struct return_line *lines,
                                     size_t count)
{
    return (struct return_order){
        .number = "WEB-1-R1", .status = status, .location = "", .lines = lines, .nlines = count};
}

static void a_return_takes_shipped_units_first_come(void **state)
{
    (void)state;
    struct sold_line sold[3];
    struct sale sale;
    fill_sale(&sale, sold);
    struct asked_line asked[] = {{"A", "", 3, "other", DISPOSITION_RESTOCK},
                                 {"B", "", 1, "defective", DISPOSITION_RESTOCK}};
    struct request_decision decision = rules_request(&sale, asked, 2, arena);
    assert_int_equal(decision.refusal.status, STATUS_OK);
    assert_int_equal(decision.nlines, 3);
    assert_int_equal(decision.lines[0].requested, 2);
    assert_int_equal(decision.lines[1].requested, 1);
    assert_int_equal(decision.lines[2].requested, 1);
    assert_string_equal(decision.lines[2].reason, "defective");
    assert_int_equal(decision.lines[2].line_no, 3);
}

static void what_is_not_shipped_or_in_returns_already_is_refused_with_figures(void **state)
{
    (void)state;
    struct sold_line sold[3];
    struct sale sale;
    fill_sale(&sale, sold);
    struct return_line before[] = {
        {.line_no = 1, .order_line_id = id_of(1), .sku = "A", .requested = 2}};
    struct return_order earlier = return_of(RETURN_APPROVED, before, 1);
    sale.returns = &earlier;
    sale.nreturns = 1;
    struct asked_line three = {"A", "", 3, "other", DISPOSITION_RESTOCK};
    struct request_decision decision = rules_request(&sale, &three, 1, arena);
    assert_string_equal(decision.refusal.code, "not_returnable");
    assert_string_equal(decision.refusal.field, "lines[0].quantity");
    assert_true(decision.refusal.may_pass);
    assert_int_equal(decision.refusal.figures[0].value, 2);
    assert_int_equal(decision.refusal.figures[1].value, 4);
    assert_int_equal(decision.refusal.figures[2].value, 2);
    earlier.status = RETURN_CANCELLED;
    assert_int_equal(rules_request(&sale, &three, 1, arena).refusal.status, STATUS_OK);
    earlier.status = RETURN_CLOSED;
    before[0].received = 1;
    assert_int_equal(rules_request(&sale, &three, 1, arena).refusal.status, STATUS_OK);
    before[0].received = 2;
    assert_int_not_equal(rules_request(&sale, &three, 1, arena).refusal.status, STATUS_OK);
}

static void a_line_at_fault_is_named(void **state)
{
    (void)state;
    struct sold_line sold[3];
    struct sale sale;
    fill_sale(&sale, sold);
    struct asked_line unknown[] = {{"B", "", 1, "other", DISPOSITION_RESTOCK},
                                   {"C", "", 1, "other", DISPOSITION_RESTOCK}};
    struct refusal refusal = rules_request(&sale, unknown, 2, arena).refusal;
    assert_string_equal(refusal.code, "unknown_sku");
    assert_string_equal(refusal.field, "lines[1].sku");
    assert_false(refusal.may_pass);
    assert_string_equal(rules_request(&sale, NULL, 0, arena).refusal.field, "lines");
    static const struct {
        struct asked_line line;
        const char *code, *field;
    } cases[] = {
        {{"", "", 1, "other", DISPOSITION_RESTOCK}, "required", "lines[0].sku"},
        {{"A", "x", 1, "other", DISPOSITION_RESTOCK}, "invalid", "lines[0].order_line_id"},
        {{"A", "", 0, "other", DISPOSITION_RESTOCK}, "out_of_range", "lines[0].quantity"},
        {{"A", "", 1000001, "other", DISPOSITION_RESTOCK}, "out_of_range", "lines[0].quantity"},
        {{"A", "", 1, "moon", DISPOSITION_RESTOCK}, "invalid", "lines[0].reason"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        refusal = rules_check_asked(&cases[i].line, 1, arena);
        assert_int_equal(refusal.status, STATUS_INVALID);
        assert_string_equal(refusal.code, cases[i].code);
        assert_string_equal(refusal.field, cases[i].field);
    }
}

static void a_return_moves_by_the_table_only(void **state)
{
    (void)state;
    static const enum return_status way[] = {RETURN_REQUESTED, RETURN_APPROVED, RETURN_RECEIVED,
                                             RETURN_INSPECTED, RETURN_CLOSED};
    for (size_t i = 0; i + 1 < sizeof way / sizeof way[0]; i++) {
        assert_true(rules_may_become(way[i], way[i + 1]));
        if (way[i] != RETURN_RECEIVED && way[i + 1] != RETURN_INSPECTED)
            assert_false(rules_may_become(way[i + 1], way[i]));
    }
    static const enum return_status ends[] = {RETURN_CLOSED, RETURN_DECLINED, RETURN_CANCELLED,
                                              RETURN_EXPIRED};
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
        for (int to = RETURN_REQUESTED; to <= RETURN_EXPIRED; to++)
            assert_false(rules_may_become(ends[i], (enum return_status)to));
    struct return_order one = return_of(RETURN_REQUESTED, NULL, 0);
    struct refusal refusal = rules_check_move(&one, RETURN_RECEIVED, "received", arena);
    assert_string_equal(refusal.code, "invalid_state");
    assert_string_equal(refusal.text, "Return WEB-1-R1 is requested: it cannot be received.");
}

static void receiving_may_be_partial_and_never_more_than_requested(void **state)
{
    (void)state;
    struct return_line lines[] = {
        {.sku = "A", .order_line_id = id_of(1), .requested = 3, .received = 1},
        {.sku = "B", .order_line_id = id_of(3), .requested = 1}};
    struct return_order one = return_of(RETURN_APPROVED, lines, 2);
    struct receive_decision decision = rules_receive(&one, "hk-main", NULL, 0, arena);
    assert_int_equal(decision.received[0], 2);
    assert_int_equal(decision.received[1], 1);
    struct asked_line asked = {"A", "", 3, "other", DISPOSITION_RESTOCK};
    one.location = "hk-main";
    decision = rules_receive(&one, "hk-main", &asked, 1, arena);
    assert_string_equal(decision.refusal.code, "quantity_too_large");
    assert_int_equal(decision.refusal.figures[0].value, 2);
    asked.quantity = 1;
    assert_int_equal(rules_receive(&one, "hk-main", &asked, 1, arena).received[0], 1);
    assert_string_equal(rules_receive(&one, "", &asked, 1, arena).refusal.field, "location");
    assert_string_equal(rules_receive(&one, "tw-main", &asked, 1, arena).refusal.field, "location");
    asked.sku = "C";
    assert_string_equal(rules_receive(&one, "hk-main", &asked, 1, arena).refusal.code,
                        "unknown_sku");
    lines[0].received = 3;
    lines[1].received = 1;
    assert_string_equal(rules_receive(&one, "hk-main", NULL, 0, arena).refusal.code,
                        "invalid_state");
}

static void an_inspection_shares_units_by_disposition(void **state)
{
    (void)state;
    struct sold_line sold[3];
    struct sale sale;
    fill_sale(&sale, sold);
    struct return_line lines[] = {
        {.line_no = 1, .sku = "A", .order_line_id = id_of(1), .requested = 2, .received = 2},
        {.line_no = 2, .sku = "B", .order_line_id = id_of(3), .requested = 1, .received = 1}};
    struct return_order one = return_of(RETURN_RECEIVED, lines, 2);
    sale.returns = &one;
    sale.nreturns = 1;
    struct inspect_decision decision = rules_inspect(&sale, &one, NULL, 0, arena);
    assert_int_equal(decision.restocked[0], 2);
    assert_int_equal(decision.restocked[1], 1);
    assert_int_equal(decision.refund_total_minor, 6666 + 999);
    struct asked_line asked[] = {{"A", "", 1, "other", DISPOSITION_SCRAP},
                                 {"A", "", 1, "other", DISPOSITION_QUARANTINE},
                                 {"A", "", 1, "other", DISPOSITION_RESTOCK}};
    decision = rules_inspect(&sale, &one, asked, 2, arena);
    assert_int_equal(decision.scrapped[0], 1);
    assert_int_equal(decision.quarantined[0], 1);
    assert_int_equal(decision.refund_total_minor, 6666);
    decision = rules_inspect(&sale, &one, asked, 3, arena);
    assert_string_equal(decision.refusal.code, "quantity_too_large");
    assert_string_equal(decision.refusal.field, "lines[2].quantity");
    lines[0].received = lines[1].received = 0;
    assert_string_equal(rules_inspect(&sale, &one, NULL, 0, arena).refusal.code, "invalid_state");
}

static void worth_is_exact_at_the_limits(void **state)
{
    (void)state;
    assert_int_equal(rules_worth(100, 3, 1), 33);
    assert_int_equal(rules_worth(100, 3, 2), 66);
    assert_int_equal(rules_worth(100, 3, 3), 100);
    assert_int_equal(rules_worth(MONEY_MAX_MINOR, 1000000, 999999),
                     MONEY_MAX_MINOR / 1000000 * 999999);
    assert_int_equal(rules_worth(MONEY_MAX_MINOR, 3, 3), MONEY_MAX_MINOR);
    assert_int_equal(rules_worth(0, 3, 2), 0);
    assert_int_equal(rules_worth(100, 0, 2), 0);
    assert_int_equal(rules_worth(1, 1000000, 999999), 0);
}

/* However units come back, in as many returns and inspections as you like: never more than was
 * shipped, and once all are back, the refunds sum to the line's total. */
static void refunds_of_all_units_sum_to_the_total(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 2000; seed++) {
        srandom(seed);
        arena_reset(arena);
        struct sold_line sold[2];
        int64_t left = 0, due = 0, refunded = 0;
        struct sale sale = {.is_known = true, .number = "X", .lines = sold, .nlines = 2};
        for (unsigned i = 0; i < 2; i++) {
            int64_t quantity = 1 + random() % 9;
            int64_t cancelled = random() % quantity;
            sold[i] = (struct sold_line){
                id_of(i + 1),        "A", "", quantity, random() % 100000, cancelled,
                quantity - cancelled};
            left += sold[i].shipped;
            due += sold[i].total_minor - rules_worth(sold[i].total_minor, quantity, cancelled);
        }
        sale.returns = ARENA_ARRAY(arena, 64, struct return_order);
        while (left > 0) {
            int64_t units = 1 + random() % left;
            struct asked_line asked[] = {{"A", "", units, "other", DISPOSITION_RESTOCK}};
            struct request_decision request = rules_request(&sale, asked, 1, arena);
            assert_int_equal(request.refusal.status, STATUS_OK);
            struct return_order *one = &sale.returns[sale.nreturns++];
            *one = return_of(RETURN_RECEIVED, request.lines, request.nlines);
            for (size_t i = 0; i < one->nlines; i++)
                one->lines[i].received = one->lines[i].requested;
            for (int64_t rest = units; rest > 0;) {
                asked[0].quantity = 1 + random() % rest;
                asked[0].disposition = (enum disposition)(1 + random() % 3);
                struct inspect_decision inspect = rules_inspect(&sale, one, asked, 1, arena);
                assert_int_equal(inspect.refusal.status, STATUS_OK);
                for (size_t i = 0; i < one->nlines; i++) {
                    one->lines[i].restocked += inspect.restocked[i];
                    one->lines[i].quarantined += inspect.quarantined[i];
                    one->lines[i].scrapped += inspect.scrapped[i];
                    one->lines[i].refund_minor += inspect.refund_minor[i];
                }
                refunded += inspect.refund_total_minor;
                rest -= asked[0].quantity;
            }
            assert_int_equal(rules_status(one), RETURN_INSPECTED);
            assert_true(rules_is_complete(one));
            left -= units;
        }
        assert_int_equal(refunded, due);
        struct asked_line more = {"A", "", 1, "other", DISPOSITION_RESTOCK};
        assert_int_not_equal(rules_request(&sale, &more, 1, arena).refusal.status, STATUS_OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_return_takes_shipped_units_first_come),
        cmocka_unit_test(what_is_not_shipped_or_in_returns_already_is_refused_with_figures),
        cmocka_unit_test(a_line_at_fault_is_named),
        cmocka_unit_test(a_return_moves_by_the_table_only),
        cmocka_unit_test(receiving_may_be_partial_and_never_more_than_requested),
        cmocka_unit_test(an_inspection_shares_units_by_disposition),
        cmocka_unit_test(worth_is_exact_at_the_limits),
        cmocka_unit_test(refunds_of_all_units_sum_to_the_total),
    };
    return cmocka_run_group_tests_name("returns rules", tests, open_arena, close_arena);
}
