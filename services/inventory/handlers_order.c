/* What happens to orders: placed, changed, cancelled; and holds that no command will ever use. */
#include <string.h>

#include "handlers.h"

/* Parks the event: it is not what its producer may send. */
static enum status park(struct call *call, const char *what)
{
    return refuse(call, STATUS_INVALID, "invalid", "", "%s", what);
}

static bool quantities_make_sense(PlacedLine *const *lines, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (lines[i]->quantity < 0 || lines[i]->quantity > INVENTORY_MAX_UNITS)
            return false;
    return count <= INT16_MAX;
}

/* ---- placed ---- */

typedef Penstock__Orders__V1__OrderPlaced OrderPlaced;

/* One order on its way in: its stock lines, and which line of the event each of them is. */
struct placing {
    struct desk *desk;
    struct call *call;
    const OrderPlaced *event;
    struct order *order;
    struct order_line **line_of; /* by index of the event; NULL: takes no stock */
};

static enum status take_lines(struct placing *placing)
{
    const OrderPlaced *event = placing->event;
    size_t at = 0;
    placing->line_of = ARENA_ARRAY(placing->desk->arena, event->n_lines + 1, struct order_line *);
    for (size_t i = 0; i < event->n_lines; i++) {
        const PlacedLine *from = event->lines[i];
        if (!from->takes_stock)
            continue;
        struct order_line *line = &placing->order->lines[at++];
        if (!uuid_parse(from->line_id, &line->line_id))
            return park(placing->call, "a line's id is none");
        line->sku = from->sku;
        line->item = desk_item(placing->desk, from->sku);
        line->unallocated = from->quantity;
        placing->line_of[i] = line;
    }
    return STATUS_OK;
}

/* A line keeps what was held for it as far as it is what was asked for. */
static bool fits(const struct placing *placing, const struct take *take)
{
    if (take->line >= placing->event->n_lines || placing->line_of[take->line] == NULL)
        return false;
    const struct order_line *line = placing->line_of[take->line];
    return line->item == take->level->item && line->unallocated >= take->units;
}

/* What the decision sold ahead, as far as the line still waits for so much. */
static void wait_ahead(struct order_line *line, const SourcingLine *decided)
{
    int64_t units = decided->preordered + decided->backordered;
    if (line == NULL || units == 0)
        return;
    line->ahead += units;
    if (line->ahead > line->unallocated)
        line->ahead = line->unallocated;
    line->ahead_kind = decided->preordered > 0 ? AHEAD_PREORDER : AHEAD_BACKORDER;
    line->promised_at_us = decided->promised_at_us;
}

static void adopt(struct placing *placing, struct hold *hold)
{
    struct desk *desk = placing->desk;
    struct order *order = placing->order;
    for (size_t i = 0; i < hold->ntakes; i++) {
        const struct take *take = &hold->takes[i];
        if (!fits(placing, take)) {
            desk_move(desk, take->level, BUCKET_RESERVED, BUCKET_AVAILABLE, take->units,
                      (struct cause_of){.cause = CAUSE_RELEASE, .id = &hold->hold_id});
            continue;
        }
        struct order_line *line = placing->line_of[take->line];
        line->unallocated -= take->units;
        rules_order_give(line, take->level, take->units, desk->arena);
        desk_move(desk, take->level, BUCKET_RESERVED, BUCKET_COMMITTED, take->units,
                  (struct cause_of){.cause = CAUSE_COMMIT, .id = &order->order_id});
    }
    for (size_t i = 0; i < hold->decision->n_lines && i < placing->event->n_lines; i++)
        wait_ahead(placing->line_of[i], hold->decision->lines[i]);
    order->hold_id = hold->hold_id;
    order->claim_id = hold->claim_id;
    order->command_key = hold->command_key;
    order->question_key = hold->question_key;
    order->decided_at_us = hold->decision->decided_at_us;
    order->decision = hold->packed.bytes;
    order->decision_bytes = hold->packed.count;
    store_hold_delete(desk, hold);
    if (hold->expires_at_us != 0)
        store_reservation_end(desk, &hold->hold_id, RESERVATION_COMMITTED, &order->order_id);
    count(placing->call, COUNT_ADOPTED, 1);
}

/* Nothing was held: inventory was away, or there was nothing. Each line takes what there is now. */
static void reserve_now(struct placing *placing)
{
    struct desk *desk = placing->desk;
    struct order *order = placing->order;
    struct reserve_decision decision;
    struct wants wants = wants_new(desk->arena, order->nlines);
    for (size_t i = 0; i < order->nlines; i++)
        wants_add(&wants, order->lines[i].item, order->lines[i].sku, order->lines[i].unallocated);
    stock_decide(desk, &wants, POLICY_ACCEPT, &decision);
    const struct sourcing *sourcing = &decision.sourcing;
    for (size_t i = 0; i < sourcing->ntakes; i++) {
        struct order_line *line = &order->lines[sourcing->takes[i].line];
        line->unallocated -= sourcing->takes[i].units;
        rules_order_give(line, sourcing->takes[i].level, sourcing->takes[i].units, desk->arena);
    }
    stock_take(desk, sourcing->takes, sourcing->ntakes, BUCKET_COMMITTED,
               (struct cause_of){.cause = CAUSE_ALLOCATE, .id = &order->order_id});
    const SourcingDecision *view = view_decision(desk->arena, &wants, sourcing, desk->now_us);
    for (size_t i = 0; i < order->nlines; i++)
        wait_ahead(&order->lines[i], view->lines[i]);
    struct db_bytea packed = store_pack(desk->arena, &view->base);
    order->hold_id = order->order_id;
    order->decided_at_us = desk->now_us;
    order->decision = packed.bytes;
    order->decision_bytes = packed.count;
}

static enum status place(struct desk *desk, struct holds *holds, struct call *call,
                         const OrderPlaced *event)
{
    struct placing placing = {.desk = desk, .call = call, .event = event};
    struct uuid order_id, hold_id = {{0}}, command_key = store_key(event->command_id);
    size_t nlines = 0;
    if (!uuid_parse(event->order_id, &order_id))
        return park(call, "the order's id is none");
    if (!quantities_make_sense(event->lines, event->n_lines) || event->placed_at_us <= 0)
        return park(call, "a quantity or a time is out of range");
    for (size_t i = 0; i < event->n_lines; i++)
        nlines += event->lines[i]->takes_stock ? 1 : 0;
    placing.order = store_order_new(desk, &order_id, nlines);
    placing.order->placed_at_us = event->placed_at_us;
    TRY(take_lines(&placing));
    uuid_parse(event->hold_id, &hold_id);
    for (struct hold *hold = store_hold_first(holds, &command_key); hold != NULL;
         hold = hold->next) {
        if (hold->is_gone || hold->is_adopted)
            continue;
        if (uuid_equal(&hold->claim_id, &hold_id))
            adopt(&placing, hold);
        else
            TRY(stock_void(desk, holds, hold));
    }
    if (uuid_is_nil(&placing.order->hold_id))
        reserve_now(&placing);
    stock_tell(placing.order, call);
    call_log_order(call, "stock_allocated", "Stock was allocated to an order", event->order_id);
    return STATUS_OK;
}

static enum status load_placed(struct desk *desk, struct batch *batch, struct holds *holds)
{
    struct uuid *commands = ARENA_ARRAY(batch->arena, batch->count, struct uuid);
    size_t ncommands = 0;
    for (size_t i = 0; i < batch->count; i++) {
        const OrderPlaced *event = (const OrderPlaced *)batch->calls[i].in;
        if (*event->command_id != '\0')
            commands[ncommands++] = store_key(event->command_id);
        for (size_t j = 0; j < event->n_lines; j++)
            desk_want(desk, event->lines[j]->sku);
    }
    TRY(store_holds_load(desk, holds, commands, ncommands));
    return desk_load(desk);
}

enum status order_placed(struct batch *batch)
{
    struct desk desk;
    struct holds holds = {0};
    TRY(stock_begin_batch(&desk, batch));
    TRY(load_placed(&desk, batch, &holds));
    for_each_event(batch, call, OrderPlaced, event) {
        desk.actor = call->actor;
        enum status status = place(&desk, &holds, call, event);
        if (call->status == STATUS_OK)
            TRY(status);
    }
    return stock_end_batch(&desk, batch);
}

/* ---- cut down, and changed ---- */

typedef Penstock__Orders__V1__OrderCancelled OrderCancelled;
typedef Penstock__Orders__V1__OrderChanged OrderChanged;

/* Cuts a line down, books it, and notes how much was released. */
static void cut(struct desk *desk, struct order *order, struct order_line *line, int64_t units,
                StockReleased *released)
{
    struct moves moves = {.arena = desk->arena};
    int64_t given = rules_line_cut(line, units, &moves);
    stock_book_moves(desk, &moves, &order->order_id);
    if (given == 0)
        return;
    ReleasedLine *view = ARENA_NEW(desk->arena, ReleasedLine);
    penstock__inventory__v1__released_line__init(view);
    view->line_id = view_uuid(desk->arena, &line->line_id);
    view->sku = view_text(desk->arena, line->sku);
    view->released = given;
    released->lines[released->n_lines++] = view;
}

static StockReleased *new_released(struct desk *desk, char *order_id, size_t nlines)
{
    StockReleased *released = ARENA_NEW(desk->arena, StockReleased);
    penstock__inventory__v1__stock_released__init(released);
    released->order_id = order_id;
    released->lines = ARENA_ARRAY(desk->arena, nlines + 1, ReleasedLine *);
    return released;
}

static enum status find_order(struct desk *desk, struct call *call, const char *text,
                              struct order **order)
{
    struct uuid id;
    *order = uuid_parse(text, &id) ? store_order(desk, &id) : NULL;
    if (*order == NULL)
        return refuse(call, STATUS_NOT_FOUND, "unknown_order", "",
                      "This order was never placed, as far as inventory knows.");
    return STATUS_OK;
}

/* StockReleased follows the StockAllocated of the same orders. */
static enum status end_with_released(struct desk *desk, struct batch *batch,
                                     StockReleased *const *released)
{
    TRY(stock_end_batch(desk, batch));
    for (size_t i = 0; i < batch->count; i++)
        if (batch->calls[i].status == STATUS_OK && released[i] != NULL && released[i]->n_lines > 0)
            TRY(emit(&batch->calls[i], released[i]->order_id, &released[i]->base));
    return STATUS_OK;
}

enum status order_cancelled(struct batch *batch)
{
    struct desk desk;
    struct uuid *ids = ARENA_ARRAY(batch->arena, batch->count, struct uuid);
    StockReleased **released = ARENA_ARRAY(batch->arena, batch->count, StockReleased *);
    TRY(stock_begin_batch(&desk, batch));
    for (size_t i = 0; i < batch->count; i++)
        uuid_parse(((const OrderCancelled *)batch->calls[i].in)->order_id, &ids[i]);
    TRY(store_orders_load(&desk, ids, batch->count));
    for_each_event(batch, call, OrderCancelled, event) {
        struct order *order;
        if (find_order(&desk, call, event->order_id, &order) != STATUS_OK)
            continue;
        desk.actor = call->actor;
        StockReleased *out = new_released(&desk, event->order_id, event->n_lines);
        for (size_t i = 0; i < event->n_lines; i++) {
            struct order_line *line = store_order_line(order, event->lines[i]->line_id);
            if (line != NULL && event->lines[i]->cancelled > 0)
                cut(&desk, order, line, event->lines[i]->cancelled, out);
        }
        stock_tell(order, call);
        released[call - batch->calls] = out;
    }
    return end_with_released(&desk, batch, released);
}

/* A line that is to have another SKU gives up what it has, and starts over. */
static void change_sku(struct desk *desk, struct order *order, struct order_line *line,
                       const char *sku, StockReleased *released)
{
    cut(desk, order, line, line->unallocated + rules_line_live(line), released);
    store_order_leave_queue(desk, order, line);
    line->sku = sku;
    line->item = desk_item(desk, sku);
    line->shares = NULL;
    line->nshares = line->shares_room = 0;
}

static void change_line(struct desk *desk, struct order *order, const PlacedLine *to,
                        StockReleased *released)
{
    struct order_line *line = store_order_line(order, to->line_id);
    int64_t wanted = to->takes_stock ? to->quantity : 0;
    if (line == NULL && wanted == 0)
        return;
    if (line == NULL) {
        line = store_order_add_line(desk, order);
        uuid_parse(to->line_id, &line->line_id);
        line->sku = to->sku;
        line->item = desk_item(desk, to->sku);
    } else if (strcmp(line->sku, to->sku) != 0) {
        change_sku(desk, order, line, to->sku, released);
    }
    int64_t has = line->unallocated + rules_line_live(line) + line->consumed;
    if (wanted > has)
        line->unallocated += wanted - has;
    else if (wanted < has)
        cut(desk, order, line, has - wanted, released);
}

/* What an edit holds for a line that it made larger becomes that line's; what fits no line is given
 * back. */
static void adopt_more(struct desk *desk, struct order *order, struct hold *hold,
                       const OrderChanged *event)
{
    for (size_t i = 0; i < hold->ntakes; i++) {
        const struct take *take = &hold->takes[i];
        struct order_line *line = take->line < event->n_held_line_ids
                                      ? store_order_line(order, event->held_line_ids[take->line])
                                      : NULL;
        if (line == NULL || line->item != take->level->item || line->unallocated < take->units) {
            desk_move(desk, take->level, BUCKET_RESERVED, BUCKET_AVAILABLE, take->units,
                      (struct cause_of){.cause = CAUSE_RELEASE, .id = &hold->hold_id});
            continue;
        }
        line->unallocated -= take->units;
        rules_order_give(line, take->level, take->units, desk->arena);
        desk_move(desk, take->level, BUCKET_RESERVED, BUCKET_COMMITTED, take->units,
                  (struct cause_of){.cause = CAUSE_COMMIT, .id = &order->order_id});
    }
    for (size_t i = 0; i < hold->decision->n_lines && i < event->n_held_line_ids; i++)
        wait_ahead(store_order_line(order, event->held_line_ids[i]), hold->decision->lines[i]);
    store_sourcing_insert(desk, order, hold->decision);
    store_hold_delete(desk, hold);
}

/* The hold that the event names is adopted, every other of its command released. */
static enum status settle_holds(struct desk *desk, struct holds *holds, struct call *call,
                                struct order *order, const OrderChanged *event)
{
    struct uuid hold_id = {{0}}, command_key = store_key(event->command_id);
    if (*event->command_id == '\0')
        return STATUS_OK;
    uuid_parse(event->hold_id, &hold_id);
    for (struct hold *hold = store_hold_first(holds, &command_key); hold != NULL;
         hold = hold->next) {
        if (hold->is_gone || hold->is_adopted)
            continue;
        if (!uuid_equal(&hold->claim_id, &hold_id)) {
            TRY(stock_void(desk, holds, hold));
            continue;
        }
        adopt_more(desk, order, hold, event);
        count(call, COUNT_ADOPTED, 1);
    }
    return STATUS_OK;
}

static enum status load_changed(struct desk *desk, struct batch *batch, struct holds *holds)
{
    struct uuid *ids = ARENA_ARRAY(batch->arena, batch->count, struct uuid);
    struct uuid *commands = ARENA_ARRAY(batch->arena, batch->count, struct uuid);
    size_t ncommands = 0;
    for (size_t i = 0; i < batch->count; i++) {
        const OrderChanged *event = (const OrderChanged *)batch->calls[i].in;
        uuid_parse(event->order_id, &ids[i]);
        if (*event->command_id != '\0')
            commands[ncommands++] = store_key(event->command_id);
        for (size_t j = 0; j < event->n_lines; j++)
            desk_want(desk, event->lines[j]->sku);
    }
    TRY(store_holds_load(desk, holds, commands, ncommands));
    TRY(store_orders_load(desk, ids, batch->count));
    return desk_load(desk);
}

/* What it wants more is held for it already, by an edit; else it waits in the queue like
 * everybody's, at its own place in it, and is served at once when there is some. */
enum status order_changed(struct batch *batch)
{
    struct desk desk;
    struct holds holds = {0};
    StockReleased **released = ARENA_ARRAY(batch->arena, batch->count, StockReleased *);
    TRY(stock_begin_batch(&desk, batch));
    TRY(load_changed(&desk, batch, &holds));
    for_each_event(batch, call, OrderChanged, event) {
        struct order *order;
        if (!quantities_make_sense(event->lines, event->n_lines)) {
            park(call, "a quantity is out of range");
            continue;
        }
        if (find_order(&desk, call, event->order_id, &order) != STATUS_OK)
            continue;
        desk.actor = call->actor;
        StockReleased *out = new_released(&desk, event->order_id, event->n_lines * 2);
        for (size_t i = 0; i < event->n_lines; i++)
            change_line(&desk, order, event->lines[i], out);
        TRY(settle_holds(&desk, &holds, call, order, event));
        stock_tell(order, call);
        released[call - batch->calls] = out;
    }
    return end_with_released(&desk, batch, released);
}

/* ---- void ---- */

typedef Penstock__Bus__V1__HoldVoided HoldVoided;

static bool is_ours(const HoldVoided *event)
{
    return strcmp(event->holder, "inventory") == 0;
}

enum status hold_voided(struct batch *batch)
{
    struct desk desk;
    struct holds holds = {0};
    struct uuid *commands = ARENA_ARRAY(batch->arena, batch->count, struct uuid);
    size_t ncommands = 0;
    for (size_t i = 0; i < batch->count; i++)
        if (is_ours((const HoldVoided *)batch->calls[i].in))
            commands[ncommands++] = store_key(((const HoldVoided *)batch->calls[i].in)->command_id);
    if (ncommands == 0)
        return STATUS_OK;
    TRY(stock_begin_batch(&desk, batch));
    TRY(store_holds_load(&desk, &holds, commands, ncommands));
    for_each_event(batch, call, HoldVoided, event) {
        struct uuid hold_id, command_key = store_key(event->command_id);
        if (!is_ours(event) || !uuid_parse(event->hold_id, &hold_id))
            continue;
        for (struct hold *hold = store_hold_first(&holds, &command_key); hold != NULL;
             hold = hold->next)
            if (!hold->is_gone && !hold->is_adopted && uuid_equal(&hold->claim_id, &hold_id)) {
                TRY(stock_void(&desk, &holds, hold));
                count(call, COUNT_VOIDED, 1);
            }
    }
    return stock_end_batch(&desk, batch);
}
