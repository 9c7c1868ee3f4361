/* CancelOrder, and what an import shares with it: work is stopped before anything is cancelled. */
#include <string.h>

#include "handlers.h"
#include "handlers_cancel.h"
#include "penstock/fulfillment/v1/fulfillment.pb-c.h"

typedef Penstock__Fulfillment__V1__StopWorkRequest StopWorkRequest;
typedef Penstock__Fulfillment__V1__StopWorkResponse StopWorkResponse;
typedef Penstock__Fulfillment__V1__StopLine StopLine;
typedef Penstock__Orders__V1__CancelOrderRequest CancelOrderRequest;
typedef Penstock__Orders__V1__CancelOrderResponse CancelOrderResponse;

/* ---- the question ---- */

/* On the order as it is now: what has changed by the time of the decision shows in the quantities.
 */
static enum status build_stop(struct call *call, const struct order *order,
                              StopWorkRequest *question)
{
    struct stopped *lines = ARENA_ARRAY(call->arena, order->line_count, struct stopped);
    size_t count = rules_stop_lines(order, lines);
    if (count == 0 || !rules_order_may(order->status, ORDER_CANCELLED))
        return STATUS_NOT_FOUND;
    question->order_id = wire_uuid(call->arena, &order->id);
    question->order_version = order->version;
    question->lines = ARENA_ARRAY(call->arena, count, StopLine *);
    for (size_t i = 0; i < count; i++) {
        StopLine *line = ARENA_NEW(call->arena, StopLine);
        penstock__fulfillment__v1__stop_line__init(line);
        line->line_id = wire_uuid(call->arena, &lines[i].line_id);
        line->quantity = lines[i].stopped;
        question->lines[question->n_lines++] = line;
    }
    return STATUS_OK;
}

enum status ask_stop_for_cancel(struct call *call, const ProtobufCMessage *in,
                                ProtobufCMessage *question)
{
    struct uuid id;
    struct order *order;
    TRY(store_order_resolve(call->db, ((const CancelOrderRequest *)in)->id, &id));
    TRY(store_order_load(call->db, call->arena, &id, &order));
    return build_stop(call, order, (StopWorkRequest *)question);
}

enum status ask_stop_for_import(struct call *call, const ProtobufCMessage *in,
                                ProtobufCMessage *question)
{
    const ImportOrderRequest *import = (const ImportOrderRequest *)in;
    struct uuid *ids;
    size_t count;
    struct order *order;
    if (!import->is_cancelled)
        return STATUS_NOT_FOUND;
    TRY(store_orders_by_external(call->db, import->channel, import->external_id, &ids, &count));
    if (count == 0)
        return STATUS_NOT_FOUND;
    TRY(store_order_load(call->db, call->arena, &ids[0], &order));
    return build_stop(call, order, (StopWorkRequest *)question);
}

/* ---- the answer ---- */

static bool has_work(const struct order *order)
{
    for (size_t i = 0; i < order->line_count; i++) {
        if (rules_line_is_tracked(&order->lines[i]) && rules_line_open(&order->lines[i]) > 0)
            return true;
    }
    return false;
}

static void take_stopped(struct call *call, const StopWorkResponse *said, struct cancel *cancel)
{
    struct stopped *stopped = ARENA_ARRAY(call->arena, said->n_lines, struct stopped);
    for (size_t i = 0; i < said->n_lines; i++) {
        if (!uuid_parse(said->lines[i]->line_id, &stopped[cancel->stopped_count].line_id))
            continue;
        stopped[cancel->stopped_count].stopped = said->lines[i]->stopped;
        stopped[cancel->stopped_count].shipped = said->lines[i]->shipped;
        cancel->stopped_count++;
    }
    cancel->stopped = stopped;
}

enum status read_stop_answer(struct call *call, const struct order *order,
                             const struct answer *answer, struct cancel *cancel)
{
    if (!has_work(order) || !rules_order_may(order->status, ORDER_CANCELLED))
        return STATUS_OK;
    if (!answer->was_asked)
        return refuse(call, STATUS_UNAVAILABLE, "order_changed", "",
                      "The order changed while its work was being stopped; try again.");
    if (!answer->came)
        return refuse(call, STATUS_UNAVAILABLE, "fulfillment_unavailable", "",
                      "The warehouse's work could not be stopped in time; try again.");
    if (answer->status != STATUS_OK)
        return refuse(call, answer->status, answer->code, answer->field, "%s", answer->text);
    take_stopped(call, (const StopWorkResponse *)answer->message, cancel);
    return STATUS_OK;
}

/* ---- the command ---- */

ORDERS_HANDLER(cancel_order, CancelOrderRequest, CancelOrderResponse)
{
    struct order *order;
    struct refusal no;
    struct act act = act_of(call);
    struct cancel cancel = {.reason = in->reason[0] != '\0' ? in->reason : "other",
                            .remaining = in->remaining};
    if (!rules_cancel_reason_is_known(cancel.reason))
        return refuse(call, STATUS_INVALID, "invalid", "reason",
                      "A reason is customer, fraud, stock, unpaid or other.");
    if (!rules_check_text(in->note, 2000, &no, "note"))
        return refuse_by(call, &no);
    TRY(load_order(call, in->id, "id", &order));
    TRY(read_stop_answer(call, order, &call->answers[0], &cancel));
    const int64_t *cuts = rules_cancel(order, &act, &cancel, &no);
    if (cuts == NULL)
        return refuse_by(call, &no);
    if (in->note[0] != '\0')
        rules_note(order, &act, "note_added", in->note);
    TRY(emit_cancelled(call, order, cuts, &call->answers[0].hold_id));
    TRY(complete_if_due(call, order, &act));
    store_order_save(call->db, order);
    out->order = view_order(call->arena, order, NULL);
    return STATUS_OK;
}
