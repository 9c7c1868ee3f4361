#include "rules_order.h"

#include <assert.h>
#include <string.h>

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static void add_move(struct moves *moves, struct move move)
{
    if (moves->count == moves->room) {
        size_t room = moves->room == 0 ? 16 : moves->room * 2;
        struct move *list = ARENA_ARRAY(moves->arena, room, struct move);
        if (moves->count > 0)
            memcpy(list, moves->list, moves->count * sizeof *list);
        moves->list = list;
        moves->room = room;
    }
    moves->list[moves->count++] = move;
}

void rules_order_give(struct order_line *line, struct level *level, int64_t units,
                      struct arena *arena)
{
    for (size_t i = 0; i < line->nshares; i++)
        if (line->shares[i].level == level) {
            line->shares[i].units += units;
            return;
        }
    if (line->nshares == line->shares_room) {
        size_t room = line->shares_room == 0 ? 2 : line->shares_room * 2;
        struct share *shares = ARENA_ARRAY(arena, room, struct share);
        if (line->nshares > 0)
            memcpy(shares, line->shares, line->nshares * sizeof *shares);
        line->shares = shares;
        line->shares_room = room;
    }
    line->shares[line->nshares++] = (struct share){.level = level, .units = units};
}

int64_t rules_line_live(const struct order_line *line)
{
    int64_t sum = 0;
    for (size_t i = 0; i < line->nshares; i++)
        sum += line->shares[i].units;
    return sum;
}

/* ---- filling ---- */

static bool ships_from(const struct order *order, const struct place *place)
{
    for (size_t i = 0; i < order->nlines; i++)
        for (size_t j = 0; j < order->lines[i].nshares; j++)
            if (order->lines[i].shares[j].level->place == place &&
                order->lines[i].shares[j].units > 0)
                return true;
    return false;
}

/* What to take first: whole, then from where a parcel leaves anyway, then by rank. levels are by
 * rank already; units booked in this very turn are off available. */
static struct level *best_level(const struct order *order, const struct order_line *line,
                                const int64_t *taken)
{
    struct level *best = NULL;
    int best_score = -1;
    for (size_t i = 0; i < line->item->nlevels; i++) {
        struct level *level = line->item->levels[i];
        int64_t there = level->units[BUCKET_AVAILABLE] - taken[i];
        if (!place_promises(level->place) || there <= 0)
            continue;
        int score =
            (there >= line->unallocated ? 2 : 0) + (ships_from(order, level->place) ? 1 : 0);
        if (score > best_score) {
            best = level;
            best_score = score;
        }
    }
    return best;
}

int64_t rules_line_fill(struct order *order, struct order_line *line, struct moves *moves)
{
    int64_t got = 0;
    if (line->item == NULL || !line->item->is_active)
        return 0;
    int64_t *taken = ARENA_ARRAY(moves->arena, line->item->nlevels + 1, int64_t);
    while (line->unallocated > 0) {
        struct level *level = best_level(order, line, taken);
        if (level == NULL)
            break;
        size_t at = 0;
        while (line->item->levels[at] != level)
            at++;
        int64_t units = least(level->units[BUCKET_AVAILABLE] - taken[at], line->unallocated);
        taken[at] += units;
        line->unallocated -= units;
        line->ahead = least(line->ahead, line->unallocated);
        got += units;
        rules_order_give(line, level, units, moves->arena);
        add_move(moves,
                 (struct move){level, BUCKET_AVAILABLE, BUCKET_COMMITTED, units, CAUSE_ALLOCATE});
    }
    return got;
}

/* ---- cutting down ---- */

/* Gives back allocated units, worst ranked place first, the spared one last. */
static int64_t give_back(struct order_line *line, int64_t units, const struct place *spared,
                         struct moves *moves)
{
    int64_t given = 0;
    for (int round = 0; round < 2; round++)
        while (given < units) {
            struct share *worst = NULL;
            for (size_t i = 0; i < line->nshares; i++) {
                struct share *share = &line->shares[i];
                if (share->units > 0 && (round == 1 || share->level->place != spared) &&
                    (worst == NULL || share->level->place->index > worst->level->place->index))
                    worst = share;
            }
            if (worst == NULL)
                break;
            int64_t part = least(worst->units, units - given);
            worst->units -= part;
            given += part;
            add_move(moves, (struct move){worst->level, BUCKET_COMMITTED, BUCKET_AVAILABLE, part,
                                          CAUSE_RELEASE});
        }
    return given;
}

int64_t rules_line_cut(struct order_line *line, int64_t units, struct moves *moves)
{
    int64_t waiting = least(units, line->unallocated);
    line->unallocated -= waiting;
    line->ahead = least(line->ahead, line->unallocated);
    return give_back(line, units - waiting, NULL, moves);
}

/* ---- splitting ---- */

static struct share *worst_share(struct order_line *line)
{
    struct share *worst = NULL;
    for (size_t i = 0; i < line->nshares; i++) {
        struct share *share = &line->shares[i];
        if (share->units > 0 &&
            (worst == NULL || share->level->place->index > worst->level->place->index))
            worst = share;
    }
    return worst;
}

void rules_line_move(struct order_line *line, struct order_line *other, int64_t units,
                     struct arena *arena)
{
    int64_t waiting = least(units, line->unallocated);
    int64_t ahead = least(line->ahead, waiting);
    line->unallocated -= waiting;
    other->unallocated += waiting;
    line->ahead -= ahead;
    other->ahead += ahead;
    if (ahead > 0) {
        other->ahead_kind = line->ahead_kind;
        other->promised_at_us = line->promised_at_us;
    }
    for (int64_t left = units - waiting; left > 0;) {
        struct share *share = worst_share(line);
        assert(share != NULL);
        int64_t part = least(left, share->units);
        share->units -= part;
        left -= part;
        rules_order_give(other, share->level, part, arena);
    }
}

/* ---- shipping ---- */

static struct share *share_at(struct order_line *line, const struct place *place)
{
    for (size_t i = 0; i < line->nshares; i++)
        if (line->shares[i].level->place == place)
            return &line->shares[i];
    return NULL;
}

static struct level *level_at(const struct order_line *line, const struct place *place)
{
    if (line->item == NULL)
        return NULL;
    for (size_t i = 0; i < line->item->nlevels; i++)
        if (line->item->levels[i]->place == place)
            return line->item->levels[i];
    return NULL;
}

/* Whether all of them can leave; what is planned for shares and levels is wiped again by the
 * caller. */
static bool can_leave(const struct departure *departure)
{
    struct share *share = share_at(departure->line, departure->place);
    struct level *level = level_at(departure->line, departure->place);
    int64_t from_shelf = departure->units;
    if (share != NULL) {
        int64_t committed = least(share->units - share->planned, departure->units);
        share->planned += committed;
        from_shelf -= committed;
    }
    if (from_shelf == 0)
        return true;
    if (level == NULL)
        return false;
    level->planned += from_shelf;
    return level->planned <= level->units[BUCKET_AVAILABLE];
}

static void forget_plan(const struct departure *departure)
{
    struct share *share = share_at(departure->line, departure->place);
    struct level *level = level_at(departure->line, departure->place);
    if (share != NULL)
        share->planned = 0;
    if (level != NULL)
        level->planned = 0;
}

static void ship(const struct departure *departure, struct moves *moves)
{
    struct order_line *line = departure->line;
    struct share *share = share_at(line, departure->place);
    int64_t committed = share == NULL ? 0 : least(share->units, departure->units);
    int64_t from_shelf = departure->units - committed;
    line->consumed += departure->units;
    if (committed > 0) {
        share->units -= committed;
        add_move(moves, (struct move){share->level, BUCKET_COMMITTED, BUCKET_OUTSIDE, committed,
                                      CAUSE_SHIP});
    }
    if (from_shelf > 0) {
        add_move(moves, (struct move){level_at(line, departure->place), BUCKET_AVAILABLE,
                                      BUCKET_OUTSIDE, from_shelf, CAUSE_SHIP});
        int64_t given = give_back(line, from_shelf, departure->place, moves);
        line->unallocated -= least(line->unallocated, from_shelf - given);
    }
}

bool rules_order_ship(const struct departure *departures, size_t count, struct moves *moves,
                      size_t *culprit)
{
    size_t fit = 0;
    while (fit < count && can_leave(&departures[fit]))
        fit++;
    for (size_t i = 0; i < count; i++)
        forget_plan(&departures[i]);
    if (fit < count) {
        *culprit = fit;
        return false;
    }
    for (size_t i = 0; i < count; i++)
        ship(&departures[i], moves);
    return true;
}
