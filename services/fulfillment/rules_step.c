/* The steps pick, pack and ship: sharing what is asked out to the lines. */
#include <string.h>

#include "rules.h"

/* A line's totals around a step: done by it, made ready by the one before, and the most it can
 * reach. */
struct progress {
    int64_t done, ready, most;
};

static struct progress progress_of(enum step step, const struct fulfillment_line *line)
{
    int64_t most = line->allocated - line->cancelled;
    switch (step) {
    case STEP_PICK:
        return (struct progress){line->picked, most, most};
    case STEP_PACK:
        return (struct progress){line->packed, line->picked, most};
    case STEP_SHIP:
        return (struct progress){line->shipped, line->packed, most};
    }
    return (struct progress){0, 0, 0};
}

static int64_t more(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t less(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static bool matches(const struct fulfillment_line *line, const struct step_line *asked)
{
    struct uuid id;
    if (asked->sku[0] != '\0' && strcmp(line->sku, asked->sku) != 0)
        return false;
    if (asked->order_line_id[0] == '\0')
        return true;
    return uuid_parse(asked->order_line_id, &id) && uuid_equal(&id, &line->order_line_id);
}

static struct refusal refuse_line(size_t index, const char *member, enum status status,
                                  const char *code, const char *text, struct arena *arena)
{
    return (struct refusal){.status = status,
                            .code = code,
                            .field = arena_printf(arena, "lines[%zu].%s", index, member),
                            .text = text};
}

static struct refusal check_line(const struct fulfillment *one, const struct step_line *asked,
                                 size_t index, struct arena *arena)
{
    if (asked->sku[0] == '\0' && asked->order_line_id[0] == '\0')
        return refuse_line(index, "sku", STATUS_INVALID, "required", "Name the SKU.", arena);
    if (asked->quantity < 1 || asked->quantity > FULFILLMENT_MAX_QUANTITY)
        return refuse_line(index, "quantity", STATUS_INVALID, "out_of_range",
                           "A quantity is at least 1.", arena);
    for (size_t i = 0; i < one->nlines; i++)
        if (matches(&one->lines[i], asked))
            return (struct refusal){.status = STATUS_OK};
    if (asked->order_line_id[0] != '\0')
        return refuse_line(index, "order_line_id", STATUS_INVALID, "not_found",
                           "No such line is on this fulfillment order.", arena);
    return refuse_line(index, "sku", STATUS_INVALID, "unknown_sku",
                       "This SKU is not on this fulfillment order.", arena);
}

/* Takes up to quantity from the matching lines, as far as each can reach; returns what was not
 * found. */
static int64_t take(enum step step, const struct fulfillment *one, const struct step_line *asked,
                    int64_t quantity, bool only_ready, int64_t *taken)
{
    for (size_t i = 0; i < one->nlines && quantity > 0; i++) {
        if (!matches(&one->lines[i], asked))
            continue;
        struct progress at = progress_of(step, &one->lines[i]);
        int64_t reach = only_ready ? at.ready : at.most;
        int64_t units = less(quantity, more(0, reach - at.done - taken[i]));
        taken[i] += units;
        quantity -= units;
    }
    return quantity;
}

static struct refusal refuse_excess(enum step step, const struct fulfillment *one,
                                    const struct step_line *asked, size_t index, int64_t missing,
                                    struct arena *arena)
{
    static const char *const words[] = {"pick", "pack", "ship"};
    struct refusal refusal =
        refuse_line(index, "quantity", STATUS_CONFLICT, "quantity_too_large", "", arena);
    for (size_t i = 0; i < one->nlines; i++) {
        if (!matches(&one->lines[i], asked))
            continue;
        refusal.allocated += one->lines[i].allocated - one->lines[i].cancelled;
        refusal.picked += one->lines[i].picked;
        refusal.packed += one->lines[i].packed;
        refusal.shipped += one->lines[i].shipped;
    }
    refusal.has_figures = true;
    refusal.left = asked->quantity - missing;
    refusal.text = arena_printf(
        arena, "Only %lld of %s are left to %s, not %lld.", (long long)refusal.left,
        asked->sku[0] != '\0' ? asked->sku : "this line", words[step], (long long)asked->quantity);
    return refusal;
}

/* An empty object: what the step before has made ready; failing that what the one before it has;
 * when nobody has begun, all that is left. */
static int64_t take_all(enum step step, const struct fulfillment *one, int64_t *taken)
{
    int64_t ready = 0, picked = 0, all = 0;
    for (size_t i = 0; i < one->nlines; i++) {
        struct progress at = progress_of(step, &one->lines[i]);
        ready += at.ready - at.done;
        picked += more(0, one->lines[i].picked - at.done);
    }
    for (size_t i = 0; i < one->nlines; i++) {
        struct progress at = progress_of(step, &one->lines[i]);
        int64_t reach = ready > 0 ? at.ready : picked > 0 ? one->lines[i].picked : at.most;
        taken[i] = more(0, reach - at.done);
        all += taken[i];
    }
    return all;
}

/* The earlier steps that the units imply. */
static void imply(enum step step, const struct fulfillment *one, const int64_t *taken,
                  struct step_plan *plan)
{
    for (size_t i = 0; i < one->nlines; i++) {
        const struct fulfillment_line *line = &one->lines[i];
        int64_t ship = step == STEP_SHIP ? taken[i] : 0;
        int64_t pack = step == STEP_PACK ? taken[i] : more(0, line->shipped + ship - line->packed);
        int64_t pick = step == STEP_PICK ? taken[i] : more(0, line->packed + pack - line->picked);
        plan->ship[i] = ship;
        plan->pack[i] = pack;
        plan->pick[i] = pick;
    }
}

struct step_plan rules_step(enum step step, const struct fulfillment *one,
                            const struct step_line *lines, size_t nlines, struct arena *arena)
{
    struct step_plan plan = {ARENA_ARRAY(arena, one->nlines, int64_t),
                             ARENA_ARRAY(arena, one->nlines, int64_t),
                             ARENA_ARRAY(arena, one->nlines, int64_t),
                             {.status = STATUS_OK, .code = "", .field = "", .text = ""}};
    int64_t *taken = ARENA_ARRAY(arena, one->nlines, int64_t);
    if (nlines == 0 && take_all(step, one, taken) == 0) {
        plan.refusal =
            (struct refusal){.status = STATUS_CONFLICT,
                             .code = "invalid_state",
                             .field = "",
                             .text = step == STEP_PICK ? "Everything is picked already."
                                                       : "Everything is packed already."};
        return plan;
    }
    for (size_t i = 0; i < nlines; i++) {
        plan.refusal = check_line(one, &lines[i], i, arena);
        if (plan.refusal.status != STATUS_OK)
            return plan;
        int64_t missing = take(step, one, &lines[i], lines[i].quantity, true, taken);
        missing = take(step, one, &lines[i], missing, false, taken);
        if (missing > 0) {
            plan.refusal = refuse_excess(step, one, &lines[i], i, missing, arena);
            return plan;
        }
    }
    imply(step, one, taken, &plan);
    return plan;
}

void rules_apply(struct fulfillment *one, const struct step_plan *plan)
{
    for (size_t i = 0; i < one->nlines; i++) {
        struct fulfillment_line *line = &one->lines[i];
        if (plan->pick[i] == 0 && plan->pack[i] == 0 && plan->ship[i] == 0)
            continue;
        line->picked += plan->pick[i];
        line->packed += plan->pack[i];
        line->shipped += plan->ship[i];
        line->is_changed = one->is_changed = true;
    }
}
