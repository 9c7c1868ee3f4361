/* fulfillment_logs.h -- what two logs say of one order of two lines at two places, and how
 * fulfillment hears it, without rows or messages.
 *
 * Included by one test each, after cmocka; everything is static.
 */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rules.h"
#include "rules_allocate.h"

static struct arena *arena;

static int open_arena(void **state)
{
    (void)state;
    arena = arena_open((size_t)256 << 20);
    return 0;
}

static int close_arena(void **state)
{
    (void)state;
    arena_close(&arena);
    return 0;
}

#define LINES 2
#define PLACES 2
static const char *const places[PLACES] = {"hk-main", "tw-main"};
static const char *const skus[LINES] = {"A", "B"};

static struct uuid line_id(size_t line)
{
    struct uuid id = {{0}};
    id.bytes[15] = (uint8_t)(line + 1);
    return id;
}

/* What a log says, in a form that fits both. */
enum kind { PLACED, CONFIRMED, CANCELLED, CHANGED, HELD, RELEASED, UNWITHHELD, ALLOCATED };
struct said {
    enum kind kind;
    int64_t quantity[LINES]; /* PLACED, CHANGED: wanted; CANCELLED: by this event */
    bool flag;               /* PLACED: confirmed; CANCELLED: whole; RELEASED: last */
    int64_t live[LINES][PLACES], consumed[LINES];
};

#define SAY(kind_, ...)                                                                            \
    {                                                                                              \
        .kind = kind_, __VA_ARGS__                                                                 \
    }
#define WANT(a, b) .quantity = {a, b}
#define LIVE(...) .live = {__VA_ARGS__}
#define YES .flag = true
#define NO .flag = false

struct left_units {
    struct placed_units list[256];
    size_t count;
};

static void want(struct work *work, const int64_t *quantity)
{
    work->wanted = ARENA_ARRAY(arena, LINES, struct wanted_line);
    work->nwanted = LINES;
    for (size_t i = 0; i < LINES; i++)
        work->wanted[i] = (struct wanted_line){line_id(i), "", quantity[i]};
}

static void hear_allocated(struct work *work, const struct said *said,
                           const struct left_units *left)
{
    struct allocated_line lines[LINES];
    struct placed_units live[LINES][PLACES];
    for (size_t i = 0; i < LINES; i++) {
        lines[i] = (struct allocated_line){
            .line_id = line_id(i), .sku = skus[i], .consumed = said->consumed[i], .live = live[i]};
        for (size_t k = 0; k < PLACES; k++)
            if (said->live[i][k] != 0)
                live[i][lines[i].nlive++] =
                    (struct placed_units){line_id(i), skus[i], places[k], said->live[i][k]};
    }
    rules_allocate(work, lines, LINES, left->list, left->count, 1, arena);
}

/* What the handlers do with each kind, without rows. */
static void hear(struct work *work, const struct said *said, const struct left_units *left)
{
    switch (said->kind) {
    case PLACED:
        work->is_confirmed |= said->flag;
        want(work, said->quantity);
        break;
    case CONFIRMED:
        work->is_confirmed = true;
        break;
    case CANCELLED:
        for (size_t i = 0; i < LINES; i++) {
            struct uuid id = line_id(i);
            rules_want_less(work, &id, said->quantity[i]);
        }
        work->is_cancelled |= said->flag;
        break;
    case CHANGED:
        want(work, said->quantity);
        break;
    case HELD:
        work->is_on_hold = true;
        break;
    case RELEASED:
        work->is_on_hold &= !said->flag;
        break;
    case UNWITHHELD:
        work->is_withheld = false;
        break;
    case ALLOCATED:
        hear_allocated(work, said, left);
        return;
    }
    rules_reconcile(work, 1, arena);
}

static int64_t assigned(const struct work *work, size_t line, size_t place)
{
    int64_t units = 0;
    struct uuid id = line_id(line);
    for (size_t i = 0; i < work->nfulfillments; i++)
        for (size_t k = 0; k < work->fulfillments[i].nlines; k++) {
            const struct fulfillment_line *at = &work->fulfillments[i].lines[k];
            if (strcmp(work->fulfillments[i].location, places[place]) == 0 &&
                uuid_equal(&at->order_line_id, &id))
                units += at->allocated - at->cancelled;
        }
    return units;
}

static size_t unfinished_at(const struct work *work, size_t place)
{
    size_t count = 0;
    for (size_t i = 0; i < work->nfulfillments; i++)
        count += strcmp(work->fulfillments[i].location, places[place]) == 0 &&
                 !rules_is_final(work->fulfillments[i].status);
    return count;
}

static void check_sane(const struct work *work)
{
    for (size_t i = 0; i < work->nfulfillments; i++)
        for (size_t k = 0; k < work->fulfillments[i].nlines; k++) {
            const struct fulfillment_line *line = &work->fulfillments[i].lines[k];
            assert_true(0 <= line->shipped && line->shipped <= line->packed &&
                        line->packed <= line->picked &&
                        line->picked <= line->allocated - line->cancelled);
            for (size_t m = 0; m < k; m++)
                assert_false(uuid_equal(&line->order_line_id,
                                        &work->fulfillments[i].lines[m].order_line_id));
        }
    for (size_t p = 0; p < PLACES; p++)
        assert_true(unfinished_at(work, p) <= 1);
}
