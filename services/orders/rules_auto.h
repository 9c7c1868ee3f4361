/* rules_auto.h -- the shop's own rules: which orders are confirmed by themselves, which wait, which
 * are held, and why.
 *
 * Rules are data (Rule in rules.proto), tried in their order. Those that look only at the order
 * itself decide while it is placed; those that need the customer's history are tried a moment
 * later. Pure: the caller brings the rules, the order and what is known of the customer.
 *
 * Ownership: a set lives as long as its caller keeps its arena; verdicts in the given arena.
 * Limits: AUTO_MAX_RULES rules, AUTO_MAX_ACTIONS each.
 */
#pragma once

#include "rules_risk.h"

#define AUTO_MAX_RULES 100
#define AUTO_MAX_ACTIONS 10
#define AUTO_MAX_BLACKLIST 10000

typedef Penstock__Orders__V1__Rule Rule;
typedef Penstock__Orders__V1__RuleAction RuleAction;
typedef Penstock__Orders__V1__RuleConditions RuleConditions;

struct auto_set {
    Rule **rules; /* those that are enabled, in order */
    size_t count;
    bool needs_history; /* one of them does */
    const struct uuid *blacklist;
    size_t blacklist_count;
};

/* What is known of a customer besides the order at hand. */
struct auto_history {
    int64_t orders, refusals;
    int64_t alike_us; /* how long before it they ordered the same; -1: never */
};

struct auto_facts {
    const struct order *order;
    struct risk_facts risk;
    const struct auto_history *history; /* NULL: not looked up */
};
/* details: the order's, unpacked; may be NULL. */
struct auto_facts rules_auto_facts(const struct order *order, const OrderDetails *details);

/* Whether the rule can be decided only with history. */
bool rules_auto_needs_history(const Rule *rule);
/* Whether every condition holds; *why names what a check found, else NULL. */
bool rules_auto_matches(const struct auto_set *set, const Rule *rule,
                        const struct auto_facts *facts, struct arena *arena, const char **why);

enum auto_wish { AUTO_NONE, AUTO_CONFIRM, AUTO_WAIT };
struct auto_fired {
    const Rule *rule;
    const char *why; /* what a check found; NULL: nothing more to say */
};
struct auto_verdict {
    enum auto_wish wish; /* of the first rule that has one */
    const struct auto_fired *fired;
    size_t count;
};
/* Which rules fire; those with history only when facts bring one, and then no others. */
struct auto_verdict rules_auto_decide(const struct auto_set *set, const struct auto_facts *facts,
                                      struct arena *arena);

/* Carries out what the rules that fired want done to the order: holds and notes, each line of the
 * timeline by the rule. ids: one for each action of each rule. The remark, where one is to be set,
 * is returned; else NULL. */
const char *rules_auto_apply(struct order *order, const struct act *act,
                             const struct auto_verdict *verdict, const struct uuid *ids);
size_t rules_auto_ids(const struct auto_set *set);
/* What a rule does, in words: "confirm", "hold high_risk". */
const char *rules_auto_effect(const RuleAction *action, struct arena *arena);
/* Whether an order that nothing holds may be confirmed without a person. */
bool rules_auto_confirms(const struct order *order, const struct channel *channel,
                         enum auto_wish wish);

/* Whether it is a rule at all. */
bool rules_auto_check(const Penstock__Orders__V1__CreateRuleRequest *rule, struct refusal *no);
