/* The smallest set of places that has everything: a cover with quantities, searched by size. */
#include "rules.h"

#include <assert.h>
#include <string.h>

struct search {
    const int64_t *have;
    const struct need *needs;
    size_t nplaces, nneeds;
    int64_t budget; /* below zero: spent */
};

static bool set_suffices(struct search *search, const size_t *set, size_t size)
{
    for (size_t n = 0; n < search->nneeds; n++) {
        int64_t sum = 0;
        for (size_t i = 0; i < size; i++)
            sum += search->have[set[i] * search->nneeds + n];
        search->budget -= (int64_t)size;
        if (sum < search->needs[n].units)
            return false;
    }
    return true;
}

/* The next set of this size in the order of the alphabet, which is the order of the ranks. */
static bool next_set(size_t *set, size_t size, size_t nplaces)
{
    for (size_t i = size; i-- > 0;) {
        if (set[i] == nplaces - size + i)
            continue;
        set[i]++;
        for (size_t j = i + 1; j < size; j++)
            set[j] = set[j - 1] + 1;
        return true;
    }
    return false;
}

static bool search_size(struct search *search, size_t size, size_t *set)
{
    for (size_t i = 0; i < size; i++)
        set[i] = i;
    do {
        if (set_suffices(search, set, size))
            return true;
        if (search->nplaces > RULES_EXACT_PLACES && search->budget < 0)
            return false;
    } while (next_set(set, size, search->nplaces));
    return false;
}

/* How many places the need that is spread the most takes by itself: no set is smaller. */
static size_t least_places(const struct search *search, struct arena *scratch)
{
    bool *used = ARENA_ARRAY(scratch, search->nplaces, bool);
    size_t least = 1;
    for (size_t n = 0; n < search->nneeds; n++) {
        memset(used, 0, search->nplaces * sizeof *used);
        int64_t left = search->needs[n].units;
        size_t count = 0;
        while (left > 0) {
            size_t best = search->nplaces;
            for (size_t p = 0; p < search->nplaces; p++)
                if (!used[p] &&
                    (best == search->nplaces || search->have[p * search->nneeds + n] >
                                                    search->have[best * search->nneeds + n]))
                    best = p;
            assert(best < search->nplaces);
            used[best] = true;
            left -= search->have[best * search->nneeds + n];
            count++;
        }
        if (count > least)
            least = count;
    }
    return least;
}

static void sort_set(size_t *set, size_t size)
{
    for (size_t i = 1; i < size; i++)
        for (size_t j = i; j > 0 && set[j - 1] > set[j]; j--) {
            size_t swap = set[j];
            set[j] = set[j - 1];
            set[j - 1] = swap;
        }
}

/* The place that brings the most of what is still missing, until nothing is; then what turned out
 * to be superfluous goes, worst rank first. */
static size_t search_greedily(struct search *search, struct arena *scratch, size_t *set)
{
    int64_t *left = ARENA_ARRAY(scratch, search->nneeds, int64_t);
    bool *used = ARENA_ARRAY(scratch, search->nplaces, bool);
    for (size_t n = 0; n < search->nneeds; n++)
        left[n] = search->needs[n].units;
    size_t size = 0;
    for (;;) {
        size_t best = 0;
        int64_t best_gain = 0;
        for (size_t p = 0; p < search->nplaces; p++) {
            int64_t gain = 0;
            for (size_t n = 0; n < search->nneeds && !used[p]; n++) {
                int64_t have = search->have[p * search->nneeds + n];
                gain += left[n] > 0 ? (have < left[n] ? have : left[n]) : 0;
            }
            if (gain > best_gain) {
                best = p;
                best_gain = gain;
            }
        }
        if (best_gain == 0)
            break;
        used[best] = true;
        set[size++] = best;
        for (size_t n = 0; n < search->nneeds; n++)
            left[n] -= search->have[best * search->nneeds + n];
    }
    sort_set(set, size);
    for (size_t i = size; i-- > 0 && size > 1;) {
        size_t without = set[i];
        memmove(&set[i], &set[i + 1], (size - i - 1) * sizeof *set);
        if (set_suffices(search, set, size - 1)) {
            size--;
            continue;
        }
        memmove(&set[i + 1], &set[i], (size - i - 1) * sizeof *set);
        set[i] = without;
    }
    return size;
}

size_t rules_fewest_places(const int64_t *have, size_t nplaces, const struct need *needs,
                           size_t nneeds, struct arena *scratch, size_t *chosen, size_t *at_least)
{
    struct search search = {.have = have,
                            .needs = needs,
                            .nplaces = nplaces,
                            .nneeds = nneeds,
                            .budget = RULES_SEARCH_BUDGET};
    *at_least = 0;
    if (nplaces == 0)
        return 0;
    size_t size = 1;
    if (!search_size(&search, size, chosen)) {
        for (size = least_places(&search, scratch); size < nplaces; size++) {
            if (size > 1 && search_size(&search, size, chosen))
                break;
            if (nplaces > RULES_EXACT_PLACES && search.budget < 0) {
                *at_least = size;
                return search_greedily(&search, scratch, chosen);
            }
        }
        if (size >= nplaces)
            for (size_t i = 0; i < nplaces; i++)
                chosen[i] = i;
    }
    *at_least = size;
    return size;
}
