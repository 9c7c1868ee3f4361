/* When followers of a log are told of news, and when a crowd makes them stand back. */
#include "common/service_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

enum { MS = 1000, SECOND = 1000 * MS };

static void one_event_alone_is_told_at_once(void **state)
{
    (void)state;
    struct pace pace = {0, 0, 0};
    pace_told(&pace, 1, 50 * SECOND, 100 * SECOND);
    assert_int_equal(pace_next_us(&pace, 100 * SECOND, 50 * SECOND, 0), 100 * SECOND + 1 * MS);
}

static void many_events_are_followed_by_a_rest_that_has_a_limit(void **state)
{
    (void)state;
    struct pace pace = {0, 0, 0};
    pace_told(&pace, 200, 50 * SECOND, 100 * SECOND);
    assert_int_equal(pace_next_us(&pace, 100 * SECOND, 50 * SECOND, 0), 100 * SECOND + 200 * MS);
    pace_told(&pace, 1000, 50 * SECOND, 200 * SECOND);
    assert_int_equal(pace_next_us(&pace, 200 * SECOND, 50 * SECOND, 0), 200 * SECOND + 500 * MS);
}

static void who_stands_back_is_told_when_news_are_old(void **state)
{
    (void)state;
    struct pace pace = {0, 0, 0};
    pace_told(&pace, 10, 50 * SECOND, 100 * SECOND);
    int64_t at_us = pace_next_us(&pace, 101 * SECOND, 51 * SECOND, 60 * SECOND);
    assert_int_equal(at_us, 160 * SECOND);
    assert_true(pace_next_us(&pace, 160 * SECOND, 110 * SECOND, 60 * SECOND) <= 160 * SECOND);
    /* An answer without events says nothing about how old news are. */
    pace_told(&pace, 0, 0, 160 * SECOND);
    assert_true(pace_next_us(&pace, 160 * SECOND, 110 * SECOND, 60 * SECOND) <= 160 * SECOND);
}

static void who_was_never_told_anything_does_not_wait_for_a_crowd_to_go(void **state)
{
    (void)state;
    struct pace pace = {0, 0, 0};
    int64_t wall_us = INT64_C(1790000000) * SECOND;
    assert_true(pace_next_us(&pace, 5 * SECOND, wall_us, 60 * SECOND) <= 5 * SECOND);
}

/* A moment of turns that take so many commands and this share of it. */
static bool pass(struct crowd *crowd, int64_t *now_us, size_t commands, int64_t busy_percent)
{
    for (int i = 0; i < 50; i++)
        crowd_turn(crowd, commands, busy_percent * 100);
    *now_us += 500 * MS;
    return crowd_judge(crowd, *now_us);
}

static void a_crowd_is_many_at_once_and_a_writer_without_rest(void **state)
{
    (void)state;
    struct crowd crowd = {.since_us = 0};
    int64_t now_us = 0;
    assert_false(pass(&crowd, &now_us, 1, 95));  /* one caller after the other */
    assert_false(pass(&crowd, &now_us, 40, 20)); /* many, and time for all */
    assert_true(pass(&crowd, &now_us, 20, 80));
    assert_true(crowd.is_there);
    assert_false(pass(&crowd, &now_us, 20, 80));
}

static void a_crowd_goes_when_it_is_clearly_less(void **state)
{
    (void)state;
    struct crowd crowd = {.since_us = 0};
    int64_t now_us = 0;
    assert_true(pass(&crowd, &now_us, 20, 80));
    assert_false(pass(&crowd, &now_us, 7, 50)); /* not clearly */
    assert_true(crowd.is_there);
    assert_true(pass(&crowd, &now_us, 20, 10));
    assert_false(crowd.is_there);
    assert_true(pass(&crowd, &now_us, 20, 80));
    now_us += 500 * MS; /* nobody at all */
    assert_true(crowd_judge(&crowd, now_us));
    assert_false(crowd.is_there);
}

static void a_crowd_is_judged_over_a_moment_and_not_by_a_turn(void **state)
{
    (void)state;
    struct crowd crowd = {.since_us = 0};
    crowd_turn(&crowd, 200, 100 * MS);
    assert_false(crowd_judge(&crowd, 100 * MS));
    assert_false(crowd.is_there);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_event_alone_is_told_at_once),
        cmocka_unit_test(many_events_are_followed_by_a_rest_that_has_a_limit),
        cmocka_unit_test(who_stands_back_is_told_when_news_are_old),
        cmocka_unit_test(who_was_never_told_anything_does_not_wait_for_a_crowd_to_go),
        cmocka_unit_test(a_crowd_is_many_at_once_and_a_writer_without_rest),
        cmocka_unit_test(a_crowd_goes_when_it_is_clearly_less),
        cmocka_unit_test(a_crowd_is_judged_over_a_moment_and_not_by_a_turn),
    };
    return cmocka_run_group_tests_name("pace", tests, NULL, NULL);
}
