/* Two logs tell about one order, and fulfillment may read them in any interleaving: what it holds
 * in the end is the same. First with every interleaving of short scripts, then with a small world
 * of random orders, stock and warehouse hands. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fulfillment_logs.h"

struct outcome {
    int64_t assigned[LINES][PLACES];
    size_t unassigned, unfinished[PLACES];
    enum fulfillment_status last;
};

static struct outcome outcome_of(const struct work *work)
{
    struct outcome outcome;
    memset(&outcome, 0, sizeof outcome);
    for (size_t i = 0; i < LINES; i++)
        for (size_t k = 0; k < PLACES; k++)
            outcome.assigned[i][k] = assigned(work, i, k);
    for (size_t k = 0; k < PLACES; k++)
        outcome.unfinished[k] = unfinished_at(work, k);
    outcome.unassigned = work->nunassigned;
    for (size_t i = 0; i < work->nfulfillments; i++)
        if (!rules_is_final(work->fulfillments[i].status))
            outcome.last = work->fulfillments[i].status;
    return outcome;
}

struct script {
    const char *name;
    struct said orders[6];
    size_t norders;
    struct said inventory[6];
    size_t ninventory;
    int64_t expected[LINES][PLACES];
    enum fulfillment_status status; /* 0: nothing is left to do */
};

static const struct script scripts[] = {
    {"placed confirmed",
     {SAY(PLACED, WANT(2, 1), YES)},
     1,
     {SAY(ALLOCATED, LIVE({2, 0}, {1, 0}))},
     1,
     {{2, 0}, {1, 0}},
     FULFILLMENT_OPEN},
    {"confirmed later",
     {SAY(PLACED, WANT(2, 1), NO), SAY(CONFIRMED, NO)},
     2,
     {SAY(ALLOCATED, LIVE({2, 0}, {0, 1}))},
     1,
     {{2, 0}, {0, 1}},
     FULFILLMENT_OPEN},
    {"held",
     {SAY(PLACED, WANT(2, 1), YES), SAY(HELD, NO)},
     2,
     {SAY(ALLOCATED, LIVE({1, 0}, {1, 0})), SAY(ALLOCATED, LIVE({2, 0}, {1, 0}))},
     2,
     {{2, 0}, {1, 0}},
     FULFILLMENT_ON_HOLD},
    {"held and released",
     {SAY(PLACED, WANT(2, 1), YES), SAY(HELD, NO), SAY(RELEASED, YES)},
     3,
     {SAY(ALLOCATED, LIVE({2, 0}, {1, 0}))},
     1,
     {{2, 0}, {1, 0}},
     FULFILLMENT_OPEN},
    {"cancelled whole",
     {SAY(PLACED, WANT(2, 1), YES), SAY(CANCELLED, WANT(2, 1), YES)},
     2,
     {SAY(ALLOCATED, LIVE({2, 0}, {1, 0})), SAY(ALLOCATED, NO)},
     2,
     {{0, 0}, {0, 0}},
     0},
    {"cancelled in part",
     {SAY(PLACED, WANT(3, 1), YES), SAY(CANCELLED, WANT(1, 1), NO)},
     2,
     {SAY(ALLOCATED, LIVE({3, 0}, {1, 0})), SAY(ALLOCATED, LIVE({2, 0}, {0, 0}))},
     2,
     {{2, 0}, {0, 0}},
     FULFILLMENT_OPEN},
    {"cancelled in part over two places",
     {SAY(PLACED, WANT(4, 0), YES), SAY(CANCELLED, WANT(2, 0), NO)},
     2,
     {SAY(ALLOCATED, LIVE({2, 2})), SAY(ALLOCATED, LIVE({2, 0}))},
     2,
     {{2, 0}, {0, 0}},
     FULFILLMENT_OPEN},
    {"changed to more",
     {SAY(PLACED, WANT(1, 1), YES), SAY(CHANGED, WANT(4, 0))},
     2,
     {SAY(ALLOCATED, LIVE({1, 0}, {1, 0})), SAY(ALLOCATED, LIVE({4, 0}, {0, 0}))},
     2,
     {{4, 0}, {0, 0}},
     FULFILLMENT_OPEN},
    {"stock moves to another place and grows",
     {SAY(PLACED, WANT(3, 0), YES)},
     1,
     {SAY(ALLOCATED, LIVE({1, 0})), SAY(ALLOCATED, LIVE({0, 2})), SAY(ALLOCATED, LIVE({1, 2}))},
     3,
     {{1, 2}, {0, 0}},
     FULFILLMENT_OPEN},
    {"changed, held, cancelled",
     {SAY(PLACED, WANT(1, 1), YES), SAY(CHANGED, WANT(3, 1)), SAY(HELD, NO),
      SAY(CANCELLED, WANT(1, 0), NO)},
     4,
     {SAY(ALLOCATED, LIVE({1, 0}, {1, 0})), SAY(ALLOCATED, LIVE({3, 0}, {1, 0})),
      SAY(ALLOCATED, LIVE({2, 0}, {1, 0}))},
     3,
     {{2, 0}, {1, 0}},
     FULFILLMENT_ON_HOLD},
};

/* Goes through every interleaving; each choice is a bit: the next of orders or of inventory. */
static void every_interleaving_ends_alike(void **state)
{
    (void)state;
    static const struct left_units none = {.count = 0};
    for (size_t s = 0; s < sizeof scripts / sizeof scripts[0]; s++) {
        const struct script *script = &scripts[s];
        size_t total = script->norders + script->ninventory, tried = 0;
        for (unsigned choice = 0; choice < 1u << total; choice++) {
            if ((size_t)__builtin_popcount(choice) != script->ninventory)
                continue;
            struct work work = {.number = ""};
            size_t o = 0, v = 0;
            for (size_t i = 0; i < total; i++) {
                bool is_inventory = (choice >> i & 1) != 0;
                hear(&work, is_inventory ? &script->inventory[v++] : &script->orders[o++], &none);
                check_sane(&work);
            }
            struct outcome outcome = outcome_of(&work);
            if (memcmp(outcome.assigned, script->expected, sizeof script->expected) != 0 ||
                outcome.last != script->status || outcome.unassigned != 0)
                fail_msg("%s, interleaving %#x: status %d, A %d+%d, B %d+%d", script->name, choice,
                         (int)outcome.last, (int)outcome.assigned[0][0],
                         (int)outcome.assigned[0][1], (int)outcome.assigned[1][0],
                         (int)outcome.assigned[1][1]);
            tried++;
        }
        assert_true(tried > 0);
    }
}

static void a_cancel_before_the_allocation_leaves_a_tombstone(void **state)
{
    (void)state;
    static const struct left_units none = {.count = 0};
    struct work work = {.number = ""};
    hear(&work, &(struct said)SAY(PLACED, WANT(2, 1), YES), &none);
    hear(&work, &(struct said)SAY(CANCELLED, WANT(2, 1), YES), &none);
    hear(&work, &(struct said)SAY(ALLOCATED, LIVE({2, 0}, {1, 0})), &none);
    assert_int_equal(work.nfulfillments, 0);
    assert_int_equal(work.nunassigned, 0);
}

static void more_stock_after_a_shipment_makes_a_new_fulfillment_order(void **state)
{
    (void)state;
    struct left_units left = {.count = 0};
    struct work work = {.number = ""};
    hear(&work, &(struct said)SAY(PLACED, WANT(3, 0), YES), &left);
    hear(&work, &(struct said)SAY(ALLOCATED, LIVE({1, 0})), &left);
    struct step_plan plan = rules_step(STEP_SHIP, work.fulfillments, NULL, 0, arena);
    rules_apply(work.fulfillments, &plan);
    rules_refresh(&work, 1);
    left.list[left.count++] = (struct placed_units){line_id(0), "A", places[0], 1};
    /* Inventory allocates two more before it has seen the first leave, and says so again after. */
    hear(&work, &(struct said)SAY(ALLOCATED, LIVE({3, 0})), &left);
    hear(&work, &(struct said)SAY(ALLOCATED, LIVE({2, 0}), .consumed = {1, 0}), &left);
    assert_int_equal(work.nfulfillments, 2);
    assert_int_equal(work.fulfillments[0].status, FULFILLMENT_SHIPPED);
    assert_int_equal(work.fulfillments[1].lines[0].allocated, 2);
    assert_int_equal(work.fulfillments[1].round, 2);
}

static void a_cancel_takes_the_units_that_nobody_has_touched(void **state)
{
    (void)state;
    static const struct left_units none = {.count = 0};
    struct work work = {.number = ""};
    hear(&work, &(struct said)SAY(PLACED, WANT(4, 0), YES), &none);
    hear(&work, &(struct said)SAY(ALLOCATED, LIVE({2, 2})), &none);
    struct step_plan plan = rules_step(STEP_PACK, &work.fulfillments[1], NULL, 0, arena);
    rules_apply(&work.fulfillments[1], &plan);
    rules_refresh(&work, 1);
    hear(&work, &(struct said)SAY(CANCELLED, WANT(2, 0), NO), &none);
    assert_int_equal(assigned(&work, 0, 0), 0);
    assert_int_equal(assigned(&work, 0, 1), 2);
    assert_int_equal(work.fulfillments[1].lines[0].packed, 2);
}

/* ---- a small world ---- */

struct world {
    struct work work;
    struct said orders_log[200], inventory_log[400];
    size_t norders, ninventory;         /* written */
    size_t read_orders, read_inventory; /* by fulfillment */
    size_t inventory_read_orders, inventory_read_left;
    struct left_units left; /* fulfillment's own log of shipments */
    /* orders */
    int64_t wanted[LINES];
    bool is_cancelled, is_held, has_changed;
    size_t stop_until; /* events that must be read before the work goes on */
    /* inventory */
    int64_t known_wanted[LINES], live[LINES][PLACES], consumed[LINES];
    size_t cancels_unread;
};

static void inventory_says(struct world *world)
{
    struct said *said = &world->inventory_log[world->ninventory++];
    *said = (struct said){.kind = ALLOCATED};
    memcpy(said->live, world->live, sizeof said->live);
    memcpy(said->consumed, world->consumed, sizeof said->consumed);
}

static int64_t allocated_of(const struct world *world, size_t line)
{
    int64_t units = world->consumed[line];
    for (size_t k = 0; k < PLACES; k++)
        units += world->live[line][k];
    return units;
}

/* Gives back what is no longer wanted, somewhere. */
static void inventory_releases(struct world *world, size_t line)
{
    while (allocated_of(world, line) > world->known_wanted[line]) {
        size_t place = (size_t)random() % PLACES;
        if (world->live[line][place] > 0)
            world->live[line][place]--;
        else if (world->live[line][1 - place] > 0)
            world->live[line][1 - place]--;
        else
            break;
    }
}

static void inventory_reads_orders(struct world *world)
{
    if (world->inventory_read_orders == world->norders)
        return;
    const struct said *said = &world->orders_log[world->inventory_read_orders++];
    if (said->kind != PLACED && said->kind != CHANGED && said->kind != CANCELLED)
        return;
    for (size_t i = 0; i < LINES; i++) {
        if (said->kind == CANCELLED)
            world->known_wanted[i] -= said->quantity[i];
        else
            world->known_wanted[i] = said->quantity[i];
        inventory_releases(world, i);
    }
    inventory_says(world);
}

static void inventory_reads_shipment(struct world *world)
{
    if (world->inventory_read_left == world->left.count)
        return;
    const struct placed_units *units = &world->left.list[world->inventory_read_left++];
    size_t line = units->line_id.bytes[15] - 1u;
    size_t place = strcmp(units->location, places[0]) == 0 ? 0 : 1;
    int64_t here =
        units->quantity < world->live[line][place] ? units->quantity : world->live[line][place];
    world->live[line][place] -= here;
    world->live[line][1 - place] -= units->quantity - here;
    world->consumed[line] += units->quantity;
    assert_true(world->live[line][1 - place] >= 0);
    inventory_says(world);
}

static void stock_arrives(struct world *world)
{
    size_t line = (size_t)random() % LINES, place = (size_t)random() % PLACES;
    int64_t missing = world->known_wanted[line] - allocated_of(world, line);
    if (missing <= 0)
        return;
    world->live[line][place] += 1 + random() % missing;
    inventory_says(world);
}

static void orders_says(struct world *world, struct said said)
{
    world->orders_log[world->norders++] = said;
}

/* A cancel asks fulfillment first, which then stands still until it has read the event. */
static void orders_cancels(struct world *world)
{
    struct said said = {.kind = CANCELLED};
    int64_t rest = 0;
    if (world->stop_until > world->read_orders || world->is_cancelled)
        return;
    for (size_t i = 0; i < LINES; i++) {
        struct uuid id = line_id(i);
        int64_t shipped = rules_totals(&world->work, &id).shipped;
        int64_t open = world->wanted[i] - shipped;
        int64_t asked = random() % 2 == 0 ? open : random() % (open + 1);
        said.quantity[i] = asked > 0 ? rules_stoppable(&world->work, &id, asked, false) : 0;
        int64_t picked = rules_totals(&world->work, &id).picked;
        int64_t spared = asked > 0 ? rules_stoppable(&world->work, &id, asked, true) : 0;
        assert_true(spared <= said.quantity[i]);
        assert_true(spared == 0 || picked + spared <= world->wanted[i]);
        assert_true(shipped + said.quantity[i] <= world->wanted[i]);
        world->wanted[i] -= said.quantity[i];
        rest += world->wanted[i];
    }
    world->has_changed = true;
    said.flag = world->is_cancelled = rest == 0;
    orders_says(world, said);
    world->stop_until = world->norders;
}

/* Once: after a second change an allocation from before the first would look like one from after
 * it, and nothing asks fulfillment to stand still for what a channel changes. */
static void orders_changes(struct world *world)
{
    struct said said = {.kind = CHANGED};
    if (world->is_cancelled || world->has_changed || world->work.nfulfillments != 0 ||
        world->stop_until > world->read_orders)
        return;
    for (size_t i = 0; i < LINES; i++)
        said.quantity[i] = world->wanted[i] = random() % 5;
    orders_says(world, said);
    world->has_changed = true;
    world->stop_until = world->norders;
}

static void orders_holds(struct world *world)
{
    world->is_held = !world->is_held;
    orders_says(world, (struct said){.kind = world->is_held ? HELD : RELEASED, .flag = true});
}

static void fulfillment_reads(struct world *world, bool is_inventory)
{
    if (is_inventory && world->read_inventory < world->ninventory)
        hear(&world->work, &world->inventory_log[world->read_inventory++], &world->left);
    if (!is_inventory && world->read_orders < world->norders)
        hear(&world->work, &world->orders_log[world->read_orders++], &world->left);
}

static void warehouse_works(struct world *world)
{
    if (world->work.nfulfillments == 0)
        return;
    struct fulfillment *one =
        &world->work.fulfillments[(size_t)random() % world->work.nfulfillments];
    bool is_stopped = world->stop_until > world->read_orders;
    if (random() % 12 == 0) {
        if (rules_cancel(&world->work, one, is_stopped, arena).refusal.status == STATUS_OK)
            orders_says(world, (struct said){.kind = UNWITHHELD});
        rules_refresh(&world->work, 1);
        return;
    }
    if (rules_may_work(&world->work, one, is_stopped, arena).status != STATUS_OK)
        return;
    struct step_line ask = {skus[random() % LINES], "", 1 + random() % 2};
    struct step_plan plan =
        rules_step((enum step)(random() % 3), one, &ask, (size_t)random() % 2, arena);
    if (plan.refusal.status != STATUS_OK)
        return;
    for (size_t i = 0; i < one->nlines; i++)
        if (plan.ship[i] != 0)
            world->left.list[world->left.count++] = (struct placed_units){
                one->lines[i].order_line_id, one->lines[i].sku, one->location, plan.ship[i]};
    rules_apply(one, &plan);
    rules_refresh(&world->work, 1);
}

static void one_turn(struct world *world)
{
    switch (random() % 16) {
    case 0:
        inventory_reads_orders(world);
        break;
    case 1:
        inventory_reads_shipment(world);
        break;
    case 2:
        stock_arrives(world);
        break;
    case 3:
        if (random() % 10 == 0)
            orders_cancels(world);
        break;
    case 4:
        if (random() % 4 == 0)
            orders_changes(world);
        break;
    case 5:
        if (random() % 6 == 0)
            orders_holds(world);
        break;
    case 6:
    case 7:
        fulfillment_reads(world, false);
        break;
    case 8:
    case 9:
        fulfillment_reads(world, true);
        break;
    default:
        warehouse_works(world);
    }
}

static void settle(struct world *world)
{
    if (world->is_held)
        orders_holds(world);
    orders_says(world, (struct said){.kind = UNWITHHELD});
    while (world->inventory_read_orders < world->norders)
        inventory_reads_orders(world);
    while (world->inventory_read_left < world->left.count)
        inventory_reads_shipment(world);
    while (world->read_orders < world->norders || world->read_inventory < world->ninventory) {
        fulfillment_reads(world, random() % 2 == 0);
        check_sane(&world->work);
    }
}

static void check_agreement(const struct world *world)
{
    for (size_t i = 0; i < LINES; i++) {
        struct uuid id = line_id(i);
        struct line_totals totals = rules_totals(&world->work, &id);
        assert_true(totals.shipped <= world->wanted[i]);
        assert_int_equal(totals.allocated, allocated_of(world, i));
        assert_int_equal(totals.shipped, world->consumed[i]);
    }
    assert_int_equal(world->work.nunassigned, 0);
    for (size_t i = 0; i < world->work.nfulfillments; i++)
        assert_int_not_equal(world->work.fulfillments[i].status, FULFILLMENT_ON_HOLD);
}

static void random_worlds_agree_when_all_is_read(void **state)
{
    (void)state;
    static struct world world;
    size_t shipped = 0;
    for (unsigned seed = 1; seed <= 4000; seed++) {
        srandom(seed);
        arena_reset(arena);
        memset(&world, 0, sizeof world);
        world.work.number = "";
        struct said placed = {.kind = PLACED, .flag = random() % 4 != 0};
        for (size_t i = 0; i < LINES; i++)
            placed.quantity[i] = world.wanted[i] = random() % 5;
        orders_says(&world, placed);
        if (!placed.flag)
            orders_says(&world, (struct said){.kind = CONFIRMED});
        size_t turns = (size_t)random() % 160;
        for (size_t turn = 0; turn < turns; turn++) {
            one_turn(&world);
            check_sane(&world.work);
        }
        settle(&world);
        check_agreement(&world);
        shipped += world.left.count;
    }
    print_message("%zu shipments\n", shipped);
    assert_true(shipped > 2000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_interleaving_ends_alike),
        cmocka_unit_test(a_cancel_before_the_allocation_leaves_a_tombstone),
        cmocka_unit_test(more_stock_after_a_shipment_makes_a_new_fulfillment_order),
        cmocka_unit_test(a_cancel_takes_the_units_that_nobody_has_touched),
        cmocka_unit_test(random_worlds_agree_when_all_is_read),
    };
    return cmocka_run_group_tests_name("fulfillment allocations", tests, open_arena, close_arena);
}
