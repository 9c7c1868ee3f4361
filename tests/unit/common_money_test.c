/* Amounts: what is read, what is written, and that parts always sum to the whole. */
#include "common/money.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* Small, large and extreme numbers alike, of either sign. */
static int64_t random_amount(uint64_t *state, int64_t limit)
{
    uint64_t shape = next_random(state) % 8;
    int64_t magnitude = (int64_t)(next_random(state) % ((uint64_t)limit + 1));
    if (shape < 2)
        magnitude %= 100;
    else if (shape == 2)
        magnitude = limit - magnitude % 3;
    return next_random(state) & 1 ? magnitude : -magnitude;
}

static void an_amount_is_read_in_minor_units(void **unused)
{
    (void)unused;
    static const struct {
        const char *text, *currency;
        int64_t minor;
    } cases[] = {
        {"120.00", "HKD", 12000},
        {"12.5", "HKD", 1250},
        {"12", "HKD", 1200},
        {"689", "TWD", 689},
        {"600.00", "TWD", 600},
        {"600.000", "USD", 60000},
        {"0", "USD", 0},
        {"-0.01", "USD", -1},
        {"-0", "USD", 0},
        {"1.234", "KWD", 1234},
        {"0.0001", "CLF", 1},
        {"007.10", "EUR", 710},
        {"1000000000000000", "JPY", MONEY_MAX_MINOR},
        {"-10000000000000.00", "EUR", -MONEY_MAX_MINOR},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct money money;
        assert_true(money_parse(cases[i].text, cases[i].currency, &money));
        assert_int_equal(money.minor, cases[i].minor);
        assert_string_equal(money.currency, cases[i].currency);
    }
}

static void what_is_not_an_amount_is_refused(void **unused)
{
    (void)unused;
    static const char *const texts[] = {
        "",
        " ",
        "1 ",
        " 1",
        "+1",
        "-",
        "--1",
        ".5",
        "5.",
        "1e3",
        "1E3",
        "1,000",
        "0x10",
        "1.2.3",
        "1.2a",
        "NaN",
        "inf",
        "12.345",
        "1_0",
        "1.-2",
        "\xef\xbc\x91",
        "10000000000000.01",
        "99999999999999999999999999999999",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct money money = {7, "XXX"};
        assert_false(money_parse(texts[i], "HKD", &money));
        assert_int_equal(money.minor, 7);
    }
    struct money money;
    assert_false(money_parse(NULL, "HKD", &money));
    assert_false(money_parse("1", "hkd", &money));
    assert_false(money_parse("1", "HK", &money));
    assert_false(money_parse("1", "D E", &money));
    assert_false(money_parse("1", "", &money));
    assert_false(money_parse("1", NULL, &money));
    assert_false(money_parse("600.01", "TWD", &money));
}

static void currencies_have_their_own_number_of_decimals(void **unused)
{
    (void)unused;
    assert_int_equal(money_exponent("TWD"), 0);
    assert_int_equal(money_exponent("JPY"), 0);
    assert_int_equal(money_exponent("HKD"), 2);
    assert_int_equal(money_exponent("KWD"), 3);
    assert_int_equal(money_exponent("CLF"), 4);
    assert_int_equal(money_exponent("ABC"), -1);
    assert_int_equal(money_exponent("USDX"), -1);
    /* Each is found, and no other. */
    int found = 0;
    for (char a = 'A'; a <= 'Z'; a++)
        for (char b = 'A'; b <= 'Z'; b++)
            for (char c = 'A'; c <= 'Z'; c++)
                found += money_exponent((char[]){a, b, c, '\0'}) >= 0;
    assert_int_equal(found, 169);
}

static void any_amount_survives_text_and_back(void **unused)
{
    (void)unused;
    static const char currencies[][4] = {"TWD", "HKD", "KWD", "CLF"};
    uint64_t seed = 88172645463325252u;
    for (int i = 0; i < 200000; i++) {
        struct money money = {random_amount(&seed, MONEY_MAX_MINOR), ""};
        memcpy(money.currency, currencies[i % 4], 4);
        char text[MONEY_TEXT_BYTES];
        struct money again;
        assert_true(money_parse(money_text(money, text), money.currency, &again));
        assert_int_equal(again.minor, money.minor);
    }
    char text[MONEY_TEXT_BYTES];
    assert_string_equal(money_text((struct money){-5, "HKD"}, text), "-0.05");
    assert_string_equal(money_text((struct money){1250, "HKD"}, text), "12.50");
    assert_string_equal(money_text((struct money){0, "TWD"}, text), "0");
    assert_string_equal(money_text((struct money){0, "KWD"}, text), "0.000");
    assert_string_equal(money_text((struct money){INT64_MIN, "HKD"}, text),
                        "-92233720368547758.08");
}

static void sums_are_exact_or_refused(void **unused)
{
    (void)unused;
    uint64_t seed = 42;
    struct money sum = {0, "HKD"};
    for (int i = 0; i < 200000; i++) {
        struct money term = {random_amount(&seed, MONEY_MAX_MINOR), "HKD"};
        bool adds = next_random(&seed) & 1;
        int64_t expected = adds ? sum.minor + term.minor : sum.minor - term.minor;
        bool fits = llabs(expected) <= MONEY_MAX_MINOR;
        int64_t before = sum.minor;
        bool done = adds ? money_add(&sum, term) : money_subtract(&sum, term);
        assert_int_equal(done, fits);
        assert_int_equal(sum.minor, fits ? expected : before);
    }
    struct money extreme = {INT64_MAX, "HKD"};
    assert_false(money_add(&extreme, (struct money){1, "HKD"}));
    assert_int_equal(extreme.minor, INT64_MAX);
}

static void two_currencies_do_not_mix(void **unused)
{
    (void)unused;
    struct money sum = {100, "HKD"};
    assert_false(money_add(&sum, (struct money){1, "TWD"}));
    assert_false(money_subtract(&sum, (struct money){1, "TWD"}));
    assert_true(money_add(&sum, (struct money){1, ""}));
    assert_string_equal(sum.currency, "HKD");
    struct money none = {0, ""};
    assert_true(money_add(&none, (struct money){5, "TWD"}));
    assert_string_equal(none.currency, "TWD");
    assert_int_equal(none.minor, 5);
}

static void a_product_is_exact_or_refused(void **unused)
{
    (void)unused;
    struct money out = {3, "EUR"};
    assert_true(money_multiply((struct money){333, "HKD"}, 3, &out));
    assert_int_equal(out.minor, 999);
    assert_string_equal(out.currency, "HKD");
    assert_true(money_multiply((struct money){MONEY_MAX_MINOR, "HKD"}, -1, &out));
    assert_false(money_multiply((struct money){MONEY_MAX_MINOR, "HKD"}, 2, &out));
    assert_false(money_multiply((struct money){2, "HKD"}, INT64_MAX, &out));
    assert_false(money_multiply((struct money){MONEY_MAX_MINOR / 2, "HKD"}, 3, &out));
    assert_int_equal(out.minor, -MONEY_MAX_MINOR);
}

static void check_shares(int64_t total, const int64_t *weights, size_t count)
{
    static int64_t shares[600];
    money_share(total, weights, count, shares);
    __extension__ __int128 weight_sum = 0;
    int64_t sum = 0;
    bool all_zero = true;
    for (size_t i = 0; i < count; i++) {
        sum += shares[i];
        weight_sum += weights[i];
        all_zero = all_zero && weights[i] == 0;
    }
    assert_int_equal(sum, total);
    for (size_t i = 0; i < count && !all_zero; i++) {
        /* Each share is its exact part rounded up or down: |share x sum - total x weight| < sum. */
        __extension__ __int128 error =
            (__int128)shares[i] * weight_sum - (__int128)total * weights[i];
        assert_true(error < weight_sum && -error < weight_sum);
        if (weights[i] == 0)
            assert_int_equal(shares[i], 0);
    }
}

static void shares_sum_to_the_total_and_are_off_by_less_than_one(void **unused)
{
    (void)unused;
    uint64_t seed = 7;
    static int64_t weights[600];
    for (int i = 0; i < 20000; i++) {
        size_t count = 1 + next_random(&seed) % (i % 100 == 0 ? 600 : 40);
        for (size_t k = 0; k < count; k++)
            weights[k] =
                next_random(&seed) % 4 == 0 ? 0 : llabs(random_amount(&seed, MONEY_MAX_MINOR));
        check_shares(random_amount(&seed, MONEY_MAX_MINOR), weights, count);
    }
}

static void ties_go_to_the_lower_index(void **unused)
{
    (void)unused;
    int64_t shares[3];
    money_share(100, (int64_t[]){1, 1, 1}, 3, shares);
    assert_int_equal(shares[0], 34);
    assert_int_equal(shares[1], 33);
    money_share(-100, (int64_t[]){1, 1, 1}, 3, shares);
    assert_int_equal(shares[0], -34);
    assert_int_equal(shares[2], -33);
    money_share(5, (int64_t[]){0, 0, 0}, 3, shares);
    assert_int_equal(shares[0], 2);
    assert_int_equal(shares[1], 2);
    assert_int_equal(shares[2], 1);
    money_share(10, (int64_t[]){1, 2, 4}, 3, shares); /* 1.43, 2.86, 5.71 */
    assert_int_equal(shares[0], 1);
    assert_int_equal(shares[1], 3);
    assert_int_equal(shares[2], 6);
    money_share(10, NULL, 0, NULL);
    money_share(INT64_MAX, (int64_t[]){INT64_MAX, INT64_MAX, INT64_MAX}, 3, shares);
    assert_true(shares[0] == shares[1] + 1 || shares[0] == shares[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_amount_is_read_in_minor_units),
        cmocka_unit_test(what_is_not_an_amount_is_refused),
        cmocka_unit_test(currencies_have_their_own_number_of_decimals),
        cmocka_unit_test(any_amount_survives_text_and_back),
        cmocka_unit_test(sums_are_exact_or_refused),
        cmocka_unit_test(two_currencies_do_not_mix),
        cmocka_unit_test(a_product_is_exact_or_refused),
        cmocka_unit_test(shares_sum_to_the_total_and_are_off_by_less_than_one),
        cmocka_unit_test(ties_go_to_the_lower_index),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
