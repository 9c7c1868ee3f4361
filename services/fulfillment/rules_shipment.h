/* rules_shipment.h -- whether orders may share a parcel, as far as the warehouse is concerned.
 *
 * That they go to one recipient is the word of orders. Here: each has work at the same location
 * which may begin, and nothing of it is picked.
 */
#pragma once

#include "rules.h"

/* The work of the order that would go into the parcel at this location; NULL: there is none. */
const struct fulfillment *rules_shareable(const struct work *work, const char *location);
/* The location where all of them have some; NULL: there is none, and *refusal says why. index is of
 * the order at fault. */
const char *rules_share_location(struct work *const *works, size_t count, size_t *index,
                                 struct refusal *refusal);
/* All that is left of it, as a step asks for it. */
const struct step_line *rules_all_left(const struct fulfillment *one, struct arena *arena,
                                       size_t *count);
