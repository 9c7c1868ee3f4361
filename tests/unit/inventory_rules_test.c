/* What may be promised, and from where: tables of cases, and properties over random stock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rules.h"
#include "rules_order.h"

#define MAX_PLACES 20
#define MAX_ITEMS 6

/* A small world: places by rank, items with a level at each. */
struct world {
    struct arena *arena, *scratch;
    struct place places[MAX_PLACES];
    struct place *list[MAX_PLACES];
    struct item items[MAX_ITEMS];
    size_t nplaces, nitems;
};

static struct world *world_new(size_t nplaces, size_t nitems)
{
    struct world *world = calloc(1, sizeof *world);
    assert_non_null(world);
    world->arena = arena_open(64 << 20);
    world->scratch = arena_open(64 << 20);
    world->nplaces = nplaces;
    world->nitems = nitems;
    for (size_t p = 0; p < nplaces; p++) {
        struct place *place = &world->places[p];
        snprintf(place->code, sizeof place->code, "place-%zu", p);
        place->rank = (int32_t)p + 1;
        place->type = PLACE_WAREHOUSE;
        place->is_sellable = place->is_active = true;
        place->index = p;
        world->list[p] = place;
    }
    for (size_t i = 0; i < nitems; i++) {
        struct item *item = &world->items[i];
        item->sku = arena_printf(world->arena, "SKU-%zu", i);
        item->is_active = true;
        item->nlevels = nplaces;
        item->levels = ARENA_ARRAY(world->arena, nplaces, struct level *);
        for (size_t p = 0; p < nplaces; p++) {
            item->levels[p] = ARENA_NEW(world->arena, struct level);
            item->levels[p]->item = item;
            item->levels[p]->place = &world->places[p];
        }
    }
    return world;
}

static void world_free(struct world *world)
{
    arena_close(&world->arena);
    arena_close(&world->scratch);
    free(world);
}

static void stock(struct world *world, size_t item, size_t place, int64_t units)
{
    world->items[item].levels[place]->units[BUCKET_AVAILABLE] = units;
}

static struct reserve_decision decide(struct world *world, const struct want *wants, size_t count,
                                      enum policy policy)
{
    struct reserve_decision out;
    struct wants all = wants_new(world->arena, count);
    for (size_t i = 0; i < count; i++)
        wants_add(&all, wants[i].item, "", wants[i].units);
    arena_reset(world->scratch);
    rules_reserve(&all, policy, (struct places){world->list, world->nplaces}, world->scratch,
                  world->arena, &out);
    return out;
}

static int64_t taken(const struct reserve_decision *decision, size_t line, size_t place)
{
    int64_t sum = 0;
    for (size_t i = 0; i < decision->sourcing.ntakes; i++)
        if (decision->sourcing.takes[i].line == line &&
            decision->sourcing.takes[i].level->place->index == place)
            sum += decision->sourcing.takes[i].units;
    return sum;
}

/* ---- require and accept ---- */

static void require_takes_all_or_nothing(void **state)
{
    (void)state;
    struct world *world = world_new(1, 2);
    stock(world, 0, 0, 5);
    stock(world, 1, 0, 1);
    struct want wants[] = {{&world->items[0], 5}, {&world->items[1], 2}};
    struct reserve_decision decision = decide(world, wants, 2, POLICY_REQUIRE);
    assert_int_equal(decision.refusal, SHORTAGE_STOCK);
    assert_int_equal(decision.refusal_line, 1);
    assert_int_equal(decision.sourcing.ntakes, 0);
    assert_int_equal(decision.sourcing.offered[1], 1);
    wants[1].units = 1;
    decision = decide(world, wants, 2, POLICY_REQUIRE);
    assert_int_equal(decision.refusal, SHORTAGE_NONE);
    assert_int_equal(taken(&decision, 0, 0), 5);
    assert_int_equal(taken(&decision, 1, 0), 1);
    world_free(world);
}

static void lines_of_one_sku_are_summed(void **state)
{
    (void)state;
    struct world *world = world_new(1, 1);
    stock(world, 0, 0, 5);
    const struct want wants[] = {{&world->items[0], 3}, {&world->items[0], 3}};
    struct reserve_decision decision = decide(world, wants, 2, POLICY_REQUIRE);
    assert_int_equal(decision.refusal, SHORTAGE_STOCK);
    assert_int_equal(decision.refusal_line, 1);
    decision = decide(world, wants, 2, POLICY_ACCEPT);
    assert_int_equal(taken(&decision, 0, 0), 3);
    assert_int_equal(taken(&decision, 1, 0), 2);
    assert_int_equal(decision.sourcing.missing[1], 1);
    world_free(world);
}

static void accept_takes_what_there_is(void **state)
{
    (void)state;
    struct world *world = world_new(2, 2);
    stock(world, 0, 0, 2);
    stock(world, 0, 1, 2);
    const struct want wants[] = {
        {&world->items[0], 10}, {NULL, 4}, {&world->items[1], 1}, {NULL, 0}};
    struct reserve_decision decision = decide(world, wants, 4, POLICY_ACCEPT);
    assert_int_equal(decision.refusal, SHORTAGE_NONE);
    assert_int_equal(decision.sourcing.missing[0], 6);
    assert_int_equal(decision.sourcing.missing[1], 4);
    assert_int_equal(decision.sourcing.missing[2], 1);
    assert_int_equal(decision.sourcing.missing[3], 0);
    assert_int_equal(decision.sourcing.parcels, 2);
    world_free(world);
}

static void require_names_the_first_unknown_sku(void **state)
{
    (void)state;
    struct world *world = world_new(1, 1);
    const struct want wants[] = {{&world->items[0], 1}, {NULL, 1}};
    struct reserve_decision decision = decide(world, wants, 2, POLICY_REQUIRE);
    assert_int_equal(decision.refusal, SHORTAGE_UNKNOWN_SKU);
    assert_int_equal(decision.refusal_line, 1);
    world_free(world);
}

static void nobody_jumps_the_queue(void **state)
{
    (void)state;
    struct world *world = world_new(1, 1);
    stock(world, 0, 0, 5);
    world->items[0].queued = 1;
    const struct want wants[] = {{&world->items[0], 1}};
    struct reserve_decision decision = decide(world, wants, 1, POLICY_REQUIRE);
    assert_int_equal(decision.refusal, SHORTAGE_STOCK);
    assert_int_equal(decision.sourcing.offered[0], 0);
    world_free(world);
}

static void only_what_may_be_sold_is_promised(void **state)
{
    (void)state;
    struct world *world = world_new(4, 1);
    for (size_t p = 0; p < 4; p++)
        stock(world, 0, p, 1);
    world->places[0].is_active = false;
    world->places[1].is_sellable = false;
    world->places[2].type = PLACE_QUARANTINE;
    const struct want wants[] = {{&world->items[0], 4}};
    struct reserve_decision decision = decide(world, wants, 1, POLICY_ACCEPT);
    assert_int_equal(decision.sourcing.missing[0], 3);
    assert_int_equal(taken(&decision, 0, 3), 1);
    const struct candidate *candidates = decision.sourcing.candidates;
    assert_int_equal(decision.sourcing.ncandidates, 4);
    assert_int_equal(candidates[0].verdict, VERDICT_INACTIVE);
    assert_int_equal(candidates[1].verdict, VERDICT_NOT_SELLABLE);
    assert_int_equal(candidates[2].verdict, VERDICT_NOT_SELLABLE);
    assert_int_equal(candidates[3].verdict, VERDICT_CHOSEN);
    world->items[0].is_active = false;
    assert_int_equal(rules_promised(&world->items[0]), 0);
    world_free(world);
}

/* ---- sourcing ---- */

/* Three items by five places; what is asked for; what is to be chosen, by place. */
struct sourcing_case {
    const char *name;
    int64_t have[5][3];
    int64_t want[3];
    int chosen[5];
};
static const struct sourcing_case sourcing_cases[] = {
    {"the best ranked place that has everything",
     {{1, 0, 0}, {2, 2, 2}, {9, 9, 9}, {0}, {0}},
     {2, 2, 2},
     {0, 1, 0, 0, 0}},
    {"one parcel is better than two from better ranked places",
     {{5, 0, 0}, {0, 5, 5}, {0}, {0}, {1, 1, 1}},
     {1, 1, 1},
     {0, 0, 0, 0, 1}},
    {"two places are enough where three would have it",
     {{1, 0, 0}, {0, 1, 0}, {1, 1, 0}, {0, 0, 1}, {0}},
     {1, 1, 1},
     {0, 0, 1, 1, 0}},
    {"of two pairs the better ranked",
     {{1, 0, 0}, {0, 1, 1}, {1, 0, 0}, {0, 1, 1}, {0}},
     {1, 1, 1},
     {1, 1, 0, 0, 0}},
    {"a line may be shared out",
     {{3, 0, 0}, {3, 0, 0}, {2, 0, 0}, {0}, {0}},
     {5, 0, 0},
     {1, 1, 0, 0, 0}},
    {"what nobody has does not count",
     {{0, 0, 0}, {1, 0, 0}, {0}, {0}, {0}},
     {1, 7, 0},
     {0, 1, 0, 0, 0}},
};

static void sourcing_takes_fewest_parcels_then_best_ranks(void **state)
{
    (void)state;
    for (size_t c = 0; c < sizeof sourcing_cases / sizeof *sourcing_cases; c++) {
        const struct sourcing_case *test = &sourcing_cases[c];
        struct world *world = world_new(5, 3);
        struct want wants[3];
        for (size_t i = 0; i < 3; i++) {
            wants[i] = (struct want){&world->items[i], test->want[i]};
            for (size_t p = 0; p < 5; p++)
                stock(world, i, p, test->have[p][i]);
        }
        struct reserve_decision decision = decide(world, wants, 3, POLICY_ACCEPT);
        int chosen[5] = {0}, count = 0;
        for (size_t i = 0; i < decision.sourcing.ntakes; i++)
            chosen[decision.sourcing.takes[i].level->place->index] = 1;
        for (size_t p = 0; p < 5; p++) {
            if (chosen[p] != test->chosen[p])
                fail_msg("%s: place %zu", test->name, p);
            count += chosen[p];
        }
        assert_int_equal(decision.sourcing.parcels, count);
        assert_int_equal(decision.sourcing.parcels_at_least, count);
        world_free(world);
    }
}

static void a_line_stays_whole_where_that_costs_no_parcel(void **state)
{
    (void)state;
    struct world *world = world_new(2, 2);
    stock(world, 0, 0, 1);
    stock(world, 1, 0, 5);
    stock(world, 1, 1, 10);
    const struct want wants[] = {{&world->items[0], 1}, {&world->items[1], 10}};
    struct reserve_decision decision = decide(world, wants, 2, POLICY_REQUIRE);
    assert_int_equal(decision.sourcing.parcels, 2);
    assert_int_equal(taken(&decision, 1, 0), 0);
    assert_int_equal(taken(&decision, 1, 1), 10);
    world_free(world);
}

/* ---- properties ---- */

static uint64_t seed_state;
static uint64_t below(uint64_t limit)
{
    seed_state ^= seed_state << 13;
    seed_state ^= seed_state >> 7;
    seed_state ^= seed_state << 17;
    return seed_state % limit;
}

/* The size of the smallest set of places that has all, tried one by one. */
static int smallest_set(const struct world *world, const int64_t *need)
{
    int best = (int)world->nplaces + 1;
    for (unsigned set = 0; set < 1u << world->nplaces; set++) {
        bool suffices = true;
        for (size_t i = 0; i < world->nitems && suffices; i++) {
            int64_t sum = 0;
            for (size_t p = 0; p < world->nplaces; p++)
                if (set & 1u << p)
                    sum += world->items[i].levels[p]->units[BUCKET_AVAILABLE];
            suffices = sum >= need[i];
        }
        if (suffices && __builtin_popcount(set) < best)
            best = __builtin_popcount(set);
    }
    return best;
}

static void check_decision(struct world *world, const struct want *wants, size_t nwants,
                           const struct reserve_decision *decision, bool is_required)
{
    int64_t asked[MAX_ITEMS] = {0}, there[MAX_ITEMS] = {0}, got[MAX_ITEMS] = {0};
    bool can_all = true;
    for (size_t i = 0; i < nwants; i++)
        asked[wants[i].item - world->items] += wants[i].units;
    for (size_t i = 0; i < world->nitems; i++) {
        there[i] = rules_promised(&world->items[i]);
        can_all &= asked[i] <= there[i];
    }
    if (is_required && !can_all) {
        assert_int_equal(decision->refusal, SHORTAGE_STOCK);
        assert_int_equal(decision->sourcing.ntakes, 0);
        return;
    }
    assert_int_equal(decision->refusal, SHORTAGE_NONE);
    int64_t by_line[16] = {0};
    for (size_t i = 0; i < decision->sourcing.ntakes; i++) {
        const struct take *take = &decision->sourcing.takes[i];
        assert_true(take->units > 0);
        assert_ptr_equal(take->level->item, wants[take->line].item);
        by_line[take->line] += take->units;
        got[take->level->item - world->items] += take->units;
        take->level->units[BUCKET_AVAILABLE] -= take->units;
        take->level->units[BUCKET_RESERVED] += take->units;
        assert_true(take->level->units[BUCKET_AVAILABLE] >= 0);
    }
    for (size_t i = 0; i < nwants; i++)
        assert_int_equal(by_line[i] + decision->sourcing.missing[i], wants[i].units);
    for (size_t i = 0; i < world->nitems; i++)
        assert_int_equal(got[i], asked[i] < there[i] ? asked[i] : there[i]);
}

static void random_decisions_conserve_units_and_are_fewest(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 3000; seed++) {
        seed_state = seed * UINT64_C(0x9E3779B97F4A7C15);
        struct world *world = world_new(1 + below(7), 1 + below(4));
        for (size_t i = 0; i < world->nitems; i++)
            for (size_t p = 0; p < world->nplaces; p++)
                stock(world, i, p, below(3) == 0 ? 0 : (int64_t)below(6));
        struct want wants[6];
        size_t nwants = 1 + below(6);
        for (size_t i = 0; i < nwants; i++)
            wants[i] = (struct want){&world->items[below(world->nitems)], (int64_t)below(5)};
        int64_t need[MAX_ITEMS] = {0};
        for (size_t i = 0; i < nwants; i++)
            need[wants[i].item - world->items] += wants[i].units;
        for (size_t i = 0; i < world->nitems; i++)
            if (need[i] > rules_promised(&world->items[i]))
                need[i] = rules_promised(&world->items[i]);
        int fewest = smallest_set(world, need);
        bool is_required = below(2) == 0;
        struct reserve_decision decision =
            decide(world, wants, nwants, is_required ? POLICY_REQUIRE : POLICY_ACCEPT);
        check_decision(world, wants, nwants, &decision, is_required);
        if (decision.refusal == SHORTAGE_NONE)
            assert_int_equal(decision.sourcing.parcels, fewest);
        world_free(world);
    }
}

static void many_places_are_searched_within_a_bound(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        seed_state = seed * UINT64_C(0x9E3779B97F4A7C15);
        struct world *world = world_new(MAX_PLACES, MAX_ITEMS);
        struct want wants[MAX_ITEMS];
        for (size_t i = 0; i < MAX_ITEMS; i++) {
            wants[i] = (struct want){&world->items[i], 8};
            for (size_t p = 0; p < MAX_PLACES; p++)
                stock(world, i, p, (int64_t)below(2));
        }
        struct reserve_decision decision = decide(world, wants, MAX_ITEMS, POLICY_ACCEPT);
        check_decision(world, wants, MAX_ITEMS, &decision, false);
        assert_true(decision.sourcing.parcels_at_least <= decision.sourcing.parcels);
        world_free(world);
    }
}

/* ---- orders ---- */

static struct order one_line_order(struct world *world, struct order_line *line, int64_t wants)
{
    *line = (struct order_line){.sku = "SKU-0", .item = &world->items[0], .unallocated = wants};
    return (struct order){.lines = line, .nlines = 1};
}

static void book(const struct moves *moves)
{
    for (size_t i = 0; i < moves->count; i++) {
        const struct move *move = &moves->list[i];
        if (move->from != BUCKET_OUTSIDE) {
            assert_true(move->level->units[move->from] >= move->units);
            move->level->units[move->from] -= move->units;
        }
        if (move->to != BUCKET_OUTSIDE)
            move->level->units[move->to] += move->units;
    }
}

static void a_waiting_line_is_filled_from_where_a_parcel_leaves_anyway(void **state)
{
    (void)state;
    struct world *world = world_new(3, 1);
    struct order_line line;
    struct order order = one_line_order(world, &line, 2);
    struct moves moves = {.arena = world->arena};
    rules_order_give(&line, world->items[0].levels[2], 1, world->arena);
    for (size_t p = 0; p < 3; p++)
        stock(world, 0, p, 5);
    assert_int_equal(rules_line_fill(&order, &line, &moves), 2);
    assert_int_equal(moves.count, 1);
    assert_int_equal(moves.list[0].level->place->index, 2);
    assert_int_equal(line.unallocated, 0);
    world_free(world);
}

static void a_cut_takes_what_waits_first_then_the_worst_place(void **state)
{
    (void)state;
    struct world *world = world_new(2, 1);
    struct order_line line;
    one_line_order(world, &line, 1);
    struct moves moves = {.arena = world->arena};
    for (size_t p = 0; p < 2; p++) {
        rules_order_give(&line, world->items[0].levels[p], 2, world->arena);
        world->items[0].levels[p]->units[BUCKET_COMMITTED] = 2;
    }
    assert_int_equal(rules_line_cut(&line, 4, &moves), 3);
    book(&moves);
    assert_int_equal(line.unallocated, 0);
    assert_int_equal(world->items[0].levels[0]->units[BUCKET_COMMITTED], 1);
    assert_int_equal(world->items[0].levels[1]->units[BUCKET_COMMITTED], 0);
    world_free(world);
}

static void what_ships_is_no_longer_committed(void **state)
{
    (void)state;
    struct world *world = world_new(1, 1);
    struct order_line line;
    one_line_order(world, &line, 0);
    struct moves moves = {.arena = world->arena};
    size_t culprit;
    rules_order_give(&line, world->items[0].levels[0], 3, world->arena);
    world->items[0].levels[0]->units[BUCKET_COMMITTED] = 3;
    const struct departure departure = {&line, &world->places[0], 2};
    assert_true(rules_order_ship(&departure, 1, &moves, &culprit));
    book(&moves);
    assert_int_equal(line.consumed, 2);
    assert_int_equal(rules_line_live(&line), 1);
    assert_int_equal(world->items[0].levels[0]->units[BUCKET_COMMITTED], 1);
    world_free(world);
}

static void what_ships_from_elsewhere_is_taken_off_the_shelf_there(void **state)
{
    (void)state;
    struct world *world = world_new(2, 1);
    struct order_line line;
    one_line_order(world, &line, 0);
    struct moves moves = {.arena = world->arena};
    size_t culprit;
    rules_order_give(&line, world->items[0].levels[0], 3, world->arena);
    world->items[0].levels[0]->units[BUCKET_COMMITTED] = 3;
    stock(world, 0, 1, 2);
    const struct departure departure = {&line, &world->places[1], 2};
    assert_true(rules_order_ship(&departure, 1, &moves, &culprit));
    book(&moves);
    assert_int_equal(line.consumed, 2);
    assert_int_equal(rules_line_live(&line), 1);
    assert_int_equal(world->items[0].levels[0]->units[BUCKET_AVAILABLE], 2);
    assert_int_equal(world->items[0].levels[1]->units[BUCKET_AVAILABLE], 0);
    world_free(world);
}

static void nothing_ships_that_the_books_do_not_have(void **state)
{
    (void)state;
    struct world *world = world_new(2, 1);
    struct order_line line;
    one_line_order(world, &line, 0);
    struct moves moves = {.arena = world->arena};
    size_t culprit = 9;
    rules_order_give(&line, world->items[0].levels[0], 3, world->arena);
    stock(world, 0, 0, 1);
    const struct departure departures[] = {{&line, &world->places[0], 3},
                                           {&line, &world->places[0], 2}};
    assert_false(rules_order_ship(departures, 2, &moves, &culprit));
    assert_int_equal(culprit, 1);
    assert_int_equal(moves.count, 0);
    assert_int_equal(line.consumed, 0);
    assert_int_equal(line.shares[0].planned, 0);
    assert_int_equal(world->items[0].levels[0]->planned, 0);
    world_free(world);
}

/* Random lives of an order: whatever happens, the units of the world stay the same, no bucket is
 * negative, and what the order holds is what is committed. */
static void an_orders_life_conserves_units(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 2000; seed++) {
        seed_state = seed * UINT64_C(0x9E3779B97F4A7C15);
        struct world *world = world_new(1 + below(4), 1);
        int64_t start = 0, consumed_before = 0;
        for (size_t p = 0; p < world->nplaces; p++) {
            stock(world, 0, p, (int64_t)below(8));
            start += world->items[0].levels[p]->units[BUCKET_AVAILABLE];
        }
        struct order_line line;
        struct order order = one_line_order(world, &line, (int64_t)below(12));
        for (int step = 0; step < 12; step++) {
            struct moves moves = {.arena = world->arena};
            struct departure departure = {&line, &world->places[below(world->nplaces)],
                                          1 + (int64_t)below(3)};
            size_t culprit;
            switch (below(4)) {
            case 0:
                rules_line_fill(&order, &line, &moves);
                break;
            case 1:
                rules_line_cut(&line, (int64_t)below(4), &moves);
                break;
            case 2:
                rules_order_ship(&departure, 1, &moves, &culprit);
                break;
            case 3:
                line.unallocated += (int64_t)below(3);
                break;
            }
            book(&moves);
            int64_t left = 0, committed = 0;
            for (size_t p = 0; p < world->nplaces; p++) {
                left += world->items[0].levels[p]->units[BUCKET_AVAILABLE];
                committed += world->items[0].levels[p]->units[BUCKET_COMMITTED];
            }
            assert_int_equal(left + committed + line.consumed, start);
            assert_int_equal(committed, rules_line_live(&line));
            assert_true(line.unallocated >= 0 && line.consumed >= consumed_before);
            consumed_before = line.consumed;
        }
        world_free(world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(require_takes_all_or_nothing),
        cmocka_unit_test(lines_of_one_sku_are_summed),
        cmocka_unit_test(accept_takes_what_there_is),
        cmocka_unit_test(require_names_the_first_unknown_sku),
        cmocka_unit_test(nobody_jumps_the_queue),
        cmocka_unit_test(only_what_may_be_sold_is_promised),
        cmocka_unit_test(sourcing_takes_fewest_parcels_then_best_ranks),
        cmocka_unit_test(a_line_stays_whole_where_that_costs_no_parcel),
        cmocka_unit_test(random_decisions_conserve_units_and_are_fewest),
        cmocka_unit_test(many_places_are_searched_within_a_bound),
        cmocka_unit_test(a_waiting_line_is_filled_from_where_a_parcel_leaves_anyway),
        cmocka_unit_test(a_cut_takes_what_waits_first_then_the_worst_place),
        cmocka_unit_test(what_ships_is_no_longer_committed),
        cmocka_unit_test(what_ships_from_elsewhere_is_taken_off_the_shelf_there),
        cmocka_unit_test(nothing_ships_that_the_books_do_not_have),
        cmocka_unit_test(an_orders_life_conserves_units),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
