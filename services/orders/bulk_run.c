/* A bulk at work: its turns in the writer, and the orders that it asks to be cancelled. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "bulk.h"
#include "common/bus.h"

typedef Penstock__Orders__V1__CancelOrderRequest CancelOrderRequest;

/* A turn of the writer should take some ten milliseconds: others wait behind it. */
#define ORDERS_A_TURN 48
#define ASKED_AT_ONCE 32
#define TURN_BUDGET 600
#define ASK_TIMEOUT_MS 10000

/* What is asked of the front; NULL data: the bulk only goes on with its next turn. */
struct errand {
    struct bulk bulk;
    int64_t seen_before;
    size_t count, answered;
    struct errand_order {
        struct errand *errand;
        struct uuid id;
        char id_text[UUID_TEXT_BYTES], *command_id;
        char code[64];
        struct bulk_verdict verdict;
        bool is_unanswered;
    } orders[ASKED_AT_ONCE];
};

/* ---- taking ---- */

static void count_verdict(struct bulk *bulk, const struct bulk_verdict *verdict)
{
    switch (verdict->outcome) {
    case BULK_APPLIED:
        bulk->applied++;
        break;
    case BULK_UNCHANGED:
        bulk->unchanged++;
        break;
    case BULK_REFUSED:
        bulk->refused++;
        break;
    }
}

static void add_result(struct call *call, const struct bulk *bulk, const struct uuid *id,
                       const struct order *order, const struct bulk_verdict *verdict)
{
    const struct bulk_result result = {*id, order != NULL ? order->number : "", verdict->code,
                                       verdict->outcome};
    store_bulk_result_add(call->db, &bulk->id, &result);
}

static void end_if(struct bulk *bulk, bool is_all, int64_t now_us)
{
    if (is_all) {
        bulk->status = BULK_DONE;
        bulk->ended_at_us = now_us;
    }
}

/* What the bulk does by itself: all in this turn. */
static enum status work(struct call *call, struct bulk *bulk, const struct bulk_choice *choice)
{
    struct order_set set;
    struct bulk_verdict *verdicts = ARENA_ARRAY(call->arena, choice->count, struct bulk_verdict);
    call->actor = bulk->actor;
    TRY(bulk_apply(call, bulk, choice->ids, choice->count, false, &set, verdicts));
    for (size_t i = 0; i < choice->count; i++) {
        count_verdict(bulk, &verdicts[i]);
        add_result(call, bulk, &choice->ids[i], store_orders_find(&set, &choice->ids[i]),
                   &verdicts[i]);
    }
    return STATUS_OK;
}

/* An identity that is the same for this bulk and order however often it is tried. */
static void make_errand(struct outcall_job *job, const struct bulk *bulk, int64_t seen_before,
                        const struct bulk_choice *choice)
{
    struct errand *errand = ARENA_NEW(job->arena, struct errand);
    char bulk_text[UUID_TEXT_BYTES];
    errand->bulk = *bulk;
    errand->bulk.actor = arena_strdup(job->arena, bulk->actor);
    errand->bulk.reason = arena_strdup(job->arena, bulk->reason);
    errand->seen_before = seen_before;
    assert(choice->count <= ASKED_AT_ONCE);
    uuid_text(&bulk->id, bulk_text);
    for (size_t i = 0; i < choice->count; i++) {
        struct errand_order *order = &errand->orders[errand->count++];
        order->errand = errand;
        order->id = choice->ids[i];
        uuid_text(&order->id, order->id_text);
        order->command_id = arena_printf(job->arena, "bulk/%s/%s", bulk_text, order->id_text);
    }
    job->data = errand;
}

static enum status choose(struct call *call, struct bulk *bulk, size_t room,
                          struct bulk_choice *choice)
{
    struct query query;
    struct uuid *exclude;
    size_t exclude_count;
    TRY(bulk_query(call->arena, bulk, &query));
    TRY(store_bulk_excluded(call->db, &bulk->id, &exclude, &exclude_count));
    return bulk_choose(call->db, call->arena, bulk, &query, exclude, exclude_count, room,
                       TURN_BUDGET, choice);
}

enum status bulk_take(struct call *call, struct outcall_job *jobs, size_t *count)
{
    struct bulk *bulk;
    struct bulk_choice choice;
    *count = 0;
    TRY(store_bulk_next(call->db, &bulk));
    if (bulk == NULL)
        return STATUS_OK;
    int64_t seen_before = bulk->seen;
    bool asks = bulk->action == BULK_CANCEL;
    TRY(choose(call, bulk, asks ? ASKED_AT_ONCE : ORDERS_A_TURN, &choice));
    end_if(bulk, choice.is_all, call->now_us);
    *count = 1; /* full hands: the next turn follows at once */
    if (asks && choice.count > 0) {
        make_errand(&jobs[0], bulk, seen_before, &choice);
        return STATUS_OK;
    }
    TRY(work(call, bulk, &choice));
    return store_bulk_advance(call->db, bulk, seen_before);
}

/* ---- asking ---- */

static void heard(void *context, const ReplyHeader *header, const uint8_t *payload,
                  size_t payload_bytes)
{
    struct errand_order *order = context;
    enum status status = (enum status)header->status;
    (void)payload;
    (void)payload_bytes;
    order->errand->answered++;
    order->is_unanswered = status == STATUS_UNAVAILABLE || status == STATUS_DEADLINE ||
                           status == STATUS_NOT_LEADER || status == STATUS_RETRY;
    order->verdict = status == STATUS_OK ? (struct bulk_verdict){BULK_APPLIED, "", ""}
                                         : (struct bulk_verdict){BULK_REFUSED, "", ""};
    if (status != STATUS_OK)
        snprintf(order->code, sizeof(order->code), "%s",
                 header->code[0] != '\0' ? header->code : "unavailable");
    order->verdict.code = status == STATUS_OK ? "" : order->code;
}

static void ask_to_cancel(struct outcall_worker *worker, struct errand_order *order)
{
    static char method[] = "orders.CancelOrder", internal[] = "internal";
    char *permissions[] = {internal};
    CancelOrderRequest question;
    RequestHeader header = PENSTOCK__BUS__V1__REQUEST_HEADER__INIT;
    penstock__orders__v1__cancel_order_request__init(&question);
    question.id = order->id_text;
    question.reason = wire_text(order->errand->bulk.reason);
    header.method = method;
    header.actor = wire_text(order->errand->bulk.actor);
    header.permissions = permissions;
    header.n_permissions = 1;
    header.command_id = order->command_id;
    if (bus_ask_message(worker->client, "orders", &header, &question.base, ASK_TIMEOUT_MS, heard,
                        order) == STATUS_OK)
        return;
    order->is_unanswered = true;
    order->errand->answered++;
}

void bulk_make(struct outcall_worker *worker, struct outcall_job *jobs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct errand *errand = jobs[i].data;
        if (errand == NULL)
            continue;
        for (size_t j = 0; j < errand->count; j++)
            ask_to_cancel(worker, &errand->orders[j]);
        while (errand->answered < errand->count)
            bus_loop_once(bus_client_loop(worker->client), 100);
    }
}

/* Unless all have answered it is done over: who answered before says the same again. */
enum status bulk_done(struct call *call, struct outcall_job *jobs, size_t count)
{
    (void)count;
    struct errand *errand = jobs[0].data;
    struct order_set set;
    struct uuid ids[ASKED_AT_ONCE];
    struct bulk *now;
    if (errand == NULL)
        return STATUS_OK;
    for (size_t i = 0; i < errand->count; i++) {
        if (errand->orders[i].is_unanswered)
            return STATUS_OK;
        ids[i] = errand->orders[i].id;
    }
    TRY(store_bulk_load(call->db, &errand->bulk.id, &now));
    TRY(store_orders_load_parts(call->db, call->arena, ids, errand->count, 0, &set));
    for (size_t i = 0; i < errand->count; i++) {
        count_verdict(&errand->bulk, &errand->orders[i].verdict);
        add_result(call, &errand->bulk, &ids[i], store_orders_find(&set, &ids[i]),
                   &errand->orders[i].verdict);
    }
    /* Somebody ended it meanwhile: what was done is counted all the same. */
    if (now != NULL && now->status != BULK_RUNNING) {
        errand->bulk.status = now->status;
        errand->bulk.ended_at_us = now->ended_at_us;
    }
    return store_bulk_advance(call->db, &errand->bulk, errand->seen_before);
}
