/* timeline.h -- the history of an order in sentences.
 *
 * Rows keep a type, an actor and a small detail; the sentences are made when they are read, so that
 * their wording may change and no row with them.
 *
 * Ownership: sentences live in the given arena.
 */
#pragma once

#include "common/arena.h"
#include "orders.h"

/* In English, about goods and money and never about people; never NULL. */
const char *timeline_sentence(struct arena *arena, const struct change *change);
/* The first entry, which has no row: the order's own row tells it. */
struct change timeline_of_placing(struct arena *arena, const struct order *order);
