#include "rules_unpaid.h"

#include <string.h>

size_t rules_expire(struct order *order, const struct act *act, struct expired_line *lines)
{
    size_t count = 0;
    for (size_t i = 0; i < order->line_count; i++) {
        struct order_line *line = &order->lines[i];
        int64_t open = rules_line_open(line);
        if (open <= 0)
            continue;
        lines[count++] = (struct expired_line){line->id, (int32_t)open};
        line->cancelled += open;
        line->is_changed = true;
    }
    order->cancelled_value = order->total;
    order->status = ORDER_EXPIRED;
    rules_note(order, act, "order_expired", NULL);
    rules_order_derive(order);
    return count;
}

static void take_back(struct order *order, const struct expired_line *given_up)
{
    for (size_t i = 0; i < order->line_count; i++) {
        struct order_line *line = &order->lines[i];
        if (!uuid_equal(&line->id, &given_up->line_id))
            continue;
        line->cancelled -= given_up->units < line->cancelled ? given_up->units : line->cancelled;
        line->is_changed = true;
    }
}

bool rules_reopen(struct order *order, const struct act *act, const struct expired_line *lines,
                  size_t count, struct refusal *no)
{
    if (!rules_order_may(order->status, ORDER_PENDING) || order->status != ORDER_EXPIRED)
        return rules_refuse(no, STATUS_CONFLICT, "invalid_state",
                            "Only an order that has expired is reopened.", "%s", "");
    for (size_t i = 0; i < count; i++)
        take_back(order, &lines[i]);
    order->cancelled_value = 0;
    for (size_t i = 0; i < order->line_count; i++)
        order->cancelled_value += rules_line_value(&order->lines[i], order->lines[i].cancelled);
    order->status = ORDER_PENDING;
    rules_note(order, act, "order_reopened", NULL);
    rules_order_derive(order);
    return true;
}

struct hold *rules_paid_late(struct order *order, const struct act *act, const struct uuid *id)
{
    struct refusal no;
    if (order->status != ORDER_EXPIRED || order->captured_total <= order->refunded_total ||
        rules_standing_hold(order, "paid_late") != NULL)
        return NULL;
    return rules_hold(order, act, id, "paid_late",
                      "The payment came when the order had expired: reopen it, or give the money "
                      "back.",
                      0, &no);
}

/* ---- days ---- */

static bool read_number(const char *text, size_t digits, int64_t *number)
{
    *number = 0;
    for (size_t i = 0; i < digits; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        *number = *number * 10 + (text[i] - '0');
    }
    return true;
}

static bool is_leap(int64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

bool rules_read_day(const char *text, int64_t *days)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int64_t year, month, day;
    if (strlen(text) != 10 || text[4] != '-' || text[7] != '-' || !read_number(text, 4, &year) ||
        !read_number(text + 5, 2, &month) || !read_number(text + 8, 2, &day))
        return false;
    if (year < 1970 || month < 1 || month > 12 || day < 1 ||
        day > lengths[month - 1] + (month == 2 && is_leap(year)))
        return false;
    *days = day - 1;
    for (int64_t y = 1970; y < year; y++)
        *days += is_leap(y) ? 366 : 365;
    for (int64_t m = 1; m < month; m++)
        *days += lengths[m - 1] + (m == 2 && is_leap(year));
    return true;
}
