/* The skeleton under faults: processes and the database die while commands come in. The driver
 * keeps its own record of what was acknowledged; the database is no witness for itself. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/id.h"
#include "tests/toy/stream.h"

enum { SHOP, STOCK, SHOP_2 };
static struct world *world;

/* ---- faults ---- */

static void kill_one(int number)
{
    static const char *const names[] = {"toyshop", "toystock"};
    int which = number % 2 == 0 ? SHOP : STOCK;
    world_end(world, which, SIGKILL);
    world_spawn(world, which, names[which], "TOY_AGE_US=1000000");
}

static void crash_database(int number)
{
    (void)number;
    long long pid = world_number(
        world, "SELECT max(pid) FROM pg_stat_activity WHERE application_name LIKE 'toyshop%'");
    if (pid > 0 && kill((pid_t)pid, SIGKILL) != 0)
        perror("  the database cannot be killed");
}

static void end_sessions(int number)
{
    (void)number;
    world_number(world, "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE"
                        " application_name LIKE 'toy%'");
}

static void swap_instances(int number)
{
    int which = number % 2 == 0 ? SHOP : SHOP_2;
    world_end(world, which, SIGKILL);
    world_spawn(world, which, "toyshop", NULL);
}

static void stop_politely(int number)
{
    (void)number;
    int64_t before_us = clock_monotonic_us();
    int status = world_end(world, SHOP, SIGTERM);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_true(clock_monotonic_us() - before_us < 5000000);
    world_spawn(world, SHOP, "toyshop", NULL);
}

#define NEEDS_WORLD()                                                                              \
    do {                                                                                           \
        if (world == NULL)                                                                         \
            skip();                                                                                \
    } while (0)

static void nothing_is_lost_or_doubled_when_services_are_killed(void **state)
{
    (void)state;
    NEEDS_WORLD();
    struct stream stream = stream_run(world, "AddMany", 8, 350, kill_one);
    stream_assert_none_lost(world, &stream);
}

static void no_hold_is_left_when_services_are_killed(void **state)
{
    (void)state;
    NEEDS_WORLD();
    world_number(world, "UPDATE toystock.level SET available = 100000");
    struct stream stream = stream_run(world, "Place", 8, 700, kill_one);
    stream_assert_none_lost(world, &stream);
    assert_int_equal(
        world_await(world, "SELECT count(*) FROM toystock.hold WHERE state = 1", 0, 20000), 0);
    assert_int_equal(world_number(world, "SELECT count(*) FROM toystock.parked"), 0);
    assert_int_equal(world_number(world, "SELECT count(*) FROM toystock.hold WHERE state = 2"),
                     stream.acknowledged);
    assert_int_equal(world_number(world, "SELECT available FROM toystock.level"),
                     100000 - stream.acknowledged);
}

static void services_outlive_a_crash_of_the_database(void **state)
{
    (void)state;
    NEEDS_WORLD();
    struct stream stream = stream_run(world, "AddMany", 6, 1500, crash_database);
    stream_assert_none_lost(world, &stream);
    assert_false(world_has_ended(world, SHOP));
    assert_false(world_has_ended(world, STOCK));
}

static void services_outlive_the_end_of_their_sessions(void **state)
{
    (void)state;
    NEEDS_WORLD();
    struct stream stream = stream_run(world, "Add", 4, 500, end_sessions);
    stream_assert_none_lost(world, &stream);
    assert_false(world_has_ended(world, SHOP));
}

static void a_second_instance_takes_over(void **state)
{
    (void)state;
    NEEDS_WORLD();
    world_spawn(world, SHOP_2, "toyshop", NULL);
    struct stream stream = stream_run(world, "AddMany", 8, 2000, swap_instances);
    stream_assert_none_lost(world, &stream);
    assert_int_equal(WEXITSTATUS(world_end(world, SHOP_2, SIGTERM)), 0);
}

static void a_service_ends_politely_under_load(void **state)
{
    (void)state;
    NEEDS_WORLD();
    struct stream stream = stream_run(world, "AddMany", 3, 1000, stop_politely);
    stream_assert_none_lost(world, &stream);
}

/* ---- poison ---- */

static void one(const char *id, const char *mode, const char *key, int timeout_ms)
{
    Penstock__Toy__V1__AddRequest request = PENSTOCK__TOY__V1__ADD_REQUEST__INIT;
    char command_id[64];
    snprintf(command_id, sizeof command_id, "c-%s", id);
    request.id = (char *)(uintptr_t)id;
    request.mode = (char *)(uintptr_t)mode;
    request.key = (char *)(uintptr_t)key;
    enum status ignored =
        world_call(world, "toyshop", "Add", command_id, &request.base, NULL, timeout_ms);
    (void)ignored;
}

static int tend(int slot, const char *service, int wait_ms, const char *sql)
{
    int deaths = 0;
    for (int waited = 0; waited < wait_ms && world_number(world, sql) == 0; waited += 20) {
        if (world_has_ended(world, slot)) {
            deaths++;
            world_spawn(world, slot, service, NULL);
        }
        bus_loop_once(world->loop, 20);
    }
    return deaths;
}

static void an_event_that_kills_three_times_is_set_aside(void **state)
{
    (void)state;
    NEEDS_WORLD();
    /* The shop's own projection reads it too: it must not die of it. */
    world_number(world, "DELETE FROM toystock.attempt");
    one("deadly", "deadly", "grave", 3000);
    one("beyond", "", "meadow", 3000);
    int deaths = tend(STOCK, "toystock", 15000,
                      "SELECT count(*) FROM toystock.parked WHERE is_crashed AND key = 'grave'");
    assert_in_range(deaths, 3, 5);
    assert_int_equal(
        world_await(world, "SELECT count(*) FROM toystock.applied WHERE id = 'beyond'", 1, 5000),
        1);
}

static void a_command_that_kills_three_times_is_answered_with_crashed(void **state)
{
    (void)state;
    NEEDS_WORLD();
    enum status status = STATUS_OK;
    int deaths = 0;
    for (int i = 0; i < 60 && status != STATUS_INTERNAL; i++) {
        Penstock__Toy__V1__AddRequest request = PENSTOCK__TOY__V1__ADD_REQUEST__INIT;
        char id[] = "killer", mode[] = "crash";
        request.id = id;
        request.mode = mode;
        if (world_has_ended(world, SHOP)) {
            deaths++;
            world_spawn(world, SHOP, "toyshop", NULL);
        }
        status = world_call(world, "toyshop", "Add", "c-killer", &request.base, NULL, 300);
    }
    assert_int_equal(status, STATUS_INTERNAL);
    assert_string_equal(world->reply->code, "crashed");
    assert_in_range(deaths, 3, 5);
}

static int open_world(void **state)
{
    (void)state;
    world = world_open();
    if (world == NULL) {
        printf("skipped: PENSTOCK_TEST_DSN is not set (tools/with-postgres sets it)\n");
        return 0;
    }
    world_start(world, STOCK, "toystock");
    world_start(world, SHOP, "toyshop");
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    world_close(world);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_lost_or_doubled_when_services_are_killed),
        cmocka_unit_test(no_hold_is_left_when_services_are_killed),
        cmocka_unit_test(services_outlive_a_crash_of_the_database),
        cmocka_unit_test(services_outlive_the_end_of_their_sessions),
        cmocka_unit_test(a_second_instance_takes_over),
        cmocka_unit_test(a_service_ends_politely_under_load),
        cmocka_unit_test(an_event_that_kills_three_times_is_set_aside),
        cmocka_unit_test(a_command_that_kills_three_times_is_answered_with_crashed),
    };
    return cmocka_run_group_tests(tests, open_world, close_world);
}
