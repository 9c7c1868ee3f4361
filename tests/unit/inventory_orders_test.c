/* Inventory and orders: what is placed, changed, cancelled, shipped and returned, as the logs of
 * others tell it. */
#include "inventory_world.h"

#define PLACED_US INT64_C(1794369603000000)

/* ---- orders ---- */

static void an_order_adopts_its_hold_and_releases_the_others(void **state)
{
    NEEDS_WORLD();
    struct sold sold = new_sold();
    char hold[UUID_TEXT_BYTES];
    stock("ADOPT", "hk-main", 10);
    add_line(&sold.of, "ADOPT", 2);
    add_line(&sold.of, "ADOPT", 1);
    reserve("c-adopt", "q1", WIRE_REQUIRE, &sold.of, "");
    reserve("c-adopt", "q2", WIRE_REQUIRE, &sold.of, "");
    strcpy(hold, world->reply->hold_id);
    expect_level("ADOPT", "hk-main", 4, 6, 0);
    append_placed(&sold, "c-adopt", hold, PLACED_US);
    show_all();
    expect_level("ADOPT", "hk-main", 7, 0, 3);
    assert_int_equal(allocated(&sold), 3);
    assert_int_equal(told(&sold), 1);
    assert_int_equal(number("SELECT count(*) FROM inventory.hold WHERE command_id = 'c-adopt'"), 0);
    /* a late repeat of the question finds what it got, and takes no more */
    const ReserveResponse *out = reserve("c-adopt", "q2", WIRE_REQUIRE, &sold.of, "");
    assert_int_equal(out->lines[0]->held, 2);
    assert_string_equal(world->reply->hold_id, hold);
    expect_level("ADOPT", "hk-main", 7, 0, 3);
    check_books();
}

static void who_waited_longest_is_served_first(void **state)
{
    NEEDS_WORLD();
    struct lines lines = {.count = 0};
    create_sku("QUEUE");
    struct sold younger = placed("QUEUE", 2, PLACED_US + 2);
    struct sold older = placed("QUEUE", 3, PLACED_US + 1);
    show_all();
    assert_int_equal(allocated(&older), 0);
    assert_int_equal(told(&older), 1);
    stock("QUEUE", "hk-main", 4);
    assert_int_equal(allocated(&older), 3);
    assert_int_equal(allocated(&younger), 1);
    assert_int_equal(told(&older), 2);
    assert_int_equal(told(&younger), 2);
    add_line(&lines, "QUEUE", 1);
    const ReserveResponse *out = reserve("c-queue", "q", WIRE_REQUIRE, &lines, "");
    assert_string_equal(out->refusal_code, "insufficient_stock");
    append_cancelled(&older, 3);
    show_all();
    assert_int_equal(allocated(&older), 0);
    assert_int_equal(allocated(&younger), 2);
    expect_level("QUEUE", "hk-main", 2, 0, 2);
    assert_int_equal(number("SELECT count(*) FROM inventory.backorder WHERE sku = 'QUEUE'"), 0);
    assert_int_equal(number("SELECT count(*) FROM inventory.event WHERE type = 'StockReleased'"
                            " AND key = '%s'",
                            older.id),
                     1);
    out = reserve("c-queue", "q", WIRE_REQUIRE, &lines, "");
    assert_int_equal(out->lines[0]->held, 1);
    check_books();
}

static void a_long_queue_is_served_to_its_end(void **state)
{
    NEEDS_WORLD();
    create_sku("LONG");
    for (int i = 0; i < 2500; i++)
        placed("LONG", 1, PLACED_US + i);
    show_all();
    assert_int_equal(number("SELECT sum(quantity) FROM inventory.backorder WHERE sku = 'LONG'"),
                     2500);
    stock("LONG", "hk-main", 2400);
    for (int i = 0;
         i < 300 && number("SELECT available FROM inventory.level WHERE sku = 'LONG'") > 0; i++)
        scripted_pause_ms(20);
    expect_level("LONG", "hk-main", 0, 0, 2400);
    assert_int_equal(number("SELECT sum(quantity) FROM inventory.backorder WHERE sku = 'LONG'"),
                     100);
    assert_int_equal(number("SELECT (extract(epoch from min(placed_at)) * 1000000)::bigint - %lld"
                            " FROM inventory.backorder WHERE sku = 'LONG'",
                            (long long)PLACED_US),
                     2400);
    check_books();
}

static void a_sku_that_comes_to_be_known_is_served(void **state)
{
    NEEDS_WORLD();
    struct sold sold = placed("LATER", 2, PLACED_US);
    show_all();
    assert_int_equal(told(&sold), 1);
    stock("LATER", "hk-main", 2);
    assert_int_equal(allocated(&sold), 2);
    check_books();
}

static void a_changed_order_gets_and_gives_back_the_difference(void **state)
{
    NEEDS_WORLD();
    stock("MORE", "hk-main", 5);
    stock("OTHER", "hk-main", 5);
    struct sold sold = placed("MORE", 2, PLACED_US);
    append_changed(&sold, "MORE", 4);
    show_all();
    expect_level("MORE", "hk-main", 1, 0, 4);
    append_changed(&sold, "MORE", 1);
    show_all();
    expect_level("MORE", "hk-main", 4, 0, 1);
    append_changed(&sold, "OTHER", 7);
    show_all();
    expect_level("MORE", "hk-main", 5, 0, 0);
    expect_level("OTHER", "hk-main", 0, 0, 5);
    assert_int_equal(number("SELECT sum(quantity) FROM inventory.backorder WHERE sku = 'OTHER'"),
                     2);
    append_changed(&sold, "MORE", 1);
    show_all();
    expect_level("OTHER", "hk-main", 5, 0, 0);
    assert_int_equal(number("SELECT count(*) FROM inventory.backorder WHERE sku = 'OTHER'"), 0);
    check_books();
}

/* ---- goods ---- */

static void what_ships_leaves_and_what_returns_comes_back(void **state)
{
    NEEDS_WORLD();
    Penstock__Returns__V1__DispositionLine lines[3], *list[3];
    Penstock__Returns__V1__ReturnInspected event = PENSTOCK__RETURNS__V1__RETURN_INSPECTED__INIT;
    stock("GOODS", "hk-main", 10);
    struct sold sold = placed("GOODS", 6, PLACED_US);
    show_all();
    append_shipped(&sold, "hk-main", 4);
    show_all();
    expect_level("GOODS", "hk-main", 4, 0, 2);
    assert_int_equal(told(&sold), 1);
    assert_int_equal(number("SELECT sum(quantity) FROM inventory.movement JOIN inventory.level"
                            " USING (level_id) WHERE sku = 'GOODS' AND to_bucket = 1"),
                     4);
    struct uuid id = uuid_new();
    char return_id[UUID_TEXT_BYTES];
    for (int i = 0; i < 3; i++) {
        penstock__returns__v1__disposition_line__init(&lines[i]);
        lines[i].sku = TEXT("GOODS");
        lines[i].quantity = i + 1;
        lines[i].disposition = (Penstock__Returns__V1__Disposition)(i + 1);
        list[i] = &lines[i];
    }
    event.order_id = sold.id;
    event.return_id = uuid_text(&id, return_id);
    event.location = TEXT("hk-main");
    event.lines = list;
    event.n_lines = 3;
    scripted_append(&world->logs[RETURNS], sold.id, &event.base);
    show_all();
    expect_level("GOODS", "hk-main", 5, 0, 2);
    assert_int_equal(level_at("GOODS", "hk-main", 0)->quality_control, 2);
    check_books();
}

static void what_the_books_do_not_have_is_set_aside(void **state)
{
    NEEDS_WORLD();
    stock("GHOST", "hk-main", 1);
    create_sku("GHOST-2");
    struct sold sold = placed("GHOST", 1, PLACED_US);
    show_all();
    append_shipped(&sold, "hk-shop", 1);
    show_all();
    assert_int_equal(number("SELECT count(*) FROM inventory.parked WHERE key = '%s'", sold.id), 1);
    expect_level("GHOST", "hk-main", 0, 0, 1);
    /* counted and found there after all: tried again, the order gives back what it held elsewhere
     */
    stock("GHOST", "hk-shop", 1);
    Penstock__Bus__V1__ListParkedRequest parked = PENSTOCK__BUS__V1__LIST_PARKED_REQUEST__INIT;
    Penstock__Bus__V1__RetryParkedRequest retry = PENSTOCK__BUS__V1__RETRY_PARKED_REQUEST__INIT;
    char id[UUID_TEXT_BYTES] = "";
    assert_int_equal(scripted_call(world, "ListParked", &parked.base,
                                   &penstock__bus__v1__list_parked_response__descriptor),
                     STATUS_OK);
    strcpy(id, ((Penstock__Bus__V1__ListParkedResponse *)world->answer)->data[0]->id);
    retry.id = id;
    assert_int_equal(scripted_call(world, "RetryParked", &retry.base, NULL), STATUS_OK);
    expect_level("GHOST", "hk-main", 1, 0, 0);
    expect_level("GHOST", "hk-shop", 0, 0, 0);
    assert_int_equal(told(&sold), 2);
    check_books();
}

/* ---- why ---- */

static void an_order_says_why_it_ships_from_there(void **state)
{
    NEEDS_WORLD();
    GetSourcingRequest in = PENSTOCK__INVENTORY__V1__GET_SOURCING_REQUEST__INIT;
    struct sold sold = new_sold();
    stock("WHY-A", "hk-main", 1);
    stock("WHY-A", "hk-shop", 1);
    stock("WHY-B", "hk-shop", 1);
    add_line(&sold.of, "WHY-A", 1);
    add_line(&sold.of, "WHY-B", 2);
    append_placed(&sold, "", "", PLACED_US);
    show_all();
    stock("WHY-B", "hk-main", 1);
    in.order = sold.id;
    assert_int_equal(
        ask("GetSourcing", &in.base, &penstock__inventory__v1__get_sourcing_response__descriptor),
        STATUS_OK);
    const GetSourcingResponse *out = (const GetSourcingResponse *)world->answer;
    assert_int_equal(out->n_data, 2);
    const SourcingDecision *first = out->data[0], *second = out->data[1];
    assert_string_equal(first->rule, "ranked_locations");
    assert_int_equal(first->parcels, 1);
    assert_int_equal(first->n_candidates, 3);
    assert_string_equal(first->candidates[0]->verdict, "not_needed");
    assert_string_equal(first->candidates[1]->verdict, "chosen");
    assert_string_equal(first->candidates[2]->verdict, "not_sellable");
    assert_int_equal(first->lines[1]->unallocated, 1);
    assert_string_equal(second->rule, "oldest_first");
    assert_string_equal(second->lines[0]->allocations[0]->location, "hk-main");
    check_books();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_order_adopts_its_hold_and_releases_the_others),
        cmocka_unit_test(who_waited_longest_is_served_first),
        cmocka_unit_test(a_long_queue_is_served_to_its_end),
        cmocka_unit_test(a_sku_that_comes_to_be_known_is_served),
        cmocka_unit_test(a_changed_order_gets_and_gives_back_the_difference),
        cmocka_unit_test(what_ships_leaves_and_what_returns_comes_back),
        cmocka_unit_test(what_the_books_do_not_have_is_set_aside),
        cmocka_unit_test(an_order_says_why_it_ships_from_there),
    };
    return cmocka_run_group_tests(tests, open_places, close_world);
}
