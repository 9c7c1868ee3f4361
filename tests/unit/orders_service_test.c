/* The orders service itself, over the bus, on a real PostgreSQL. The logs of inventory, fulfillment
 * and returns are written here, and here inventory and fulfillment answer what orders asks them. */
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

static void answer_with(struct scripted_log *log, struct bus_request *request, const char *hold_id,
                        const ProtobufCMessage *message)
{
    ReplyHeader header = PENSTOCK__BUS__V1__REPLY_HEADER__INIT;
    header.request_id = request->header->request_id;
    header.status = PENSTOCK__BUS__V1__STATUS__STATUS_OK;
    header.hold_id = TEXT(hold_id);
    bus_server_reply(log->server, &request, &header, message);
}

static const char *new_hold(char text[UUID_TEXT_BYTES])
{
    struct uuid id = uuid_new();
    return uuid_text(&id, text);
}

/* Of SHORT there is one, NO-... is unknown, of everything else there is enough. */
static bool answer_reserve(struct scripted_log *log, const char *method,
                           struct bus_request *request)
{
    Penstock__Inventory__V1__ReserveResponse out;
    Penstock__Inventory__V1__HoldLine lines[16], *list[16];
    if (strcmp(method, "Reserve") != 0)
        return false;
    if (inventory_is_away)
        return true; /* never answered: the caller's time runs out */
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

static bool answer_stop(struct scripted_log *log, const char *method, struct bus_request *request)
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

static int open_world(void **state)
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

static int close_world(void **state)
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

static const char *new_text(const char *prefix)
{
    static int counter;
    return arena_printf(arena, "%s-%d-%d", prefix, (int)getpid(), counter++);
}

#define CALL(Name, name, message)                                                                  \
    scripted_call(world, #Name, &(message)->base,                                                  \
                  &penstock__orders__v1__##name##_response__descriptor)

/* The first answer's order, copied out of the world. */
static Order *kept(const Order *order)
{
    size_t bytes = protobuf_c_message_get_packed_size(&order->base);
    uint8_t *packed = arena_alloc(arena, bytes + 1);
    protobuf_c_message_pack(&order->base, packed);
    return penstock__orders__v1__order__unpack(arena_protobuf(arena), bytes, packed);
}

static enum status try_place(const PlaceOrderRequest *in, const char *command_id)
{
    world->command_id = command_id;
    world->permission = "orders:write";
    return CALL(PlaceOrder, place_order, in);
}

static Order *place(const PlaceOrderRequest *in)
{
    enum status status = try_place(in, new_text("place"));
    if (status != STATUS_OK)
        print_message("%s %s\n", world->reply->code, world->reply->message);
    assert_int_equal(status, STATUS_OK);
    return kept(((PlaceOrderResponse *)world->answer)->order);
}

static Order *get(const char *id)
{
    GetOrderRequest in;
    penstock__orders__v1__get_order_request__init(&in);
    in.id = TEXT(id);
    assert_int_equal(CALL(GetOrder, get_order, &in), STATUS_OK);
    return kept(((GetOrderResponse *)world->answer)->order);
}

static bool same(const ProtobufCMessage *a, const ProtobufCMessage *b)
{
    size_t bytes = protobuf_c_message_get_packed_size(a);
    if (bytes != protobuf_c_message_get_packed_size(b))
        return false;
    uint8_t *left = arena_alloc(arena, bytes + 1), *right = arena_alloc(arena, bytes + 1);
    protobuf_c_message_pack(a, left);
    protobuf_c_message_pack(b, right);
    return memcmp(left, right, bytes) == 0;
}

static long long events_of(const char *type, const char *order_id)
{
    return scripted_number(
        world,
        arena_printf(arena, "SELECT count(*) FROM orders.event WHERE type = '%s' AND key = '%s'",
                     type, order_id));
}

/* The id of an event, "" for position 0: what Fetch wants to be told. */
static const char *event_id_at(long long position)
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
static ProtobufCMessage *last_event(const ProtobufCMessageDescriptor *type, const char *order_id)
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

static void show_all(void)
{
    for (int i = 0; i < world->nlogs; i++)
        scripted_show(&world->logs[i], SCRIPTED_MAX_EVENTS);
    scripted_settle(world);
}

/* ---- placing ---- */

static PlaceOrderRequest *paid_request(void)
{
    PlaceOrderRequest *in = a_request(arena);
    in->external_id = TEXT(new_text("A"));
    in->stock_policy = (Penstock__Inventory__V1__StockPolicy)POLICY_REQUIRE;
    in->payments[in->n_payments++] = a_payment(arena, "card", ENTRY_CAPTURED, 12000);
    return in;
}

static void an_order_is_placed_reserved_confirmed_and_shown_whole(void **state)
{
    NEEDS_WORLD();
    PlaceOrderRequest *in = paid_request();
    Order *order = place(in);
    assert_int_equal(strncmp(order->number, "WEB-1", 5), 0);
    assert_int_equal(order->status, ORDER_CONFIRMED);
    assert_int_equal(order->payment_status, PAYMENT_PAID);
    assert_int_equal(order->fulfillment_status, FULFILLMENT_UNFULFILLED);
    assert_int_equal(order->return_status, RETURN_NONE);
    assert_int_equal(order->total->amount_minor, 12000);
    assert_int_equal(order->version, 1);
    assert_int_equal(order->n_lines, 1);
    assert_int_equal(order->lines[0]->reserved, 1);
    assert_int_equal(order->lines[0]->unallocated, 0);
    assert_string_equal(order->lines[0]->name, "an item");
    assert_string_equal(order->customer->name, "陳大文");
    assert_string_equal(order->shipping_address->address1, "觀塘道 1 號");
    assert_int_equal(events_of("OrderPlaced", order->id), 1);
    assert_int_equal(events_of("OrderConfirmed", order->id), 0);
    const Penstock__Orders__V1__OrderPlaced *event =
        (void *)last_event(&penstock__orders__v1__order_placed__descriptor, order->id);
    assert_string_equal(event->hold_id, last_hold);
    assert_true(event->command_id[0] != '\0');
    assert_int_equal(event->status, ORDER_CONFIRMED);
    assert_true(event->notify_customer);
    assert_string_equal(event->lines[0]->line_id, order->lines[0]->id);
    assert_true(same(&order->base, &get(order->id)->base));
    assert_true(same(&order->base, &get(order->number)->base));
}

static void a_repeat_gets_the_first_answer_and_no_reply_is_kept_with_personal_data(void **state)
{
    NEEDS_WORLD();
    PlaceOrderRequest *in = paid_request();
    const char *key = new_text("key");
    in->lines[1] = a_line(arena, "CAP", 2, 5000);
    in->lines[1]->name = TEXT("帽");
    in->n_lines = 2;
    assert_int_equal(try_place(in, key), STATUS_OK);
    Order *first = kept(((PlaceOrderResponse *)world->answer)->order);
    assert_int_equal(try_place(in, key), STATUS_OK);
    assert_true(world->reply->repeated);
    assert_true(same(&first->base, &((PlaceOrderResponse *)world->answer)->order->base));
    /* With another key but the same content under the same external id it is the same order. */
    assert_int_equal(try_place(in, new_text("key")), STATUS_OK);
    assert_true(same(&first->base, &((PlaceOrderResponse *)world->answer)->order->base));
    assert_int_equal(scripted_number(world, "SELECT count(*) FROM orders.command WHERE"
                                            " position(convert_to('陳', 'UTF8') in reply) > 0"),
                     0);
    assert_int_equal(scripted_number(world, "SELECT count(*) FROM orders.order_external WHERE"
                                            " position(convert_to('陳', 'UTF8') in answer) > 0"),
                     0);
    in->note = TEXT("other content");
    assert_int_equal(try_place(in, new_text("key")), STATUS_CONFLICT);
    assert_string_equal(world->reply->code, "duplicate_external_id");
    assert_non_null(strstr(world->reply->message, first->number));
    assert_string_equal(world->reply->details[1]->value, first->number);
    assert_int_equal(try_place(in, key), STATUS_CONFLICT);
    assert_string_equal(world->reply->code, "idempotency_key_reused");
}

struct many {
    int left, ok;
    char ids[64][UUID_TEXT_BYTES];
};

static void one_placed(void *context, const ReplyHeader *header, const uint8_t *payload,
                       size_t bytes)
{
    struct many *many = context;
    many->left--;
    if (header->status != PENSTOCK__BUS__V1__STATUS__STATUS_OK)
        return;
    PlaceOrderResponse *out =
        penstock__orders__v1__place_order_response__unpack(NULL, bytes, payload);
    snprintf(many->ids[many->ok++], UUID_TEXT_BYTES, "%s", out->order->id);
    penstock__orders__v1__place_order_response__free_unpacked(out, NULL);
}

static void place_at_once(const PlaceOrderRequest *in, struct many *many, int count)
{
    char permission[] = "orders:write", actor[] = "key:test", method[] = "orders.PlaceOrder";
    char *permissions[] = {permission};
    for (int i = 0; i < count; i++) {
        RequestHeader header = PENSTOCK__BUS__V1__REQUEST_HEADER__INIT;
        header.method = method;
        header.actor = actor;
        header.permissions = permissions;
        header.n_permissions = 1;
        header.command_id = TEXT(new_text("many"));
        many->left++;
        assert_int_equal(
            bus_ask_message(world->client, "orders", &header, &in->base, 5000, one_placed, many),
            STATUS_OK);
    }
    while (many->left > 0)
        bus_loop_once(world->loop, 10);
}

static void the_same_order_placed_many_times_in_one_batch_is_one_order(void **state)
{
    NEEDS_WORLD();
    static struct many many;
    PlaceOrderRequest *in = paid_request();
    memset(&many, 0, sizeof many);
    place_at_once(in, &many, 40);
    assert_int_equal(many.ok, 40);
    for (int i = 1; i < many.ok; i++)
        assert_string_equal(many.ids[i], many.ids[0]);
    assert_int_equal(events_of("OrderPlaced", many.ids[0]), 1);
    /* Without an external id they are as many as there are keys. */
    memset(&many, 0, sizeof many);
    in->external_id = TEXT("");
    place_at_once(in, &many, 40);
    assert_int_equal(many.ok, 40);
    assert_int_equal(
        scripted_number(world, "SELECT count(*) - count(DISTINCT number) FROM orders.orders"), 0);
}

static void what_cannot_be_had_is_refused_with_the_sku_and_nothing_is_written(void **state)
{
    NEEDS_WORLD();
    PlaceOrderRequest *in = paid_request();
    in->lines[1] = a_line(arena, "SHORT", 2, 100);
    in->n_lines = 2;
    long long before = scripted_number(world, "SELECT count(*) FROM orders.orders");
    long long number =
        scripted_number(world, "SELECT next_number FROM orders.channel WHERE name='web'");
    assert_int_equal(try_place(in, new_text("key")), STATUS_CONFLICT);
    assert_string_equal(world->reply->code, "insufficient_stock");
    assert_string_equal(world->reply->field, "lines[1].quantity");
    assert_string_equal(world->reply->details[0]->value, "SHORT");
    assert_string_equal(world->reply->details[1]->value, "1");
    in->lines[1]->sku = TEXT("NO-SUCH");
    assert_int_equal(try_place(in, new_text("key")), STATUS_INVALID);
    assert_string_equal(world->reply->code, "unknown_sku");
    assert_string_equal(world->reply->field, "lines[1].sku");
    in->stock_policy = (Penstock__Inventory__V1__StockPolicy)POLICY_ACCEPT;
    assert_int_equal(try_place(in, new_text("key")), STATUS_INVALID);
    assert_string_equal(world->reply->code, "unknown_sku");
    in->channel = TEXT("nowhere");
    assert_int_equal(try_place(in, new_text("key")), STATUS_INVALID);
    assert_string_equal(world->reply->field, "channel");
    in->lines[1]->quantity = 0;
    assert_int_equal(try_place(in, new_text("key")), STATUS_INVALID);
    assert_string_equal(world->reply->field, "lines[1].quantity");
    assert_int_equal(scripted_number(world, "SELECT count(*) FROM orders.orders"), before);
    assert_int_equal(
        scripted_number(world, "SELECT next_number FROM orders.channel WHERE name='web'"), number);
}

static void an_accepted_order_takes_what_there_is_and_goes_on_without_inventory(void **state)
{
    NEEDS_WORLD();
    PlaceOrderRequest *in = paid_request();
    in->stock_policy = (Penstock__Inventory__V1__StockPolicy)POLICY_ACCEPT;
    in->lines[0]->sku = TEXT("SHORT");
    in->lines[0]->quantity = 3;
    Order *order = place(in);
    assert_int_equal(order->lines[0]->reserved, 1);
    assert_int_equal(order->lines[0]->unallocated, 2);
    assert_int_equal(try_place(in, new_text("key")), STATUS_OK);
    assert_true(same(&order->base, &((PlaceOrderResponse *)world->answer)->order->base));
    inventory_is_away = true;
    in->external_id = TEXT(new_text("A"));
    order = place(in);
    assert_int_equal(order->lines[0]->unallocated, 3);
    const Penstock__Orders__V1__OrderPlaced *event =
        (void *)last_event(&penstock__orders__v1__order_placed__descriptor, order->id);
    assert_string_equal(event->hold_id, "");
    in->external_id = TEXT(new_text("A"));
    in->stock_policy = (Penstock__Inventory__V1__StockPolicy)POLICY_REQUIRE;
    enum status status = try_place(in, new_text("key"));
    assert_true(status == STATUS_UNAVAILABLE || status == STATUS_DEADLINE);
}

/* ---- what the other logs say ---- */

static void append_allocated(const Order *order, const int64_t *quantities, int64_t consumed)
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

static void fill_work(struct work *work, const Order *order, int64_t total)
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

static void an_allocation_that_was_held_already_writes_nothing(void **state)
{
    NEEDS_WORLD();
    PlaceOrderRequest *in = paid_request();
    in->stock_policy = (Penstock__Inventory__V1__StockPolicy)POLICY_ACCEPT;
    in->lines[0]->quantity = 3;
    Order *order = place(in);
    append_allocated(order, (const int64_t[]){3}, 0);
    show_all();
    assert_int_equal(get(order->id)->version, 1);
    append_allocated(order, (const int64_t[]){2}, 0);
    append_allocated(order, (const int64_t[]){3}, 0);
    append_allocated(order, (const int64_t[]){1}, 0);
    show_all();
    Order *now = get(order->id);
    assert_int_equal(now->lines[0]->reserved, 1);
    assert_int_equal(now->lines[0]->unallocated, 2);
    assert_int_equal(now->version, 4);
}

static void an_order_goes_through_picking_packing_shipping_and_completes(void **state)
{
    NEEDS_WORLD();
    PlaceOrderRequest *in = paid_request();
    in->lines[0]->quantity = 2;
    in->payments[0]->amount->amount_minor = 24000;
    Order *order = place(in);
    APPEND_WORK(FulfillmentPicked, order, 2);
    show_all();
    assert_int_equal(get(order->id)->lines[0]->picked, 2);
    APPEND_WORK(FulfillmentPacked, order, 1);
    show_all();
    Order *now = get(order->id);
    assert_int_equal(now->lines[0]->picked, 1);
    assert_int_equal(now->lines[0]->packed, 1);
    APPEND_WORK(FulfillmentShipped, order, 1);
    show_all();
    now = get(order->id);
    assert_int_equal(now->fulfillment_status, FULFILLMENT_PARTIALLY_FULFILLED);
    assert_int_equal(now->status, ORDER_CONFIRMED);
    append_allocated(order, (const int64_t[]){1}, 1);
    APPEND_WORK(FulfillmentShipped, order, 2);
    APPEND_WORK(ParcelDelivered, order, 2);
    show_all();
    now = get(order->id);
    assert_int_equal(now->status, ORDER_COMPLETED);
    assert_int_equal(now->fulfillment_status, FULFILLMENT_DELIVERED);
    assert_int_equal(events_of("OrderCompleted", order->id), 1);
}

static void an_item_that_inventory_does_not_know_puts_a_hold_on_a_confirmed_order(void **state)
{
    NEEDS_WORLD();
    PlaceOrderRequest *in = paid_request();
    in->stock_policy = (Penstock__Inventory__V1__StockPolicy)POLICY_ACCEPT;
    inventory_is_away = true;
    Order *order = place(in);
    append_allocated(order, (const int64_t[]){-1}, 0);
    append_allocated(order, (const int64_t[]){-1}, 0);
    show_all();
    Order *now = get(order->id);
    assert_int_equal(now->n_holds, 1);
    assert_string_equal(now->holds[0]->type, "unmatched_item");
    assert_int_equal(events_of("HoldPlaced", order->id), 1);
}

/* ---- holds, confirmation ---- */

static void add_channel(const char *name, bool is_manual)
{
    Penstock__Orders__V1__UpsertChannelRequest in;
    penstock__orders__v1__upsert_channel_request__init(&in);
    in.name = TEXT(name);
    in.confirms_manually = is_manual;
    world->command_id = new_text("channel");
    assert_int_equal(CALL(UpsertChannel, upsert_channel, &in), STATUS_OK);
}

static enum status put_hold(const Order *order, int64_t expires_at_us)
{
    Penstock__Orders__V1__PlaceHoldRequest in;
    penstock__orders__v1__place_hold_request__init(&in);
    in.id = order->id;
    in.type = TEXT("manual");
    in.reason = TEXT("call the customer");
    in.expires_at_us = expires_at_us;
    world->command_id = new_text("hold");
    return CALL(PlaceHold, place_hold, &in);
}

static enum status release_hold_of(const char *order_id, const char *hold_id)
{
    Penstock__Orders__V1__ReleaseHoldRequest in;
    penstock__orders__v1__release_hold_request__init(&in);
    in.id = TEXT(order_id);
    in.hold_id = TEXT(hold_id);
    world->command_id = new_text("release");
    return CALL(ReleaseHold, release_hold, &in);
}

static enum status confirm(const char *id, const char *command_id)
{
    Penstock__Orders__V1__ConfirmOrderRequest in;
    penstock__orders__v1__confirm_order_request__init(&in);
    in.id = TEXT(id);
    world->command_id = command_id;
    return CALL(ConfirmOrder, confirm_order, &in);
}

static void a_manual_channel_waits_for_a_person_and_counts_for_itself(void **state)
{
    NEEDS_WORLD();
    add_channel("phone-hk", true);
    PlaceOrderRequest *in = paid_request();
    in->channel = TEXT("phone-hk");
    Order *order = place(in);
    assert_string_equal(order->number, "PHONE-HK-100001");
    assert_int_equal(order->status, ORDER_PENDING);
    const char *key = new_text("confirm");
    assert_int_equal(confirm(order->number, key), STATUS_OK);
    Order *first = kept(((Penstock__Orders__V1__ConfirmOrderResponse *)world->answer)->order);
    assert_int_equal(first->status, ORDER_CONFIRMED);
    assert_int_equal(events_of("OrderConfirmed", order->id), 1);
    assert_int_equal(confirm(order->number, key), STATUS_OK);
    assert_true(world->reply->repeated);
    assert_true(same(&first->base,
                     &((Penstock__Orders__V1__ConfirmOrderResponse *)world->answer)->order->base));
    assert_int_equal(confirm(order->id, new_text("confirm")), STATUS_OK);
    assert_int_equal(events_of("OrderConfirmed", order->id), 1);
    assert_int_equal(confirm("PHONE-HK-1", new_text("confirm")), STATUS_NOT_FOUND);
}

static void holds_are_a_set_and_expire(void **state)
{
    NEEDS_WORLD();
    Order *order = place(paid_request());
    assert_int_equal(put_hold(order, 0), STATUS_OK);
    char first[UUID_TEXT_BYTES];
    snprintf(first, sizeof first, "%s", ((PlaceHoldResponse *)world->answer)->hold->id);
    assert_int_equal(put_hold(order, clock_wall_us() + 500000), STATUS_OK);
    assert_int_equal(put_hold(order, clock_wall_us() - 1000000), STATUS_INVALID);
    assert_string_equal(world->reply->field, "expires_at");
    assert_int_equal(get(order->id)->n_holds, 2);
    for (int i = 0; i < 100 && get(order->id)->n_holds == 2; i++)
        scripted_pause_ms(50);
    assert_int_equal(get(order->id)->n_holds, 1);
    assert_int_equal(release_hold_of(order->id, order->id), STATUS_NOT_FOUND);
    assert_int_equal(release_hold_of(order->id, first), STATUS_OK);
    assert_int_equal(release_hold_of(order->id, first), STATUS_CONFLICT);
    const Penstock__Orders__V1__HoldReleased *event =
        (void *)last_event(&penstock__orders__v1__hold_released__descriptor, order->id);
    assert_true(event->is_last);
}

/* ---- cancelling ---- */

static enum status cancel(const Order *order, bool remaining)
{
    Penstock__Orders__V1__CancelOrderRequest in;
    penstock__orders__v1__cancel_order_request__init(&in);
    in.id = order->id;
    in.reason = TEXT("customer");
    in.remaining = remaining;
    world->command_id = new_text("cancel");
    return CALL(CancelOrder, cancel_order, &in);
}

static void a_cancelled_order_has_stopped_its_work_and_owes_the_money(void **state)
{
    NEEDS_WORLD();
    Order *order = place(paid_request());
    assert_int_equal(cancel(order, false), STATUS_OK);
    Order *now = get(order->id);
    assert_int_equal(now->status, ORDER_CANCELLED);
    assert_int_equal(now->refund_due->amount_minor, 12000);
    assert_int_equal(now->lines[0]->cancelled, 1);
    const Penstock__Orders__V1__OrderCancelled *event =
        (void *)last_event(&penstock__orders__v1__order_cancelled__descriptor, order->id);
    assert_string_equal(event->stop_hold_id, last_stop);
    assert_true(event->is_whole);
    assert_int_equal(event->lines[0]->cancelled, 1);
    assert_int_equal(event->lines[0]->remaining, 0);
    assert_int_equal(cancel(order, false), STATUS_CONFLICT);
    assert_string_equal(world->reply->code, "invalid_state");
    assert_int_equal(put_hold(order, 0), STATUS_CONFLICT);
}

static void what_has_shipped_is_told_with_figures_and_the_rest_can_go(void **state)
{
    NEEDS_WORLD();
    PlaceOrderRequest *in = paid_request();
    in->lines[0]->quantity = 3;
    Order *order = place(in);
    shipped_units = 1;
    assert_int_equal(cancel(order, false), STATUS_CONFLICT);
    assert_string_equal(world->reply->code, "already_shipped");
    assert_string_equal(world->reply->details[0]->value, "1");
    assert_string_equal(world->reply->details[1]->value, "2");
    assert_int_equal(get(order->id)->version, 1);
    assert_int_equal(cancel(order, true), STATUS_OK);
    APPEND_WORK(FulfillmentShipped, order, 1);
    show_all();
    Order *now = get(order->id);
    assert_int_equal(now->lines[0]->cancelled, 2);
    assert_int_equal(now->lines[0]->fulfilled, 1);
    assert_int_equal(now->status, ORDER_COMPLETED);
}

/* ---- money ---- */

static enum status pay(const Order *order, const char *reference, enum entry_status entry,
                       int64_t minor)
{
    Penstock__Orders__V1__RecordPaymentRequest in;
    penstock__orders__v1__record_payment_request__init(&in);
    in.id = order->id;
    in.method = TEXT("bank_transfer");
    in.status = (Penstock__Orders__V1__PaymentEntryStatus)entry;
    in.reference = TEXT(reference);
    in.amount = wire_money(arena, minor, "HKD");
    world->command_id = new_text("pay");
    return CALL(RecordPayment, record_payment, &in);
}

static enum status give_back(const Order *order, const char *payment, int64_t minor)
{
    Penstock__Orders__V1__RecordRefundRequest in;
    penstock__orders__v1__record_refund_request__init(&in);
    in.id = order->id;
    in.payment = TEXT(payment);
    in.reason = TEXT("goodwill");
    in.amount = wire_money(arena, minor, "HKD");
    world->command_id = new_text("refund");
    return CALL(RecordRefund, record_refund, &in);
}

static void payments_and_refunds_make_the_payment_status(void **state)
{
    NEEDS_WORLD();
    PlaceOrderRequest *in = paid_request();
    in->n_payments = 0;
    Order *order = place(in);
    assert_int_equal(order->payment_status, PAYMENT_UNPAID);
    assert_int_equal(pay(order, "t1", ENTRY_AUTHORIZED, 5000), STATUS_OK);
    assert_int_equal(pay(order, "t1", ENTRY_CAPTURED, 5000), STATUS_OK);
    assert_int_equal(pay(order, "t1", ENTRY_CAPTURED, 5000), STATUS_OK);
    assert_int_equal(get(order->id)->payment_status, PAYMENT_PARTIALLY_PAID);
    assert_int_equal(pay(order, "", ENTRY_CAPTURED, 7000), STATUS_OK);
    assert_int_equal(get(order->id)->payment_status, PAYMENT_PAID);
    assert_int_equal(pay(order, "", ENTRY_CAPTURED, 0), STATUS_INVALID);
    assert_string_equal(world->reply->field, "amount.amount");
    assert_int_equal(events_of("PaymentRecorded", order->id), 3);
    assert_int_equal(give_back(order, "", 12001), STATUS_CONFLICT);
    assert_string_equal(world->reply->code, "refund_exceeds_captured");
    assert_int_equal(give_back(order, "", 6000), STATUS_OK);
    Order *now = get(order->id);
    assert_int_equal(now->n_refunds, 2);
    assert_int_equal(now->refunds[0]->amount->amount_minor, 5000);
    assert_int_equal(now->payment_status, PAYMENT_PARTIALLY_REFUNDED);
    assert_int_equal(events_of("RefundRecorded", order->id), 2);
    assert_int_equal(give_back(order, now->payments[0]->id, 1), STATUS_CONFLICT);
    assert_int_equal(give_back(order, now->payments[1]->id, 6000), STATUS_OK);
    assert_int_equal(get(order->id)->payment_status, PAYMENT_REFUNDED);
}

static void append_inspected(const Order *order, const char *return_id, const char *inspection_id,
                             int64_t total, int64_t due)
{
    Penstock__Returns__V1__ReturnInspected event;
    Penstock__Returns__V1__DispositionLine line, *list[1] = {&line};
    penstock__returns__v1__return_inspected__init(&event);
    penstock__returns__v1__disposition_line__init(&line);
    line.order_line_id = order->lines[0]->id;
    line.quantity = 1;
    line.returned_total = total;
    event.order_id = order->id;
    event.return_id = TEXT(return_id);
    event.number = TEXT("WEB-1-R1");
    event.inspection_id = TEXT(inspection_id);
    event.lines = list;
    event.n_lines = 1;
    event.refund_due = wire_money(arena, due, "HKD");
    scripted_append(&world->logs[RETURNS], order->id, &event.base);
}

static void a_return_is_refunded_once_per_inspection(void **state)
{
    NEEDS_WORLD();
    char return_id[UUID_TEXT_BYTES], inspection_id[UUID_TEXT_BYTES];
    new_hold(return_id);
    new_hold(inspection_id);
    Order *order = place(paid_request());
    APPEND_WORK(FulfillmentShipped, order, 1);
    append_inspected(order, return_id, inspection_id, 1, 12000);
    append_inspected(order, return_id, inspection_id, 1, 12000);
    show_all();
    Order *now = get(order->id);
    assert_int_equal(now->return_status, RETURN_RETURNED);
    assert_int_equal(now->lines[0]->returned, 1);
    assert_int_equal(now->n_refunds, 1);
    assert_string_equal(now->refunds[0]->return_id, return_id);
    assert_int_equal(now->payment_status, PAYMENT_REFUNDED);
    assert_int_equal(now->refund_due->amount_minor, 0);
    assert_int_equal(events_of("RefundRecorded", order->id), 1);
}

/* ---- imports ---- */

static ImportOrderRequest *an_import(int64_t updated_at_us)
{
    ImportOrderRequest *in = ARENA_NEW(arena, ImportOrderRequest);
    penstock__orders__v1__import_order_request__init(in);
    in->order = a_request(arena);
    in->order->external_id = in->external_id = TEXT(new_text("S"));
    in->order->channel = in->channel = TEXT("web");
    in->order->lines[0]->external_id = TEXT("l1");
    in->version = ARENA_NEW(arena, Penstock__Orders__V1__ExternalVersion);
    penstock__orders__v1__external_version__init(in->version);
    in->version->updated_at_us = updated_at_us;
    in->stated_total = wire_money(arena, 12000, "HKD");
    return in;
}

static ImportOrderResponse *import(const ImportOrderRequest *in)
{
    world->command_id = new_text("delivery");
    enum status status = CALL(ImportOrder, import_order, in);
    if (status != STATUS_OK)
        print_message("%s: %s\n", world->reply->code, world->reply->message);
    assert_int_equal(status, STATUS_OK);
    return (ImportOrderResponse *)world->answer;
}

#define EFFECT(name) PENSTOCK__ORDERS__V1__IMPORT_EFFECT__IMPORT_EFFECT_##name

static void the_greatest_version_of_a_channels_order_wins(void **state)
{
    NEEDS_WORLD();
    ImportOrderRequest *in = an_import(NOW_US);
    in->order->payments[in->order->n_payments++] = a_payment(arena, "cod", ENTRY_PENDING, 12000);
    ImportOrderResponse *out = import(in);
    assert_int_equal(out->effect, EFFECT(PLACED));
    char id[UUID_TEXT_BYTES];
    snprintf(id, sizeof id, "%s", out->order_id);
    assert_int_equal(get(id)->payment_status, PAYMENT_PENDING);
    assert_int_equal(import(in)->effect, EFFECT(UNCHANGED));
    in->version->updated_at_us -= 1;
    in->order->payments[0]->amount->amount_minor = 1;
    assert_int_equal(import(in)->effect, EFFECT(UNCHANGED));
    in->version->updated_at_us += 2;
    in->order->payments[0]->amount->amount_minor = 12000;
    in->order->payments[0]->status = (Penstock__Orders__V1__PaymentEntryStatus)ENTRY_CAPTURED;
    in->order->payments[0]->reference = TEXT("ch_9");
    assert_int_equal(import(in)->effect, EFFECT(UPDATED));
    Order *now = get(id);
    assert_int_equal(now->payment_status, PAYMENT_PAID);
    assert_int_equal(now->n_payments, 1);
    assert_string_equal(now->payments[0]->reference, "ch_9");
    in->version->updated_at_us += 1;
    in->order->payments[0]->refunded = wire_money(arena, 2000, "HKD");
    assert_int_equal(import(in)->effect, EFFECT(UPDATED));
    in->version->updated_at_us += 1;
    import(in);
    now = get(id);
    assert_int_equal(now->refunded_total->amount_minor, 2000);
    assert_int_equal(now->n_refunds, 1);
    assert_int_equal(events_of("OrderPlaced", id), 1);
}

static void a_cancel_that_comes_before_the_order_is_remembered(void **state)
{
    NEEDS_WORLD();
    ImportOrderRequest *in = an_import(NOW_US + 5);
    in->is_cancelled = true;
    int asked = reserves;
    ImportOrderResponse *out = import(in);
    assert_int_equal(out->effect, EFFECT(CANCELLED));
    char id[UUID_TEXT_BYTES];
    snprintf(id, sizeof id, "%s", out->order_id);
    assert_int_equal(get(id)->status, ORDER_CANCELLED);
    assert_int_equal(reserves, asked);
    const Penstock__Orders__V1__OrderPlaced *event =
        (void *)last_event(&penstock__orders__v1__order_placed__descriptor, id);
    assert_false(event->lines[0]->takes_stock);
    assert_false(event->notify_customer);
    in->is_cancelled = false;
    in->version->updated_at_us = NOW_US;
    assert_int_equal(import(in)->effect, EFFECT(UNCHANGED));
    assert_int_equal(get(id)->status, ORDER_CANCELLED);
}

static void a_channels_cancel_stops_the_work(void **state)
{
    NEEDS_WORLD();
    ImportOrderRequest *in = an_import(NOW_US);
    char id[UUID_TEXT_BYTES];
    snprintf(id, sizeof id, "%s", import(in)->order_id);
    in->is_cancelled = true;
    in->cancel_reason = TEXT("customer");
    in->version->updated_at_us++;
    int stopped = stops;
    assert_int_equal(import(in)->effect, EFFECT(CANCELLED));
    assert_int_equal(stops, stopped + 1);
    assert_int_equal(get(id)->status, ORDER_CANCELLED);
    const Penstock__Orders__V1__OrderCancelled *event =
        (void *)last_event(&penstock__orders__v1__order_cancelled__descriptor, id);
    assert_string_equal(event->stop_hold_id, last_stop);
}

static void lines_follow_the_channel_until_somebody_has_picked(void **state)
{
    NEEDS_WORLD();
    ImportOrderRequest *in = an_import(NOW_US);
    char id[UUID_TEXT_BYTES];
    snprintf(id, sizeof id, "%s", import(in)->order_id);
    Order *order = get(id);
    in->version->updated_at_us++;
    in->order->lines[0]->quantity = 2;
    in->order->lines[1] = a_line(arena, "CAP", 1, 5000);
    in->order->lines[1]->external_id = TEXT("l2");
    in->order->n_lines = 2;
    in->stated_total->amount_minor = 29000;
    assert_int_equal(import(in)->effect, EFFECT(UPDATED));
    Order *now = get(id);
    assert_int_equal(now->total->amount_minor, 29000);
    assert_int_equal(now->n_lines, 2);
    assert_string_equal(now->lines[0]->id, order->lines[0]->id);
    assert_int_equal(now->lines[0]->unallocated, 1);
    const Penstock__Orders__V1__OrderChanged *event =
        (void *)last_event(&penstock__orders__v1__order_changed__descriptor, id);
    assert_int_equal(event->n_lines, 2);
    assert_int_equal(event->lines[0]->quantity, 2);
    APPEND_WORK(FulfillmentPicked, order, 1);
    show_all();
    in->version->updated_at_us++;
    in->order->lines[0]->quantity = 1;
    in->stated_total->amount_minor = 17000;
    assert_int_equal(import(in)->effect, EFFECT(HELD));
    now = get(id);
    assert_int_equal(now->total->amount_minor, 29000);
    assert_string_equal(now->holds[0]->type, "channel_changed");
    assert_non_null(strstr(now->holds[0]->reason, "TEE-M: 2 -> 1"));
    in->version->updated_at_us++;
    assert_int_not_equal(import(in)->effect, EFFECT(HELD)); /* the same words are said once */
    assert_int_equal(get(id)->n_holds, 1);
}

static void an_unknown_sku_is_held_and_its_money_is_exact(void **state)
{
    NEEDS_WORLD();
    ImportOrderRequest *in = an_import(NOW_US);
    in->order->lines[0]->sku = TEXT("NO-SUCH");
    char id[UUID_TEXT_BYTES];
    snprintf(id, sizeof id, "%s", import(in)->order_id);
    Order *now = get(id);
    assert_int_equal(now->status, ORDER_PENDING);
    assert_string_equal(now->holds[0]->type, "unmatched_item");
    assert_int_equal(now->total->amount_minor, 12000);
    assert_int_equal(release_hold_of(id, now->holds[0]->id), STATUS_OK);
    assert_int_equal(get(id)->status, ORDER_CONFIRMED);
    assert_int_equal(events_of("OrderConfirmed", id), 1);
    in = an_import(NOW_US);
    in->stated_total->amount_minor = 12001;
    world->command_id = new_text("delivery");
    assert_int_equal(CALL(ImportOrder, import_order, in), STATUS_INVALID);
    assert_string_equal(world->reply->code, "total_mismatch");
}

static void a_channels_texts_are_made_fit_and_not_refused(void **state)
{
    NEEDS_WORLD();
    ImportOrderRequest *in = an_import(NOW_US);
    in->order->customer->name = TEXT("A\r\nBcc: x@example.com");
    in->order->customer->email = TEXT("not an address");
    in->order->note = TEXT("two\nlines");
    in->order->shipping_address->country = TEXT("Hong Kong");
    char id[UUID_TEXT_BYTES];
    snprintf(id, sizeof id, "%s", import(in)->order_id);
    Order *now = get(id);
    assert_string_equal(now->customer->name, "A  Bcc: x@example.com");
    assert_string_equal(now->note, "two\nlines");
}

/* Every order of the same deliveries ends the same. */
static void deliveries_in_any_order_have_one_outcome(void **state)
{
    NEEDS_WORLD();
    static const int orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                     {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    for (int n = 0; n < 6; n++) {
        ImportOrderRequest *story[3];
        const char *external_id = new_text("P");
        char id[UUID_TEXT_BYTES] = "";
        for (int i = 0; i < 3; i++) {
            story[i] = an_import(NOW_US + i);
            story[i]->external_id = story[i]->order->external_id = TEXT(external_id);
            story[i]->order->lines[0]->quantity = 1 + i;
            story[i]->stated_total->amount_minor = 12000 * (1 + i);
            story[i]->order->payments[story[i]->order->n_payments++] =
                a_payment(arena, "card", i == 0 ? ENTRY_AUTHORIZED : ENTRY_CAPTURED, 12000);
        }
        for (int i = 0; i < 3; i++)
            snprintf(id, sizeof id, "%s", import(story[orders[n][i]])->order_id);
        Order *now = get(id);
        assert_int_equal(now->total->amount_minor, 36000);
        assert_int_equal(now->lines[0]->quantity, 3);
        assert_int_equal(now->n_payments, 1);
        assert_int_equal(now->payment_status, PAYMENT_PARTIALLY_PAID);
    }
}

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

/* ---- and after a kill ---- */

static void what_was_acknowledged_is_there_after_a_kill(void **state)
{
    NEEDS_WORLD();
    PlaceOrderRequest *in = paid_request();
    const char *key = new_text("key");
    assert_int_equal(try_place(in, key), STATUS_OK);
    Order *order = kept(((PlaceOrderResponse *)world->answer)->order);
    scripted_end(world, SIGKILL);
    scripted_spawn(world);
    scripted_await_ready(world);
    assert_int_equal(try_place(in, key), STATUS_OK);
    assert_true(same(&order->base, &((PlaceOrderResponse *)world->answer)->order->base));
    Order *next = place(paid_request());
    assert_string_not_equal(next->number, order->number);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_order_is_placed_reserved_confirmed_and_shown_whole),
        cmocka_unit_test(a_repeat_gets_the_first_answer_and_no_reply_is_kept_with_personal_data),
        cmocka_unit_test(the_same_order_placed_many_times_in_one_batch_is_one_order),
        cmocka_unit_test(what_cannot_be_had_is_refused_with_the_sku_and_nothing_is_written),
        cmocka_unit_test(an_accepted_order_takes_what_there_is_and_goes_on_without_inventory),
        cmocka_unit_test(an_allocation_that_was_held_already_writes_nothing),
        cmocka_unit_test(an_order_goes_through_picking_packing_shipping_and_completes),
        cmocka_unit_test(an_item_that_inventory_does_not_know_puts_a_hold_on_a_confirmed_order),
        cmocka_unit_test(a_manual_channel_waits_for_a_person_and_counts_for_itself),
        cmocka_unit_test(holds_are_a_set_and_expire),
        cmocka_unit_test(a_cancelled_order_has_stopped_its_work_and_owes_the_money),
        cmocka_unit_test(what_has_shipped_is_told_with_figures_and_the_rest_can_go),
        cmocka_unit_test(payments_and_refunds_make_the_payment_status),
        cmocka_unit_test(a_return_is_refunded_once_per_inspection),
        cmocka_unit_test(the_greatest_version_of_a_channels_order_wins),
        cmocka_unit_test(a_cancel_that_comes_before_the_order_is_remembered),
        cmocka_unit_test(a_channels_cancel_stops_the_work),
        cmocka_unit_test(lines_follow_the_channel_until_somebody_has_picked),
        cmocka_unit_test(an_unknown_sku_is_held_and_its_money_is_exact),
        cmocka_unit_test(a_channels_texts_are_made_fit_and_not_refused),
        cmocka_unit_test(deliveries_in_any_order_have_one_outcome),
        cmocka_unit_test(lists_page_by_key_and_find_by_number_customer_and_sku),
        cmocka_unit_test(the_timeline_tells_what_happened_in_sentences),
        cmocka_unit_test(contacts_are_told_in_the_order_asked),
        cmocka_unit_test(what_was_acknowledged_is_there_after_a_kill),
    };
    return cmocka_run_group_tests(tests, open_world, close_world);
}
