#include <string.h>

#include "rules.h"
#include "rules_family.h"

/* Room for a line's total times its units. */
__extension__ typedef __int128 wide;

static int64_t clamp(int64_t value, int64_t most)
{
    if (value < 0)
        return 0;
    return value < most ? value : most;
}

static int64_t max_of(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

bool rules_line_is_tracked(const struct order_line *line)
{
    return !line->is_custom && !line->no_shipping;
}

int64_t rules_line_open(const struct order_line *line)
{
    return line->unallocated + line->backordered + line->preordered + line->reserved +
           line->picked + line->packed;
}

/* The totals come from three logs and may be ahead of each other: whoever is furthest along the way
 * (shipped, packed, picked, reserved) has its units first, the others share what is left. */
void rules_line_derive(struct order_line *line)
{
    int64_t left = line->quantity - line->cancelled;
    line->fulfilled = clamp(line->shipped_total, left);
    left -= line->fulfilled;

    int64_t behind = line->shipped_total;
    line->packed = clamp(line->packed_total - behind, left);
    left -= line->packed;

    behind = max_of(behind, line->packed_total);
    line->picked = clamp(line->picked_total - behind, left);
    left -= line->picked;

    behind = max_of(behind, line->picked_total);
    line->reserved = clamp(line->allocated_total - behind, left);
    left -= line->reserved;

    line->preordered = clamp(line->preordered_total, left);
    left -= line->preordered;
    line->backordered = clamp(line->backordered_total, left);
    line->unallocated = left - line->backordered;
    line->delivered = clamp(line->delivered_total, line->fulfilled);
    line->returned = clamp(line->returned_total, line->fulfilled);
}

/* A line that nobody picks goes with the rest: it waits for nothing, and is done when the order is
 * confirmed and its last tracked unit has left. */
static void derive_untracked(struct order_line *line, bool is_done)
{
    int64_t left = line->quantity - line->cancelled;
    line->unallocated = line->backordered = line->preordered = line->picked = line->packed = 0;
    line->fulfilled = is_done ? left : 0;
    line->reserved = left - line->fulfilled;
    line->delivered = 0;
    line->returned = clamp(line->returned_total, line->fulfilled);
}

struct quantities {
    int64_t tracked, ordered, cancelled, fulfilled, delivered, returned, open;
};

static struct quantities sum_lines(const struct order *order, bool only_tracked)
{
    struct quantities sum = {0};
    for (size_t i = 0; i < order->line_count; i++) {
        const struct order_line *line = &order->lines[i];
        sum.tracked += rules_line_is_tracked(line) && line->quantity > 0;
        if (only_tracked && !rules_line_is_tracked(line))
            continue;
        sum.ordered += line->quantity;
        sum.cancelled += line->cancelled;
        sum.fulfilled += line->fulfilled;
        sum.delivered += line->delivered;
        sum.returned += line->returned;
        sum.open += rules_line_open(line);
    }
    return sum;
}

enum fulfillment_status rules_fulfillment_status(const struct order *order)
{
    struct quantities sum = sum_lines(order, true);
    if (sum.tracked == 0)
        return FULFILLMENT_NOT_REQUIRED;
    if (sum.fulfilled == 0)
        return FULFILLMENT_UNFULFILLED;
    if (sum.open > 0)
        return FULFILLMENT_PARTIALLY_FULFILLED;
    if (sum.delivered == 0)
        return FULFILLMENT_FULFILLED;
    return sum.delivered < sum.fulfilled ? FULFILLMENT_PARTIALLY_DELIVERED : FULFILLMENT_DELIVERED;
}

enum return_status rules_return_status(const struct order *order)
{
    struct quantities sum = sum_lines(order, false);
    if (sum.returned > 0 && sum.returned == sum.fulfilled && sum.open == 0)
        return RETURN_RETURNED;
    if (sum.returned > 0)
        return RETURN_PARTIALLY_RETURNED;
    for (size_t i = 0; i < order->return_count; i++) {
        if (order->returns[i].is_open)
            return RETURN_REQUESTED;
    }
    return RETURN_NONE;
}

int64_t rules_charge(const struct order *order)
{
    return max_of(0, order->total - order->cancelled_value - order->returned_value);
}

static bool has_entry(const struct order *order, enum entry_status status)
{
    const struct order *ledger = rules_ledger_of(order);
    for (size_t i = 0; i < ledger->payment_count; i++) {
        if (ledger->payments[i].status == status)
            return true;
    }
    return false;
}

/* Of what was promised back, what the customer has not: of all that is on its way, or only of what
 * has failed. */
static int64_t refunds_in(const struct order *order, bool with_those_on_their_way)
{
    const struct order *ledger = rules_ledger_of(order);
    int64_t sum = 0;
    for (size_t i = 0; i < ledger->refund_count; i++) {
        enum refund_status status = ledger->refunds[i].status;
        bool is_on_its_way =
            status == REFUND_REQUESTED || status == REFUND_APPROVED || status == REFUND_PROCESSING;
        if (!rules_is_refund_of(order, &ledger->refunds[i]))
            continue;
        if (status == REFUND_FAILED || (with_those_on_their_way && is_on_its_way))
            sum += ledger->refunds[i].amount;
    }
    return sum;
}

int64_t rules_refunds_failed(const struct order *order)
{
    return refunds_in(order, false);
}

enum payment_status rules_payment_status(const struct order *order)
{
    int64_t captured = order->captured_total, charge = rules_charge(order);
    int64_t returned = order->refunded_total - refunds_in(order, true);
    if (returned > 0)
        return returned >= captured ? PAYMENT_REFUNDED : PAYMENT_PARTIALLY_REFUNDED;
    if (captured > charge)
        return PAYMENT_OVERPAID;
    if (captured == charge && (captured > 0 || order->total == 0))
        return PAYMENT_PAID;
    if (captured > 0)
        return PAYMENT_PARTIALLY_PAID;
    if (has_entry(order, ENTRY_AUTHORIZED))
        return PAYMENT_AUTHORIZED;
    if (has_entry(order, ENTRY_PENDING))
        return PAYMENT_PENDING;
    return has_entry(order, ENTRY_VOIDED) ? PAYMENT_VOIDED : PAYMENT_UNPAID;
}

/* A refund first gives back what was paid beyond the charge; only what goes further lowers the
 * total. */
void rules_derive_due(struct order *order)
{
    int64_t charge = rules_charge(order), net = order->captured_total - order->refunded_total;
    int64_t beyond = max_of(0, order->captured_total - charge);
    order->current_total = max_of(0, charge - max_of(0, order->refunded_total - beyond));
    order->amount_due = max_of(0, order->current_total - net);
    order->refund_due = max_of(0, net - order->current_total) + rules_refunds_failed(order);
}

static void derive_money(struct order *order)
{
    if (order->family != NULL) {
        rules_family_share(order->family);
        return;
    }
    order->captured_total = order->refunded_total = 0;
    for (size_t i = 0; i < order->payment_count; i++) {
        const struct payment *payment = &order->payments[i];
        if (payment->status == ENTRY_CAPTURED)
            order->captured_total += payment->amount;
        order->refunded_total += payment->refunded;
    }
    rules_derive_due(order);
}

static void mark_if_changed(struct order_line *line, const struct order_line *before)
{
    if (line->unallocated != before->unallocated || line->reserved != before->reserved ||
        line->preordered != before->preordered || line->backordered != before->backordered ||
        line->picked != before->picked || line->packed != before->packed ||
        line->fulfilled != before->fulfilled || line->delivered != before->delivered ||
        line->returned != before->returned)
        line->is_changed = true;
}

static void derive_lines(struct order *order)
{
    for (size_t i = 0; i < order->line_count; i++) {
        struct order_line before = order->lines[i];
        if (!rules_line_is_tracked(&before))
            continue;
        rules_line_derive(&order->lines[i]);
        mark_if_changed(&order->lines[i], &before);
    }
    bool is_confirmed = order->status == ORDER_CONFIRMED || order->status == ORDER_COMPLETED ||
                        order->status == ORDER_ARCHIVED;
    bool is_done = is_confirmed && sum_lines(order, true).open == 0;
    for (size_t i = 0; i < order->line_count; i++) {
        struct order_line before = order->lines[i];
        if (rules_line_is_tracked(&before))
            continue;
        derive_untracked(&order->lines[i], is_done);
        mark_if_changed(&order->lines[i], &before);
    }
}

void rules_order_derive(struct order *order)
{
    derive_lines(order);
    derive_money(order);
    order->payment_status = rules_payment_status(order);
    order->fulfillment_status = rules_fulfillment_status(order);
    order->return_status = rules_return_status(order);
    order->hold_count = 0;
    for (size_t i = 0; i < order->hold_rows; i++)
        order->hold_count += order->holds[i].released_at_us == 0;
}

int64_t rules_line_value(const struct order_line *line, int64_t units)
{
    if (line->quantity == 0)
        return 0;
    return (int64_t)((wide)line->total * units / line->quantity);
}

void rules_note(struct order *order, const struct act *act, const char *type, const char *detail)
{
    struct change *changes = ARENA_ARRAY(act->arena, order->change_count + 1, struct change);
    if (order->change_count > 0)
        memcpy(changes, order->changes, order->change_count * sizeof(*changes));
    order->version++;
    changes[order->change_count++] = (struct change){
        .version = order->version,
        .occurred_at_us = act->now_us,
        .source = act->source,
        .type = type,
        .actor = act->actor,
        .detail = detail != NULL ? detail : "",
    };
    order->changes = changes;
    order->updated_at_us = act->now_us;
    order->is_changed = true;
}
