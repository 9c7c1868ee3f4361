#include "gateway_channels.h"

static struct adapter_result sample(struct arena *arena, const char *name)
{
    return decode_file(&adapter_woocommerce, arena, "order.updated",
                       arena_printf(arena, SAMPLES "woocommerce/%s", name));
}

static struct adapter_result fixture(struct arena *arena, const char *name)
{
    return decode_file(&adapter_woocommerce, arena, "order.created",
                       arena_printf(arena, FIXTURES "%s", name));
}

/* ---- what was published of real shops ---- */

static void orders_of_the_rest_reference_add_up(void **state)
{
    struct adapter_result result = sample(*state, "docs_v3_order_retrieve.json");
    const PlacedOrder *order = assert_order(&result, "29.35", "USD");
    assert_string_equal(result.import->external_id, "727");
    assert_int_equal(minor_of(order->lines[0]->unit_price), 300);
    assert_int_equal(order->lines[0]->quantity, 2);
    assert_string_equal(order->lines[1]->name, "Ship Your Idea – Color: Black, Size: M Test");
    assert_payment(order->payments[0], "bank_transfer", CAPTURED, 2935, 0);
    assert_false(order->prices_include_tax);
    assert_string_equal(order->note, "");
    assert_string_equal(order->customer->external_id, "");
    assert_true(order->placed_at_us == INT64_C(1490210882000000));
    assert_true(result.import->version->updated_at_us == INT64_C(1490210888000000));
    result = sample(*state, "docs_v3_order_update_status_completed.json");
    assert_order(&result, "29.35", "USD");
    assert_false(result.import->is_cancelled);
    assert_string_equal(result.import->financial_status, "completed");
}

static void the_legacy_shape_adds_up_too(void **state)
{
    struct adapter_result result = sample(*state, "docs_legacy_v2_order.json");
    const PlacedOrder *order = assert_order(&result, "79.87", "USD");
    assert_string_equal(result.import->external_id, "645");
    assert_string_equal(result.import->external_number, "645");
    assert_int_equal(order->n_tax_lines, 2);
    assert_string_equal(order->shipping_address->address1, "969 Market");
    assert_payment(order->payments[0], "bank_transfer", CAPTURED, 7987, 0);
    assert_string_equal(order->customer->email, "john.doe@example.com");
    assert_true(result.import->version->updated_at_us == INT64_C(1422302421000000));
}

static void a_batch_is_parked_and_each_order_of_it_adds_up(void **state)
{
    static const struct {
        const char *list, *total;
        size_t index;
    } cases[] = {{"create", "62.25", 0},
                 {"create", "54.40", 1},
                 {"update", "29.35", 0},
                 {"delete", "39.00", 0}};
    struct arena *arena = *state;
    struct json_error error;
    size_t bytes;
    struct adapter_result result = sample(arena, "docs_v3_orders_batch.json");
    assert_parked(&result, "not_an_order", "has no id, line_items, currency, total");
    const char *body = read_file(arena, SAMPLES "woocommerce/docs_v3_orders_batch.json", &bytes);
    const struct json_value *root = json_parse(body, bytes, JSON_LIMITS_HOOK, arena, &error);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct json_value *item = json_get(root, cases[i].list)->first;
        for (size_t skipped = 0; skipped < cases[i].index; skipped++)
            item = item->next;
        result =
            decode_text(&adapter_woocommerce, arena, "order.created", text_of_value(arena, item));
        const PlacedOrder *order = assert_order(&result, cases[i].total, "USD");
        int64_t taxes = 0;
        for (size_t k = 0; k < order->n_lines; k++)
            taxes += minor_of(order->lines[k]->tax);
        /* The first rounds its lines' taxes up to 2.26, its own to 2.25. */
        assert_true(order->n_tax_lines == 0 || taxes == minor_of(order->tax_lines[0]->amount));
    }
    /* The last one was refunded twice. */
    assert_payment(result.import->order->payments[0], "bank_transfer", CAPTURED, 3900, 1900);
    assert_int_equal(minor_of(result.import->stated_current_total), 2000);
}

static void what_is_no_order_is_parked_and_says_what_is_missing(void **state)
{
    struct adapter_result result = sample(*state, "docs_v3_refund_retrieve.json");
    assert_parked(&result, "not_an_order", "has no currency, total");
    result = sample(*state, "docs_v3_webhook_resource.json");
    assert_parked(&result, "not_an_order", "has no line_items, currency, total");
    result = decode_text(&adapter_woocommerce, *state, "order.deleted", "{\"id\": 12}");
    assert_parked(&result, "unsupported_topic", "Deleted");
    result = decode_text(&adapter_woocommerce, *state, "order.restored", "{\"id\": 12}");
    assert_parked(&result, "unsupported_topic", "restored");
    result = decode_text(&adapter_woocommerce, *state, "product.updated", "{\"id\": 12}");
    assert_parked(&result, "not_an_order", "subscribe to order.created");
}

/* ---- our own ---- */

static void a_coupon_is_the_lines_discount_and_no_unit_price_is_a_quotient(void **state)
{
    struct adapter_result result = fixture(*state, "woocommerce_hkd_coupon.json");
    const PlacedOrder *order = assert_order(&result, "215.00", "HKD");
    assert_int_equal(minor_of(order->lines[0]->discount), 334);
    /* 50.00 for three: 16.67 each, of which the line's discount takes 0.01 back beside the coupon.
     */
    assert_int_equal(minor_of(order->lines[1]->unit_price), 1667);
    assert_int_equal(minor_of(order->lines[1]->discount), 334);
    assert_string_equal(order->lines[1]->name, "手工皂 & 盒 – 三件裝");
    assert_string_equal(order->discounts[0]->code, "spring10");
    assert_int_equal(minor_of(order->discounts[0]->amount), 0);
    assert_int_equal(order->n_charges, 2);
    assert_int_equal(minor_of(order->charges[1]->amount), -2000);
    assert_payment(order->payments[0], "bank_transfer", PENDING, 21500, 0);
    assert_string_equal(order->note, "放管理處\n手工皂 & 盒 – 三件裝: 刻字: 福");
    assert_string_equal(result.import->external_number, "HK-5120");
    assert_string_equal(order->shipping_address->name, "陳大文");
    assert_string_equal(order->shipping_address->phone, "91234567");
    assert_string_equal(order->shipping_address->city, "觀塘");
    assert_string_equal(order->shipping_address->postcode, "");
    assert_string_equal(order->locale, "zh-Hant");
}

static void included_taxes_are_put_back_into_the_prices(void **state)
{
    struct adapter_result result = fixture(*state, "woocommerce_twd_tax.json");
    const PlacedOrder *order = assert_order(&result, "689", "TWD");
    assert_true(order->prices_include_tax);
    assert_int_equal(minor_of(order->lines[0]->unit_price), 300);
    assert_int_equal(minor_of(order->shipping_lines[0]->price), 89);
    assert_int_equal(minor_of(order->tax_lines[0]->amount), 33);
    assert_int_equal(order->tax_lines[0]->rate_ppm, 50000);
    assert_payment(order->payments[0], "cash_on_delivery", PENDING, 689, 0);
    assert_string_equal(order->shipping_address->name, "王美玲");
    assert_string_equal(order->billing_address->name, "陳大文");
    assert_string_equal(order->locale, "zh-Hant");
}

static void refunds_are_taken_off_what_was_captured(void **state)
{
    struct adapter_result result = fixture(*state, "woocommerce_jpy_refunds.json");
    const PlacedOrder *order = assert_order(&result, "4300", "JPY");
    assert_payment(order->payments[0], "card", CAPTURED, 4300, 800);
    assert_string_equal(order->payments[0]->reference, "pi_3OaBcD");
    assert_int_equal(minor_of(result.import->stated_current_total), 3500);
    assert_string_equal(order->lines[1]->sku, "10024");
    assert_string_equal(order->lines[2]->sku, "");
    assert_int_equal(minor_of(order->lines[2]->unit_price), 0);
    assert_string_equal(order->customer->external_id, "26");
}

static void a_fraction_of_a_unit_is_parked(void **state)
{
    struct adapter_result result = fixture(*state, "woocommerce_hkd_fraction.json");
    assert_parked(&result, "fractional_quantity", "line_items[0].quantity");
}

static void a_gift_card_that_is_no_row_is_a_charge_that_takes_off(void **state)
{
    struct adapter_result result = fixture(*state, "woocommerce_hkd_gift_card.json");
    const PlacedOrder *order = assert_order(&result, "70.00", "HKD");
    assert_string_equal(order->charges[0]->title, "gift card");
    assert_int_equal(minor_of(order->charges[0]->amount), -5000);
    /* A plugin's own status: the date of payment tells. */
    assert_payment(order->payments[0], "bank_transfer", CAPTURED, 7000, 0);
    assert_string_equal(result.import->financial_status, "wc-ready-to-pack");
}

static void a_cent_that_rounding_left_is_named(void **state)
{
    struct adapter_result result = fixture(*state, "woocommerce_usd_rounding.json");
    const PlacedOrder *order = assert_order(&result, "30.01", "USD");
    assert_string_equal(order->charges[0]->title, "rounding");
    assert_int_equal(minor_of(order->charges[0]->amount), 1);
}

/* ---- by variation of one small order ---- */

static struct adapter_result variant(struct arena *arena, const char *more)
{
    return decode_text(
        &adapter_woocommerce, arena, "order.updated",
        arena_printf(arena,
                     "{\"id\": 9, \"currency\": \"HKD\", \"total\": \"20.00\", \"line_items\": "
                     "[{\"id\": 1, \"name\": \"Pen\", \"sku\": \"PEN\", \"quantity\": 2, "
                     "\"subtotal\": \"20.00\", \"total\": \"20.00\"}], %s}",
                     more));
}

static void each_status_has_its_meaning(void **state)
{
    static const struct {
        const char *more;
        Penstock__Orders__V1__PaymentEntryStatus status;
        bool is_cancelled;
        int64_t refunded;
    } cases[] = {
        {"\"status\": \"pending\"", PENDING, false, 0},
        {"\"status\": \"on-hold\"", PENDING, false, 0},
        {"\"status\": \"processing\", \"payment_method\": \"stripe\"", CAPTURED, false, 0},
        {"\"status\": \"processing\", \"payment_method\": \"cod\"", PENDING, false, 0},
        {"\"status\": \"completed\", \"payment_method\": \"cod\", "
         "\"date_paid_gmt\": \"2026-04-01T01:00:00\"",
         CAPTURED, false, 0},
        {"\"status\": \"cancelled\"", VOIDED, true, 0},
        {"\"status\": \"cancelled\", \"date_paid_gmt\": \"2026-04-01T01:00:00\"", CAPTURED, true,
         0},
        {"\"status\": \"refunded\"", CAPTURED, true, 2000},
        {"\"status\": \"failed\"", PENDING, false, 0},
        {"\"status\": \"backordered\"", PENDING, false, 0},
        {"\"status\": null", PENDING, false, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct adapter_result result = variant(*state, cases[i].more);
        const PlacedOrder *order = assert_order(&result, "20.00", "HKD");
        assert_int_equal(order->payments[0]->status, cases[i].status);
        assert_int_equal(minor_of(order->payments[0]->refunded), cases[i].refunded);
        assert_int_equal(result.import->is_cancelled, cases[i].is_cancelled);
    }
}

static void a_failed_payment_makes_no_order_of_its_own(void **state)
{
    struct adapter_result result = variant(*state, "\"status\": \"failed\"");
    assert_int_equal(result.verdict, ADAPTER_ORDER);
    assert_true(result.needs_known_order);
    assert_string_equal(result.code, "payment_failed");
    result = variant(*state, "\"status\": \"processing\"");
    assert_false(result.needs_known_order);
}

static void drafts_of_the_shop_are_ignored(void **state)
{
    static const char *const drafts[] = {"auto-draft", "checkout-draft", "draft"};
    for (size_t i = 0; i < sizeof(drafts) / sizeof(drafts[0]); i++) {
        struct adapter_result result =
            variant(*state, arena_printf(*state, "\"status\": \"%s\"", drafts[i]));
        assert_int_equal(result.verdict, ADAPTER_IGNORED);
        assert_string_equal(result.code, "draft_order");
    }
}

static void what_does_not_add_up_is_parked(void **state)
{
    struct adapter_result result =
        variant(*state, "\"fee_lines\": [{\"name\": \"x\", \"total\": \"5.00\"}]");
    assert_parked(&result, "total_mismatch", "add up to 25.00 HKD, the channel's total is 20.00");
    result = variant(*state, "\"fee_lines\": [{\"name\": \"x\", \"total\": \"0.02\"}]");
    assert_parked(&result, "total_mismatch", "20.02");
    result = variant(*state, "\"total_tax\": \"oops\"");
    assert_parked(&result, "bad_amount", "order.total_tax");
}

static void taxes_that_do_not_fit_the_rows_are_added_instead(void **state)
{
    /* Prices include tax, but the rows were rounded so that only the plain amounts sum. */
    struct adapter_result result = decode_text(
        &adapter_woocommerce, *state, "order.updated",
        "{\"id\": 9, \"currency\": \"HKD\", \"total\": \"30.00\", \"total_tax\": \"2.73\", "
        "\"prices_include_tax\": true, \"line_items\": [{\"id\": 1, \"quantity\": 1, "
        "\"subtotal\": \"27.27\", \"subtotal_tax\": \"1.00\", \"total\": \"27.27\", "
        "\"total_tax\": \"1.00\"}]}");
    const PlacedOrder *order = assert_order(&result, "30.00", "HKD");
    assert_false(order->prices_include_tax);
    assert_int_equal(minor_of(order->tax_lines[0]->amount), 273);
    assert_int_equal(order->n_charges, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(orders_of_the_rest_reference_add_up),
        TEST(the_legacy_shape_adds_up_too),
        TEST(a_batch_is_parked_and_each_order_of_it_adds_up),
        TEST(what_is_no_order_is_parked_and_says_what_is_missing),
        TEST(a_coupon_is_the_lines_discount_and_no_unit_price_is_a_quotient),
        TEST(included_taxes_are_put_back_into_the_prices),
        TEST(refunds_are_taken_off_what_was_captured),
        TEST(a_fraction_of_a_unit_is_parked),
        TEST(a_gift_card_that_is_no_row_is_a_charge_that_takes_off),
        TEST(a_cent_that_rounding_left_is_named),
        TEST(each_status_has_its_meaning),
        TEST(a_failed_payment_makes_no_order_of_its_own),
        TEST(drafts_of_the_shop_are_ignored),
        TEST(what_does_not_add_up_is_parked),
        TEST(taxes_that_do_not_fit_the_rows_are_added_instead),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
