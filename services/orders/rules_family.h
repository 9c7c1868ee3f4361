/* rules_family.h -- the money of a family: an order, and what was split off from it.
 *
 * A family has one ledger, its root's: who pays, pays the family, and what is refunded is capped
 * there. Each member's captured and refunded totals are its part of that ledger, so that every
 * figure and status of a member follows from them by the rules of any other order.
 *
 * How the ledger is shared out, in this order:
 *   1. to each member what was refunded for it;
 *   2. to members that are completed, then to the others, what they cost and do not have yet: the
 *      root first, its children by letter;
 *   3. to members with refunds, so much that the refunds lower nothing: what was paid beyond all
 *      costs goes back first;
 *   4. the rest to the root.
 *
 * Ownership: as the orders. Limits: FAMILY_MAX_MEMBERS.
 */
#pragma once

#include "rules.h"

#define FAMILY_MAX_MEMBERS 100

struct family {
    struct order **members; /* the root first, its children by letter */
    size_t count;
    int32_t last_letter; /* of the last child; letters are never given twice */
};

/* The order whose payments and refunds are this one's: its family's root, or itself. */
struct order *rules_ledger(struct order *order);
const struct order *rules_ledger_of(const struct order *order);
/* The member with this id, or the order itself when the id is nil. */
struct order *rules_member(struct order *order, const struct uuid *id);
const struct order *rules_member_of(const struct order *order, const struct uuid *id);
/* Whether a refund of the ledger was made for this member. */
bool rules_is_refund_of(const struct order *order, const struct refund *refund);
/* The most new refunds that one call of rules_refund() makes. */
size_t rules_refund_ids(const struct order *order);
/* Shares the ledger out, and derives what each member owes; marks those that it changed. */
void rules_family_share(struct family *family);
/* What the family as a whole costs and owes. */
struct family_money {
    int64_t total, captured, refunded, amount_due, refund_due;
};
struct family_money rules_family_money(const struct family *family);
/* 1: "A", 26: "Z", 27: "AA". */
const char *rules_letters(struct arena *arena, int32_t number);
/* Makes a family of one, so that another may join. */
struct family *rules_family_found(struct order *root, struct arena *arena);
void rules_family_join(struct family *family, struct order *member);
