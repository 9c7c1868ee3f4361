#include <string.h>

#include "rules.h"

/* What a convenience store collects: the stores' own limits, in TWD, which has no decimals. */
#define STORE_MIN_TWD 1
#define STORE_MAX_TWD 20000

typedef Penstock__Orders__V1__DeliveryMethod DeliveryMethod;
#define METHOD(name) ((int)PENSTOCK__ORDERS__V1__DELIVERY_METHOD__DELIVERY_METHOD_##name)

static bool fail(struct refusal *no, const char *member, const char *code, const char *text)
{
    return rules_refuse(no, STATUS_INVALID, code, text, "delivery.%s", member);
}

/* The shape that carriers' store codes have: 131386, F0123, L-2207. */
static bool is_store_code(const char *code)
{
    size_t length = strlen(code);
    return length >= 2 && length <= 32 &&
           strspn(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") ==
               length;
}

static bool check_store(const Delivery *delivery, struct refusal *no)
{
    bool is_convenience = (int)delivery->method == METHOD(CONVENIENCE_STORE);
    bool is_pickup = (int)delivery->method == METHOD(STORE_PICKUP);
    bool has_store = delivery->store_code[0] != '\0' || delivery->store_name[0] != '\0';
    if (!is_convenience && !is_pickup)
        return !has_store ||
               fail(no, "store_code", "invalid", "Only what is collected at a store names one.");
    if (is_convenience && delivery->carrier[0] == '\0')
        return fail(no, "carrier", "required", "Whose store it is decides who carries it there.");
    if (delivery->store_code[0] == '\0')
        return fail(no, "store_code", "required", "A store is chosen before the order is placed.");
    return is_store_code(delivery->store_code) ||
           fail(no, "store_code", "invalid", "A store's code is 2 to 32 letters, digits and '-'.");
}

bool rules_check_delivery(const Delivery *delivery, struct refusal *no)
{
    if (delivery == NULL)
        return true;
    if ((int)delivery->method == 0)
        return fail(no, "method", "required", "A delivery has a method.");
    if ((int)delivery->method < 0 || (int)delivery->method > METHOD(DIGITAL))
        return fail(no, "method", "invalid", "This delivery method is not known.");
    if (delivery->carrier[0] != '\0' &&
        !rules_check_token(delivery->carrier, no, "delivery.carrier"))
        return false;
    if (delivery->code[0] != '\0' && !rules_check_token(delivery->code, no, "delivery.code"))
        return false;
    if (delivery->cash_on_delivery && (int)delivery->method == METHOD(DIGITAL))
        return fail(no, "cash_on_delivery", "invalid",
                    "Nothing is handed over, so nothing can be collected.");
    return rules_check_text(delivery->store_name, 200, no, "delivery.store_name") &&
           check_store(delivery, no);
}

bool rules_check_collection(const struct order *order, const Delivery *delivery, struct refusal *no)
{
    bool collects = delivery != NULL && delivery->cash_on_delivery;
    if (!collects)
        return true;
    bool is_limited =
        (int)delivery->method == METHOD(CONVENIENCE_STORE) && strcmp(order->currency, "TWD") == 0;
    int64_t most = is_limited ? STORE_MAX_TWD : MONEY_MAX_MINOR;
    if (order->amount_due >= STORE_MIN_TWD && order->amount_due <= most)
        return true;
    rules_refuse(no, STATUS_CONFLICT, "collection_limit",
                 is_limited ? "A convenience store collects 1 to 20000 TWD."
                            : "Cash on delivery needs something that is due.",
                 "%s", "delivery.cash_on_delivery");
    rules_refuse_figure(no, "amount_due", order->amount_due);
    return false;
}
