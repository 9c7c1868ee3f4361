#include "rules_refund.h"

#include <string.h>

#include "rules_family.h"

typedef Penstock__Orders__V1__RefundParts RefundParts;
typedef Penstock__Orders__V1__RefundedLine RefundedLine;

/* ---- what it is worth ---- */

static const RefundParts *parts_of(const struct refund *refund, struct arena *arena)
{
    if (refund->parts_bytes == 0 || refund->status == REFUND_CANCELLED)
        return NULL;
    return (const RefundParts *)(const void *)protobuf_c_message_unpack(
        &penstock__orders__v1__refund_parts__descriptor, arena_protobuf(arena), refund->parts_bytes,
        refund->parts);
}

/* Units of the line that earlier refunds were made of. */
static int64_t units_given_back(const struct order *order, const struct order_line *line,
                                struct arena *arena)
{
    const struct order *ledger = rules_ledger_of(order);
    int64_t units = 0;
    struct uuid id;
    for (size_t i = 0; i < ledger->refund_count; i++) {
        if (!rules_is_refund_of(order, &ledger->refunds[i]))
            continue;
        const RefundParts *parts = parts_of(&ledger->refunds[i], arena);
        for (size_t k = 0; parts != NULL && k < parts->n_lines; k++)
            if (uuid_parse(parts->lines[k]->line_id, &id) && uuid_equal(&id, &line->id))
                units += parts->lines[k]->quantity;
    }
    return units;
}

static int64_t shipping_given_back(const struct order *order, struct arena *arena)
{
    const struct order *ledger = rules_ledger_of(order);
    int64_t sum = 0;
    for (size_t i = 0; i < ledger->refund_count; i++) {
        if (!rules_is_refund_of(order, &ledger->refunds[i]))
            continue;
        const RefundParts *parts = parts_of(&ledger->refunds[i], arena);
        sum += parts != NULL ? parts->shipping_minor : 0;
    }
    return sum;
}

static const struct order_line *line_of(const struct order *order, const struct uuid *id)
{
    for (size_t i = 0; i < order->line_count; i++)
        if (uuid_equal(&order->lines[i].id, id))
            return &order->lines[i];
    return NULL;
}

/* Parts of a line, taken one after the other, sum to the whole: the last unit has the odd cent. */
static bool add_line(const struct order *order, const struct wish_line *wish, size_t index,
                     struct arena *arena, int64_t *sum, struct refusal *no)
{
    const struct order_line *line = line_of(order, &wish->line_id);
    if (line == NULL)
        return rules_refuse(no, STATUS_INVALID, "invalid", "The order has no such line.",
                            "lines[%zu].line_id", index);
    int64_t gone = line->cancelled + line->returned + units_given_back(order, line, arena);
    if (wish->quantity <= 0 || wish->quantity > line->quantity - gone) {
        rules_refuse(no, STATUS_CONFLICT, "refund_exceeds_line",
                     "So many units of the line are not left to be refunded.",
                     "lines[%zu].quantity", index);
        rules_refuse_figure(no, "refundable", line->quantity > gone ? line->quantity - gone : 0);
        return false;
    }
    *sum += rules_line_value(line, gone + wish->quantity) - rules_line_value(line, gone);
    return true;
}

static bool check_lines(const struct refund_wish *wish, struct refusal *no)
{
    for (size_t i = 0; i < wish->line_count; i++)
        for (size_t k = 0; k < i; k++)
            if (uuid_equal(&wish->lines[i].line_id, &wish->lines[k].line_id))
                return rules_refuse(no, STATUS_INVALID, "duplicate", "The line is named twice.",
                                    "lines[%zu].line_id", i);
    return true;
}

bool rules_refund_amount(const struct order *order, const struct refund_wish *wish,
                         struct arena *arena, int64_t *amount, struct refusal *no)
{
    int64_t sum = wish->shipping + wish->goodwill;
    if (!check_lines(wish, no))
        return false;
    for (size_t i = 0; i < wish->line_count; i++)
        if (!add_line(order, &wish->lines[i], i, arena, &sum, no))
            return false;
    if (wish->shipping > 0 &&
        wish->shipping > order->shipping_total - shipping_given_back(order, arena))
        return rules_refuse(no, STATUS_CONFLICT, "refund_exceeds_shipping",
                            "That is more than is left of what shipping cost.", "%s", "shipping");
    *amount = wish->amount != 0 ? wish->amount : sum;
    if (sum > 0 && *amount != sum) {
        rules_refuse(no, STATUS_INVALID, "amount_mismatch",
                     "The amount is not the sum of lines, shipping and goodwill.", "%s", "amount");
        rules_refuse_figure(no, "sum_minor", sum);
        return false;
    }
    return *amount > 0 ||
           rules_refuse(no, STATUS_INVALID, "required",
                        "A refund has an amount, or lines, shipping or goodwill.", "%s", "amount");
}

/* ---- who may ---- */

int64_t rules_refund_limit(const struct refund_limit *limits, size_t count,
                           const char *const *permissions, const char *currency)
{
    static const char prefix[] = "role:";
    for (size_t i = 0; permissions != NULL && permissions[i] != NULL; i++) {
        if (strncmp(permissions[i], prefix, sizeof(prefix) - 1) != 0)
            continue;
        for (size_t k = 0; k < count; k++)
            if (strcmp(limits[k].role, permissions[i] + sizeof(prefix) - 1) == 0 &&
                strcmp(limits[k].currency, currency) == 0)
                return limits[k].amount;
    }
    return INT64_MAX;
}

/* By hand: whoever records it has paid, or pays now. */
static enum refund_status approved(enum refund_provider provider)
{
    return provider == PROVIDER_MANUAL ? REFUND_SUCCEEDED : REFUND_APPROVED;
}

enum refund_status rules_refund_begins(int64_t amount, int64_t limit, enum refund_provider provider)
{
    return amount > limit ? REFUND_REQUESTED : approved(provider);
}

bool rules_refund_may(enum refund_status from, enum refund_status to)
{
#define X(a, b)                                                                                    \
    if (from == REFUND_##a && to == REFUND_##b)                                                    \
        return true;
    REFUND_TRANSITIONS(X)
#undef X
    return false;
}

/* ---- steps ---- */

static struct refund *find(struct order *order, const struct uuid *id)
{
    struct order *ledger = rules_ledger(order);
    for (size_t i = 0; i < ledger->refund_count; i++)
        if (uuid_equal(&ledger->refunds[i].id, id))
            return &ledger->refunds[i];
    return NULL;
}

static bool is_of_request(const struct refund *refund, const struct refund *of)
{
    return refund == of ||
           (!uuid_is_nil(&of->request_id) && uuid_equal(&refund->request_id, &of->request_id));
}

static void move(struct refund *refund, const struct act *act, enum refund_status to)
{
    refund->status = to;
    refund->is_changed = true;
    if (to == REFUND_SUCCEEDED)
        refund->settled_at_us = act->now_us;
}

static void note(struct order *order, const struct act *act, const char *type, int64_t amount,
                 const char *why)
{
    struct money money = {.minor = amount};
    char text[MONEY_TEXT_BYTES];
    memcpy(money.currency, order->currency, sizeof(money.currency));
    rules_note(order, act, type,
               arena_printf(act->arena, "%s %s%s%s", money_text(money, text), order->currency,
                            why[0] != '\0' ? ", " : "", why));
    rules_order_derive(order);
}

static struct refund *find_or_refuse(struct order *order, const struct uuid *id, struct refusal *no)
{
    struct refund *refund = find(order, id);
    if (refund == NULL)
        rules_refuse(no, STATUS_NOT_FOUND, "not_found", "The order has no such refund.", "%s",
                     "refund_id");
    return refund;
}

/* Refunds of the request in that state, and their sum. */
static int64_t sum_of(const struct order *order, const struct refund *of, enum refund_status status)
{
    const struct order *ledger = rules_ledger_of(order);
    int64_t sum = 0;
    for (size_t i = 0; i < ledger->refund_count; i++)
        if (is_of_request(&ledger->refunds[i], of) && ledger->refunds[i].status == status)
            sum += ledger->refunds[i].amount;
    return sum;
}

static bool check_approver(const struct refund *refund, const struct act *act, int64_t amount,
                           int64_t limit, struct refusal *no)
{
    if (amount == 0)
        return rules_refuse(no, STATUS_CONFLICT, "invalid_state",
                            "Nobody has to approve this refund.", "%s", "");
    if (strcmp(refund->actor, act->actor) == 0)
        return rules_refuse(no, STATUS_FORBIDDEN, "second_person_needed",
                            "Somebody else than who asked for it approves it.", "%s", "");
    if (amount <= limit)
        return true;
    rules_refuse(no, STATUS_FORBIDDEN, "over_limit",
                 "The refund is beyond what your role approves.", "%s", "");
    rules_refuse_figure(no, "limit_minor", limit);
    return false;
}

bool rules_refund_approve(struct order *order, const struct act *act, const struct uuid *refund_id,
                          int64_t limit, struct refusal *no)
{
    struct refund *refund = find_or_refuse(order, refund_id, no);
    if (refund == NULL)
        return false;
    int64_t amount = sum_of(order, refund, REFUND_REQUESTED);
    if (!check_approver(refund, act, amount, limit, no))
        return false;
    struct order *ledger = rules_ledger(order);
    for (size_t i = 0; i < ledger->refund_count; i++) {
        struct refund *one = &ledger->refunds[i];
        if (!is_of_request(one, refund) || one->status != REFUND_REQUESTED)
            continue;
        one->approved_by = act->actor;
        move(one, act, approved(one->provider));
    }
    note(order, act, "refund_approved", amount, "");
    return true;
}

static struct payment *payment_of(struct order *order, const struct refund *refund)
{
    struct order *ledger = rules_ledger(order);
    for (size_t i = 0; i < ledger->payment_count; i++)
        if (uuid_equal(&ledger->payments[i].id, &refund->payment_id))
            return &ledger->payments[i];
    return NULL;
}

bool rules_refund_decline(struct order *order, const struct act *act, const struct uuid *refund_id,
                          const char *reason, struct refusal *no)
{
    struct refund *refund = find_or_refuse(order, refund_id, no);
    int64_t amount = 0;
    if (refund == NULL)
        return false;
    struct order *ledger = rules_ledger(order);
    for (size_t i = 0; i < ledger->refund_count; i++) {
        struct refund *one = &ledger->refunds[i];
        struct payment *payment = payment_of(order, one);
        if (!is_of_request(one, refund) || !rules_refund_may(one->status, REFUND_CANCELLED) ||
            payment == NULL)
            continue;
        amount += one->amount;
        payment->refunded -= one->amount;
        payment->is_changed = true;
        move(one, act, REFUND_CANCELLED);
    }
    if (amount == 0)
        return rules_refuse(no, STATUS_CONFLICT, "invalid_state",
                            "Only what waits for approval, or has failed, can be declined.", "%s",
                            "");
    note(order, act, "refund_declined", amount, reason);
    return true;
}

bool rules_refund_retry(struct order *order, const struct act *act, const struct uuid *refund_id,
                        enum refund_provider provider, struct refusal *no)
{
    struct refund *refund = find_or_refuse(order, refund_id, no);
    if (refund == NULL)
        return false;
    int64_t amount = sum_of(order, refund, REFUND_FAILED);
    if (amount == 0)
        return rules_refuse(no, STATUS_CONFLICT, "invalid_state",
                            "Only a refund that has failed is tried again.", "%s", "");
    struct order *ledger = rules_ledger(order);
    for (size_t i = 0; i < ledger->refund_count; i++) {
        struct refund *one = &ledger->refunds[i];
        if (!is_of_request(one, refund) || one->status != REFUND_FAILED)
            continue;
        one->provider = provider != 0 ? provider : one->provider;
        move(one, act, approved(one->provider));
    }
    note(order, act, "refund_retried", amount, "");
    return true;
}

bool rules_refund_start(struct order *order, const struct act *act, const struct uuid *refund_id)
{
    struct refund *refund = find(order, refund_id);
    bool is_lost = refund != NULL && refund->status == REFUND_PROCESSING;
    if (refund == NULL || (!is_lost && !rules_refund_may(refund->status, REFUND_PROCESSING)))
        return false;
    refund->next_attempt_at_us = act->now_us + REFUND_LOST_AFTER_US;
    move(refund, act, REFUND_PROCESSING);
    refund->attempts++;
    note(rules_member(order, &refund->member_id), act, "refund_started", refund->amount, "");
    return true;
}

bool rules_refund_settle(struct order *order, const struct act *act, const struct uuid *refund_id,
                         const char *error)
{
    struct refund *refund = find(order, refund_id);
    if (refund == NULL || refund->status != REFUND_PROCESSING)
        return false;
    refund->error = error != NULL ? error : "";
    move(refund, act, error != NULL ? REFUND_FAILED : REFUND_SUCCEEDED);
    note(rules_member(order, &refund->member_id), act,
         error != NULL ? "refund_failed" : "refund_recorded", refund->amount, refund->error);
    return true;
}
