/* Reading: lists by key, search, the timeline, contacts. */
#include "orders_world.h"

/* ---- reading ---- */

static ListOrdersResponse *list(ListOrdersRequest *in)
{
    world->permission = "orders:read";
    assert_int_equal(CALL(ListOrders, list_orders, in), STATUS_OK);
    return (ListOrdersResponse *)world->answer;
}

static void lists_page_by_key_and_find_by_number_customer_and_sku(void **state)
{
    NEEDS_WORLD();
    add_channel("list", true);
    char ids[7][UUID_TEXT_BYTES];
    const char *external_id = NULL;
    for (int i = 0; i < 7; i++) {
        PlaceOrderRequest *in = paid_request();
        in->channel = TEXT("list");
        in->placed_at_us = NOW_US + i / 2; /* some at the same moment */
        in->customer->email = TEXT("List.Buyer@Example.com");
        in->customer->phone = TEXT("+852 6000 7000");
        in->lines[0]->sku = TEXT("LISTED");
        external_id = in->external_id;
        snprintf(ids[i], UUID_TEXT_BYTES, "%s", place(in)->id);
    }
    ListOrdersRequest in;
    penstock__orders__v1__list_orders_request__init(&in);
    in.channel = TEXT("list");
    in.limit = 3;
    int seen = 0;
    char cursor[64] = "";
    for (int page = 0; page < 4; page++) {
        in.cursor = cursor;
        const ListOrdersResponse *out = list(&in);
        for (size_t i = 0; i < out->n_data; i++, seen++)
            assert_string_equal(out->data[i]->id, ids[6 - seen]);
        snprintf(cursor, sizeof cursor, "%s", out->next_cursor);
        if (cursor[0] == '\0')
            break;
    }
    assert_int_equal(seen, 7);
    in.cursor = TEXT("");
    in.limit = 0;
    in.external_id = TEXT(external_id);
    assert_int_equal(list(&in)->n_data, 1);
    in.channel = TEXT("web");
    assert_int_equal(list(&in)->n_data, 0);
    in.channel = TEXT("");
    assert_int_equal(list(&in)->n_data, 1);
    in.external_id = TEXT("");
    in.number = TEXT("LIST-100003");
    assert_string_equal(list(&in)->data[0]->id, ids[2]);
    in.number = TEXT("");
    in.channel = TEXT("list");
    in.status = (Penstock__Orders__V1__OrderStatus)ORDER_CONFIRMED;
    assert_int_equal(list(&in)->n_data, 0);
    in.status = (Penstock__Orders__V1__OrderStatus)ORDER_PENDING;
    in.placed_after_us = NOW_US + 1;
    in.placed_before_us = NOW_US + 3;
    assert_int_equal(list(&in)->n_data, 4);
    penstock__orders__v1__list_orders_request__init(&in);
    in.limit = 201;
    assert_int_equal(CALL(ListOrders, list_orders, &in), STATUS_INVALID);
    in.limit = 0;
    in.cursor = TEXT("nonsense");
    assert_int_equal(CALL(ListOrders, list_orders, &in), STATUS_INVALID);
    in.cursor = TEXT("");
    const char *const customers[] = {"list.buyer@example.com", "85260007000", "+852 6000 7000"};
    for (size_t i = 0; i < 3; i++) {
        in.customer = TEXT(customers[i]);
        for (int tries = 0; tries < 100 && list(&in)->stale; tries++)
            scripted_pause_ms(20);
        assert_int_equal(list(&in)->n_data, 7);
    }
    in.customer = TEXT("");
    in.sku = TEXT("LISTED");
    in.limit = 5;
    assert_int_equal(list(&in)->n_data, 5);
    assert_true(((ListOrdersResponse *)world->answer)->next_cursor[0] != '\0');
    in.customer = TEXT("list.buyer@example.com");
    in.sku = TEXT("OTHER");
    assert_int_equal(list(&in)->n_data, 0);
}

static void the_timeline_tells_what_happened_in_sentences(void **state)
{
    NEEDS_WORLD();
    Order *order = place(paid_request());
    APPEND_WORK(FulfillmentPicked, order, 1);
    show_all();
    Penstock__Orders__V1__GetTimelineRequest in;
    penstock__orders__v1__get_timeline_request__init(&in);
    in.id = order->id;
    world->permission = "orders:read";
    assert_int_equal(CALL(GetTimeline, get_timeline, &in), STATUS_OK);
    const Penstock__Orders__V1__GetTimelineResponse *out =
        (Penstock__Orders__V1__GetTimelineResponse *)world->answer;
    assert_int_equal(out->n_data, 2);
    assert_string_equal(out->data[0]->type, "order_placed");
    assert_string_equal(out->data[0]->actor, "key:test");
    assert_non_null(strstr(out->data[0]->summary, "120.00 HKD"));
    assert_string_equal(out->data[1]->type, "picked");
    assert_string_equal(out->data[1]->source, "fulfillment");
    in.limit = 1;
    assert_int_equal(CALL(GetTimeline, get_timeline, &in), STATUS_OK);
    assert_string_equal(((Penstock__Orders__V1__GetTimelineResponse *)world->answer)->next_cursor,
                        "1");
}

static void contacts_are_told_in_the_order_asked(void **state)
{
    NEEDS_WORLD();
    Order *a = place(paid_request()), *b = place(paid_request());
    char *ids[] = {b->id, TEXT("0192f000-0000-7000-8000-000000000000"), a->id};
    Penstock__Orders__V1__GetContactsRequest in;
    penstock__orders__v1__get_contacts_request__init(&in);
    in.order_ids = ids;
    in.n_order_ids = 3;
    assert_int_equal(CALL(GetContacts, get_contacts, &in), STATUS_OK);
    const Penstock__Orders__V1__GetContactsResponse *out =
        (Penstock__Orders__V1__GetContactsResponse *)world->answer;
    assert_int_equal(out->n_contacts, 2);
    assert_string_equal(out->contacts[0]->order_id, b->id);
    assert_string_equal(out->contacts[1]->customer->email, "tm@example.com");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_page_by_key_and_find_by_number_customer_and_sku),
        cmocka_unit_test(the_timeline_tells_what_happened_in_sentences),
        cmocka_unit_test(contacts_are_told_in_the_order_asked),
    };
    return cmocka_run_group_tests(tests, open_world, close_world);
}
