/* What is an order at all: every refusal with its code and its field; and what channels send. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "orders_fixture.h"

static struct arena *arena;

static int setup(void **state)
{
    (void)state;
    arena = arena_open((size_t)64 << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_close(&arena);
    return 0;
}

typedef void spoil_fn(PlaceOrderRequest *in);

static char *repeated(char c, size_t count)
{
    char *text = arena_alloc(arena, count + 1);
    memset(text, c, count);
    return text;
}

#define SPOIL(name, statement)                                                                     \
    static void name(PlaceOrderRequest *in)                                                        \
    {                                                                                              \
        statement;                                                                                 \
    }
SPOIL(no_channel, in->channel = TEXT(""))
SPOIL(no_currency, in->currency = TEXT(""))
SPOIL(bad_currency, in->currency = TEXT("HKX"))
SPOIL(bad_locale, in->locale = TEXT("zh_Hant!"))
SPOIL(bad_policy, in->stock_policy = (Penstock__Inventory__V1__StockPolicy)9)
SPOIL(long_external_id, in->external_id = repeated('x', 129))
SPOIL(placed_long_ago, in->placed_at_us = 1)
SPOIL(placed_tomorrow_next_week, in->placed_at_us = NOW_US + INT64_C(8) * 86400 * 1000000)
SPOIL(no_lines, in->n_lines = 0)
SPOIL(no_sku, in->lines[0]->sku = TEXT(""))
SPOIL(long_sku, in->lines[0]->sku = repeated('S', 65))
SPOIL(no_name_of_custom, in->lines[0]->is_custom = true)
SPOIL(none, in->lines[0]->quantity = 0)
SPOIL(too_many_units, in->lines[0]->quantity = 1000001)
SPOIL(cancelled_units, in->lines[0]->cancelled = 1)
/* What is no item has no price of its own. */
SPOIL(no_price, (in->lines[0]->no_shipping = true, in->lines[0]->unit_price = NULL))
SPOIL(negative_price, in->lines[0]->unit_price->amount_minor = -1)
SPOIL(huge_price, in->lines[0]->unit_price->amount_minor = MONEY_MAX_MINOR + 1)
SPOIL(other_currency, in->lines[0]->unit_price->currency = TEXT("USD"))
SPOIL(negative_discount, in->lines[0]->discount = wire_money(arena, -1, "HKD"))
SPOIL(control_in_name, in->customer->name = TEXT("A\r\nBcc: x"))
SPOIL(c1_in_name, in->customer->name = TEXT("A\xc2\x85"))
SPOIL(bad_utf8, in->customer->name = TEXT("\xff"))
SPOIL(overlong_utf8, in->customer->name = TEXT("\xc0\xaf"))
SPOIL(surrogate, in->customer->name = TEXT("\xed\xa0\x80"))
SPOIL(long_name, in->customer->name = repeated('n', 201))
SPOIL(bad_email, in->customer->email = TEXT("nobody"))
SPOIL(two_emails, in->customer->email = TEXT("a@b.hk,c@d.hk"))
SPOIL(bad_phone, in->customer->phone = TEXT("call me"))
SPOIL(bad_country, in->shipping_address->country = TEXT("HKG"))
SPOIL(long_note, in->note = repeated('n', 2001))
SPOIL(bell_in_note, in->note = TEXT("\a"))
SPOIL(negative_shipping, in->shipping_lines[in->n_shipping_lines++] = a_shipping(arena, -1))
SPOIL(negative_order_discount, in->discounts[in->n_discounts++] = a_discount(arena, -1))
SPOIL(negative_tax, in->tax_lines[in->n_tax_lines++] = a_tax(arena, -1))
SPOIL(no_method, in->payments[in->n_payments++] = a_payment(arena, "", ENTRY_CAPTURED, 1))
SPOIL(bad_method, in->payments[in->n_payments++] = a_payment(arena, "a b", ENTRY_CAPTURED, 1))
SPOIL(no_status, in->payments[in->n_payments++] = a_payment(arena, "card", (enum entry_status)0, 1))
SPOIL(bad_status,
      in->payments[in->n_payments++] = a_payment(arena, "card", (enum entry_status)77, 1))
SPOIL(bad_reservation, in->reservation_id = TEXT("no-uuid"))
SPOIL(same_references, {
    in->payments[0] = a_payment(arena, "card", ENTRY_CAPTURED, 1);
    in->payments[1] = a_payment(arena, "card", ENTRY_CAPTURED, 1);
    in->payments[0]->reference = in->payments[1]->reference = TEXT("ch_1");
    in->n_payments = 2;
})
SPOIL(refunded_payment, {
    in->payments[0] = a_payment(arena, "card", ENTRY_CAPTURED, 2);
    in->payments[0]->refunded = wire_money(arena, 1, "HKD");
    in->n_payments = 1;
})
SPOIL(too_many_lines, {
    in->lines = ARENA_ARRAY(arena, 501, LineInput *);
    for (in->n_lines = 0; in->n_lines < 501; in->n_lines++)
        in->lines[in->n_lines] = a_line(arena, "A", 1, 1);
})
SPOIL(too_many_discounts, {
    in->discounts = ARENA_ARRAY(arena, 51, Discount *);
    for (in->n_discounts = 0; in->n_discounts < 51; in->n_discounts++)
        in->discounts[in->n_discounts] = a_discount(arena, 1);
})
SPOIL(huge_payments, {
    in->payments[0] = a_payment(arena, "a", ENTRY_CAPTURED, MONEY_MAX_MINOR);
    in->payments[1] = a_payment(arena, "b", ENTRY_CAPTURED, 1);
    in->n_payments = 2;
})

static const struct {
    spoil_fn *spoil;
    const char *code, *field;
    bool also_of_channels; /* a channel's order with this is no order either, even cleaned */
} cases[] = {
    {no_channel, "required", "channel", true},
    {no_currency, "required", "currency", true},
    {bad_currency, "invalid", "currency", true},
    {bad_locale, "invalid", "locale", false},
    {bad_policy, "invalid", "stock_policy", true},
    {long_external_id, "too_long", "external_id", false},
    {placed_long_ago, "out_of_range", "placed_at", false},
    {placed_tomorrow_next_week, "out_of_range", "placed_at", false},
    {no_lines, "required", "lines", true},
    {too_many_lines, "too_many", "lines", true},
    {no_sku, "required", "lines[0].sku", false},
    {long_sku, "too_long", "lines[0].sku", false},
    {no_name_of_custom, "required", "lines[0].name", false},
    {none, "out_of_range", "lines[0].quantity", true},
    {too_many_units, "out_of_range", "lines[0].quantity", true},
    {cancelled_units, "out_of_range", "lines[0].cancelled", false},
    {no_price, "required", "lines[0].unit_price", true},
    {negative_price, "out_of_range", "lines[0].unit_price.amount", true},
    {huge_price, "amount_too_large", "lines[0].unit_price.amount", true},
    {other_currency, "invalid", "lines[0].unit_price.currency", true},
    {negative_discount, "out_of_range", "lines[0].discount.amount", true},
    {control_in_name, "invalid", "customer.name", false},
    {c1_in_name, "invalid", "customer.name", false},
    {bad_utf8, "invalid", "customer.name", false},
    {overlong_utf8, "invalid", "customer.name", false},
    {surrogate, "invalid", "customer.name", false},
    {long_name, "too_long", "customer.name", false},
    {bad_email, "invalid", "customer.email", false},
    {two_emails, "invalid", "customer.email", false},
    {bad_phone, "invalid", "customer.phone", false},
    {bad_country, "invalid", "shipping_address.country", false},
    {long_note, "too_long", "note", false},
    {bell_in_note, "invalid", "note", false},
    {negative_shipping, "out_of_range", "shipping_lines[0].price.amount", true},
    {negative_order_discount, "out_of_range", "discounts[0].amount.amount", true},
    {negative_tax, "out_of_range", "tax_lines[0].amount.amount", true},
    {too_many_discounts, "too_many", "discounts", true},
    {no_method, "required", "payments[0].method", true},
    {bad_method, "invalid", "payments[0].method", false},
    {no_status, "required", "payments[0].status", true},
    {bad_status, "invalid", "payments[0].status", true},
    {same_references, "invalid", "payments[1].reference", true},
    {refunded_payment, "invalid", "payments[0].refunded", false},
    {huge_payments, "amount_too_large", "payments", true},
    {bad_reservation, "invalid", "reservation_id", true},
};

static void each_fault_is_refused_with_its_code_and_field(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct refusal no = {.status = STATUS_OK};
        arena_reset(arena);
        PlaceOrderRequest *in = a_request(arena);
        assert_true(rules_check_order(in, false, NOW_US, &no));
        cases[i].spoil(in);
        assert_false(rules_check_order(in, false, NOW_US, &no));
        assert_int_equal(no.status, STATUS_INVALID);
        assert_string_equal(no.field, cases[i].field);
        assert_string_equal(no.code, cases[i].code);
        assert_true(no.text[0] != '\0');
    }
}

static void a_channels_texts_are_cleaned_but_its_figures_are_not_guessed(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct refusal no = {.status = STATUS_OK};
        arena_reset(arena);
        PlaceOrderRequest *in = a_request(arena);
        cases[i].spoil(in);
        const PlaceOrderRequest *clean =
            rules_check_order(in, true, NOW_US, &no) ? in : rules_clean_order(in, arena);
        assert_non_null(clean);
        bool is_fit = rules_check_order(clean, true, NOW_US, &no);
        if (is_fit == cases[i].also_of_channels)
            print_message("%s %s\n", cases[i].field, cases[i].code);
        assert_int_equal(is_fit, !cases[i].also_of_channels);
    }
}

static void what_people_really_write_passes(void **state)
{
    (void)state;
    struct refusal no;
    static const char *const phones[] = {"+852 9123 4567", "0912-345-678", "(02) 2345-6789 #12",
                                         ""};
    static const char *const emails[] = {"a.b+c@mail.example.com.tw", "o'brien@example.ie", ""};
    PlaceOrderRequest *in = a_request(arena);
    in->customer->name = TEXT("歐陽\xe2\x80\x8b娜娜 👩‍👧");
    in->note = TEXT("first line\r\nsecond\tline");
    in->shipping_address->country = TEXT("tw");
    for (size_t i = 0; i < sizeof(phones) / sizeof(phones[0]); i++) {
        in->customer->phone = TEXT(phones[i]);
        assert_true(rules_check_order(in, false, NOW_US, &no));
    }
    for (size_t i = 0; i < sizeof(emails) / sizeof(emails[0]); i++) {
        in->customer->email = TEXT(emails[i]);
        assert_true(rules_check_order(in, false, NOW_US, &no));
    }
    struct order *order = an_order(arena, in, &no);
    assert_string_equal(order->country, "TW");
}

static void cleaning_cuts_at_whole_characters(void **state)
{
    (void)state;
    PlaceOrderRequest *in = a_request(arena);
    char *name = arena_alloc(arena, 3 * 300 + 1);
    for (int i = 0; i < 300; i++)
        memcpy(name + 3 * i, "陳", 3);
    in->customer->name = name;
    in->customer->email = TEXT("a\xff@b");
    const PlaceOrderRequest *clean = rules_clean_order(in, arena);
    assert_int_equal(strlen(clean->customer->name), 3 * 200);
    assert_string_equal(clean->customer->email, "a?@b");
    assert_string_equal(in->customer->email, "a\xff@b"); /* what came in stays as it came */
}

/* ---- versions and content of imports ---- */

static void the_greatest_version_is_by_update_then_trigger_then_hash(void **state)
{
    (void)state;
    static const struct {
        struct source_version a, b;
        int wanted;
    } pairs[] = {
        {{1, 9, "z"}, {2, 0, "a"}, -1}, {{2, 1, "z"}, {2, 2, "a"}, -1},
        {{2, 2, "a"}, {2, 2, "b"}, -1}, {{2, 2, "b"}, {2, 2, "b"}, 0},
        {{3, 0, ""}, {2, 9, "z"}, 1},
    };
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        assert_int_equal(rules_version_compare(&pairs[i].a, &pairs[i].b), pairs[i].wanted);
        assert_int_equal(rules_version_compare(&pairs[i].b, &pairs[i].a), -pairs[i].wanted);
    }
}

static void the_content_hash_is_of_lines_address_and_amounts_alone(void **state)
{
    (void)state;
    PlaceOrderRequest *in = a_request(arena);
    struct uuid before = rules_content_hash(in, arena), after;
    in->customer->email = TEXT("other@example.com");
    in->note = TEXT("other");
    in->payments[in->n_payments++] = a_payment(arena, "card", ENTRY_CAPTURED, 1);
    after = rules_content_hash(in, arena);
    assert_true(uuid_equal(&before, &after));
    in->shipping_address->address1 = TEXT("elsewhere");
    after = rules_content_hash(in, arena);
    assert_false(uuid_equal(&before, &after));
}

static void a_channels_current_total_is_taken_to_the_cent(void **state)
{
    (void)state;
    static const struct {
        int64_t captured, refunded, stated, current, amount_due, refund_due;
    } totals[] = {
        {12000, 0, 12000, 12000, 0, 0},  {12000, 0, 8001, 8001, 0, 3999},
        {12000, 3999, 8001, 8001, 0, 0}, {0, 0, 8001, 8001, 8001, 0},
        {12000, 12000, 0, 0, 0, 0},      {5000, 0, 8001, 8001, 3001, 0},
    };
    for (size_t i = 0; i < sizeof(totals) / sizeof(totals[0]); i++) {
        struct refusal no;
        PlaceOrderRequest *in = a_request(arena);
        if (totals[i].captured > 0)
            in->payments[in->n_payments++] =
                a_payment(arena, "card", ENTRY_CAPTURED, totals[i].captured);
        if (totals[i].refunded > 0)
            in->payments[0]->refunded = wire_money(arena, totals[i].refunded, "HKD");
        struct order *order = an_order(arena, in, &no);
        rules_import_current_total(order, wire_money(arena, totals[i].stated, "HKD"));
        rules_order_derive(order);
        assert_int_equal(order->current_total, totals[i].current);
        assert_int_equal(order->amount_due, totals[i].amount_due);
        assert_int_equal(order->refund_due, totals[i].refund_due);
    }
}

static void units_that_a_channel_took_back_before_are_cancelled_from_the_start(void **state)
{
    (void)state;
    struct refusal no;
    PlaceOrderRequest *in = a_request(arena);
    in->lines[0]->quantity = 3;
    in->lines[0]->cancelled = 2;
    struct order *order = an_order(arena, in, &no);
    assert_int_equal(order->lines[0].cancelled, 2);
    assert_int_equal(rules_line_open(&order->lines[0]), 1);
    assert_int_equal(order->total, 36000);
    assert_int_equal(order->current_total, 12000);
    in->lines[0]->cancelled = 3;
    order = an_order(arena, in, &no);
    assert_int_equal(order->status, ORDER_CANCELLED);
    assert_int_equal(order->current_total, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_fault_is_refused_with_its_code_and_field),
        cmocka_unit_test(a_channels_texts_are_cleaned_but_its_figures_are_not_guessed),
        cmocka_unit_test(what_people_really_write_passes),
        cmocka_unit_test(cleaning_cuts_at_whole_characters),
        cmocka_unit_test(the_greatest_version_is_by_update_then_trigger_then_hash),
        cmocka_unit_test(the_content_hash_is_of_lines_address_and_amounts_alone),
        cmocka_unit_test(a_channels_current_total_is_taken_to_the_cent),
        cmocka_unit_test(units_that_a_channel_took_back_before_are_cancelled_from_the_start),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
