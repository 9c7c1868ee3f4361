#include "rules.h"

#include <assert.h>
#include <string.h>

const char *rules_status_name(enum fulfillment_status status)
{
    switch (status) {
#define X(name, number)                                                                            \
    case FULFILLMENT_##name:                                                                       \
        return #name;
        FULFILLMENT_STATUSES(X)
#undef X
    }
    return "UNKNOWN";
}

#define TO(name) (1u << FULFILLMENT_##name)
/* Work goes forth and back between these: units are added, undone, held and released. */
#define AT_WORK                                                                                    \
    (TO(OPEN) | TO(ON_HOLD) | TO(PICKING) | TO(PICKED) | TO(PACKING) | TO(PACKED) | TO(SHIPPED) |  \
     TO(CLOSED) | TO(CANCELLED))

static const unsigned transitions[] = {
    [FULFILLMENT_SCHEDULED] = TO(OPEN) | TO(ON_HOLD) | TO(CANCELLED),
    [FULFILLMENT_OPEN] = AT_WORK,
    [FULFILLMENT_ON_HOLD] = AT_WORK,
    [FULFILLMENT_PICKING] = AT_WORK,
    [FULFILLMENT_PICKED] = AT_WORK,
    [FULFILLMENT_PACKING] = AT_WORK,
    [FULFILLMENT_PACKED] = AT_WORK,
    [FULFILLMENT_SHIPPED] = TO(CLOSED),
    [FULFILLMENT_COLLECTED] = 0, /* so that the table has a row for each */
};

bool rules_may_become(enum fulfillment_status from, enum fulfillment_status to)
{
    return from == to || (transitions[from] & (1u << to)) != 0;
}

#undef TO
#undef AT_WORK

/* How far along a parcel is: it never moves to a lower rank, and ends of equal rank exclude each
 * other. What stops it on the way may still be overcome. */
static const int parcel_ranks[] = {
    [PARCEL_LABEL_CREATED] = 1,
    [PARCEL_HANDED_OVER] = 2,
    [PARCEL_IN_TRANSIT] = 3,
    [PARCEL_EXCEPTION] = 3,
    [PARCEL_STORE_CLOSED] = 3,
    [PARCEL_OUT_FOR_DELIVERY] = 4,
    [PARCEL_ARRIVED_AT_STORE] = 4,
    [PARCEL_UNCOLLECTED] = 5,
    [PARCEL_RETURNING] = 6,
    [PARCEL_DELIVERED] = 9,
    [PARCEL_COLLECTED] = 9,
    [PARCEL_RETURNED_TO_SENDER] = 9,
    [PARCEL_LOST] = 9,
    [PARCEL_VOIDED] = 9,
};

bool rules_parcel_may_become(enum parcel_status from, enum parcel_status to)
{
    return parcel_ranks[to] > parcel_ranks[from] ||
           (parcel_ranks[to] == parcel_ranks[from] && parcel_ranks[from] == 3);
}

bool rules_is_final(enum fulfillment_status status)
{
    switch (status) {
    case FULFILLMENT_SHIPPED:
    case FULFILLMENT_CLOSED:
    case FULFILLMENT_REJECTED:
    case FULFILLMENT_CANCELLED:
    case FULFILLMENT_COLLECTED:
        return true;
    case FULFILLMENT_SCHEDULED:
    case FULFILLMENT_OPEN:
    case FULFILLMENT_ON_HOLD:
    case FULFILLMENT_IN_WAVE:
    case FULFILLMENT_PICKING:
    case FULFILLMENT_PICKED:
    case FULFILLMENT_PACKING:
    case FULFILLMENT_PACKED:
    case FULFILLMENT_READY:
    case FULFILLMENT_SHORT:
    case FULFILLMENT_READY_FOR_PICKUP:
        return false;
    }
    return false;
}

int64_t rules_left(const struct fulfillment_line *line)
{
    return line->allocated - line->cancelled - line->shipped;
}

static struct line_totals sum_of(const struct fulfillment *one)
{
    struct line_totals sum = {0};
    for (size_t i = 0; i < one->nlines; i++) {
        const struct fulfillment_line *line = &one->lines[i];
        sum.allocated += line->allocated - line->cancelled;
        sum.picked += line->picked;
        sum.packed += line->packed;
        sum.shipped += line->shipped;
    }
    return sum;
}

enum fulfillment_status rules_status(const struct work *work, const struct fulfillment *one)
{
    struct line_totals sum = sum_of(one);
    if (sum.allocated == sum.shipped) {
        if (sum.shipped == 0)
            return FULFILLMENT_CANCELLED;
        return one->delivered == sum.shipped ? FULFILLMENT_CLOSED : FULFILLMENT_SHIPPED;
    }
    if (!work->is_confirmed)
        return FULFILLMENT_SCHEDULED;
    if (work->is_on_hold)
        return FULFILLMENT_ON_HOLD;
    /* Of what has left already nothing more can be said: the rest counts. */
    if (sum.packed == sum.allocated)
        return FULFILLMENT_PACKED;
    if (sum.packed > sum.shipped)
        return FULFILLMENT_PACKING;
    if (sum.picked == sum.allocated)
        return FULFILLMENT_PICKED;
    return sum.picked > sum.shipped ? FULFILLMENT_PICKING : FULFILLMENT_OPEN;
}

void rules_refresh(struct work *work, int64_t now_us)
{
    for (size_t i = 0; i < work->nfulfillments; i++) {
        struct fulfillment *one = &work->fulfillments[i];
        enum fulfillment_status status = rules_status(work, one);
        if (status != one->status) {
            assert(one->is_new || rules_may_become(one->status, status));
            one->status = status;
            one->is_changed = true;
        }
        if (one->is_changed && !one->is_new && !one->has_new_version) {
            one->version++;
            one->has_new_version = true;
        }
        if (one->is_changed)
            one->updated_at_us = now_us;
    }
}

static struct refusal no(enum status status, const char *code, const char *text)
{
    return (struct refusal){.status = status, .code = code, .field = "", .text = text};
}

static const struct refusal yes = {.status = STATUS_OK, .code = "", .field = "", .text = ""};

static struct refusal stopped(void)
{
    return no(STATUS_CONFLICT, "work_stopped",
              "The work is stopped while a change of the order is decided.");
}

struct refusal rules_may_work(const struct work *work, const struct fulfillment *one,
                              bool is_stopped, struct arena *arena)
{
    switch (one->status) {
    case FULFILLMENT_SHIPPED:
    case FULFILLMENT_CLOSED:
    case FULFILLMENT_COLLECTED:
        return no(STATUS_CONFLICT, "already_shipped", "Everything of it has been shipped.");
    case FULFILLMENT_CANCELLED:
    case FULFILLMENT_REJECTED:
        return no(STATUS_CONFLICT, "invalid_state", "It is cancelled.");
    case FULFILLMENT_SCHEDULED:
        return no(STATUS_CONFLICT, "invalid_state",
                  arena_printf(arena, "Order %s is not confirmed yet.", work->number));
    case FULFILLMENT_ON_HOLD:
        return no(
            STATUS_CONFLICT, "order_on_hold",
            arena_printf(arena, "Order %s is on hold; release its holds first.", work->number));
    case FULFILLMENT_OPEN:
    case FULFILLMENT_IN_WAVE:
    case FULFILLMENT_PICKING:
    case FULFILLMENT_PICKED:
    case FULFILLMENT_PACKING:
    case FULFILLMENT_PACKED:
    case FULFILLMENT_READY:
    case FULFILLMENT_SHORT:
    case FULFILLMENT_READY_FOR_PICKUP:
        break;
    }
    return is_stopped ? stopped() : yes;
}

/* Gives back what has not been shipped and remembers it as allocated still. */
static void give_back(struct work *work, const char *location, const struct fulfillment_line *line,
                      int64_t quantity)
{
    for (size_t i = 0; i < work->nunassigned; i++) {
        struct placed_units *units = &work->unassigned[i];
        if (uuid_equal(&units->line_id, &line->order_line_id) &&
            strcmp(units->location, location) == 0) {
            units->quantity += quantity;
            return;
        }
    }
    work->unassigned[work->nunassigned++] =
        (struct placed_units){line->order_line_id, line->sku, location, quantity};
}

struct undo rules_cancel(struct work *work, struct fulfillment *one, bool is_stopped,
                         struct arena *arena)
{
    struct undo undo = {ARENA_ARRAY(arena, one->nlines, int64_t), yes};
    if (rules_is_final(one->status) || is_stopped) {
        undo.refusal =
            rules_is_final(one->status) ? rules_may_work(work, one, false, arena) : stopped();
        return undo;
    }
    struct placed_units *old = work->unassigned;
    work->unassigned = ARENA_ARRAY(arena, work->nunassigned + one->nlines, struct placed_units);
    if (work->nunassigned != 0)
        memcpy(work->unassigned, old, work->nunassigned * sizeof *old);
    for (size_t i = 0; i < one->nlines; i++) {
        struct fulfillment_line *line = &one->lines[i];
        int64_t left = rules_left(line);
        if (left == 0)
            continue;
        undo.quantity[i] = left;
        give_back(work, one->location, line, left);
        line->cancelled += left;
        line->picked = line->packed = line->shipped;
        line->is_changed = one->is_changed = true;
    }
    work->is_withheld = work->is_changed = true;
    return undo;
}

struct line_totals rules_totals(const struct work *work, const struct uuid *order_line_id)
{
    struct line_totals sum = {0};
    for (size_t i = 0; i < work->nfulfillments; i++) {
        const struct fulfillment *one = &work->fulfillments[i];
        for (size_t k = 0; k < one->nlines; k++) {
            const struct fulfillment_line *line = &one->lines[k];
            if (!uuid_equal(&line->order_line_id, order_line_id))
                continue;
            sum.allocated += line->allocated - line->cancelled;
            sum.picked += line->picked;
            sum.packed += line->packed;
            sum.shipped += line->shipped;
        }
    }
    return sum;
}

int64_t rules_stoppable(const struct work *work, const struct uuid *line_id, int64_t asked,
                        bool keeps_picked)
{
    struct line_totals totals = rules_totals(work, line_id);
    int64_t gone = keeps_picked ? totals.picked : totals.shipped;
    /* Nothing left: orders knows best what is open, for its changes may not have been read here. */
    if (gone == 0)
        return asked;
    int64_t stoppable = asked;
    for (size_t i = 0; i < work->nwanted; i++)
        if (uuid_equal(&work->wanted[i].line_id, line_id))
            stoppable = work->wanted[i].quantity - gone;
    if (stoppable < 0)
        stoppable = 0;
    return stoppable < asked ? stoppable : asked;
}

static bool is_plain(const char *text, size_t most, bool is_ascii)
{
    size_t count = strlen(text);
    if (count > most || (count != 0 && (text[0] == ' ' || text[count - 1] == ' ')))
        return false;
    for (const unsigned char *c = (const unsigned char *)text; *c != 0; c++)
        if (*c < 0x20 || *c == 0x7f || (is_ascii && *c > 0x7e))
            return false;
    return true;
}

static struct refusal bad(const char *field, const char *text)
{
    return (struct refusal){
        .status = STATUS_INVALID, .code = "invalid", .field = field, .text = text};
}

struct refusal rules_check_label(const char *carrier, const char *tracking_number,
                                 const char *parcel_key)
{
    if (!is_plain(carrier, 64, false))
        return bad("carrier", "A carrier is at most 64 bytes of text without control characters.");
    if (!is_plain(tracking_number, 64, true))
        return bad("tracking_number",
                   "A tracking number is at most 64 printable ASCII characters.");
    if (!is_plain(parcel_key, 128, true))
        return bad("parcel_key", "A parcel key is at most 128 printable ASCII characters.");
    return yes;
}
