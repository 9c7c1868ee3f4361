/* handlers_drafts.h -- what the handlers of drafts and previews share.
 *
 * Ownership: all of it lives in the call's arena.
 */
#pragma once

#include "handlers.h"
#include "store_drafts.h"

/* By id, or refuses with not_found. */
enum status load_draft(struct call *call, const char *id, struct draft **draft) MUST_CHECK;
/* Never NULL: a draft that is empty is an order of which nothing is known. */
PlaceOrderRequest *draft_order(struct arena *arena, const struct draft *draft);
/* The reservation that stands for it now; "" when none does. */
const char *draft_reservation(struct call *call, const struct draft *draft);

/* Answers are kept as the draft's id, and shown again from its row. */
void strip_draft(ProtobufCMessage *out, struct arena *arena);
enum status render_draft(struct call *call, const ProtobufCMessage *in, ProtobufCMessage *out);
