#include "rules_split.h"

#include <assert.h>
#include <string.h>

static int64_t min_of(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t waits(const struct order_line *line)
{
    return line->unallocated + line->preordered + line->backordered;
}

int64_t rules_movable(const struct order_line *line)
{
    if (!rules_line_is_tracked(line))
        return line->quantity - line->cancelled - line->fulfilled;
    return waits(line) + line->reserved;
}

static struct order_line *find_line(const struct order *order, const struct uuid *id)
{
    for (size_t i = 0; i < order->line_count; i++) {
        if (uuid_equal(&order->lines[i].id, id))
            return &order->lines[i];
    }
    return NULL;
}

static int64_t units_of(const struct split_wish *wish, const struct order_line *line)
{
    return wish->quantity != 0 ? wish->quantity : rules_movable(line);
}

size_t rules_split_stops(const struct order *order, const struct splitting *splitting,
                         struct stopped *lines)
{
    size_t count = 0;
    for (size_t i = 0; i < splitting->count; i++) {
        const struct split_wish *wish = &splitting->wishes[i];
        const struct order_line *line = find_line(order, &wish->line_id);
        if (line == NULL || units_of(wish, line) > rules_movable(line) || wish->quantity < 0)
            return 0;
        if (rules_line_is_tracked(line) && units_of(wish, line) > 0)
            lines[count++] = (struct stopped){line->id, units_of(wish, line), 0};
    }
    return count;
}

size_t rules_split_ids(const struct order *parent, const struct splitting *splitting)
{
    return 1 + splitting->count + parent->hold_rows;
}

/* ---- whether it may be ---- */

static bool may_split(const struct order *order, struct refusal *no)
{
    if (order->status != ORDER_PENDING && order->status != ORDER_CONFIRMED)
        return rules_refuse(no, STATUS_CONFLICT, "invalid_state",
                            "Only a pending or confirmed order can be split.", "%s", "");
    if (order->family != NULL && order->family->count >= FAMILY_MAX_MEMBERS)
        return rules_refuse(no, STATUS_CONFLICT, "too_many",
                            "The order was split 99 times: that is the most.", "%s", "");
    return true;
}

static bool check_wish(const struct order *order, const struct splitting *splitting, size_t index,
                       struct refusal *no)
{
    const struct split_wish *wish = &splitting->wishes[index];
    const struct order_line *line = find_line(order, &wish->line_id);
    if (line == NULL)
        return rules_refuse(no, STATUS_INVALID, "not_found", "The order has no such line.",
                            "lines[%zu].line_id", index);
    for (size_t i = 0; i < index; i++) {
        if (uuid_equal(&splitting->wishes[i].line_id, &wish->line_id))
            return rules_refuse(no, STATUS_INVALID, "duplicate_line",
                                "A line is named once, with all that goes of it.",
                                "lines[%zu].line_id", index);
    }
    int64_t movable = rules_movable(line), units = units_of(wish, line);
    if (wish->quantity >= 0 && units > 0 && units <= movable)
        return true;
    rules_refuse(no, wish->quantity < 0 ? STATUS_INVALID : STATUS_CONFLICT,
                 wish->quantity < 0 ? "out_of_range" : "quantity_too_large",
                 "Only what is open and not picked can be split off.", "lines[%zu].quantity",
                 index);
    rules_refuse_figure(no, "movable", movable);
    return false;
}

static bool keeps_something(const struct order *order, const struct splitting *splitting)
{
    int64_t left = 0;
    for (size_t i = 0; i < order->line_count; i++)
        left += order->lines[i].quantity - order->lines[i].cancelled;
    for (size_t i = 0; i < splitting->count; i++)
        left -= units_of(&splitting->wishes[i], find_line(order, &splitting->wishes[i].line_id));
    return left > 0;
}

/* What fulfillment has stopped cannot leave before it has heard of the split. */
static bool is_stopped(const struct splitting *splitting, const struct order_line *line,
                       int64_t units)
{
    for (size_t i = 0; i < splitting->stopped_count; i++) {
        if (uuid_equal(&splitting->stopped[i].line_id, &line->id))
            return splitting->stopped[i].stopped >= units;
    }
    return false;
}

static bool are_stopped(const struct order *order, const struct splitting *splitting,
                        struct refusal *no)
{
    for (size_t i = 0; i < splitting->count && splitting->stopped != NULL; i++) {
        const struct order_line *line = find_line(order, &splitting->wishes[i].line_id);
        int64_t units = units_of(&splitting->wishes[i], line);
        if (rules_line_is_tracked(line) && !is_stopped(splitting, line, units))
            return rules_refuse(no, STATUS_CONFLICT, "already_shipped",
                                "So much of this line has shipped that less can be split off.",
                                "lines[%zu].quantity", i);
    }
    return true;
}

static bool check(const struct order *parent, const struct splitting *splitting, struct refusal *no)
{
    if (!may_split(parent, no))
        return false;
    if (splitting->count == 0)
        return rules_refuse(no, STATUS_INVALID, "required", "Name the lines that go.", "%s",
                            "lines");
    for (size_t i = 0; i < splitting->count; i++) {
        if (!check_wish(parent, splitting, i, no))
            return false;
    }
    if (!keeps_something(parent, splitting))
        return rules_refuse(no, STATUS_CONFLICT, "nothing_left",
                            "The order must keep something: it cannot be split off whole.", "%s",
                            "lines");
    if (splitting->shipping < 0 || splitting->shipping > parent->shipping_total)
        return rules_refuse(no, STATUS_CONFLICT, "out_of_range",
                            "At most the order's shipping costs can go.", "%s", "shipping.amount");
    return are_stopped(parent, splitting, no);
}

/* ---- the lines ---- */

/* What waits goes first. The totals of the warehouse stay: nothing that it has touched moves. */
static void move_stock(struct order_line *line, struct order_line *part, int64_t units)
{
    if (!rules_line_is_tracked(line))
        return;
    int64_t waiting = min_of(units, waits(line));
    part->preordered_total = min_of(line->preordered, waiting);
    part->backordered_total = min_of(line->backordered, waiting - part->preordered_total);
    part->promised_at_us = line->promised_at_us;
    part->allocated_total = units - waiting;
    line->preordered_total = line->preordered - part->preordered_total;
    line->backordered_total = line->backordered - part->backordered_total;
    line->allocated_total -= min_of(line->allocated_total, part->allocated_total);
}

static void cut_line(struct order_line *line, struct order_line *part, int64_t units,
                     struct split_sums *sums)
{
    int64_t of = line->quantity;
    int64_t net = line->unit_price * of - line->discount;
    int64_t carried = line->total - net - (sums->carries_tax ? line->tax : 0);
    part->quantity = units;
    part->discount = rules_part(line->discount, units, of);
    part->tax = rules_part(line->tax, units, of);
    int64_t part_carried = rules_part(carried, units, of);
    part->total = part->unit_price * units - part->discount + part_carried +
                  (sums->carries_tax ? part->tax : 0);
    sums->items += part->unit_price * units;
    sums->line_discount += part->discount;
    sums->line_tax += part->tax;
    sums->line_total += part->total;
    sums->carried += part_carried;
    move_stock(line, part, units);
    line->quantity -= units;
    line->discount -= part->discount;
    line->tax -= part->tax;
    line->total -= part->total;
    line->is_resized = true;
}

static struct order_line part_of_line(const struct order *child, const struct order_line *line,
                                      size_t number, const struct uuid *id, int64_t units)
{
    bool is_whole = units == line->quantity;
    return (struct order_line){
        .order_id = child->id,
        .id = is_whole ? line->id : *id,
        .origin_id = is_whole ? line->origin_id : line->id,
        .line_no = (int32_t)number,
        .sku = line->sku,
        .name = line->name,
        .external_id = line->external_id,
        .unit_price = line->unit_price,
        .is_custom = line->is_custom,
        .no_shipping = line->no_shipping,
        .is_new = true,
        .is_resized = true,
    };
}

static void move_lines(struct order *parent, struct order *child, const struct splitting *splitting,
                       struct split *out, struct split_sums *sums)
{
    for (size_t i = 0; i < splitting->count; i++) {
        struct order_line *line = find_line(parent, &splitting->wishes[i].line_id);
        int64_t units = units_of(&splitting->wishes[i], line);
        struct order_line *part = &child->lines[child->line_count++];
        *part = part_of_line(child, line, i, &splitting->ids[1 + i], units);
        cut_line(line, part, units, sums);
        out->moved[out->count++] = (struct moved){
            .line_id = line->id,
            .child_line_id = part->id,
            .sku = line->sku,
            .quantity = units,
            .takes_stock = rules_line_is_tracked(line) && line->sku[0] != '\0',
        };
    }
}

/* ---- the child ---- */

static struct order *child_of(const struct order *parent, const struct act *act,
                              const struct splitting *splitting)
{
    struct order *child = ARENA_NEW(act->arena, struct order);
    child->id = splitting->ids[0];
    child->channel = parent->channel;
    child->external_id = child->external_number = child->cancel_reason = "";
    child->status = parent->status;
    child->stock_policy = parent->stock_policy;
    memcpy(child->currency, parent->currency, sizeof(child->currency));
    child->locale = parent->locale;
    child->country = parent->country;
    child->prices_include_tax = parent->prices_include_tax;
    child->version = 1;
    child->placed_at_us = parent->placed_at_us;
    child->created_at_us = child->updated_at_us = act->now_us;
    child->confirmed_at_us = parent->confirmed_at_us;
    child->created_by = act->actor;
    child->customer_id = parent->customer_id;
    child->customer_external_id = parent->customer_external_id;
    child->customer_name = parent->customer_name;
    child->email = parent->email;
    child->phone = parent->phone;
    child->parent_id = parent->id;
    child->lines = ARENA_ARRAY(act->arena, splitting->count, struct order_line);
    return child;
}

/* What keeps the parent from being worked on keeps the child too. */
static void copy_holds(const struct order *parent, struct order *child, const struct act *act,
                       const struct uuid *ids)
{
    child->holds = ARENA_ARRAY(act->arena, parent->hold_rows + 1, struct hold);
    for (size_t i = 0; i < parent->hold_rows; i++) {
        if (parent->holds[i].released_at_us != 0)
            continue;
        struct hold *copy = &child->holds[child->hold_rows++];
        *copy = parent->holds[i];
        copy->order_id = child->id;
        copy->id = ids[i];
        copy->is_new = true;
    }
    child->hold_count = (int32_t)child->hold_rows;
}

static const char *summary(const struct act *act, const struct order *child,
                           const struct splitting *splitting)
{
    struct money money = {.minor = child->total};
    memcpy(money.currency, child->currency, sizeof(money.currency));
    char text[MONEY_TEXT_BYTES];
    const char *reason = splitting->reason != NULL ? splitting->reason : "";
    return arena_printf(act->arena, "%s, %s %s%s%s", child->number, money_text(money, text),
                        child->currency, reason[0] != '\0' ? ": " : "", reason);
}

static void join(struct order *parent, struct order *child, const struct act *act)
{
    struct family *family = rules_family_found(parent, act->arena);
    rules_family_join(family, child);
    family->last_letter++;
    child->number = arena_printf(act->arena, "%s-%s", family->members[0]->number,
                                 rules_letters(act->arena, family->last_letter));
}

bool rules_split(struct order *parent, const struct act *act, const struct splitting *splitting,
                 struct split *out, struct refusal *no)
{
    if (!check(parent, splitting, no))
        return false;
    struct order *child = child_of(parent, act, splitting);
    struct split_sums sums = {.shipping = splitting->shipping};
    *out = (struct split){
        .child = child,
        .moved = ARENA_ARRAY(act->arena, splitting->count, struct moved),
        .total_before = parent->total,
    };
    rules_split_sums(parent, &sums);
    /* The amounts are tried on a copy: they alone can still refuse. */
    struct order tried = *parent;
    tried.lines = arena_copy(act->arena, parent->lines, parent->line_count * sizeof(*tried.lines));
    move_lines(&tried, child, splitting, out, &sums);
    if (!rules_split_money(&tried, child, &sums, act->arena))
        return rules_refuse(no, STATUS_CONFLICT, "out_of_range",
                            "What stays would cost less than nothing: leave it the shipping costs.",
                            "%s", "shipping.amount");
    struct family *family = parent->family;
    *parent = tried;
    assert(parent->family == family);
    out->child_total = child->total;
    join(parent, child, act);
    copy_holds(parent, child, act, &splitting->ids[1 + splitting->count]);
    parent->is_rewritten = true;
    rules_order_derive(parent);
    rules_order_derive(child);
    rules_note(parent, act, "order_split", summary(act, child, splitting));
    rules_note(child, act, "split_off", parent->number);
    child->payment_status_before = child->payment_status;
    return true;
}
