/* rules_split.h -- one order becomes two, and two become one again.
 *
 * What moves takes its exact part along: of a line's discount, tax and total by units, of the
 * order's discounts and taxes what its lines carry. Shipping and charges stay, except for what of
 * shipping is asked to go. Every part is cut by largest remainder and the parent keeps the rest, so
 * that both sum to what was there, and putting them together again is adding.
 *
 * Only what is open and not picked moves; of a line first what it waits for, so that a split never
 * turns what is waited for into what is there.
 *
 * Ownership: the act's arena. Limits: ORDERS_MAX_LINES, FAMILY_MAX_MEMBERS.
 */
#pragma once

#include "rules_family.h"

struct split_wish {
    struct uuid line_id;
    int64_t quantity; /* 0: all that can move */
};
struct splitting {
    const struct split_wish *wishes;
    size_t count;
    int64_t shipping;              /* what of the shipping costs goes */
    const struct uuid *ids;        /* rules_split_ids() of them */
    const struct stopped *stopped; /* fulfillment's word; NULL: nobody was asked */
    size_t stopped_count;
    const char *reason;
};
struct moved {
    struct uuid line_id, child_line_id;
    const char *sku;
    int64_t quantity;
    bool takes_stock;
};
struct split {
    struct order *child;
    struct moved *moved;
    size_t count;
    int64_t total_before; /* of the parent */
    int64_t child_total;
};

/* What of a line can move. */
int64_t rules_movable(const struct order_line *line);
/* The quantities to be stopped before a split; returns how many of them, 0 also when it will be
 * refused. */
size_t rules_split_stops(const struct order *order, const struct splitting *splitting,
                         struct stopped *lines);
size_t rules_split_ids(const struct order *parent, const struct splitting *splitting);
/* The child, with the next letter of its family. False: refused, and nothing has changed. */
bool rules_split(struct order *parent, const struct act *act, const struct splitting *splitting,
                 struct split *out, struct refusal *no);

/* The child's parent in its family; NULL: it was not split off. */
struct order *rules_parent(const struct order *child);
/* Puts the child back into its parent. stopped is fulfillment's word about the child. */
bool rules_unsplit(struct order *child, const struct act *act, const struct splitting *splitting,
                   struct split *out, struct refusal *no);

/* ---- parts of it (rules_split_money.c) ---- */

/* Of an amount that belongs to `of` units, the part of `units` of them. */
int64_t rules_part(int64_t amount, int64_t units, int64_t of);
OrderDetails *rules_details_open(const struct order *order, struct arena *arena);
void rules_details_close(struct order *order, const OrderDetails *details, struct arena *arena);

/* What goes to the child, summed over the lines. */
struct split_sums {
    bool carries_tax;  /* the lines' totals hold the lines' own taxes */
    bool is_lines_tax; /* the order's tax is the sum of them */
    int64_t items, line_discount, line_tax, line_total;
    int64_t carried; /* what the lines' totals hold besides their own net and tax: the order's
                        discounts, negative, and taxes shared out */
    int64_t shipping;
};
/* Before anything is moved: how the order is taxed. */
void rules_split_sums(const struct order *parent, struct split_sums *sums);
/* Moves amounts and details, the lines' being moved already; false: one of the two would cost less
 * than nothing. */
bool rules_split_money(struct order *parent, struct order *child, const struct split_sums *sums,
                       struct arena *arena);
void rules_unsplit_money(struct order *parent, struct order *child, struct arena *arena);
