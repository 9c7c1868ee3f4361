/* The customer's pages without HTTP: forms, languages, templates. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "services/gateway/customer_internal.h"
#include "services/gateway/form.h"
#include "services/gateway/rate.h"

static struct arena *arena;
static struct form form;

static int open_arena(void **unused)
{
    (void)unused;
    arena = arena_open((size_t)16 << 20);
    return 0;
}

static int close_arena(void **unused)
{
    (void)unused;
    arena_close(&arena);
    return 0;
}

static bool reads(const char *body)
{
    return form_read(body, strlen(body), arena, &form);
}

static void a_form_is_read_as_browsers_send_it(void **unused)
{
    (void)unused;
    assert_true(reads("body=%E5%A5%BD%0D%0A1+%2B+1&nonce=a-b&empty="));
    assert_int_equal(form.count, 3);
    assert_string_equal(form_value(&form, "body"), "好\n1 + 1");
    assert_string_equal(form_value(&form, "nonce"), "a-b");
    assert_string_equal(form_value(&form, "empty"), "");
    assert_string_equal(form_value(&form, "other"), "");
    assert_true(reads(""));
    assert_int_equal(form.count, 0);
    assert_true(reads("a=1%0D2%0D%0A3"));
    assert_string_equal(form_value(&form, "a"), "1\n2\n3");
}

static void what_no_browser_sends_is_no_form(void **unused)
{
    (void)unused;
    static const char *const wrong[] = {"a",        "a=%",     "a=%4", "a=%zz", "a=%00",    "a=%FF",
                                        "a=%C0%80", "a=1&a=2", "=1&x", "a=%1B", "{\"a\":1}"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_false(reads(wrong[i]));
    char many[200] = "";
    for (int i = 0; i < FORM_MAX_FIELDS + 1; i++)
        strcat(many, i == 0 ? "a0=1" : (char[]){'&', 'b', (char)('a' + i), '=', '1', '\0'});
    assert_false(reads(many));
}

static void the_language_is_the_best_that_a_browser_accepts(void **unused)
{
    (void)unused;
    static const struct {
        const char *accepts;
        enum language language;
    } cases[] = {
        {"zh-TW,zh;q=0.9,en;q=0.8", LANGUAGE_ZH_HANT},
        {"en-GB,en;q=0.9,zh;q=0.8", LANGUAGE_EN},
        {"fr, zh;q=0.2, en;q=0.3", LANGUAGE_EN},
        {"zh;q=0.05,en;q=0.1", LANGUAGE_EN},
        {"en;q=0, zh;q=0.001", LANGUAGE_ZH_HANT},
        {"fr", LANGUAGE_ZH_HANT},
        {"*", LANGUAGE_ZH_HANT},
        {"", LANGUAGE_ZH_HANT},
        {NULL, LANGUAGE_ZH_HANT},
        {",,;q=,en;q=1", LANGUAGE_EN},
        {"a-very-long-tag-that-is-longer-than-any-that-there-is-of-a-language", LANGUAGE_ZH_HANT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(words_accepted(cases[i].accepts, LANGUAGE_ZH_HANT), cases[i].language);
}

static void every_text_and_every_status_is_there_in_both_languages(void **unused)
{
    (void)unused;
    struct view_value chinese[WORDS_ROOM], english[WORDS_ROOM];
    size_t count = words_values(LANGUAGE_ZH_HANT, chinese);
    assert_int_equal(words_values(LANGUAGE_EN, english), count);
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(chinese[i].name, english[i].name);
        assert_true(chinese[i].text[0] != '\0' && english[i].text[0] != '\0');
        assert_string_not_equal(chinese[i].text, english[i].text);
    }
    for (int status = 1; status <= 7; status++)
        assert_true(words_order_status(LANGUAGE_EN, status).text[0] != '\0');
    for (int status = 1; status <= 9; status++)
        assert_true(words_payment_status(LANGUAGE_ZH_HANT, status).text[0] != '\0');
    for (int status = 1; status <= 6; status++)
        assert_true(words_fulfillment_status(LANGUAGE_ZH_HANT, status).text[0] != '\0');
    for (int status = 1; status <= 13; status++)
        assert_true(words_parcel_status(LANGUAGE_ZH_HANT, status).text[0] != '\0');
    assert_string_equal(words_parcel_status(LANGUAGE_EN, 14).text, ""); /* voided: not shown */
}

static void the_templates_fit_the_fields_that_there_are(void **unused)
{
    (void)unused;
    const struct gateway_conf conf = {.shop_name = (char[]){"山海"},
                                      .shop_time_zone = (char[]){"Asia/Taipei"},
                                      .shop_languages = (char[]){"en,zh-Hant"}};
    struct customer_pages *pages;
    assert_int_equal(customer_pages_open(&conf, &pages), STATUS_OK);
    assert_int_equal(pages->fallback, LANGUAGE_EN);
    customer_pages_close(&pages);
    assert_null(pages);
}

static void a_slow_bucket_fills_by_the_hour(void **unused)
{
    (void)unused;
    struct rate *rate = rate_open_slow(60, 3600, 2);
    int64_t wait_ms = 0;
    assert_true(rate_take(rate, "a", 1, 1, &wait_ms));
    assert_true(rate_take(rate, "a", 1, 1, &wait_ms));
    assert_false(rate_take(rate, "a", 1, 1, &wait_ms));
    assert_in_range(wait_ms, 59000, 61000);
    assert_true(rate_take(rate, "b", 1, 1, &wait_ms));
    assert_false(rate_take(rate, "a", 1, 59000000, &wait_ms));
    assert_true(rate_take(rate, "a", 1, 60000001, &wait_ms));
    rate_close(&rate);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_form_is_read_as_browsers_send_it),
        cmocka_unit_test(what_no_browser_sends_is_no_form),
        cmocka_unit_test(the_language_is_the_best_that_a_browser_accepts),
        cmocka_unit_test(every_text_and_every_status_is_there_in_both_languages),
        cmocka_unit_test(the_templates_fit_the_fields_that_there_are),
        cmocka_unit_test(a_slow_bucket_fills_by_the_hour),
    };
    return cmocka_run_group_tests(tests, open_arena, close_arena);
}
