#include "rules_family.h"

#include <string.h>

static int64_t max_of(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t min_of(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

struct order *rules_ledger(struct order *order)
{
    return order->family != NULL ? order->family->members[0] : order;
}

const struct order *rules_ledger_of(const struct order *order)
{
    return order->family != NULL ? order->family->members[0] : order;
}

struct order *rules_member(struct order *order, const struct uuid *id)
{
    struct order *ledger = rules_ledger(order);
    if (uuid_is_nil(id) || order->family == NULL)
        return ledger;
    for (size_t i = 0; i < order->family->count; i++) {
        if (uuid_equal(&order->family->members[i]->id, id))
            return order->family->members[i];
    }
    return ledger;
}

const struct order *rules_member_of(const struct order *order, const struct uuid *id)
{
    return rules_member((struct order *)(uintptr_t)order, id);
}

bool rules_is_refund_of(const struct order *order, const struct refund *refund)
{
    if (order->family == NULL)
        return true;
    if (uuid_is_nil(&refund->member_id))
        return order == order->family->members[0];
    return uuid_equal(&refund->member_id, &order->id);
}

size_t rules_refund_ids(const struct order *order)
{
    size_t members = order->family != NULL ? order->family->count : 1;
    return rules_ledger_of(order)->payment_count + members;
}

/* ---- sharing the ledger out ---- */

struct share {
    int64_t charge, captured, refunded;
};

static bool is_settled(const struct order *order)
{
    return order->status == ORDER_COMPLETED || order->status == ORDER_ARCHIVED;
}

static int64_t captured_of(const struct order *ledger)
{
    int64_t sum = 0;
    for (size_t i = 0; i < ledger->payment_count; i++) {
        if (ledger->payments[i].status == ENTRY_CAPTURED)
            sum += ledger->payments[i].amount;
    }
    return sum;
}

static void take_refunds(const struct family *family, struct share *shares)
{
    struct order *ledger = family->members[0];
    for (size_t i = 0; i < ledger->refund_count; i++) {
        const struct refund *refund = &ledger->refunds[i];
        const struct order *member = rules_member(ledger, &refund->member_id);
        for (size_t k = 0; k < family->count && refund->status != REFUND_CANCELLED; k++) {
            if (family->members[k] == member)
                shares[k].refunded += refund->amount;
        }
    }
}

static int64_t give(struct share *share, int64_t wanted, int64_t left)
{
    int64_t part = min_of(left, max_of(0, wanted));
    share->captured += part;
    return left - part;
}

static void share_out(const struct family *family, struct share *shares)
{
    int64_t left = captured_of(family->members[0]);
    for (size_t i = 0; i < family->count; i++)
        left = give(&shares[i], shares[i].refunded, left);
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < family->count; i++) {
            if (is_settled(family->members[i]) == (round == 0))
                left = give(&shares[i], shares[i].charge - shares[i].captured, left);
        }
    }
    for (size_t i = 0; i < family->count; i++) {
        int64_t beyond = max_of(0, shares[i].captured - shares[i].charge);
        left = give(&shares[i], shares[i].refunded - beyond, left);
    }
    shares[0].captured += left;
}

static void take_share(struct order *member, const struct share *share)
{
    struct order before = *member;
    member->captured_total = share->captured;
    member->refunded_total = share->refunded;
    rules_derive_due(member);
    member->payment_status = rules_payment_status(member);
    if (member->captured_total != before.captured_total ||
        member->refunded_total != before.refunded_total ||
        member->current_total != before.current_total ||
        member->payment_status != before.payment_status)
        member->is_changed = true;
}

void rules_family_share(struct family *family)
{
    struct share shares[FAMILY_MAX_MEMBERS] = {{0}};
    for (size_t i = 0; i < family->count; i++)
        shares[i].charge = rules_charge(family->members[i]);
    take_refunds(family, shares);
    share_out(family, shares);
    for (size_t i = 0; i < family->count; i++)
        take_share(family->members[i], &shares[i]);
}

struct family_money rules_family_money(const struct family *family)
{
    struct family_money sum = {0};
    for (size_t i = 0; i < family->count; i++) {
        const struct order *member = family->members[i];
        sum.total += member->total;
        sum.captured += member->captured_total;
        sum.refunded += member->refunded_total;
        sum.amount_due += member->amount_due;
        sum.refund_due += member->refund_due;
    }
    return sum;
}

/* ---- who belongs to it ---- */

const char *rules_letters(struct arena *arena, int32_t number)
{
    char text[8];
    size_t at = sizeof(text) - 1;
    text[at] = '\0';
    for (; number > 0 && at > 0; number = (number - 1) / 26)
        text[--at] = (char)('A' + (number - 1) % 26);
    return arena_strdup(arena, text + at);
}

struct family *rules_family_found(struct order *root, struct arena *arena)
{
    if (root->family != NULL)
        return root->family;
    struct family *family = ARENA_NEW(arena, struct family);
    family->members = ARENA_ARRAY(arena, FAMILY_MAX_MEMBERS, struct order *);
    family->members[family->count++] = root;
    root->family = family;
    root->root_id = root->id;
    return family;
}

void rules_family_join(struct family *family, struct order *member)
{
    family->members[family->count++] = member;
    member->family = family;
    member->root_id = family->members[0]->id;
}
