/* The fulfillment service itself, over the bus, on a real PostgreSQL; the logs of orders and
 * inventory are written here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fulfillment_world.h"

/* ---- tests ---- */

static void an_allocated_order_is_picked_packed_and_shipped(void **state)
{
    NEEDS_WORLD();
    char id[UUID_TEXT_BYTES];
    struct order order = placed_and_allocated(2, 1);
    newest(&order, STATUS(OPEN), id);
    const ListResponse *list = list_order(order.id);
    assert_int_equal(list->n_data, 1);
    assert_string_equal(list->data[0]->order_number, order.number);
    assert_string_equal(list->data[0]->location, "hk-main");
    assert_int_equal(list->data[0]->n_lines, 2);
    assert_string_equal(list->data[0]->lines[0]->name, "純棉T恤");
    int64_t version = list->data[0]->version;
    assert_int_equal(step("PickFulfillment", id, NULL, 0), STATUS_OK);
    assert_int_equal(answered()->status, STATUS(PICKED));
    assert_int_equal(answered()->version, version + 1);
    assert_int_equal(step("PackFulfillment", id, NULL, 0), STATUS_OK);
    assert_int_equal(answered()->status, STATUS(PACKED));
    assert_int_equal(ship(id, NULL, 0, ""), STATUS_OK);
    assert_int_equal(answered()->status, STATUS(SHIPPED));
    assert_int_equal(answered()->n_parcels, 1);
    assert_string_equal(answered()->parcels[0]->tracking_number, "SF123");
    const FulfillmentShipped *event = (const FulfillmentShipped *)last_event(
        &penstock__fulfillment__v1__fulfillment_shipped__descriptor);
    assert_string_equal(event->order_id, order.id);
    assert_true(event->is_complete);
    assert_int_equal(event->n_lines, 2);
    assert_int_equal(event->lines[0]->quantity, 2);
    assert_int_equal(event->lines[0]->total, 2);
    assert_string_equal(event->carrier, "sf-express");
}

static void shipping_at_once_emits_the_steps_that_it_implies(void **state)
{
    NEEDS_WORLD();
    char id[UUID_TEXT_BYTES];
    struct order order = placed_and_allocated(2, 1);
    newest(&order, STATUS(OPEN), id);
    long long picked = events_of("FulfillmentPicked"), packed = events_of("FulfillmentPacked");
    assert_int_equal(ship(id, "A", 1, ""), STATUS_OK);
    assert_int_equal(answered()->status, STATUS(OPEN));
    assert_int_equal(events_of("FulfillmentPicked"), picked + 1);
    assert_int_equal(events_of("FulfillmentPacked"), packed + 1);
    assert_int_equal(ship(id, NULL, 0, ""), STATUS_OK);
    const FulfillmentShipped *event = (const FulfillmentShipped *)last_event(
        &penstock__fulfillment__v1__fulfillment_shipped__descriptor);
    assert_int_equal(event->lines[0]->quantity, 1);
    assert_int_equal(event->lines[0]->total, 2);
    assert_int_equal(events_of("FulfillmentPicked"), picked + 2);
}

static void totals_run_over_all_fulfillment_orders_of_a_line(void **state)
{
    NEEDS_WORLD();
    char id[UUID_TEXT_BYTES];
    struct order order = new_order();
    append_placed(&order, 3, 0, true);
    append_allocated(&order, 2, 1, 0, 0);
    show_all();
    const ListResponse *list = list_order(order.number);
    assert_int_equal(list->n_data, 2);
    char other[UUID_TEXT_BYTES];
    snprintf(id, sizeof id, "%s", list->data[0]->id);
    snprintf(other, sizeof other, "%s", list->data[1]->id);
    assert_int_equal(ship(id, NULL, 0, ""), STATUS_OK);
    assert_int_equal(ship(other, NULL, 0, ""), STATUS_OK);
    const FulfillmentShipped *event = (const FulfillmentShipped *)last_event(
        &penstock__fulfillment__v1__fulfillment_shipped__descriptor);
    assert_int_equal(event->lines[0]->total, 3);
}

static void what_is_wrong_is_refused_and_writes_nothing(void **state)
{
    NEEDS_WORLD();
    char id[UUID_TEXT_BYTES];
    struct order order = placed_and_allocated(2, 1);
    newest(&order, STATUS(OPEN), id);
    long long before = all_events();
    assert_int_equal(step("PickFulfillment", id, "A", 3), STATUS_CONFLICT);
    assert_string_equal(world->reply->code, "quantity_too_large");
    assert_string_equal(world->reply->field, "lines[0].quantity");
    assert_int_equal(world->reply->n_details, 5);
    assert_string_equal(world->reply->details[0]->name, "left");
    assert_string_equal(world->reply->details[0]->value, "2");
    assert_int_equal(step("PickFulfillment", id, "C", 1), STATUS_INVALID);
    assert_string_equal(world->reply->code, "unknown_sku");
    assert_string_equal(world->reply->field, "lines[0].sku");
    assert_int_equal(step("PickFulfillment", id, "A", 0), STATUS_INVALID);
    assert_int_equal(step("PickFulfillment", order.id, NULL, 0), STATUS_NOT_FOUND);
    assert_int_equal(step("PickFulfillment", "x", NULL, 0), STATUS_NOT_FOUND);
    world->permission = "fulfillment:read";
    assert_int_equal(step("PickFulfillment", id, NULL, 0), STATUS_FORBIDDEN);
    assert_int_equal(all_events(), before);
    newest(&order, STATUS(OPEN), id);
}

static void a_repeated_command_has_one_effect(void **state)
{
    NEEDS_WORLD();
    char id[UUID_TEXT_BYTES], parcel[UUID_TEXT_BYTES];
    struct order order = placed_and_allocated(3, 0);
    newest(&order, STATUS(OPEN), id);
    world->command_id = "key/ship/1";
    assert_int_equal(ship(id, "A", 1, ""), STATUS_OK);
    snprintf(parcel, sizeof parcel, "%s", answered()->parcels[0]->id);
    long long before = all_events();
    world->command_id = "key/ship/1";
    assert_int_equal(ship(id, "A", 1, ""), STATUS_OK);
    assert_true(world->reply->repeated);
    assert_string_equal(answered()->parcels[0]->id, parcel);
    assert_int_equal(all_events(), before);
}

static void a_parcel_key_names_one_parcel(void **state)
{
    NEEDS_WORLD();
    char id[UUID_TEXT_BYTES];
    struct order order = placed_and_allocated(3, 0);
    newest(&order, STATUS(OPEN), id);
    assert_int_equal(ship(id, "A", 1, "box-1"), STATUS_OK);
    assert_int_equal(ship(id, "A", 1, "box-1"), STATUS_OK);
    assert_int_equal(answered()->n_parcels, 1);
    assert_int_equal(answered()->lines[0]->shipped, 1);
    assert_int_equal(ship(id, "A", 1, "box-2"), STATUS_OK);
    assert_int_equal(answered()->n_parcels, 2);
}

static void delivered_parcels_close_it_once(void **state)
{
    NEEDS_WORLD();
    char id[UUID_TEXT_BYTES], parcel[UUID_TEXT_BYTES];
    struct order order = placed_and_allocated(2, 0);
    newest(&order, STATUS(OPEN), id);
    assert_int_equal(ship(id, NULL, 0, ""), STATUS_OK);
    snprintf(parcel, sizeof parcel, "%s", answered()->parcels[0]->id);
    long long before = events_of("ParcelDelivered");
    assert_int_equal(deliver(id, parcel), STATUS_OK);
    assert_int_equal(answered()->status, STATUS(CLOSED));
    assert_true(answered()->parcels[0]->delivered_at_us > 0);
    assert_int_equal(deliver(id, parcel), STATUS_OK);
    assert_int_equal(events_of("ParcelDelivered"), before + 1);
    assert_int_equal(deliver(id, order.id), STATUS_NOT_FOUND);
}

static void cancelled_work_waits_for_its_hold(void **state)
{
    NEEDS_WORLD();
    char first[UUID_TEXT_BYTES], second[UUID_TEXT_BYTES];
    struct order order = placed_and_allocated(2, 1);
    newest(&order, STATUS(OPEN), first);
    assert_int_equal(step("PickFulfillment", first, "A", 2), STATUS_OK);
    assert_int_equal(cancel(first), STATUS_OK);
    assert_int_equal(answered()->status, STATUS(CANCELLED));
    assert_int_equal(answered()->lines[0]->picked, 0);
    const Penstock__Fulfillment__V1__FulfillmentCancelled *event =
        (const Penstock__Fulfillment__V1__FulfillmentCancelled *)last_event(
            &penstock__fulfillment__v1__fulfillment_cancelled__descriptor);
    assert_int_equal(event->n_lines, 2);
    assert_int_equal(event->lines[0]->quantity, 2);
    assert_int_equal(event->lines[0]->picked_total, 0);
    append_hold(&order, "fulfillment_cancelled", false);
    append_allocated(&order, 2, 0, 1, 0);
    show_all();
    newest(&order, STATUS(CANCELLED), second);
    append_hold(&order, "fulfillment_cancelled", true);
    show_all();
    newest(&order, STATUS(OPEN), second);
    assert_string_not_equal(first, second);
    assert_int_equal(list_order(order.number)->n_data, 2);
    assert_int_equal(ship(second, NULL, 0, ""), STATUS_OK);
    assert_int_equal(cancel(second), STATUS_CONFLICT);
    assert_string_equal(world->reply->code, "already_shipped");
}

static void held_work_waits_and_goes_on_by_itself(void **state)
{
    NEEDS_WORLD();
    char id[UUID_TEXT_BYTES];
    struct order order = placed_and_allocated(1, 0);
    append_hold(&order, "manual", false);
    show_all();
    newest(&order, STATUS(ON_HOLD), id);
    assert_int_equal(step("PickFulfillment", id, NULL, 0), STATUS_CONFLICT);
    assert_string_equal(world->reply->code, "order_on_hold");
    append_hold(&order, "manual", true);
    show_all();
    assert_int_equal(step("PickFulfillment", id, NULL, 0), STATUS_OK);
}

static void a_stop_holds_the_work_until_it_is_adopted(void **state)
{
    NEEDS_WORLD();
    char id[UUID_TEXT_BYTES], hold[UUID_TEXT_BYTES];
    struct order order = placed_and_allocated(3, 1);
    newest(&order, STATUS(OPEN), id);
    assert_int_equal(ship(id, "A", 1, ""), STATUS_OK);
    assert_int_equal(stop(&order, 3, "cancel-1", "q1"), STATUS_OK);
    const StopResponse *answer = (const StopResponse *)world->answer;
    assert_int_equal(answer->lines[0]->stopped, 2);
    assert_int_equal(answer->lines[0]->shipped, 1);
    snprintf(hold, sizeof hold, "%s", world->reply->hold_id);
    assert_int_equal(strlen(hold), 36);
    assert_int_equal(stop(&order, 3, "cancel-1", "q1"), STATUS_OK);
    assert_string_equal(world->reply->hold_id, hold);
    assert_int_equal(((const StopResponse *)world->answer)->lines[0]->stopped, 2);
    assert_int_equal(stop(&order, 2, "cancel-1", "q2"), STATUS_OK);
    assert_string_not_equal(world->reply->hold_id, hold);
    assert_int_equal(ship(id, NULL, 0, ""), STATUS_CONFLICT);
    assert_string_equal(world->reply->code, "work_stopped");
    assert_int_equal(cancel(id), STATUS_CONFLICT);
    append_cancelled(&order, 2, 0, false, "cancel-1", hold);
    show_all();
    assert_int_equal(scripted_number(world, "SELECT count(*) FROM fulfillment.stop"), 0);
    assert_int_equal(ship(id, NULL, 0, ""), STATUS_OK);
    assert_int_equal(answered()->lines[0]->shipped, 1);
    assert_int_equal(answered()->lines[0]->cancelled, 2);
    assert_int_equal(answered()->lines[1]->shipped, 1);
}

static void a_void_stop_frees_the_work(void **state)
{
    NEEDS_WORLD();
    char id[UUID_TEXT_BYTES], hold[UUID_TEXT_BYTES];
    struct order order = placed_and_allocated(1, 0);
    newest(&order, STATUS(OPEN), id);
    assert_int_equal(stop(&order, 1, "cancel-2", "q1"), STATUS_OK);
    snprintf(hold, sizeof hold, "%s", world->reply->hold_id);
    /* The asker names the hold of its answer before, which is void: it gets another. */
    world->void_hold_id = hold;
    assert_int_equal(stop(&order, 1, "cancel-2", "q1"), STATUS_OK);
    assert_string_not_equal(world->reply->hold_id, hold);
    snprintf(hold, sizeof hold, "%s", world->reply->hold_id);
    assert_int_equal(scripted_number(world, "SELECT count(*) FROM fulfillment.stop"), 1);
    Penstock__Bus__V1__HoldVoided event = PENSTOCK__BUS__V1__HOLD_VOIDED__INIT;
    event.hold_id = hold;
    event.holder = TEXT("fulfillment");
    scripted_append(&world->logs[ORDERS], hold, &event.base);
    show_all();
    assert_int_equal(ship(id, NULL, 0, ""), STATUS_OK);
}

static void a_stop_of_an_order_not_heard_of_yet_stops_all(void **state)
{
    NEEDS_WORLD();
    struct order order = new_order();
    char hold[UUID_TEXT_BYTES];
    assert_int_equal(stop(&order, 2, "cancel-3", "q1"), STATUS_OK);
    assert_int_equal(((const StopResponse *)world->answer)->lines[0]->stopped, 2);
    snprintf(hold, sizeof hold, "%s", world->reply->hold_id);
    append_placed(&order, 2, 0, true);
    append_allocated(&order, 2, 0, 0, 0);
    append_cancelled(&order, 2, 0, true, "cancel-3", hold);
    show_all();
    for (const ListResponse *list = list_order(order.number); list->n_data > 0; list = NULL) {
        assert_int_equal(list->data[0]->status, STATUS(CANCELLED));
        break;
    }
    assert_int_equal(scripted_number(world, "SELECT count(*) FROM fulfillment.stop"), 0);
}

/* Every interleaving of four events of orders with two of inventory, each tried on an order of its
 * own through the real handlers and rows. */
static void the_order_of_the_logs_does_not_matter(void **state)
{
    NEEDS_WORLD();
    enum { STEPS = 6, MAX_CASES = 15 };
    struct order orders[MAX_CASES];
    unsigned choices[MAX_CASES];
    size_t ncases = 0;
    for (unsigned choice = 0; choice < 1u << STEPS; choice++)
        if (__builtin_popcount(choice) == 2) {
            orders[ncases] = new_order();
            choices[ncases++] = choice;
        }
    assert_int_equal(ncases, MAX_CASES);
    for (unsigned at = 0; at < STEPS; at++) {
        for (size_t i = 0; i < ncases; i++) {
            int inventory_done = __builtin_popcount(choices[i] & ((1u << at) - 1));
            int orders_done = (int)at - inventory_done;
            if ((choices[i] >> at & 1) != 0)
                append_allocated(&orders[i], inventory_done == 0 ? 4 : 3, 0, 1, 0);
            else if (orders_done == 0)
                append_placed(&orders[i], 4, 1, false);
            else if (orders_done == 1)
                append_confirmed(&orders[i]);
            else if (orders_done == 2)
                append_hold(&orders[i], "manual", false);
            else
                append_cancelled(&orders[i], 1, 0, false, "", "");
        }
        show_all();
    }
    for (size_t i = 0; i < ncases; i++) {
        const ListResponse *list = list_order(orders[i].number);
        assert_int_equal(list->n_data, 1);
        assert_int_equal(list->data[0]->status, STATUS(ON_HOLD));
        assert_int_equal(list->data[0]->n_lines, 2);
        assert_int_equal(list->data[0]->lines[0]->allocated - list->data[0]->lines[0]->cancelled,
                         3);
        assert_int_equal(list->data[0]->lines[1]->allocated, 1);
    }
    assert_int_equal(scripted_number(world, "SELECT count(*) FROM fulfillment.parked"), 0);
}

static void lists_page_by_key_with_every_filter(void **state)
{
    NEEDS_WORLD();
    for (int i = 0; i < 7; i++) {
        struct order order = new_order();
        append_placed(&order, 2, 0, i % 2 == 0);
        append_allocated(&order, i % 3 == 0 ? 0 : 2, i % 3 == 0 ? 2 : 0, 0, 0);
    }
    show_all();
    static const struct {
        const char *location;
        int status;
    } filters[] = {
        {"", 0}, {"hk-main", 0}, {"", STATUS(OPEN)}, {"tw-main", STATUS(SCHEDULED)}, {"x", 0}};
    for (size_t f = 0; f < sizeof filters / sizeof filters[0]; f++) {
        char sql[256], cursor[64] = "", last[UUID_TEXT_BYTES] = "~";
        snprintf(sql, sizeof sql,
                 "SELECT count(*) FROM fulfillment.fulfillment_order"
                 " WHERE ('%s' = '' OR location = '%s') AND (%d = 0 OR status = %d)",
                 filters[f].location, filters[f].location, filters[f].status, filters[f].status);
        long long seen = 0, expected = scripted_number(world, sql);
        do {
            ListRequest request = PENSTOCK__FULFILLMENT__V1__LIST_FULFILLMENTS_REQUEST__INIT;
            request.limit = 3;
            request.location = TEXT(filters[f].location);
            request.status = (Penstock__Fulfillment__V1__FulfillmentOrderStatus)filters[f].status;
            request.cursor = cursor;
            const ListResponse *list = list_of(&request);
            for (size_t i = 0; i < list->n_data; i++, seen++) {
                assert_true(strcmp(list->data[i]->id, last) < 0);
                snprintf(last, sizeof last, "%s", list->data[i]->id);
            }
            snprintf(cursor, sizeof cursor, "%s", list->next_cursor);
        } while (cursor[0] != '\0');
        assert_int_equal(seen, expected);
    }
    ListRequest request = PENSTOCK__FULFILLMENT__V1__LIST_FULFILLMENTS_REQUEST__INIT;
    request.cursor = TEXT("###");
    assert_int_equal(
        scripted_call(world, "ListFulfillments", &request.base,
                      &penstock__fulfillment__v1__list_fulfillments_response__descriptor),
        STATUS_INVALID);
    assert_string_equal(world->reply->field, "cursor");
    assert_int_equal(list_order("NONE-1")->n_data, 0);
}

static void a_bad_event_parks_its_order_alone(void **state)
{
    NEEDS_WORLD();
    char id[UUID_TEXT_BYTES];
    struct order bad = new_order();
    append_placed(&bad, -5, 0, true);
    append_confirmed(&bad);
    struct order good = placed_and_allocated(1, 0);
    newest(&good, STATUS(OPEN), id);
    assert_int_equal(scripted_number(world, "SELECT count(*) FROM fulfillment.parked"), 2);
    assert_int_equal(list_order(bad.number)->n_data, 0);
}

/* Killed again and again while it reads: every order has its work once. */
static void killed_at_any_moment_it_loses_and_doubles_nothing(void **state)
{
    NEEDS_WORLD();
    enum { COUNT = 3000 };
    long long before = scripted_number(world, "SELECT count(*) FROM fulfillment.fulfillment_order");
    for (int i = 0; i < COUNT; i++) {
        struct order order = new_order();
        append_placed(&order, 2, 1, true);
        append_allocated(&order, 2, 0, 1, 0);
    }
    srandom((unsigned)clock_wall_us());
    scripted_show(&world->logs[ORDERS], SCRIPTED_MAX_EVENTS);
    scripted_show(&world->logs[INVENTORY], SCRIPTED_MAX_EVENTS);
    for (int kills = 0; kills < 4; kills++) {
        scripted_pause_ms(20 + (int)(random() % 100));
        scripted_end(world, SIGKILL);
        scripted_spawn(world);
    }
    scripted_await_ready(world);
    scripted_settle(world);
    assert_int_equal(scripted_number(world, "SELECT count(*) FROM fulfillment.fulfillment_order"),
                     before + COUNT);
    assert_int_equal(
        scripted_number(world,
                        "SELECT count(*) FROM fulfillment.fulfillment_line WHERE allocated > 4"),
        0);
    assert_int_equal(scripted_number(world,
                                     "SELECT count(*) FROM (SELECT f.id FROM"
                                     " fulfillment.fulfillment_order f LEFT JOIN"
                                     " fulfillment.fulfillment_line l ON l.fulfillment_id = f.id"
                                     " GROUP BY f.id HAVING count(l) = 0) nothing"),
                     0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_allocated_order_is_picked_packed_and_shipped),
        cmocka_unit_test(shipping_at_once_emits_the_steps_that_it_implies),
        cmocka_unit_test(totals_run_over_all_fulfillment_orders_of_a_line),
        cmocka_unit_test(what_is_wrong_is_refused_and_writes_nothing),
        cmocka_unit_test(a_repeated_command_has_one_effect),
        cmocka_unit_test(a_parcel_key_names_one_parcel),
        cmocka_unit_test(delivered_parcels_close_it_once),
        cmocka_unit_test(cancelled_work_waits_for_its_hold),
        cmocka_unit_test(held_work_waits_and_goes_on_by_itself),
        cmocka_unit_test(a_stop_holds_the_work_until_it_is_adopted),
        cmocka_unit_test(a_void_stop_frees_the_work),
        cmocka_unit_test(a_stop_of_an_order_not_heard_of_yet_stops_all),
        cmocka_unit_test(the_order_of_the_logs_does_not_matter),
        cmocka_unit_test(lists_page_by_key_with_every_filter),
        cmocka_unit_test(a_bad_event_parks_its_order_alone),
        cmocka_unit_test(killed_at_any_moment_it_loses_and_doubles_nothing),
    };
    return cmocka_run_group_tests_name("fulfillment service", tests, open_world, close_world);
}
