#include "rules_allocate.h"

#include <stdlib.h>
#include <string.h>

#include "rules.h"

/* One order line at one location: what inventory says, what the fulfillment orders there have, and
 * what they are to have. */
struct slot {
    struct uuid line_id;
    const char *location; /* "": only says that the event names the line */
    const char *sku;
    bool is_told;  /* inventory's event names the line */
    bool has_line; /* some fulfillment order has a line for it */
    int64_t told;  /* by the event, shipped units included */
    int64_t parked, assigned, picked, packed, shipped;
    int64_t give;
};

struct slots {
    struct slot *list;
    size_t count;
};

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int compare_slots(const void *left, const void *right)
{
    const struct slot *a = left, *b = right;
    int order = uuid_compare(&a->line_id, &b->line_id);
    return order != 0 ? order : strcmp(a->location, b->location);
}

/* Sorts, and adds up what is said of the same line and location. */
static void slots_merge(struct slots *slots)
{
    if (slots->count == 0)
        return;
    qsort(slots->list, slots->count, sizeof *slots->list, compare_slots);
    size_t last = 0;
    for (size_t i = 1; i < slots->count; i++) {
        struct slot *into = &slots->list[last], *from = &slots->list[i];
        if (compare_slots(into, from) != 0) {
            slots->list[++last] = *from;
            continue;
        }
        into->is_told |= from->is_told;
        into->has_line |= from->has_line;
        into->told += from->told;
        into->parked += from->parked;
        into->assigned += from->assigned;
        into->picked += from->picked;
        into->packed += from->packed;
        into->shipped += from->shipped;
    }
    slots->count = last + 1;
}

static void slots_add_work(struct slots *slots, const struct work *work)
{
    for (size_t i = 0; i < work->nfulfillments; i++) {
        const struct fulfillment *one = &work->fulfillments[i];
        for (size_t k = 0; k < one->nlines; k++) {
            const struct fulfillment_line *line = &one->lines[k];
            slots->list[slots->count++] =
                (struct slot){.line_id = line->order_line_id,
                              .location = one->location,
                              .sku = line->sku,
                              .has_line = true,
                              .assigned = line->allocated - line->cancelled,
                              .picked = line->picked,
                              .packed = line->packed,
                              .shipped = line->shipped};
        }
    }
    for (size_t i = 0; i < work->nunassigned; i++)
        slots->list[slots->count++] = (struct slot){.line_id = work->unassigned[i].line_id,
                                                    .location = work->unassigned[i].location,
                                                    .sku = work->unassigned[i].sku,
                                                    .parked = work->unassigned[i].quantity};
}

/* The first `consumed` units of the line that left are those that inventory has seen leave. */
static void slots_add_consumed(struct slots *slots, const struct allocated_line *line,
                               const struct placed_units *shipments, size_t nshipments)
{
    int64_t consumed = line->consumed;
    for (size_t i = 0; i < nshipments && consumed > 0; i++) {
        if (!uuid_equal(&shipments[i].line_id, &line->line_id))
            continue;
        int64_t units = least(consumed, shipments[i].quantity);
        consumed -= units;
        slots->list[slots->count++] = (struct slot){.line_id = line->line_id,
                                                    .location = shipments[i].location,
                                                    .sku = line->sku,
                                                    .is_told = true,
                                                    .told = units};
    }
}

static void slots_add_told(struct slots *slots, const struct allocated_line *line)
{
    slots->list[slots->count++] =
        (struct slot){.line_id = line->line_id, .location = "", .sku = line->sku, .is_told = true};
    for (size_t i = 0; i < line->nlive; i++)
        slots->list[slots->count++] = (struct slot){.line_id = line->line_id,
                                                    .location = line->live[i].location,
                                                    .sku = line->sku,
                                                    .is_told = true,
                                                    .told = line->live[i].quantity};
}

static size_t count_lines(const struct work *work)
{
    size_t count = work->nunassigned;
    for (size_t i = 0; i < work->nfulfillments; i++)
        count += work->fulfillments[i].nlines;
    return count;
}

/* -1: not known yet. Both lists come in the order's order, so the search goes on where it ended. */
static int64_t wanted_of(const struct work *work, const struct uuid *line_id, size_t *next)
{
    for (size_t i = 0; i < work->nwanted; i++) {
        size_t at = (*next + i) % work->nwanted;
        if (!uuid_equal(&work->wanted[at].line_id, line_id))
            continue;
        *next = at + 1;
        return work->wanted[at].quantity;
    }
    return -1;
}

/* Takes what is too much where it costs least: first what nobody has picked, then what is not
 * packed, last what is packed; what has been shipped stays. */
static void trim(struct slot *group, size_t count, int64_t excess)
{
    for (int tier = 0; tier < 3; tier++)
        for (size_t i = count; i-- > 0 && excess > 0;) {
            struct slot *slot = &group[i];
            int64_t floor = tier == 0 ? slot->picked : tier == 1 ? slot->packed : slot->shipped;
            int64_t cut = least(excess, slot->give - floor);
            if (cut <= 0)
                continue;
            slot->give -= cut;
            excess -= cut;
        }
}

/* Decides what the fulfillment orders are to have of one line, at each location. */
static void decide_line(const struct work *work, struct slot *group, size_t count, size_t *next)
{
    bool is_told = false;
    for (size_t i = 0; i < count; i++)
        is_told |= group[i].is_told;
    int64_t wanted = work->is_cancelled ? 0 : wanted_of(work, &group[0].line_id, next);
    int64_t given = 0;
    for (size_t i = 0; i < count; i++) {
        struct slot *slot = &group[i];
        if (!is_told)
            slot->told = slot->assigned + slot->parked;
        slot->give = slot->told > slot->shipped ? slot->told : slot->shipped;
        if (work->is_withheld)
            slot->give = least(slot->give, slot->assigned);
        given += slot->give;
    }
    if (wanted >= 0 && given > wanted)
        trim(group, count, given - wanted);
}

/* The unfinished fulfillment order of a location, or a new one. */
static struct fulfillment *unfinished_at(struct work *work, const char *location, int64_t now_us,
                                         struct arena *arena)
{
    int32_t round = 1;
    for (size_t i = work->nfulfillments; i-- > 0;) {
        struct fulfillment *one = &work->fulfillments[i];
        if (strcmp(one->location, location) != 0)
            continue;
        if (!rules_is_final(one->status))
            return one;
        round++;
    }
    if (work->nfulfillments == work->room) {
        work->room = work->room * 2 + 2;
        struct fulfillment *old = work->fulfillments;
        work->fulfillments = ARENA_ARRAY(arena, work->room, struct fulfillment);
        if (work->nfulfillments != 0)
            memcpy(work->fulfillments, old, work->nfulfillments * sizeof *old);
    }
    struct fulfillment *one = &work->fulfillments[work->nfulfillments++];
    *one = (struct fulfillment){.location = location,
                                .round = round,
                                .status = FULFILLMENT_SCHEDULED,
                                .version = 1,
                                .created_at_us = now_us,
                                .updated_at_us = now_us,
                                .is_new = true,
                                .is_changed = true};
    return one;
}

static void give_more(struct work *work, const struct slot *slot, int64_t units, int64_t now_us,
                      struct arena *arena)
{
    struct fulfillment *one = unfinished_at(work, slot->location, now_us, arena);
    one->is_changed = true;
    for (size_t i = 0; slot->has_line && i < one->nlines; i++)
        if (uuid_equal(&one->lines[i].order_line_id, &slot->line_id)) {
            one->lines[i].allocated += units;
            one->lines[i].is_changed = true;
            return;
        }
    if (one->nlines == one->room) {
        one->room = one->room * 2 + 4;
        struct fulfillment_line *old = one->lines;
        one->lines = ARENA_ARRAY(arena, one->room, struct fulfillment_line);
        if (one->nlines != 0)
            memcpy(one->lines, old, one->nlines * sizeof *old);
    }
    one->lines[one->nlines++] = (struct fulfillment_line){
        .order_line_id = slot->line_id, .sku = slot->sku, .allocated = units, .is_new = true};
}

static void take_from_line(struct fulfillment *one, struct fulfillment_line *line, int64_t *units)
{
    int64_t cut = least(*units, rules_left(line));
    if (cut <= 0)
        return;
    *units -= cut;
    line->cancelled += cut;
    int64_t most = line->allocated - line->cancelled;
    line->picked = least(line->picked, most);
    line->packed = least(line->packed, most);
    line->is_changed = one->is_changed = true;
}

static void take_back(struct work *work, const struct slot *slot, int64_t units)
{
    for (size_t i = work->nfulfillments; i-- > 0 && units > 0;) {
        struct fulfillment *one = &work->fulfillments[i];
        if (strcmp(one->location, slot->location) != 0)
            continue;
        for (size_t k = 0; k < one->nlines; k++)
            if (uuid_equal(&one->lines[k].order_line_id, &slot->line_id))
                take_from_line(one, &one->lines[k], &units);
    }
}

/* What is allocated but given to no fulfillment order. A cancelled order will never want it. */
static void park(struct work *work, const struct slots *slots, struct arena *arena)
{
    size_t count = 0;
    for (size_t i = 0; i < slots->count; i++)
        count += slots->list[i].told > slots->list[i].give;
    if (work->is_cancelled)
        count = 0;
    if (count == 0 && work->nunassigned == 0)
        return;
    struct placed_units *units = ARENA_ARRAY(arena, count, struct placed_units);
    size_t at = 0;
    for (size_t i = 0; i < slots->count && at < count; i++) {
        const struct slot *slot = &slots->list[i];
        if (slot->told > slot->give)
            units[at++] = (struct placed_units){slot->line_id, slot->sku, slot->location,
                                                slot->told - slot->give};
    }
    work->unassigned = units;
    work->nunassigned = count;
    work->is_changed = true;
}

static void settle(struct work *work, struct slots *slots, int64_t now_us, struct arena *arena)
{
    slots_merge(slots);
    size_t next = 0;
    for (size_t i = 0; i < slots->count;) {
        size_t end = i + 1;
        while (end < slots->count && uuid_equal(&slots->list[end].line_id, &slots->list[i].line_id))
            end++;
        decide_line(work, &slots->list[i], end - i, &next);
        i = end;
    }
    /* First what falls away, so that a move does not look like more work. */
    for (size_t i = 0; i < slots->count; i++) {
        const struct slot *slot = &slots->list[i];
        if (slot->give < slot->assigned)
            take_back(work, slot, slot->assigned - slot->give);
    }
    for (size_t i = 0; i < slots->count; i++) {
        const struct slot *slot = &slots->list[i];
        if (slot->give > slot->assigned)
            give_more(work, slot, slot->give - slot->assigned, now_us, arena);
    }
    park(work, slots, arena);
    rules_refresh(work, now_us);
}

void rules_allocate(struct work *work, const struct allocated_line *lines, size_t nlines,
                    const struct placed_units *shipments, size_t nshipments, int64_t now_us,
                    struct arena *arena)
{
    size_t most = count_lines(work) + nlines;
    for (size_t i = 0; i < nlines; i++)
        most += lines[i].nlive + (lines[i].consumed > 0 ? nshipments : 0);
    struct slots slots = {ARENA_ARRAY(arena, most, struct slot), 0};
    slots_add_work(&slots, work);
    for (size_t i = 0; i < nlines; i++) {
        slots_add_told(&slots, &lines[i]);
        slots_add_consumed(&slots, &lines[i], shipments, nshipments);
    }
    settle(work, &slots, now_us, arena);
}

void rules_reconcile(struct work *work, int64_t now_us, struct arena *arena)
{
    struct slots slots = {ARENA_ARRAY(arena, count_lines(work), struct slot), 0};
    slots_add_work(&slots, work);
    settle(work, &slots, now_us, arena);
}

void rules_want_less(struct work *work, const struct uuid *line_id, int64_t quantity)
{
    for (size_t i = 0; i < work->nwanted; i++) {
        struct wanted_line *line = &work->wanted[i];
        if (!uuid_equal(&line->line_id, line_id))
            continue;
        line->quantity = line->quantity > quantity ? line->quantity - quantity : 0;
        work->is_changed = true;
    }
}
