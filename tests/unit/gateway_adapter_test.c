#include "gateway_channels.h"

#include <strings.h>

#include "services/gateway/adapter_draft.h"
#include "services/gateway/adapter_read.h"

/* ---- a hook's request ---- */

#define MAX_HEADERS 8
struct hook {
    struct channel channel;
    struct hook_request request;
    const char *names[MAX_HEADERS], *values[MAX_HEADERS];
    size_t count;
};

static const char *find_header(void *context, const char *name)
{
    const struct hook *hook = context;
    for (size_t i = 0; i < hook->count; i++) {
        if (strcasecmp(hook->names[i], name) == 0)
            return hook->values[i];
    }
    return NULL;
}

static void open_hook(struct hook *hook, const char *type, const char *secret, const char *body)
{
    *hook = (struct hook){.channel = {.name = "shop",
                                      .type = type,
                                      .is_active = true,
                                      .secret = (const uint8_t *)secret,
                                      .secret_bytes = strlen(secret)}};
    hook->request = (struct hook_request){.channel = &hook->channel,
                                          .body = (const uint8_t *)body,
                                          .body_bytes = strlen(body),
                                          .header = find_header,
                                          .context = hook,
                                          .now_us = 1000};
}

static void set_header(struct hook *hook, const char *name, const char *value)
{
    hook->names[hook->count] = name;
    hook->values[hook->count++] = value;
}

static const char *sign(struct arena *arena, const char *secret, const char *body)
{
    crypto_auth_hmacsha256_state mac;
    uint8_t bytes[crypto_auth_hmacsha256_BYTES];
    crypto_auth_hmacsha256_init(&mac, (const uint8_t *)secret, strlen(secret));
    crypto_auth_hmacsha256_update(&mac, (const uint8_t *)body, strlen(body));
    crypto_auth_hmacsha256_final(&mac, bytes);
    return sodium_bin2base64(arena_alloc(arena, 64), 64, bytes, sizeof(bytes),
                             sodium_base64_VARIANT_ORIGINAL);
}

static enum hook_verdict accept_hook(struct arena *arena, const struct hook *hook,
                                     struct inbox_delivery *delivery)
{
    memset(delivery, 0, sizeof(*delivery));
    return hook_accept(&hook->request, arena, delivery);
}

/* ---- signatures ---- */

static void published_vectors_are_judged_as_published(void **state)
{
    struct arena *arena = *state;
    struct json_error error;
    size_t bytes, seen = 0;
    const char *text = read_file(arena, SAMPLES "signatures/known_answer_vectors.json", &bytes);
    const struct json_value *list = json_parse(text, bytes, JSON_LIMITS_HOOK, arena, &error);
    json_each(vector, list) {
        struct hook hook;
        struct inbox_delivery delivery;
        if (strcmp(json_get_text(vector, "channel"), "shopify") != 0)
            continue;
        open_hook(&hook, "shopify", json_get_text(vector, "key"),
                  json_get_text(vector, "signed_bytes"));
        set_header(&hook, "X-Shopify-Hmac-SHA256", json_get_text(vector, "signature"));
        set_header(&hook, "X-Shopify-Topic", "orders/create");
        bool is_valid = json_is(json_get(vector, "valid"), JSON_KIND_TRUE);
        assert_int_equal(accept_hook(arena, &hook, &delivery),
                         is_valid ? HOOK_STORE : HOOK_UNSIGNED);
        seen++;
    }
    assert_int_equal(seen, 6);
}

static enum hook_verdict judge(struct arena *arena, const char *signature)
{
    struct hook hook;
    struct inbox_delivery delivery;
    open_hook(&hook, "shopify", "s3cret", "{\"id\": 1}");
    set_header(&hook, "X-Shopify-Topic", "orders/create");
    if (signature != NULL)
        set_header(&hook, "X-Shopify-Hmac-Sha256", signature);
    return accept_hook(arena, &hook, &delivery);
}

static void only_the_right_signature_is_accepted(void **state)
{
    struct arena *arena = *state;
    const char *good = sign(arena, "s3cret", "{\"id\": 1}");
    assert_int_equal(judge(arena, good), HOOK_STORE);
    assert_int_equal(judge(arena, arena_printf(arena, "  %s \t", good)), HOOK_STORE);
    assert_int_equal(judge(arena, NULL), HOOK_UNSIGNED);
    assert_int_equal(judge(arena, ""), HOOK_UNSIGNED);
    assert_int_equal(judge(arena, "   "), HOOK_UNSIGNED);
    assert_int_equal(judge(arena, "="), HOOK_UNSIGNED);
    assert_int_equal(judge(arena, sign(arena, "s3cret", "{\"id\": 2}")), HOOK_UNSIGNED);
    assert_int_equal(judge(arena, sign(arena, "other", "{\"id\": 1}")), HOOK_UNSIGNED);
    assert_int_equal(judge(arena, arena_printf(arena, "%s%s", good, good)), HOOK_UNSIGNED);
    assert_int_equal(judge(arena, arena_printf(arena, "%s=", good)), HOOK_UNSIGNED);
    assert_int_equal(judge(arena, arena_strndup(arena, good, 43)), HOOK_UNSIGNED);
    /* Every single wrong character, and 31 bytes of the right 32. */
    for (size_t i = 0; i < strlen(good); i++) {
        char *wrong = arena_strdup(arena, good);
        wrong[i] = wrong[i] == 'A' ? 'B' : 'A';
        assert_int_equal(judge(arena, wrong), HOOK_UNSIGNED);
    }
    assert_int_equal(judge(arena, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=="), HOOK_UNSIGNED);
}

static void the_secret_before_counts_until_its_time_is_over(void **state)
{
    struct arena *arena = *state;
    const char *body = "{\"id\": 1}";
    struct hook hook;
    struct inbox_delivery delivery;
    open_hook(&hook, "shopify", "new", body);
    set_header(&hook, "X-Shopify-Topic", "orders/create");
    set_header(&hook, "X-Shopify-Hmac-Sha256", sign(arena, "old", body));
    assert_int_equal(accept_hook(arena, &hook, &delivery), HOOK_UNSIGNED);
    hook.channel.previous_secret = (const uint8_t *)"old";
    hook.channel.previous_secret_bytes = 3;
    hook.channel.previous_secret_until_us = 1001;
    assert_int_equal(accept_hook(arena, &hook, &delivery), HOOK_STORE);
    hook.request.now_us = 1001;
    assert_int_equal(accept_hook(arena, &hook, &delivery), HOOK_UNSIGNED);
    hook.values[1] = sign(arena, "new", body);
    assert_int_equal(accept_hook(arena, &hook, &delivery), HOOK_STORE);
}

static void a_channel_without_a_secret_or_an_adapter_takes_nothing(void **state)
{
    struct arena *arena = *state;
    struct hook hook;
    struct inbox_delivery delivery;
    open_hook(&hook, "shopify", "", "{}");
    set_header(&hook, "X-Shopify-Topic", "orders/create");
    set_header(&hook, "X-Shopify-Hmac-Sha256", sign(arena, "", "{}"));
    assert_int_equal(accept_hook(arena, &hook, &delivery), HOOK_UNSIGNED);
    open_hook(&hook, "api", "s", "{}");
    set_header(&hook, "X-Shopify-Hmac-Sha256", sign(arena, "s", "{}"));
    assert_int_equal(accept_hook(arena, &hook, &delivery), HOOK_UNSIGNED);
    assert_true(hook_knows_type("shopify"));
    assert_true(hook_knows_type("woocommerce"));
    assert_false(hook_knows_type("api"));
}

/* ---- what a delivery is ---- */

static void shopify_events_are_told_apart_by_event_then_delivery_then_body(void **state)
{
    struct arena *arena = *state;
    const char *body = "{\"id\": 450789469, \"line_items\": []}";
    struct hook hook;
    struct inbox_delivery delivery;
    open_hook(&hook, "shopify", "s", body);
    set_header(&hook, "x-shopify-hmac-sha256", sign(arena, "s", body));
    assert_int_equal(accept_hook(arena, &hook, &delivery), HOOK_MALFORMED);
    set_header(&hook, "X-Shopify-Topic", "orders/paid");
    assert_int_equal(accept_hook(arena, &hook, &delivery), HOOK_STORE);
    assert_int_equal(strlen(delivery.event_identity), 64);
    assert_string_equal(delivery.external_id, "450789469");
    assert_string_equal(delivery.topic, "orders/paid");
    assert_int_equal(delivery.triggered_at_ns, 0);
    set_header(&hook, "X-Shopify-Webhook-Id", "b1-delivery");
    set_header(&hook, "X-Shopify-Triggered-At", "2024-01-09T16:08:46.395212977Z");
    set_header(&hook, "X-Shopify-Shop-Domain", "tea.myshopify.example");
    set_header(&hook, "X-Shopify-Test", "true");
    accept_hook(arena, &hook, &delivery);
    assert_string_equal(delivery.event_identity, "b1-delivery");
    assert_true(delivery.triggered_at_ns == INT64_C(1704816526395212977));
    assert_true(delivery.triggered_at_us == INT64_C(1704816526395212));
    assert_string_equal(delivery.source, "tea.myshopify.example");
    assert_true(delivery.is_test);
    set_header(&hook, "X-Shopify-Event-Id", "a1-event");
    accept_hook(arena, &hook, &delivery);
    assert_string_equal(delivery.event_identity, "a1-event");
}

static void the_names_without_prefix_do_too(void **state)
{
    struct arena *arena = *state;
    struct hook hook;
    struct inbox_delivery delivery;
    open_hook(&hook, "shopify", "s", "not json");
    set_header(&hook, "Shopify-Hmac-Sha256", sign(arena, "s", "not json"));
    set_header(&hook, "Shopify-Topic", "orders/create");
    set_header(&hook, "Shopify-Webhook-Id", "w-2");
    assert_int_equal(accept_hook(arena, &hook, &delivery), HOOK_STORE);
    assert_string_equal(delivery.event_identity, "w-2");
    assert_string_equal(delivery.external_id, "");
    hook.values[1] = "orders/cr\xe9"
                     "ate";
    assert_int_equal(accept_hook(arena, &hook, &delivery), HOOK_MALFORMED);
}

static void woocommerce_orders_of_one_second_are_told_apart(void **state)
{
    struct arena *arena = *state;
    static const char *const bodies[] = {
        "{\"id\": 7, \"date_modified_gmt\": \"2026-04-01T01:00:05\"}",
        "{\"id\": 8, \"date_modified_gmt\": \"2026-04-01T01:00:05\"}"};
    const char *identities[2];
    for (size_t i = 0; i < 2; i++) {
        struct hook hook;
        struct inbox_delivery delivery;
        open_hook(&hook, "woocommerce", "s", bodies[i]);
        set_header(&hook, "X-WC-Webhook-Signature", sign(arena, "s", bodies[i]));
        set_header(&hook, "X-WC-Webhook-Topic", "order.updated");
        set_header(&hook, "X-WC-Webhook-Source", "https://tea.example/");
        set_header(&hook, "X-WC-Webhook-Delivery-ID", "the-same");
        assert_int_equal(accept_hook(arena, &hook, &delivery), HOOK_STORE);
        identities[i] = delivery.event_identity;
    }
    assert_string_not_equal(identities[0], identities[1]);
    assert_memory_equal(identities[0], "https://tea.example/|7|2026-04-01T01:00:05|", 43);
}

static void only_an_unsigned_ping_is_a_ping(void **state)
{
    static const struct {
        const char *body, *signature;
        enum hook_verdict verdict;
    } cases[] = {
        {"webhook_id=12", NULL, HOOK_PING},
        {"webhook_id=", NULL, HOOK_UNSIGNED},
        {"webhook_id=12&x=1", NULL, HOOK_UNSIGNED},
        {"webhook_id=123456789012345678901", NULL, HOOK_UNSIGNED},
        {"webhook_id=12", "", HOOK_UNSIGNED},
        {"{\"id\": 1}", "", HOOK_UNSIGNED},
        {"{\"id\": 1}", NULL, HOOK_UNSIGNED},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct hook hook;
        struct inbox_delivery delivery;
        open_hook(&hook, "woocommerce", "s", cases[i].body);
        if (cases[i].signature != NULL)
            set_header(&hook, "X-WC-Webhook-Signature", cases[i].signature);
        assert_int_equal(accept_hook(*state, &hook, &delivery), cases[i].verdict);
    }
}

/* ---- reading ---- */

static void amounts_are_read_from_their_text(void **state)
{
    static const struct {
        const char *text, *currency;
        int64_t e4;
        bool is_good;
    } cases[] = {
        {"120.00", "HKD", 120000000, true},
        {"120", "HKD", 120000000, true},
        {"-3.5", "HKD", -3500000, true},
        {"0.1", "HKD", 100000, true},
        {"10.799999", "HKD", 10799999, true},
        {"10.79999990", "HKD", 0, false},
        {"10.7999990", "HKD", 10799999, true},
        {"23600", "JPY", 236000000, true},
        {"571.43", "TWD", 5714300, true},
        {"1.234", "KWD", 12340000, true},
        {"1000000000000.00", "HKD", INT64_C(1000000000000000000), true},
        {"1000000000000.01", "HKD", 0, false},
        {"100000000000000", "JPY", INT64_C(1000000000000000000), true},
        {"99999999999999999999999", "JPY", 0, false},
        {"12.", "HKD", 0, false},
        {".5", "HKD", 0, false},
        {"1e2", "HKD", 0, false},
        {"1,000", "HKD", 0, false},
        {" 1", "HKD", 0, false},
        {"", "HKD", 0, false},
        {"-", "HKD", 0, false},
        {"--1", "HKD", 0, false},
        {"12.50", "XXX", 0, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t e4 = 0;
        bool is_good = read_amount_e4(cases[i].text, cases[i].currency, &e4);
        if (is_good != cases[i].is_good || (is_good && e4 != cases[i].e4))
            fail_msg("%s %s", cases[i].text, cases[i].currency);
    }
    assert_int_equal(read_nearest_minor(14999), 1);
    assert_int_equal(read_nearest_minor(15000), 2);
    assert_int_equal(read_nearest_minor(-15000), -2);
}

static void quantities_and_rates_are_read_from_their_text(void **state)
{
    int64_t quantity;
    (void)state;
    assert_int_equal(read_quantity("3", &quantity), READ_QUANTITY_OK);
    assert_int_equal(read_quantity("3.00", &quantity), READ_QUANTITY_OK);
    assert_int_equal(quantity, 3);
    assert_int_equal(read_quantity("1.5", &quantity), READ_QUANTITY_FRACTION);
    assert_int_equal(read_quantity("1000000", &quantity), READ_QUANTITY_OK);
    static const char *const bad[] = {"1000001", "-1", "", "x", "1.", "1.5x", "1e3", NULL};
    for (size_t i = 0; bad[i] != NULL; i++)
        assert_int_equal(read_quantity(bad[i], &quantity), READ_QUANTITY_BAD);
    assert_int_equal(read_quantity(NULL, &quantity), READ_QUANTITY_BAD);
    assert_int_equal(read_rate_ppm("0.08875", false), 88750);
    assert_int_equal(read_rate_ppm("0.0000001", false), 0);
    assert_int_equal(read_rate_ppm("7.5", true), 75000);
    assert_int_equal(read_rate_ppm("5", true), 50000);
    assert_int_equal(read_rate_ppm("1e-2", false), 0);
    assert_int_equal(read_rate_ppm(NULL, false), 0);
}

static void times_are_read_in_every_notation(void **state)
{
    (void)state;
    const int64_t noon = INT64_C(1767268800) * 1000000000; /* 2026-01-01T12:00:00Z */
    assert_true(read_time_ns("2026-01-01T12:00:00Z") == noon);
    assert_true(read_time_ns("2026-01-01T20:00:00+08:00") == noon);
    assert_true(read_time_ns("2026-01-01T12:00:00-00:00") == noon);
    assert_true(read_time_ns("2026-01-01T12:00:00") == noon);
    assert_true(read_time_ns("2026-01-01 12:00:00") == noon);
    assert_true(read_time_ns("2026-01-01T12:00:00.000000007Z") == noon + 7);
    assert_true(read_time_ns("2026-01-01T12:00:00.5") == noon + 500000000);
    static const char *const bad[] = {
        "",          "2026-01-01",           "2026-02-30T12:00:00Z",
        "yesterday", "2026-01-01T12:00:00+", "2026-01-01T12:00:00 HKT",
        NULL};
    for (size_t i = 0; bad[i] != NULL; i++)
        assert_true(read_time_ns(bad[i]) == 0);
    assert_true(read_time_ns(NULL) == 0);
}

static void names_and_words_are_cleaned(void **state)
{
    struct arena *arena = *state;
    assert_string_equal(read_person(arena, "大文", "陳"), "陳大文");
    assert_string_equal(read_person(arena, "Bob", "Norman"), "Bob Norman");
    assert_string_equal(read_person(arena, " Bob ", NULL), "Bob");
    assert_string_equal(read_person(arena, NULL, NULL), "");
    assert_string_equal(read_text(arena, " a\r\nb\tc ", 100, false), "a  b c");
    assert_string_equal(read_text(arena, " a\nb ", 100, true), "a\nb");
    assert_string_equal(read_text(arena, "純棉", 5, false), "純");
    assert_string_equal(read_html_text(arena, "a &amp; b &#8211; &#x4E2D; &bogus; &", 100),
                        "a & b – 中 &bogus; &");
    assert_string_equal(read_html_text(arena, "&#0;&#xD800;&#99999999999;", 100),
                        "&#0;&#xD800;&#99999999999;");
    assert_string_equal(read_locale(arena, "zh_TW", NULL), "zh-Hant");
    assert_string_equal(read_locale(arena, "zh-Hant-HK", NULL), "zh-Hant");
    assert_string_equal(read_locale(arena, "zh-CN", "HK"), "zh-Hans");
    assert_string_equal(read_locale(arena, "en-GB", "HK"), "en");
    assert_string_equal(read_locale(arena, "", "TW"), "zh-Hant");
    assert_string_equal(read_locale(arena, "x", "HK"), "zh-Hant");
    assert_string_equal(read_locale(arena, NULL, "US"), "en");
    assert_string_equal(read_method(arena, "Cash on Delivery (COD)"), "cash_on_delivery");
    assert_string_equal(read_method(arena, "貨到付款"), "cash_on_delivery");
    assert_string_equal(read_method(arena, "Apple Pay 2"), "apple_pay_2");
    assert_string_equal(read_method(arena, NULL), "unknown");
}

/* ---- the balance ---- */

static const struct adapter_input some_input = {
    .channel = "shop", .topic = "t", .delivery_id = "d", .body_hash = "h"};

static void open_draft(struct draft *draft, struct arena *arena, int64_t unit_minor)
{
    struct draft_line line = {.sku = arena_strdup(arena, "A"),
                              .name = arena_strdup(arena, "A"),
                              .external_id = arena_strdup(arena, "1"),
                              .quantity = 1,
                              .unit_minor = unit_minor};
    assert_true(draft_open(draft, arena, &some_input, "1", "HKD"));
    assert_true(draft_add_line(draft, &line));
}

static void the_choice_nearest_to_the_usual_balances(void **state)
{
    struct arena *arena = *state;
    struct draft draft;
    struct draft_options options = {.count = 0};
    char tip[] = "tip", duties[] = "duties", odd[] = "odd";
    draft_offer(&options, (struct draft_option){DRAFT_CHARGE, NULL, tip, 300, true});
    draft_offer(&options, (struct draft_option){DRAFT_CHARGE, NULL, duties, 200, true});
    draft_offer(&options, (struct draft_option){DRAFT_CHARGE, NULL, odd, 0, true});
    assert_int_equal(options.count, 2);
    static const struct {
        int64_t stated;
        size_t charges;
        bool is_good;
    } cases[] = {
        {1500, 2, true}, {1300, 1, true}, {1200, 1, true}, {1000, 0, true}, {1100, 0, false}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        open_draft(&draft, arena, 1000);
        assert_int_equal(draft_balance(&draft, cases[i].stated, &options, 0, ""), cases[i].is_good);
        if (cases[i].is_good)
            assert_int_equal(draft.order->n_charges, cases[i].charges);
        else
            assert_string_equal(draft.code, "total_mismatch");
    }
}

/* Random parts, each in or out of the total: whatever the channel meant, the order sums to it. */
static void any_choice_of_parts_is_found_again(void **state)
{
    struct arena *arena = *state;
    srand(7);
    for (int round = 0; round < 300; round++) {
        struct draft draft;
        struct draft_options options = {.count = 0};
        char title[] = "part";
        int64_t stated = 1000000;
        open_draft(&draft, arena, stated);
        for (int i = 0; i < 7; i++) {
            int64_t minor = 1 + rand() % 5000;
            enum draft_kind kind = (enum draft_kind)(rand() % 3);
            draft_offer(&options,
                        (struct draft_option){kind, title, title, minor, rand() % 2 == 0});
            if (rand() % 2 == 0)
                stated += kind == DRAFT_DISCOUNT ? -minor : minor;
        }
        assert_true(draft_balance(&draft, stated, &options, 0, ""));
        assert_int_equal(sum_of_parts(draft.import), stated);
    }
}

static void line_taxes_without_a_tax_line_are_left_out(void **state)
{
    struct arena *arena = *state;
    struct draft draft;
    struct draft_options options = {.count = 0};
    open_draft(&draft, arena, 1000);
    struct draft_line line = {.sku = arena_strdup(arena, "B"),
                              .name = arena_strdup(arena, "B"),
                              .external_id = arena_strdup(arena, "2"),
                              .quantity = 1,
                              .unit_minor = 100,
                              .tax_minor = 5};
    assert_true(draft_add_line(&draft, &line));
    assert_true(draft_balance(&draft, 1100, &options, 0, ""));
    assert_null(draft.order->lines[1]->tax);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(published_vectors_are_judged_as_published),
        TEST(only_the_right_signature_is_accepted),
        TEST(the_secret_before_counts_until_its_time_is_over),
        TEST(a_channel_without_a_secret_or_an_adapter_takes_nothing),
        TEST(shopify_events_are_told_apart_by_event_then_delivery_then_body),
        TEST(the_names_without_prefix_do_too),
        TEST(woocommerce_orders_of_one_second_are_told_apart),
        TEST(only_an_unsigned_ping_is_a_ping),
        TEST(amounts_are_read_from_their_text),
        TEST(quantities_and_rates_are_read_from_their_text),
        TEST(times_are_read_in_every_notation),
        TEST(names_and_words_are_cleaned),
        TEST(the_choice_nearest_to_the_usual_balances),
        TEST(any_choice_of_parts_is_found_again),
        TEST(line_taxes_without_a_tax_line_are_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
