/* What the handlers share, what runs by itself, and the tables. */
#include "handlers.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define CURSOR_VARIANT sodium_base64_VARIANT_URLSAFE_NO_PADDING
#define CURSOR_MAX_BYTES 512
#define CURSOR_SEPARATOR '\x1f'
#define SERVE_CHECK_US INT64_C(5000000)

/* ---- pages ---- */

enum status page_limit(struct call *call, int32_t asked, int64_t *limit)
{
    if (asked < 0 || asked > PAGE_MAX)
        return refuse(call, STATUS_INVALID, "out_of_range", "limit", "A limit is 1 to %d.",
                      PAGE_MAX);
    *limit = asked == 0 ? PAGE_DEFAULT : asked;
    return STATUS_OK;
}

char *cursor_text(struct arena *arena, const char *first, const char *second)
{
    char *key = arena_printf(arena, "%s%c%s", first, CURSOR_SEPARATOR, second);
    size_t bytes = sodium_base64_ENCODED_LEN(strlen(key), CURSOR_VARIANT);
    return sodium_bin2base64(arena_alloc(arena, bytes), bytes, (const unsigned char *)key,
                             strlen(key), CURSOR_VARIANT);
}

enum status cursor_parts(struct call *call, const char *cursor, const char **first,
                         const char **second)
{
    unsigned char key[CURSOR_MAX_BYTES];
    size_t bytes;
    *first = *second = "";
    if (*cursor == '\0')
        return STATUS_OK;
    if (sodium_base642bin(key, sizeof key - 1, cursor, strlen(cursor), NULL, &bytes, NULL,
                          CURSOR_VARIANT) == 0) {
        key[bytes] = '\0';
        char *text = arena_strdup(call->arena, (const char *)key);
        char *separator = strchr(text, CURSOR_SEPARATOR);
        if (separator != NULL) {
            *separator = '\0';
            *first = text;
            *second = separator + 1;
            return STATUS_OK;
        }
    }
    return refuse(call, STATUS_INVALID, "invalid", "cursor", "A cursor comes from next_cursor.");
}

/* ---- SKUs and lines ---- */

/* The next character of UTF-8; 0 for what is none. */
static uint32_t next_character(const unsigned char **at)
{
    const unsigned char *c = *at;
    size_t more = c[0] < 0x80             ? 0
                  : (c[0] & 0xe0) == 0xc0 ? 1
                  : (c[0] & 0xf0) == 0xe0 ? 2
                  : (c[0] & 0xf8) == 0xf0 ? 3
                                          : SIZE_MAX;
    if (more == SIZE_MAX)
        return 0;
    uint32_t character = more == 0 ? c[0] : c[0] & (0x3fu >> more);
    for (size_t i = 1; i <= more; i++) {
        if ((c[i] & 0xc0) != 0x80)
            return 0;
        character = character << 6 | (c[i] & 0x3f);
    }
    *at = c + more + 1;
    return character;
}

static bool is_blank(uint32_t character)
{
    return character == 0x20 || character == 0xa0 || character == 0x3000;
}

bool sku_is_valid(const char *sku)
{
    const unsigned char *at = (const unsigned char *)sku;
    uint32_t last = 0;
    for (size_t count = 0; *at != '\0'; count++) {
        last = next_character(&at);
        bool is_control = last < 0x20 || (last >= 0x7f && last < 0xa0);
        if (is_control || count == INVENTORY_SKU_CHARACTERS || (count == 0 && is_blank(last)))
            return false;
    }
    return last != 0 && !is_blank(last);
}

enum status lines_check(struct call *call, ReserveLine *const *lines, size_t count, int64_t lowest)
{
    if (count > INVENTORY_MAX_LINES)
        return refuse(call, STATUS_INVALID, "too_many", "lines", "There are at most %d lines.",
                      INVENTORY_MAX_LINES);
    for (size_t i = 0; i < count; i++) {
        const char *field = arena_printf(call->arena, "lines[%zu].quantity", i);
        if (lines[i]->quantity < lowest || lines[i]->quantity > INVENTORY_MAX_QUANTITY)
            return refuse(call, STATUS_INVALID, "out_of_range", field, "A quantity is %d to %d.",
                          (int)lowest, INVENTORY_MAX_QUANTITY);
        if (lowest > 0 && *lines[i]->sku == '\0')
            return refuse(call, STATUS_INVALID, "required",
                          arena_printf(call->arena, "lines[%zu].sku", i), "A SKU is needed.");
    }
    return STATUS_OK;
}

void lines_note(struct desk *desk, ReserveLine *const *lines, size_t count)
{
    for (size_t i = 0; i < count; i++)
        desk_want(desk, lines[i]->sku);
}

struct wants lines_wants(const struct desk *desk, ReserveLine *const *lines, size_t count)
{
    struct wants wants = wants_new(desk->arena, count);
    for (size_t i = 0; i < count; i++)
        wants_add(&wants, desk_item(desk, lines[i]->sku), lines[i]->sku, lines[i]->quantity);
    return wants;
}

/* ---- what runs by itself ---- */

void *inventory_open(void *conf)
{
    (void)conf;
    struct stock_state *state = calloc(1, sizeof *state);
    if (state == NULL)
        abort();
    return state;
}

void inventory_close(void *state)
{
    struct stock_state *own = state;
    book_close(&own->book);
    free(own);
}

/* Someone else may have written since. */
enum status inventory_lead(struct call *call)
{
    struct stock_state *state = call->state;
    if (state->book != NULL)
        book_forget(state->book);
    return STATUS_OK;
}

/* Opening a desk releases what has expired; this sees to it that one is opened. */
enum status sweep_expired(struct call *call)
{
    struct desk desk;
    TRY(stock_begin_call(&desk, call));
    return stock_end(&desk, call);
}

/* A queue that was not served to its end: at once when a desk says so, else looked for now and
 * then, for a process that dies forgets what it wanted to do. */
enum status serve_waiting(struct call *call)
{
    struct stock_state *state = call->state;
    struct desk desk;
    const char **skus;
    size_t count;
    bool is_told = state->book != NULL && book_is_unserved(state->book);
    if (!is_told && call->now_us - state->swept_at_us < SERVE_CHECK_US)
        return STATUS_OK;
    state->swept_at_us = call->now_us;
    TRY(stock_begin_call(&desk, call));
    TRY(store_queue_unserved(&desk, &skus, &count));
    book_set_unserved(desk.book, false);
    for (size_t i = 0; i < count; i++)
        desk_want(&desk, skus[i]);
    TRY(desk_load(&desk));
    for (size_t i = 0; i < count; i++) {
        struct item *item = desk_item(&desk, skus[i]);
        if (item != NULL)
            desk_raise(&desk, item);
    }
    return stock_end(&desk, call);
}

enum status inventory_unsettled(struct call *call, int64_t age_us, struct unsettled *list,
                                size_t *count)
{
    struct unsettled_row *rows;
    size_t nrows;
    TRY(store_unsettled(call->db, call->now_us - age_us, *count, &rows, &nrows));
    for (size_t i = 0; i < nrows; i++)
        list[i] = (struct unsettled){rows[i].command_id, rows[i].asker, rows[i].hold_id};
    *count = nrows;
    return STATUS_OK;
}

/* ---- the tables ---- */

#define READ "stock:read"
#define WRITE "stock:write"

const struct route inventory_routes[] = {
    {.rpc = "CreateLocation",
     .kind = ROUTE_COMMAND,
     .handler = create_location,
     .permission = WRITE},
    {.rpc = "UpdateLocation",
     .kind = ROUTE_COMMAND,
     .handler = update_location,
     .permission = WRITE},
    {.rpc = "ListLocations", .kind = ROUTE_QUERY, .handler = list_locations, .permission = READ},
    {.rpc = "CreateItem", .kind = ROUTE_COMMAND, .handler = create_item, .permission = WRITE},
    {.rpc = "UpdateItem", .kind = ROUTE_COMMAND, .handler = update_item, .permission = WRITE},
    {.rpc = "GetItem", .kind = ROUTE_QUERY, .handler = get_item, .permission = READ},
    {.rpc = "ListItems", .kind = ROUTE_QUERY, .handler = list_items, .permission = READ},
    {.rpc = "ListLevels", .kind = ROUTE_QUERY, .handler = list_levels, .permission = READ},
    {.rpc = "AdjustStock", .kind = ROUTE_BATCH, .batch = adjust_stock, .permission = WRITE},
    {.rpc = "ListMovements", .kind = ROUTE_QUERY, .handler = list_movements, .permission = READ},
    {.rpc = "Reserve", .kind = ROUTE_BATCH, .batch = reserve},
    {.rpc = "CreateReservation",
     .kind = ROUTE_BATCH,
     .batch = create_reservation,
     .permission = WRITE},
    {.rpc = "GetReservation", .kind = ROUTE_QUERY, .handler = get_reservation, .permission = READ},
    {.rpc = "ReleaseReservation",
     .kind = ROUTE_COMMAND,
     .handler = release_reservation,
     .permission = WRITE},
    {.rpc = "GetSourcing", .kind = ROUTE_QUERY, .handler = get_sourcing, .permission = READ},
    {.rpc = "QuoteStock", .kind = ROUTE_QUERY, .handler = quote_stock},
    {.rpc = "ExtendReservation",
     .kind = ROUTE_COMMAND,
     .handler = extend_reservation,
     .permission = WRITE},
    {.rpc = NULL},
};

const struct subscription inventory_subscriptions[] = {
    {"orders", &penstock__orders__v1__order_placed__descriptor, order_placed},
    {"orders", &penstock__orders__v1__order_changed__descriptor, order_changed},
    {"orders", &penstock__orders__v1__order_cancelled__descriptor, order_cancelled},
    {"orders", &penstock__orders__v1__order_split__descriptor, order_split},
    {"orders", &penstock__orders__v1__order_split_off__descriptor, order_split_off},
    {"orders", &penstock__orders__v1__order_unsplit__descriptor, order_unsplit},
    {"orders", &penstock__bus__v1__hold_voided__descriptor, hold_voided},
    {"fulfillment", &penstock__fulfillment__v1__fulfillment_shipped__descriptor,
     fulfillment_shipped},
    {"returns", &penstock__returns__v1__return_inspected__descriptor, return_inspected},
    {NULL, NULL, NULL},
};

const struct timer inventory_timers[] = {
    {"sweep_expired", 1000, sweep_expired},
    {"serve_waiting", 100, serve_waiting},
    {NULL, 0, NULL},
};

const struct counter inventory_counters[] = {
    {COUNT_HOLDS, "Holds that took stock for a command."},
    {COUNT_SHORT, "Questions answered with a no: too little stock, or an unknown SKU."},
    {COUNT_ADOPTED, "Holds that an order adopted."},
    {COUNT_VOIDED, "Holds released because no command used them."},
    {COUNT_SERVED, "Waiting order lines that got stock."},
    {NULL, NULL},
};

const ProtobufCMessageDescriptor *const inventory_events[] = {
    &penstock__inventory__v1__stock_allocated__descriptor,
    &penstock__inventory__v1__stock_released__descriptor,
    NULL,
};
