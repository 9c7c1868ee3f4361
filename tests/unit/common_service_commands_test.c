/* The skeleton, tried with two toy services on a real PostgreSQL. */
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

typedef Penstock__Toy__V1__AddRequest AddRequest;
typedef Penstock__Toy__V1__PlaceRequest PlaceRequest;
typedef Penstock__Toy__V1__PlaceResponse PlaceResponse;

enum { SHOP, STOCK, SHOP_2 };
static const char applied_all[] =
    "SELECT (SELECT max(position) FROM toyshop.event) - (SELECT count(*) FROM toystock.applied)"
    " - (SELECT count(*) FROM toystock.parked)";
static const char applied_once[] =
    "SELECT count(*) - count(DISTINCT position) FROM toystock.applied";

static struct world *world;

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

/* ---- asking ---- */

static enum status add(const char *rpc, const char *id, const char *mode, const char *key,
                       const char *command_id)
{
    AddRequest request = PENSTOCK__TOY__V1__ADD_REQUEST__INIT;
    request.id = (char *)(uintptr_t)id;
    request.mode = (char *)(uintptr_t)mode;
    request.key = (char *)(uintptr_t)key;
    return world_call(world, "toyshop", rpc, command_id, &request.base,
                      &penstock__toy__v1__add_response__descriptor, 5000);
}

static enum status place(const char *id, int64_t quantity, const char *command_id, bool accept,
                         bool refuse)
{
    PlaceRequest request = PENSTOCK__TOY__V1__PLACE_REQUEST__INIT;
    request.id = (char *)(uintptr_t)id;
    request.quantity = quantity;
    request.accept = accept;
    request.refuse = refuse;
    return world_call(world, "toyshop", "Place", command_id, &request.base,
                      &penstock__toy__v1__place_response__descriptor, 5000);
}

static long long number(const char *sql)
{
    return world_number(world, sql);
}

static void assert_all_applied(void)
{
    assert_int_equal(world_await(world, applied_all, 0, 10000), 0);
    assert_int_equal(number(applied_once), 0);
}

#define NEEDS_WORLD()                                                                              \
    do {                                                                                           \
        if (world == NULL)                                                                         \
            skip();                                                                                \
    } while (0)

/* ---- commands ---- */

static void a_command_commits_its_row_and_its_event_together(void **state)
{
    (void)state;
    NEEDS_WORLD();
    assert_int_equal(add("Add", "one", "", "", ""), STATUS_OK);
    assert_true(world->reply->position > 0);
    assert_int_equal(number("SELECT count(*) FROM toyshop.added WHERE id = 'one'"), 1);
    assert_int_equal(number("SELECT count(*) FROM toyshop.event WHERE key = 'one'"), 1);
    assert_all_applied();
}

static void a_refusal_writes_nothing(void **state)
{
    (void)state;
    NEEDS_WORLD();
    assert_int_equal(add("Add", "no", "refuse", "", "c-no"), STATUS_CONFLICT);
    assert_string_equal(world->reply->code, "refused");
    assert_string_equal(world->reply->field, "mode");
    assert_int_equal(world->reply->n_details, 1);
    assert_int_equal(add("Add", "no", "refuse_written", "", "c-no"), STATUS_CONFLICT);
    assert_int_equal(number("SELECT count(*) FROM toyshop.added WHERE id = 'no'"), 0);
    assert_int_equal(number("SELECT count(*) FROM toyshop.event WHERE key = 'no'"), 0);
    assert_int_equal(add("Add", "no", "", "", "c-no"), STATUS_OK);
}

static void a_repeat_gets_its_first_answer(void **state)
{
    (void)state;
    NEEDS_WORLD();
    assert_int_equal(add("Add", "again", "", "", "c-again"), STATUS_OK);
    int64_t position = world->reply->position;
    assert_int_equal(add("Add", "again", "", "", "c-again"), STATUS_OK);
    assert_true(world->reply->repeated);
    assert_int_equal(world->reply->position, position);
    assert_string_equal(((Penstock__Toy__V1__AddResponse *)world->answer)->id, "again");
    assert_int_equal(add("Add", "other", "", "", "c-again"), STATUS_CONFLICT);
    assert_string_equal(world->reply->code, "idempotency_key_reused");
}

static void only_the_guilty_command_of_a_turn_fails(void **state)
{
    (void)state;
    NEEDS_WORLD();
    assert_int_equal(add("AddMany", "guilty", "fail", "", "c-guilty"), STATUS_INTERNAL);
    assert_int_equal(add("AddMany", "good", "", "", "c-good"), STATUS_OK);
    assert_int_equal(number("SELECT count(*) FROM toyshop.added WHERE id = 'guilty'"), 0);
}

static void what_cannot_be_known_yet_is_tried_again_for_a_second(void **state)
{
    (void)state;
    NEEDS_WORLD();
    int64_t before_us = clock_monotonic_us();
    assert_int_equal(add("Add", "later", "later", "", ""), STATUS_OK);
    assert_in_range(clock_monotonic_us() - before_us, 900000, 2000000);
}

static void who_lacks_the_permission_is_not_let_in(void **state)
{
    (void)state;
    NEEDS_WORLD();
    AddRequest request = PENSTOCK__TOY__V1__ADD_REQUEST__INIT;
    RequestHeader header = PENSTOCK__BUS__V1__REQUEST_HEADER__INIT;
    char read[] = "orders:read", method[] = "toyshop.Add", unknown[] = "toyshop.Nothing";
    char *permissions[] = {read};
    header.method = method;
    header.permissions = permissions;
    header.n_permissions = 1;
    assert_int_equal(bus_call(world->client, "toyshop", &header, &request.base, 1000, NULL,
                              world->arena, NULL, NULL),
                     STATUS_FORBIDDEN);
    header.method = unknown;
    assert_int_equal(bus_call(world->client, "toyshop", &header, &request.base, 1000, NULL,
                              world->arena, NULL, NULL),
                     STATUS_NOT_FOUND);
}

static void a_query_is_answered_by_a_lane(void **state)
{
    (void)state;
    NEEDS_WORLD();
    Penstock__Toy__V1__CountRequest request = PENSTOCK__TOY__V1__COUNT_REQUEST__INIT;
    assert_int_equal(world_call(world, "toyshop", "Count", "", &request.base,
                                &penstock__toy__v1__count_response__descriptor, 1000),
                     STATUS_OK);
    assert_int_equal(((Penstock__Toy__V1__CountResponse *)world->answer)->added,
                     number("SELECT count(*) FROM toyshop.added"));
}

static void a_call_to_the_outside_is_taken_made_and_done(void **state)
{
    (void)state;
    NEEDS_WORLD();
    assert_int_equal(add("Add", "letter", "mail", "", ""), STATUS_OK);
    assert_int_equal(
        world_await(world, "SELECT count(*) FROM toyshop.letter WHERE was_sent AND attempts = 1", 1,
                    3000),
        1);
}

static void a_projection_follows_its_own_log(void **state)
{
    (void)state;
    NEEDS_WORLD();
    assert_int_equal(add("Add", "mirrored", "", "", ""), STATUS_OK);
    assert_int_equal(
        world_await(world, "SELECT count(*) FROM toyshop.applied WHERE id = 'mirrored'", 1, 3000),
        1);
}

/* ---- asks ---- */

static void a_hold_is_adopted_by_the_event_that_names_it(void **state)
{
    (void)state;
    NEEDS_WORLD();
    assert_int_equal(place("p1", 3, "c-p1", false, false), STATUS_OK);
    char hold_id[64];
    snprintf(hold_id, sizeof hold_id, "%s", ((PlaceResponse *)world->answer)->hold_id);
    assert_int_not_equal(strlen(hold_id), 0);
    assert_int_equal(
        world_await(world, "SELECT state FROM toystock.hold WHERE command_id = 'c-p1'", 2, 5000),
        2);
    assert_int_equal(place("p1", 3, "c-p1", false, false), STATUS_OK);
    assert_true(world->reply->repeated);
    assert_string_equal(((PlaceResponse *)world->answer)->hold_id, hold_id);
}

static void the_other_services_refusal_is_the_commands(void **state)
{
    (void)state;
    NEEDS_WORLD();
    assert_int_equal(place("p2", 1000000, "c-p2", false, false), STATUS_CONFLICT);
    assert_string_equal(world->reply->code, "insufficient_stock");
    assert_int_equal(place("p2", -1, "c-p2", false, false), STATUS_INVALID);
    assert_string_equal(world->reply->field, "quantity");
    assert_int_equal(place("p2", 0, "c-p2", false, false), STATUS_OK);
}

static void a_hold_that_a_refused_command_left_is_settled_at_once(void **state)
{
    (void)state;
    NEEDS_WORLD();
    long long before = number("SELECT available FROM toystock.level");
    assert_int_equal(place("p3", 5, "c-p3", false, true), STATUS_CONFLICT);
    assert_int_equal(
        world_await(world, "SELECT state FROM toystock.hold WHERE command_id = 'c-p3'", 3, 5000),
        3);
    assert_int_equal(number("SELECT available FROM toystock.level"), before);
    /* The same command again: the hold of before is void, another is made. */
    assert_int_equal(place("p3", 5, "c-p3", false, false), STATUS_OK);
    assert_int_equal(world_await(world, "SELECT available FROM toystock.level", before - 5, 5000),
                     before - 5);
}

static void an_accepted_command_goes_on_when_the_other_service_is_away(void **state)
{
    (void)state;
    NEEDS_WORLD();
    world_end(world, STOCK, SIGKILL);
    int64_t before_us = clock_monotonic_us();
    assert_int_equal(place("p4", 1, "c-p4", true, false), STATUS_OK);
    assert_in_range(clock_monotonic_us() - before_us, 0, 900000);
    assert_string_equal(((PlaceResponse *)world->answer)->hold_id, "");
    world_start(world, STOCK, "toystock");
    assert_all_applied();
}

/* ---- parking ---- */

static void a_refused_event_parks_its_key_and_the_rest_flows_on(void **state)
{
    (void)state;
    NEEDS_WORLD();
    char antidote[128], variable[160];
    snprintf(antidote, sizeof antidote, "%s/antidote", world->folder);
    snprintf(variable, sizeof variable, "TOY_ANTIDOTE=%s", antidote);
    world_end(world, STOCK, SIGTERM);
    world_spawn(world, STOCK, "toystock", variable);
    assert_int_equal(add("Add", "bad", "poison", "k", ""), STATUS_OK);
    assert_int_equal(add("Add", "behind", "", "k", ""), STATUS_OK);
    assert_int_equal(add("Add", "beside", "", "l", ""), STATUS_OK);
    assert_int_equal(
        world_await(world, "SELECT count(*) FROM toystock.applied WHERE id = 'beside'", 1, 5000),
        1);
    assert_int_equal(number("SELECT count(*) FROM toystock.parked WHERE key = 'k'"), 2);
    Penstock__Bus__V1__ListParkedRequest list = PENSTOCK__BUS__V1__LIST_PARKED_REQUEST__INIT;
    assert_int_equal(world_call(world, "toystock", "ListParked", "", &list.base,
                                &penstock__bus__v1__list_parked_response__descriptor, 1000),
                     STATUS_OK);
    Penstock__Bus__V1__ListParkedResponse *parked =
        (Penstock__Bus__V1__ListParkedResponse *)world->answer;
    assert_int_equal(parked->n_data, 2);
    Penstock__Bus__V1__RetryParkedRequest retry = PENSTOCK__BUS__V1__RETRY_PARKED_REQUEST__INIT;
    char id[64];
    snprintf(id, sizeof id, "%s", parked->data[0]->id);
    retry.id = id;
    assert_int_equal(world_call(world, "toystock", "RetryParked", "", &retry.base, NULL, 1000),
                     STATUS_CONFLICT);
    FILE *file = fopen(antidote, "we");
    fclose(file);
    assert_int_equal(world_call(world, "toystock", "RetryParked", "", &retry.base, NULL, 1000),
                     STATUS_OK);
    assert_int_equal(number("SELECT count(*) FROM toystock.parked"), 0);
    assert_int_equal(number("SELECT count(*) FROM toystock.applied WHERE id IN ('bad', 'behind')"),
                     2);
    assert_int_equal(add("Add", "after", "", "k", ""), STATUS_OK);
    assert_all_applied();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_command_commits_its_row_and_its_event_together),
        cmocka_unit_test(a_refusal_writes_nothing),
        cmocka_unit_test(a_repeat_gets_its_first_answer),
        cmocka_unit_test(only_the_guilty_command_of_a_turn_fails),
        cmocka_unit_test(what_cannot_be_known_yet_is_tried_again_for_a_second),
        cmocka_unit_test(who_lacks_the_permission_is_not_let_in),
        cmocka_unit_test(a_query_is_answered_by_a_lane),
        cmocka_unit_test(a_call_to_the_outside_is_taken_made_and_done),
        cmocka_unit_test(a_projection_follows_its_own_log),
        cmocka_unit_test(a_hold_is_adopted_by_the_event_that_names_it),
        cmocka_unit_test(the_other_services_refusal_is_the_commands),
        cmocka_unit_test(a_hold_that_a_refused_command_left_is_settled_at_once),
        cmocka_unit_test(an_accepted_command_goes_on_when_the_other_service_is_away),
        cmocka_unit_test(a_refused_event_parks_its_key_and_the_rest_flows_on),
    };
    return cmocka_run_group_tests(tests, open_world, close_world);
}
