/* The rules of a fulfillment order: statuses, steps, refusals; as tables and as random sequences.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
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

static struct uuid id_of(unsigned number)
{
    struct uuid id = {{0}};
    id.bytes[14] = (uint8_t)(number >> 8);
    id.bytes[15] = (uint8_t)number;
    return id;
}

/* One fulfillment order of a confirmed order; lines named by SKU, quantities as given. */
static struct work work_with(size_t nlines, const struct fulfillment_line *lines)
{
    struct work work = {.order_id = id_of(1), .number = "WEB-1", .is_confirmed = true};
    work.fulfillments = ARENA_ARRAY(arena, 1, struct fulfillment);
    work.nfulfillments = work.room = 1;
    struct fulfillment *one = work.fulfillments;
    *one = (struct fulfillment){.id = id_of(2),
                                .location = "hk-main",
                                .round = 1,
                                .status = FULFILLMENT_OPEN,
                                .version = 1,
                                .nlines = nlines,
                                .room = nlines};
    one->lines = ARENA_ARRAY(arena, nlines, struct fulfillment_line);
    for (size_t i = 0; i < nlines; i++) {
        one->lines[i] = lines[i];
        one->lines[i].order_line_id = id_of((unsigned)(100 + i));
    }
    rules_refresh(&work, 1);
    return work;
}

static void a_status_follows_from_the_facts(void **state)
{
    (void)state;
    static const struct {
        bool is_confirmed, is_on_hold;
        int64_t allocated, cancelled, picked, packed, shipped, delivered;
        enum fulfillment_status status;
    } cases[] = {
        {false, false, 3, 0, 0, 0, 0, 0, FULFILLMENT_SCHEDULED},
        {false, true, 3, 0, 0, 0, 0, 0, FULFILLMENT_SCHEDULED},
        {true, false, 3, 0, 0, 0, 0, 0, FULFILLMENT_OPEN},
        {true, true, 3, 0, 0, 0, 0, 0, FULFILLMENT_ON_HOLD},
        {true, true, 3, 0, 3, 3, 0, 0, FULFILLMENT_ON_HOLD},
        {true, false, 3, 0, 1, 0, 0, 0, FULFILLMENT_PICKING},
        {true, false, 3, 0, 3, 0, 0, 0, FULFILLMENT_PICKED},
        {true, false, 3, 1, 2, 0, 0, 0, FULFILLMENT_PICKED},
        {true, false, 3, 0, 3, 1, 0, 0, FULFILLMENT_PACKING},
        {true, false, 3, 0, 3, 3, 0, 0, FULFILLMENT_PACKED},
        {true, false, 3, 0, 3, 3, 1, 0, FULFILLMENT_PACKED},
        {true, false, 3, 0, 1, 1, 1, 0, FULFILLMENT_OPEN},
        {true, false, 3, 0, 2, 1, 1, 0, FULFILLMENT_PICKING},
        {true, false, 3, 0, 3, 1, 1, 0, FULFILLMENT_PICKED},
        {true, false, 3, 0, 3, 3, 3, 0, FULFILLMENT_SHIPPED},
        {true, true, 3, 0, 3, 3, 3, 0, FULFILLMENT_SHIPPED},
        {true, false, 3, 1, 2, 2, 2, 1, FULFILLMENT_SHIPPED},
        {true, false, 3, 1, 2, 2, 2, 2, FULFILLMENT_CLOSED},
        {true, false, 3, 3, 0, 0, 0, 0, FULFILLMENT_CANCELLED},
        {false, false, 3, 3, 0, 0, 0, 0, FULFILLMENT_CANCELLED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fulfillment_line line = {.sku = "A",
                                        .allocated = cases[i].allocated,
                                        .cancelled = cases[i].cancelled,
                                        .picked = cases[i].picked,
                                        .packed = cases[i].packed,
                                        .shipped = cases[i].shipped};
        struct fulfillment one = {.lines = &line, .nlines = 1, .delivered = cases[i].delivered};
        struct work work = {.is_confirmed = cases[i].is_confirmed,
                            .is_on_hold = cases[i].is_on_hold};
        if (rules_status(&work, &one) != cases[i].status)
            fail_msg("case %zu: %s, not %s", i, rules_status_name(rules_status(&work, &one)),
                     rules_status_name(cases[i].status));
    }
}

static void step(struct work *work, enum step which, const struct step_line *lines, size_t count)
{
    struct step_plan plan = rules_step(which, work->fulfillments, lines, count, arena);
    assert_int_equal(plan.refusal.status, STATUS_OK);
    rules_apply(work->fulfillments, &plan);
    rules_refresh(work, 2);
}

static void expect_line(const struct work *work, size_t line, int64_t picked, int64_t packed,
                        int64_t shipped)
{
    assert_int_equal(work->fulfillments->lines[line].picked, picked);
    assert_int_equal(work->fulfillments->lines[line].packed, packed);
    assert_int_equal(work->fulfillments->lines[line].shipped, shipped);
}

static void an_empty_object_means_all_that_is_left(void **state)
{
    (void)state;
    struct fulfillment_line lines[] = {{.sku = "A", .allocated = 2}, {.sku = "B", .allocated = 1}};
    struct work work = work_with(2, lines);
    step(&work, STEP_PICK, NULL, 0);
    expect_line(&work, 0, 2, 0, 0);
    assert_int_equal(work.fulfillments->status, FULFILLMENT_PICKED);
    step(&work, STEP_PACK, NULL, 0);
    expect_line(&work, 1, 1, 1, 0);
    assert_int_equal(work.fulfillments->status, FULFILLMENT_PACKED);
    step(&work, STEP_SHIP, NULL, 0);
    expect_line(&work, 0, 2, 2, 2);
    assert_int_equal(work.fulfillments->status, FULFILLMENT_SHIPPED);
}

static void shipping_at_once_implies_picking_and_packing(void **state)
{
    (void)state;
    struct fulfillment_line lines[] = {{.sku = "A", .allocated = 3, .picked = 1}};
    struct work work = work_with(1, lines);
    struct step_line two = {"A", "", 2};
    struct step_plan plan = rules_step(STEP_SHIP, work.fulfillments, &two, 1, arena);
    assert_int_equal(plan.pick[0], 1);
    assert_int_equal(plan.pack[0], 2);
    assert_int_equal(plan.ship[0], 2);
}

static void an_empty_object_takes_what_the_step_before_made_ready(void **state)
{
    (void)state;
    struct fulfillment_line packed[] = {{.sku = "A", .allocated = 3, .picked = 2, .packed = 1}};
    struct work work = work_with(1, packed);
    assert_int_equal(rules_step(STEP_SHIP, work.fulfillments, NULL, 0, arena).ship[0], 1);
    assert_int_equal(rules_step(STEP_PACK, work.fulfillments, NULL, 0, arena).pack[0], 1);
    struct fulfillment_line picked[] = {{.sku = "A", .allocated = 3, .picked = 2}};
    work = work_with(1, picked);
    assert_int_equal(rules_step(STEP_SHIP, work.fulfillments, NULL, 0, arena).ship[0], 2);
    struct fulfillment_line untouched[] = {{.sku = "A", .allocated = 3}};
    work = work_with(1, untouched);
    assert_int_equal(rules_step(STEP_SHIP, work.fulfillments, NULL, 0, arena).ship[0], 3);
}

static void units_that_are_ready_go_first(void **state)
{
    (void)state;
    struct fulfillment_line lines[] = {{.sku = "A", .allocated = 2},
                                       {.sku = "A", .allocated = 2, .picked = 2, .packed = 2}};
    struct work work = work_with(2, lines);
    struct step_line three = {"A", "", 3};
    struct step_plan plan = rules_step(STEP_SHIP, work.fulfillments, &three, 1, arena);
    assert_int_equal(plan.ship[1], 2);
    assert_int_equal(plan.ship[0], 1);
    char text[UUID_TEXT_BYTES];
    struct uuid first = id_of(100);
    struct step_line named = {"", uuid_text(&first, text), 1};
    plan = rules_step(STEP_SHIP, work.fulfillments, &named, 1, arena);
    assert_int_equal(plan.ship[0], 1);
    assert_int_equal(plan.ship[1], 0);
}

static void a_line_at_fault_is_named(void **state)
{
    (void)state;
    struct fulfillment_line lines[] = {
        {.sku = "A", .allocated = 4, .cancelled = 1, .picked = 2, .packed = 2, .shipped = 1},
        {.sku = "B", .allocated = 1}};
    struct work work = work_with(2, lines);
    static const struct {
        enum step step;
        struct step_line lines[2];
        size_t count;
        enum status status;
        const char *code, *field;
    } cases[] = {
        {STEP_PICK, {{"C", "", 1}}, 1, STATUS_INVALID, "unknown_sku", "lines[0].sku"},
        {STEP_PICK, {{"B", "", 1}, {"C", "", 1}}, 2, STATUS_INVALID, "unknown_sku", "lines[1].sku"},
        {STEP_PICK, {{"", "", 1}}, 1, STATUS_INVALID, "required", "lines[0].sku"},
        {STEP_PICK, {{"A", "x", 1}}, 1, STATUS_INVALID, "not_found", "lines[0].order_line_id"},
        {STEP_PICK, {{"A", "", 0}}, 1, STATUS_INVALID, "out_of_range", "lines[0].quantity"},
        {STEP_PICK, {{"A", "", -1}}, 1, STATUS_INVALID, "out_of_range", "lines[0].quantity"},
        {STEP_PICK, {{"A", "", 2}}, 1, STATUS_CONFLICT, "quantity_too_large", "lines[0].quantity"},
        {STEP_PACK, {{"A", "", 2}}, 1, STATUS_CONFLICT, "quantity_too_large", "lines[0].quantity"},
        {STEP_SHIP, {{"A", "", 3}}, 1, STATUS_CONFLICT, "quantity_too_large", "lines[0].quantity"},
        {STEP_SHIP,
         {{"A", "", 2}, {"A", "", 1}},
         2,
         STATUS_CONFLICT,
         "quantity_too_large",
         "lines[1].quantity"},
        {STEP_SHIP, {{"A", "", INT64_MAX}}, 1, STATUS_INVALID, "out_of_range", "lines[0].quantity"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct refusal refusal =
            rules_step(cases[i].step, work.fulfillments, cases[i].lines, cases[i].count, arena)
                .refusal;
        assert_int_equal(refusal.status, cases[i].status);
        assert_string_equal(refusal.code, cases[i].code);
        assert_string_equal(refusal.field, cases[i].field);
    }
    struct step_line three = {"A", "", 3};
    struct refusal refusal = rules_step(STEP_SHIP, work.fulfillments, &three, 1, arena).refusal;
    assert_true(refusal.has_figures);
    assert_int_equal(refusal.left, 2);
    assert_int_equal(refusal.allocated, 3);
    assert_int_equal(refusal.shipped, 1);
    assert_string_equal(refusal.text, "Only 2 of A are left to ship, not 3.");
}

static void nothing_left_is_a_refusal(void **state)
{
    (void)state;
    struct fulfillment_line lines[] = {{.sku = "A", .allocated = 1, .picked = 1, .packed = 1}};
    struct work work = work_with(1, lines);
    assert_string_equal(rules_step(STEP_PICK, work.fulfillments, NULL, 0, arena).refusal.code,
                        "invalid_state");
    assert_string_equal(rules_step(STEP_PACK, work.fulfillments, NULL, 0, arena).refusal.code,
                        "invalid_state");
}

static void work_waits_for_confirmation_holds_and_stops(void **state)
{
    (void)state;
    struct fulfillment_line lines[] = {{.sku = "A", .allocated = 1}};
    struct work work = work_with(1, lines);
    assert_int_equal(rules_may_work(&work, work.fulfillments, false, arena).status, STATUS_OK);
    assert_string_equal(rules_may_work(&work, work.fulfillments, true, arena).code, "work_stopped");
    work.is_on_hold = true;
    rules_refresh(&work, 2);
    assert_string_equal(rules_may_work(&work, work.fulfillments, false, arena).code,
                        "order_on_hold");
    work.is_on_hold = false;
    rules_refresh(&work, 2);
    step(&work, STEP_SHIP, NULL, 0);
    assert_string_equal(rules_may_work(&work, work.fulfillments, false, arena).code,
                        "already_shipped");
    work.fulfillments->status = FULFILLMENT_SCHEDULED;
    assert_string_equal(rules_may_work(&work, work.fulfillments, false, arena).code,
                        "invalid_state");
}

static void cancelled_work_comes_back_when_it_is_released(void **state)
{
    (void)state;
    struct fulfillment_line lines[] = {{.sku = "A", .allocated = 3, .picked = 2, .packed = 1}};
    struct work work = work_with(1, lines);
    struct undo undo = rules_cancel(&work, work.fulfillments, true, arena);
    assert_string_equal(undo.refusal.code, "work_stopped");
    undo = rules_cancel(&work, work.fulfillments, false, arena);
    assert_int_equal(undo.quantity[0], 3);
    rules_refresh(&work, 2);
    assert_int_equal(work.fulfillments->status, FULFILLMENT_CANCELLED);
    expect_line(&work, 0, 0, 0, 0);
    rules_reconcile(&work, 3, arena);
    assert_int_equal(work.nfulfillments, 1);
    work.is_withheld = false;
    rules_reconcile(&work, 4, arena);
    assert_int_equal(work.nfulfillments, 2);
    assert_int_equal(work.nunassigned, 0);
    assert_int_equal(work.fulfillments[1].round, 2);
    assert_int_equal(work.fulfillments[1].status, FULFILLMENT_OPEN);
    assert_int_equal(work.fulfillments[1].lines[0].allocated, 3);
    assert_string_equal(rules_cancel(&work, work.fulfillments, false, arena).refusal.code,
                        "invalid_state");
}

static void cancelling_keeps_what_has_left(void **state)
{
    (void)state;
    struct fulfillment_line lines[] = {
        {.sku = "A", .allocated = 3, .picked = 2, .packed = 2, .shipped = 1}};
    struct work work = work_with(1, lines);
    struct undo undo = rules_cancel(&work, work.fulfillments, false, arena);
    assert_int_equal(undo.quantity[0], 2);
    rules_refresh(&work, 2);
    expect_line(&work, 0, 1, 1, 1);
    assert_int_equal(work.fulfillments->status, FULFILLMENT_SHIPPED);
}

static void a_parcel_never_moves_back(void **state)
{
    (void)state;
    static const enum parcel_status all[] = {
#define X(name, number) PARCEL_##name,
        PARCEL_STATUSES(X)
#undef X
    };
    size_t count = sizeof all / sizeof all[0];
    for (size_t a = 0; a < count; a++) {
        assert_false(rules_parcel_may_become(all[a], all[a]) && all[a] == PARCEL_DELIVERED);
        assert_false(rules_parcel_may_become(PARCEL_DELIVERED, all[a]));
        for (size_t b = 0; b < count; b++)
            if (rules_parcel_may_become(all[a], all[b]) && rules_parcel_may_become(all[b], all[a]))
                assert_true(all[a] == all[b] || all[a] == PARCEL_IN_TRANSIT ||
                            all[a] == PARCEL_EXCEPTION || all[a] == PARCEL_STORE_CLOSED);
    }
    assert_true(rules_parcel_may_become(PARCEL_HANDED_OVER, PARCEL_DELIVERED));
}

static void a_label_is_plain_text(void **state)
{
    (void)state;
    static const struct {
        const char *carrier, *tracking, *key, *field;
    } cases[] = {
        {"sf-express", "SF123", "", ""},
        {"順豐速運", "1Z 999 AA", "box-1", ""},
        {"", "", "", ""},
        {"a\nb", "SF123", "", "carrier"},
        {"sf", "SF\r\n123", "", "tracking_number"},
        {"sf", " SF123", "", "tracking_number"},
        {"sf", "單號", "", "tracking_number"},
        {"sf", "0123456789012345678901234567890123456789012345678901234567890123x", "",
         "tracking_number"},
        {"sf", "SF1", "a\tb", "parcel_key"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct refusal refusal =
            rules_check_label(cases[i].carrier, cases[i].tracking, cases[i].key);
        assert_string_equal(refusal.field, cases[i].field);
        assert_int_equal(refusal.status, cases[i].field[0] != '\0' ? STATUS_INVALID : STATUS_OK);
    }
}

static void check_order(const struct work *work)
{
    for (size_t i = 0; i < work->nfulfillments; i++)
        for (size_t k = 0; k < work->fulfillments[i].nlines; k++) {
            const struct fulfillment_line *line = &work->fulfillments[i].lines[k];
            assert_true(0 <= line->shipped && line->shipped <= line->packed &&
                        line->packed <= line->picked &&
                        line->picked <= line->allocated - line->cancelled);
        }
}

/* rules_refresh() asserts that every change of status is in the table. */
static void random_work_keeps_its_quantities_in_order(void **state)
{
    (void)state;
    srandom(20261122);
    static const char *const skus[] = {"A", "B", "A", "C"};
    for (int run = 0; run < 3000; run++) {
        arena_reset(arena);
        struct fulfillment_line lines[4] = {0};
        size_t nlines = 1 + (size_t)random() % 4;
        for (size_t i = 0; i < nlines; i++)
            lines[i] = (struct fulfillment_line){.sku = skus[i], .allocated = 1 + random() % 5};
        struct work work = work_with(nlines, lines);
        for (int turn = 0; turn < 20; turn++) {
            struct fulfillment *one = &work.fulfillments[work.nfulfillments - 1];
            switch (random() % 8) {
            case 0:
                work.is_on_hold = !work.is_on_hold;
                break;
            case 1:
                if (random() % 4 == 0)
                    (void)rules_cancel(&work, one, false, arena);
                break;
            case 2:
                work.is_withheld = false;
                rules_reconcile(&work, turn, arena);
                break;
            default:
                if (rules_may_work(&work, one, false, arena).status != STATUS_OK)
                    break;
                struct step_line ask = {skus[random() % 4], "", 1 + random() % 4};
                struct step_plan plan =
                    rules_step((enum step)(random() % 3), one, &ask, (size_t)random() % 2, arena);
                if (plan.refusal.status == STATUS_OK)
                    rules_apply(one, &plan);
            }
            rules_refresh(&work, turn);
            check_order(&work);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_status_follows_from_the_facts),
        cmocka_unit_test(an_empty_object_means_all_that_is_left),
        cmocka_unit_test(shipping_at_once_implies_picking_and_packing),
        cmocka_unit_test(an_empty_object_takes_what_the_step_before_made_ready),
        cmocka_unit_test(units_that_are_ready_go_first),
        cmocka_unit_test(a_line_at_fault_is_named),
        cmocka_unit_test(nothing_left_is_a_refusal),
        cmocka_unit_test(work_waits_for_confirmation_holds_and_stops),
        cmocka_unit_test(cancelled_work_comes_back_when_it_is_released),
        cmocka_unit_test(cancelling_keeps_what_has_left),
        cmocka_unit_test(a_parcel_never_moves_back),
        cmocka_unit_test(a_label_is_plain_text),
        cmocka_unit_test(random_work_keeps_its_quantities_in_order),
    };
    return cmocka_run_group_tests_name("fulfillment rules", tests, open_arena, close_arena);
}
