#include "rules.h"

#include <assert.h>
#include <string.h>

/* What is worked out on the way from wants to takes; in the scratch arena. */
struct plan {
    const struct want *wants;
    size_t nwants;
    struct places places;
    struct need *needs;
    size_t nneeds;
    size_t *need_of;         /* per line; SIZE_MAX: none */
    size_t *place_of;        /* candidate to place */
    size_t ncandidates;      /* places that have something of it */
    int64_t *have;           /* [candidate * nneeds + need] */
    struct level **level_at; /* the same */
    size_t *chosen;          /* candidates */
    size_t nchosen;
    bool *is_used; /* per candidate */
};

struct wants wants_new(struct arena *arena, size_t room)
{
    return (struct wants){ARENA_ARRAY(arena, room + 1, struct want),
                          ARENA_ARRAY(arena, room + 1, const char *), 0};
}

void wants_add(struct wants *wants, struct item *item, const char *sku, int64_t units)
{
    wants->skus[wants->count] = sku;
    wants->list[wants->count++] = (struct want){item, units};
}

int64_t rules_promised(const struct item *item)
{
    int64_t sum = 0;
    if (!item->is_active || item->queued > 0)
        return 0;
    for (size_t i = 0; i < item->nlevels; i++)
        if (place_promises(item->levels[i]->place))
            sum += item->levels[i]->units[BUCKET_AVAILABLE];
    return sum;
}

int64_t rules_ahead_room(const struct item *item)
{
    if (item->selling_ahead <= AHEAD_NONE || !item->is_active)
        return 0;
    int64_t room = item->ahead_limit - item->queued - item->ahead_held;
    return room > 0 ? room : 0;
}

static size_t hash_pointer(const void *pointer)
{
    return (size_t)(((uintptr_t)pointer >> 4) * UINT64_C(0x9E3779B97F4A7C15) >> 32);
}

/* One need per SKU, in the order of the lines that first name it. */
static void sum_per_item(struct plan *plan, struct arena *scratch)
{
    size_t slots = 8;
    while (slots < plan->nwants * 2)
        slots *= 2;
    size_t *table = ARENA_ARRAY(scratch, slots, size_t); /* need + 1 */
    plan->needs = ARENA_ARRAY(scratch, plan->nwants, struct need);
    plan->need_of = ARENA_ARRAY(scratch, plan->nwants, size_t);
    for (size_t i = 0; i < plan->nwants; i++) {
        const struct want *want = &plan->wants[i];
        plan->need_of[i] = SIZE_MAX;
        if (want->item == NULL || want->units == 0)
            continue;
        size_t slot = hash_pointer(want->item) & (slots - 1);
        while (table[slot] != 0 && plan->needs[table[slot] - 1].item != want->item)
            slot = (slot + 1) & (slots - 1);
        if (table[slot] == 0) {
            plan->needs[plan->nneeds].item = want->item;
            table[slot] = ++plan->nneeds;
        }
        plan->need_of[i] = table[slot] - 1;
        plan->needs[table[slot] - 1].asked += want->units;
    }
}

/* Which places have something of it, and how much. */
static void lay_out(struct plan *plan, struct arena *scratch)
{
    size_t *candidate_of = ARENA_ARRAY(scratch, plan->places.count + 1, size_t); /* + 1 */
    plan->place_of = ARENA_ARRAY(scratch, plan->places.count + 1, size_t);
    for (size_t n = 0; n < plan->nneeds; n++) {
        const struct item *item = plan->needs[n].item;
        if (rules_promised(item) == 0)
            continue;
        for (size_t i = 0; i < item->nlevels; i++) {
            const struct level *level = item->levels[i];
            if (place_promises(level->place) && level->units[BUCKET_AVAILABLE] > 0)
                candidate_of[level->place->index] = 1;
        }
    }
    for (size_t p = 0; p < plan->places.count; p++)
        if (candidate_of[p] != 0) {
            plan->place_of[plan->ncandidates] = p;
            candidate_of[p] = ++plan->ncandidates;
        }
    plan->have = ARENA_ARRAY(scratch, plan->ncandidates * plan->nneeds + 1, int64_t);
    plan->level_at = ARENA_ARRAY(scratch, plan->ncandidates * plan->nneeds + 1, struct level *);
    for (size_t n = 0; n < plan->nneeds; n++) {
        const struct item *item = plan->needs[n].item;
        if (rules_promised(item) == 0)
            continue;
        for (size_t i = 0; i < item->nlevels; i++) {
            struct level *level = item->levels[i];
            size_t c = candidate_of[level->place->index];
            if (c == 0 || !place_promises(level->place))
                continue;
            plan->have[(c - 1) * plan->nneeds + n] = level->units[BUCKET_AVAILABLE];
            plan->level_at[(c - 1) * plan->nneeds + n] = level;
        }
    }
}

/* Cuts what is needed to what there is; per line, what could have been had. */
static void cut_to_offer(struct plan *plan, struct sourcing *out, struct arena *scratch,
                         struct arena *arena)
{
    int64_t *offers = ARENA_ARRAY(scratch, plan->nneeds + 1, int64_t);
    for (size_t n = 0; n < plan->nneeds; n++) {
        for (size_t c = 0; c < plan->ncandidates; c++)
            offers[n] += plan->have[c * plan->nneeds + n];
        plan->needs[n].units = plan->needs[n].asked < offers[n] ? plan->needs[n].asked : offers[n];
    }
    out->offered = ARENA_ARRAY(arena, plan->nwants, int64_t);
    for (size_t i = 0; i < plan->nwants; i++)
        if (plan->need_of[i] != SIZE_MAX)
            out->offered[i] = offers[plan->need_of[i]];
}

static enum shortage first_shortage(const struct plan *plan, const struct sourcing *out,
                                    enum policy policy, struct arena *scratch, size_t *line)
{
    int64_t *sum = ARENA_ARRAY(scratch, plan->nneeds + 1, int64_t);
    for (size_t i = 0; i < plan->nwants; i++)
        if (plan->wants[i].units > 0 && plan->wants[i].item == NULL) {
            *line = i;
            return SHORTAGE_UNKNOWN_SKU;
        }
    for (size_t i = 0; i < plan->nwants; i++) {
        if (plan->need_of[i] == SIZE_MAX)
            continue;
        sum[plan->need_of[i]] += plan->wants[i].units;
        int64_t room = policy == POLICY_REQUIRE ? rules_ahead_room(plan->wants[i].item) : 0;
        if (sum[plan->need_of[i]] > out->offered[i] + room) {
            *line = i;
            return SHORTAGE_STOCK;
        }
    }
    return SHORTAGE_NONE;
}

static void choose_places(struct plan *plan, struct sourcing *out, struct arena *scratch)
{
    plan->chosen = ARENA_ARRAY(scratch, plan->ncandidates + 1, size_t);
    plan->is_used = ARENA_ARRAY(scratch, plan->ncandidates + 1, bool);
    size_t at_least = 0;
    const struct cover cover = {plan->have, plan->needs, plan->ncandidates, plan->nneeds};
    plan->nchosen = rules_fewest_places(&cover, scratch, plan->chosen, &at_least);
    out->parcels_at_least = (int32_t)at_least;
}

/* How a need is shared out over the chosen places: whole from the best that can, else by rank. */
static void share_out(struct plan *plan, size_t need, int64_t *quota)
{
    int64_t left = plan->needs[need].units;
    for (size_t i = 0; i < plan->nchosen; i++) {
        quota[i] = 0;
        if (plan->have[plan->chosen[i] * plan->nneeds + need] < left || left == 0)
            continue;
        quota[i] = left;
        left = 0;
    }
    for (size_t i = 0; i < plan->nchosen && left > 0; i++) {
        int64_t have = plan->have[plan->chosen[i] * plan->nneeds + need];
        quota[i] = have < left ? have : left;
        left -= quota[i];
    }
    assert(left == 0);
}

static void fill_lines(struct plan *plan, struct sourcing *out, struct arena *scratch,
                       struct arena *arena)
{
    size_t width = plan->nchosen;
    int64_t *quotas = ARENA_ARRAY(scratch, plan->nneeds * width + 1, int64_t);
    for (size_t n = 0; n < plan->nneeds; n++)
        share_out(plan, n, &quotas[n * width]);
    out->takes = ARENA_ARRAY(arena, plan->nwants + plan->nneeds * width + 1, struct take);
    for (size_t line = 0; line < plan->nwants; line++) {
        size_t need = plan->need_of[line];
        int64_t left = plan->wants[line].units;
        for (size_t i = 0; i < width && need != SIZE_MAX && left > 0; i++) {
            int64_t *quota = &quotas[need * width + i];
            int64_t units = *quota < left ? *quota : left;
            if (units == 0)
                continue;
            *quota -= units;
            left -= units;
            plan->is_used[plan->chosen[i]] = true;
            out->takes[out->ntakes++] =
                (struct take){line, plan->level_at[plan->chosen[i] * plan->nneeds + need], units};
        }
        out->missing[line] = left;
    }
    for (size_t c = 0; c < plan->ncandidates; c++)
        out->parcels += plan->is_used[c];
}

/* What is missing is sold ahead as far as its item's limit goes, first line first. */
static void sell_ahead(const struct plan *plan, struct sourcing *out, struct arena *scratch,
                       struct arena *arena)
{
    int64_t *sold = NULL; /* per need */
    for (size_t i = 0; i < plan->nwants; i++) {
        if (out->missing[i] == 0 || plan->need_of[i] == SIZE_MAX ||
            rules_ahead_room(plan->wants[i].item) == 0)
            continue;
        if (sold == NULL) {
            sold = ARENA_ARRAY(scratch, plan->nneeds, int64_t);
            out->ahead = ARENA_ARRAY(arena, plan->nwants, int64_t);
        }
        int64_t left = rules_ahead_room(plan->wants[i].item) - sold[plan->need_of[i]];
        out->ahead[i] = out->missing[i] < left ? out->missing[i] : left;
        sold[plan->need_of[i]] += out->ahead[i];
    }
}

static int32_t lines_fillable(const struct plan *plan, size_t candidate)
{
    int32_t count = 0;
    for (size_t i = 0; i < plan->nwants; i++)
        if (plan->need_of[i] != SIZE_MAX &&
            plan->have[candidate * plan->nneeds + plan->need_of[i]] >= plan->wants[i].units)
            count++;
    return count;
}

static bool holds_any(const struct plan *plan, const struct place *place)
{
    for (size_t n = 0; n < plan->nneeds; n++) {
        const struct item *item = plan->needs[n].item;
        for (size_t i = 0; i < item->nlevels; i++)
            if (item->levels[i]->place == place && item->levels[i]->units[BUCKET_AVAILABLE] > 0)
                return true;
    }
    return false;
}

static struct candidate judge(const struct plan *plan, size_t place, size_t candidate)
{
    struct candidate out = {.place = plan->places.list[place], .verdict = VERDICT_NO_STOCK};
    if (candidate < plan->ncandidates && plan->place_of[candidate] == place) {
        out.verdict = plan->is_used[candidate] ? VERDICT_CHOSEN : VERDICT_NOT_NEEDED;
        out.lines_fillable = lines_fillable(plan, candidate);
    } else if (!out.place->is_active) {
        out.verdict = VERDICT_INACTIVE;
    } else if (!place_promises(out.place)) {
        out.verdict = VERDICT_NOT_SELLABLE;
    }
    return out;
}

/* Every place and why: when there are too many, those that were chosen, then those that have
 * something. */
static void explain(const struct plan *plan, struct sourcing *out, struct arena *arena)
{
    size_t room =
        plan->places.count < RULES_MAX_CANDIDATES ? plan->places.count : RULES_MAX_CANDIDATES;
    size_t others = room > plan->nchosen ? room - plan->nchosen : 0;
    out->candidates =
        ARENA_ARRAY(arena,
                    plan->places.count < room + plan->nchosen ? plan->places.count + 1
                                                              : room + plan->nchosen + 1,
                    struct candidate);
    for (size_t place = 0, candidate = 0; place < plan->places.count; place++) {
        struct candidate verdict = judge(plan, place, candidate);
        if (candidate < plan->ncandidates && plan->place_of[candidate] == place)
            candidate++;
        if (verdict.verdict != VERDICT_CHOSEN) {
            if (others == 0 ||
                (plan->places.count > room && !holds_any(plan, plan->places.list[place])))
                continue;
            others--;
        }
        out->candidates[out->ncandidates++] = verdict;
    }
}

void rules_reserve(const struct wants *wants, enum policy policy, struct places places,
                   struct arena *scratch, struct arena *arena, struct reserve_decision *out)
{
    *out = (struct reserve_decision){.refusal = SHORTAGE_NONE};
    struct plan plan = {.wants = wants->list, .nwants = wants->count, .places = places};
    struct sourcing *sourcing = &out->sourcing;
    sum_per_item(&plan, scratch);
    lay_out(&plan, scratch);
    cut_to_offer(&plan, sourcing, scratch, arena);
    sourcing->missing = ARENA_ARRAY(arena, wants->count, int64_t);
    if (policy != POLICY_ACCEPT) {
        out->refusal = first_shortage(&plan, sourcing, policy, scratch, &out->refusal_line);
        if (out->refusal != SHORTAGE_NONE)
            return;
    }
    choose_places(&plan, sourcing, scratch);
    fill_lines(&plan, sourcing, scratch, arena);
    if (policy != POLICY_STRICT)
        sell_ahead(&plan, sourcing, scratch, arena);
    explain(&plan, sourcing, arena);
}
