/* Inventory itself, over the bus, on a real PostgreSQL: what it promises, and what its books say.
 */
#include "inventory_world.h"

#define SECOND_US INT64_C(1000000)
#define PLACED_US INT64_C(1794369603000000)

/* ---- by hand ---- */

static void stock_is_adjusted_with_a_reason(void **state)
{
    NEEDS_WORLD();
    create_sku("TEE-M");
    assert_null(level_at("TEE-M", "", 0));
    stock("TEE-M", "hk-main", 200);
    expect_level("TEE-M", "hk-main", 200, 0, 0);
    assert_int_equal(adjust("TEE-M", "hk-main", -201, "lost"), STATUS_CONFLICT);
    assert_string_equal(world->reply->code, "insufficient_stock");
    assert_string_equal(world->reply->details[0]->value, "200");
    assert_int_equal(adjust("TEE-M", "hk-main", -1, "because"), STATUS_INVALID);
    assert_string_equal(world->reply->field, "reason");
    assert_int_equal(adjust("NONE", "hk-main", 1, "found"), STATUS_INVALID);
    assert_string_equal(world->reply->code, "unknown_sku");
    assert_int_equal(adjust("TEE-M", "nowhere", 1, "found"), STATUS_INVALID);
    assert_string_equal(world->reply->code, "unknown_location");
    assert_int_equal(adjust("TEE-M", "hk-main", 0, "found"), STATUS_INVALID);
    assert_int_equal(adjust("TEE-M", "hk-main", INT64_MAX, "found"), STATUS_INVALID);
    assert_int_equal(number("SELECT count(*) FROM inventory.movement"), 1);
    check_books();
}

static void a_figure_is_set_only_if_it_is_as_expected(void **state)
{
    NEEDS_WORLD();
    AdjustStockRequest in = PENSTOCK__INVENTORY__V1__ADJUST_STOCK_REQUEST__INIT;
    Penstock__Inventory__V1__SetTo set = PENSTOCK__INVENTORY__V1__SET_TO__INIT;
    stock("SET", "hk-main", 7);
    in.sku = TEXT("SET");
    in.location = TEXT("hk-main");
    in.reason = TEXT("counted");
    in.set = &set;
    set.quantity = 5;
    set.expected = 6;
    assert_int_equal(
        ask("AdjustStock", &in.base, &penstock__inventory__v1__adjust_stock_response__descriptor),
        STATUS_CONFLICT);
    assert_string_equal(world->reply->code, "unexpected_quantity");
    set.expected = 7;
    assert_int_equal(
        ask("AdjustStock", &in.base, &penstock__inventory__v1__adjust_stock_response__descriptor),
        STATUS_OK);
    assert_int_equal(((const AdjustStockResponse *)world->answer)->adjustment->delta, -2);
    expect_level("SET", "hk-main", 5, 0, 0);
}

static void names_are_unique_and_well_formed(void **state)
{
    NEEDS_WORLD();
    static const char *const bad_skus[] = {"",
                                           " A",
                                           "A ",
                                           "a\nb",
                                           "\x7f",
                                           "\xff",
                                           "12345678901234567890123456789012345678901234567890"
                                           "123456789012345"};
    CreateItemRequest in = PENSTOCK__INVENTORY__V1__CREATE_ITEM_REQUEST__INIT;
    in.name = TEXT("x");
    for (size_t i = 0; i < sizeof bad_skus / sizeof *bad_skus; i++) {
        in.sku = TEXT(bad_skus[i]);
        assert_int_equal(ask("CreateItem", &in.base, NULL), STATUS_INVALID);
    }
    in.sku = TEXT("紅 色");
    assert_int_equal(ask("CreateItem", &in.base, NULL), STATUS_OK);
    assert_int_equal(ask("CreateItem", &in.base, NULL), STATUS_CONFLICT);
    assert_string_equal(world->reply->code, "duplicate_sku");
    CreateLocationRequest place = PENSTOCK__INVENTORY__V1__CREATE_LOCATION_REQUEST__INIT;
    place.name = TEXT("x");
    place.code = TEXT("HK");
    assert_int_equal(ask("CreateLocation", &place.base, NULL), STATUS_INVALID);
    place.code = TEXT("hk-main");
    assert_int_equal(ask("CreateLocation", &place.base, NULL), STATUS_CONFLICT);
    assert_string_equal(world->reply->code, "duplicate_code");
}

/* ---- holds ---- */

static void the_same_question_finds_the_same_hold(void **state)
{
    NEEDS_WORLD();
    struct lines lines = {.count = 0};
    char first[UUID_TEXT_BYTES], second[UUID_TEXT_BYTES];
    stock("SAME", "hk-main", 10);
    add_line(&lines, "SAME", 3);
    const ReserveResponse *out = reserve("c-same", "q1", WIRE_REQUIRE, &lines, "");
    assert_int_equal(out->lines[0]->held, 3);
    assert_string_equal(out->lines[0]->name, "純棉T恤 M");
    assert_string_equal(out->lines[0]->allocations[0]->location, "hk-main");
    strcpy(first, world->reply->hold_id);
    out = reserve("c-same", "q1", WIRE_REQUIRE, &lines, "");
    assert_int_equal(out->lines[0]->held, 3);
    assert_string_equal(world->reply->hold_id, first);
    expect_level("SAME", "hk-main", 7, 3, 0);
    reserve("c-same", "q2", WIRE_REQUIRE, &lines, "");
    strcpy(second, world->reply->hold_id);
    assert_string_not_equal(second, first);
    expect_level("SAME", "hk-main", 4, 6, 0);
    world->void_hold_id = second;
    reserve("c-same", "q2", WIRE_REQUIRE, &lines, "");
    assert_string_not_equal(world->reply->hold_id, second);
    expect_level("SAME", "hk-main", 4, 6, 0);
    check_books();
}

static void require_says_which_line_is_short(void **state)
{
    NEEDS_WORLD();
    struct lines lines = {.count = 0};
    stock("HAS", "hk-main", 10);
    stock("LACKS", "hk-main", 1);
    add_line(&lines, "HAS", 1);
    add_line(&lines, "LACKS", 2);
    const ReserveResponse *out = reserve("c-short", "q", WIRE_REQUIRE, &lines, "");
    assert_string_equal(out->refusal_code, "insufficient_stock");
    assert_int_equal(out->refusal_line, 1);
    assert_int_equal(out->lines[1]->available, 1);
    assert_string_equal(world->reply->hold_id, "");
    expect_level("HAS", "hk-main", 10, 0, 0);
    add_line(&lines, "UNKNOWN", 1);
    out = reserve("c-short", "q2", WIRE_REQUIRE, &lines, "");
    assert_string_equal(out->refusal_code, "unknown_sku");
    out = reserve("c-short", "q3", WIRE_ACCEPT, &lines, "");
    assert_string_equal(out->refusal_code, "");
    assert_int_equal(out->lines[1]->held, 1);
    assert_false(out->lines[2]->is_known);
    check_books();
}

/* How many of many questions asked at once got a hold. */
struct crowd {
    int waiting, held, refused, failed;
};
static void crowd_reply(void *context, const ReplyHeader *header, const uint8_t *payload,
                        size_t bytes)
{
    struct crowd *crowd = context;
    (void)payload;
    (void)bytes;
    crowd->waiting--;
    if (header->status != PENSTOCK__BUS__V1__STATUS__STATUS_OK)
        crowd->failed++;
    else if (*header->hold_id != '\0')
        crowd->held++;
    else
        crowd->refused++;
}

static enum status crowd_ask(struct bus_client *client, const char *name, int buyer,
                             struct lines *lines, struct crowd *crowd)
{
    RequestHeader header = PENSTOCK__BUS__V1__REQUEST_HEADER__INIT;
    ReserveRequest in = PENSTOCK__INVENTORY__V1__RESERVE_REQUEST__INIT;
    char command[64], *permissions[] = {TEXT("internal")};
    snprintf(command, sizeof command, "key:0192aaaa-1111-7000-8000-000000000000|%s|%d", name,
             buyer);
    header.method = TEXT("inventory.Reserve");
    header.actor = TEXT("key:0192aaaa-1111-7000-8000-000000000000");
    header.permissions = permissions;
    header.n_permissions = 1;
    header.command_id = command;
    header.question_hash = TEXT("5f3c1de2a90b44d7b1f0");
    header.asker = TEXT("orders");
    in.policy = WIRE_REQUIRE;
    in.lines = lines->list;
    in.n_lines = lines->count;
    crowd->waiting++;
    return bus_ask_message(client, "inventory", &header, &in.base, 20000, crowd_reply, crowd);
}

static void two_thousand_buyers_of_two_hundred_units(void **state)
{
    NEEDS_WORLD();
    struct lines lines = {.count = 0};
    struct crowd crowd = {0};
    struct bus_client *client = bus_client_open(world->loop, 4000);
    stock("HOT", "hk-main", 200);
    add_line(&lines, "HOT", 1);
    for (int i = 0; i < 2000; i++)
        assert_int_equal(crowd_ask(client, "hot", i, &lines, &crowd), STATUS_OK);
    while (crowd.waiting > 0)
        bus_loop_once(world->loop, 100);
    assert_int_equal(crowd.held, 200);
    assert_int_equal(crowd.refused, 1800);
    assert_int_equal(crowd.failed, 0);
    expect_level("HOT", "hk-main", 0, 200, 0);
    check_books();
}

static bool was_asked_to_settle;
static const ProtobufCMessage *note_settle(const char *method)
{
    if (strcmp(method, "SettleHold") == 0)
        was_asked_to_settle = true;
    return NULL;
}

static void a_hold_that_no_command_used_is_settled_and_given_back(void **state)
{
    NEEDS_WORLD();
    struct lines lines = {.count = 0};
    char hold[UUID_TEXT_BYTES];
    Penstock__Bus__V1__HintHoldRequest hint = PENSTOCK__BUS__V1__HINT_HOLD_REQUEST__INIT;
    stock("VOID", "hk-main", 5);
    add_line(&lines, "VOID", 5);
    reserve("c-void", "q", WIRE_REQUIRE, &lines, "");
    strcpy(hold, world->reply->hold_id);
    world->logs[ORDERS].answer = note_settle;
    hint.command_id = TEXT("c-void");
    hint.hold_id = hold;
    hint.asker = TEXT("orders");
    assert_int_equal(scripted_call(world, "HintHold", &hint.base, NULL), STATUS_OK);
    for (int i = 0; i < 200 && !was_asked_to_settle; i++)
        scripted_pause_ms(10);
    assert_true(was_asked_to_settle);
    append_voided("c-void", hold);
    show_all();
    expect_level("VOID", "hk-main", 5, 0, 0);
    append_voided("c-void", hold);
    show_all();
    expect_level("VOID", "hk-main", 5, 0, 0);
    check_books();
}

/* ---- checkouts ---- */

static enum status check_out(struct lines *lines, int32_t seconds, char id[UUID_TEXT_BYTES])
{
    CreateReservationRequest in = PENSTOCK__INVENTORY__V1__CREATE_RESERVATION_REQUEST__INIT;
    in.lines = lines->list;
    in.n_lines = lines->count;
    in.expires_in_seconds = seconds;
    enum status status = ask("CreateReservation", &in.base,
                             &penstock__inventory__v1__create_reservation_response__descriptor);
    if (status == STATUS_OK)
        strcpy(id, ((const CreateReservationResponse *)world->answer)->reservation->id);
    return status;
}

static int reservation_state(char *id)
{
    GetReservationRequest in = PENSTOCK__INVENTORY__V1__GET_RESERVATION_REQUEST__INIT;
    in.id = id;
    assert_int_equal(ask("GetReservation", &in.base,
                         &penstock__inventory__v1__get_reservation_response__descriptor),
                     STATUS_OK);
    return (int)((const GetReservationResponse *)world->answer)->reservation->status;
}

static void a_checkout_stops_counting_the_moment_it_expires(void **state)
{
    NEEDS_WORLD();
    struct lines lines = {.count = 0};
    char id[UUID_TEXT_BYTES];
    stock("CART", "hk-main", 2);
    add_line(&lines, "CART", 2);
    assert_int_equal(check_out(&lines, 1, id), STATUS_OK);
    int64_t made_us = clock_wall_us();
    expect_level("CART", "hk-main", 0, 2, 0);
    assert_int_equal(check_out(&lines, 1, id), STATUS_CONFLICT);
    assert_string_equal(world->reply->code, "insufficient_stock");
    assert_string_equal(world->reply->field, "lines[0].quantity");
    while (clock_wall_us() < made_us + SECOND_US)
        scripted_pause_ms(1);
    const ReserveResponse *out = reserve("c-cart", "q", WIRE_REQUIRE, &lines, "");
    assert_int_equal(out->lines[0]->held, 2);
    assert_int_equal(reservation_state(id), RESERVATION_EXPIRED);
    check_books();
}

static void an_order_claims_its_checkout(void **state)
{
    NEEDS_WORLD();
    struct lines lines = {.count = 0};
    struct sold sold = new_sold();
    char id[UUID_TEXT_BYTES], claim[UUID_TEXT_BYTES];
    stock("CLAIM", "hk-main", 3);
    add_line(&lines, "CLAIM", 3);
    assert_int_equal(check_out(&lines, 0, id), STATUS_OK);
    add_line(&sold.of, "CLAIM", 1);
    assert_string_equal(reserve("c-cl0", "q", WIRE_REQUIRE, &sold.of, id)->refusal_code,
                        "reservation_mismatch");
    add_line(&sold.of, "CLAIM", 2);
    assert_int_equal(reserve("c-cl1", "q", WIRE_REQUIRE, &sold.of, id)->lines[1]->held, 2);
    strcpy(claim, world->reply->hold_id);
    assert_string_equal(reserve("c-cl2", "q", WIRE_REQUIRE, &sold.of, id)->refusal_code,
                        "reservation_not_found");
    append_voided("c-cl1", claim);
    show_all();
    assert_int_equal(reservation_state(id), RESERVATION_HELD);
    expect_level("CLAIM", "hk-main", 0, 3, 0);
    assert_int_equal(reserve("c-cl3", "q", WIRE_REQUIRE, &sold.of, id)->n_lines, 2);
    assert_string_not_equal(world->reply->hold_id, claim);
    strcpy(claim, world->reply->hold_id);
    append_placed(&sold, "c-cl3", claim, PLACED_US);
    show_all();
    assert_int_equal(reservation_state(id), RESERVATION_COMMITTED);
    expect_level("CLAIM", "hk-main", 0, 0, 3);
    ReleaseReservationRequest in = PENSTOCK__INVENTORY__V1__RELEASE_RESERVATION_REQUEST__INIT;
    in.id = id;
    assert_int_equal(ask("ReleaseReservation", &in.base, NULL), STATUS_CONFLICT);
    append_cancelled(&sold, 1);
    show_all();
    assert_int_equal(allocated(&sold), 2);
    check_books();
}

static void a_checkout_is_given_back_once(void **state)
{
    NEEDS_WORLD();
    struct lines lines = {.count = 0};
    char id[UUID_TEXT_BYTES];
    stock("BACK", "hk-main", 1);
    add_line(&lines, "BACK", 1);
    assert_int_equal(check_out(&lines, 60, id), STATUS_OK);
    ReleaseReservationRequest in = PENSTOCK__INVENTORY__V1__RELEASE_RESERVATION_REQUEST__INIT;
    in.id = id;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(ask("ReleaseReservation", &in.base, NULL), STATUS_OK);
        expect_level("BACK", "hk-main", 1, 0, 0);
        assert_int_equal(reservation_state(id), RESERVATION_RELEASED);
    }
    check_books();
}

/* ---- the past, and why ---- */

/* Random work on one SKU; what each moment's level was is noted from the answers. */
static void the_level_of_any_moment_is_exact(void **state)
{
    NEEDS_WORLD();
    enum { MOMENTS = 700 };
    static int64_t at_us[MOMENTS], available[MOMENTS], reserved[MOMENTS];
    struct lines lines = {.count = 0};
    char command[32];
    stock("PAST", "hk-main", 5);
    int64_t before_us = clock_wall_us();
    stock("THEN", "hk-main", 1000);
    add_line(&lines, "THEN", 1);
    for (int i = 0; i < MOMENTS; i++) {
        snprintf(command, sizeof command, "c-then-%d", i);
        if (i % 3 == 0)
            adjust("THEN", "hk-main", i % 7 - 3 == 0 ? 1 : i % 7 - 3, "counted");
        else
            reserve(command, "q", WIRE_REQUIRE, &lines, "");
        const Level *level = level_at("THEN", "hk-main", 0);
        available[i] = level->available;
        reserved[i] = level->reserved;
        at_us[i] = clock_wall_us();
    }
    assert_true(number("SELECT count(*) FROM inventory.level_snapshot s JOIN inventory.level l"
                       " USING (level_id) WHERE l.sku = 'THEN'") >= 3);
    assert_null(level_at("THEN", "hk-main", before_us));
    for (int i = 0; i < MOMENTS; i++) {
        const Level *level = level_at("THEN", "hk-main", at_us[i]);
        assert_int_equal(level->available, available[i]);
        assert_int_equal(level->reserved, reserved[i]);
        assert_int_equal(level->on_hand, available[i] + reserved[i]);
    }
    check_books();
}

static void movements_are_listed_newest_first_by_pages(void **state)
{
    NEEDS_WORLD();
    ListMovementsRequest in = PENSTOCK__INVENTORY__V1__LIST_MOVEMENTS_REQUEST__INIT;
    static const char *const filters[][2] = {
        {"", ""}, {"THEN", ""}, {"", "hk-main"}, {"THEN", "hk-main"}};
    for (size_t f = 0; f < 4; f++) {
        int64_t last = INT64_MAX, count = 0;
        char cursor[200] = "";
        in.sku = TEXT(filters[f][0]);
        in.location = TEXT(filters[f][1]);
        in.limit = 200;
        in.cursor = cursor;
        do {
            assert_int_equal(ask("ListMovements", &in.base,
                                 &penstock__inventory__v1__list_movements_response__descriptor),
                             STATUS_OK);
            const ListMovementsResponse *out = (const ListMovementsResponse *)world->answer;
            for (size_t i = 0; i < out->n_data; i++, count++) {
                assert_true(out->data[i]->position < last);
                last = out->data[i]->position;
            }
            strcpy(cursor, out->next_cursor);
        } while (*cursor != '\0');
        assert_int_equal(count,
                         number("SELECT count(*) FROM inventory.movement JOIN inventory.level"
                                " USING (level_id) WHERE ('%s' = '' OR sku = '%s') AND ('%s' = ''"
                                " OR location = '%s')",
                                in.sku, in.sku, in.location, in.location));
    }
}

/* ---- trouble ---- */

/* The database refuses a turn; what memory had booked in it never happened. */
static void a_turn_that_fails_leaves_no_trace_in_memory(void **state)
{
    NEEDS_WORLD();
    struct lines lines = {.count = 0}, other = {.count = 0};
    struct crowd crowd = {0};
    struct bus_client *client = bus_client_open(world->loop, 4000);
    stock("FAIL", "hk-main", 60);
    stock("FINE", "hk-main", 60);
    add_line(&lines, "FINE", 1);
    add_line(&lines, "FAIL", 1);
    add_line(&other, "FINE", 1);
    number(
        "ALTER TABLE inventory.level ADD CONSTRAINT test_refuses CHECK (sku <> 'FAIL' OR available"
        " >= 50)");
    for (int i = 0; i < 40; i++) {
        assert_int_equal(crowd_ask(client, "fail", i, &lines, &crowd), STATUS_OK);
        assert_int_equal(crowd_ask(client, "fine", i, &other, &crowd), STATUS_OK);
    }
    while (crowd.waiting > 0)
        bus_loop_once(world->loop, 100);
    assert_int_equal(crowd.held, 50);
    assert_int_equal(crowd.failed, 30);
    expect_level("FAIL", "hk-main", 50, 10, 0);
    expect_level("FINE", "hk-main", 10, 50, 0);
    check_books();
    number("ALTER TABLE inventory.level DROP CONSTRAINT test_refuses");
    crowd = (struct crowd){0};
    for (int i = 0; i < 40; i++)
        assert_int_equal(crowd_ask(client, "fail", i, &lines, &crowd), STATUS_OK);
    while (crowd.waiting > 0)
        bus_loop_once(world->loop, 100);
    assert_int_equal(crowd.held, 20);
    assert_int_equal(crowd.refused, 20);
    expect_level("FAIL", "hk-main", 40, 20, 0);
    check_books();
}

static void a_process_that_is_killed_forgets_nothing_and_holds_nothing_twice(void **state)
{
    NEEDS_WORLD();
    struct lines lines = {.count = 0};
    struct crowd crowd = {0}, again = {0};
    struct bus_client *client = bus_client_open(world->loop, 4000);
    stock("KILL", "hk-main", 100000);
    add_line(&lines, "KILL", 1);
    for (int i = 0; i < 1500; i++)
        assert_int_equal(crowd_ask(client, "kill", i, &lines, &crowd), STATUS_OK);
    while (crowd.held < 200)
        bus_loop_once(world->loop, 10);
    scripted_end(world, SIGKILL);
    scripted_spawn(world);
    while (crowd.waiting > 0)
        bus_loop_once(world->loop, 100);
    scripted_await_ready(world);
    for (int i = 0; i < 1500; i++)
        assert_int_equal(crowd_ask(client, "kill", i, &lines, &again), STATUS_OK);
    while (again.waiting > 0)
        bus_loop_once(world->loop, 100);
    assert_int_equal(again.held, 1500);
    expect_level("KILL", "hk-main", 100000 - 1500, 1500, 0);
    check_books();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stock_is_adjusted_with_a_reason),
        cmocka_unit_test(a_figure_is_set_only_if_it_is_as_expected),
        cmocka_unit_test(names_are_unique_and_well_formed),
        cmocka_unit_test(the_same_question_finds_the_same_hold),
        cmocka_unit_test(require_says_which_line_is_short),
        cmocka_unit_test(two_thousand_buyers_of_two_hundred_units),
        cmocka_unit_test(a_hold_that_no_command_used_is_settled_and_given_back),
        cmocka_unit_test(a_checkout_stops_counting_the_moment_it_expires),
        cmocka_unit_test(an_order_claims_its_checkout),
        cmocka_unit_test(a_checkout_is_given_back_once),
        cmocka_unit_test(the_level_of_any_moment_is_exact),
        cmocka_unit_test(movements_are_listed_newest_first_by_pages),
        cmocka_unit_test(a_turn_that_fails_leaves_no_trace_in_memory),
        cmocka_unit_test(a_process_that_is_killed_forgets_nothing_and_holds_nothing_twice),
    };
    return cmocka_run_group_tests(tests, open_places, close_world);
}
