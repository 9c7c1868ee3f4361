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

/* One question on its way to an answer. */
struct question {
    struct desk *desk;
    struct holds *holds;
    struct call *call;
    const ReserveRequest *in;
    ReserveResponse *out;
    struct uuid command_key, key;
    struct wants wants; /* per line */
};

/* What the command knows by this id: a hold that no order has adopted. */
static enum status release_void(struct question *question)
{
    const struct uuid *void_id = &question->call->void_hold_id;
    struct hold *hold =
        uuid_is_nil(void_id) ? NULL : store_hold_first(question->holds, &question->command_key);
    for (; hold != NULL; hold = hold->next)
        if (!hold->is_gone && !hold->is_adopted && uuid_equal(&hold->claim_id, void_id)) {
            count(question->call, COUNT_VOIDED, 1);
            return stock_void(question->desk, question->holds, hold);
        }
    return STATUS_OK;
}

static const struct hold *find_answered(const struct question *question)
{
    struct hold *hold = store_hold_first(question->holds, &question->command_key);
    while (hold != NULL && (hold->is_gone || !uuid_equal(&hold->question_key, &question->key)))
        hold = hold->next;
    return hold;
}

static void name_asker(const struct question *question, struct hold *hold)
{
    hold->command_key = question->command_key;
    hold->question_key = question->key;
    hold->command_id = question->call->command_id;
    hold->asker = question->call->asker;
    hold->asked_at_us = question->call->now_us;
}

/* ---- new stock ---- */

static void hold_stock(struct question *question, struct hold *hold,
                       const struct sourcing *sourcing)
{
    hold->hold_id = hold->claim_id = uuid_new();
    hold->takes = sourcing->takes;
    hold->ntakes = sourcing->ntakes;
    stock_take(question->desk, hold->takes, hold->ntakes, BUCKET_RESERVED,
               (struct cause_of){.cause = CAUSE_HOLD, .id = &hold->hold_id});
    store_hold_insert(question->desk, question->holds, hold);
    question->call->reply_hold_id = hold->hold_id;
    count(question->call, COUNT_HOLDS, 1);
}

static void take_new(struct question *question)
{
    struct desk *desk = question->desk;
    struct reserve_decision decision;
    stock_decide(desk, &question->wants,
                 question->in->policy == WIRE_REQUIRE ? POLICY_REQUIRE : POLICY_ACCEPT, &decision);
    if (decision.refusal != SHORTAGE_NONE) {
        view_refused(desk, &question->wants, &decision, question->out);
        count(question->call, COUNT_SHORT, 1);
        return;
    }
    struct hold *hold = ARENA_NEW(desk->arena, struct hold);
    name_asker(question, hold);
    hold->decision = view_decision(desk->arena, &question->wants, &decision.sourcing, desk->now_us);
    if (decision.sourcing.ntakes > 0 || decision.sourcing.ahead != NULL)
        hold_stock(question, hold, &decision.sourcing);
    view_held(desk, hold->decision, question->out);
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
static bool lines_match(const struct question *question, const struct hold *checkout)
{
    struct sum *sums = ARENA_ARRAY(question->desk->arena,
                                   question->wants.count + checkout->ntakes + 1, struct sum);
    size_t count = 0;
    for (size_t i = 0; i < question->wants.count; i++) {
        const struct want *want = &question->wants.list[i];
        if (want->units > 0 && want->item == NULL)
            return false;
        if (want->units > 0)
            sums[count++] = (struct sum){want->item, want->units};
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
static void deal_out(const struct question *question, const struct hold *checkout,
                     struct sourcing *out)
{
    struct arena *arena = question->desk->arena;
    int64_t *left = ARENA_ARRAY(arena, checkout->ntakes + 1, int64_t);
    out->takes = ARENA_ARRAY(arena, question->wants.count + checkout->ntakes + 1, struct take);
    out->missing = ARENA_ARRAY(arena, question->wants.count + 1, int64_t);
    for (size_t i = 0; i < checkout->ntakes; i++)
        left[i] = checkout->takes[i].units;
    for (size_t line = 0; line < question->wants.count; line++) {
        int64_t asked = question->wants.list[line].units;
        for (size_t i = 0; i < checkout->ntakes && asked > 0; i++) {
            int64_t units = left[i] < asked ? left[i] : asked;
            if (checkout->takes[i].level->item != question->wants.list[line].item || units == 0)
                continue;
            out->takes[out->ntakes++] = (struct take){line, checkout->takes[i].level, units};
            left[i] -= units;
            asked -= units;
        }
    }
}

/* The same decision, told by other lines. */
static SourcingDecision *retell(const struct question *question, const struct hold *checkout,
                                const struct sourcing *sourcing)
{
    const SourcingDecision *before = checkout->decision;
    SourcingDecision *decision =
        view_decision(question->desk->arena, &question->wants, sourcing, before->decided_at_us);
    decision->candidates = before->candidates;
    decision->n_candidates = before->n_candidates;
    decision->parcels = before->parcels;
    decision->parcels_at_least = before->parcels_at_least;
    return decision;
}

static enum status refuse_claim(struct question *question, const char *code)
{
    question->out->refusal_code = view_text(question->desk->arena, code);
    count(question->call, COUNT_SHORT, 1);
    return STATUS_OK;
}

static enum status claim(struct question *question)
{
    struct uuid id = {{0}};
    struct sourcing sourcing = {0};
    struct hold *checkout = uuid_parse(question->in->reservation_id, &id)
                                ? lookup_get(&question->holds->by_id, &id)
                                : NULL;
    if (checkout == NULL || checkout->is_gone || !uuid_is_nil(&checkout->command_key))
        return refuse_claim(question, "reservation_not_found");
    if (!lines_match(question, checkout))
        return refuse_claim(question, "reservation_mismatch");
    deal_out(question, checkout, &sourcing);
    checkout->decision = retell(question, checkout, &sourcing);
    checkout->takes = sourcing.takes;
    checkout->ntakes = sourcing.ntakes;
    /* An id of its own for each claim: one that was void once must never be used again. */
    checkout->claim_id = uuid_new();
    name_asker(question, checkout);
    view_held(question->desk, checkout->decision, question->out);
    question->call->reply_hold_id = checkout->claim_id;
    count(question->call, COUNT_HOLDS, 1);
    return store_hold_claim(question->desk, question->holds, checkout);
}

/* ---- prices, for those that want them ---- */

static size_t count_wanted(const struct batch *batch)
{
    size_t count = 0;
    for (size_t i = 0; i < batch->count; i++) {
        const ReserveRequest *in = (const ReserveRequest *)batch->calls[i].in;
        count += in->wants_prices ? in->n_lines : 0;
    }
    return count;
}

static enum status tell_prices(struct batch *batch)
{
    size_t most = count_wanted(batch), nskus = 0, nrows;
    if (most == 0)
        return STATUS_OK;
    const char **skus = ARENA_ARRAY(batch->arena, most, const char *);
    for (size_t i = 0; i < batch->count; i++) {
        const ReserveRequest *in = (const ReserveRequest *)batch->calls[i].in;
        for (size_t j = 0; in->wants_prices && j < in->n_lines; j++)
            skus[nskus++] = in->lines[j]->sku;
    }
    struct quote_row *rows;
    TRY(store_quotes(batch->db, skus, nskus, batch->now_us, NULL, &rows, &nrows));
    for_each_call(batch, call, const ReserveRequest, in, ReserveResponse, out) {
        for (size_t j = 0; in->wants_prices && j < out->n_lines; j++)
            out->lines[j]->price = view_price(batch->arena, rows, nrows, out->lines[j]->sku);
    }
    return STATUS_OK;
}

/* ---- the handler ---- */

static enum status answer(struct question *question)
{
    const ReserveRequest *in = question->in;
    question->command_key = store_key(question->call->command_id);
    question->key = store_key(question->call->question_hash);
    TRY(release_void(question));
    const struct hold *hold = find_answered(question);
    if (hold != NULL) {
        view_held(question->desk, hold->decision, question->out);
        question->call->reply_hold_id = hold->claim_id;
        return STATUS_OK;
    }
    question->wants = lines_wants(question->desk, in->lines, in->n_lines);
    if (*in->reservation_id != '\0')
        return claim(question);
    take_new(question);
    return STATUS_OK;
}

enum status reserve(struct batch *batch)
{
    struct desk desk;
    struct holds holds = {0};
    TRY(stock_begin_batch(&desk, batch));
    TRY(load(&desk, batch, &holds));
    for_each_call(batch, call, const ReserveRequest, in, ReserveResponse, out) {
        struct question question = {
            .desk = &desk, .holds = &holds, .call = call, .in = in, .out = out};
        if (!asks(call)) {
            refuse(call, STATUS_INVALID, "required", "command_id",
                   "Stock is held for a command: its identity is needed.");
            continue;
        }
        if (lines_check(call, in->lines, in->n_lines, 0) != STATUS_OK)
            continue;
        desk.actor = call->actor;
        TRY(answer(&question));
    }
    TRY(tell_prices(batch));
    return stock_end_batch(&desk, batch);
}
