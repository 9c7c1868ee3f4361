#include "rules.h"

#include <string.h>

static bool has_ended(const struct order *order)
{
    switch (order->status) {
    case ORDER_DRAFT:
    case ORDER_PENDING:
    case ORDER_CONFIRMED:
        return false;
    case ORDER_COMPLETED:
    case ORDER_ARCHIVED:
    case ORDER_CANCELLED:
    case ORDER_EXPIRED:
        return true;
    }
    return true;
}

struct hold *rules_hold(struct order *order, const struct act *act, const struct uuid *id,
                        const char *type, const char *reason, int64_t expires_at_us,
                        struct refusal *no)
{
    bool is_about_money = order->status == ORDER_EXPIRED && strcmp(type, "paid_late") == 0;
    if (has_ended(order) && !is_about_money) {
        rules_refuse(no, STATUS_CONFLICT, "invalid_state",
                     "The order has ended: there is no work left to hold.", "%s", "");
        return NULL;
    }
    if (order->hold_rows >= ORDERS_MAX_HOLDS) {
        rules_refuse(no, STATUS_CONFLICT, "too_many",
                     "The order has had 100 holds: that is the most.", "%s", "");
        return NULL;
    }
    struct hold *holds = ARENA_ARRAY(act->arena, order->hold_rows + 1, struct hold);
    if (order->hold_rows > 0)
        memcpy(holds, order->holds, order->hold_rows * sizeof(*holds));
    order->holds = holds;
    struct hold *hold = &holds[order->hold_rows++];
    *hold = (struct hold){
        .order_id = order->id,
        .id = *id,
        .type = type,
        .reason = reason,
        .actor = act->actor,
        .placed_at_us = act->now_us,
        .expires_at_us = expires_at_us,
        .released_by = "",
        .is_new = true,
    };
    order->hold_count++;
    rules_note(order, act, "hold_placed", type);
    return hold;
}

struct hold *rules_release(struct order *order, const struct act *act, const struct uuid *id,
                           struct refusal *no)
{
    for (size_t i = 0; i < order->hold_rows; i++) {
        struct hold *hold = &order->holds[i];
        if (!uuid_equal(&hold->id, id))
            continue;
        if (hold->released_at_us != 0) {
            rules_refuse(no, STATUS_CONFLICT, "invalid_state", "This hold was released before.",
                         "%s", "");
            return NULL;
        }
        hold->released_at_us = act->now_us;
        hold->released_by = act->actor;
        hold->is_changed = true;
        order->hold_count--;
        rules_note(order, act, "hold_released", hold->type);
        return hold;
    }
    rules_refuse(no, STATUS_NOT_FOUND, "not_found", "The order has no such hold.", "%s", "");
    return NULL;
}

const struct hold *rules_standing_hold(const struct order *order, const char *type)
{
    for (size_t i = 0; i < order->hold_rows; i++) {
        const struct hold *hold = &order->holds[i];
        if (hold->released_at_us == 0 && strcmp(hold->type, type) == 0)
            return hold;
    }
    return NULL;
}
