/* An order was split, or put together again: what is held for it changes owners, and no unit moves.
 */
#include <string.h>

#include "handlers.h"

typedef Penstock__Orders__V1__OrderSplit OrderSplit;
typedef Penstock__Orders__V1__OrderSplitOff OrderSplitOff;
typedef Penstock__Orders__V1__OrderUnsplit OrderUnsplit;
typedef Penstock__Orders__V1__MovedLine MovedLine;

const char *inventory_follows(const ProtobufCMessage *event)
{
    if (event->descriptor == &penstock__orders__v1__order_split__descriptor)
        return ((const OrderSplit *)event)->child_id;
    if (event->descriptor == &penstock__orders__v1__order_unsplit__descriptor)
        return ((const OrderUnsplit *)event)->child_id;
    if (event->descriptor == &penstock__orders__v1__order_split_off__descriptor)
        return ((const OrderSplitOff *)event)->parent_id;
    return NULL;
}

static enum status unknown(struct call *call)
{
    return refuse(call, STATUS_NOT_FOUND, "unknown_order", "",
                  "This order was never placed, as far as inventory knows.");
}

static enum status find(struct desk *desk, struct call *call, const char *text,
                        struct order **order)
{
    struct uuid id;
    *order = uuid_parse(text, &id) ? store_order(desk, &id) : NULL;
    return *order != NULL ? STATUS_OK : unknown(call);
}

/* Nothing is written before all of it is known to be there. */
static enum status check_moved(struct call *call, const struct order *from, MovedLine *const *lines,
                               size_t count, bool is_split)
{
    struct uuid id;
    for (size_t i = 0; i < count; i++) {
        const MovedLine *moved = lines[i];
        const struct order_line *line =
            store_order_line(from, is_split ? moved->line_id : moved->child_line_id);
        if (!moved->takes_stock)
            continue;
        if (line == NULL || !uuid_parse(moved->line_id, &id) ||
            !uuid_parse(moved->child_line_id, &id) || moved->quantity < 0 ||
            moved->quantity > line->unallocated + rules_line_live(line))
            return refuse(call, STATUS_CONFLICT, "invalid", "",
                          "Line %s does not have what is to be moved.", moved->line_id);
    }
    return STATUS_OK;
}

static struct order_line *line_like(struct desk *desk, struct order *order, const char *line_id,
                                    const struct order_line *line)
{
    struct order_line *other = store_order_line(order, line_id);
    if (other != NULL)
        return other;
    other = store_order_add_line(desk, order);
    uuid_parse(line_id, &other->line_id);
    other->sku = line->sku;
    other->item = line->item;
    return other;
}

static void move(struct desk *desk, struct order *from, struct order *to, MovedLine *const *lines,
                 size_t count, bool is_split)
{
    for (size_t i = 0; i < count; i++) {
        const MovedLine *moved = lines[i];
        const char *from_id = is_split ? moved->line_id : moved->child_line_id;
        const char *to_id = is_split ? moved->child_line_id : moved->line_id;
        if (!moved->takes_stock)
            continue;
        struct order_line *line = store_order_line(from, from_id);
        rules_line_move(line, line_like(desk, to, to_id, line), moved->quantity, desk->arena);
    }
}

static struct order *child_of(struct desk *desk, const struct order *parent,
                              const struct uuid *child_id)
{
    struct order *child = store_order_new(desk, child_id, 0);
    child->placed_at_us = parent->placed_at_us;
    child->hold_id = *child_id;
    child->decided_at_us = parent->decided_at_us;
    child->decision = parent->decision;
    child->decision_bytes = parent->decision_bytes;
    return child;
}

static enum status split(struct desk *desk, struct call *call, const OrderSplit *event)
{
    struct order *parent;
    struct uuid child_id;
    TRY(find(desk, call, event->order_id, &parent));
    TRY(check_moved(call, parent, event->lines, event->n_lines, true));
    if (!uuid_parse(event->child_id, &child_id) || store_order(desk, &child_id) != NULL)
        return refuse(call, STATUS_CONFLICT, "invalid", "", "The child is there already.");
    struct order *child = child_of(desk, parent, &child_id);
    move(desk, parent, child, event->lines, event->n_lines, true);
    stock_tell(parent, call);
    stock_tell(child, call);
    call_log_order(call, "stock_split", "What is held for an order is shared with its child",
                   event->order_id);
    return STATUS_OK;
}

static enum status unsplit(struct desk *desk, struct call *call, const OrderUnsplit *event)
{
    struct order *parent, *child;
    TRY(find(desk, call, event->order_id, &parent));
    TRY(find(desk, call, event->child_id, &child));
    TRY(check_moved(call, child, event->lines, event->n_lines, false));
    move(desk, child, parent, event->lines, event->n_lines, false);
    stock_tell(parent, call);
    stock_tell(child, call);
    call_log_order(call, "stock_unsplit", "What is held for a child is its order's again",
                   event->order_id);
    return STATUS_OK;
}

enum status order_split(struct batch *batch)
{
    struct desk desk;
    struct uuid *ids = ARENA_ARRAY(batch->arena, batch->count, struct uuid);
    TRY(stock_begin_batch(&desk, batch));
    for (size_t i = 0; i < batch->count; i++)
        uuid_parse(((const OrderSplit *)batch->calls[i].in)->order_id, &ids[i]);
    TRY(store_orders_load(&desk, ids, batch->count));
    for_each_event(batch, call, OrderSplit, event) {
        desk.actor = call->actor;
        enum status status = split(&desk, call, event);
        if (call->status == STATUS_OK)
            TRY(status);
    }
    return stock_end_batch(&desk, batch);
}

enum status order_unsplit(struct batch *batch)
{
    struct desk desk;
    struct uuid *ids = ARENA_ARRAY(batch->arena, batch->count * 2, struct uuid);
    TRY(stock_begin_batch(&desk, batch));
    for (size_t i = 0; i < batch->count; i++) {
        const OrderUnsplit *event = (const OrderUnsplit *)batch->calls[i].in;
        uuid_parse(event->order_id, &ids[2 * i]);
        uuid_parse(event->child_id, &ids[2 * i + 1]);
    }
    TRY(store_orders_load(&desk, ids, batch->count * 2));
    for_each_event(batch, call, OrderUnsplit, event) {
        desk.actor = call->actor;
        enum status status = unsplit(&desk, call, event);
        if (call->status == STATUS_OK)
            TRY(status);
    }
    return stock_end_batch(&desk, batch);
}

/* Its stock came with OrderSplit. Where that one waits for someone, the child waits with it. */
enum status order_split_off(struct batch *batch)
{
    struct desk desk;
    struct uuid *ids = ARENA_ARRAY(batch->arena, batch->count, struct uuid);
    TRY(stock_begin_batch(&desk, batch));
    for (size_t i = 0; i < batch->count; i++)
        uuid_parse(((const OrderSplitOff *)batch->calls[i].in)->order_id, &ids[i]);
    TRY(store_orders_load(&desk, ids, batch->count));
    for_each_event(batch, call, OrderSplitOff, event) {
        if (store_order(&desk, &ids[call - batch->calls]) == NULL)
            (void)unknown(call);
        (void)event;
    }
    return stock_end_batch(&desk, batch);
}
