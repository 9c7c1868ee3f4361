/* rules.h -- what may be promised to whom, and from where.
 *
 * Pure functions over items and levels in memory: they decide and change nothing; whoever calls
 * books what was decided (store_book.h). They serve the hot path, so what they need in between
 * comes from a scratch arena that the caller resets, and only what they decide from the arena of
 * the call.
 *
 * Limits: INVENTORY_MAX_LINES lines of at most INVENTORY_MAX_QUANTITY, INVENTORY_MAX_LOCATIONS
 * places.
 */
#pragma once

#include "common/arena.h"
#include "inventory.h"

/* What a line asks for. */
struct want {
    struct item *item; /* NULL: no such SKU */
    int64_t units;     /* 0: the line takes no stock */
};

struct wants {
    struct want *list;
    const char **skus; /* as they were asked for */
    size_t count;
};
/* Room for so many, empty. */
struct wants wants_new(struct arena *arena, size_t room);
void wants_add(struct wants *wants, struct item *item, const char *sku, int64_t units);

/* All locations, by rank. */
struct places {
    struct place *const *list;
    size_t count;
};

/* What it gets from one place. */
struct take {
    size_t line;
    struct level *level;
    int64_t units;
};

/* Why a place was or was not chosen. */
#define VERDICTS(X)                                                                                \
    X(CHOSEN, "chosen")                                                                            \
    X(NOT_NEEDED, "not_needed")                                                                    \
    X(INACTIVE, "inactive")                                                                        \
    X(NOT_SELLABLE, "not_sellable")                                                                \
    X(NO_STOCK, "no_stock")

enum verdict {
#define X(name, text) VERDICT_##name,
    VERDICTS(X)
#undef X
};

struct candidate {
    const struct place *place;
    enum verdict verdict;
    int32_t lines_fillable; /* how many of the lines it could fill alone */
};

/* Of an explanation no more places are kept than this; those that have nothing go first. */
#define RULES_MAX_CANDIDATES 32
#define RULES_SOURCING_VERSION 1

struct sourcing {
    struct take *takes; /* by line, then by rank of the place */
    size_t ntakes;
    int64_t *missing;             /* per line */
    int64_t *ahead;               /* per line, of missing: sold ahead; NULL: nothing is */
    int64_t *offered;             /* per line: all that could have been promised of its SKU */
    struct candidate *candidates; /* by rank */
    size_t ncandidates;
    int32_t parcels;
    int32_t parcels_at_least; /* proved; equal to parcels unless the search was cut short */
};

/* STRICT is REQUIRE of what is there: nothing is sold ahead. */
enum policy { POLICY_REQUIRE, POLICY_ACCEPT, POLICY_STRICT };

enum shortage { SHORTAGE_NONE, SHORTAGE_STOCK, SHORTAGE_UNKNOWN_SKU };

struct reserve_decision {
    enum shortage refusal;
    size_t refusal_line;      /* the first at fault */
    struct sourcing sourcing; /* without takes when refused */
};

/* All that could be promised of an item now to someone who comes now: nothing while others wait for
 * it. */
int64_t rules_promised(const struct item *item);

/* How much more of an item may be sold ahead. */
int64_t rules_ahead_room(const struct item *item);

/* Require: all lines, summed per SKU, or a refusal. Accept: each line takes what there is, in the
 * order of the lines. */
void rules_reserve(const struct wants *wants, enum policy policy, struct places places,
                   struct arena *scratch, struct arena *arena, struct reserve_decision *out);

/* ---- parts of it (rules_sourcing.c) ---- */

/* A SKU that is asked for: summed over the lines, then cut to what can be promised. */
struct need {
    struct item *item;
    int64_t asked;
    int64_t units;
};

/* Places with some of what is needed, by rank, which together have all: have[place * nneeds +
 * need]. */
struct cover {
    const int64_t *have;
    const struct need *needs;
    size_t nplaces, nneeds;
};
/* Places that together have what is needed, as few as possible, and among as few the better ranked.
 * A set of up to RULES_EXACT_PLACES places is searched exhaustively, of more until the budget is
 * spent, then greedily. Returns how many it chose; *at_least is the proven minimum. */
#define RULES_EXACT_PLACES 12
#define RULES_SEARCH_BUDGET 2000000 /* figures compared */
size_t rules_fewest_places(const struct cover *cover, struct arena *scratch, size_t *chosen,
                           size_t *at_least);
