/* handlers_place.h -- a new order, for whoever has a request for one besides POST /v1/orders.
 *
 * Ownership: the order that is shown lives in the call's arena.
 */
#pragma once

#include "handlers.h"

/* The question to inventory; NOT_FOUND: there is nothing to ask. */
enum status place_build_reserve(struct call *call, const PlaceOrderRequest *in,
                                ProtobufCMessage *question);
/* Places what inventory's answer (the call's first) allows: checked, filled, not known by its
 * external id. *shown is NULL when the call is refused. The channel's numbers are the caller's to
 * save. */
enum status place_new(struct call *call, const PlaceOrderRequest *in, struct channel *channel,
                      Order **shown) MUST_CHECK;
