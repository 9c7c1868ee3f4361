#include <assert.h>
#include <string.h>

#include "rules.h"
#include "rules_family.h"

static bool same_entry(const struct payment *payment, const struct payment_facts *facts)
{
    return payment->status == facts->status && payment->amount == facts->amount;
}

static struct payment *find_by_reference(struct order *order, const char *reference)
{
    if (reference[0] == '\0')
        return NULL;
    for (size_t i = 0; i < order->payment_count; i++) {
        if (strcmp(order->payments[i].reference, reference) == 0)
            return &order->payments[i];
    }
    return NULL;
}

static bool fits_the_ledger(const struct order *order, int64_t amount, struct refusal *no)
{
    int64_t sum = amount;
    for (size_t i = 0; i < order->payment_count; i++)
        sum += order->payments[i].amount;
    if (sum > MONEY_MAX_MINOR)
        return rules_refuse(no, STATUS_INVALID, "amount_too_large",
                            "The payments of one order are limited to 10^15 minor units.", "%s",
                            "amount");
    if (order->payment_count >= ORDERS_MAX_PAYMENTS)
        return rules_refuse(no, STATUS_CONFLICT, "too_many",
                            "The order has 100 payments: that is the most.", "%s", "");
    return true;
}

static const char *entry_detail(const struct order *order, const struct act *act,
                                const struct payment *payment)
{
    static const char *const words[] = {
        [ENTRY_PENDING] = "pending",   [ENTRY_AUTHORIZED] = "authorized",
        [ENTRY_CAPTURED] = "captured", [ENTRY_VOIDED] = "voided",
        [ENTRY_FAILED] = "failed",
    };
    struct money money = {.minor = payment->amount};
    memcpy(money.currency, order->currency, sizeof(money.currency));
    char text[MONEY_TEXT_BYTES];
    return arena_printf(act->arena, "%s %s %s %s", money_text(money, text), order->currency,
                        payment->method, words[payment->status]);
}

static struct payment *add_entry(struct order *order, const struct act *act, const struct uuid *id,
                                 const struct payment_facts *facts)
{
    struct payment *payments = ARENA_ARRAY(act->arena, order->payment_count + 1, struct payment);
    if (order->payment_count > 0)
        memcpy(payments, order->payments, order->payment_count * sizeof(*payments));
    order->payments = payments;
    struct payment *payment = &payments[order->payment_count++];
    *payment = (struct payment){
        .order_id = order->id,
        .id = *id,
        .method = facts->method,
        .reference = facts->reference,
        .status = facts->status,
        .amount = facts->amount,
        .paid_at_us = facts->paid_at_us,
        .recorded_at_us = act->now_us,
        .is_new = true,
    };
    return payment;
}

static bool may_move(const struct payment *payment, const struct payment_facts *facts,
                     struct refusal *no)
{
    if (payment->status == facts->status)
        return rules_refuse(no, STATUS_CONFLICT, "reference_reused",
                            "A payment with this reference is recorded with another amount.", "%s",
                            "reference");
    if (!rules_entry_may(payment->status, facts->status))
        return rules_refuse(no, STATUS_CONFLICT, "invalid_state",
                            "The payment with this reference cannot go back to that status.", "%s",
                            "status");
    return true;
}

struct payment *rules_payment(struct order *order, const struct act *act, const struct uuid *id,
                              const struct payment_facts *facts, bool *changed, struct refusal *no)
{
    *changed = true;
    struct order *ledger = rules_ledger(order);
    struct payment *payment = find_by_reference(ledger, facts->reference);
    if (payment != NULL && same_entry(payment, facts)) {
        *changed = false;
        return payment;
    }
    if (payment != NULL ? !may_move(payment, facts, no)
                        : !fits_the_ledger(ledger, facts->amount, no))
        return NULL;
    if (payment == NULL) {
        payment = add_entry(ledger, act, id, facts);
    } else {
        payment->status = facts->status;
        payment->amount = facts->amount;
        if (facts->paid_at_us != 0)
            payment->paid_at_us = facts->paid_at_us;
        payment->is_changed = true;
    }
    rules_note(order, act, "payment_recorded", entry_detail(order, act, payment));
    rules_order_derive(order);
    return payment;
}

/* ---- refunds ---- */

int64_t rules_payment_refundable(const struct payment *payment)
{
    return payment->status == ENTRY_CAPTURED ? payment->amount - payment->refunded : 0;
}

int64_t rules_refundable(const struct order *order)
{
    const struct order *ledger = rules_ledger_of(order);
    int64_t sum = 0;
    for (size_t i = 0; i < ledger->payment_count; i++)
        sum += rules_payment_refundable(&ledger->payments[i]);
    return sum;
}

static struct payment *find_payment(struct order *order, const struct uuid *id)
{
    for (size_t i = 0; i < order->payment_count; i++) {
        if (uuid_equal(&order->payments[i].id, id))
            return &order->payments[i];
    }
    return NULL;
}

struct payment *rules_payment_decide(struct order *order, const struct act *act,
                                     const struct uuid *id, enum entry_status status,
                                     int64_t amount, struct refusal *no)
{
    struct order *ledger = rules_ledger(order);
    struct payment *payment = find_payment(ledger, id);
    if (payment == NULL || !rules_entry_may(payment->status, status)) {
        rules_refuse(no, STATUS_CONFLICT, "invalid_state", "The payment is not pending any more.",
                     "%s", "payment_id");
        return NULL;
    }
    if (amount > payment->amount && !fits_the_ledger(ledger, amount - payment->amount, no))
        return NULL;
    payment->status = status;
    payment->amount = amount;
    payment->is_changed = true;
    rules_note(order, act, "payment_recorded", entry_detail(order, act, payment));
    rules_order_derive(order);
    return payment;
}

static bool may_refund(const struct order *order, const struct refund_facts *facts,
                       const struct payment *payment, struct refusal *no)
{
    if (facts->payment_id != NULL && payment == NULL)
        return rules_refuse(no, STATUS_INVALID, "invalid", "The order has no such payment.", "%s",
                            "payment");
    int64_t most = payment != NULL ? rules_payment_refundable(payment) : rules_refundable(order);
    if (facts->amount <= most)
        return true;
    rules_refuse(no, STATUS_CONFLICT, "refund_exceeds_captured",
                 "That is more than was captured and is not refunded yet.", "%s", "amount");
    rules_refuse_figure(no, "refundable_minor", most);
    return false;
}

static const char *refund_note(enum refund_status status)
{
    return status == REFUND_REQUESTED  ? "refund_requested"
           : status == REFUND_APPROVED ? "refund_approved"
                                       : "refund_recorded";
}

static void add_refund(struct order *member, const struct act *act,
                       const struct refund_facts *facts, struct payment *payment, int64_t amount,
                       const struct uuid *id, bool is_first)
{
    struct order *ledger = rules_ledger(member);
    enum refund_status status = facts->status != 0 ? facts->status : REFUND_SUCCEEDED;
    payment->refunded += amount;
    payment->is_changed = true;
    ledger->refunds[ledger->refund_count++] = (struct refund){
        .order_id = ledger->id,
        .id = *id,
        .payment_id = payment->id,
        .status = status,
        .amount = amount,
        .reason = facts->reason,
        .return_id = facts->return_id,
        .inspection_id = facts->inspection_id,
        .member_id = member != ledger ? member->id : (struct uuid){{0}},
        .recorded_at_us = act->now_us,
        .actor = act->actor,
        .request_id = facts->request_id,
        .provider = facts->provider != 0 ? facts->provider : PROVIDER_MANUAL,
        .approved_by = status == REFUND_REQUESTED ? "" : act->actor,
        .error = "",
        .settled_at_us = status == REFUND_SUCCEEDED ? act->now_us : 0,
        .parts = is_first ? facts->parts : NULL,
        .parts_bytes = is_first ? facts->parts_bytes : 0,
        .is_new = true,
    };
    struct money money = {.minor = amount};
    memcpy(money.currency, member->currency, sizeof(money.currency));
    char text[MONEY_TEXT_BYTES];
    rules_note(member, act, refund_note(status),
               arena_printf(act->arena, "%s %s", money_text(money, text), member->currency));
}

static void make_room_for_refunds(struct order *ledger, size_t room, const struct act *act)
{
    struct refund *refunds = ARENA_ARRAY(act->arena, ledger->refund_count + room, struct refund);
    if (ledger->refund_count > 0)
        memcpy(refunds, ledger->refunds, ledger->refund_count * sizeof(*refunds));
    ledger->refunds = refunds;
}

/* Whose part of the ledger a refund comes out of: the order's that it is made for, then the others'
 * of its family. */
struct purse {
    struct order *order, *member;
    size_t next;
    int64_t room;
};

static int64_t kept_by(const struct order *member)
{
    return member->captured_total - member->refunded_total;
}

static void purse_open(struct purse *purse, struct order *order)
{
    *purse = (struct purse){.order = order, .member = order};
    purse->room = order->family != NULL ? kept_by(order) : INT64_MAX;
}

static int64_t purse_take(struct purse *purse, int64_t amount)
{
    while (purse->room <= 0 && purse->next < purse->order->family->count) {
        purse->member = purse->order->family->members[purse->next++];
        purse->room = purse->member != purse->order ? kept_by(purse->member) : 0;
    }
    int64_t part = amount < purse->room ? amount : purse->room;
    purse->room -= part;
    return part;
}

struct refund *rules_refund(struct order *order, const struct act *act,
                            const struct refund_facts *facts, size_t *count, struct refusal *no)
{
    struct order *ledger = rules_ledger(order);
    struct payment *only =
        facts->payment_id != NULL ? find_payment(ledger, facts->payment_id) : NULL;
    if (!may_refund(order, facts, only, no))
        return NULL;
    struct purse purse;
    purse_open(&purse, order);
    make_room_for_refunds(ledger, rules_refund_ids(order), act);
    size_t first = ledger->refund_count;
    int64_t left = facts->amount;
    for (size_t i = 0; i < ledger->payment_count; i++) {
        struct payment *payment = &ledger->payments[i];
        int64_t amount = rules_payment_refundable(payment);
        if (only != NULL && payment != only)
            continue;
        if (amount > left)
            amount = left;
        left -= amount;
        for (int64_t part; amount > 0; amount -= part) {
            part = purse_take(&purse, amount);
            assert(part > 0);
            size_t index = ledger->refund_count - first;
            add_refund(purse.member, act, facts, payment, part, &facts->ids[index], index == 0);
        }
    }
    *count = ledger->refund_count - first;
    rules_order_derive(order);
    return &ledger->refunds[first];
}

bool rules_inspection(struct order *order, const struct act *act, const struct uuid *inspection_id,
                      const struct uuid *return_id, int64_t due_minor, int64_t *refund_minor)
{
    *refund_minor = 0;
    for (size_t i = 0; i < order->inspection_count; i++) {
        if (uuid_equal(&order->inspections[i].inspection_id, inspection_id))
            return false;
    }
    struct inspection *all =
        ARENA_ARRAY(act->arena, order->inspection_count + 1, struct inspection);
    if (order->inspection_count > 0)
        memcpy(all, order->inspections, order->inspection_count * sizeof(*all));
    order->inspections = all;
    all[order->inspection_count++] = (struct inspection){
        .order_id = order->id,
        .inspection_id = *inspection_id,
        .return_id = *return_id,
        .refund_due = due_minor,
        .is_new = true,
    };
    order->returned_value += due_minor;
    order->is_changed = true;
    rules_order_derive(order);
    int64_t refundable = rules_refundable(order);
    *refund_minor = due_minor < refundable ? due_minor : refundable;
    return true;
}
