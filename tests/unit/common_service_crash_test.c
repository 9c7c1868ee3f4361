/* Every named crash point, at its first hit and at a later one: afterwards nothing is lost, nothing
 * is there twice, and no hold is left. Needs a build with CRASHPOINTS=1. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/toy/stream.h"

enum { SHOP, STOCK };
static struct world *world;
static int deaths;

struct point {
    const char *name, *service;
    int slot;
};
static const struct point points[] = {
    {"writer.before_commit", "toyshop", SHOP},
    {"writer.after_commit_before_reply", "toyshop", SHOP},
    {"writer.before_commit", "toystock", STOCK},
    {"writer.after_commit_before_reply", "toystock", STOCK},
    {"events.before_commit", "toystock", STOCK},
    {"events.after_commit", "toystock", STOCK},
    {"front.before_ask", "toyshop", SHOP},
    {"front.after_ask", "toyshop", SHOP},
    {"outcall.after_make", "toyshop", SHOP},
};

/* A supervisor: what has ended is started again, without the crash point. */
static void tend(int number)
{
    (void)number;
    static const char *const names[] = {"toyshop", "toystock"};
    for (int slot = SHOP; slot <= STOCK; slot++)
        if (world_has_ended(world, slot)) {
            deaths++;
            world_spawn(world, slot, names[slot], "TOY_AGE_US=500000");
        }
}

/* What follows from the stream may reach the crash point when the stream is over: tended as long.
 */
static long long await_tended(const char *sql, long long wanted, int wait_ms)
{
    long long number = world_number(world, sql);
    for (int waited = 0; number != wanted && waited < wait_ms; waited += 50) {
        tend(0);
        number = world_await(world, sql, wanted, 50);
    }
    return number;
}

static void restart_with(const struct point *point, int hit)
{
    static char variable[96];
    snprintf(variable, sizeof variable, "PENSTOCK_CRASHPOINT=%s:%d", point->name, hit);
    world_end(world, point->slot, SIGTERM);
    world_spawn(world, point->slot, point->service, variable);
}

static void send_letter(const char *id)
{
    Penstock__Toy__V1__AddRequest request = PENSTOCK__TOY__V1__ADD_REQUEST__INIT;
    char mode[] = "mail";
    request.id = (char *)(uintptr_t)id;
    request.mode = mode;
    enum status ignored = world_call(world, "toyshop", "Add", id, &request.base, NULL, 300);
    (void)ignored;
}

static void try_point(const struct point *point, int hit)
{
    printf("  %s in %s, hit %d\n", point->name, point->service, hit);
    char letter[64];
    snprintf(letter, sizeof letter, "letter-%d-%d", (int)(point - points), hit);
    deaths = 0;
    world_number(world, "UPDATE toystock.level SET available = 1000000");
    restart_with(point, hit);
    for (int i = 0; i < hit && strncmp(point->name, "outcall", 7) == 0; i++) {
        char one[80];
        snprintf(one, sizeof one, "%s-%d", letter, i);
        send_letter(one);
    }
    struct stream stream = stream_run(world, "Place", 1, 50, tend);
    tend(0);
    stream_assert_none_lost(world, &stream);
    assert_int_equal(await_tended("SELECT count(*) FROM toystock.hold WHERE state = 1", 0, 20000),
                     0);
    assert_int_equal(deaths, 1);
    assert_int_equal(world_number(world, "SELECT (SELECT count(*) FROM toystock.hold WHERE state ="
                                         " 2) - (SELECT count(*) FROM toyshop.placed)"),
                     0);
    assert_int_equal(
        world_await(world, "SELECT count(*) FROM toyshop.letter WHERE NOT was_sent", 0, 5000), 0);
}

static void every_crash_point_leaves_all_whole(void **state)
{
    (void)state;
    if (world == NULL)
        skip();
    for (size_t i = 0; i < sizeof points / sizeof points[0]; i++) {
        try_point(&points[i], 1);
        try_point(&points[i], 3);
    }
}

static int open_world(void **state)
{
    (void)state;
#ifdef PENSTOCK_CRASHPOINTS
    world = world_open();
#endif
    if (world == NULL) {
        printf("skipped: needs CRASHPOINTS=1 and PENSTOCK_TEST_DSN (tools/with-postgres)\n");
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
        cmocka_unit_test(every_crash_point_leaves_all_whole),
    };
    return cmocka_run_group_tests(tests, open_world, close_world);
}
