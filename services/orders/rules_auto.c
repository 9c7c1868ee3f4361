#include "rules_auto.h"

#include <string.h>

#define MINUTE_US (INT64_C(60) * 1000000)

#define CHECK(name) PENSTOCK__ORDERS__V1__ORDER_CHECK__ORDER_CHECK_##name
#define ACTION(name) PENSTOCK__ORDERS__V1__RULE_ACTION_TYPE__RULE_ACTION_TYPE_##name
#define HISTORY(name) PENSTOCK__ORDERS__V1__RULE_HISTORY__RULE_HISTORY_##name

struct auto_facts rules_auto_facts(const struct order *order, const OrderDetails *details)
{
    struct auto_facts facts = {
        .order = order,
        .risk = {.phone = order->phone,
                 .email = order->email,
                 .address = details != NULL ? details->shipping_address : NULL,
                 .delivery = details != NULL ? details->delivery : NULL},
    };
    for (size_t i = 0; i < order->line_count; i++)
        facts.risk.has_goods |= rules_line_is_tracked(&order->lines[i]);
    return facts;
}

/* ---- conditions ---- */

static bool is_among(char *const *words, size_t count, const char *word)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(words[i], word) == 0)
            return true;
    return count == 0;
}

static bool has_method(const RuleConditions *c, const struct order *order)
{
    for (size_t i = 0; i < order->payment_count; i++)
        if (is_among(c->payment_methods, c->n_payment_methods, order->payments[i].method))
            return true;
    return c->n_payment_methods == 0;
}

static bool has_status(const RuleConditions *c, const struct order *order)
{
    for (size_t i = 0; i < c->n_payment_statuses; i++)
        if ((int)c->payment_statuses[i] == (int)order->payment_status)
            return true;
    return c->n_payment_statuses == 0;
}

static bool has_sku(const RuleConditions *c, const struct order *order)
{
    for (size_t i = 0; i < order->line_count; i++)
        if (is_among(c->skus, c->n_skus, order->lines[i].sku))
            return true;
    return c->n_skus == 0;
}

static bool is_delivered_so(const RuleConditions *c, const struct risk_facts *risk)
{
    for (size_t i = 0; i < c->n_delivery_methods; i++)
        if (risk->delivery != NULL && c->delivery_methods[i] == risk->delivery->method)
            return true;
    return c->n_delivery_methods == 0;
}

static bool is_given(const Money *money)
{
    return money != NULL && money->currency[0] != '\0';
}

static bool has_total(const RuleConditions *c, const struct order *order)
{
    if (is_given(c->total_from) && (strcmp(c->total_from->currency, order->currency) != 0 ||
                                    order->total < c->total_from->amount_minor))
        return false;
    return !is_given(c->total_below) || (strcmp(c->total_below->currency, order->currency) == 0 &&
                                         order->total < c->total_below->amount_minor);
}

static const char *run_check(int check, const struct risk_facts *risk)
{
    if (check == (int)CHECK(CONTACT))
        return rules_risk_contact(risk);
    if (check == (int)CHECK(PHONE))
        return rules_risk_phone(risk);
    if (check == (int)CHECK(POSTAL_CODE))
        return rules_risk_postcode(risk);
    return check == (int)CHECK(STORE) ? rules_risk_store(risk) : NULL;
}

static bool fails_a_check(const RuleConditions *c, const struct risk_facts *risk, const char **why)
{
    for (size_t i = 0; i < c->n_checks && *why == NULL; i++)
        *why = run_check((int)c->checks[i], risk);
    return c->n_checks == 0 || *why != NULL;
}

static bool has_history(const RuleConditions *c, const struct auto_history *history)
{
    if (c->history == HISTORY(FIRST_ORDER) && history->orders > 0)
        return false;
    if (c->history == HISTORY(RETURNING) && history->orders == 0)
        return false;
    if (history->orders < c->orders_from || history->refusals < c->refusals_from)
        return false;
    return c->duplicate_minutes == 0 ||
           (history->alike_us >= 0 && history->alike_us <= c->duplicate_minutes * MINUTE_US);
}

bool rules_auto_needs_history(const Rule *rule)
{
    const RuleConditions *c = rule->conditions;
    return c != NULL && (c->history != HISTORY(UNSPECIFIED) || c->orders_from > 0 ||
                         c->refusals_from > 0 || c->duplicate_minutes > 0);
}

bool rules_auto_matches(const struct auto_set *set, const Rule *rule,
                        const struct auto_facts *facts, struct arena *arena, const char **why)
{
    const RuleConditions *c = rule->conditions;
    const struct order *order = facts->order;
    *why = NULL;
    if (c == NULL)
        return true;
    if (!is_among(c->channels, c->n_channels, order->channel) ||
        !is_among(c->countries, c->n_countries, order->country) || !has_method(c, order) ||
        !has_status(c, order) || !has_sku(c, order) || !is_delivered_so(c, &facts->risk) ||
        !has_total(c, order) || !fails_a_check(c, &facts->risk, why))
        return false;
    if (c->is_blacklisted &&
        !rules_is_blacklisted(set->blacklist, set->blacklist_count, &facts->risk, arena))
        return false;
    return !rules_auto_needs_history(rule) ||
           (facts->history != NULL && has_history(c, facts->history));
}

/* ---- deciding ---- */

static enum auto_wish wish_of(const Rule *rule)
{
    for (size_t i = 0; i < rule->n_actions; i++) {
        if (rule->actions[i]->type == ACTION(CONFIRM))
            return AUTO_CONFIRM;
        if (rule->actions[i]->type == ACTION(WAIT))
            return AUTO_WAIT;
    }
    return AUTO_NONE;
}

struct auto_verdict rules_auto_decide(const struct auto_set *set, const struct auto_facts *facts,
                                      struct arena *arena)
{
    struct auto_verdict verdict = {0};
    struct auto_fired *fired = ARENA_ARRAY(arena, set->count + 1, struct auto_fired);
    for (size_t i = 0; i < set->count; i++) {
        const Rule *rule = set->rules[i];
        const char *why;
        if (!rules_auto_matches(set, rule, facts, arena, &why))
            continue;
        /* With history only its rules act; the others did so before, and may stop them. */
        if ((facts->history != NULL) == rules_auto_needs_history(rule)) {
            fired[verdict.count++] = (struct auto_fired){rule, why};
            if (verdict.wish == AUTO_NONE)
                verdict.wish = wish_of(rule);
        }
        if (rule->stops)
            break;
    }
    verdict.fired = fired;
    return verdict;
}

/* An order whose channel waits for money is not worked on before it is here; what is collected on
 * delivery is. */
static bool awaits_payment(const struct order *order)
{
    for (size_t i = 0; i < order->payment_count; i++)
        if (strcmp(order->payments[i].method, "cash_on_delivery") == 0)
            return false;
    switch (order->payment_status) {
    case PAYMENT_UNPAID:
    case PAYMENT_PENDING:
    case PAYMENT_PARTIALLY_PAID:
    case PAYMENT_VOIDED:
        return true;
    case PAYMENT_AUTHORIZED:
    case PAYMENT_PAID:
    case PAYMENT_OVERPAID:
    case PAYMENT_PARTIALLY_REFUNDED:
    case PAYMENT_REFUNDED:
        return false;
    }
    return false;
}

bool rules_auto_confirms(const struct order *order, const struct channel *channel,
                         enum auto_wish wish)
{
    switch (wish) {
    case AUTO_CONFIRM:
        return true;
    case AUTO_WAIT:
        return false;
    case AUTO_NONE:
        break;
    }
    return !channel->confirms_manually && !(channel->unpaid_minutes > 0 && awaits_payment(order));
}

/* ---- carrying out ---- */

const char *rules_auto_effect(const RuleAction *action, struct arena *arena)
{
    switch (action->type) {
    case ACTION(CONFIRM):
        return "confirm";
    case ACTION(WAIT):
        return "wait";
    case ACTION(HOLD):
        return arena_printf(arena, "hold %s",
                            action->hold_type[0] != '\0' ? action->hold_type : "rule");
    case ACTION(NOTE):
        return "note";
    case ACTION(REMARK):
        return "remark";
    default: /* a value of the wire that we do not know */
        return "nothing";
    }
}

static void note_rule(struct order *order, const struct act *act, const Rule *rule)
{
    const char *effects = "";
    for (size_t i = 0; i < rule->n_actions; i++)
        effects = arena_printf(act->arena, "%s%s%s", effects, i > 0 ? ", " : "",
                               rules_auto_effect(rule->actions[i], act->arena));
    rules_note(order, act, "rule_fired", arena_printf(act->arena, "%s: %s", rule->name, effects));
}

static void place_hold(struct order *order, const struct act *act, const struct auto_fired *fired,
                       const RuleAction *action, const struct uuid *id)
{
    struct refusal no;
    const char *type = action->hold_type[0] != '\0' ? action->hold_type : "rule";
    const char *text = action->text[0] != '\0' ? action->text : fired->why;
    if (rules_standing_hold(order, type) != NULL)
        return;
    rules_hold(order, act, id, type,
               arena_printf(act->arena, "%s%s%s", fired->rule->name, text != NULL ? ": " : "",
                            text != NULL ? text : ""),
               action->hold_minutes > 0 ? act->now_us + action->hold_minutes * MINUTE_US : 0, &no);
}

size_t rules_auto_ids(const struct auto_set *set)
{
    return set->count * AUTO_MAX_ACTIONS;
}

const char *rules_auto_apply(struct order *order, const struct act *act,
                             const struct auto_verdict *verdict, const struct uuid *ids)
{
    const char *remark = NULL;
    size_t next = 0;
    for (size_t i = 0; i < verdict->count; i++) {
        const struct auto_fired *fired = &verdict->fired[i];
        struct act by_rule = *act;
        by_rule.actor = arena_printf(act->arena, "rule:%s", fired->rule->id);
        note_rule(order, &by_rule, fired->rule);
        for (size_t k = 0; k < fired->rule->n_actions; k++, next++) {
            const RuleAction *action = fired->rule->actions[k];
            if (action->type == ACTION(HOLD))
                place_hold(order, &by_rule, fired, action, &ids[next]);
            else if (action->type == ACTION(NOTE))
                rules_note(order, &by_rule, "note_added", action->text);
            else if (action->type == ACTION(REMARK) && remark == NULL)
                remark = action->text;
        }
    }
    return remark;
}

/* ---- is it a rule? ---- */

static bool check_action(const RuleAction *action, size_t i, struct refusal *no)
{
    int type = (int)action->type;
    if (type <= 0 || type > (int)ACTION(REMARK))
        return rules_refuse(no, STATUS_INVALID, "required",
                            "An action is confirm, wait, hold, note or remark.",
                            "actions[%zu].type", i);
    if (action->hold_type[0] != '\0' && !rules_check_token(action->hold_type, no, "actions"))
        return false;
    if (!rules_check_text(action->text, 255, no, "actions"))
        return false;
    bool needs_text = type == (int)ACTION(NOTE) || type == (int)ACTION(REMARK);
    if (needs_text && action->text[0] == '\0')
        return rules_refuse(no, STATUS_INVALID, "required", "The action needs a text.",
                            "actions[%zu].text", i);
    return (action->hold_minutes >= 0 && action->hold_minutes <= 525600) ||
           rules_refuse(no, STATUS_INVALID, "out_of_range", "A hold is for at most a year.",
                        "actions[%zu].hold_minutes", i);
}

static bool check_conditions(const RuleConditions *c, struct refusal *no)
{
    if (c == NULL)
        return true;
    for (size_t i = 0; i < c->n_checks; i++)
        if ((int)c->checks[i] <= 0 || (int)c->checks[i] > (int)CHECK(STORE))
            return rules_refuse(no, STATUS_INVALID, "invalid",
                                "A check is contact, phone, postal_code or store.",
                                "conditions.checks[%zu]", i);
    if (c->n_channels + c->n_payment_methods + c->n_countries + c->n_skus > 500)
        return rules_refuse(no, STATUS_INVALID, "too_many", "A rule names at most 500 values.",
                            "%s", "conditions");
    if (c->orders_from < 0 || c->refusals_from < 0 || c->duplicate_minutes < 0 ||
        c->duplicate_minutes > 10080)
        return rules_refuse(no, STATUS_INVALID, "out_of_range",
                            "Counts are not negative, and a duplicate comes within a week.", "%s",
                            "conditions");
    return true;
}

bool rules_auto_check(const Penstock__Orders__V1__CreateRuleRequest *rule, struct refusal *no)
{
    if (rule->name[0] == '\0')
        return rules_refuse(no, STATUS_INVALID, "required", "A rule has a name.", "%s", "name");
    if (!rules_check_text(rule->name, 100, no, "name") || !check_conditions(rule->conditions, no))
        return false;
    if (rule->n_actions == 0 || rule->n_actions > AUTO_MAX_ACTIONS)
        return rules_refuse(no, STATUS_INVALID, "required", "A rule has one to ten actions.", "%s",
                            "actions");
    for (size_t i = 0; i < rule->n_actions; i++)
        if (!check_action(rule->actions[i], i, no))
            return false;
    return true;
}
