/* Stops: orders asks for one before it cancels or edits, so that what it takes back cannot be on
 * its way out. A stop stands until the event of the command adopts it or HoldVoided ends it; while
 * it stands the figures that it answered stay true. */
#include "handlers.h"

typedef Penstock__Fulfillment__V1__StopWorkRequest StopWorkRequest;
typedef Penstock__Fulfillment__V1__StopWorkResponse StopWorkResponse;
typedef Penstock__Fulfillment__V1__StoppedLine StoppedLine;

/* The same question finds the same stop, and the same answer. */
static enum status stop_again(struct call *call, const struct stop *stop, StopWorkResponse *out)
{
    StopWorkResponse *first = penstock__fulfillment__v1__stop_work_response__unpack(
        arena_protobuf(call->arena), stop->answer_bytes, stop->answer);
    if (first == NULL)
        return STATUS_INTERNAL;
    out->lines = first->lines;
    out->n_lines = first->n_lines;
    call->reply_hold_id = stop->hold_id;
    return STATUS_OK;
}

static enum status stop_lines(struct call *call, const struct work *work, const StopWorkRequest *in,
                              StopWorkResponse *out)
{
    out->lines = ARENA_ARRAY(call->arena, in->n_lines, StoppedLine *);
    for (size_t i = 0; i < in->n_lines; i++) {
        struct uuid line_id;
        int64_t asked = in->lines[i]->quantity;
        if (!uuid_parse(in->lines[i]->line_id, &line_id))
            return refuse(call, STATUS_INVALID, "invalid", "lines", "A line is named by its id.");
        if (asked < 0 || asked > FULFILLMENT_MAX_QUANTITY)
            return refuse(call, STATUS_INVALID, "out_of_range", "lines",
                          "A quantity is not negative.");
        StoppedLine *line = out->lines[out->n_lines++] = ARENA_NEW(call->arena, StoppedLine);
        penstock__fulfillment__v1__stopped_line__init(line);
        line->line_id = id_text(call->arena, &line_id);
        line->stopped = rules_stoppable(work, &line_id, asked, in->keeps_picked);
        line->shipped = rules_totals(work, &line_id).shipped;
        line->picked = rules_totals(work, &line_id).picked;
    }
    return STATUS_OK;
}

static enum status stop_first(struct call *call, const StopWorkRequest *in, StopWorkResponse *out)
{
    struct stop stop = {.hold_id = uuid_new(),
                        .command_id = call->command_id,
                        .question_hash = call->question_hash,
                        .asker = call->asker,
                        .stopped_at_us = call->now_us};
    struct works works;
    if (!uuid_parse(in->order_id, &stop.order_id))
        return refuse(call, STATUS_INVALID, "invalid", "order_id", "An order is named by its id.");
    TRY(store_work_load(call->db, call->arena, &stop.order_id, &works));
    TRY(stop_lines(call, works.list, in, out));
    uint8_t *answer = arena_alloc(call->arena, protobuf_c_message_get_packed_size(&out->base));
    stop.answer_bytes = protobuf_c_message_pack(&out->base, answer);
    stop.answer = answer;
    TRY(store_stop_insert(call->db, &stop));
    call->reply_hold_id = stop.hold_id;
    count(call, COUNT_STOPS, 1);
    call_log_order(call, "fulfillment.stopped", "The order's work is stopped", in->order_id);
    return STATUS_OK;
}

enum status stop_work(struct call *call, const ProtobufCMessage *message, ProtobufCMessage *answer)
{
    const StopWorkRequest *in = (const StopWorkRequest *)message;
    StopWorkResponse *out = (StopWorkResponse *)answer;
    if (call->command_id[0] == '\0' || call->question_hash[0] == '\0')
        return refuse(call, STATUS_INVALID, "required", "", "Work is stopped for a command only.");
    struct stop stop;
    enum status status = store_stop_find(call->db, call->command_id, call->question_hash, &stop);
    if (status == STATUS_OK && !uuid_equal(&stop.hold_id, &call->void_hold_id))
        return stop_again(call, &stop, out);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        return status;
    /* The asker has given up the stop of its answer before: this makes another. */
    if (!uuid_is_nil(&call->void_hold_id))
        TRY(store_stops_end(call->db, &call->void_hold_id, 1));
    return stop_first(call, in, out);
}

enum status fulfillment_unsettled(struct call *call, int64_t age_us, struct unsettled *list,
                                  size_t *count)
{
    struct stop *stops = ARENA_ARRAY(call->arena, *count, struct stop);
    TRY(store_stops_unsettled(call->db, call->now_us - age_us, stops, count));
    for (size_t i = 0; i < *count; i++)
        list[i] = (struct unsettled){stops[i].command_id, stops[i].asker, stops[i].hold_id};
    return STATUS_OK;
}
