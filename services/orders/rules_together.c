#include "rules_together.h"

#include <string.h>

#include "rules_split.h"

#define PHONE_DIGITS 8 /* country codes are written or not */

bool rules_may_share(const struct order *order)
{
    int64_t open = 0;
    if (order->status != ORDER_PENDING && order->status != ORDER_CONFIRMED)
        return false;
    for (size_t i = 0; i < order->line_count; i++) {
        const struct order_line *line = &order->lines[i];
        if (!rules_line_is_tracked(line))
            continue;
        if (line->picked + line->packed > 0)
            return false;
        open += line->reserved;
    }
    return open > 0;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == ',' || c == '.' || c == '-';
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool same_text(const char *a, const char *b)
{
    for (;;) {
        while (is_blank(*a))
            a++;
        while (is_blank(*b))
            b++;
        if (lower(*a) != lower(*b))
            return false;
        if (*a == '\0')
            return true;
        a++;
        b++;
    }
}

static const char *digits_of(const char *text, struct arena *arena)
{
    char *digits = arena_alloc(arena, strlen(text) + 1), *to = digits;
    for (; *text != '\0'; text++)
        if (*text >= '0' && *text <= '9')
            *to++ = *text;
    *to = '\0';
    return digits;
}

static bool same_phone(const char *a, const char *b, struct arena *arena)
{
    const char *x = digits_of(a, arena), *y = digits_of(b, arena);
    size_t nx = strlen(x), ny = strlen(y);
    if (nx < PHONE_DIGITS || ny < PHONE_DIGITS)
        return nx > 0 && strcmp(x, y) == 0;
    return strcmp(x + nx - PHONE_DIGITS, y + ny - PHONE_DIGITS) == 0;
}

static bool same_customer(const struct order *a, const struct order *b, struct arena *arena)
{
    if (a->email[0] != '\0' && b->email[0] != '\0' && same_text(a->email, b->email))
        return true;
    return same_phone(a->phone, b->phone, arena);
}

static bool same_address(const Address *a, const Address *b)
{
    if (a == NULL || b == NULL)
        return false;
    return same_text(a->name, b->name) && same_text(a->address1, b->address1) &&
           same_text(a->address2, b->address2) && same_text(a->district, b->district) &&
           same_text(a->city, b->city) && same_text(a->postcode, b->postcode) &&
           same_text(a->country, b->country);
}

static const char *code_of(const OrderDetails *details)
{
    if (details->n_shipping_lines == 0)
        return "";
    const ShippingLine *line = details->shipping_lines[0];
    return line->code[0] != '\0' ? line->code : line->title;
}

/* Channels have codes of their own for what is the same lorry: only what is said of the method
 * itself can differ. */
static bool same_method(const struct order *a, const OrderDetails *to_a, const struct order *b,
                        const OrderDetails *to_b)
{
    const Penstock__Orders__V1__Delivery *x = to_a->delivery, *y = to_b->delivery;
    if (x != NULL && y != NULL)
        return x->method == y->method && same_text(x->carrier, y->carrier) &&
               same_text(x->store_code, y->store_code) &&
               x->cash_on_delivery == y->cash_on_delivery;
    return strcmp(a->channel, b->channel) != 0 || same_text(code_of(to_a), code_of(to_b));
}

bool rules_same_recipient(const struct order *a, const struct order *b, struct arena *arena)
{
    if (a == b)
        return true;
    const OrderDetails *to_a = rules_details_open(a, arena), *to_b = rules_details_open(b, arena);
    return same_customer(a, b, arena) && same_method(a, to_a, b, to_b) &&
           same_address(to_a->shipping_address, to_b->shipping_address);
}

const char *rules_together_word(const struct order *order, struct arena *arena)
{
    const char *digits = digits_of(order->phone, arena);
    size_t count = strlen(digits);
    if (count >= PHONE_DIGITS)
        return digits + count - PHONE_DIGITS;
    return order->email;
}
