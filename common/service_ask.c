/* Asks: before a command, the front gets another service's word; afterwards, holds are settled. */
#include "common/service_internal.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/crash.h"

#define SETTLE_TIMEOUT_MS 5000
#define HINT_TIMEOUT_MS 2000
#define SETTLE_AGAIN_US INT64_C(10000000)
#define REMEMBERED 1024

/* ---- building questions ---- */

/* OK from build: ask. NOT_FOUND without refuse(): go without. Anything else: the command is
 * refused, but not before the writer has looked for its first answer. */
enum status ask_build(struct job *job, struct call *call, bool reads)
{
    for (size_t i = 0; i < job->method->nasks; i++) {
        const struct ask *ask = &job->method->route->asks[i];
        if (ask->reads != reads)
            continue;
        ProtobufCMessage *question = message_new(job->arena, ask->question);
        enum status status = ask->build(call, call->in, question);
        if (status == STATUS_OK) {
            job->questions[i] = question;
            job->timeouts_ms[i] = ask->timeout_ms == NULL ? 0 : ask->timeout_ms(call->in);
        } else if (status != STATUS_NOT_FOUND || call->own->is_refused) {
            job->status = call_outcome(call, status);
            job->is_built = false;
            return status;
        }
    }
    return STATUS_OK;
}

static bool has_reading_ask(const struct job *job)
{
    for (size_t i = 0; i < job->method->nasks; i++)
        if (job->method->route->asks[i].reads)
            return true;
    return false;
}

/* With its answers a command goes to the writer and a query to a lane; a query whose question could
 * not be built is answered at once. */
static void ask_over(struct front *front, struct job *job)
{
    if (job->method->route->kind != ROUTE_QUERY) {
        front_to_writer(front, job);
        return;
    }
    front->writer_load--;
    job->head.kind = JOB_QUERY;
    if (job->is_built)
        front_to_lane(front, job);
    else
        front_reply(front, job);
}

/* ---- asking ---- */

struct asked {
    struct front *front;
    struct job *job;
    size_t number;
};

static void take_answer(struct answer *answer, struct job *job, const struct ask *ask,
                        const ReplyHeader *header, const uint8_t *payload, size_t bytes)
{
    enum status status = (enum status)header->status;
    if (status == STATUS_OK) {
        answer->message =
            protobuf_c_message_unpack(ask->answer, arena_protobuf(job->arena), bytes, payload);
        if (answer->message == NULL)
            return;
        uuid_parse(header->hold_id, &answer->hold_id);
    } else if (!status_is_refusal(status)) {
        return; /* away, late, or broken: no word of the other service */
    } else {
        answer->code = arena_strdup(job->arena, header->code);
        answer->field = arena_strdup(job->arena, header->field);
        answer->text = arena_strdup(job->arena, header->message);
    }
    answer->came = true;
    answer->status = status;
}

static void one_answered(struct front *front, struct job *job)
{
    if (--job->asks_left > 0)
        return;
    CRASHPOINT("front.after_ask");
    ask_over(front, job);
}

static void answered(void *context, const ReplyHeader *header, const uint8_t *payload,
                     size_t payload_bytes)
{
    struct asked *asked = context;
    struct job *job = asked->job;
    struct answer *answer = &job->call.answers[asked->number];
    take_answer(answer, job, &job->method->route->asks[asked->number], header, payload,
                payload_bytes);
    if (!answer->came)
        METRIC_ADD(asked->front->process->metrics.asks_unanswered, 1);
    one_answered(asked->front, job);
}

static void set_text(char **field, const char *text)
{
    *field = (char *)(uintptr_t)text;
}

/* A command that would go on without an answer does not wait for a service that is not there. */
static void ask_one(struct front *front, struct job *job, size_t number)
{
    const struct ask *ask = &job->method->route->asks[number];
    struct answer *answer = &job->call.answers[number];
    *answer = (struct answer){.was_asked = true};
    size_t bytes;
    const uint8_t *packed = pack_into(job->arena, job->questions[number], &bytes);
    struct uuid hash = uuid_of_hash(packed, bytes);
    char hash_text[UUID_TEXT_BYTES], void_text[UUID_TEXT_BYTES], method[96];
    char *permissions[] = {(char *)(uintptr_t) "internal"};
    snprintf(method, sizeof method, "%s.%s", ask->service, ask->rpc);
    RequestHeader header = PENSTOCK__BUS__V1__REQUEST_HEADER__INIT;
    header.method = method;
    header.permissions = permissions;
    header.n_permissions = 1;
    set_text(&header.actor, job->call.actor);
    set_text(&header.traceparent, job->call.traceparent);
    set_text(&header.command_id, job->call.command_id);
    set_text(&header.asker, front->process->service->name);
    header.question_hash = uuid_text(&hash, hash_text);
    if (!uuid_is_nil(&job->void_holds[number]))
        header.void_hold_id = uuid_text(&job->void_holds[number], void_text);
    int64_t left_ms = (job->deadline_us - clock_monotonic_us()) / 1000;
    bool may_go_without = job->timeouts_ms[number] > 0;
    int timeout_ms = (int)(left_ms < 1 ? 1 : left_ms);
    if (may_go_without && job->timeouts_ms[number] < timeout_ms)
        timeout_ms = job->timeouts_ms[number];
    if (!may_go_without) /* what is left is for saying that no answer came */
        timeout_ms -= timeout_ms / 10;
    struct asked *asked = ARENA_NEW(job->arena, struct asked);
    *asked = (struct asked){front, job, number};
    METRIC_ADD(front->process->metrics.asks, 1);
    bool is_away = may_go_without && !bus_client_is_connected(front->client, ask->service);
    if (is_away || bus_ask(front->client, ask->service, &header, packed, bytes, timeout_ms,
                           answered, asked) != STATUS_OK) {
        METRIC_ADD(front->process->metrics.asks_unanswered, 1);
        one_answered(front, job);
    }
}

static void ask_all(struct front *front, struct job *job)
{
    CRASHPOINT("front.before_ask");
    job->asks_left = 1; /* ours, so that a quick answer does not end it */
    for (size_t i = 0; i < job->method->nasks; i++)
        if (job->questions[i] != NULL)
            job->asks_left++;
    for (size_t i = 0; i < job->method->nasks; i++)
        if (job->questions[i] != NULL)
            ask_one(front, job, i);
    one_answered(front, job);
}

void ask_start(struct front *front, struct job *job)
{
    job->is_built = true;
    job->call.now_us = clock_wall_us();
    if (ask_build(job, &job->call, false) != STATUS_OK)
        ask_over(front, job);
    else if (has_reading_ask(job))
        front_to_lane(front, job);
    else
        ask_all(front, job);
}

void ask_built(struct front *front, struct job *job)
{
    if (job->is_built)
        ask_all(front, job);
    else
        ask_over(front, job);
}

void ask_again(struct front *front, struct job *job)
{
    METRIC_ADD(front->process->metrics.reasked, 1);
    job->asks_left = 1;
    for (size_t i = 0; i < job->method->nasks; i++)
        if (!uuid_is_nil(&job->void_holds[i]))
            job->asks_left++;
    for (size_t i = 0; i < job->method->nasks; i++)
        if (!uuid_is_nil(&job->void_holds[i]))
            ask_one(front, job, i);
    one_answered(front, job);
}

/* ---- settling: what the asker does ---- */

static void nobody_cares(void *context, const ReplyHeader *header, const uint8_t *payload,
                         size_t payload_bytes)
{
    (void)context;
    (void)header;
    (void)payload;
    (void)payload_bytes;
}

static void send_internal(struct front *front, const char *service, const char *rpc,
                          const ProtobufCMessage *message, int timeout_ms)
{
    RequestHeader header = PENSTOCK__BUS__V1__REQUEST_HEADER__INIT;
    char method[96];
    char *permissions[] = {(char *)(uintptr_t) "internal"};
    snprintf(method, sizeof method, "%s.%s", service, rpc);
    header.method = method;
    header.permissions = permissions;
    header.n_permissions = 1;
    header.actor = front->process->actor;
    set_text(&header.asker, front->process->service->name);
    /* Lost is lost: the holder asks again every ten seconds. */
    enum status ignored =
        bus_ask_message(front->client, service, &header, message, timeout_ms, nobody_cares, NULL);
    (void)ignored;
}

void ask_hint(struct front *front, const struct job *job)
{
    for (size_t i = 0; i < job->method->nasks; i++) {
        const struct answer *answer = &job->call.answers[i];
        if (uuid_is_nil(&answer->hold_id))
            continue;
        char hold_id[UUID_TEXT_BYTES];
        Penstock__Bus__V1__HintHoldRequest hint = PENSTOCK__BUS__V1__HINT_HOLD_REQUEST__INIT;
        set_text(&hint.command_id, job->call.command_id);
        hint.hold_id = uuid_text(&answer->hold_id, hold_id);
        set_text(&hint.asker, front->process->service->name);
        send_internal(front, job->method->route->asks[i].service, "HintHold", &hint.base,
                      HINT_TIMEOUT_MS);
    }
}

/* ---- settling: what the holder does ---- */

void ask_settle(struct front *front, const char *asker, const char *command_id, const char *hold_id)
{
    struct uuid id;
    if (*asker == '\0' || strlen(asker) >= 64 || !uuid_parse(hold_id, &id))
        return;
    Penstock__Bus__V1__SettleHoldRequest request = PENSTOCK__BUS__V1__SETTLE_HOLD_REQUEST__INIT;
    set_text(&request.command_id, command_id);
    set_text(&request.hold_id, hold_id);
    send_internal(front, asker, "SettleHold", &request.base, SETTLE_TIMEOUT_MS);
}

/* Which holds were settled lately: each is asked about every ten seconds, though the list of those
 * that stand is read every second. */
struct settled_ring {
    struct uuid holds[REMEMBERED];
    int64_t asked_us[REMEMBERED];
    size_t next;
};

static bool was_settled_lately(struct front *front, const struct uuid *hold_id)
{
    if (front->settled == NULL) {
        front->settled = calloc(1, sizeof *front->settled);
        assert(front->settled != NULL);
    }
    struct settled_ring *ring = front->settled;
    int64_t now_us = clock_monotonic_us();
    for (size_t i = 0; i < REMEMBERED; i++)
        if (now_us - ring->asked_us[i] < SETTLE_AGAIN_US && uuid_equal(&ring->holds[i], hold_id))
            return true;
    ring->holds[ring->next] = *hold_id;
    ring->asked_us[ring->next] = now_us;
    ring->next = (ring->next + 1) % REMEMBERED;
    return false;
}

void ask_unsettled(struct front *front, struct unsettled_job *job)
{
    front->unsettled_is_out = false;
    for (size_t i = 0; i < job->count; i++) {
        char hold_id[UUID_TEXT_BYTES];
        if (!was_settled_lately(front, &job->list[i].hold_id))
            ask_settle(front, job->list[i].asker, job->list[i].command_id,
                       uuid_text(&job->list[i].hold_id, hold_id));
    }
}

void ask_poll_unsettled(void *context)
{
    struct front *front = context;
    if (front->unsettled_is_out || front->is_stopping || !atomic_load(&front->process->is_leader))
        return;
    if (front->unsettled == NULL) {
        front->unsettled = calloc(1, sizeof *front->unsettled);
        assert(front->unsettled != NULL);
        front->unsettled->head.kind = JOB_UNSETTLED;
        front->unsettled->arena = arena_open(SERVICE_JOB_BYTES);
    }
    front->unsettled_is_out = true;
    bus_channel_send(front->lanes[0], front->unsettled);
}
