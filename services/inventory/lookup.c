#include "lookup.h"

#include <stdint.h>
#include <string.h>

struct lookup_slot {
    const struct uuid *key;
    void *value;
};

/* The last eight bytes are random in every kind of id that we have. */
static size_t slot_of(const struct lookup *lookup, const struct uuid *key)
{
    uint64_t random;
    memcpy(&random, &key->bytes[8], sizeof random);
    size_t slot = (size_t)(random * UINT64_C(0x9E3779B97F4A7C15) >> 32) & (lookup->nslots - 1);
    while (lookup->slots[slot].key != NULL && !uuid_equal(lookup->slots[slot].key, key))
        slot = (slot + 1) & (lookup->nslots - 1);
    return slot;
}

void *lookup_get(const struct lookup *lookup, const struct uuid *key)
{
    return lookup->nslots == 0 ? NULL : lookup->slots[slot_of(lookup, key)].value;
}

static void grow(struct lookup *lookup)
{
    struct lookup_slot *old = lookup->slots;
    size_t nold = lookup->nslots;
    lookup->nslots = nold == 0 ? 64 : nold * 2;
    lookup->slots = ARENA_ARRAY(lookup->arena, lookup->nslots, struct lookup_slot);
    for (size_t i = 0; i < nold; i++)
        if (old[i].key != NULL)
            lookup->slots[slot_of(lookup, old[i].key)] = old[i];
}

void lookup_put(struct lookup *lookup, const struct uuid *key, void *value)
{
    if (lookup->count * 2 >= lookup->nslots)
        grow(lookup);
    struct lookup_slot *slot = &lookup->slots[slot_of(lookup, key)];
    lookup->count += slot->key == NULL;
    *slot = (struct lookup_slot){key, value};
}
