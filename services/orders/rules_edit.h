/* rules_edit.h -- what an edit makes of an order, what it takes for that, and what differs between
 * two versions.
 *
 * An edit is a list of operations on an order as it is. It is decided on a copy, so that the same
 * rules answer the preview, the questions to other services and the command. What nobody touches
 * keeps its price; discounts and taxes follow quantities in the proportion in which they were set,
 * so that an edit and its way back end at the same cent.
 *
 * Lines are never taken away: other services know their ids. One that is gone has no units left.
 *
 * Ownership: everything lives in the given arena; the order that comes in is not changed.
 * Limits: 100 operations, 1,000 lines of an order with those that are gone.
 */
#pragma once

#include "rules.h"

#define EDIT_MAX_OPERATIONS 100

/* What inventory says about a SKU. */
struct item_facts {
    const char *sku, *name;
    bool is_known;
    struct money price; /* no currency: it has none */
    int64_t available;
};

struct edit {
    EditOperation *const *operations;
    size_t count;
    const struct uuid *ids; /* for new lines: one per operation */
    /* What is known of the catalogue. Without it lines without a price cost nothing, which is good
     * enough for finding out what the edit takes. */
    const struct item_facts *items;
    size_t item_count;
};

/* So many units of a line, by its number, and the operation that wanted it last. */
struct edit_units {
    size_t line, operation;
    int64_t units;
    int64_t held; /* of them, by inventory; what is sold ahead is none of it */
};
struct edited {
    struct order *order; /* as it would be */
    OrderDetails *details;
    struct edit_units *needs; /* units that have to be held first */
    size_t need_count;
    struct edit_units *cuts; /* units whose work has to be stopped first */
    size_t cut_count;
};

/* Shapes, lengths and limits of the operations, in the order's currency (rules_edit_check.c). */
bool rules_check_edit(EditOperation *const *operations, size_t count, const char *currency,
                      int64_t now_us, struct refusal *no);
/* A home delivery has no use for the store that was chosen before. */
void rules_edit_drop_store(Delivery *delivery);
/* NULL when refused. The order has no timeline entry for it yet, and the same version. */
struct edited *rules_edit(const struct order *order, const struct edit *edit, struct arena *arena,
                          struct refusal *no);

/* ---- money (rules_edit_money.c) ---- */

/* What an order has before the edit that its prices do not say. */
struct edit_figures {
    int64_t
        beyond; /* taken off for cancelled units besides their value: by a channel's own figure */
    int64_t excess; /* of the order's discounts, which its lines cannot bear */
};
struct edit_figures rules_edit_figures(const struct order *order, const OrderDetails *details);
/* Prices of the edited order from its quantities and base. False: refused. */
bool rules_edit_price(struct order *order, OrderDetails *details, const struct edit_figures *before,
                      struct arena *arena, struct refusal *no);
/* The base of an order that is edited for the first time; lines that it does not know are added. */
void rules_edit_base(const struct order *order, OrderDetails *details, struct arena *arena);
LineBase *rules_edit_line_base(const OrderDetails *details, size_t line);

/* ---- differences (rules_edit_diff.c) ---- */

struct changes {
    FieldChange **list;
    size_t count, room;
};
/* What differs in lines, prices, addresses, method and texts, and in the total. */
struct changes rules_edit_diff(const Order *before, const Order *after, struct arena *arena);
/* In words, without anything that says who somebody is; "" when nothing differs. */
const char *rules_edit_words(const struct changes *changes, struct arena *arena);
/* True when one of the operations is about something that is among the changes. */
bool rules_edit_overlaps(EditOperation *const *operations, size_t count,
                         const struct changes *changes, struct arena *arena);
/* True when one of the operations is about a line that there was before it. */
bool rules_edit_touches_lines(EditOperation *const *operations, size_t count);
