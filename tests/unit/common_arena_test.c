/* The memory of one piece of work: aligned, zeroed, bounded. */
#include "common/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "penstock/common/v1/common.pb-c.h"

static void memory_is_zeroed_and_aligned(void **unused)
{
    (void)unused;
    struct arena *arena = arena_open(1 << 20);
    for (size_t bytes = 0; bytes < 300; bytes++) {
        unsigned char *memory = arena_alloc(arena, bytes);
        assert_int_equal((uintptr_t)memory % _Alignof(max_align_t), 0);
        for (size_t i = 0; i < bytes; i++)
            assert_int_equal(memory[i], 0);
        memset(memory, 0xff, bytes);
    }
    arena_close(&arena);
    assert_null(arena);
}

static void reset_makes_dirty_memory_clean_again(void **unused)
{
    (void)unused;
    struct arena *arena = arena_open(4 << 20);
    for (int round = 0; round < 20; round++) {
        size_t bytes = (size_t)1 << (round % 20);
        char *memory = arena_alloc(arena, bytes);
        for (size_t i = 0; i < bytes; i++)
            assert_int_equal(memory[i], 0);
        memset(memory, 'x', bytes);
        assert_true(arena_used(arena) >= bytes);
        if (round % 3 == 0)
            arena_reset(arena);
    }
    arena_reset(arena);
    assert_int_equal(arena_used(arena), 0);
    arena_close(&arena);
}

static void texts_are_copied(void **unused)
{
    (void)unused;
    struct arena *arena = arena_open(1 << 20);
    char original[] = "lantern";
    char *copy = arena_strdup(arena, original), *part = arena_strndup(arena, original, 4);
    char *bytes = arena_copy(arena, original, sizeof(original));
    original[0] = '?';
    assert_string_equal(copy, "lantern");
    assert_string_equal(part, "lant");
    assert_string_equal(bytes, "lantern");
    assert_string_equal(arena_printf(arena, "%s-%d", "WEB", 100023), "WEB-100023");
    assert_string_equal(arena_strndup(arena, "", 0), "");
    assert_string_equal(arena_strndup(arena, "ab", 64), "ab");
    arena_close(&arena);
}

static void past_the_limit_an_unpack_is_refused(void **unused)
{
    (void)unused;
    struct arena *arena = arena_open(10000);
    ProtobufCAllocator *allocator = arena_protobuf(arena);
    assert_non_null(allocator->alloc(allocator->allocator_data, 9000));
    assert_null(allocator->alloc(allocator->allocator_data, 2000));
    assert_null(allocator->alloc(allocator->allocator_data, SIZE_MAX));
    allocator->free(allocator->allocator_data, NULL);
    assert_true(arena_used(arena) <= 10000);
    arena_close(&arena);
}

static void a_message_with_many_unknown_fields_stops_at_the_limit(void **unused)
{
    (void)unused;
    static uint8_t hostile[1 << 20];
    for (size_t i = 0; i + 1 < sizeof(hostile); i += 2) {
        hostile[i] = 0x78; /* field 15, varint */
        hostile[i + 1] = 1;
    }
    struct arena *arena = arena_open(4 << 20);
    assert_null(
        penstock__common__v1__money__unpack(arena_protobuf(arena), sizeof(hostile), hostile));
    assert_true(arena_used(arena) <= 4 << 20);
    arena_reset(arena);
    uint8_t good[] = {0x08, 0x96, 0x01, 0x12, 0x03, 'H', 'K', 'D'};
    Penstock__Common__V1__Money *money =
        penstock__common__v1__money__unpack(arena_protobuf(arena), sizeof(good), good);
    assert_non_null(money);
    assert_int_equal(money->amount_minor, 150);
    assert_string_equal(money->currency, "HKD");
    arena_close(&arena);
}

static bool aborts(void (*fn)(struct arena *))
{
    pid_t child = fork();
    if (child == 0) {
        close(2);
        struct arena *arena = arena_open(1000);
        fn(arena);
        _exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return !(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void ask_too_much(struct arena *arena)
{
    arena_alloc(arena, 2000);
}

static void ask_beyond_size_max(struct arena *arena)
{
    arena_array(arena, SIZE_MAX / 2, 8);
}

static void past_the_limit_our_own_code_aborts(void **unused)
{
    (void)unused;
    assert_true(aborts(ask_too_much));
    assert_true(aborts(ask_beyond_size_max));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_zeroed_and_aligned),
        cmocka_unit_test(reset_makes_dirty_memory_clean_again),
        cmocka_unit_test(texts_are_copied),
        cmocka_unit_test(past_the_limit_an_unpack_is_refused),
        cmocka_unit_test(a_message_with_many_unknown_fields_stops_at_the_limit),
        cmocka_unit_test(past_the_limit_our_own_code_aborts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
