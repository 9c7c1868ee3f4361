/* Reserve: orders' front asks for stock before an order is placed. The hot path.
 *
 * All questions of a turn are decided in memory, first come first served, and written as sets. The
 * same question finds the hold that it made before, so that asking twice holds once.
 */
#include <stdlib.h>
#include <string.h>

#include "handlers.h"

static bool asks(const struct call *call)
{
    return *call->command_id != '\0';
}

static enum status load(struct desk *desk, struct batch *batch, struct holds *holds)
{
    struct uuid *commands = ARENA_ARRAY(batch->arena, batch->count, struct uuid);
    struct uuid *checkouts = ARENA_ARRAY(batch->arena, batch->count, struct uuid);
    size_t ncommands = 0, ncheckouts = 0;
    for (size_t i = 0; i < batch->count; i++) {
        const ReserveRequest *in = (const ReserveRequest *)batch->calls[i].in;
        lines_note(desk, in->lines, in->n_lines);
        if (asks(&batch->calls[i]))
            commands[ncommands++] = store_key(batch->calls[i].command_id);
        if (uuid_parse(in->reservation_id, &checkouts[ncheckouts]))
            ncheckouts++;
    }
    TRY(store_holds_load(desk, holds, commands, ncommands));
    TRY(store_checkouts_load(desk, holds, checkouts, ncheckouts));
    return desk_load(desk);
}

/* What a command knows by this id: a hold that no order has adopted. */
static enum status release_void(struct desk *desk, struct holds *holds, struct call *call,
                                const struct uuid *command_key)
{
    if (uuid_is_nil(&call->void_hold_id))
        return STATUS_OK;
    for (struct hold *hold = store_hold_first(holds, command_key); hold != NULL; hold = hold->next)
        if (!hold->is_gone && !hold->is_adopted &&
            uuid_equal(&hold->claim_id, &call->void_hold_id)) {
            count(call, COUNT_VOIDED, 1);
            return stock_void(desk, holds, hold);
        }
    return STATUS_OK;
}

static const struct hold *find_answered(const struct holds *holds, const struct uuid *command_key,
                                        const struct uuid *question_key)
{
    for (struct hold *hold = store_hold_first(holds, command_key); hold != NULL; hold = hold->next)
        if (!hold->is_gone && uuid_equal(&hold->question_key, question_key))
            return hold;
    return NULL;
}

static void name_asker(struct hold *hold, struct call *call, const struct uuid *command_key,
                       const struct uuid *question_key)
{
    hold->command_key = *command_key;
    hold->question_key = *question_key;
    hold->command_id = call->command_id;
    hold->asker = call->asker;
    hold->asked_at_us = call->now_us;
}

/* ---- new stock ---- */

static void hold_stock(struct desk *desk, struct holds *holds, struct call *call, struct hold *hold,
                       const struct sourcing *sourcing)
{
    hold->hold_id = hold->claim_id = uuid_new();
    hold->takes = sourcing->takes;
    hold->ntakes = sourcing->ntakes;
    stock_take(desk, hold->takes, hold->ntakes, BUCKET_RESERVED,
               (struct cause_of){.cause = CAUSE_HOLD, .id = &hold->hold_id});
    store_hold_insert(desk, holds, hold);
    call->reply_hold_id = hold->hold_id;
    count(call, COUNT_HOLDS, 1);
}

static void take_new(struct desk *desk, struct holds *holds, struct call *call,
                     const ReserveRequest *in, ReserveResponse *out, const struct uuid *command_key,
                     const struct uuid *question_key)
{
    struct reserve_decision decision;
    struct want *wants = ARENA_ARRAY(desk->arena, in->n_lines + 1, struct want);
    const char **skus = ARENA_ARRAY(desk->arena, in->n_lines + 1, const char *);
    lines_wants(desk, in->lines, in->n_lines, wants, skus);
    stock_decide(desk, wants, in->n_lines,
                 in->policy == WIRE_REQUIRE ? POLICY_REQUIRE : POLICY_ACCEPT, &decision);
    if (decision.refusal != SHORTAGE_NONE) {
        view_refused(desk, wants, skus, in->n_lines, &decision, out);
        count(call, COUNT_SHORT, 1);
        return;
    }
    struct hold *hold = ARENA_NEW(desk->arena, struct hold);
    name_asker(hold, call, command_key, question_key);
    hold->decision =
        view_decision(desk->arena, wants, skus, in->n_lines, &decision.sourcing, desk->now_us);
    if (decision.sourcing.ntakes > 0)
        hold_stock(desk, holds, call, hold, &decision.sourcing);
    view_held(desk, hold->decision, out);
}

/* ---- a checkout's ---- */

/* So many units of an item, asked for or (negative) held. */
struct sum {
    const struct item *item;
    int64_t units;
};

static int compare_sums(const void *left, const void *right)
{
    uintptr_t a = (uintptr_t)((const struct sum *)left)->item;
    uintptr_t b = (uintptr_t)((const struct sum *)right)->item;
    return (a > b) - (a < b);
}

/* The lines must be those of the checkout, summed per SKU. */
static bool lines_match(struct desk *desk, const struct want *wants, size_t nwants,
                        const struct hold *checkout)
{
    struct sum *sums = ARENA_ARRAY(desk->arena, nwants + checkout->ntakes + 1, struct sum);
    size_t count = 0;
    for (size_t i = 0; i < nwants; i++) {
        if (wants[i].units > 0 && wants[i].item == NULL)
            return false;
        if (wants[i].units > 0)
            sums[count++] = (struct sum){wants[i].item, wants[i].units};
    }
    for (size_t i = 0; i < checkout->ntakes; i++)
        sums[count++] = (struct sum){checkout->takes[i].level->item, -checkout->takes[i].units};
    qsort(sums, count, sizeof *sums, compare_sums);
    for (size_t i = 0, next; i < count; i = next) {
        int64_t balance = 0;
        for (next = i; next < count && sums[next].item == sums[i].item; next++)
            balance += sums[next].units;
        if (balance != 0)
            return false;
    }
    return true;
}

/* What the checkout holds, by the lines of the question. */
static void deal_out(struct desk *desk, const struct want *wants, size_t nwants,
                     const struct hold *checkout, struct sourcing *out)
{
    int64_t *left = ARENA_ARRAY(desk->arena, checkout->ntakes + 1, int64_t);
    out->takes = ARENA_ARRAY(desk->arena, nwants + checkout->ntakes + 1, struct take);
    out->missing = ARENA_ARRAY(desk->arena, nwants + 1, int64_t);
    for (size_t i = 0; i < checkout->ntakes; i++)
        left[i] = checkout->takes[i].units;
    for (size_t line = 0; line < nwants; line++) {
        int64_t asked = wants[line].units;
        for (size_t i = 0; i < checkout->ntakes && asked > 0; i++) {
            int64_t units = left[i] < asked ? left[i] : asked;
            if (checkout->takes[i].level->item != wants[line].item || units == 0)
                continue;
            out->takes[out->ntakes++] = (struct take){line, checkout->takes[i].level, units};
            left[i] -= units;
            asked -= units;
        }
    }
}

static void refuse_claim(struct desk *desk, struct call *call, ReserveResponse *out,
                         const char *code)
{
    out->refusal_code = view_text(desk->arena, code);
    count(call, COUNT_SHORT, 1);
}

static enum status claim(struct desk *desk, struct holds *holds, struct call *call,
                         const ReserveRequest *in, ReserveResponse *out,
                         const struct uuid *command_key, const struct uuid *question_key)
{
    struct uuid id = {{0}};
    struct hold *checkout =
        uuid_parse(in->reservation_id, &id) ? lookup_get(&holds->by_id, &id) : NULL;
    struct want *wants = ARENA_ARRAY(desk->arena, in->n_lines + 1, struct want);
    const char **skus = ARENA_ARRAY(desk->arena, in->n_lines + 1, const char *);
    lines_wants(desk, in->lines, in->n_lines, wants, skus);
    if (checkout == NULL || checkout->is_gone || !uuid_is_nil(&checkout->command_key)) {
        refuse_claim(desk, call, out, "reservation_not_found");
        return STATUS_OK;
    }
    if (!lines_match(desk, wants, in->n_lines, checkout)) {
        refuse_claim(desk, call, out, "reservation_mismatch");
        return STATUS_OK;
    }
    struct sourcing sourcing = {.parcels = checkout->decision->parcels,
                                .parcels_at_least = checkout->decision->parcels_at_least};
    deal_out(desk, wants, in->n_lines, checkout, &sourcing);
    SourcingDecision *decision = view_decision(desk->arena, wants, skus, in->n_lines, &sourcing,
                                               checkout->decision->decided_at_us);
    decision->candidates = checkout->decision->candidates;
    decision->n_candidates = checkout->decision->n_candidates;
    checkout->decision = decision;
    checkout->takes = sourcing.takes;
    checkout->ntakes = sourcing.ntakes;
    /* An id of its own for each claim: one that was void once must never be used again. */
    checkout->claim_id = uuid_new();
    name_asker(checkout, call, command_key, question_key);
    view_held(desk, decision, out);
    call->reply_hold_id = checkout->claim_id;
    count(call, COUNT_HOLDS, 1);
    return store_hold_claim(desk, holds, checkout);
}

/* ---- the handler ---- */

static enum status answer(struct desk *desk, struct holds *holds, struct call *call,
                          const ReserveRequest *in, ReserveResponse *out)
{
    struct uuid command_key = store_key(call->command_id);
    struct uuid question_key = store_key(call->question_hash);
    TRY(release_void(desk, holds, call, &command_key));
    const struct hold *hold = find_answered(holds, &command_key, &question_key);
    if (hold != NULL) {
        view_held(desk, hold->decision, out);
        call->reply_hold_id = hold->claim_id;
        return STATUS_OK;
    }
    if (*in->reservation_id != '\0')
        return claim(desk, holds, call, in, out, &command_key, &question_key);
    take_new(desk, holds, call, in, out, &command_key, &question_key);
    return STATUS_OK;
}

enum status reserve(struct batch *batch)
{
    struct desk desk;
    struct holds holds = {0};
    TRY(stock_begin_batch(&desk, batch));
    TRY(load(&desk, batch, &holds));
    for_each_call(batch, call, const ReserveRequest, in, ReserveResponse, out) {
        if (!asks(call)) {
            refuse(call, STATUS_INVALID, "required", "command_id",
                   "Stock is held for a command: its identity is needed.");
            continue;
        }
        if (lines_check(call, in->lines, in->n_lines, 0) != STATUS_OK)
            continue;
        desk.actor = call->actor;
        TRY(answer(&desk, &holds, call, in, out));
    }
    return stock_end_batch(&desk, batch);
}
