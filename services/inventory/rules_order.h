/* rules_order.h -- what happens to the stock of one order: filled, cut down, shipped.
 *
 * Each changes the order in memory and says which movements that takes; the caller books them. An
 * order line is always unallocated + the units of its shares + consumed.
 *
 * Ownership: shares and moves grow in the given arena.
 */
#pragma once

#include "common/arena.h"
#include "inventory.h"

struct move {
    struct level *level;
    enum bucket from, to;
    int64_t units;
    enum cause cause;
};

struct moves {
    struct arena *arena;
    struct move *list;
    size_t count, room;
};

void rules_order_give(struct order_line *line, struct level *level, int64_t units,
                      struct arena *arena);
int64_t rules_line_live(const struct order_line *line);

/* Gives a waiting line what there is of its item, whoever waits behind it: whole from one place if
 * one has it, from where the order has something already before elsewhere, else by rank. Returns
 * the units that it got. */
int64_t rules_line_fill(struct order *order, struct order_line *line, struct moves *moves);

/* Takes units off what the line wants: first what it waits for, then what is allocated, from the
 * worst ranked place on. What is shipped stays shipped. Returns how many allocated units it gave
 * back. */
int64_t rules_line_cut(struct order_line *line, int64_t units, struct moves *moves);

/* Units of a line become another's, of the same SKU: what it waits for first, then what is
 * allocated, from the worst ranked place on. No stock moves. */
void rules_line_move(struct order_line *line, struct order_line *other, int64_t units,
                     struct arena *arena);

/* So many units of a line have left a place. */
struct departure {
    struct order_line *line;
    const struct place *place;
    int64_t units;
};
/* Committed units there go first. What is more than those was taken from the shelf: then it leaves
 * what is available there, and the order gives back as much of what it holds elsewhere. False, and
 * nothing is changed, when there is not even that: *culprit says for which. */
bool rules_order_ship(const struct departure *departures, size_t count, struct moves *moves,
                      size_t *culprit);
