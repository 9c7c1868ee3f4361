/* What a rule would have done: it is tried on orders of the past, newest first, on a query lane. */
#include "find.h"
#include "handlers_rules.h"
#include "store_rules.h"

typedef Penstock__Orders__V1__DryRunRuleRequest DryRunRuleRequest;
typedef Penstock__Orders__V1__DryRunRuleResponse DryRunRuleResponse;
typedef Penstock__Orders__V1__DryRunOrder DryRunOrder;

#define DAY_US (INT64_C(86400) * 1000000)
#define MAX_TRIED 500

static Rule *rule_of(struct call *call, const Penstock__Orders__V1__CreateRuleRequest *in)
{
    Rule *rule = ARENA_NEW(call->arena, Rule);
    penstock__orders__v1__rule__init(rule);
    rule->name = in->name;
    rule->conditions = in->conditions;
    rule->actions = in->actions;
    rule->n_actions = in->n_actions;
    return rule;
}

static DryRunOrder *view(struct arena *arena, const struct order *order, const Rule *rule)
{
    DryRunOrder *out = ARENA_NEW(arena, DryRunOrder);
    penstock__orders__v1__dry_run_order__init(out);
    out->order_id = wire_uuid(arena, &order->id);
    out->number = wire_text(order->number);
    out->status = (Penstock__Orders__V1__OrderStatus)order->status;
    out->total = wire_money(arena, order->total, order->currency);
    out->placed_at_us = order->placed_at_us;
    out->effects = ARENA_ARRAY(arena, rule->n_actions, char *);
    for (size_t i = 0; i < rule->n_actions; i++)
        out->effects[out->n_effects++] = wire_text(rules_auto_effect(rule->actions[i], arena));
    return out;
}

/* Everything but the history first: few orders are looked up. */
static enum status try_rule(struct call *call, const struct auto_set *set,
                            const struct order *order, bool *would_fire)
{
    const char *why;
    Rule *rule = set->rules[0];
    struct auto_history history = {.alike_us = -1};
    const OrderDetails *details = (const OrderDetails *)(const void *)protobuf_c_message_unpack(
        &penstock__orders__v1__order_details__descriptor, arena_protobuf(call->arena),
        order->details_bytes, order->details);
    struct auto_facts facts = rules_auto_facts(order, details);
    if (!rules_auto_needs_history(rule)) {
        *would_fire = rules_auto_matches(set, rule, &facts, call->arena, &why);
        return STATUS_OK;
    }
    TRY(load_history(call, order, &history));
    facts.history = &history;
    *would_fire = rules_auto_matches(set, rule, &facts, call->arena, &why);
    return STATUS_OK;
}

static enum status try_all(struct call *call, const struct auto_set *set,
                           const struct order_key *keys, size_t count, DryRunRuleResponse *out)
{
    struct order_set orders;
    struct uuid *ids = ARENA_ARRAY(call->arena, count, struct uuid);
    for (size_t i = 0; i < count; i++)
        ids[i] = keys[i].order_id;
    TRY(store_orders_load_parts(call->db, call->arena, ids, count, PARTS_OF_A_LETTER, &orders));
    out->data = ARENA_ARRAY(call->arena, count, DryRunOrder *);
    for (size_t i = 0; i < count; i++) {
        const struct order *order = store_orders_find(&orders, &keys[i].order_id);
        bool would_fire = false;
        if (order != NULL)
            TRY(try_rule(call, set, order, &would_fire));
        if (would_fire)
            out->data[out->n_data++] = view(call->arena, order, set->rules[0]);
    }
    return STATUS_OK;
}

static enum status check(struct call *call, const DryRunRuleRequest *in, struct order_key *beyond)
{
    struct refusal no;
    if (in->rule == NULL)
        return refuse(call, STATUS_INVALID, "required", "rule", "A dry run has a rule.");
    if (!rules_auto_check(in->rule, &no))
        return refuse_by(call, &no);
    if (in->cursor[0] != '\0' && !find_cursor_read(in->cursor, beyond))
        return refuse(call, STATUS_INVALID, "invalid", "cursor", "This is no cursor of this list.");
    return STATUS_OK;
}

ORDERS_HANDLER(dry_run_rule, DryRunRuleRequest, DryRunRuleResponse)
{
    struct uuid *keys;
    struct order_key beyond;
    struct finder *finder;
    struct found found;
    TRY(check(call, in, &beyond));
    Rule *rule = rule_of(call, in->rule);
    struct auto_set set = {.rules = &rule, .count = 1};
    TRY(store_blacklist_keys(call->db, call->arena, &keys, &set.blacklist_count));
    set.blacklist = keys;
    const struct query query = {
        .placed_from_us = in->from_us != 0 ? in->from_us : call->now_us - 30 * DAY_US,
        .placed_until_us = in->to_us != 0 ? in->to_us : call->now_us + DAY_US};
    size_t room = rules_auto_needs_history(rule) ? MAX_TRIED / 10 : MAX_TRIED;
    TRY(find_open(call->db, call->arena, &query, in->cursor[0] != '\0' ? &beyond : NULL, false,
                  &finder));
    TRY(find_next(finder, room, FIND_BUDGET, &found));
    if (found.is_short)
        out->next_cursor = find_cursor_text(call->arena, &found.reached);
    else if (!found.is_all && found.count > 0)
        out->next_cursor = find_cursor_text(call->arena, &found.keys[found.count - 1]);
    return try_all(call, &set, found.keys, found.count, out);
}
