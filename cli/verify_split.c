/* verify_split.c -- orders that were split, and put together again, as their log tells it. */
#include "cli/verify_fold.h"
#include "penstock/orders/v1/orders.pb-c.h"

typedef Penstock__Orders__V1__OrderSplit OrderSplit;
typedef Penstock__Orders__V1__OrderSplitOff OrderSplitOff;
typedef Penstock__Orders__V1__OrderUnsplit OrderUnsplit;
typedef Penstock__Orders__V1__MovedLine MovedLine;

enum { ORDER_CONFIRMED = 3 };

/* A family costs what it cost before: what goes and what stays sum to it. */
static void judge_conserved(const struct reading *it, int64_t before, int64_t parts)
{
    char id[UUID_TEXT_BYTES];
    if (before != parts || it->order->total != before)
        verify_differ(it->fold->verify, INVARIANT_ORDER_FAMILY,
                      "order %s (%s) costs %lld, event %lld (%s) says %lld and makes %lld of it",
                      it->order->number, uuid_text(&it->order->id, id), (long long)it->order->total,
                      (long long)it->event->position, it->event->type, (long long)before,
                      (long long)parts);
}

/* Inventory moves what is held in one go; of the child, whose own event follows, as far as it is of
 * this pass. */
static bool move_wanted(const struct reading *it, const char *child_id, MovedLine *const *lines,
                        size_t count, int64_t sign)
{
    struct uuid id, line_id;
    if (!uuid_parse(child_id, &id))
        return false;
    struct fold_order *child = fold_has(it->fold, &id) ? fold_order(it->fold, &id, true) : NULL;
    if (child != NULL)
        child->read_by |= FOLD_BIT(INVENTORY);
    for (size_t i = 0; i < count; i++) {
        struct fold_line *line = fold_line_of(it, lines[i]->line_id);
        if (line == NULL || !uuid_parse(lines[i]->child_line_id, &line_id))
            return false;
        if (!lines[i]->takes_stock)
            continue;
        line->wanted_inventory -= sign * lines[i]->quantity;
        line->in_stock = true;
        if (child == NULL)
            continue;
        struct fold_line *part = fold_line(it->fold, child, &line_id, true);
        part->wanted_inventory += sign * lines[i]->quantity;
        part->in_stock = true;
    }
    return true;
}

bool fold_on_split(const struct reading *it)
{
    const OrderSplit *event = (const OrderSplit *)it->message;
    if (it->order == NULL)
        return false;
    judge_conserved(it, fold_minor(event->total_before),
                    fold_minor(event->total) + fold_minor(event->child_total));
    it->order->total = fold_minor(event->total);
    it->order->is_family = true;
    it->order->splits_told += fold_has_read(it, FOLD_NOTIFY, FOLD_ORDERS);
    return !fold_has_read(it, FOLD_INVENTORY, FOLD_ORDERS) ||
           move_wanted(it, event->child_id, event->lines, event->n_lines, 1);
}

bool fold_on_unsplit(const struct reading *it)
{
    const OrderUnsplit *event = (const OrderUnsplit *)it->message;
    if (it->order == NULL)
        return false;
    judge_conserved(it, fold_minor(event->total_before),
                    fold_minor(event->total) - fold_minor(event->child_total));
    it->order->total = fold_minor(event->total);
    it->order->splits_told += fold_has_read(it, FOLD_NOTIFY, FOLD_ORDERS);
    return !fold_has_read(it, FOLD_INVENTORY, FOLD_ORDERS) ||
           move_wanted(it, event->child_id, event->lines, event->n_lines, -1);
}

bool fold_on_split_off(const struct reading *it)
{
    const OrderSplitOff *event = (const OrderSplitOff *)it->message;
    static const enum fold_service readers[] = {FOLD_INVENTORY, FOLD_FULFILLMENT, FOLD_RETURNS,
                                                FOLD_NOTIFY};
    if (it->order == NULL)
        return false;
    it->order->status = (int)event->status;
    it->order->number = arena_strdup(it->fold->arena, event->number);
    it->order->total = fold_minor(event->total);
    it->order->is_family = true;
    for (size_t i = 0; i < sizeof(readers) / sizeof(readers[0]); i++)
        if (fold_has_read(it, readers[i], FOLD_ORDERS))
            it->order->read_by |= 1u << readers[i];
    if (fold_has_read(it, FOLD_FULFILLMENT, FOLD_ORDERS)) {
        it->order->is_confirmed |= (int)event->status == ORDER_CONFIRMED;
        it->order->is_on_hold |= event->has_holds;
    }
    return fold_take_lines(it, event->lines, event->n_lines);
}
