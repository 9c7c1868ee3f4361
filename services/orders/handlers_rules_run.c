/* The shop's rules at work: while an order is placed, a moment later where they need its customer's
 * history, and when something that kept an order from being confirmed is gone. */
#include <stdlib.h>
#include <string.h>

#include "find.h"
#include "handlers_rules.h"
#include "store_rules.h"

#define STATE_ARENA_BYTES ((size_t)64 << 20)
#define MAX_PAST 50 /* orders of a customer that are looked at */

struct past {
    struct uuid *ids;
    size_t count;
};

/* ---- the state ---- */

void *orders_state_open(void *conf)
{
    struct orders_state *state = calloc(1, sizeof(*state));
    if (state == NULL)
        abort();
    state->conf = *(const struct orders_conf *)conf;
    state->arena = arena_open(STATE_ARENA_BYTES);
    return state;
}

void orders_state_close(void *context)
{
    struct orders_state *state = context;
    arena_close(&state->arena);
    free(state);
}

void rules_forget(struct call *call)
{
    ((struct orders_state *)call->state)->is_fresh = false;
}

enum status orders_lead(struct call *call)
{
    rules_forget(call);
    return STATUS_OK;
}

static enum status read_rules(struct call *call, struct orders_state *state)
{
    struct auto_set *set = &state->set;
    struct uuid *keys;
    Rule **all;
    size_t count;
    arena_reset(state->arena);
    *set = (struct auto_set){0};
    TRY(store_rules_load(call->db, state->arena, &all, &count));
    TRY(store_blacklist_keys(call->db, state->arena, &keys, &set->blacklist_count));
    set->blacklist = keys;
    set->rules = ARENA_ARRAY(state->arena, count, Rule *);
    for (size_t i = 0; i < count; i++) {
        if (!all[i]->is_enabled)
            continue;
        set->rules[set->count++] = all[i];
        set->needs_history |= rules_auto_needs_history(all[i]);
    }
    state->is_fresh = true;
    return STATUS_OK;
}

enum status rules_now(struct call *call, const struct auto_set **set)
{
    struct orders_state *state = call->state;
    if (!state->is_fresh)
        TRY(read_rules(call, state));
    *set = state->set.count > 0 ? &state->set : NULL;
    return STATUS_OK;
}

/* ---- placing ---- */

enum status rules_for_placing(struct call *call, struct placing *placing)
{
    TRY(rules_now(call, &placing->rules));
    if (placing->rules == NULL)
        return STATUS_OK;
    placing->rule_ids = new_ids(call->arena, rules_auto_ids(placing->rules));
    placing->verdict = ARENA_NEW(call->arena, struct auto_verdict);
    return STATUS_OK;
}

enum status emit_rules_fired(struct call *call, const struct order *order,
                             const struct auto_verdict *verdict)
{
    for (size_t i = 0; verdict != NULL && i < verdict->count; i++) {
        const Rule *rule = verdict->fired[i].rule;
        Penstock__Orders__V1__RuleFired event;
        penstock__orders__v1__rule_fired__init(&event);
        event.order_id = wire_uuid(call->arena, &order->id);
        event.rule_id = rule->id;
        event.effects = ARENA_ARRAY(call->arena, rule->n_actions, char *);
        for (size_t k = 0; k < rule->n_actions; k++)
            event.effects[event.n_effects++] =
                wire_text(rules_auto_effect(rule->actions[k], call->arena));
        call_log_order(call, "orders.rule_fired", "A rule acts on the order", event.order_id);
        TRY(emit(call, event.order_id, &event.base));
    }
    return STATUS_OK;
}

/* ---- confirming by itself ---- */

static const OrderDetails *details_of(const struct call *call, const struct order *order)
{
    return (const OrderDetails *)(const void *)protobuf_c_message_unpack(
        &penstock__orders__v1__order_details__descriptor, arena_protobuf(call->arena),
        order->details_bytes, order->details);
}

static struct auto_facts facts_of(const struct call *call, const struct order *order)
{
    return rules_auto_facts(order, details_of(call, order));
}

static enum status load_channel(struct call *call, const char *name, const struct channel **channel)
{
    struct channel *found;
    size_t count;
    TRY(store_channels_load(call->db, &name, 1, &found, &count));
    *channel = count > 0 ? found : NULL;
    return STATUS_OK;
}

enum status confirm_if_due(struct call *call, struct order *order, const struct act *act,
                           const struct channel *channel)
{
    struct refusal no;
    const struct auto_set *set;
    enum auto_wish wish = AUTO_NONE;
    if (order->status != ORDER_PENDING || order->hold_count > 0)
        return STATUS_OK;
    if (channel == NULL)
        TRY(load_channel(call, order->channel, &channel));
    TRY(rules_now(call, &set));
    if (set != NULL) {
        struct auto_facts facts = facts_of(call, order);
        wish = rules_auto_decide(set, &facts, call->arena).wish;
    }
    if (channel == NULL || !rules_auto_confirms(order, channel, wish) ||
        !rules_confirm(order, act, &no))
        return STATUS_OK;
    TRY(emit_confirmed(call, order));
    return complete_if_due(call, order, act);
}

/* ---- a moment later: what needs the customer's history ---- */

/* Older orders with this telephone number or e-mail, newest first; one may be there twice. */
static enum status find_past(struct call *call, const struct order *order, enum query_field field,
                             const char *contact, struct past *past)
{
    struct refusal no;
    struct finder *finder;
    struct found found;
    struct query *query = ARENA_NEW(call->arena, struct query);
    const struct order_key here = {order->id, order->placed_at_us};
    if (contact[0] == '\0' ||
        !rules_query_add_word(call->arena, field, contact, query, &no, "customer") ||
        query->word_count == 0)
        return STATUS_OK;
    query->words[0].is_whole = true;
    TRY(find_open(call->db, call->arena, query, &here, false, &finder));
    TRY(find_next(finder, MAX_PAST, FIND_BUDGET, &found));
    for (size_t i = 0; i < found.count; i++) {
        bool is_known = false;
        for (size_t k = 0; k < past->count; k++)
            is_known |= uuid_equal(&past->ids[k], &found.keys[i].order_id);
        if (!is_known)
            past->ids[past->count++] = found.keys[i].order_id;
    }
    return STATUS_OK;
}

/* How long ago the nearest of them was placed that is like this one. */
static enum status find_alike(struct call *call, const struct order *order, const struct past *past,
                              struct auto_history *history)
{
    struct order_set set;
    TRY(store_orders_load_parts(call->db, call->arena, past->ids, past->count, PART_LINES, &set));
    for (size_t i = 0; i < set.count; i++) {
        const struct order *other = &set.orders[i];
        int64_t ago_us = order->placed_at_us - other->placed_at_us;
        bool is_nearest = history->alike_us < 0 || ago_us < history->alike_us;
        if (is_nearest && other->status != ORDER_CANCELLED && rules_lines_are_alike(order, other))
            history->alike_us = ago_us;
    }
    return STATUS_OK;
}

enum status load_history(struct call *call, const struct order *order, struct auto_history *history)
{
    struct past past = {ARENA_ARRAY(call->arena, 2 * MAX_PAST, struct uuid), 0};
    *history = (struct auto_history){.alike_us = -1};
    TRY(find_past(call, order, QUERY_PHONE, order->phone, &past));
    TRY(find_past(call, order, QUERY_EMAIL, order->email, &past));
    if (past.count == 0)
        return STATUS_OK;
    history->orders = (int64_t)past.count;
    TRY(store_refusals(call->db, past.ids, past.count, &history->refusals));
    return find_alike(call, order, &past, history);
}

static enum status emit_new_holds(struct call *call, const struct order *order)
{
    for (size_t i = 0; i < order->hold_rows; i++)
        if (order->holds[i].is_new)
            TRY(emit_hold_placed(call, order, &order->holds[i]));
    return STATUS_OK;
}

/* A rule's word confirms what a channel leaves to a person. */
static enum status confirm_by_rule(struct call *call, struct order *order, const struct act *act)
{
    struct refusal no;
    if (order->status != ORDER_PENDING || order->hold_count > 0 || !rules_confirm(order, act, &no))
        return STATUS_OK;
    TRY(emit_confirmed(call, order));
    return complete_if_due(call, order, act);
}

static enum status try_later_rules(struct call *call, const struct auto_set *set,
                                   struct order *order)
{
    struct act act = act_of(call);
    struct auto_history history;
    struct auto_facts facts = facts_of(call, order);
    if (order->status != ORDER_PENDING && order->status != ORDER_CONFIRMED)
        return STATUS_OK;
    TRY(load_history(call, order, &history));
    facts.history = &history;
    struct auto_verdict verdict = rules_auto_decide(set, &facts, call->arena);
    if (verdict.count == 0)
        return STATUS_OK;
    rules_auto_apply(order, &act, &verdict, new_ids(call->arena, rules_auto_ids(set)));
    TRY(emit_new_holds(call, order));
    TRY(emit_rules_fired(call, order, &verdict));
    if (verdict.wish == AUTO_CONFIRM)
        TRY(confirm_by_rule(call, order, &act));
    store_order_save(call->db, order);
    return STATUS_OK;
}

/* Follows the log of placed orders, as far as the projection has come that finds a customer's. */
enum status follow_rules(struct call *call)
{
    const struct auto_set *set;
    struct order_set orders;
    struct uuid *ids;
    size_t count;
    int64_t after, end;
    bool is_known;
    TRY(rules_now(call, &set));
    if (set == NULL || !set->needs_history)
        return STATUS_OK;
    TRY(store_rule_cursor(call->db, &after));
    TRY(store_orders_placed(call->db, after, call->arena, &ids, &count, &end));
    if (end == after)
        return STATUS_OK;
    TRY(store_search_is_at(call->db, end, &is_known));
    if (!is_known)
        return STATUS_OK;
    TRY(store_orders_load(call->db, call->arena, ids, count, &orders));
    for (size_t i = 0; i < orders.count; i++)
        TRY(try_later_rules(call, set, &orders.orders[i]));
    return store_rule_cursor_move(call->db, end);
}
