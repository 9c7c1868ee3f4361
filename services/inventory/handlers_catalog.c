/* Locations and items: commands one at a time, and their lists. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/money.h"
#include "handlers.h"

#define MAX_RANK 1000000
#define MAX_NAME_BYTES 512
#define MAX_BARCODE_BYTES 64
#define MAX_WEIGHT_G 10000000

/* ---- what both have ---- */

static enum status check_name(struct call *call, const char *name)
{
    size_t bytes = strlen(name);
    if (bytes > MAX_NAME_BYTES)
        return refuse(call, STATUS_INVALID, "too_long", "name",
                      "A name has at most %d bytes; this has %zu.", MAX_NAME_BYTES, bytes);
    for (size_t i = 0; i < bytes; i++)
        if ((unsigned char)name[i] < 0x20 || name[i] == 0x7f)
            return refuse(call, STATUS_INVALID, "invalid", "name",
                          "A name has no control characters.");
    return STATUS_OK;
}

static enum status require_name(struct call *call, const char *name)
{
    if (*name == '\0')
        return refuse(call, STATUS_INVALID, "required", "name", "A name is needed.");
    return check_name(call, name);
}

static bool switched(Penstock__Inventory__V1__Switch wish, bool current)
{
    return wish == WIRE_ON ? true : wish == WIRE_OFF ? false : current;
}

static enum status check_switch(struct call *call, Penstock__Inventory__V1__Switch wish,
                                const char *field)
{
    if (wish == WIRE_UNCHANGED || wish == WIRE_ON || wish == WIRE_OFF)
        return STATUS_OK;
    return refuse(call, STATUS_INVALID, "invalid", field, "A switch is \"on\" or \"off\".");
}

/* ---- locations ---- */

static enum status check_code(struct call *call, const char *code)
{
    size_t length = strspn(code, "abcdefghijklmnopqrstuvwxyz0123456789-");
    if (*code == '\0')
        return refuse(call, STATUS_INVALID, "required", "code", "A code is needed.");
    if (code[length] != '\0' || length >= INVENTORY_CODE_BYTES)
        return refuse(call, STATUS_INVALID, "invalid", "code",
                      "A code has 1 to %d of a-z, 0-9 and -.", INVENTORY_CODE_BYTES - 1);
    return STATUS_OK;
}

static struct db_bytea pack_address(struct arena *arena, const Address *address)
{
    return address == NULL ? (struct db_bytea){NULL, 0} : store_pack(arena, &address->base);
}

static enum status check_location(struct call *call, const CreateLocationRequest *in)
{
    TRY(check_code(call, in->code));
    TRY(require_name(call, in->name));
    if ((int)in->type < 0 || (int)in->type > PLACE_QUARANTINE)
        return refuse(call, STATUS_INVALID, "invalid", "type", "There is no such type.");
    if (in->rank < 0 || in->rank > MAX_RANK)
        return refuse(call, STATUS_INVALID, "out_of_range", "rank", "A rank is 1 to %d.", MAX_RANK);
    return STATUS_OK;
}

enum status create_location(struct call *call, const ProtobufCMessage *message,
                            ProtobufCMessage *answer)
{
    const CreateLocationRequest *in = (const CreateLocationRequest *)message;
    CreateLocationResponse *out = (CreateLocationResponse *)answer;
    struct location_row *there;
    struct desk desk;
    int64_t last, count;
    TRY(check_location(call, in));
    TRY(store_location(call->db, in->code, &there));
    if (there != NULL)
        return refuse(call, STATUS_CONFLICT, "duplicate_code", "code",
                      "There is a location \"%s\" already.", in->code);
    TRY(store_location_ranks(call->db, &last, &count));
    if (count >= INVENTORY_MAX_LOCATIONS)
        return refuse(call, STATUS_CONFLICT, "too_many", "",
                      "There are %d locations already, which is the limit.",
                      INVENTORY_MAX_LOCATIONS);
    int32_t type = in->type == 0 ? (int32_t)PLACE_WAREHOUSE : (int32_t)in->type;
    struct location_row row = {.code = in->code,
                               .location_id = uuid_new(),
                               .name = in->name,
                               .type = type,
                               .rank = in->rank != 0 ? in->rank : (int32_t)last + 1,
                               .is_sellable =
                                   !in->not_sellable && place_type_sells((enum place_type)type),
                               .is_active = true,
                               .address = pack_address(call->arena, in->address),
                               .created_at = call->now_us};
    TRY(stock_begin_call(&desk, call));
    TRY(store_location_insert(call->db, &row));
    desk_touch(&desk);
    out->location = view_location(call->arena, &row);
    return stock_end(&desk, call);
}

enum status update_location(struct call *call, const ProtobufCMessage *message,
                            ProtobufCMessage *answer)
{
    const UpdateLocationRequest *in = (const UpdateLocationRequest *)message;
    UpdateLocationResponse *out = (UpdateLocationResponse *)answer;
    struct location_row *row;
    struct desk desk;
    TRY(check_name(call, in->name));
    TRY(check_switch(call, in->sellable, "sellable"));
    TRY(check_switch(call, in->active, "active"));
    if (in->rank < 0 || in->rank > MAX_RANK)
        return refuse(call, STATUS_INVALID, "out_of_range", "rank", "A rank is 1 to %d.", MAX_RANK);
    TRY(store_location(call->db, in->code, &row));
    if (row == NULL)
        return refuse(call, STATUS_NOT_FOUND, "not_found", "code", "There is no such location.");
    if (in->sellable == WIRE_ON && !place_type_sells((enum place_type)row->type))
        return refuse(call, STATUS_CONFLICT, "invalid_state", "sellable",
                      "What is in transit or in quarantine cannot be sold.");
    if (*in->name != '\0')
        row->name = in->name;
    if (in->rank != 0)
        row->rank = in->rank;
    row->is_sellable = switched(in->sellable, row->is_sellable);
    row->is_active = switched(in->active, row->is_active);
    if (in->address != NULL)
        row->address = pack_address(call->arena, in->address);
    TRY(stock_begin_call(&desk, call));
    TRY(store_location_update(call->db, row));
    desk_touch(&desk);
    book_set_unserved(desk.book, true); /* more may be on offer now */
    out->location = view_location(call->arena, row);
    return stock_end(&desk, call);
}

enum status list_locations(struct call *call, const ProtobufCMessage *message,
                           ProtobufCMessage *answer)
{
    const ListLocationsRequest *in = (const ListLocationsRequest *)message;
    ListLocationsResponse *out = (ListLocationsResponse *)answer;
    struct location_row *rows;
    const char *rank, *code;
    int64_t limit;
    size_t count;
    TRY(page_limit(call, in->limit, &limit));
    TRY(cursor_parts(call, in->cursor, &rank, &code));
    TRY(store_locations(call->db, (int32_t)strtol(rank, NULL, 10), code, limit + 1, &rows, &count));
    out->data = ARENA_ARRAY(call->arena, count + 1, Location *);
    for (size_t i = 0; i < count && i < (size_t)limit; i++)
        out->data[out->n_data++] = view_location(call->arena, &rows[i]);
    if (count > (size_t)limit)
        out->next_cursor =
            cursor_text(call->arena, arena_printf(call->arena, "%" PRId32, rows[limit - 1].rank),
                        rows[limit - 1].code);
    return STATUS_OK;
}

/* ---- items ---- */

static enum status check_price(struct call *call, const Money *price)
{
    if (price == NULL || *price->currency == '\0')
        return STATUS_OK;
    if (money_exponent(price->currency) < 0)
        return refuse(call, STATUS_INVALID, "invalid", "price.currency",
                      "\"%s\" is no currency that is known here.", price->currency);
    if (price->amount_minor < 0 || price->amount_minor > MONEY_MAX_MINOR)
        return refuse(call, STATUS_INVALID, "out_of_range", "price.amount",
                      "A price is not negative, and not so large.");
    return STATUS_OK;
}

static enum status check_details(struct call *call, const char *barcode, int32_t weight_g)
{
    if (strlen(barcode) > MAX_BARCODE_BYTES)
        return refuse(call, STATUS_INVALID, "too_long", "barcode",
                      "A barcode has at most %d characters.", MAX_BARCODE_BYTES);
    if (weight_g < 0 || weight_g > MAX_WEIGHT_G)
        return refuse(call, STATUS_INVALID, "out_of_range", "weight_g",
                      "A weight is 0 to %d grams.", MAX_WEIGHT_G);
    return STATUS_OK;
}

#define AHEAD_UNCHANGED PENSTOCK__INVENTORY__V1__SELLING_AHEAD__SELLING_AHEAD_UNSPECIFIED

static enum status check_ahead(struct call *call, int kind, int64_t limit, int64_t promised_at_us)
{
    if (kind < 0 || kind > AHEAD_BACKORDER)
        return refuse(call, STATUS_INVALID, "invalid", "selling_ahead",
                      "What is not there is sold as preorder or backorder, or not.");
    if (limit < 0 || limit > INVENTORY_MAX_ADJUSTMENT)
        return refuse(call, STATUS_INVALID, "out_of_range", "ahead_limit",
                      "A limit is not negative, and not so large.");
    if (kind <= AHEAD_NONE && (limit != 0 || promised_at_us != 0))
        return refuse(call, STATUS_INVALID, "invalid", "selling_ahead",
                      "A limit or a date needs preorder or backorder.");
    if (promised_at_us < 0)
        return refuse(call, STATUS_INVALID, "out_of_range", "promised_at",
                      "There is no such time.");
    return STATUS_OK;
}

static void set_ahead(struct catalog_row *row, int kind, int64_t limit, int64_t promised_at_us)
{
    if (kind == (int)AHEAD_UNCHANGED)
        return;
    row->selling_ahead = kind;
    row->ahead_limit = limit;
    row->promised_at = promised_at_us;
}

static void set_price(struct catalog_row *row, const Money *price)
{
    if (price == NULL)
        return;
    row->price_minor = price->amount_minor;
    row->price_currency = price->currency;
}

enum status create_item(struct call *call, const ProtobufCMessage *message,
                        ProtobufCMessage *answer)
{
    const CreateItemRequest *in = (const CreateItemRequest *)message;
    CreateItemResponse *out = (CreateItemResponse *)answer;
    struct catalog_row *there;
    if (*in->sku == '\0')
        return refuse(call, STATUS_INVALID, "required", "sku", "A SKU is needed.");
    if (!sku_is_valid(in->sku))
        return refuse(call, STATUS_INVALID, "invalid", "sku",
                      "A SKU has 1 to %d printable characters and no blank at either end.",
                      INVENTORY_SKU_CHARACTERS);
    TRY(require_name(call, in->name));
    TRY(check_price(call, in->price));
    TRY(check_details(call, in->barcode, in->weight_g));
    TRY(check_ahead(call, (int)in->selling_ahead, in->ahead_limit, in->promised_at_us));
    TRY(store_item(call->db, in->sku, &there));
    if (there != NULL)
        return refuse(call, STATUS_CONFLICT, "duplicate_sku", "sku",
                      "There is an item \"%s\" already.", in->sku);
    struct catalog_row row = {.sku = in->sku,
                              .item_id = uuid_new(),
                              .name = in->name,
                              .price_currency = "",
                              .barcode = in->barcode,
                              .weight_g = in->weight_g,
                              .is_active = true,
                              .created_at = call->now_us,
                              .selling_ahead = AHEAD_NONE};
    set_price(&row, in->price);
    set_ahead(&row, (int)in->selling_ahead, in->ahead_limit, in->promised_at_us);
    TRY(store_item_insert(call->db, &row));
    out->item = view_item(call->arena, &row);
    return STATUS_OK;
}

enum status update_item(struct call *call, const ProtobufCMessage *message,
                        ProtobufCMessage *answer)
{
    const UpdateItemRequest *in = (const UpdateItemRequest *)message;
    UpdateItemResponse *out = (UpdateItemResponse *)answer;
    struct catalog_row *row;
    struct desk desk;
    TRY(check_name(call, in->name));
    TRY(check_price(call, in->price));
    TRY(check_details(call, in->barcode, in->weight_g));
    TRY(check_switch(call, in->active, "active"));
    TRY(check_ahead(call, (int)in->selling_ahead, in->ahead_limit, in->promised_at_us));
    TRY(store_item(call->db, in->sku, &row));
    if (row == NULL)
        return refuse(call, STATUS_NOT_FOUND, "not_found", "sku", "There is no such item.");
    if (*in->name != '\0')
        row->name = in->name;
    if (*in->barcode != '\0')
        row->barcode = in->barcode;
    if (in->weight_g != 0)
        row->weight_g = in->weight_g;
    row->is_active = switched(in->active, row->is_active);
    set_price(row, in->price);
    set_ahead(row, (int)in->selling_ahead, in->ahead_limit, in->promised_at_us);
    TRY(stock_begin_call(&desk, call));
    TRY(store_item_update(call->db, row));
    desk_touch(&desk);
    book_set_unserved(desk.book, true);
    out->item = view_item(call->arena, row);
    return stock_end(&desk, call);
}

enum status get_item(struct call *call, const ProtobufCMessage *message, ProtobufCMessage *answer)
{
    const GetItemRequest *in = (const GetItemRequest *)message;
    GetItemResponse *out = (GetItemResponse *)answer;
    struct catalog_row *row;
    TRY(store_item(call->db, in->sku, &row));
    if (row == NULL)
        return refuse(call, STATUS_NOT_FOUND, "not_found", "sku", "There is no such item.");
    out->item = view_item(call->arena, row);
    return STATUS_OK;
}

enum status list_items(struct call *call, const ProtobufCMessage *message, ProtobufCMessage *answer)
{
    const ListItemsRequest *in = (const ListItemsRequest *)message;
    ListItemsResponse *out = (ListItemsResponse *)answer;
    struct catalog_row *rows;
    const char *sku, *rest;
    int64_t limit;
    size_t count;
    TRY(page_limit(call, in->limit, &limit));
    TRY(cursor_parts(call, in->cursor, &sku, &rest));
    if (*in->sku != '\0') {
        TRY(store_item(call->db, in->sku, &rows));
        count = rows != NULL && strcmp(rows->sku, sku) > 0;
    } else {
        TRY(store_items(call->db, sku, limit + 1, &rows, &count));
    }
    out->data = ARENA_ARRAY(call->arena, count + 1, Item *);
    for (size_t i = 0; i < count && i < (size_t)limit; i++)
        out->data[out->n_data++] = view_item(call->arena, &rows[i]);
    if (count > (size_t)limit)
        out->next_cursor = cursor_text(call->arena, rows[limit - 1].sku, "");
    return STATUS_OK;
}
