/* ImportOrder: what the inbox made of a channel's delivery. Any topic may come first, and any of
 * them again: it upserts by (channel, external id), and the greatest version wins. */
#include <string.h>

#include "handlers.h"
#include "handlers_cancel.h"
#include "handlers_edit.h"
#include "handlers_rules.h"

typedef Penstock__Orders__V1__ImportEffect ImportEffect;
#define EFFECT(name) PENSTOCK__ORDERS__V1__IMPORT_EFFECT__IMPORT_EFFECT_##name

/* One import on its way: the request as checked, and what it met. */
struct importing {
    struct call *call;
    const ImportOrderRequest *import;
    const PlaceOrderRequest *in; /* its order, cleaned where the channel's texts were not fit */
    struct act act;
    struct source_version version;
};

static struct external_key key_of(const struct call *call)
{
    const ImportOrderRequest *in = (const ImportOrderRequest *)call->in;
    return (struct external_key){in->channel, in->external_id};
}

static enum status answer_with(struct importing *it, const struct order *order, ImportEffect effect)
{
    ImportOrderResponse *out = (ImportOrderResponse *)it->call->out;
    out->order_id = wire_uuid(it->call->arena, &order->id);
    out->number = wire_text(order->number);
    out->effect = effect;
    return STATUS_OK;
}

static struct external external_of(const struct importing *it, const struct order *order)
{
    return (struct external){
        .channel = it->import->channel,
        .external_id = it->import->external_id,
        .order_id = order->id,
        .version = it->version,
        .source_content_hash = rules_content_hash(it->in, it->call->arena),
    };
}

/* ---- totals ---- */

static bool states(const Money *money)
{
    return money != NULL && money->currency[0] != '\0';
}

static enum status refuse_total(struct call *call, const struct order *order, const Money *stated)
{
    struct money ours = {.minor = order->total}, theirs = {.minor = stated->amount_minor};
    char ours_text[MONEY_TEXT_BYTES], theirs_text[MONEY_TEXT_BYTES];
    memcpy(ours.currency, order->currency, sizeof(ours.currency));
    memcpy(theirs.currency, order->currency, sizeof(theirs.currency));
    return refuse(call, STATUS_INVALID, "total_mismatch", "stated_total",
                  "The parts add up to %s %s, the channel's total is %s %s.",
                  money_text(ours, ours_text), order->currency, money_text(theirs, theirs_text),
                  stated->currency);
}

static bool is_stated(const struct order *order, const Money *stated)
{
    return !states(stated) ||
           (strcmp(stated->currency, order->currency) == 0 && stated->amount_minor == order->total);
}

/* ---- a new order ---- */

static const char *cancel_reason_of(const ImportOrderRequest *import)
{
    if (rules_cancel_reason_is_known(import->cancel_reason))
        return import->cancel_reason;
    return strcmp(import->cancel_reason, "inventory") == 0 ? "stock" : "other";
}

static enum status emit_new(struct importing *it, const struct order *order)
{
    TRY(emit_placed(it->call, order, it->in));
    if (order->status != ORDER_CANCELLED)
        return STATUS_OK;
    int64_t *cuts = ARENA_ARRAY(it->call->arena, order->line_count, int64_t);
    for (size_t i = 0; i < order->line_count; i++)
        cuts[i] = order->lines[i].cancelled;
    static const struct uuid nobody;
    return emit_cancelled(it->call, order, cuts, &nobody);
}

static enum status import_new(struct importing *it, struct channel *channel)
{
    struct call *call = it->call;
    struct refusal no;
    const ImportOrderRequest *import = it->import;
    struct placing placing = {.in = it->in,
                              .channel = channel,
                              .is_import = true,
                              .external_number = import->external_number,
                              .is_cancelled = import->is_cancelled,
                              .cancel_reason = cancel_reason_of(import),
                              .current_total = import->stated_current_total};
    if (!read_reserve_answer(call, it->in, true, &placing.held))
        return STATUS_OK;
    placing.number = next_number(call->arena, channel);
    placing.ids = new_ids(call->arena, rules_place_ids(it->in));
    TRY(rules_for_placing(call, &placing));
    struct order *order = rules_place(&placing, &it->act, &no);
    if (order == NULL) {
        refuse_by(call, &no);
        return STATUS_OK;
    }
    if (!is_stated(order, import->stated_total)) {
        refuse_total(call, order, import->stated_total);
        return STATUS_OK;
    }
    channel->taken++;
    TRY(emit_new(it, order));
    TRY(emit_rules_fired(call, order, placing.verdict));
    TRY(complete_if_due(call, order, &it->act));
    store_order_add(call->db, order);
    struct external external = external_of(it, order);
    store_external_import(call->db, &external, import->financial_status);
    count(call, "orders_imported_total", 1);
    call_log_order(call, "orders.imported", "A channel's order is placed",
                   wire_uuid(call->arena, &order->id));
    return answer_with(it, order,
                       order->status == ORDER_CANCELLED ? EFFECT(CANCELLED) : EFFECT(PLACED));
}

/* ---- an order that is here ---- */

/* The request's own total, whatever of it we take over. */
static bool check_total(struct importing *it, const struct order *order)
{
    struct refusal no;
    struct order theirs = {.line_count = it->in->n_lines};
    memcpy(theirs.currency, it->in->currency, 3);
    theirs.prices_include_tax = it->in->prices_include_tax;
    theirs.lines = ARENA_ARRAY(it->call->arena, it->in->n_lines, struct order_line);
    for (size_t i = 0; i < it->in->n_lines; i++) {
        const LineInput *line = it->in->lines[i];
        theirs.lines[i].quantity = line->quantity;
        theirs.lines[i].unit_price = line->unit_price->amount_minor;
        theirs.lines[i].discount = line->discount != NULL ? line->discount->amount_minor : 0;
        theirs.lines[i].tax = line->tax != NULL ? line->tax->amount_minor : 0;
    }
    if (!rules_totals(&theirs, it->in, it->call->arena, &no)) {
        refuse_by(it->call, &no);
        return false;
    }
    if (strcmp(it->in->currency, order->currency) != 0) {
        refuse(it->call, STATUS_CONFLICT, "currency_changed", "order.currency",
               "The order was placed in %s.", order->currency);
        return false;
    }
    if (!is_stated(&theirs, it->import->stated_total)) {
        refuse_total(it->call, &theirs, it->import->stated_total);
        return false;
    }
    return true;
}

static enum status emit_ledger(struct importing *it, const struct order *order)
{
    for (size_t i = 0; i < order->payment_count; i++) {
        const struct payment *payment = &order->payments[i];
        if (payment->is_new || payment->is_changed)
            TRY(emit_payment(it->call, order, payment));
    }
    for (size_t i = 0; i < order->refund_count; i++) {
        if (order->refunds[i].is_new)
            TRY(emit_refunds(it->call, order, &order->refunds[i], 1));
    }
    return STATUS_OK;
}

/* A person has to look: the same words are said once. */
static enum status hold_for(struct importing *it, struct order *order, const char *type,
                            const char *reason, bool *is_held)
{
    struct refusal no;
    struct uuid id = uuid_new();
    for (size_t i = 0; i < order->hold_rows; i++) {
        const struct hold *hold = &order->holds[i];
        if (hold->released_at_us == 0 && strcmp(hold->type, type) == 0 &&
            strcmp(hold->reason, reason) == 0)
            return STATUS_OK;
    }
    struct hold *hold = rules_hold(order, &it->act, &id, type, reason, 0, &no);
    if (hold == NULL) { /* the order has ended: its timeline says so */
        rules_note(order, &it->act, type, reason);
        return STATUS_OK;
    }
    *is_held = true;
    return emit_hold_placed(it->call, order, hold);
}

static bool has_line_without_sku(const struct order *order)
{
    for (size_t i = 0; i < order->line_count; i++) {
        const struct order_line *line = &order->lines[i];
        if (rules_line_is_tracked(line) && line->sku[0] == '\0' && rules_line_open(line) > 0)
            return true;
    }
    return false;
}

static enum status import_content(struct importing *it, struct order *order,
                                  const struct external *external, bool *is_held)
{
    struct uuid hash = rules_content_hash(it->in, it->call->arena);
    bool is_first = uuid_is_nil(&external->source_content_hash);
    if (it->import->is_cancelled || is_first || uuid_equal(&hash, &external->source_content_hash))
        return STATUS_OK;
    if (!rules_is_untouched(order))
        return hold_for(it, order, "channel_changed",
                        rules_import_difference(order, it->in, it->call->arena), is_held);
    struct refusal no;
    const struct uuid *ids = new_ids(it->call->arena, it->in->n_lines);
    const Order *before = version_before(it->call, order);
    if (!rules_import_content(order, &it->act, it->in, ids, &no))
        return refuse_by(it->call, &no);
    keep_versions(it->call, order, before, VERSION_BY_CHANNEL, "");
    TRY(emit_changed(it->call, order));
    if (has_line_without_sku(order) && rules_standing_hold(order, "unmatched_item") == NULL)
        return hold_for(it, order, "unmatched_item", "A line has no SKU.", is_held);
    return STATUS_OK;
}

static enum status import_cancel(struct importing *it, struct order *order, bool *is_cancelled,
                                 bool *is_held)
{
    struct refusal no;
    struct cancel cancel = {.reason = cancel_reason_of(it->import), .is_channels = true};
    bool is_cancelled_already = order->status == ORDER_CANCELLED || order->status == ORDER_EXPIRED;
    if (!it->import->is_cancelled || is_cancelled_already)
        return STATUS_OK;
    TRY(read_stop_answer(it->call, order, &it->call->answers[1], &cancel));
    const int64_t *cuts = rules_cancel(order, &it->act, &cancel, &no);
    if (cuts == NULL)
        return hold_for(it, order, "channel_changed",
                        "The channel cancelled the order when it had shipped.", is_held);
    *is_cancelled = true;
    TRY(emit_cancelled(it->call, order, cuts, &it->call->answers[1].hold_id));
    if (order->status == ORDER_CANCELLED)
        return STATUS_OK;
    return hold_for(it, order, "channel_changed",
                    "The channel cancelled the order when part of it had shipped.", is_held);
}

static void import_figures(struct importing *it, struct order *order)
{
    int64_t before = order->current_total;
    if (strcmp(order->external_number, it->import->external_number) != 0 &&
        it->import->external_number[0] != '\0') {
        order->external_number = it->import->external_number;
        order->is_rewritten = true;
    }
    if (it->import->is_cancelled || !rules_is_untouched(order))
        return;
    rules_import_current_total(order, it->import->stated_current_total);
    rules_order_derive(order);
    if (order->current_total != before)
        rules_note(order, &it->act, "total_changed", NULL);
}

static enum status import_known(struct importing *it, struct order *order,
                                const struct external *external, const struct channel *channel)
{
    struct call *call = it->call;
    int64_t version = order->version;
    bool is_held = false, is_cancelled = false;
    call->answers[0].hold_id = (struct uuid){{0}};
    if (rules_version_compare(&it->version, &external->version) <= 0) {
        call->answers[1].hold_id = (struct uuid){{0}};
        return answer_with(it, order, EFFECT(UNCHANGED));
    }
    if (!check_total(it, order))
        return STATUS_OK;
    const struct uuid *ids = new_ids(call->arena, 2 * it->in->n_payments);
    rules_import_payments(order, &it->act, it->in, ids);
    TRY(emit_ledger(it, order));
    if (rules_import_contact(order, &it->act, it->in))
        TRY(emit_contact_changed(call, order));
    TRY(import_content(it, order, external, &is_held));
    import_figures(it, order);
    TRY(import_cancel(it, order, &is_cancelled, &is_held));
    TRY(hold_if_paid_late(call, order, &it->act));
    TRY(confirm_if_due(call, order, &it->act, channel));
    TRY(complete_if_due(call, order, &it->act));
    if (!is_cancelled)
        call->answers[1].hold_id = (struct uuid){{0}};
    store_order_save(call->db, order);
    struct external moved = external_of(it, order);
    store_external_import(call->db, &moved, it->import->financial_status);
    call_log_order(call, "orders.import_applied", "A channel's change is applied",
                   wire_uuid(call->arena, &order->id));
    return answer_with(it, order,
                       is_cancelled               ? EFFECT(CANCELLED)
                       : is_held                  ? EFFECT(HELD)
                       : order->version > version ? EFFECT(UPDATED)
                                                  : EFFECT(UNCHANGED));
}

/* ---- the batch ---- */

static bool refuse_head(struct refusal *no, const char *code, const char *field, const char *text)
{
    return rules_refuse(no, STATUS_INVALID, code, text, "%s", field);
}

static bool check_head(const ImportOrderRequest *import, struct refusal *no)
{
    if (import->order == NULL)
        return refuse_head(no, "required", "order", "An import brings the order.");
    if (import->external_id[0] == '\0')
        return refuse_head(no, "required", "external_id", "An import names the channel's order.");
    if (strcmp(import->channel, import->order->channel) != 0 ||
        strcmp(import->external_id, import->order->external_id) != 0)
        return refuse_head(no, "invalid", "order.external_id",
                           "The order repeats the import's channel and external id.");
    if (import->version == NULL)
        return refuse_head(no, "required", "version", "An import has its source's version.");
    return rules_check_text(import->external_id, 128, no, "external_id") &&
           rules_check_text(import->external_number, 128, no, "external_number") &&
           rules_check_text(import->financial_status, 64, no, "financial_status") &&
           rules_check_text(import->version->body_hash, 128, no, "version.body_hash");
}

/* A channel's order is taken as it is, as far as that is an order at all. */
static bool check_import(struct importing *it)
{
    struct refusal no;
    if (!check_head(it->import, &no)) {
        refuse_by(it->call, &no);
        return false;
    }
    it->in = it->import->order;
    if (!rules_check_order(it->in, true, it->act.now_us, &no))
        it->in = rules_clean_order(it->in, it->call->arena);
    if (it->in == NULL || !rules_check_order(it->in, true, it->act.now_us, &no)) {
        refuse_by(it->call, &no);
        return false;
    }
    it->version = (struct source_version){it->import->version->updated_at_us,
                                          it->import->version->triggered_at_ns,
                                          it->import->version->body_hash};
    return true;
}

static enum status import_one(struct importing *it, const struct known *known)
{
    struct external_key key = key_of(it->call);
    struct channel *channel = known_channel(known, key.channel);
    if (channel == NULL) {
        refuse_channel(it->call, key.channel);
        return STATUS_OK;
    }
    const struct external *external = known_external(known, &key);
    if (external == NULL)
        return import_new(it, channel);
    struct order *order = store_orders_find(&known->orders, &external->order_id);
    if (order == NULL)
        return STATUS_INTERNAL;
    enum status status = import_known(it, order, external, channel);
    /* A refusal is this call's own; the turn goes on with its neighbours. */
    return it->call->status != STATUS_OK ? STATUS_OK : status;
}

static size_t check_all(struct batch *batch, struct importing *all, struct call **waiting)
{
    size_t count = 0;
    for_each_call(batch, call, const ImportOrderRequest, in, ImportOrderResponse, out) {
        struct importing *it = &all[call - batch->calls];
        (void)out;
        *it = (struct importing){.call = call, .import = in, .act = act_of(call)};
        if (check_import(it))
            waiting[count++] = call;
    }
    return count;
}

enum status import_orders(struct batch *batch)
{
    struct importing *all = ARENA_ARRAY(batch->arena, batch->count, struct importing);
    struct call **waiting = ARENA_ARRAY(batch->arena, batch->count, struct call *);
    size_t count = check_all(batch, all, waiting);
    while (count > 0) {
        struct wave wave;
        struct known known;
        wave_take(batch->arena, waiting, &count, key_of, &wave);
        TRY(known_load(batch, &wave, key_of, &known));
        for (size_t i = 0; i < wave.count; i++)
            TRY(import_one(&all[wave.calls[i] - batch->calls], &known));
        TRY(store_channels_save(batch->db, known.channels, known.channel_count));
    }
    return STATUS_OK;
}
