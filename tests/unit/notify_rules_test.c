/* Who may be written to, in which language, and when a message is tried again. */
#include "common/wording.h"
#include "services/notify/rules.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define MINUTE_US INT64_C(60000000)

static void an_address_is_a_dot_atom_at_a_domain_of_two_labels(void **unused)
{
    (void)unused;
    static const char *const good[] = {
        "tm@example.com",        "a.b+tag@mail.example.co.uk",      "o'neil@example.com",
        "x@xn--fiq228c.example", "!#$%&'*+-/=?^_`{|}~@example.com", "1@2.3"};
    static const char *const bad[] = {
        "",
        "tm",
        "tm@",
        "@example.com",
        "tm@localhost",
        "tm@example.com\r\nRCPT TO:<evil@example.com>",
        "tm@example.com\n",
        "tm\r@example.com",
        " tm@example.com",
        "tm@example.com ",
        "t m@example.com",
        "\"t m\"@example.com",
        "tm@[127.0.0.1]",
        "tm@exam_ple.com",
        "tm@-example.com",
        "tm@example-.com",
        "tm@example..com",
        ".tm@example.com",
        "tm.@example.com",
        "t..m@example.com",
        "tm@example.com.",
        "tm@tm@example.com",
        "<tm@example.com>",
        "tm@example.com,evil@example.com",
        "陳@example.com",
        "tm@例.com",
        "tm(comment)@example.com",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@example.com",
    };
    for (size_t i = 0; i < COUNT(good); i++)
        assert_true(rules_address_is_valid(good[i]));
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_false(rules_address_is_valid(bad[i]));
}

static void the_shop_may_write_from_a_domain_of_one_label(void **unused)
{
    (void)unused;
    assert_true(rules_sender_is_valid("shop@localhost"));
    assert_false(rules_sender_is_valid("shop@"));
    assert_false(rules_sender_is_valid("shop@local\r\nhost"));
}

static void an_address_of_more_than_254_bytes_is_none(void **unused)
{
    (void)unused;
    char address[400];
    size_t n = (size_t)snprintf(address, sizeof(address), "tm@");
    while (n < 300)
        n += (size_t)snprintf(address + n, sizeof(address) - n, "label.");
    snprintf(address + n, sizeof(address) - n, "com");
    assert_false(rules_address_is_valid(address));
}

static void a_masked_address_shows_one_letter_and_the_domain(void **unused)
{
    (void)unused;
    char buffer[64];
    assert_string_equal(rules_mask_address("tm@example.com", buffer, sizeof(buffer)),
                        "t***@example.com");
    assert_string_equal(rules_mask_address("", buffer, sizeof(buffer)), "");
    assert_string_equal(rules_mask_address("@example.com", buffer, sizeof(buffer)), "");
    assert_string_equal(rules_mask_address("tm@example.com", buffer, 10), "");
}

static void a_customer_is_served_in_the_nearest_language(void **unused)
{
    (void)unused;
    static const struct {
        const char *locale;
        enum language language;
    } cases[] = {
        {"zh-Hant", LANGUAGE_ZH_HANT}, {"zh-TW", LANGUAGE_ZH_HANT},   {"zh_HK", LANGUAGE_ZH_HANT},
        {"ZH", LANGUAGE_ZH_HANT},      {"zh-Hans", LANGUAGE_ZH_HANT}, {"en", LANGUAGE_EN},
        {"en-GB", LANGUAGE_EN},        {"EN_us", LANGUAGE_EN},        {"ja", LANGUAGE_COUNT},
        {"", LANGUAGE_COUNT},          {"english", LANGUAGE_COUNT},   {"-", LANGUAGE_COUNT}};
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_int_equal(wording_language(cases[i].locale, LANGUAGE_COUNT), cases[i].language);
    enum language language;
    assert_true(wording_language_parse("en", &language));
    assert_false(wording_language_parse("en-GB", &language));
}

static void a_message_has_one_id_and_lies_among_its_orders_messages(void **unused)
{
    (void)unused;
    struct uuid order = uuid_new(), other = uuid_new(), parcel = uuid_new();
    struct uuid id = rules_message_id(&order, MESSAGE_SHIPMENT, &parcel);
    struct uuid again = rules_message_id(&order, MESSAGE_SHIPMENT, &parcel);
    struct uuid refund = rules_message_id(&order, MESSAGE_REFUND, &parcel);
    struct uuid elsewhere = rules_message_id(&other, MESSAGE_SHIPMENT, &parcel);
    assert_true(uuid_equal(&id, &again));
    assert_false(uuid_equal(&id, &refund));
    assert_false(uuid_equal(&id, &elsewhere));
    struct uuid first, last;
    rules_message_id_range(&order, &first, &last);
    assert_true(uuid_compare(&first, &id) <= 0 && uuid_compare(&id, &last) <= 0);
    assert_true(uuid_compare(&first, &refund) <= 0 && uuid_compare(&refund, &last) <= 0);
    assert_int_equal(id.bytes[6] >> 4, 7);
    assert_int_equal(id.bytes[8] >> 6, 2);
}

static void a_reply_code_decides_unless_there_is_none(void **unused)
{
    (void)unused;
    assert_int_equal(rules_smtp_outcome(250, true), OUTCOME_SENT);
    assert_int_equal(rules_smtp_outcome(421, false), OUTCOME_TEMPORARY);
    assert_int_equal(rules_smtp_outcome(450, true), OUTCOME_TEMPORARY);
    assert_int_equal(rules_smtp_outcome(550, false), OUTCOME_PERMANENT);
    assert_int_equal(rules_smtp_outcome(554, true), OUTCOME_PERMANENT);
    assert_int_equal(rules_smtp_outcome(0, false), OUTCOME_TEMPORARY);
    assert_int_equal(rules_smtp_outcome(0, true), OUTCOME_AMBIGUOUS);
    assert_int_equal(rules_smtp_outcome(354, true), OUTCOME_AMBIGUOUS);
}

static void a_retry_comes_after_a_minute_doubling_to_four_hours_for_five_days(void **unused)
{
    (void)unused;
    for (int many = 0; many < 50; many++) {
        struct uuid id = uuid_new();
        int64_t start_us = INT64_C(1800000000) * 1000000, now_us = start_us;
        struct message_history history = {0, 0, start_us};
        int64_t expected_us = MINUTE_US;
        for (;;) {
            struct attempt_decision next =
                rules_after_attempt(&id, history, OUTCOME_TEMPORARY, now_us);
            assert_int_equal(next.attempts_more, 1);
            assert_int_equal(next.ambiguous_more, 0);
            if (next.state == MESSAGE_FAILED) {
                assert_true(next.has_run_out);
                break;
            }
            int64_t delay_us = next.next_attempt_at_us - now_us;
            assert_true(delay_us >= expected_us * 8 / 10 && delay_us <= expected_us * 12 / 10);
            assert_true(next.next_attempt_at_us <= start_us + RULES_RETRY_FOR_US);
            now_us = next.next_attempt_at_us;
            history.attempts++;
            expected_us =
                expected_us * 2 < RULES_RETRY_LONGEST_US ? expected_us * 2 : RULES_RETRY_LONGEST_US;
        }
        assert_true(history.attempts > 30 && history.attempts < 60);
        assert_true(now_us > start_us + RULES_RETRY_FOR_US * 9 / 10);
    }
}

static void mails_that_failed_together_do_not_come_back_together(void **unused)
{
    (void)unused;
    struct message_history history = {0, 0, 0};
    int64_t earliest = INT64_MAX, latest = 0;
    for (int i = 0; i < 1000; i++) {
        struct uuid id = uuid_new();
        int64_t at = rules_after_attempt(&id, history, OUTCOME_TEMPORARY, 0).next_attempt_at_us;
        earliest = at < earliest ? at : earliest;
        latest = at > latest ? at : latest;
    }
    assert_true(earliest < MINUTE_US * 82 / 100);
    assert_true(latest > MINUTE_US * 118 / 100);
}

static void each_outcome_has_its_state(void **unused)
{
    (void)unused;
    struct uuid id = uuid_new();
    struct message_history history = {3, 1, 0};
    static const struct {
        enum mail_outcome outcome;
        enum message_state state;
        int attempts, ambiguous;
    } cases[] = {
        {OUTCOME_SENT, MESSAGE_SENT, 1, 0},
        {OUTCOME_TEMPORARY, MESSAGE_QUEUED, 1, 0},
        {OUTCOME_AMBIGUOUS, MESSAGE_QUEUED, 1, 1},
        {OUTCOME_PERMANENT, MESSAGE_FAILED, 1, 0},
        {OUTCOME_SUPPRESSED, MESSAGE_SUPPRESSED, 0, 0},
        {OUTCOME_DEFERRED, MESSAGE_QUEUED, 0, 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct attempt_decision next =
            rules_after_attempt(&id, history, cases[i].outcome, MINUTE_US);
        assert_int_equal(next.state, cases[i].state);
        assert_int_equal(next.attempts_more, cases[i].attempts);
        assert_int_equal(next.ambiguous_more, cases[i].ambiguous);
        assert_int_equal(next.next_attempt_at_us > 0, next.state == MESSAGE_QUEUED);
    }
}

static void a_parcels_mail_waits_for_the_customers_wish_but_not_for_ever(void **unused)
{
    (void)unused;
    assert_int_equal(rules_wish(WISH_YES, 0, 0), WISH_SEND);
    assert_int_equal(rules_wish(WISH_NO, 0, 0), WISH_SUPPRESS);
    assert_int_equal(rules_wish(WISH_UNKNOWN, 0, MINUTE_US), WISH_WAIT);
    assert_int_equal(rules_wish(WISH_UNKNOWN, 0, 61 * MINUTE_US), WISH_SEND);
}

static void a_setting_of_the_channel_wins_over_that_of_all(void **unused)
{
    (void)unused;
    const struct setting_row rows[] = {{.kind = MESSAGE_SHIPMENT, .channel = "", .email = false},
                                       {.kind = MESSAGE_SHIPMENT, .channel = "web", .email = true},
                                       {.kind = MESSAGE_REFUND, .channel = "pos", .email = false}};
    assert_false(rules_is_switched_on(rows, 3, MESSAGE_SHIPMENT, "pos"));
    assert_true(rules_is_switched_on(rows, 3, MESSAGE_SHIPMENT, "web"));
    assert_false(rules_is_switched_on(rows, 3, MESSAGE_REFUND, "pos"));
    assert_true(rules_is_switched_on(rows, 3, MESSAGE_REFUND, "web"));
    assert_true(rules_is_switched_on(rows, 3, MESSAGE_ORDER_CONFIRMATION, "web"));
    assert_true(rules_is_switched_on(NULL, 0, MESSAGE_SHIPMENT, "web"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_is_a_dot_atom_at_a_domain_of_two_labels),
        cmocka_unit_test(the_shop_may_write_from_a_domain_of_one_label),
        cmocka_unit_test(an_address_of_more_than_254_bytes_is_none),
        cmocka_unit_test(a_masked_address_shows_one_letter_and_the_domain),
        cmocka_unit_test(a_customer_is_served_in_the_nearest_language),
        cmocka_unit_test(a_setting_of_the_channel_wins_over_that_of_all),
        cmocka_unit_test(a_message_has_one_id_and_lies_among_its_orders_messages),
        cmocka_unit_test(a_reply_code_decides_unless_there_is_none),
        cmocka_unit_test(a_retry_comes_after_a_minute_doubling_to_four_hours_for_five_days),
        cmocka_unit_test(mails_that_failed_together_do_not_come_back_together),
        cmocka_unit_test(each_outcome_has_its_state),
        cmocka_unit_test(a_parcels_mail_waits_for_the_customers_wish_but_not_for_ever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
