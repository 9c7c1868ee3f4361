/* Ids: their form, their order, and that no two are alike. */
#include "common/id.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PER_THREAD 50000
#define THREADS 4

static void ids_rise_within_a_thread(void **unused)
{
    (void)unused;
    struct uuid last = uuid_new();
    for (int i = 0; i < PER_THREAD; i++) {
        struct uuid id = uuid_new();
        assert_true(uuid_compare(&last, &id) < 0);
        last = id;
    }
}

static void an_id_says_its_version_and_its_time(void **unused)
{
    (void)unused;
    for (int i = 0; i < 1000; i++) {
        int64_t before_ms = clock_wall_us() / 1000;
        struct uuid id = uuid_new();
        int64_t after_ms = clock_wall_us() / 1000;
        assert_int_equal(id.bytes[6] >> 4, 7);
        assert_int_equal(id.bytes[8] >> 6, 2);
        int64_t ms = 0;
        for (int k = 0; k < 6; k++)
            ms = ms << 8 | id.bytes[k];
        assert_in_range(ms, before_ms, after_ms + 1);
    }
}

static void *make_many(void *ids)
{
    for (int i = 0; i < PER_THREAD; i++)
        ((struct uuid *)ids)[i] = uuid_new();
    return NULL;
}

static int by_value(const void *a, const void *b)
{
    return uuid_compare(a, b);
}

static void threads_never_make_the_same_id(void **unused)
{
    (void)unused;
    struct uuid *ids = calloc((size_t)THREADS * PER_THREAD, sizeof(*ids));
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, make_many, ids + i * PER_THREAD), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    qsort(ids, (size_t)THREADS * PER_THREAD, sizeof(*ids), by_value);
    for (int i = 1; i < THREADS * PER_THREAD; i++)
        assert_false(uuid_equal(&ids[i - 1], &ids[i]));
    free(ids);
}

static void text_goes_there_and_back(void **unused)
{
    (void)unused;
    for (int i = 0; i < 1000; i++) {
        struct uuid id = uuid_new(), again;
        char text[UUID_TEXT_BYTES];
        assert_true(uuid_parse(uuid_text(&id, text), &again));
        assert_true(uuid_equal(&id, &again));
    }
    struct uuid id;
    char text[UUID_TEXT_BYTES];
    assert_true(uuid_parse("0190F3D6-1B2C-7ABC-8DEF-0123456789AB", &id));
    assert_string_equal(uuid_text(&id, text), "0190f3d6-1b2c-7abc-8def-0123456789ab");
    assert_int_equal(strlen(text) + 1, UUID_TEXT_BYTES);
}

static void what_is_not_an_id_is_refused(void **unused)
{
    (void)unused;
    static const char *const texts[] = {
        "",
        "0190f3d6",
        "0190f3d61b2c7abc8def0123456789ab",
        "0190f3d6-1b2c-7abc-8def-0123456789a",
        "0190f3d6-1b2c-7abc-8def-0123456789abc",
        "0190f3d6-1b2c-7abc-8def-0123456789ag",
        "0190f3d6-1b2c-7abc-8def_0123456789ab",
        "{190f3d6-1b2c-7abc-8def-0123456789a}",
        " 190f3d6-1b2c-7abc-8def-0123456789ab",
        "0190f3d-61b2c-7abc-8def-0123456789ab",
    };
    struct uuid id = {{9}};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_false(uuid_parse(texts[i], &id));
    assert_false(uuid_parse(NULL, &id));
    assert_int_equal(id.bytes[0], 9);
}

static void a_hash_is_the_same_for_the_same_bytes_only(void **unused)
{
    (void)unused;
    struct uuid a = uuid_of_hash("abc", 3), b = uuid_of_hash("abc", 3), c = uuid_of_hash("abd", 3);
    assert_true(uuid_equal(&a, &b));
    assert_false(uuid_equal(&a, &c));
    char text[UUID_TEXT_BYTES]; /* BLAKE2b-256("abc") = bddd813c634239723171ef3fee98579b... */
    assert_string_equal(uuid_text(&a, text), "bddd813c-6342-3972-3171-ef3fee98579b");
    struct uuid nil = {{0}};
    assert_true(uuid_is_nil(&nil));
    assert_false(uuid_is_nil(&a));
}

static void the_monotonic_clock_does_not_go_back(void **unused)
{
    (void)unused;
    int64_t last = clock_monotonic_us();
    for (int i = 0; i < 1000; i++) {
        int64_t now = clock_monotonic_us();
        assert_true(now >= last);
        last = now;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        /* First: whoever makes more than four thousand a millisecond runs ahead of the clock. */
        cmocka_unit_test(an_id_says_its_version_and_its_time),
        cmocka_unit_test(ids_rise_within_a_thread),
        cmocka_unit_test(threads_never_make_the_same_id),
        cmocka_unit_test(text_goes_there_and_back),
        cmocka_unit_test(what_is_not_an_id_is_refused),
        cmocka_unit_test(a_hash_is_the_same_for_the_same_bytes_only),
        cmocka_unit_test(the_monotonic_clock_does_not_go_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
