/* fulfillment_world.h -- the fulfillment service beside the logs of orders and inventory, for its
 * tests: what the logs say of an order, and what is asked of the service.
 *
 * Included by one test each, after cmocka; everything is static.
 */
#pragma once

#include "penstock/fulfillment/v1/fulfillment.pb-c.h"
#include "penstock/inventory/v1/inventory.pb-c.h"
#include "penstock/orders/v1/orders.pb-c.h"
#include "scripted.h"

extern const struct migration fulfillment_migrations[];
extern const size_t fulfillment_nmigrations;

typedef Penstock__Fulfillment__V1__FulfillmentOrder FulfillmentOrder;
typedef Penstock__Fulfillment__V1__QuantityLine QuantityLine;
typedef Penstock__Fulfillment__V1__PickFulfillmentRequest PickRequest;
typedef Penstock__Fulfillment__V1__PickFulfillmentResponse PickResponse;
typedef Penstock__Fulfillment__V1__ShipFulfillmentRequest ShipRequest;
typedef Penstock__Fulfillment__V1__ShipFulfillmentResponse ShipResponse;
typedef Penstock__Fulfillment__V1__ListFulfillmentsRequest ListRequest;
typedef Penstock__Fulfillment__V1__ListFulfillmentsResponse ListResponse;
typedef Penstock__Fulfillment__V1__StopWorkRequest StopRequest;
typedef Penstock__Fulfillment__V1__StopWorkResponse StopResponse;
typedef Penstock__Fulfillment__V1__FulfillmentShipped FulfillmentShipped;
typedef Penstock__Orders__V1__PlacedLine PlacedLine;
typedef Penstock__Inventory__V1__AllocatedLine AllocatedLine;
typedef Penstock__Inventory__V1__LineAllocation LineAllocation;

#define STATUS(name)                                                                               \
    PENSTOCK__FULFILLMENT__V1__FULFILLMENT_ORDER_STATUS__FULFILLMENT_ORDER_STATUS_##name
#define TEXT(text) ((char *)(uintptr_t)(text))

enum { ORDERS, INVENTORY };
static struct scripted *world;

static int open_world(void **state)
{
    (void)state;
    world = scripted_open("fulfillment", fulfillment_migrations, fulfillment_nmigrations, "orders",
                          "inventory");
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

/* An order of two lines: SKU A, and B. */
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

static void fill_placed(struct order *order, int64_t a, int64_t b, PlacedLine lines[2],
                        PlacedLine *list[2])
{
    for (int i = 0; i < 2; i++) {
        penstock__orders__v1__placed_line__init(&lines[i]);
        lines[i].line_id = order->lines[i];
        lines[i].sku = TEXT(i == 0 ? "A" : "B");
        lines[i].name = TEXT(i == 0 ? "純棉T恤" : "帽");
        lines[i].quantity = i == 0 ? a : b;
        lines[i].takes_stock = true;
        list[i] = &lines[i];
    }
}

static void append_placed(struct order *order, int64_t a, int64_t b, bool is_confirmed)
{
    PlacedLine lines[2], *list[2];
    Penstock__Orders__V1__OrderPlaced event = PENSTOCK__ORDERS__V1__ORDER_PLACED__INIT;
    fill_placed(order, a, b, lines, list);
    event.order_id = order->id;
    event.number = order->number;
    event.lines = list;
    event.n_lines = 2;
    event.status = is_confirmed ? PENSTOCK__ORDERS__V1__ORDER_STATUS__ORDER_STATUS_CONFIRMED
                                : PENSTOCK__ORDERS__V1__ORDER_STATUS__ORDER_STATUS_PENDING;
    scripted_append(&world->logs[ORDERS], order->id, &event.base);
}

static void append_confirmed(struct order *order)
{
    Penstock__Orders__V1__OrderConfirmed event = PENSTOCK__ORDERS__V1__ORDER_CONFIRMED__INIT;
    event.order_id = order->id;
    scripted_append(&world->logs[ORDERS], order->id, &event.base);
}

static void append_cancelled(struct order *order, int64_t a, int64_t b, bool is_whole,
                             const char *command_id, const char *stop_hold_id)
{
    Penstock__Orders__V1__CancelledLine lines[2], *list[2];
    Penstock__Orders__V1__OrderCancelled event = PENSTOCK__ORDERS__V1__ORDER_CANCELLED__INIT;
    for (int i = 0; i < 2; i++) {
        penstock__orders__v1__cancelled_line__init(&lines[i]);
        lines[i].line_id = order->lines[i];
        lines[i].cancelled = i == 0 ? a : b;
        list[i] = &lines[i];
    }
    event.order_id = order->id;
    event.lines = list;
    event.n_lines = 2;
    event.is_whole = is_whole;
    event.command_id = TEXT(command_id);
    event.stop_hold_id = TEXT(stop_hold_id);
    scripted_append(&world->logs[ORDERS], order->id, &event.base);
}

static void append_hold(struct order *order, const char *type, bool is_released)
{
    if (is_released) {
        Penstock__Orders__V1__HoldReleased event = PENSTOCK__ORDERS__V1__HOLD_RELEASED__INIT;
        event.order_id = order->id;
        event.type = TEXT(type);
        event.is_last = true;
        scripted_append(&world->logs[ORDERS], order->id, &event.base);
    } else {
        Penstock__Orders__V1__HoldPlaced event = PENSTOCK__ORDERS__V1__HOLD_PLACED__INIT;
        event.order_id = order->id;
        event.type = TEXT(type);
        scripted_append(&world->logs[ORDERS], order->id, &event.base);
    }
}

/* A at hk-main and at tw-main, B at hk-main. */
static void append_allocated(struct order *order, int64_t a_hk, int64_t a_tw, int64_t b_hk,
                             int64_t a_consumed)
{
    AllocatedLine lines[2], *list[2];
    LineAllocation at[3], *places[2][2];
    const int64_t quantities[3] = {a_hk, a_tw, b_hk};
    Penstock__Inventory__V1__StockAllocated event = PENSTOCK__INVENTORY__V1__STOCK_ALLOCATED__INIT;
    for (int i = 0; i < 2; i++) {
        penstock__inventory__v1__allocated_line__init(&lines[i]);
        lines[i].line_id = order->lines[i];
        lines[i].sku = TEXT(i == 0 ? "A" : "B");
        lines[i].allocations = places[i];
        list[i] = &lines[i];
    }
    lines[0].consumed = a_consumed;
    for (int i = 0; i < 3; i++) {
        AllocatedLine *line = &lines[i == 2];
        penstock__inventory__v1__line_allocation__init(&at[i]);
        at[i].location = TEXT(i == 1 ? "tw-main" : "hk-main");
        at[i].quantity = quantities[i];
        if (quantities[i] != 0)
            line->allocations[line->n_allocations++] = &at[i];
    }
    event.order_id = order->id;
    event.lines = list;
    event.n_lines = 2;
    scripted_append(&world->logs[INVENTORY], order->id, &event.base);
}

static void show_all(void)
{
    scripted_show(&world->logs[ORDERS], SCRIPTED_MAX_EVENTS);
    scripted_show(&world->logs[INVENTORY], SCRIPTED_MAX_EVENTS);
    scripted_settle(world);
}

/* A confirmed order, allocated at one place. */
static struct order placed_and_allocated(int64_t a, int64_t b)
{
    struct order order = new_order();
    append_placed(&order, a, b, true);
    append_allocated(&order, a, 0, b, 0);
    show_all();
    return order;
}

/* ---- asking ---- */

static const ListResponse *list_of(const ListRequest *request)
{
    assert_int_equal(
        scripted_call(world, "ListFulfillments", &request->base,
                      &penstock__fulfillment__v1__list_fulfillments_response__descriptor),
        STATUS_OK);
    return (const ListResponse *)world->answer;
}

static const ListResponse *list_order(const char *order)
{
    ListRequest request = PENSTOCK__FULFILLMENT__V1__LIST_FULFILLMENTS_REQUEST__INIT;
    request.order = TEXT(order);
    return list_of(&request);
}

/* The id of the newest fulfillment order of an order, which must be in this status. */
static void newest(const struct order *order, int status, char id[UUID_TEXT_BYTES])
{
    const ListResponse *list = list_order(order->number);
    assert_true(list->n_data > 0);
    assert_int_equal(list->data[0]->status, status);
    snprintf(id, UUID_TEXT_BYTES, "%s", list->data[0]->id);
}

static enum status step(const char *rpc, const char *id, const char *sku, int64_t quantity)
{
    PickRequest request = PENSTOCK__FULFILLMENT__V1__PICK_FULFILLMENT_REQUEST__INIT;
    QuantityLine line = PENSTOCK__FULFILLMENT__V1__QUANTITY_LINE__INIT, *list[] = {&line};
    request.id = TEXT(id);
    if (sku != NULL) {
        line.sku = TEXT(sku);
        line.quantity = quantity;
        request.lines = list;
        request.n_lines = 1;
    }
    /* Pick and pack have the same shape. */
    return scripted_call(world, rpc, &request.base,
                         &penstock__fulfillment__v1__pick_fulfillment_response__descriptor);
}

static enum status ship(const char *id, const char *sku, int64_t quantity, const char *parcel_key)
{
    ShipRequest request = PENSTOCK__FULFILLMENT__V1__SHIP_FULFILLMENT_REQUEST__INIT;
    QuantityLine line = PENSTOCK__FULFILLMENT__V1__QUANTITY_LINE__INIT, *list[] = {&line};
    request.id = TEXT(id);
    request.carrier = TEXT("sf-express");
    request.tracking_number = TEXT("SF123");
    request.parcel_key = TEXT(parcel_key);
    if (sku != NULL) {
        line.sku = TEXT(sku);
        line.quantity = quantity;
        request.lines = list;
        request.n_lines = 1;
    }
    return scripted_call(world, "ShipFulfillment", &request.base,
                         &penstock__fulfillment__v1__ship_fulfillment_response__descriptor);
}

static enum status cancel(const char *id)
{
    Penstock__Fulfillment__V1__CancelFulfillmentRequest request =
        PENSTOCK__FULFILLMENT__V1__CANCEL_FULFILLMENT_REQUEST__INIT;
    request.id = TEXT(id);
    request.reason = TEXT("box is wet");
    return scripted_call(world, "CancelFulfillment", &request.base,
                         &penstock__fulfillment__v1__cancel_fulfillment_response__descriptor);
}

static enum status deliver(const char *id, const char *parcel_id)
{
    Penstock__Fulfillment__V1__DeliverParcelRequest request =
        PENSTOCK__FULFILLMENT__V1__DELIVER_PARCEL_REQUEST__INIT;
    request.id = TEXT(id);
    request.parcel_id = TEXT(parcel_id);
    return scripted_call(world, "DeliverParcel", &request.base,
                         &penstock__fulfillment__v1__deliver_parcel_response__descriptor);
}

static enum status stop(const struct order *order, int64_t a, const char *command,
                        const char *question)
{
    StopRequest request = PENSTOCK__FULFILLMENT__V1__STOP_WORK_REQUEST__INIT;
    Penstock__Fulfillment__V1__StopLine line = PENSTOCK__FULFILLMENT__V1__STOP_LINE__INIT,
                                        *list[] = {&line};
    request.order_id = TEXT(order->id);
    line.line_id = TEXT(order->lines[0]);
    line.quantity = a;
    request.lines = list;
    request.n_lines = 1;
    world->command_id = command;
    world->question_hash = question;
    return scripted_call(world, "StopWork", &request.base,
                         &penstock__fulfillment__v1__stop_work_response__descriptor);
}

/* PickResponse, PackResponse, ShipResponse, ...: all hold the fulfillment order first. */
static const FulfillmentOrder *answered(void)
{
    return ((const PickResponse *)world->answer)->fulfillment;
}

static long long events_of(const char *type)
{
    char sql[160];
    snprintf(sql, sizeof sql, "SELECT count(*) FROM fulfillment.event WHERE type = '%s'", type);
    return scripted_number(world, sql);
}

static long long all_events(void)
{
    return scripted_number(world, "SELECT coalesce(max(position), 0) FROM fulfillment.event");
}

/* The last event of the service's own log, which is read on from where the last call ended; it must
 * be of this type. */
static ProtobufCMessage *last_event(const ProtobufCMessageDescriptor *type)
{
    static int64_t position;
    static char id[UUID_TEXT_BYTES];
    static uint8_t payload[4096];
    size_t bytes = 0;
    char last_type[64] = "";
    for (long long head = all_events(); position < head;) {
        FetchRequest request = PENSTOCK__BUS__V1__FETCH_REQUEST__INIT;
        request.after_position = position;
        request.after_event_id = id;
        request.max_events = 100;
        request.max_bytes = 1 << 19;
        assert_int_equal(scripted_call(world, "Fetch", &request.base,
                                       &penstock__bus__v1__fetch_response__descriptor),
                         STATUS_OK);
        const FetchResponse *response = (const FetchResponse *)world->answer;
        assert_true(response->n_events > 0);
        const WireEvent *last = response->events[response->n_events - 1];
        position = last->position;
        snprintf(id, sizeof id, "%s", last->event_id);
        snprintf(last_type, sizeof last_type, "%s", last->type);
        bytes = last->payload.len;
        assert_true(bytes <= sizeof payload);
        memcpy(payload, last->payload.data, bytes);
    }
    assert_string_equal(last_type, type->short_name);
    return protobuf_c_message_unpack(type, arena_protobuf(world->arena), bytes, payload);
}
