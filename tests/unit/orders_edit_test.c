/* What an edit makes of an order, and what differs between two: tables of cases. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "orders_edits.h"

/* ---- cases ---- */

/* 3 x 99.99 less 10.00 and 2 x 10.01, 5.00 off, 30.00 to ship, 5 % tax on top. */
static struct order *two_lines(void)
{
    PlaceOrderRequest *in = a_request(arena);
    in->prices_include_tax = false;
    in->n_lines = 0;
    in->lines[in->n_lines++] = a_line(arena, "TEE-M", 3, 9999);
    in->lines[0]->discount = wire_money(arena, 1000, "HKD");
    in->lines[in->n_lines++] = a_line(arena, "CAP", 2, 1001);
    in->discounts[in->n_discounts++] = a_discount(arena, 500);
    in->discounts[0]->title = TEXT("會員");
    in->shipping_lines[in->n_shipping_lines++] = a_shipping(arena, 3000);
    in->tax_lines[in->n_tax_lines++] = a_tax(arena, 1675);
    return placed(in);
}

static void what_nobody_touches_keeps_its_price(void **state)
{
    (void)state;
    struct order *order = two_lines();
    struct script script = {0};
    set_quantity(&script, order, 0, 4);
    struct order *after = done(order, &script);
    assert_int_equal(after->lines[0].discount, 1333);
    assert_int_equal(after->lines[1].unit_price, 1001);
    assert_int_equal(after->lines[1].discount, 0);
    assert_int_equal(after->lines[1].quantity, 2);
    /* 5 % of 399.96 - 13.33 + 20.02 - 5.00 + 30.00 */
    assert_int_equal(after->tax_total, 2158);
    assert_adds_up(after);
    assert_int_equal(order->lines[0].quantity, 3); /* what came in has not changed */
}

static void an_edit_and_its_way_back_end_at_the_same_cent(void **state)
{
    (void)state;
    struct order *order = two_lines();
    int64_t total = order->total;
    struct script there = {0}, back = {0};
    set_quantity(&there, order, 0, 7);
    set_quantity(&there, order, 1, 0);
    set_discount(&there, "會員", 0);
    set_charge(&there, "補償", -333);
    struct order *after = done(order, &there);
    assert_int_not_equal(after->total, total);
    set_charge(&back, "補償", 0);
    set_discount(&back, "會員", 500);
    set_quantity(&back, order, 0, 3);
    set_quantity(&back, order, 1, 2);
    after = done(after, &back);
    assert_int_equal(after->total, total);
    assert_int_equal(after->tax_total, order->tax_total);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(after->lines[i].total, order->lines[i].total);
}

static void a_swap_holds_the_new_and_gives_the_old_back(void **state)
{
    (void)state;
    struct order *order = two_lines();
    struct script there = {0}, back = {0};
    struct refusal no;
    replace(&there, order, 0, "TEE-L", 2);
    struct edited *edited = try_script(order, &there, &no);
    assert_non_null(edited);
    assert_int_equal(edited->need_count, 1);
    assert_int_equal(edited->needs[0].line, 2);
    assert_int_equal(edited->needs[0].units, 2);
    assert_int_equal(edited->cut_count, 1);
    assert_int_equal(edited->cuts[0].line, 0);
    assert_int_equal(edited->cuts[0].units, 2);
    assert_int_equal(edited->order->lines[2].unit_price, 22000);
    assert_string_equal(edited->order->lines[2].name, "上衣 L");
    struct order *after = keep(edited);
    replace(&back, after, 2, "TEE-M", 0);
    after = done(after, &back);
    assert_int_equal(after->lines[2].quantity, 0);
    assert_int_equal(after->line_count, 4); /* the first line was never empty: a new one joins it */
    struct script all = {0}, again = {0};
    replace(&all, order, 0, "TEE-L", 0);
    after = done(order, &all);
    replace(&again, after, 2, "TEE-M", 0);
    after = done(after, &again);
    assert_int_equal(after->line_count, 3);
    assert_int_equal(after->lines[0].quantity, 3);
    assert_int_equal(after->total, order->total);
}

static void what_is_picked_or_shipped_is_the_least(void **state)
{
    (void)state;
    static const struct {
        int64_t picked, shipped, wanted;
        const char *code;
    } cases[] = {
        {0, 0, 0, NULL},
        {2, 0, 2, NULL},
        {2, 0, 1, "already_picked"},
        {2, 2, 1, "already_shipped"},
        {3, 2, 2, "already_picked"},
        {3, 2, 3, NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct order *order = two_lines();
        struct refusal no = {0};
        struct script script = {0};
        order->lines[0].picked_total = cases[i].picked;
        order->lines[0].packed_total = order->lines[0].shipped_total = cases[i].shipped;
        rules_order_derive(order);
        set_quantity(&script, order, 0, cases[i].wanted);
        struct edited *edited = try_script(order, &script, &no);
        assert_int_equal(edited == NULL, cases[i].code != NULL);
        if (cases[i].code != NULL)
            assert_string_equal(no.code, cases[i].code);
    }
}

static void what_makes_no_order_is_refused(void **state)
{
    (void)state;
    struct order *order = two_lines();
    struct refusal no;
    struct script empty = {0}, nothing = {0}, no_price = {0}, too_much = {0}, large = {0};
    assert_null(try_script(order, &empty, &no));
    assert_string_equal(no.field, "operations");
    set_quantity(&nothing, order, 0, 0);
    set_quantity(&nothing, order, 1, 0);
    assert_null(try_script(order, &nothing, &no));
    assert_string_equal(no.code, "nothing_left");
    add_line(&no_price, "MUG", 1, 0);
    assert_null(try_script(order, &no_price, &no));
    assert_string_equal(no.field, "operations[0].add_line.unit_price");
    set_discount(&too_much, "一切", 99999999);
    assert_null(try_script(order, &too_much, &no));
    assert_string_equal(no.code, "discount_too_large");
    add_line(&large, "CAP", 1000000, MONEY_MAX_MINOR);
    assert_null(try_script(order, &large, &no));
    assert_string_equal(no.code, "amount_too_large");
    order->status = ORDER_COMPLETED;
    struct script late = {0};
    set_remark(&late, "x");
    assert_null(try_script(order, &late, &no));
    assert_string_equal(no.code, "invalid_state");
}

static void the_carrier_collects_what_is_due_after_it(void **state)
{
    (void)state;
    PlaceOrderRequest *in = a_request(arena);
    in->payments[in->n_payments++] = a_payment(arena, "cash_on_delivery", ENTRY_PENDING, 12000);
    struct order *order = placed(in);
    struct script script = {0};
    set_charge(&script, "補償", -900);
    struct order *after = done(order, &script);
    assert_int_equal(after->payments[0].amount, 11100);
    assert_int_equal(after->amount_due, 11100);
    assert_int_equal(order->payments[0].amount, 12000);
}

/* ---- differences ---- */

static Order *shown(const struct order *order)
{
    return view_order(arena, order, NULL);
}

static void the_words_name_what_changed_and_nobody(void **state)
{
    (void)state;
    struct order *order = two_lines();
    struct script script = {0};
    set_quantity(&script, order, 0, 4);
    set_remark(&script, "交給李小姐 91234567");
    struct order *after = done(order, &script);
    struct changes changes = rules_edit_diff(shown(order), shown(after), arena);
    const char *words = rules_edit_words(&changes, arena);
    assert_non_null(strstr(words, "TEE-M quantity 3 -> 4"));
    assert_non_null(strstr(words, "shipping remark"));
    assert_null(strstr(words, "李"));
    assert_int_equal(rules_edit_diff(shown(order), shown(order), arena).count, 0);
}

static void edits_of_different_things_are_in_nobodys_way(void **state)
{
    (void)state;
    struct order *order = two_lines();
    struct script first = {0}, others[5] = {{{0}, 0}};
    set_quantity(&first, order, 0, 4);
    set_remark(&first, "管理處");
    struct order *after = done(order, &first);
    struct changes changes = rules_edit_diff(shown(order), shown(after), arena);
    set_quantity(&others[0], order, 1, 1);
    add_line(&others[1], "CAP", 1, 100);
    set_discount(&others[2], "會員", 100);
    discount_line(&others[3], order, 0, 100);
    set_remark(&others[4], "門口");
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(
            rules_edit_overlaps(others[i].operations, others[i].count, &changes, arena), i >= 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_nobody_touches_keeps_its_price, setup, teardown),
        cmocka_unit_test_setup_teardown(an_edit_and_its_way_back_end_at_the_same_cent, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_swap_holds_the_new_and_gives_the_old_back, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_is_picked_or_shipped_is_the_least, setup, teardown),
        cmocka_unit_test_setup_teardown(what_makes_no_order_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(the_carrier_collects_what_is_due_after_it, setup, teardown),
        cmocka_unit_test_setup_teardown(the_words_name_what_changed_and_nobody, setup, teardown),
        cmocka_unit_test_setup_teardown(edits_of_different_things_are_in_nobodys_way, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
