/* rules.h -- what may happen to a fulfillment order: states, and the steps pick, pack and ship.
 *
 * Pure: from facts to decisions. A status is never set by hand; it follows from the quantities,
 * from whether the order is confirmed and from whether holds stand.
 *
 * Ownership: decisions point into what they were made from, and into the given arena.
 */
#pragma once

#include "common/arena.h"
#include "common/status.h"
#include "fulfillment.h"

/* A "no": status NULL-safe for callers, code "" when there is none. */
struct refusal {
    enum status status; /* OK: not refused */
    const char *code, *field, *text;
    /* Figures of the line at fault; counted when has_figures. */
    bool has_figures;
    int64_t left, allocated, picked, packed, shipped;
};

const char *rules_status_name(enum fulfillment_status status);
/* True for what no rule leaves but CLOSED. */
bool rules_is_final(enum fulfillment_status status);
/* The transition table; a status may always stay. */
bool rules_may_become(enum fulfillment_status from, enum fulfillment_status to);
bool rules_parcel_may_become(enum parcel_status from, enum parcel_status to);

/* The status that follows from the facts. */
enum fulfillment_status rules_status(const struct work *work, const struct fulfillment *one);
/* Derives the status of each again; marks what changed, with version and time. */
void rules_refresh(struct work *work, int64_t now_us);

/* What has not been shipped or cancelled. */
int64_t rules_left(const struct fulfillment_line *line);

/* Whether the warehouse may touch it now. */
struct refusal rules_may_work(const struct work *work, const struct fulfillment *one,
                              bool is_stopped, struct arena *arena);

enum step { STEP_PICK, STEP_PACK, STEP_SHIP };

/* As asked: by SKU, by order line, or both. */
struct step_line {
    const char *sku;
    const char *order_line_id; /* "" : any */
    int64_t quantity;
};

/* Units by line of the fulfillment order, index by index. A later step brings the earlier ones that
 * it implies: shipping what was not packed packs it first. */
struct step_plan {
    int64_t *pick, *pack, *ship;
    struct refusal refusal;
};

/* Shares what is asked out to the lines: first units that the step before has made ready, then
 * others, which are picked and packed on the way. No lines asked: all that the step before has made
 * ready; when there is none of that, all that is left. */
struct step_plan rules_step(enum step step, const struct fulfillment *one,
                            const struct step_line *lines, size_t nlines, struct arena *arena);
/* Books the plan on the lines. */
void rules_apply(struct fulfillment *one, const struct step_plan *plan);

/* Undoes what has not been shipped: units by line, index by index. */
struct undo {
    int64_t *quantity;
    struct refusal refusal;
};
/* The units stay allocated, so they are moved to work->unassigned and withheld. */
struct undo rules_cancel(struct work *work, struct fulfillment *one, bool is_stopped,
                         struct arena *arena);

/* The sum over all fulfillment orders of one order line. */
struct line_totals {
    int64_t allocated, picked, packed, shipped;
};
struct line_totals rules_totals(const struct work *work, const struct uuid *order_line_id);

/* How much of an order line can still be stopped, when asked is open in orders' eyes. keeps_picked:
 * what is picked counts as gone, and not only what has shipped. */
int64_t rules_stoppable(const struct work *work, const struct uuid *line_id, int64_t asked,
                        bool keeps_picked);

/* Carrier and tracking number, as they will stand in a mail. */
struct refusal rules_check_label(const char *carrier, const char *tracking_number,
                                 const char *parcel_key);
