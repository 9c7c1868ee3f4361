/* The smallest set of places that has everything: a cover with quantities, searched by size. */
#include "rules.h"

#include <assert.h>
#include <string.h>

struct search {
    struct cover cover;
    int64_t budget; /* below zero: spent */
};

static bool set_suffices(struct search *search, const size_t *set, size_t size)
{
    for (size_t n = 0; n < search->cover.nneeds; n++) {
        int64_t sum = 0;
        for (size_t i = 0; i < size; i++)
            sum += search->cover.have[set[i] * search->cover.nneeds + n];
        search->budget -= (int64_t)size;
        if (sum < search->cover.needs[n].units)
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
        if (search->cover.nplaces > RULES_EXACT_PLACES && search->budget < 0)
            return false;
    } while (next_set(set, size, search->cover.nplaces));
    return false;
}

/* How many places the need that is spread the most takes by itself: no set is smaller. */
static size_t least_places(const struct search *search, struct arena *scratch)
{
    bool *used = ARENA_ARRAY(scratch, search->cover.nplaces, bool);
    size_t least = 1;
    for (size_t n = 0; n < search->cover.nneeds; n++) {
        memset(used, 0, search->cover.nplaces * sizeof *used);
        int64_t left = search->cover.needs[n].units;
        size_t count = 0;
        while (left > 0) {
            size_t best = search->cover.nplaces;
            for (size_t p = 0; p < search->cover.nplaces; p++)
                if (!used[p] && (best == search->cover.nplaces ||
                                 search->cover.have[p * search->cover.nneeds + n] >
                                     search->cover.have[best * search->cover.nneeds + n]))
                    best = p;
            assert(best < search->cover.nplaces);
            used[best] = true;
            left -= search->cover.have[best * search->cover.nneeds + n];
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
    int64_t *left = ARENA_ARRAY(scratch, search->cover.nneeds, int64_t);
    bool *used = ARENA_ARRAY(scratch, search->cover.nplaces, bool);
    for (size_t n = 0; n < search->cover.nneeds; n++)
        left[n] = search->cover.needs[n].units;
    size_t size = 0;
    for (;;) {
        size_t best = 0;
        int64_t best_gain = 0;
        for (size_t p = 0; p < search->cover.nplaces; p++) {
            int64_t gain = 0;
            for (size_t n = 0; n < search->cover.nneeds && !used[p]; n++) {
                int64_t have = search->cover.have[p * search->cover.nneeds + n];
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
        for (size_t n = 0; n < search->cover.nneeds; n++)
            left[n] -= search->cover.have[best * search->cover.nneeds + n];
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

size_t rules_fewest_places(const struct cover *cover, struct arena *scratch, size_t *chosen,
                           size_t *at_least)
{
    struct search search = {.cover = *cover, .budget = RULES_SEARCH_BUDGET};
    size_t nplaces = cover->nplaces;
    *at_least = 0;
    if (nplaces == 0)
        return 0;
    *at_least = 1;
    if (search_size(&search, 1, chosen))
        return 1;
    for (size_t size = least_places(&search, scratch); size < nplaces; size++) {
        *at_least = size;
        if (size > 1 && search_size(&search, size, chosen))
            return size;
        if (nplaces > RULES_EXACT_PLACES && search.budget < 0)
            return search_greedily(&search, scratch, chosen);
    }
    for (size_t i = 0; i < nplaces; i++)
        chosen[i] = i;
    *at_least = nplaces;
    return nplaces;
}
