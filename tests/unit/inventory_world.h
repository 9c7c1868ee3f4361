/* inventory_world.h -- inventory as a process, asked over the bus, beside the logs of others that a
 * test writes; and what must be true of its books at any moment.
 *
 * Included by one test each; everything is static, and no test uses all of it.
 */
#pragma once
#pragma GCC diagnostic ignored "-Wunused-function"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scripted.h"
#include "wire.h"

extern const struct migration inventory_migrations[];
extern const size_t inventory_nmigrations;

enum { ORDERS, FULFILLMENT, RETURNS };

#define TEXT(text) ((char *)(uintptr_t)(text))

static struct scripted *world;

static int open_world(void **state)
{
    (void)state;
    world = scripted_open("inventory", inventory_migrations, inventory_nmigrations, "orders",
                          "fulfillment");
    if (world != NULL)
        scripted_add_log(world, "returns");
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

static void show_all(void)
{
    for (int i = 0; i < world->nlogs; i++)
        scripted_show(&world->logs[i], SCRIPTED_MAX_EVENTS);
    scripted_settle(world);
}

static long long number(const char *format, ...) __attribute__((format(printf, 1, 2)));
static long long number(const char *format, ...)
{
    char sql[4000];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sql, sizeof sql, format, arguments);
    va_end(arguments);
    return scripted_number(world, sql);
}

/* ---- asking ---- */

/* Commands need an identity; each is a new one unless the test gave one. */
static enum status ask(const char *rpc, const ProtobufCMessage *message,
                       const ProtobufCMessageDescriptor *answer)
{
    static char ids[8][UUID_TEXT_BYTES];
    static unsigned next;
    struct uuid id = uuid_new();
    if (world->command_id == NULL)
        world->command_id = uuid_text(&id, ids[next++ % 8]);
    return scripted_call(world, rpc, message, answer);
}

static void create_place(const char *code, int type)
{
    CreateLocationRequest in = PENSTOCK__INVENTORY__V1__CREATE_LOCATION_REQUEST__INIT;
    in.code = in.name = TEXT(code);
    in.type = (Penstock__Inventory__V1__LocationType)type;
    assert_int_equal(ask("CreateLocation", &in.base,
                         &penstock__inventory__v1__create_location_response__descriptor),
                     STATUS_OK);
}

static void create_sku(const char *sku)
{
    CreateItemRequest in = PENSTOCK__INVENTORY__V1__CREATE_ITEM_REQUEST__INIT;
    in.sku = TEXT(sku);
    in.name = TEXT("純棉T恤 M");
    assert_int_equal(
        ask("CreateItem", &in.base, &penstock__inventory__v1__create_item_response__descriptor),
        STATUS_OK);
}

static enum status adjust(const char *sku, const char *place, int64_t delta, const char *reason)
{
    AdjustStockRequest in = PENSTOCK__INVENTORY__V1__ADJUST_STOCK_REQUEST__INIT;
    in.sku = TEXT(sku);
    in.location = TEXT(place);
    in.delta = delta;
    in.reason = TEXT(reason);
    return ask("AdjustStock", &in.base,
               &penstock__inventory__v1__adjust_stock_response__descriptor);
}

/* A SKU with so many units at one place, which exists. */
static void stock(const char *sku, const char *place, int64_t units)
{
    if (number("SELECT count(*) FROM inventory.item WHERE sku = '%s'", sku) == 0)
        create_sku(sku);
    assert_int_equal(adjust(sku, place, units, "received"), STATUS_OK);
}

/* Up to four lines, for whoever has lines to ask with. */
struct lines {
    ReserveLine line[4], *list[4];
    size_t count;
};
static void add_line(struct lines *lines, const char *sku, int64_t units)
{
    ReserveLine *line = &lines->line[lines->count];
    penstock__inventory__v1__reserve_line__init(line);
    line->sku = TEXT(sku);
    line->quantity = units;
    lines->list[lines->count++] = line;
}

/* Asks for a hold; its answer is in world->answer, its hold in world->reply. */
static const ReserveResponse *reserve(const char *command, const char *question, int policy,
                                      struct lines *lines, const char *reservation)
{
    ReserveRequest in = PENSTOCK__INVENTORY__V1__RESERVE_REQUEST__INIT;
    in.policy = (Penstock__Inventory__V1__StockPolicy)policy;
    in.lines = lines->list;
    in.n_lines = lines->count;
    in.reservation_id = TEXT(reservation);
    world->command_id = command;
    world->question_hash = question;
    assert_int_equal(
        ask("Reserve", &in.base, &penstock__inventory__v1__reserve_response__descriptor),
        STATUS_OK);
    return (const ReserveResponse *)world->answer;
}

static const Level *level_at(const char *sku, const char *place, int64_t at_us)
{
    ListLevelsRequest in = PENSTOCK__INVENTORY__V1__LIST_LEVELS_REQUEST__INIT;
    in.sku = TEXT(sku);
    in.location = TEXT(place);
    in.at_us = at_us;
    assert_int_equal(
        ask("ListLevels", &in.base, &penstock__inventory__v1__list_levels_response__descriptor),
        STATUS_OK);
    const ListLevelsResponse *out = (const ListLevelsResponse *)world->answer;
    return out->n_data == 0 ? NULL : out->data[0];
}

/* ---- orders, as their log tells of them ---- */

struct sold {
    char id[UUID_TEXT_BYTES];
    char lines[4][UUID_TEXT_BYTES];
    struct lines of;
};

static struct sold new_sold(void)
{
    struct sold sold = {0};
    struct uuid id = uuid_new();
    uuid_text(&id, sold.id);
    for (int i = 0; i < 4; i++) {
        id = uuid_new();
        uuid_text(&id, sold.lines[i]);
    }
    return sold;
}

static void append_placed(struct sold *sold, const char *command, const char *hold,
                          int64_t placed_at_us)
{
    PlacedLine lines[4], *list[4];
    Penstock__Orders__V1__OrderPlaced event = PENSTOCK__ORDERS__V1__ORDER_PLACED__INIT;
    for (size_t i = 0; i < sold->of.count; i++) {
        penstock__orders__v1__placed_line__init(&lines[i]);
        lines[i].line_id = sold->lines[i];
        lines[i].sku = sold->of.line[i].sku;
        lines[i].quantity = sold->of.line[i].quantity;
        lines[i].takes_stock = true;
        list[i] = &lines[i];
    }
    event.order_id = sold->id;
    event.command_id = TEXT(command);
    event.hold_id = TEXT(hold);
    event.lines = list;
    event.n_lines = sold->of.count;
    event.placed_at_us = placed_at_us;
    scripted_append(&world->logs[ORDERS], sold->id, &event.base);
}

/* An order of one line that nobody had asked stock for. */
static struct sold placed(const char *sku, int64_t units, int64_t placed_at_us)
{
    struct sold sold = new_sold();
    add_line(&sold.of, sku, units);
    append_placed(&sold, "", "", placed_at_us);
    return sold;
}

static void append_cancelled(struct sold *sold, int64_t units)
{
    Penstock__Orders__V1__CancelledLine line = PENSTOCK__ORDERS__V1__CANCELLED_LINE__INIT;
    Penstock__Orders__V1__CancelledLine *list[] = {&line};
    Penstock__Orders__V1__OrderCancelled event = PENSTOCK__ORDERS__V1__ORDER_CANCELLED__INIT;
    line.line_id = sold->lines[0];
    line.cancelled = units;
    event.order_id = sold->id;
    event.lines = list;
    event.n_lines = 1;
    scripted_append(&world->logs[ORDERS], sold->id, &event.base);
}

static void append_changed(struct sold *sold, const char *sku, int64_t units)
{
    PlacedLine line = PENSTOCK__ORDERS__V1__PLACED_LINE__INIT;
    PlacedLine *list[] = {&line};
    Penstock__Orders__V1__OrderChanged event = PENSTOCK__ORDERS__V1__ORDER_CHANGED__INIT;
    line.line_id = sold->lines[0];
    line.sku = TEXT(sku);
    line.quantity = units;
    line.takes_stock = true;
    event.order_id = sold->id;
    event.lines = list;
    event.n_lines = 1;
    scripted_append(&world->logs[ORDERS], sold->id, &event.base);
}

static void append_voided(const char *command, const char *hold)
{
    Penstock__Bus__V1__HoldVoided event = PENSTOCK__BUS__V1__HOLD_VOIDED__INIT;
    event.hold_id = TEXT(hold);
    event.command_id = TEXT(command);
    event.holder = TEXT("inventory");
    scripted_append(&world->logs[ORDERS], hold, &event.base);
}

static void append_shipped(struct sold *sold, const char *place, int64_t units)
{
    Penstock__Fulfillment__V1__WorkLine line = PENSTOCK__FULFILLMENT__V1__WORK_LINE__INIT;
    Penstock__Fulfillment__V1__WorkLine *list[] = {&line};
    Penstock__Fulfillment__V1__FulfillmentShipped event =
        PENSTOCK__FULFILLMENT__V1__FULFILLMENT_SHIPPED__INIT;
    line.order_line_id = sold->lines[0];
    line.sku = sold->of.line[0].sku;
    line.quantity = units;
    event.order_id = sold->id;
    event.location = TEXT(place);
    event.lines = list;
    event.n_lines = 1;
    scripted_append(&world->logs[FULFILLMENT], sold->id, &event.base);
}

/* ---- what is true of the books ---- */

/* How many levels differ from the sum of their movements. */
static const char levels_off[] =
    "SELECT count(*) FROM inventory.level l CROSS JOIN LATERAL ("
    " SELECT coalesce(sum(CASE WHEN to_bucket = 2 THEN quantity WHEN from_bucket = 2 THEN"
    " -quantity END), 0) AS a,"
    " coalesce(sum(CASE WHEN to_bucket = 3 THEN quantity WHEN from_bucket = 3 THEN -quantity END),"
    " 0) AS c,"
    " coalesce(sum(CASE WHEN to_bucket = 4 THEN quantity WHEN from_bucket = 4 THEN -quantity END),"
    " 0) AS r,"
    " coalesce(sum(CASE WHEN to_bucket = 6 THEN quantity WHEN from_bucket = 6 THEN -quantity END),"
    " 0) AS q"
    " FROM inventory.movement m WHERE m.level_id = l.level_id) s"
    " WHERE (l.available, l.committed, l.reserved, l.quality_control) <> (s.a, s.c, s.r, s.q)";
/* How many levels promise other than what holds and orders have of them. */
static const char promises_off[] =
    "SELECT count(*) FROM inventory.level l"
    " LEFT JOIN (SELECT level_id, sum(q) AS q FROM inventory.hold, unnest(levels, quantities) AS u"
    " (level_id, q) GROUP BY 1) h USING (level_id)"
    " LEFT JOIN (SELECT level_id, sum(q) AS q FROM inventory.order_stock, unnest(levels,"
    " quantities) AS u (level_id, q) GROUP BY 1) o USING (level_id)"
    " WHERE l.reserved <> coalesce(h.q, 0) OR l.committed <> coalesce(o.q, 0)";

static void check_books(void)
{
    assert_int_equal(number("%s", levels_off), 0);
    assert_int_equal(number("%s", promises_off), 0);
    assert_int_equal(number("SELECT count(*) - max(position) FROM inventory.movement"), 0);
    assert_int_equal(number("SELECT (SELECT max(position) FROM inventory.movement) - position"
                            " FROM inventory.ledger"),
                     0);
}

static long long allocated(const struct sold *sold)
{
    return number("SELECT coalesce(sum(q), 0) FROM inventory.order_stock, unnest(quantities) q"
                  " WHERE order_id = '%s'",
                  sold->id);
}

static long long told(const struct sold *sold)
{
    return number("SELECT count(*) FROM inventory.event WHERE type = 'StockAllocated' AND key = "
                  "'%s'",
                  sold->id);
}

static void expect_level(const char *sku, const char *place, int64_t available, int64_t reserved,
                         int64_t committed)
{
    const Level *level = level_at(sku, place, 0);
    assert_non_null(level);
    assert_int_equal(level->available, available);
    assert_int_equal(level->reserved, reserved);
    assert_int_equal(level->committed, committed);
    assert_int_equal(level->on_hand, available + reserved + committed + level->safety +
                                         level->damaged + level->quality_control);
}

/* The world with three places: two that sell, and one that does not. */
static int open_places(void **state)
{
    open_world(state);
    if (world == NULL)
        return 0;
    create_place("hk-main", PLACE_WAREHOUSE);
    create_place("hk-shop", PLACE_STORE);
    create_place("transit", PLACE_IN_TRANSIT);
    return 0;
}
