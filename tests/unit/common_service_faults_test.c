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
#include "tests/toy/world.h"

enum { SHOP, STOCK, SHOP_2 };
#define SLOTS 24

static struct world *world;

/* ---- a stream of commands, each sent again until it is answered for good ---- */

struct stream {
    const char *rpc;
    int64_t end_us;
    int in_flight;
    long long acknowledged, refused, again, next;
};
struct slot {
    struct stream *stream;
    char id[48];
    int64_t again_at_us; /* 0: is under way */
};

static void send_slot(struct slot *slot);

static void next_command(struct slot *slot)
{
    struct stream *stream = slot->stream;
    snprintf(slot->id, sizeof slot->id, "%s-%lld-%lld", stream->rpc, (long long)stream->end_us,
             stream->next++);
    send_slot(slot);
}

static void answered(void *context, const ReplyHeader *header, const uint8_t *payload, size_t bytes)
{
    (void)payload;
    (void)bytes;
    struct slot *slot = context;
    struct stream *stream = slot->stream;
    enum status status = (enum status)header->status;
    stream->in_flight--;
    if (status == STATUS_UNAVAILABLE || status == STATUS_DEADLINE) {
        stream->again++;
        slot->again_at_us = clock_monotonic_us() + 20000;
        return;
    }
    if (status == STATUS_OK)
        stream->acknowledged++;
    else
        stream->refused++;
    slot->id[0] = '\0';
    if (clock_monotonic_us() < stream->end_us)
        next_command(slot);
}

static void send_slot(struct slot *slot)
{
    struct stream *stream = slot->stream;
    RequestHeader header = PENSTOCK__BUS__V1__REQUEST_HEADER__INIT;
    Penstock__Toy__V1__AddRequest add = PENSTOCK__TOY__V1__ADD_REQUEST__INIT;
    Penstock__Toy__V1__PlaceRequest place = PENSTOCK__TOY__V1__PLACE_REQUEST__INIT;
    char method[64], internal[] = "internal";
    char *permissions[] = {internal};
    snprintf(method, sizeof method, "toyshop.%s", stream->rpc);
    header.method = method;
    header.command_id = slot->id;
    header.permissions = permissions;
    header.n_permissions = 1;
    const ProtobufCMessage *message = &add.base;
    add.id = place.id = slot->id;
    if (strcmp(stream->rpc, "Place") == 0) {
        place.quantity = 1;
        message = &place.base;
    }
    slot->again_at_us = 0;
    stream->in_flight++;
    assert_int_equal(
        bus_ask_message(world->client, "toyshop", &header, message, 3000, answered, slot),
        STATUS_OK);
}

static bool resend(struct slot *slots)
{
    bool is_open = false;
    for (int i = 0; i < SLOTS; i++) {
        is_open |= slots[i].id[0] != '\0';
        if (slots[i].id[0] != '\0' && slots[i].again_at_us > 0 &&
            slots[i].again_at_us <= clock_monotonic_us())
            send_slot(&slots[i]);
    }
    return is_open;
}

/* Runs a stream; meanwhile fault is called every period_ms. Every command is answered in the end.
 */
static struct stream run_stream(const char *rpc, int seconds, int period_ms,
                                void (*fault)(int number))
{
    struct stream stream = {.rpc = rpc,
                            .end_us = clock_monotonic_us() + (int64_t)seconds * 1000000};
    struct slot slots[SLOTS];
    memset(slots, 0, sizeof slots);
    for (int i = 0; i < SLOTS; i++) {
        slots[i].stream = &stream;
        next_command(&slots[i]);
    }
    int64_t fault_us = clock_monotonic_us() + (int64_t)period_ms * 1000;
    for (int number = 0; resend(slots);) {
        bus_loop_once(world->loop, 10);
        int64_t now_us = clock_monotonic_us();
        if (now_us < fault_us || now_us > stream.end_us)
            continue;
        fault(number++);
        fault_us = clock_monotonic_us() + (int64_t)period_ms * 1000;
    }
    printf("  %lld acknowledged, %lld refused, %lld asked again\n", stream.acknowledged,
           stream.refused, stream.again);
    return stream;
}

/* ---- what must hold afterwards ---- */

static void assert_gapless(void)
{
    assert_int_equal(world_number(world, "SELECT max(position) - count(*) FROM toyshop.event"), 0);
    assert_int_equal(
        world_number(world, "SELECT count(*) - count(DISTINCT event_id) FROM toyshop.event"), 0);
}

static void assert_applied_once(void)
{
    assert_int_equal(world_await(world,
                                 "SELECT (SELECT max(position) FROM toyshop.event) -"
                                 " (SELECT position FROM toystock.cursor WHERE source = 'toyshop')",
                                 0, 20000),
                     0);
    assert_int_equal(world_number(world, "SELECT (SELECT max(position) FROM toyshop.event) -"
                                         " (SELECT count(*) FROM toystock.applied) -"
                                         " (SELECT count(*) FROM toystock.parked)"),
                     0);
    assert_int_equal(
        world_number(world, "SELECT count(*) - count(DISTINCT position) FROM toystock.applied"), 0);
}

static long long added(const char *rpc, int64_t end_us)
{
    char sql[256];
    snprintf(sql, sizeof sql, "SELECT count(*) FROM toyshop.%s WHERE id LIKE '%s-%lld-%%'",
             strcmp(rpc, "Place") == 0 ? "placed" : "added", rpc, (long long)end_us);
    return world_number(world, sql);
}

static void assert_none_lost(const struct stream *stream)
{
    assert_true(stream->acknowledged > 100);
    assert_int_equal(added(stream->rpc, stream->end_us), stream->acknowledged);
    assert_gapless();
    assert_applied_once();
}

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
    struct stream stream = run_stream("AddMany", 8, 350, kill_one);
    assert_none_lost(&stream);
}

static void no_hold_is_left_when_services_are_killed(void **state)
{
    (void)state;
    NEEDS_WORLD();
    world_number(world, "UPDATE toystock.level SET available = 100000");
    struct stream stream = run_stream("Place", 8, 700, kill_one);
    assert_none_lost(&stream);
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
    struct stream stream = run_stream("AddMany", 6, 1500, crash_database);
    assert_none_lost(&stream);
    assert_false(world_has_ended(world, SHOP));
    assert_false(world_has_ended(world, STOCK));
}

static void services_outlive_the_end_of_their_sessions(void **state)
{
    (void)state;
    NEEDS_WORLD();
    struct stream stream = run_stream("Add", 4, 500, end_sessions);
    assert_none_lost(&stream);
    assert_false(world_has_ended(world, SHOP));
}

static void a_second_instance_takes_over(void **state)
{
    (void)state;
    NEEDS_WORLD();
    world_spawn(world, SHOP_2, "toyshop", NULL);
    struct stream stream = run_stream("AddMany", 8, 2000, swap_instances);
    assert_none_lost(&stream);
    assert_int_equal(WEXITSTATUS(world_end(world, SHOP_2, SIGTERM)), 0);
}

static void a_service_ends_politely_under_load(void **state)
{
    (void)state;
    NEEDS_WORLD();
    struct stream stream = run_stream("AddMany", 3, 1000, stop_politely);
    assert_none_lost(&stream);
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
