/* view.h -- an order as the API shows it.
 *
 * Ownership: the message and all in it live in the given arena or where the order's own texts do,
 * and are good as long as both.
 */
#pragma once

#include "common/arena.h"
#include "orders.h"
#include "wire.h"

/* A text of ours where protobuf-c wants one that it could change; nobody does. */
static inline char *wire_text(const char *text)
{
    return (char *)(uintptr_t)(text != NULL ? text : "");
}
char *wire_uuid(struct arena *arena, const struct uuid *uuid); /* "" for the nil uuid */
Money *wire_money(struct arena *arena, int64_t minor, const char *currency);

/* details: the order's, unpacked; NULL: it unpacks them itself. */
Order *view_order(struct arena *arena, const struct order *order, const OrderDetails *details);
Refund *view_refund(struct arena *arena, const struct refund *refund, const char *currency);
Hold *view_hold(struct arena *arena, const struct hold *hold);
