/* Passwords, people and pauses: the rules of signing in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sodium.h>
#include <string.h>

#include "services/gateway/password.h"
#include "services/gateway/rules_people.h"
#include "services/gateway/snapshot.h"
#include "services/gateway/throttle.h"

#define SECOND INT64_C(1000000)

static void a_password_is_refused_for_what_anybody_would_try(void **state)
{
    (void)state;
    static const struct {
        const char *password;
        bool is_good;
    } cases[] = {
        {"short", false},
        {"ninechars", false},
        {"password123", false},
        {"Password123", false},
        {"1q2w3e4r5t6y", false},
        {"aaaaaaaaaaaaaaaa", false},
        {"abcabcabcabcabc", false},
        {"abcdefghijklmnop", false},
        {"98765432109876", false},
        {"mei.lam2026!", false},
        {"x-PENSTOCK-y-4711", false},
        {"Chan is my name", false},
        {"a lamp on the stairs", true},
        {"觀塘倉樓梯上的一盞燈亮", true},
        {"k7mqx-2f9ab-zz3dd-77hjk", true},
        {"tr0ub4dor&3xx", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *why = password_refusal(cases[i].password, "mei.lam@example.com", "Mei Chan");
        if ((why == NULL) != cases[i].is_good)
            fail_msg("%s: %s", cases[i].password, why != NULL ? why : "accepted");
    }
}

static void a_password_may_be_long(void **state)
{
    (void)state;
    char text[300];
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)('a' + (i * 7) % 26);
    text[256] = '\0';
    assert_null(password_refusal(text, "", ""));
    text[256] = 'x';
    text[257] = '\0';
    assert_non_null(password_refusal(text, "", ""));
}

static void a_hash_fits_its_password_and_no_other(void **state)
{
    (void)state;
    char made[PASSWORD_MADE_BYTES], other[PASSWORD_MADE_BYTES], hash[PASSWORD_HASH_BYTES];
    password_make(made);
    password_make(other);
    assert_string_not_equal(made, other);
    assert_null(password_refusal(made, "mei@example.com", "Mei"));
    assert_true(password_hash(made, hash));
    assert_memory_equal(hash, "$argon2id$", 10);
    assert_true(password_verify(made, hash));
    assert_false(password_verify(other, hash));
    assert_false(password_needs_rehash(hash));
    assert_true(password_needs_rehash("$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$"
                                      "c29tZWhhc2hzb21laGFzaHNvbWVoYXNoc29tZWhhc2g"));
}

static void pauses_double_after_the_free_attempts(void **state)
{
    (void)state;
    struct throttle *throttle = throttle_open(3);
    int64_t now_us = SECOND;
    for (int i = 0; i < 3; i++)
        assert_int_equal(throttle_begin(throttle, "mei", 3, now_us), 0);
    assert_int_equal(throttle_begin(throttle, "mei", 3, now_us), 1000);
    assert_int_equal(throttle_begin(throttle, "lam", 3, now_us), 0);
    now_us += SECOND;
    assert_int_equal(throttle_begin(throttle, "mei", 3, now_us), 0);
    assert_int_equal(throttle_begin(throttle, "mei", 3, now_us), 2000);
    for (int i = 0; i < 40; i++) {
        int64_t wait_ms = throttle_begin(throttle, "mei", 3, now_us);
        assert_true(wait_ms <= 15 * 60 * 1000);
        now_us += wait_ms * 1000;
    }
    /* An hour without any forgets. */
    now_us += 3601 * SECOND;
    for (int i = 0; i < 3; i++)
        assert_int_equal(throttle_begin(throttle, "mei", 3, now_us), 0);
    throttle_close(&throttle);
}

static void success_forgets_failures_and_is_remembered(void **state)
{
    (void)state;
    struct throttle *throttle = throttle_open(1);
    assert_false(throttle_has_succeeded(throttle, "mei", 3));
    assert_int_equal(throttle_begin(throttle, "mei", 3, SECOND), 0);
    assert_true(throttle_begin(throttle, "mei", 3, SECOND) > 0);
    throttle_succeeded(throttle, "mei", 3, SECOND);
    assert_true(throttle_has_succeeded(throttle, "mei", 3));
    assert_int_equal(throttle_begin(throttle, "mei", 3, SECOND), 0);
    assert_true(throttle_begin(throttle, "mei", 3, SECOND) > 0);
    throttle_take_back(throttle, "mei", 3);
    assert_int_equal(throttle_begin(throttle, "mei", 3, SECOND), 0);
    throttle_close(&throttle);
}

static void a_session_ends_by_age_and_by_lying_unused(void **state)
{
    (void)state;
    struct snapshot *snapshot = snapshot_open(0);
    char token[SESSION_TOKEN_BYTES];
    int64_t now_us = INT64_C(1700000000) * SECOND;
    snapshot->sessions = ARENA_ARRAY(snapshot->arena, 1, struct session);
    snapshot->nsessions = 1;
    session_token_new(token, snapshot->sessions[0].hash);
    assert_true(session_token_is_plausible(token));
    struct session *session = &snapshot->sessions[0];
    session->expires_at_us = now_us + SESSION_LONGEST_US;
    session->stored_seen_at_us = now_us;
    snapshot_sort(snapshot);
    assert_ptr_equal(snapshot_find_session(snapshot, token, now_us), session);
    assert_null(snapshot_find_session(snapshot, "x", now_us));
    assert_null(snapshot_find_session(snapshot, token, now_us + SESSION_IDLE_US));
    session->used_at_us = now_us + SECOND;
    assert_non_null(snapshot_find_session(snapshot, token, now_us + SESSION_IDLE_US));
    session->used_at_us = now_us + SESSION_LONGEST_US - SECOND;
    assert_non_null(snapshot_find_session(snapshot, token, now_us + SESSION_LONGEST_US - SECOND));
    assert_null(snapshot_find_session(snapshot, token, now_us + SESSION_LONGEST_US));
    snapshot_close(&snapshot);
}

static void a_person_needs_an_address_a_name_a_role_and_a_language(void **state)
{
    (void)state;
    static const struct {
        struct person_wish wish;
        const char *field;
    } cases[] = {
        {{"林美", "mei@example.com", "owner", "zh-Hant"}, NULL},
        {{"", "mei@example.com", "owner", "zh-Hant"}, "name"},
        {{"林美", "", "owner", "zh-Hant"}, "email"},
        {{"林美", "mei", "owner", "zh-Hant"}, "email"},
        {{"林美", "mei@a@b", "owner", "zh-Hant"}, "email"},
        {{"林美", "mei@example.com\n", "owner", "zh-Hant"}, "email"},
        {{"林美", "mei@example.com", "boss", "zh-Hant"}, "role"},
        {{"林美", "mei@example.com", "", "zh-Hant"}, "role"},
        {{"林美", "mei@example.com", "owner", "tlh"}, "locale"},
    };
    struct arena *arena = arena_open(1 << 16);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct access_refusal refusal = rules_person(&cases[i].wish);
        if (cases[i].field == NULL)
            assert_null(refusal.code);
        else
            assert_string_equal(refusal.field, cases[i].field);
    }
    assert_string_equal(rules_email("  Mei@Example.COM ", arena), "mei@example.com");
    arena_close(&arena);
}

static int set_up(void **state)
{
    (void)state;
    return sodium_init() < 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_password_is_refused_for_what_anybody_would_try),
        cmocka_unit_test(a_password_may_be_long),
        cmocka_unit_test(a_hash_fits_its_password_and_no_other),
        cmocka_unit_test(pauses_double_after_the_free_attempts),
        cmocka_unit_test(success_forgets_failures_and_is_remembered),
        cmocka_unit_test(a_session_ends_by_age_and_by_lying_unused),
        cmocka_unit_test(a_person_needs_an_address_a_name_a_role_and_a_language),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
