/* Goods that really move: parcels that leave, returns that come back. */
#include <inttypes.h>
#include <string.h>

#include "handlers.h"

/* ---- shipped ---- */

typedef Penstock__Fulfillment__V1__FulfillmentShipped FulfillmentShipped;
typedef Penstock__Fulfillment__V1__WorkLine WorkLine;

/* A SKU that nobody knows has no stock: its units are counted as shipped, and nothing moves. */
static void ship_unmatched(struct order_line *line, int64_t units)
{
    line->consumed += units;
    line->unallocated -= line->unallocated < units ? line->unallocated : units;
}

/* Pure consumption of what was committed there changes nothing that others were told. */
static bool changes_allocation(const struct moves *moves)
{
    for (size_t i = 0; i < moves->count; i++)
        if (moves->list[i].cause != CAUSE_SHIP || moves->list[i].from != BUCKET_COMMITTED)
            return true;
    return false;
}

static enum status ship(struct desk *desk, struct call *call, const FulfillmentShipped *event,
                        struct order *order, const struct place *place)
{
    struct moves moves = {.arena = desk->arena};
    struct departure *departures = ARENA_ARRAY(desk->arena, event->n_lines + 1, struct departure);
    size_t count = 0, culprit = 0;
    for (size_t i = 0; i < event->n_lines; i++) {
        struct order_line *line = store_order_line(order, event->lines[i]->order_line_id);
        int64_t units = event->lines[i]->quantity;
        if (line != NULL && units > 0 && line->item != NULL)
            departures[count++] = (struct departure){line, place, units};
    }
    if (!rules_order_ship(departures, count, &moves, &culprit))
        return refuse(call, STATUS_CONFLICT, "insufficient_stock", "",
                      "%s left %s, where the books have neither committed nor available units of "
                      "it: count and adjust, then retry.",
                      departures[culprit].line->sku, place->code);
    for (size_t i = 0; i < event->n_lines; i++) {
        struct order_line *line = store_order_line(order, event->lines[i]->order_line_id);
        if (line != NULL && event->lines[i]->quantity > 0 && line->item == NULL)
            ship_unmatched(line, event->lines[i]->quantity);
    }
    stock_book_moves(desk, &moves, &order->order_id);
    order->is_changed = true;
    if (changes_allocation(&moves))
        stock_tell(order, call);
    return STATUS_OK;
}

enum status fulfillment_shipped(struct batch *batch)
{
    struct desk desk;
    struct uuid *ids = ARENA_ARRAY(batch->arena, batch->count, struct uuid);
    TRY(stock_begin_batch(&desk, batch));
    for (size_t i = 0; i < batch->count; i++)
        uuid_parse(((const FulfillmentShipped *)batch->calls[i].in)->order_id, &ids[i]);
    TRY(store_orders_load(&desk, ids, batch->count));
    for_each_event(batch, call, FulfillmentShipped, event) {
        struct order *order = store_order(&desk, &ids[call - batch->calls]);
        const struct place *place = desk_place(&desk, event->location);
        desk.actor = call->actor;
        if (order == NULL)
            refuse(call, STATUS_NOT_FOUND, "unknown_order", "",
                   "This order was never placed, as far as inventory knows.");
        else if (place == NULL)
            refuse(call, STATUS_NOT_FOUND, "unknown_location", "", "There is no location \"%s\".",
                   event->location);
        else if (ship(&desk, call, event, order, place) != STATUS_OK)
            continue;
    }
    return stock_end_batch(&desk, batch);
}

/* ---- returned ---- */

typedef Penstock__Returns__V1__ReturnInspected ReturnInspected;

/* Where inspected units go; false: no stock comes of it. Scrap never comes back into the books: it
 * left them when it was shipped. */
static enum status bucket_of(struct call *call, Penstock__Returns__V1__Disposition disposition,
                             enum bucket *bucket, bool *is_stock)
{
    *is_stock = true;
    switch ((int)disposition) {
    case PENSTOCK__RETURNS__V1__DISPOSITION__DISPOSITION_RESTOCK:
        *bucket = BUCKET_AVAILABLE;
        return STATUS_OK;
    case PENSTOCK__RETURNS__V1__DISPOSITION__DISPOSITION_QUARANTINE:
        *bucket = BUCKET_QUALITY_CONTROL;
        return STATUS_OK;
    case PENSTOCK__RETURNS__V1__DISPOSITION__DISPOSITION_SCRAP:
        *is_stock = false;
        return STATUS_OK;
    }
    return refuse(call, STATUS_INVALID, "invalid", "", "There is no disposition %d.",
                  (int)disposition);
}

static enum status check_return(struct desk *desk, struct call *call, const ReturnInspected *event,
                                struct uuid *return_id)
{
    enum bucket bucket;
    bool is_stock;
    if (!uuid_parse(event->return_id, return_id))
        return refuse(call, STATUS_INVALID, "invalid", "", "The return's id is none.");
    if (desk_place(desk, event->location) == NULL)
        return refuse(call, STATUS_NOT_FOUND, "unknown_location", "",
                      "There is no location \"%s\".", event->location);
    for (size_t i = 0; i < event->n_lines; i++) {
        TRY(bucket_of(call, event->lines[i]->disposition, &bucket, &is_stock));
        if (event->lines[i]->quantity < 0 || event->lines[i]->quantity > INVENTORY_MAX_ADJUSTMENT)
            return refuse(call, STATUS_INVALID, "out_of_range", "", "A quantity is out of range.");
    }
    return STATUS_OK;
}

static enum status take_back(struct desk *desk, struct call *call, const ReturnInspected *event)
{
    struct uuid return_id;
    enum bucket bucket = BUCKET_AVAILABLE;
    bool is_stock = false;
    TRY(check_return(desk, call, event, &return_id));
    const struct place *place = desk_place(desk, event->location);
    for (size_t i = 0; i < event->n_lines; i++) {
        struct item *item = desk_item(desk, event->lines[i]->sku);
        TRY(bucket_of(call, event->lines[i]->disposition, &bucket, &is_stock));
        if (is_stock && item != NULL && event->lines[i]->quantity > 0)
            desk_move(desk, desk_level_at(desk, item, place), BUCKET_OUTSIDE, bucket,
                      event->lines[i]->quantity,
                      (struct cause_of){.cause = CAUSE_RETURN, .id = &return_id});
    }
    return STATUS_OK;
}

enum status return_inspected(struct batch *batch)
{
    struct desk desk;
    TRY(stock_begin_batch(&desk, batch));
    for (size_t i = 0; i < batch->count; i++) {
        const ReturnInspected *event = (const ReturnInspected *)batch->calls[i].in;
        for (size_t j = 0; j < event->n_lines; j++)
            desk_want(&desk, event->lines[j]->sku);
    }
    TRY(desk_load(&desk));
    for_each_event(batch, call, ReturnInspected, event) {
        desk.actor = call->actor;
        if (take_back(&desk, call, event) != STATUS_OK)
            continue;
    }
    return stock_end_batch(&desk, batch);
}
