#include "rules.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool rules_refuse(struct refusal *refusal, enum status status, const char *code, const char *text,
                  const char *field_format, ...)
{
    refusal->status = status;
    refusal->code = code;
    refusal->text = text;
    refusal->figure_count = 0;
    va_list arguments;
    va_start(arguments, field_format);
    vsnprintf(refusal->field, sizeof(refusal->field), field_format, arguments);
    va_end(arguments);
    return false;
}

void rules_refuse_figure(struct refusal *refusal, const char *name, int64_t value)
{
    if (refusal->figure_count == REFUSAL_FIGURES)
        return;
    refusal->figures[refusal->figure_count].name = name;
    refusal->figures[refusal->figure_count].value = value;
    refusal->figure_count++;
}

bool rules_order_may(enum order_status from, enum order_status to)
{
#define X(a, b, why)                                                                               \
    if (from == ORDER_##a && to == ORDER_##b)                                                      \
        return true;
    ORDER_TRANSITIONS(X)
#undef X
    return false;
}

bool rules_entry_may(enum entry_status from, enum entry_status to)
{
#define X(a, b)                                                                                    \
    if (from == ENTRY_##a && to == ENTRY_##b)                                                      \
        return true;
    ENTRY_TRANSITIONS(X)
#undef X
    return false;
}

const char *rules_order_status_name(enum order_status status)
{
    switch (status) {
    case ORDER_DRAFT:
        return "draft";
    case ORDER_PENDING:
        return "pending";
    case ORDER_CONFIRMED:
        return "confirmed";
    case ORDER_COMPLETED:
        return "completed";
    case ORDER_ARCHIVED:
        return "archived";
    case ORDER_CANCELLED:
        return "cancelled";
    case ORDER_EXPIRED:
        return "expired";
    }
    return "unknown";
}

static void refuse_state(struct refusal *no, const char *text)
{
    rules_refuse(no, STATUS_CONFLICT, "invalid_state", text, "%s", "");
}

bool rules_confirm(struct order *order, const struct act *act, struct refusal *no)
{
    if (order->status == ORDER_CONFIRMED)
        return false;
    if (!rules_order_may(order->status, ORDER_CONFIRMED) || order->status == ORDER_COMPLETED) {
        refuse_state(no, "Only a pending order can be confirmed.");
        return false;
    }
    order->status = ORDER_CONFIRMED;
    order->confirmed_at_us = act->now_us;
    rules_note(order, act, "order_confirmed", NULL);
    rules_order_derive(order);
    return true;
}

/* Nothing to do, nothing to pay, something that the customer has. */
static bool is_complete(const struct order *order)
{
    int64_t fulfilled = 0;
    for (size_t i = 0; i < order->line_count; i++) {
        if (rules_line_open(&order->lines[i]) > 0)
            return false;
        fulfilled += order->lines[i].fulfilled;
    }
    return fulfilled > 0 && order->amount_due == 0;
}

bool rules_complete(struct order *order, const struct act *act)
{
    if (order->status != ORDER_CONFIRMED || !is_complete(order))
        return false;
    order->status = ORDER_COMPLETED;
    order->completed_at_us = act->now_us;
    rules_note(order, act, "order_completed", NULL);
    rules_order_derive(order);
    return true;
}

/* ---- cancelling ---- */

bool rules_cancel_reason_is_known(const char *reason)
{
    static const char *const reasons[] = {"customer", "fraud", "stock", "unpaid", "other"};
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        if (strcmp(reason, reasons[i]) == 0)
            return true;
    }
    return false;
}

size_t rules_stop_lines(const struct order *order, struct stopped *lines)
{
    size_t count = 0;
    for (size_t i = 0; i < order->line_count; i++) {
        const struct order_line *line = &order->lines[i];
        if (rules_line_is_tracked(line) && rules_line_open(line) > 0)
            lines[count++] = (struct stopped){line->id, rules_line_open(line), 0};
    }
    return count;
}

static const struct stopped *stopped_of(const struct cancel *cancel, const struct uuid *line_id)
{
    for (size_t i = 0; i < cancel->stopped_count; i++) {
        if (uuid_equal(&cancel->stopped[i].line_id, line_id))
            return &cancel->stopped[i];
    }
    return NULL;
}

static int64_t min_of(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

struct cut {
    int64_t cancelled, missing, shipped;
};

/* How much of each tracked line goes, and how much that was wanted cannot. */
static struct cut cut_tracked(const struct order *order, const struct cancel *cancel, int64_t *cuts)
{
    struct cut sum = {0};
    for (size_t i = 0; i < order->line_count; i++) {
        const struct order_line *line = &order->lines[i];
        if (!rules_line_is_tracked(line))
            continue;
        const struct stopped *stopped = stopped_of(cancel, &line->id);
        int64_t open = rules_line_open(line), told = stopped != NULL ? stopped->shipped : 0;
        cuts[i] = min_of(open, stopped != NULL ? stopped->stopped : 0);
        sum.shipped += line->fulfilled > told ? line->fulfilled : told;
        sum.missing += open - cuts[i];
        sum.cancelled += cuts[i];
    }
    return sum;
}

/* What nobody picks goes when everything else goes, and stays with what has shipped. */
static struct cut cut_lines(const struct order *order, const struct cancel *cancel, int64_t *cuts)
{
    struct cut sum = cut_tracked(order, cancel, cuts);
    if (sum.shipped > 0 || sum.missing > 0)
        return sum;
    for (size_t i = 0; i < order->line_count; i++) {
        if (rules_line_is_tracked(&order->lines[i]))
            continue;
        cuts[i] = rules_line_open(&order->lines[i]);
        sum.cancelled += cuts[i];
    }
    return sum;
}

static bool check_cut(const struct cancel *cancel, const struct cut *cut, struct refusal *no)
{
    bool takes_what_it_can = cancel->remaining || cancel->is_channels;
    if (takes_what_it_can && cut->cancelled > 0)
        return true;
    if (!takes_what_it_can && cut->missing == 0 && cut->shipped == 0)
        return true;
    if (cut->missing > 0 && cut->shipped == 0)
        return rules_refuse(no, STATUS_CONFLICT, "order_changed",
                            "The order changed while its work was being stopped; try again.", "%s",
                            "");
    rules_refuse(no, STATUS_CONFLICT, "already_shipped",
                 cut->cancelled > 0
                     ? "Part of the order has shipped; \"remaining\": true cancels the rest."
                     : "What is left of the order has shipped.",
                 "%s", "");
    rules_refuse_figure(no, "shipped", cut->shipped);
    rules_refuse_figure(no, "stopped", cut->cancelled);
    return false;
}

static void cut_line(struct order *order, struct order_line *line, int64_t units)
{
    int64_t before = rules_line_value(line, line->cancelled);
    line->cancelled += units;
    order->cancelled_value += rules_line_value(line, line->cancelled) - before;
    line->is_changed = line->is_changed || units > 0;
}

/* Nothing left to ship and nothing shipped: then nothing is owed for it either. */
static void end_if_empty(struct order *order, const struct act *act)
{
    for (size_t i = 0; i < order->line_count; i++) {
        if (rules_line_open(&order->lines[i]) > 0 || order->lines[i].fulfilled > 0)
            return;
    }
    order->status = ORDER_CANCELLED;
    order->cancelled_at_us = act->now_us;
    order->cancelled_value = order->total;
}

const int64_t *rules_cancel(struct order *order, const struct act *act, const struct cancel *cancel,
                            struct refusal *no)
{
    if (!rules_order_may(order->status, ORDER_CANCELLED)) {
        refuse_state(no, order->status == ORDER_CANCELLED ? "The order is cancelled already."
                                                          : "The order has ended.");
        if (order->status == ORDER_COMPLETED)
            rules_refuse(no, STATUS_CONFLICT, "already_shipped", "The whole order has shipped.",
                         "%s", "");
        return NULL;
    }
    int64_t *cuts = ARENA_ARRAY(act->arena, order->line_count + 1, int64_t);
    struct cut cut = cut_lines(order, cancel, cuts);
    if (!check_cut(cancel, &cut, no))
        return NULL;
    for (size_t i = 0; i < order->line_count; i++)
        cut_line(order, &order->lines[i], cuts[i]);
    rules_order_derive(order);
    end_if_empty(order, act);
    order->cancel_reason = cancel->reason;
    rules_note(order, act, "order_cancelled",
               arena_printf(act->arena, "%lld %s", (long long)cut.cancelled, cancel->reason));
    rules_order_derive(order);
    return cuts;
}
