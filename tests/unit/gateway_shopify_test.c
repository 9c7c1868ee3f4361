#include "gateway_channels.h"

static struct adapter_result sample(struct arena *arena, const char *name)
{
    return decode_file(&adapter_shopify, arena, "orders/create",
                       arena_printf(arena, SAMPLES "shopify/%s", name));
}

static struct adapter_result fixture(struct arena *arena, const char *name)
{
    return decode_file(&adapter_shopify, arena, "orders/updated",
                       arena_printf(arena, FIXTURES "%s", name));
}

/* ---- what was recorded from real shops ---- */

static void assert_ignored_test(const struct adapter_result *result, const char *total,
                                const char *currency)
{
    assert_int_equal(result->verdict, ADAPTER_IGNORED);
    assert_string_equal(result->code, "test_order");
    assert_totals(result->import, total, currency);
}

static void samples_marked_as_a_test_are_ignored_and_still_add_up_to_the_cent(void **state)
{
    struct adapter_result result = sample(*state, "webhook_orders_create_aud_presentment.json");
    assert_ignored_test(&result, "59.45", "AUD");
    assert_string_equal(result.import->external_id, "2998557704341");
    result = sample(*state, "recorded_order_partial_fulfillment.json");
    assert_ignored_test(&result, "470.00", "EUR");
    assert_true(result.import->order->prices_include_tax);
    result = sample(*state, "order_docs_minimal_voided_test.json");
    assert_ignored_test(&result, "10.00", "USD");
    assert_true(result.import->is_cancelled);
    result = sample(*state, "order_with_transactions.json");
    assert_ignored_test(&result, "10.00", "USD");
    /* Its one transaction is in another currency: the status tells instead. */
    assert_payment(result.import->order->payments[0], "visa", VOIDED, 1000, 0);
}

static void a_list_is_parked_and_each_order_of_it_adds_up(void **state)
{
    struct arena *arena = *state;
    struct json_error error;
    size_t bytes;
    struct adapter_result result = sample(arena, "rest_2026-07_orders_list.json");
    assert_parked(&result, "not_an_order", "holds \"orders\" and has no id");
    const char *body = read_file(arena, SAMPLES "shopify/rest_2026-07_orders_list.json", &bytes);
    const struct json_value *root = json_parse(body, bytes, JSON_LIMITS_HOOK, arena, &error);
    const struct json_value *first = json_get(root, "orders")->first;
    result = decode_text(&adapter_shopify, arena, "orders/paid", text_of_value(arena, first));
    const PlacedOrder *order = assert_order(&result, "598.94", "USD");
    assert_int_equal(order->n_lines, 3);
    assert_int_equal(minor_of(order->lines[0]->discount), 334);
    assert_int_equal(minor_of(order->lines[1]->discount), 333);
    assert_int_equal(order->lines[0]->cancelled, 1);
    assert_int_equal(order->lines[1]->cancelled, 0);
    assert_int_equal(minor_of(result.import->stated_current_total), 19965);
    assert_payment(order->payments[0], "bogus", CAPTURED, 59894, 20900);
    assert_string_equal(order->note,
                        "custom engraving: Happy Birthday\ncolour: green\n"
                        "IPod Nano - 8gb - green: Custom Engraving Front: Happy Birthday\n"
                        "IPod Nano - 8gb - green: Custom Engraving Back: Merry Christmas");
}

static void an_order_whose_lines_are_not_all_there_is_parked_with_the_figures(void **state)
{
    struct adapter_result result = sample(*state, "order_with_line_properties.json");
    assert_parked(&result, "total_mismatch", "add up to 80.94 USD, the channel's total is 409.94");
    assert_parked(&result, "total_mismatch", "items cost 398.00: lines are missing");
}

static void what_is_no_order_is_parked_and_says_what_is_missing(void **state)
{
    static const struct {
        const char *name, *words;
    } cases[] = {
        {"assigned_fulfillment_orders.json", "a list of 2"},
        {"fulfillment.json", "holds \"fulfillment\""},
        {"gql_2026-04_inventory_set_contract.json", "has no id, line_items, currency"},
        {"gql_fulfillment_create_invalid_id.json", "has no id"},
        {"gql_fulfillment_multi_tracking.json", "has no id"},
        {"inventory_levels.json", "holds \"inventory_levels\""},
        {"lineitem_properties_as_object.json", "holds \"properties\""},
        {"orders_list_partially_refunded.json", "holds \"orders\""},
        {"recorded_order_transactions.json", "holds \"transactions\""},
        {"refund.json", "holds \"refund\""},
        {"rest_2026-07_fulfillment_orders.json", "holds \"fulfillment_orders\""},
        {"shippingline_rfs_id_number.json", "has no line_items, currency, total_price"},
        {"webhook_subscription.json", "holds \"webhook\""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct adapter_result result = sample(*state, cases[i].name);
        assert_parked(&result, "not_an_order", cases[i].words);
    }
}

/* ---- our own ---- */

static void a_code_shared_out_over_lines_is_their_discount(void **state)
{
    struct adapter_result result = fixture(*state, "shopify_hkd_discount.json");
    const PlacedOrder *order = assert_order(&result, "297.90", "HKD");
    assert_string_equal(result.import->external_id, "6120045550001");
    assert_string_equal(result.import->external_number, "#HK2041");
    assert_int_equal(minor_of(order->lines[0]->discount), 334);
    assert_int_equal(minor_of(order->lines[2]->discount), 333);
    assert_int_equal(order->n_discounts, 1);
    assert_string_equal(order->discounts[0]->code, "SPRING10");
    assert_int_equal(minor_of(order->discounts[0]->amount), 0);
    assert_string_equal(order->lines[1]->sku, "MUG-01");
    assert_payment(order->payments[0], "card", CAPTURED, 29790, 0);
    assert_string_equal(order->locale, "zh-Hant");
    assert_string_equal(order->customer->name, "黃嘉欣");
    assert_string_equal(order->customer->phone, "+852 6123 4567");
    assert_string_equal(order->shipping_address->city, "");
    assert_string_equal(order->shipping_address->postcode, "");
    assert_string_equal(order->shipping_address->country, "HK");
    assert_string_equal(order->note, "請包裝成禮物\n送貨時段: 14:00-18:00\n帆布袋: 刺繡: K.Y.");
    assert_true(order->placed_at_us == INT64_C(1772975740000000));
    assert_true(result.import->version->updated_at_us == INT64_C(1772975743000000));
    assert_true(result.import->version->triggered_at_ns == INT64_C(1700000000123456789));
    assert_int_equal(strlen(result.import->version->body_hash), 64);
}

static void taiwan_dollars_have_no_decimals_and_cash_on_delivery_is_pending(void **state)
{
    struct adapter_result result = fixture(*state, "shopify_twd_cod.json");
    const PlacedOrder *order = assert_order(&result, "689", "TWD");
    assert_true(order->prices_include_tax);
    assert_int_equal(minor_of(order->tax_lines[0]->amount), 33);
    assert_int_equal(order->tax_lines[0]->rate_ppm, 50000);
    assert_payment(order->payments[0], "cash_on_delivery", PENDING, 689, 0);
    assert_string_equal(order->shipping_lines[0]->code, "711-COD");
    assert_string_equal(order->locale, "zh-Hant");
}

static void yen_with_free_shipping_and_a_gift_card(void **state)
{
    struct adapter_result result = fixture(*state, "shopify_jpy_free_shipping.json");
    const PlacedOrder *order = assert_order(&result, "28600", "JPY");
    assert_int_equal(minor_of(order->shipping_lines[0]->price), 0);
    assert_int_equal(order->n_discounts, 1);
    assert_string_equal(order->discounts[0]->code, "FREESHIP");
    assert_int_equal(minor_of(order->lines[1]->discount), 900);
    assert_true(order->lines[2]->no_shipping);
    assert_true(order->lines[2]->is_custom);
    assert_false(order->lines[0]->no_shipping);
    assert_string_equal(order->locale, "ja");
}

static void a_sale_over_the_counter_has_no_customer_and_no_address(void **state)
{
    struct adapter_result result = fixture(*state, "shopify_hkd_counter.json");
    const PlacedOrder *order = assert_order(&result, "80.00", "HKD");
    assert_null(order->shipping_address);
    assert_null(order->billing_address);
    assert_string_equal(order->customer->name, "");
    assert_string_equal(order->lines[0]->sku, "");
    assert_false(order->lines[0]->is_custom);
    assert_string_equal(order->lines[1]->sku, "88012");
    assert_payment(order->payments[0], "cash", CAPTURED, 6000, 0);
    assert_string_equal(order->locale, "en");
}

static void what_was_taken_back_stays_in_the_order_as_cancelled(void **state)
{
    struct adapter_result result = fixture(*state, "shopify_hkd_edited.json");
    const PlacedOrder *order = assert_order(&result, "427.90", "HKD");
    assert_int_equal(order->lines[0]->quantity, 2);
    assert_int_equal(order->lines[0]->cancelled, 1);
    assert_int_equal(order->lines[1]->cancelled, 1);
    assert_int_equal(order->lines[2]->cancelled, 0);
    assert_int_equal(minor_of(result.import->stated_current_total), 21990);
    assert_payment(order->payments[0], "card", CAPTURED, 42790, 20800);
    assert_string_equal(result.import->financial_status, "partially_refunded");
}

static void an_order_with_lines_added_since_is_read_as_it_is_now(void **state)
{
    struct adapter_result result = fixture(*state, "shopify_hkd_added.json");
    const PlacedOrder *order = assert_order(&result, "208.00", "HKD");
    assert_int_equal(order->n_lines, 2);
    assert_payment(order->payments[0], "card", CAPTURED, 12000, 0);
}

static void tips_duties_and_fees_are_charges(void **state)
{
    struct adapter_result result = fixture(*state, "shopify_hkd_tip_duties.json");
    const PlacedOrder *order = assert_order(&result, "298.00", "HKD");
    assert_int_equal(order->n_charges, 3);
    assert_string_equal(order->charges[0]->title, "tip");
    assert_string_equal(order->charges[1]->title, "duties");
    assert_int_equal(minor_of(order->charges[1]->amount), 4010);
    assert_int_equal(order->tax_lines[1]->rate_ppm, 11750);
    assert_int_equal(minor_of(order->lines[0]->tax), 1235);
    assert_payment(order->payments[0], "paypal", AUTHORIZED, 29800, 0);
}

static void transactions_are_entries_of_their_own(void **state)
{
    struct adapter_result result = fixture(*state, "shopify_usd_transactions.json");
    const PlacedOrder *order = assert_order(&result, "20.00", "USD");
    assert_int_equal(order->n_payments, 1);
    assert_payment(order->payments[0], "card", CAPTURED, 2000, 500);
    assert_string_equal(order->payments[0]->reference, "901");
    assert_true(order->payments[0]->paid_at_us == INT64_C(1773018000000000));
    assert_true(result.import->is_cancelled);
    assert_string_equal(result.import->cancel_reason, "stock");
    assert_string_equal(order->locale, "en");
}

/* ---- by variation of one small order ---- */

static const char small[] =
    "{\"id\": 5, \"currency\": \"HKD\", \"total_price\": \"%s\", \"total_tip_received\": \"%s\","
    " \"financial_status\": \"%s\", \"line_items\": [%s]}";
#define PEN "{\"id\": 1, \"sku\": \"PEN\", \"quantity\": 2, \"price\": \"10.00\"}"
#define TIP                                                                                        \
    "{\"id\": 2, \"sku\": \"\", \"title\": \"Tip\", \"quantity\": 1, \"price\": \"3.00\", "        \
    "\"requires_shipping\": false}"

static struct adapter_result variant(struct arena *arena, const char *total, const char *tip,
                                     const char *status, const char *lines)
{
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    const char *body = arena_printf(arena, small, total, tip, status, lines);
#pragma GCC diagnostic pop
    return decode_text(&adapter_shopify, arena, "orders/create", body);
}

static void a_tip_that_is_a_line_is_not_counted_twice(void **state)
{
    struct adapter_result result = variant(*state, "23.00", "3.00", "paid", PEN "," TIP);
    const PlacedOrder *order = assert_order(&result, "23.00", "HKD");
    assert_int_equal(order->n_charges, 0);
    assert_true(order->lines[1]->is_custom);
    result = variant(*state, "23.00", "3.00", "paid", PEN);
    order = assert_order(&result, "23.00", "HKD");
    assert_int_equal(order->n_charges, 1);
}

static void each_financial_status_becomes_an_entry(void **state)
{
    static const struct {
        const char *word;
        Penstock__Orders__V1__PaymentEntryStatus status;
        int64_t refunded;
    } cases[] = {
        {"pending", PENDING, 0}, {"authorized", AUTHORIZED, 0}, {"partially_paid", PENDING, 0},
        {"paid", CAPTURED, 0},   {"refunded", CAPTURED, 2000},  {"partially_refunded", CAPTURED, 0},
        {"voided", VOIDED, 0},   {"expired", VOIDED, 0},        {"something_new", PENDING, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct adapter_result result = variant(*state, "20.00", "0.00", cases[i].word, PEN);
        const PlacedOrder *order = assert_order(&result, "20.00", "HKD");
        assert_payment(order->payments[0], "unknown", cases[i].status, 2000, cases[i].refunded);
        assert_string_equal(result.import->financial_status, cases[i].word);
    }
}

static void an_order_of_nothing_has_no_payment(void **state)
{
    struct adapter_result result =
        variant(*state, "0.00", "0.00", "paid",
                "{\"id\": 1, \"quantity\": 1, \"price\": \"7.00\", \"total_discount\": \"0.00\", "
                "\"discount_allocations\": [{\"amount\": \"7.00\"}]}");
    const PlacedOrder *order = assert_order(&result, "0.00", "HKD");
    assert_int_equal(order->n_payments, 0);
}

static void bad_figures_are_parked_by_name(void **state)
{
    struct adapter_result result = variant(*state, "20.001", "0.00", "paid", PEN);
    assert_parked(&result, "bad_amount", "order.total_price is finer than");
    result = variant(*state, "20,00", "0.00", "paid", PEN);
    assert_parked(&result, "bad_amount", "order.total_price is not an amount of HKD");
    result = variant(*state, "1e3", "0.00", "paid", PEN);
    assert_parked(&result, "bad_amount", "order.total_price");
    result = variant(*state, "99999999999999999999", "0.00", "paid", PEN);
    assert_parked(&result, "bad_amount", "order.total_price");
    result = variant(*state, "20.00", "0.00", "paid", "{\"id\": 1, \"quantity\": -1}");
    assert_parked(&result, "bad_quantity", "line_items[0].quantity");
    result = variant(*state, "20.00", "0.00", "paid",
                     "{\"id\": 1, \"quantity\": 1000000, \"price\": \"999999999999\"}");
    assert_parked(&result, "amount_too_large", "overflow");
    result = variant(*state, "20.00", "0.00", "paid", "");
    assert_parked(&result, "no_lines", "no lines");
    result = decode_text(&adapter_shopify, *state, "orders/create",
                         "{\"id\": 1, \"currency\": \"ABC\", \"total_price\": \"1\", "
                         "\"line_items\": [" PEN "]}");
    assert_parked(&result, "unknown_currency", "ISO 4217");
    result = decode_text(&adapter_shopify, *state, "orders/create", "{\"id\": ");
    assert_parked(&result, "bad_json", "at byte 7");
    result = decode_text(&adapter_shopify, *state, "orders/create", "[1, 2]");
    assert_parked(&result, "not_an_order", "a list of 2");
    result = decode_text(&adapter_shopify, *state, "orders/create", "17");
    assert_parked(&result, "not_an_order", "a single value");
}

static void too_many_lines_are_parked(void **state)
{
    struct arena *arena = *state;
    char *lines = arena_alloc(arena, 501 * sizeof(PEN) + 1);
    for (size_t i = 0; i < 501; i++)
        strcat(strcat(lines, i == 0 ? "" : ","), PEN);
    struct adapter_result result = variant(arena, "20.00", "0.00", "paid", lines);
    assert_parked(&result, "too_many", "more than 500 lines");
}

static void topics_that_bring_no_order_are_parked_with_a_sentence(void **state)
{
    static const char *const topics[] = {"orders/edited",    "orders/delete",    "refunds/create",
                                         "app/uninstalled",  "customers/redact", "shop/redact",
                                         "orders/fulfilled", "products/update",  ""};
    for (size_t i = 0; i < sizeof(topics) / sizeof(topics[0]); i++) {
        struct adapter_result result =
            decode_text(&adapter_shopify, *state, topics[i], "{\"id\": 1}");
        assert_parked(&result, "unsupported_topic", " ");
    }
    struct adapter_result result =
        decode_text(&adapter_shopify, *state, "customers/redact", "{\"id\": 1, \"test\": true}");
    assert_int_equal(result.verdict, ADAPTER_IGNORED);
}

static void ids_beyond_double_precision_keep_their_digits(void **state)
{
    struct adapter_result result =
        decode_text(&adapter_shopify, *state, "orders/create",
                    "{\"id\": 820982911946154508, \"currency\": \"JPY\", \"total_price\": 23600, "
                    "\"line_items\": [{\"id\": 487817672276298554, \"quantity\": 1, "
                    "\"price\": 23600}]}");
    const PlacedOrder *order = assert_order(&result, "23600", "JPY");
    assert_string_equal(result.import->external_id, "820982911946154508");
    assert_string_equal(order->lines[0]->external_id, "487817672276298554");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(samples_marked_as_a_test_are_ignored_and_still_add_up_to_the_cent),
        TEST(a_list_is_parked_and_each_order_of_it_adds_up),
        TEST(an_order_whose_lines_are_not_all_there_is_parked_with_the_figures),
        TEST(what_is_no_order_is_parked_and_says_what_is_missing),
        TEST(a_code_shared_out_over_lines_is_their_discount),
        TEST(taiwan_dollars_have_no_decimals_and_cash_on_delivery_is_pending),
        TEST(yen_with_free_shipping_and_a_gift_card),
        TEST(a_sale_over_the_counter_has_no_customer_and_no_address),
        TEST(what_was_taken_back_stays_in_the_order_as_cancelled),
        TEST(an_order_with_lines_added_since_is_read_as_it_is_now),
        TEST(tips_duties_and_fees_are_charges),
        TEST(transactions_are_entries_of_their_own),
        TEST(a_tip_that_is_a_line_is_not_counted_twice),
        TEST(each_financial_status_becomes_an_entry),
        TEST(an_order_of_nothing_has_no_payment),
        TEST(bad_figures_are_parked_by_name),
        TEST(too_many_lines_are_parked),
        TEST(topics_that_bring_no_order_are_parked_with_a_sentence),
        TEST(ids_beyond_double_precision_keep_their_digits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
