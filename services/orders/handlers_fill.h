/* handlers_fill.h -- what a clerk leaves to us: who a customer is, and what an item costs.
 *
 * An order may name one of the shop's customers instead of repeating name, e-mail and telephone,
 * and leave an item's price to the item. Such an order is placed from a copy in which everything
 * stands; an order that says it all itself costs nothing here.
 *
 * Ownership: everything lives in the call's arena.
 */
#pragma once

#include "common/service.h"
#include "rules.h"
#include "store_customers.h"

/* The customers that the orders of a turn name. */
struct fill {
    struct customer_contact *customers;
    size_t count;
};
/* One query, and none when no order names any. */
enum status fill_load(struct call *const *calls, size_t count, struct fill *fill) MUST_CHECK;
enum status fill_load_one(struct call *call, const PlaceOrderRequest *in,
                          struct fill *fill) MUST_CHECK;
/* The order as it is to be placed: the request itself when nothing is missing. NULL: the call is
 * refused. reserved is inventory's answer, which tells prices by the request's lines. */
const PlaceOrderRequest *fill_order(struct call *call, const PlaceOrderRequest *in,
                                    const struct fill *fill, const struct answer *reserved);
/* The same for a repeat, from the order that was placed then. */
const PlaceOrderRequest *fill_order_again(struct arena *arena, const PlaceOrderRequest *in,
                                          const struct order *placed);

/* True when a line's price is to be the item's. */
bool fill_lacks_prices(const PlaceOrderRequest *in);

/* The parts, for previews: a copy whose lines and customer may be changed, and whom it names filled
 * in. False: there is no such customer. */
PlaceOrderRequest *fill_copy(struct arena *arena, const PlaceOrderRequest *in);
bool fill_contact_of(struct arena *arena, const struct fill *fill, PlaceOrderRequest *order);
