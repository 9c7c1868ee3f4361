/* handlers_cancel.h -- what a channel's wish to cancel shares with CancelOrder.
 *
 * Ownership: what is read into the cancel lives in the call's arena.
 */
#pragma once

#include "handlers.h"

/* Reads fulfillment's answer into what is to be cancelled, or refuses: without a word of it nothing
 * is cancelled that might be on its way out. An order without work needs no answer. */
enum status read_stop_answer(struct call *call, const struct order *order,
                             const struct answer *answer, struct cancel *cancel) MUST_CHECK;
