/* lookup.h -- finds what has a UUID, among what one handler has at hand.
 *
 * Open addressing in the arena; nothing is ever taken out. Ownership: the arena's.
 */
#pragma once

#include <stddef.h>

#include "common/arena.h"
#include "common/id.h"

struct lookup {
    struct arena *arena;
    struct lookup_slot *slots;
    size_t nslots, count;
};

/* NULL: not there. */
void *lookup_get(const struct lookup *lookup, const struct uuid *key);
/* The key must live as long as the lookup. Replaces what was there. */
void lookup_put(struct lookup *lookup, const struct uuid *key, void *value);
