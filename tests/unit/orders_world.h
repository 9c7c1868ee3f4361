/* orders_world.h -- the orders service itself, over the bus, on a real PostgreSQL.
 *
 * The logs of inventory, fulfillment and returns are written by the tests; here are also the
 * answers that inventory and fulfillment give to what orders asks them. Included by one test each;
 * everything is static, and inline where a test may not need it.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "orders_fixture.h"
#include "penstock/fulfillment/v1/fulfillment.pb-c.h"
#include "penstock/inventory/v1/inventory.pb-c.h"
#include "penstock/returns/v1/returns.pb-c.h"
#include "scripted.h"

extern const struct migration orders_migrations[];
extern const size_t orders_nmigrations;

typedef Penstock__Orders__V1__GetOrderRequest GetOrderRequest;
typedef Penstock__Orders__V1__GetOrderResponse GetOrderResponse;
typedef Penstock__Orders__V1__ListOrdersRequest ListOrdersRequest;
typedef Penstock__Orders__V1__ListOrdersResponse ListOrdersResponse;
typedef Penstock__Orders__V1__PlaceHoldResponse PlaceHoldResponse;

enum { INVENTORY, FULFILLMENT, RETURNS };
static struct scripted *world;
static struct arena *arena; /* the test's own; the answers live in the world's */

/* ---- what the others answer ---- */

static _Atomic bool inventory_is_away;
static _Atomic int64_t shipped_units; /* what fulfillment says has shipped of each line */
static _Atomic int reserves, stops;
static char last_hold[UUID_TEXT_BYTES], last_stop[UUID_TEXT_BYTES];

static inline void answer_with(struct scripted_log *log, struct bus_request *request,
                               const char *hold_id, const ProtobufCMessage *message)
{
    ReplyHeader header = PENSTOCK__BUS__V1__REPLY_HEADER__INIT;
    header.request_id = request->header->request_id;
    header.status = PENSTOCK__BUS__V1__STATUS__STATUS_OK;
    header.hold_id = TEXT(hold_id);
    bus_server_reply(log->server, &request, &header, message);
}

static inline const char *new_hold(char text[UUID_TEXT_BYTES])
{
    struct uuid id = uuid_new();
    return uuid_text(&id, text);
}

/* Requests that came while inventory was away: they are answered when nobody waits any more. */
static struct bus_request *late[8];
static size_t late_count;

static inline void answer_late(struct scripted_log *log, struct bus_request *request)
{
    Penstock__Inventory__V1__ReserveResponse out;
    penstock__inventory__v1__reserve_response__init(&out);
    answer_with(log, request, "", &out.base);
}

/* Of SHORT there is one, NO-... is unknown, of everything else there is enough. */
static inline bool answer_reserve(struct scripted_log *log, const char *method,
                                  struct bus_request *request)
{
    Penstock__Inventory__V1__ReserveResponse out;
    Penstock__Inventory__V1__HoldLine lines[16], *list[16];
    if (strcmp(method, "Reserve") != 0)
        return false;
    if (inventory_is_away && late_count < 8) {
        late[late_count++] = request; /* the caller's time runs out */
        return true;
    }
    while (late_count > 0)
        answer_late(log, late[--late_count]);
    reserves++;
    Penstock__Inventory__V1__ReserveRequest *in = penstock__inventory__v1__reserve_request__unpack(
        NULL, request->payload_bytes, request->payload);
    penstock__inventory__v1__reserve_response__init(&out);
    out.lines = list;
    for (size_t i = 0; i < in->n_lines && i < 16; i++) {
        int64_t asked = in->lines[i]->quantity;
        penstock__inventory__v1__hold_line__init(&lines[i]);
        lines[i].sku = in->lines[i]->sku;
        lines[i].name = TEXT("an item");
        lines[i].is_known = strncmp(lines[i].sku, "NO-", 3) != 0;
        lines[i].available = strcmp(lines[i].sku, "SHORT") == 0 ? 1 : 1000000;
        lines[i].held = lines[i].is_known && asked <= lines[i].available ? asked : 0;
        if (lines[i].is_known && asked > lines[i].available)
            lines[i].held = lines[i].available;
        bool is_short = lines[i].held < asked;
        if (is_short && in->policy == (int)POLICY_REQUIRE && out.refusal_code[0] == '\0') {
            out.refusal_code = TEXT(lines[i].is_known ? "insufficient_stock" : "unknown_sku");
            out.refusal_line = (int32_t)i;
        }
        list[out.n_lines++] = &lines[i];
    }
    bool holds = out.refusal_code[0] == '\0';
    answer_with(log, request, holds ? new_hold(last_hold) : "", &out.base);
    penstock__inventory__v1__reserve_request__free_unpacked(in, NULL);
    return true;
}

static inline bool answer_stop(struct scripted_log *log, const char *method,
                               struct bus_request *request)
{
    Penstock__Fulfillment__V1__StopWorkResponse out;
    Penstock__Fulfillment__V1__StoppedLine lines[16], *list[16];
    if (strcmp(method, "StopWork") != 0)
        return false;
    stops++;
    Penstock__Fulfillment__V1__StopWorkRequest *in =
        penstock__fulfillment__v1__stop_work_request__unpack(NULL, request->payload_bytes,
                                                             request->payload);
    penstock__fulfillment__v1__stop_work_response__init(&out);
    out.lines = list;
    for (size_t i = 0; i < in->n_lines && i < 16; i++) {
        penstock__fulfillment__v1__stopped_line__init(&lines[i]);
        lines[i].line_id = in->lines[i]->line_id;
        lines[i].shipped = shipped_units;
        lines[i].stopped = in->lines[i]->quantity - shipped_units;
        list[out.n_lines++] = &lines[i];
    }
    answer_with(log, request, new_hold(last_stop), &out.base);
    penstock__fulfillment__v1__stop_work_request__free_unpacked(in, NULL);
    return true;
}

/* ---- the world ---- */

static inline int open_world(void **state)
{
    (void)state;
    arena = arena_open((size_t)256 << 20);
    world =
        scripted_open("orders", orders_migrations, orders_nmigrations, "inventory", "fulfillment");
    if (world == NULL)
        return 0;
    scripted_add_log(world, "returns");
    world->logs[INVENTORY].handle = answer_reserve;
    world->logs[FULFILLMENT].handle = answer_stop;
    return 0;
}

static inline int close_world(void **state)
{
    (void)state;
    scripted_close(world);
    arena_close(&arena);
    return 0;
}

#define NEEDS_WORLD()                                                                              \
    do {                                                                                           \
        (void)state;                                                                               \
        if (world == NULL)                                                                         \
            skip();                                                                                \
        arena_reset(arena);                                                                        \
        inventory_is_away = false;                                                                 \
        shipped_units = 0;                                                                         \
    } while (0)

static inline const char *new_text(const char *prefix)
{
    static int counter;
    return arena_printf(arena, "%s-%d-%d", prefix, (int)getpid(), counter++);
}

#define CALL(Name, name, message)                                                                  \
    scripted_call(world, #Name, &(message)->base,                                                  \
                  &penstock__orders__v1__##name##_response__descriptor)

/* The first answer's order, copied out of the world. */
static inline Order *kept(const Order *order)
{
    size_t bytes = protobuf_c_message_get_packed_size(&order->base);
    uint8_t *packed = arena_alloc(arena, bytes + 1);
    protobuf_c_message_pack(&order->base, packed);
    return penstock__orders__v1__order__unpack(arena_protobuf(arena), bytes, packed);
}

static inline enum status try_place(const PlaceOrderRequest *in, const char *command_id)
{
    world->command_id = command_id;
    world->permission = "orders:write";
    return CALL(PlaceOrder, place_order, in);
}

static inline Order *place(const PlaceOrderRequest *in)
{
    enum status status = try_place(in, new_text("place"));
    if (status != STATUS_OK)
        print_message("%s %s\n", world->reply->code, world->reply->message);
    assert_int_equal(status, STATUS_OK);
    return kept(((PlaceOrderResponse *)world->answer)->order);
}

static inline Order *get(const char *id)
{
    GetOrderRequest in;
    penstock__orders__v1__get_order_request__init(&in);
    in.id = TEXT(id);
    assert_int_equal(CALL(GetOrder, get_order, &in), STATUS_OK);
    return kept(((GetOrderResponse *)world->answer)->order);
}

static inline bool same(const ProtobufCMessage *a, const ProtobufCMessage *b)
{
    size_t bytes = protobuf_c_message_get_packed_size(a);
    if (bytes != protobuf_c_message_get_packed_size(b))
        return false;
    uint8_t *left = arena_alloc(arena, bytes + 1), *right = arena_alloc(arena, bytes + 1);
    protobuf_c_message_pack(a, left);
    protobuf_c_message_pack(b, right);
    return memcmp(left, right, bytes) == 0;
}

static inline long long events_of(const char *type, const char *order_id)
{
    return scripted_number(
        world,
        arena_printf(arena, "SELECT count(*) FROM orders.event WHERE type = '%s' AND key = '%s'",
                     type, order_id));
}

/* The id of an event, "" for position 0: what Fetch wants to be told. */
static inline const char *event_id_at(long long position)
{
    struct uuid id = {{0}};
    for (int half = 0; half < 2 && position > 0; half++) {
        uint64_t bits = (uint64_t)scripted_number(
            world, arena_printf(arena,
                                "SELECT ('x' || substr(replace(event_id::text, '-', ''), %d, 16))"
                                "::bit(64)::bigint FROM orders.event WHERE position = %lld",
                                1 + 16 * half, position));
        for (int i = 0; i < 8; i++)
            id.bytes[8 * half + i] = (uint8_t)(bits >> (56 - 8 * i));
    }
    return position > 0 ? uuid_text(&id, arena_alloc(arena, UUID_TEXT_BYTES)) : "";
}

/* The last event of a type about an order, unpacked. */
static inline ProtobufCMessage *last_event(const ProtobufCMessageDescriptor *type,
                                           const char *order_id)
{
    FetchRequest in = PENSTOCK__BUS__V1__FETCH_REQUEST__INIT;
    const char *sql = arena_printf(
        arena, "SELECT max(position) FROM orders.event WHERE type = '%s' AND key = '%s'",
        type->short_name, order_id);
    long long position = scripted_number(world, sql);
    assert_true(position > 0);
    in.max_events = 1;
    in.max_bytes = 1 << 20;
    in.after_position = position - 1;
    in.after_event_id = TEXT(event_id_at(position - 1));
    assert_int_equal(
        scripted_call(world, "Fetch", &in.base, &penstock__bus__v1__fetch_response__descriptor),
        STATUS_OK);
    const FetchResponse *out = (const FetchResponse *)world->answer;
    assert_int_equal(out->n_events, 1);
    return protobuf_c_message_unpack(type, arena_protobuf(arena), out->events[0]->payload.len,
                                     out->events[0]->payload.data);
}

static inline void show_all(void)
{
    for (int i = 0; i < world->nlogs; i++)
        scripted_show(&world->logs[i], SCRIPTED_MAX_EVENTS);
    scripted_settle(world);
}

static inline PlaceOrderRequest *paid_request(void)
{
    PlaceOrderRequest *in = a_request(arena);
    in->external_id = TEXT(new_text("A"));
    in->stock_policy = (Penstock__Inventory__V1__StockPolicy)POLICY_REQUIRE;
    in->payments[in->n_payments++] = a_payment(arena, "card", ENTRY_CAPTURED, 12000);
    return in;
}

/* ---- more of what tests do ---- */

static inline void add_channel(const char *name, bool is_manual)
{
    Penstock__Orders__V1__UpsertChannelRequest in;
    penstock__orders__v1__upsert_channel_request__init(&in);
    in.name = TEXT(name);
    in.confirms_manually = is_manual;
    world->command_id = new_text("channel");
    assert_int_equal(CALL(UpsertChannel, upsert_channel, &in), STATUS_OK);
}

static inline enum status release_hold_of(const char *order_id, const char *hold_id)
{
    Penstock__Orders__V1__ReleaseHoldRequest in;
    penstock__orders__v1__release_hold_request__init(&in);
    in.id = TEXT(order_id);
    in.hold_id = TEXT(hold_id);
    world->command_id = new_text("release");
    return CALL(ReleaseHold, release_hold, &in);
}

/* ---- what the other logs say ---- */

static inline void append_allocated(const Order *order, const int64_t *quantities, int64_t consumed)
{
    Penstock__Inventory__V1__StockAllocated event;
    Penstock__Inventory__V1__AllocatedLine lines[16], *list[16];
    Penstock__Inventory__V1__LineAllocation at[16], *places[16];
    penstock__inventory__v1__stock_allocated__init(&event);
    event.order_id = order->id;
    event.lines = list;
    for (size_t i = 0; i < order->n_lines; i++) {
        penstock__inventory__v1__allocated_line__init(&lines[i]);
        penstock__inventory__v1__line_allocation__init(&at[i]);
        lines[i].line_id = order->lines[i]->id;
        lines[i].sku = order->lines[i]->sku;
        lines[i].consumed = consumed;
        lines[i].is_unmatched = quantities[i] < 0;
        at[i].location = TEXT("hk-main");
        at[i].quantity = quantities[i] < 0 ? 0 : quantities[i];
        places[i] = &at[i];
        lines[i].allocations = &places[i];
        lines[i].n_allocations = 1;
        list[event.n_lines++] = &lines[i];
    }
    scripted_append(&world->logs[INVENTORY], order->id, &event.base);
}

struct work {
    Penstock__Fulfillment__V1__WorkLine line, *list[1];
};

static inline void fill_work(struct work *work, const Order *order, int64_t total)
{
    penstock__fulfillment__v1__work_line__init(&work->line);
    work->line.order_line_id = order->lines[0]->id;
    work->line.quantity = 1;
    work->line.total = total;
    work->list[0] = &work->line;
}

#define APPEND_WORK(name, order_, total_)                                                          \
    do {                                                                                           \
        struct work work_;                                                                         \
        Penstock__Fulfillment__V1__##name event_;                                                  \
        protobuf_c_message_init(&penstock__fulfillment__v1__##name##_descriptor, &event_);         \
        fill_work(&work_, order_, total_);                                                         \
        event_.order_id = (order_)->id;                                                            \
        event_.lines = work_.list;                                                                 \
        event_.n_lines = 1;                                                                        \
        scripted_append(&world->logs[FULFILLMENT], (order_)->id, &event_.base);                    \
    } while (0)
#define penstock__fulfillment__v1__FulfillmentPicked_descriptor                                    \
    penstock__fulfillment__v1__fulfillment_picked__descriptor
#define penstock__fulfillment__v1__FulfillmentPacked_descriptor                                    \
    penstock__fulfillment__v1__fulfillment_packed__descriptor
#define penstock__fulfillment__v1__FulfillmentShipped_descriptor                                   \
    penstock__fulfillment__v1__fulfillment_shipped__descriptor
#define penstock__fulfillment__v1__ParcelDelivered_descriptor                                      \
    penstock__fulfillment__v1__parcel_delivered__descriptor
