/* The returns service itself, over the bus, on a real PostgreSQL; the logs of orders and
 * fulfillment are written here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "penstock/fulfillment/v1/fulfillment.pb-c.h"
#include "penstock/inventory/v1/inventory.pb-c.h"
#include "penstock/orders/v1/orders.pb-c.h"
#include "penstock/returns/v1/returns.pb-c.h"
#include "scripted.h"

extern const struct migration returns_migrations[];
extern const size_t returns_nmigrations;

typedef Penstock__Returns__V1__ReturnOrder ReturnOrder;
typedef Penstock__Returns__V1__ReturnQuantity ReturnQuantity;
typedef Penstock__Returns__V1__RequestReturnRequest RequestReturnRequest;
typedef Penstock__Returns__V1__RequestReturnResponse RequestReturnResponse;
typedef Penstock__Returns__V1__ReceiveReturnRequest ReceiveReturnRequest;
typedef Penstock__Returns__V1__InspectReturnRequest InspectReturnRequest;
typedef Penstock__Returns__V1__ApproveReturnRequest ApproveReturnRequest;
typedef Penstock__Returns__V1__DeclineReturnRequest DeclineReturnRequest;
typedef Penstock__Returns__V1__ListReturnsRequest ListReturnsRequest;
typedef Penstock__Returns__V1__ListReturnsResponse ListReturnsResponse;
typedef Penstock__Orders__V1__PlacedLine PlacedLine;
typedef Penstock__Common__V1__Money Money;

#define STATUS(name) PENSTOCK__RETURNS__V1__RETURN_ORDER_STATUS__RETURN_ORDER_STATUS_##name
#define DISPOSITION(name) PENSTOCK__RETURNS__V1__DISPOSITION__DISPOSITION_##name
#define TEXT(text) ((char *)(uintptr_t)(text))

enum { ORDERS, INVENTORY, FULFILLMENT };
static struct scripted *world;

/* Inventory knows one location. */
static const ProtobufCMessage *answer_locations(const char *method)
{
    static Penstock__Inventory__V1__Location location, *list[] = {&location};
    static Penstock__Inventory__V1__ListLocationsResponse response;
    if (strcmp(method, "ListLocations") != 0)
        return NULL;
    penstock__inventory__v1__location__init(&location);
    penstock__inventory__v1__list_locations_response__init(&response);
    location.code = TEXT("hk-main");
    response.data = list;
    response.n_data = 1;
    return &response.base;
}

static int open_world(void **state)
{
    (void)state;
    world =
        scripted_open("returns", returns_migrations, returns_nmigrations, "orders", "inventory");
    if (world == NULL)
        return 0;
    world->logs[INVENTORY].answer = answer_locations;
    scripted_add_log(world, "fulfillment");
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    scripted_close(world);
    return 0;
}

#define NEEDS_WORLD()                                                                              \
    do {                                                                                           \
        (void)state;                                                                               \
        if (world == NULL)                                                                         \
            skip();                                                                                \
    } while (0)

/* ---- what the logs say ---- */

/* An order of 3 A for 100.00 HKD and 1 B for 9.99 HKD. */
struct order {
    char id[UUID_TEXT_BYTES], number[24], lines[2][UUID_TEXT_BYTES];
};

static struct order new_order(void)
{
    static int counter = 100000;
    struct order order;
    struct uuid id = uuid_new();
    uuid_text(&id, order.id);
    for (int i = 0; i < 2; i++) {
        id = uuid_new();
        uuid_text(&id, order.lines[i]);
    }
    snprintf(order.number, sizeof order.number, "WEB-%d", counter++);
    return order;
}

static void append_placed(struct order *order)
{
    PlacedLine lines[2], *list[2];
    Money totals[2], total = PENSTOCK__COMMON__V1__MONEY__INIT;
    Penstock__Orders__V1__OrderPlaced event = PENSTOCK__ORDERS__V1__ORDER_PLACED__INIT;
    for (int i = 0; i < 2; i++) {
        penstock__orders__v1__placed_line__init(&lines[i]);
        penstock__common__v1__money__init(&totals[i]);
        totals[i].amount_minor = i == 0 ? 10000 : 999;
        totals[i].currency = TEXT("HKD");
        lines[i].line_id = order->lines[i];
        lines[i].sku = TEXT(i == 0 ? "A" : "B");
        lines[i].name = TEXT(i == 0 ? "純棉T恤" : "帽");
        lines[i].quantity = i == 0 ? 3 : 1;
        lines[i].total = &totals[i];
        list[i] = &lines[i];
    }
    total.amount_minor = 10999;
    total.currency = TEXT("HKD");
    event.order_id = order->id;
    event.number = order->number;
    event.total = &total;
    event.lines = list;
    event.n_lines = 2;
    scripted_append(&world->logs[ORDERS], order->id, &event.base);
}

static void append_shipped(struct order *order, int64_t a_total, int64_t b_total)
{
    Penstock__Fulfillment__V1__WorkLine lines[2], *list[2];
    Penstock__Fulfillment__V1__FulfillmentShipped event =
        PENSTOCK__FULFILLMENT__V1__FULFILLMENT_SHIPPED__INIT;
    for (int i = 0; i < 2; i++) {
        penstock__fulfillment__v1__work_line__init(&lines[i]);
        lines[i].order_line_id = order->lines[i];
        lines[i].total = i == 0 ? a_total : b_total;
        list[i] = &lines[i];
    }
    event.order_id = order->id;
    event.lines = list;
    event.n_lines = 2;
    scripted_append(&world->logs[FULFILLMENT], order->id, &event.base);
}

static void show_all(void)
{
    scripted_show(&world->logs[ORDERS], SCRIPTED_MAX_EVENTS);
    scripted_show(&world->logs[FULFILLMENT], SCRIPTED_MAX_EVENTS);
    scripted_settle(world);
}

static struct order shipped_order(void)
{
    struct order order = new_order();
    /* Fulfillment's log may well be read first. */
    append_shipped(&order, 3, 1);
    scripted_show(&world->logs[FULFILLMENT], SCRIPTED_MAX_EVENTS);
    scripted_settle(world);
    append_placed(&order);
    show_all();
    return order;
}

/* ---- asking ---- */

struct asked {
    const char *sku;
    int64_t quantity;
    int disposition;
};

static void fill(const struct asked *asked, size_t count, ReturnQuantity lines[4],
                 ReturnQuantity *list[4])
{
    for (size_t i = 0; i < count; i++) {
        penstock__returns__v1__return_quantity__init(&lines[i]);
        lines[i].sku = TEXT(asked[i].sku);
        lines[i].quantity = asked[i].quantity;
        lines[i].disposition = (Penstock__Returns__V1__Disposition)asked[i].disposition;
        list[i] = &lines[i];
    }
}

/* All responses hold the return first. */
static const ReturnOrder *answered(void)
{
    return ((const RequestReturnResponse *)world->answer)->return_;
}

static enum status request(const char *order, const struct asked *asked, size_t count)
{
    ReturnQuantity lines[4], *list[4];
    RequestReturnRequest message = PENSTOCK__RETURNS__V1__REQUEST_RETURN_REQUEST__INIT;
    fill(asked, count, lines, list);
    message.order = TEXT(order);
    message.lines = list;
    message.n_lines = count;
    return scripted_call(world, "RequestReturn", &message.base,
                         &penstock__returns__v1__request_return_response__descriptor);
}

static enum status receive(const char *id, const char *location, const struct asked *asked,
                           size_t count)
{
    ReturnQuantity lines[4], *list[4];
    ReceiveReturnRequest message = PENSTOCK__RETURNS__V1__RECEIVE_RETURN_REQUEST__INIT;
    fill(asked, count, lines, list);
    message.id = TEXT(id);
    message.location = TEXT(location);
    message.lines = list;
    message.n_lines = count;
    return scripted_call(world, "ReceiveReturn", &message.base,
                         &penstock__returns__v1__receive_return_response__descriptor);
}

static enum status inspect(const char *id, const struct asked *asked, size_t count)
{
    ReturnQuantity lines[4], *list[4];
    InspectReturnRequest message = PENSTOCK__RETURNS__V1__INSPECT_RETURN_REQUEST__INIT;
    fill(asked, count, lines, list);
    message.id = TEXT(id);
    message.lines = list;
    message.n_lines = count;
    return scripted_call(world, "InspectReturn", &message.base,
                         &penstock__returns__v1__inspect_return_response__descriptor);
}

/* Approve, close and get have the shape of approve; decline and cancel that of decline. */
static enum status move(const char *rpc, const char *id)
{
    ApproveReturnRequest message = PENSTOCK__RETURNS__V1__APPROVE_RETURN_REQUEST__INIT;
    message.id = TEXT(id);
    return scripted_call(world, rpc, &message.base,
                         &penstock__returns__v1__approve_return_response__descriptor);
}

static const ListReturnsResponse *list_of(const ListReturnsRequest *message)
{
    assert_int_equal(scripted_call(world, "ListReturns", &message->base,
                                   &penstock__returns__v1__list_returns_response__descriptor),
                     STATUS_OK);
    return (const ListReturnsResponse *)world->answer;
}

static long long all_events(void)
{
    return scripted_number(world, "SELECT coalesce(max(position), 0) FROM returns.event");
}

static const struct asked one_a = {"A", 1, 0};

/* ---- tests ---- */

static void a_return_goes_its_way_and_is_refunded_to_the_cent(void **state)
{
    NEEDS_WORLD();
    struct order order = shipped_order();
    int64_t refunded = 0;
    for (int i = 1; i <= 3; i++) {
        char number[32];
        snprintf(number, sizeof number, "%s-R%d", order.number, i);
        assert_int_equal(request(i % 2 == 0 ? order.id : order.number, &one_a, 1), STATUS_OK);
        assert_string_equal(answered()->number, number);
        assert_int_equal(answered()->status, STATUS(REQUESTED));
        assert_string_equal(answered()->lines[0]->name, "純棉T恤");
        assert_string_equal(answered()->lines[0]->reason, "other");
        assert_int_equal(move("ApproveReturn", number), STATUS_OK);
        assert_int_equal(receive(number, "hk-main", NULL, 0), STATUS_OK);
        assert_int_equal(answered()->status, STATUS(RECEIVED));
        assert_int_equal(inspect(number, NULL, 0), STATUS_OK);
        assert_int_equal(answered()->status, STATUS(INSPECTED));
        assert_string_equal(answered()->refund_due->currency, "HKD");
        refunded += answered()->refund_due->amount_minor;
        assert_int_equal(move("CloseReturn", number), STATUS_OK);
        assert_int_equal(answered()->status, STATUS(CLOSED));
    }
    assert_int_equal(refunded, 10000);
    assert_int_equal(
        scripted_number(world, "SELECT sum(refund_minor)::bigint FROM returns.inspection"), 10000);
    assert_int_equal(request(order.number, &one_a, 1), STATUS_CONFLICT);
    assert_string_equal(world->reply->code, "not_returnable");
    assert_string_equal(world->reply->field, "lines[0].quantity");
    assert_int_equal(world->reply->n_details, 3);
}

static void an_inspection_may_be_partial_with_several_dispositions(void **state)
{
    NEEDS_WORLD();
    struct order order = shipped_order();
    char id[UUID_TEXT_BYTES];
    static const struct asked all[] = {{"A", 3, 0}, {"B", 1, 0}};
    assert_int_equal(request(order.number, all, 2), STATUS_OK);
    snprintf(id, sizeof id, "%s", answered()->id);
    assert_int_equal(move("ApproveReturn", id), STATUS_OK);
    static const struct asked two = {"A", 2, 0};
    assert_int_equal(receive(id, "hk-main", &two, 1), STATUS_OK);
    static const struct asked three = {"A", 3, 0};
    assert_int_equal(receive(id, "hk-main", &three, 1), STATUS_CONFLICT);
    assert_string_equal(world->reply->code, "quantity_too_large");
    static const struct asked mixed[] = {{"A", 1, DISPOSITION(SCRAP)},
                                         {"A", 1, DISPOSITION(QUARANTINE)}};
    assert_int_equal(inspect(id, mixed, 1), STATUS_OK);
    assert_int_equal(answered()->status, STATUS(RECEIVED));
    assert_int_equal(answered()->refund_due->amount_minor, 3333);
    assert_int_equal(inspect(id, mixed + 1, 1), STATUS_OK);
    assert_int_equal(answered()->status, STATUS(INSPECTED));
    assert_int_equal(answered()->lines[0]->scrapped, 1);
    assert_int_equal(answered()->lines[0]->quarantined, 1);
    assert_int_equal(inspect(id, NULL, 0), STATUS_CONFLICT);
    assert_string_equal(world->reply->code, "invalid_state");
    assert_int_equal(receive(id, "hk-main", NULL, 0), STATUS_OK);
    assert_int_equal(inspect(id, NULL, 0), STATUS_OK);
    assert_int_equal(answered()->refund_due->amount_minor, 10999);
    assert_int_equal(answered()->lines[1]->restocked, 1);
}

static void declined_and_cancelled_units_may_come_back_again(void **state)
{
    NEEDS_WORLD();
    struct order order = shipped_order();
    static const struct asked three = {"A", 3, 0};
    static const char *const ways[] = {"DeclineReturn", "CancelReturn"};
    for (int i = 0; i < 2; i++) {
        char id[UUID_TEXT_BYTES];
        assert_int_equal(request(order.number, &three, 1), STATUS_OK);
        snprintf(id, sizeof id, "%s", answered()->id);
        assert_int_equal(request(order.number, &one_a, 1), STATUS_CONFLICT);
        DeclineReturnRequest message = PENSTOCK__RETURNS__V1__DECLINE_RETURN_REQUEST__INIT;
        message.id = id;
        message.reason = TEXT("worn");
        assert_int_equal(scripted_call(world, ways[i], &message.base,
                                       &penstock__returns__v1__decline_return_response__descriptor),
                         STATUS_OK);
        assert_int_equal(move("ApproveReturn", id), STATUS_CONFLICT);
        assert_string_equal(world->reply->code, "invalid_state");
    }
    assert_int_equal(request(order.number, &three, 1), STATUS_OK);
}

static void what_is_on_its_way_is_waited_for(void **state)
{
    NEEDS_WORLD();
    struct order order = new_order();
    append_placed(&order);
    append_shipped(&order, 1, 0);
    int64_t before_us = clock_monotonic_us();
    assert_int_equal(request(order.number, &one_a, 1), STATUS_NOT_FOUND);
    assert_string_equal(world->reply->field, "order");
    assert_true(clock_monotonic_us() - before_us > 500000);
    scripted_show(&world->logs[ORDERS], SCRIPTED_MAX_EVENTS);
    scripted_settle(world);
    assert_int_equal(request(order.number, &one_a, 1), STATUS_CONFLICT);
    assert_string_equal(world->reply->details[1]->name, "shipped");
    assert_string_equal(world->reply->details[1]->value, "0");
    scripted_show(&world->logs[FULFILLMENT], SCRIPTED_MAX_EVENTS);
    assert_int_equal(request(order.number, &one_a, 1), STATUS_OK);
}

static void what_is_wrong_is_refused_and_writes_nothing(void **state)
{
    NEEDS_WORLD();
    struct order order = shipped_order();
    char id[UUID_TEXT_BYTES];
    assert_int_equal(request(order.number, &one_a, 1), STATUS_OK);
    snprintf(id, sizeof id, "%s", answered()->id);
    assert_int_equal(move("ApproveReturn", id), STATUS_OK);
    long long before = all_events();
    static const struct asked unknown = {"C", 1, 0}, none = {"A", 0, 0};
    assert_int_equal(request(order.number, &unknown, 1), STATUS_INVALID);
    assert_string_equal(world->reply->code, "unknown_sku");
    assert_int_equal(request(order.number, &none, 1), STATUS_INVALID);
    assert_string_equal(world->reply->field, "lines[0].quantity");
    assert_int_equal(request(order.number, NULL, 0), STATUS_INVALID);
    assert_string_equal(world->reply->field, "lines");
    assert_int_equal(request("", &one_a, 1), STATUS_INVALID);
    assert_int_equal(receive(id, "", NULL, 0), STATUS_INVALID);
    assert_string_equal(world->reply->field, "location");
    assert_int_equal(receive(id, "moon", NULL, 0), STATUS_INVALID);
    assert_string_equal(world->reply->code, "unknown_location");
    assert_int_equal(inspect(id, NULL, 0), STATUS_CONFLICT);
    assert_int_equal(move("CloseReturn", id), STATUS_CONFLICT);
    assert_int_equal(move("ApproveReturn", "WEB-1-R1"), STATUS_NOT_FOUND);
    world->permission = "returns:read";
    assert_int_equal(request(order.number, &one_a, 1), STATUS_FORBIDDEN);
    assert_int_equal(all_events(), before);
}

static void a_repeated_inspection_is_refunded_once(void **state)
{
    NEEDS_WORLD();
    struct order order = shipped_order();
    char id[UUID_TEXT_BYTES];
    assert_int_equal(request(order.number, &one_a, 1), STATUS_OK);
    snprintf(id, sizeof id, "%s", answered()->id);
    assert_int_equal(move("ApproveReturn", id), STATUS_OK);
    assert_int_equal(receive(id, "hk-main", NULL, 0), STATUS_OK);
    world->command_id = "key/inspect/1";
    assert_int_equal(inspect(id, NULL, 0), STATUS_OK);
    long long before = all_events();
    world->command_id = "key/inspect/1";
    assert_int_equal(inspect(id, NULL, 0), STATUS_OK);
    assert_true(world->reply->repeated);
    assert_int_equal(answered()->refund_due->amount_minor, 3333);
    assert_int_equal(all_events(), before);
}

static void lists_page_by_key(void **state)
{
    NEEDS_WORLD();
    for (int i = 0; i < 4; i++) {
        struct order order = shipped_order();
        assert_int_equal(request(order.number, &one_a, 1), STATUS_OK);
        ListReturnsRequest message = PENSTOCK__RETURNS__V1__LIST_RETURNS_REQUEST__INIT;
        message.order = order.number;
        assert_int_equal(list_of(&message)->n_data, 1);
    }
    for (int status = 0; status <= STATUS(REQUESTED); status++) {
        char sql[128], cursor[64] = "", last[UUID_TEXT_BYTES] = "~";
        snprintf(sql, sizeof sql,
                 "SELECT count(*) FROM returns.return_order WHERE %d = 0 OR status = %d", status,
                 status);
        long long seen = 0, expected = scripted_number(world, sql);
        do {
            ListReturnsRequest message = PENSTOCK__RETURNS__V1__LIST_RETURNS_REQUEST__INIT;
            message.limit = 3;
            message.status = (Penstock__Returns__V1__ReturnOrderStatus)status;
            message.cursor = cursor;
            const ListReturnsResponse *list = list_of(&message);
            for (size_t i = 0; i < list->n_data; i++, seen++) {
                assert_true(strcmp(list->data[i]->id, last) < 0);
                snprintf(last, sizeof last, "%s", list->data[i]->id);
            }
            snprintf(cursor, sizeof cursor, "%s", list->next_cursor);
        } while (cursor[0] != '\0');
        assert_int_equal(seen, expected);
    }
}

static void the_last_change_of_an_order_counts(void **state)
{
    NEEDS_WORLD();
    struct order order = new_order();
    append_placed(&order);
    for (int i = 1; i <= 3; i++) {
        PlacedLine line = PENSTOCK__ORDERS__V1__PLACED_LINE__INIT, *list[] = {&line};
        Money total = PENSTOCK__COMMON__V1__MONEY__INIT;
        Penstock__Orders__V1__OrderChanged event = PENSTOCK__ORDERS__V1__ORDER_CHANGED__INIT;
        line.line_id = order.lines[0];
        line.sku = TEXT("A");
        line.quantity = i;
        line.total = &total;
        total.amount_minor = 1000 * i;
        total.currency = TEXT("HKD");
        event.order_id = order.id;
        event.lines = list;
        event.n_lines = 1;
        event.total = &total;
        scripted_append(&world->logs[ORDERS], order.id, &event.base);
    }
    append_shipped(&order, 3, 0);
    show_all();
    static const struct asked three = {"A", 3, 0};
    assert_int_equal(request(order.number, &three, 1), STATUS_OK);
    char id[UUID_TEXT_BYTES];
    snprintf(id, sizeof id, "%s", answered()->id);
    assert_int_equal(move("ApproveReturn", id), STATUS_OK);
    assert_int_equal(receive(id, "hk-main", NULL, 0), STATUS_OK);
    assert_int_equal(inspect(id, NULL, 0), STATUS_OK);
    assert_int_equal(answered()->refund_due->amount_minor, 3000);
}

static void what_was_cancelled_is_not_refunded_again(void **state)
{
    NEEDS_WORLD();
    struct order order = new_order();
    char id[UUID_TEXT_BYTES];
    append_placed(&order);
    Penstock__Orders__V1__CancelledLine line = PENSTOCK__ORDERS__V1__CANCELLED_LINE__INIT,
                                        *list[] = {&line};
    Penstock__Orders__V1__OrderCancelled event = PENSTOCK__ORDERS__V1__ORDER_CANCELLED__INIT;
    line.line_id = order.lines[0];
    line.cancelled = 1;
    event.order_id = order.id;
    event.lines = list;
    event.n_lines = 1;
    scripted_append(&world->logs[ORDERS], order.id, &event.base);
    append_shipped(&order, 2, 0);
    show_all();
    static const struct asked two = {"A", 2, 0};
    assert_int_equal(request(order.number, &two, 1), STATUS_OK);
    snprintf(id, sizeof id, "%s", answered()->id);
    assert_int_equal(move("ApproveReturn", id), STATUS_OK);
    assert_int_equal(receive(id, "hk-main", NULL, 0), STATUS_OK);
    assert_int_equal(inspect(id, NULL, 0), STATUS_OK);
    assert_int_equal(answered()->refund_due->amount_minor, 10000 - 3333);
}

static void killed_at_any_moment_it_forgets_no_order(void **state)
{
    NEEDS_WORLD();
    enum { COUNT = 5000 };
    long long before = scripted_number(world, "SELECT count(*) FROM returns.sold_order");
    for (int i = 0; i < COUNT; i++) {
        struct order order = new_order();
        append_placed(&order);
        append_shipped(&order, 1, 1);
    }
    srandom((unsigned)clock_wall_us());
    scripted_show(&world->logs[ORDERS], SCRIPTED_MAX_EVENTS);
    scripted_show(&world->logs[FULFILLMENT], SCRIPTED_MAX_EVENTS);
    for (int kills = 0; kills < 3; kills++) {
        scripted_pause_ms(20 + (int)(random() % 100));
        scripted_end(world, SIGKILL);
        scripted_spawn(world);
    }
    scripted_await_ready(world);
    scripted_settle(world);
    assert_int_equal(scripted_number(world, "SELECT count(*) FROM returns.sold_order"),
                     before + COUNT);
    assert_int_equal(scripted_number(world, "SELECT count(*) FROM returns.parked"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_return_goes_its_way_and_is_refunded_to_the_cent),
        cmocka_unit_test(an_inspection_may_be_partial_with_several_dispositions),
        cmocka_unit_test(declined_and_cancelled_units_may_come_back_again),
        cmocka_unit_test(what_is_on_its_way_is_waited_for),
        cmocka_unit_test(what_is_wrong_is_refused_and_writes_nothing),
        cmocka_unit_test(a_repeated_inspection_is_refunded_once),
        cmocka_unit_test(lists_page_by_key),
        cmocka_unit_test(the_last_change_of_an_order_counts),
        cmocka_unit_test(what_was_cancelled_is_not_refunded_again),
        cmocka_unit_test(killed_at_any_moment_it_forgets_no_order),
    };
    return cmocka_run_group_tests_name("returns service", tests, open_world, close_world);
}
