/* Refunds that go through the channel: the gateway is asked for each from outside the writer, and
 * what comes of it is written down. An attempt whose end nobody heard of is made again after a
 * minute, under the same key. */
#include <string.h>

#include "bulk.h"
#include "common/bus.h"
#include "handlers.h"
#include "handlers_imports.h"
#include "penstock/gateway/v1/channel_api.pb-c.h"
#include "rules_refund.h"
#include "store_payments.h"

typedef Penstock__Gateway__V1__RefundThroughChannelRequest Question;
typedef Penstock__Gateway__V1__RefundThroughChannelResponse Result;

#define ASK_TIMEOUT_MS 15000

/* One attempt, from take to done; in the job's arena. */
struct attempt {
    struct uuid order_id, refund_id;
    Question question;
    const char *error; /* NULL: made */
};

static const struct payment *payment_of(const struct order *order, const struct refund *refund)
{
    for (size_t i = 0; i < order->payment_count; i++)
        if (uuid_equal(&order->payments[i].id, &refund->payment_id))
            return &order->payments[i];
    return NULL;
}

static const struct refund *refund_of(const struct order *order, const struct uuid *id)
{
    for (size_t i = 0; i < order->refund_count; i++)
        if (uuid_equal(&order->refunds[i].id, id))
            return &order->refunds[i];
    return NULL;
}

static char *copy(struct arena *arena, const char *text)
{
    return arena_strdup(arena, text);
}

static void fill(struct attempt *attempt, struct arena *arena, const struct order *order,
                 const struct refund *refund, const struct payment *payment)
{
    Question *question = &attempt->question;
    penstock__gateway__v1__refund_through_channel_request__init(question);
    attempt->order_id = order->id;
    attempt->refund_id = refund->id;
    question->key = wire_uuid(arena, &refund->id);
    question->channel = copy(arena, order->channel);
    question->external_id = copy(arena, order->external_id);
    question->amount = wire_money(arena, refund->amount, copy(arena, order->currency));
    question->payment_method = copy(arena, payment->method);
    question->payment_reference = copy(arena, payment->reference);
    question->reason = copy(arena, refund->reason);
    question->is_repeat = refund->attempts > 1;
}

/* Every refund that this turn has moved is told, and saved with its order. */
static enum status save(struct call *call, struct order *order, const struct act *act)
{
    for (size_t i = 0; i < order->refund_count; i++)
        if (order->refunds[i].is_changed)
            TRY(emit_refunds(call, order, &order->refunds[i], 1));
    TRY(complete_if_due(call, order, act));
    store_order_save(call->db, order);
    return STATUS_OK;
}

static enum status take_one(struct call *call, const struct order_set *set,
                            const struct refund_key *key, struct outcall_job *job, bool *is_taken)
{
    struct act act = act_of(call);
    struct order *order = store_orders_find(set, &key->order_id);
    *is_taken = order != NULL && rules_refund_start(order, &act, &key->id);
    if (!*is_taken)
        return STATUS_OK;
    const struct refund *refund = refund_of(order, &key->id);
    const struct payment *payment = payment_of(order, refund);
    struct attempt *attempt = ARENA_NEW(job->arena, struct attempt);
    if (payment == NULL)
        return STATUS_INTERNAL;
    fill(attempt, job->arena, order, refund, payment);
    job->data = attempt;
    return STATUS_OK;
}

static enum status take(struct call *call, struct outcall_job *jobs, size_t *count)
{
    struct refund_key *keys;
    struct order_set set;
    size_t due, taken = 0, room = *count;
    *count = 0;
    TRY(store_refunds_due(call->db, call->now_us, (int64_t)room, &keys, &due));
    if (due == 0)
        return STATUS_OK;
    struct uuid *ids = ARENA_ARRAY(call->arena, due, struct uuid);
    for (size_t i = 0; i < due; i++)
        ids[i] = keys[i].order_id;
    TRY(store_orders_load(call->db, call->arena, ids, due, &set));
    for (size_t i = 0; i < due; i++) {
        bool is_taken;
        TRY(take_one(call, &set, &keys[i], &jobs[taken], &is_taken));
        taken += is_taken;
    }
    const struct act act = act_of(call);
    for (size_t i = 0; i < set.count; i++)
        TRY(save(call, &set.orders[i], &act));
    *count = taken;
    return STATUS_OK;
}

static void ask(struct outcall_worker *worker, struct attempt *attempt, struct arena *arena)
{
    static char method[] = "gateway.RefundThroughChannel", actor[] = "system:orders",
                internal[] = "internal";
    char *permissions[] = {internal};
    RequestHeader header = PENSTOCK__BUS__V1__REQUEST_HEADER__INIT;
    const ReplyHeader *reply = NULL;
    ProtobufCMessage *answer;
    header.method = method;
    header.actor = actor;
    header.permissions = permissions;
    header.n_permissions = 1;
    enum status status =
        bus_call(worker->client, "gateway", &header, &attempt->question.base, ASK_TIMEOUT_MS,
                 &penstock__gateway__v1__refund_through_channel_response__descriptor, worker->arena,
                 &reply, &answer);
    if (status != STATUS_OK) {
        attempt->error = arena_printf(
            arena, "the gateway did not answer: %s",
            reply != NULL && reply->code[0] != '\0' ? reply->code : status_name(status));
        return;
    }
    const Result *result = (const Result *)answer;
    attempt->error = result->is_made ? NULL : arena_strdup(arena, result->error);
}

static void make(struct outcall_worker *worker, struct outcall_job *jobs, size_t count)
{
    for (size_t i = 0; i < count; i++)
        ask(worker, jobs[i].data, jobs[i].arena);
}

static enum status done(struct call *call, struct outcall_job *jobs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct attempt *attempt = jobs[i].data;
        struct act act = act_of(call);
        struct order *order;
        TRY(store_order_load(call->db, call->arena, &attempt->order_id, &order));
        if (rules_refund_settle(order, &act, &attempt->refund_id, attempt->error))
            TRY(save(call, order, &act));
    }
    return STATUS_OK;
}

const struct outcall orders_outcalls[] = {
    {.name = "refunds",
     .workers = 1,
     .period_ms = 1000,
     .max_jobs = 8,
     .take = take,
     .make = make,
     .done = done},
    IMPORTS_OUTCALL,
    {.name = "bulk",
     .workers = 1,
     .period_ms = 1000,
     .max_jobs = 1,
     .take = bulk_take,
     .make = bulk_make,
     .done = bulk_done},
    {.name = NULL},
};
