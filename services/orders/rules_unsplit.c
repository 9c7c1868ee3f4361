/* A child goes back into its parent: everything of it is added to what it was taken from. */
#include <string.h>

#include "rules_split.h"

struct order *rules_parent(const struct order *child)
{
    if (child->family == NULL || uuid_is_nil(&child->parent_id))
        return NULL;
    for (size_t i = 0; i < child->family->count; i++) {
        if (uuid_equal(&child->family->members[i]->id, &child->parent_id))
            return child->family->members[i];
    }
    return NULL;
}

static bool is_worked_on(const struct order *child)
{
    for (size_t i = 0; i < child->line_count; i++) {
        const struct order_line *line = &child->lines[i];
        if (line->picked_total > 0 || line->packed_total > 0 || line->shipped_total > 0)
            return true;
    }
    return false;
}

static bool is_stopped(const struct splitting *splitting, const struct order_line *line)
{
    for (size_t i = 0; i < splitting->stopped_count; i++) {
        if (uuid_equal(&splitting->stopped[i].line_id, &line->id))
            return splitting->stopped[i].stopped >= rules_line_open(line);
    }
    return rules_line_open(line) == 0;
}

static bool is_open(enum order_status status)
{
    return status == ORDER_PENDING || status == ORDER_CONFIRMED;
}

static bool check_states(const struct order *child, const struct order *parent, struct refusal *no)
{
    if (!is_open(child->status) || !is_open(parent->status))
        return rules_refuse(no, STATUS_CONFLICT, "invalid_state",
                            "Both must be pending or confirmed to become one again.", "%s", "");
    if (child->status != parent->status)
        return rules_refuse(no, STATUS_CONFLICT, "invalid_state",
                            "One of them is confirmed and the other is not.", "%s", "");
    if (is_worked_on(child))
        return rules_refuse(no, STATUS_CONFLICT, "already_picked",
                            "Some of it is picked or has shipped.", "%s", "");
    if (child->refunded_total > 0)
        return rules_refuse(no, STATUS_CONFLICT, "already_refunded", "Money was given back for it.",
                            "%s", "");
    return true;
}

static bool check(const struct order *child, const struct order *parent,
                  const struct splitting *splitting, struct refusal *no)
{
    if (parent == NULL)
        return rules_refuse(no, STATUS_CONFLICT, "not_split", "It was not split off from an order.",
                            "%s", "id");
    if (!check_states(child, parent, no))
        return false;
    for (size_t i = 0; i < child->line_count && splitting->stopped != NULL; i++) {
        if (rules_line_is_tracked(&child->lines[i]) && !is_stopped(splitting, &child->lines[i]))
            return rules_refuse(no, STATUS_CONFLICT, "already_shipped", "Some of it has shipped.",
                                "%s", "");
    }
    if (parent->line_count + child->line_count > ORDERS_MAX_LINES)
        return rules_refuse(no, STATUS_CONFLICT, "too_many", "An order has at most 500 lines.",
                            "%s", "");
    return true;
}

static bool fits(const struct order_line *into, const struct order_line *line)
{
    return strcmp(into->sku, line->sku) == 0 && into->unit_price == line->unit_price &&
           into->is_custom == line->is_custom && into->no_shipping == line->no_shipping;
}

/* Where it came from: the line of this id, else the one that it was part of. */
static struct order_line *home_of(const struct order *parent, const struct order_line *line)
{
    for (int round = 0; round < 2; round++) {
        const struct uuid *id = round == 0 ? &line->id : &line->origin_id;
        for (size_t i = 0; i < parent->line_count; i++) {
            if (uuid_equal(&parent->lines[i].id, id) && fits(&parent->lines[i], line))
                return &parent->lines[i];
        }
    }
    return NULL;
}

static struct order_line *new_home(struct order *parent, const struct order_line *line)
{
    struct order_line *home = &parent->lines[parent->line_count];
    *home = (struct order_line){
        .order_id = parent->id,
        .id = line->id,
        .origin_id = line->origin_id,
        .line_no = (int32_t)parent->line_count++,
        .sku = line->sku,
        .name = line->name,
        .external_id = line->external_id,
        .unit_price = line->unit_price,
        .is_custom = line->is_custom,
        .no_shipping = line->no_shipping,
        .is_new = true,
    };
    return home;
}

static void merge_line(struct order_line *home, struct order_line *line)
{
    home->quantity += line->quantity;
    home->discount += line->discount;
    home->tax += line->tax;
    home->total += line->total;
    home->cancelled += line->cancelled;
    home->allocated_total += line->allocated_total;
    home->preordered_total += line->preordered_total;
    home->backordered_total += line->backordered_total;
    if (home->promised_at_us < line->promised_at_us)
        home->promised_at_us = line->promised_at_us;
    home->is_resized = true;
    line->quantity = line->discount = line->tax = line->total = line->cancelled = 0;
    line->allocated_total = line->preordered_total = line->backordered_total = 0;
    line->promised_at_us = 0;
    line->is_resized = true;
}

static void merge_lines(struct order *parent, struct order *child, const struct act *act,
                        struct split *out)
{
    size_t room = parent->line_count + child->line_count;
    struct order_line *lines = ARENA_ARRAY(act->arena, room, struct order_line);
    memcpy(lines, parent->lines, parent->line_count * sizeof(*lines));
    parent->lines = lines;
    for (size_t i = 0; i < child->line_count; i++) {
        struct order_line *line = &child->lines[i], *home = home_of(parent, line);
        if (line->quantity == 0)
            continue;
        if (home == NULL)
            home = new_home(parent, line);
        out->moved[out->count++] = (struct moved){
            .line_id = home->id,
            .child_line_id = line->id,
            .sku = line->sku,
            .quantity = line->quantity - line->cancelled,
            .takes_stock = rules_line_is_tracked(line) && line->sku[0] != '\0',
        };
        merge_line(home, line);
    }
}

bool rules_unsplit(struct order *child, const struct act *act, const struct splitting *splitting,
                   struct split *out, struct refusal *no)
{
    struct order *parent = rules_parent(child);
    if (!check(child, parent, splitting, no))
        return false;
    *out = (struct split){
        .child = child,
        .moved = ARENA_ARRAY(act->arena, child->line_count, struct moved),
        .total_before = parent->total,
        .child_total = child->total,
    };
    merge_lines(parent, child, act, out);
    rules_unsplit_money(parent, child, act->arena);
    child->status = ORDER_CANCELLED;
    child->cancelled_at_us = act->now_us;
    child->cancel_reason = "unsplit";
    parent->is_rewritten = child->is_rewritten = true;
    rules_order_derive(child);
    rules_order_derive(parent);
    rules_note(child, act, "unsplit", parent->number);
    rules_note(parent, act, "order_unsplit", child->number);
    return true;
}
