/* The front: what comes in over the bus is let in here, or told at once why not. */
#include "common/service_internal.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LANE_LIMIT 256
#define MAX_DEADLINE_US (INT64_C(60) * 1000000)

/* ---- to other threads ---- */

void front_to_writer(struct front *front, void *job)
{
    if (front->nto_writer == front->to_writer_room) {
        front->to_writer_room = front->to_writer_room == 0 ? 256 : front->to_writer_room * 2;
        front->to_writer = reallocarray(front->to_writer, front->to_writer_room, sizeof(void *));
        assert(front->to_writer != NULL);
    }
    front->to_writer[front->nto_writer++] = job;
    if (((struct job_head *)job)->kind == JOB_COMMAND)
        ((struct job *)job)->queued_us = clock_monotonic_us();
}

/* Gathered over a round of the loop: the writer is woken once for all of it. */
static void send_gathered(void *context)
{
    struct front *front = context;
    bus_channel_send_many(front->writer, front->to_writer, front->nto_writer);
    front->nto_writer = 0;
}

void front_to_lane(struct front *front, struct job *job)
{
    size_t best = 0;
    for (size_t i = 1; i < front->process->nlanes; i++)
        if (front->lane_load[i] < front->lane_load[best])
            best = i;
    if (front->lane_load[best] >= LANE_LIMIT) {
        METRIC_ADD(front->process->metrics.overloaded, 1);
        job_fail(job, STATUS_UNAVAILABLE, "overloaded", "Too many questions at once: try again");
        if (job->head.kind == JOB_COMMAND)
            front->writer_load--;
        front_reply(front, job);
        return;
    }
    job->lane = best;
    front->lane_load[best]++;
    bus_channel_send(front->lanes[best], job);
}

/* ---- replies ---- */

static void log_command(const struct front *front, const struct job *job)
{
    if (!front->process->logs_info || job->method->route == NULL)
        return;
    log_context(job->call.traceparent, NULL);
    log_info("request_done", "A request was answered", LOG_TEXT("method", job->method->rpc),
             LOG_TEXT("status", status_name(job->status)),
             LOG_INT("duration_ms", (clock_monotonic_us() - job->came_us) / 1000),
             LOG_INT("db_ms", job->db_us / 1000),
             LOG_TEXT("error.code", job->status == STATUS_OK ? NULL : job->own.code));
    log_context(NULL, NULL);
}

void front_reply(struct front *front, struct job *job)
{
    ReplyHeader header = PENSTOCK__BUS__V1__REPLY_HEADER__INIT;
    const struct call_own *own = &job->own;
    char hold_id[UUID_TEXT_BYTES];
    header.status = (Penstock__Bus__V1__Status)job->status;
    if (job->status != STATUS_OK) {
        header.code = (char *)(uintptr_t)(own->code == NULL ? "internal" : own->code);
        header.field = (char *)(uintptr_t)(own->field == NULL ? "" : own->field);
        header.message = (char *)(uintptr_t)(own->text == NULL ? "" : own->text);
        header.details = own->details;
        header.n_details = own->ndetails;
        if (job->status == STATUS_UNAVAILABLE)
            header.retry_after_ms = 1000;
    } else {
        header.position = job->position;
        header.repeated = job->is_repeated;
        if (!uuid_is_nil(&job->call.reply_hold_id))
            header.hold_id = uuid_text(&job->call.reply_hold_id, hold_id);
    }
    /* First: the call's texts are the request's, which goes with the reply. */
    log_command(front, job);
    bus_server_reply_packed(front->server, &job->request, &header, job->packed,
                            job->status == STATUS_OK ? job->packed_bytes : 0);
    job_free(job, &front->pool);
    front->in_flight--;
}

static void refuse_request(struct front *front, struct bus_request *request, enum status status,
                           const char *code, const char *text, int retry_after_ms)
{
    ReplyHeader header = PENSTOCK__BUS__V1__REPLY_HEADER__INIT;
    header.status = (Penstock__Bus__V1__Status)status;
    header.code = (char *)(uintptr_t)code;
    header.message = (char *)(uintptr_t)text;
    header.retry_after_ms = retry_after_ms;
    bus_server_reply(front->server, &request, &header, NULL);
}

/* ---- admission ---- */

static int by_rpc(const void *key, const void *entry)
{
    return strcmp(key, ((const struct method *)entry)->rpc);
}

static const struct method *find_method(const struct front *front, const char *name)
{
    const char *self = front->process->service->name;
    size_t length = strlen(self);
    if (strncmp(name, self, length) != 0 || name[length] != '.')
        return NULL;
    return bsearch(name + length + 1, front->process->methods, front->process->nmethods,
                   sizeof(struct method), by_rpc);
}

static bool is_permitted(const struct method *method, const RequestHeader *header)
{
    const char *needed = method->route == NULL ? NULL : method->route->permission;
    for (size_t i = 0; i < header->n_permissions; i++)
        if (strcmp(header->permissions[i], "internal") == 0 ||
            (needed != NULL && strcmp(header->permissions[i], needed) == 0))
            return true;
    return false;
}

static bool is_for_writer(const struct method *method)
{
    switch (method->builtin) {
    case BUILTIN_SETTLE_HOLD:
    case BUILTIN_RETRY_PARKED:
        return true;
    case BUILTIN_FETCH:
    case BUILTIN_HINT_HOLD:
    case BUILTIN_GET_HEALTH:
    case BUILTIN_LIST_PARKED:
        return false;
    case BUILTIN_NONE:
        break;
    }
    return method->route->kind != ROUTE_QUERY;
}

/* What stops a request before anything of it is looked at; NULL lets it in. */
static const char *refusal_of(struct front *front, const struct method *method,
                              const RequestHeader *header, enum status *status)
{
    if (method == NULL) {
        *status = STATUS_NOT_FOUND;
        return "unknown_method";
    }
    if (!is_permitted(method, header)) {
        *status = STATUS_FORBIDDEN;
        return "forbidden";
    }
    if (header->remaining_ms <= 0) {
        *status = STATUS_DEADLINE;
        return "deadline";
    }
    if (is_for_writer(method) && !atomic_load(&front->process->is_leader)) {
        *status = STATUS_NOT_LEADER;
        return "not_leader";
    }
    *status = STATUS_UNAVAILABLE;
    if (front->is_stopping && method->builtin != BUILTIN_GET_HEALTH)
        return "stopping";
    const struct settings *settings = &front->process->settings;
    if (is_for_writer(method) &&
        (front->writer_load >= (size_t)settings->queue_limit ||
         (front->writer_load > 64 && front->writer_old_us > settings->queue_age_ms * 1000))) {
        METRIC_ADD(front->process->metrics.overloaded, 1);
        return "overloaded";
    }
    return NULL;
}

static struct job *take_in(struct front *front, struct bus_request *request,
                           const struct method *method)
{
    const RequestHeader *header = request->header;
    struct job *job = job_new(front->process, &front->pool);
    front->in_flight++;
    job->request = request;
    job->method = method;
    job->came_us = clock_monotonic_us();
    job->deadline_us = request->deadline_us;
    if (job->deadline_us > job->came_us + MAX_DEADLINE_US)
        job->deadline_us = job->came_us + MAX_DEADLINE_US;
    struct call *call = &job->call;
    call->actor = header->actor;
    call->traceparent = header->traceparent;
    call->command_id = header->command_id;
    call->question_hash = header->question_hash;
    call->asker = header->asker;
    uuid_parse(header->void_hold_id, &call->void_hold_id);
    const char **permissions = ARENA_ARRAY(job->arena, header->n_permissions + 1, const char *);
    for (size_t i = 0; i < header->n_permissions; i++)
        permissions[i] = header->permissions[i];
    call->permissions = permissions;
    call->in = protobuf_c_message_unpack(method->in, arena_protobuf(job->arena),
                                         request->payload_bytes, request->payload);
    return job;
}

/* An ask's hold is kept by its handler under (command id, question): the skeleton keeps no identity
 * for it, but no two of the same question run in one turn. */
static void identify(struct job *job)
{
    struct call *call = &job->call;
    call->command_hash = uuid_of_hash(job->request->payload, job->request->payload_bytes);
    if (job->method->nasks > 0 && *call->command_id == '\0') {
        char id[UUID_TEXT_BYTES];
        struct uuid made = uuid_new();
        call->command_id = arena_strdup(job->arena, uuid_text(&made, id));
    }
    if (*call->command_id == '\0')
        return;
    job->has_identity = true;
    if (*call->question_hash == '\0') {
        job->identity = uuid_of_hash(call->command_id, strlen(call->command_id));
        job->must_store = true;
    } else {
        const char *both = arena_printf(job->arena, "%s %s", call->command_id, call->question_hash);
        job->identity = uuid_of_hash(both, strlen(both));
    }
}

static void admit_command(struct front *front, struct job *job)
{
    job->head.kind = JOB_COMMAND;
    job->own.may_wait = true;
    front->writer_load++;
    identify(job);
    if (job->method->nasks > 0)
        ask_start(front, job);
    else
        front_to_writer(front, job);
}

/* A query that asks is a command as far as its questions; it has no identity and writes nothing. */
static void admit_query(struct front *front, struct job *job)
{
    if (job->method->nasks == 0) {
        job->head.kind = JOB_QUERY;
        front_to_lane(front, job);
        return;
    }
    job->head.kind = JOB_COMMAND;
    front->writer_load++;
    ask_start(front, job);
}

/* ---- what every service answers ---- */

static void admit_settle(struct front *front, struct job *job)
{
    const Penstock__Bus__V1__SettleHoldRequest *in =
        (const Penstock__Bus__V1__SettleHoldRequest *)job->call.in;
    job->head.kind = JOB_COMMAND;
    job->identity = uuid_of_hash(in->command_id, strlen(in->command_id));
    job->has_identity = true;
    front->writer_load++;
    front_to_writer(front, job);
}

static void answer_hint(struct front *front, struct job *job)
{
    const Penstock__Bus__V1__HintHoldRequest *in =
        (const Penstock__Bus__V1__HintHoldRequest *)job->call.in;
    ask_settle(front, in->asker, in->command_id, in->hold_id);
    job->call.out = message_new(job->arena, job->method->out);
    job_answer(job);
    front_reply(front, job);
}

static void answer_health(struct front *front, struct job *job)
{
    job->call.out = message_new(job->arena, job->method->out);
    health_answer(front, (Penstock__Bus__V1__GetHealthResponse *)job->call.out, job->arena);
    job_answer(job);
    front_reply(front, job);
}

static void admit_builtin(struct front *front, struct job *job)
{
    switch (job->method->builtin) {
    case BUILTIN_FETCH:
        job->head.kind = JOB_FETCH;
        front->in_flight--; /* it waits for news: no drain waits for it */
        bus_channel_send(front->log, job);
        break;
    case BUILTIN_SETTLE_HOLD:
        admit_settle(front, job);
        break;
    case BUILTIN_HINT_HOLD:
        answer_hint(front, job);
        break;
    case BUILTIN_GET_HEALTH:
        answer_health(front, job);
        break;
    case BUILTIN_LIST_PARKED:
        job->head.kind = JOB_QUERY;
        front_to_lane(front, job);
        break;
    case BUILTIN_RETRY_PARKED:
        job->head.kind = JOB_COMMAND;
        front->writer_load++;
        front_to_writer(front, job);
        break;
    case BUILTIN_NONE:
        break;
    }
}

static void receive_request(void *context, struct bus_request *request)
{
    struct front *front = context;
    const struct method *method = find_method(front, request->header->method);
    enum status status = STATUS_OK;
    const char *code = refusal_of(front, method, request->header, &status);
    if (code != NULL) {
        refuse_request(front, request, status, code, "", status == STATUS_UNAVAILABLE ? 1000 : 0);
        return;
    }
    struct job *job = take_in(front, request, method);
    if (job->call.in == NULL) {
        job_fail(job, STATUS_INVALID, "malformed",
                 "This is no message of the type that it must be");
        front_reply(front, job);
    } else if (method->builtin != BUILTIN_NONE) {
        admit_builtin(front, job);
    } else if (method->route->kind == ROUTE_QUERY) {
        admit_query(front, job);
    } else {
        admit_command(front, job);
    }
}

/* ---- from other threads ---- */

static void command_back(struct front *front, struct job *job)
{
    if (job->wants_ask_again) {
        job->wants_ask_again = false;
        ask_again(front, job);
        return;
    }
    front->writer_load--;
    front->writer_old_us = clock_monotonic_us() - job->queued_us;
    if (job->hints || (job->status != STATUS_OK && job->status != STATUS_NOT_LEADER))
        ask_hint(front, job);
    front_reply(front, job);
}

static void from_writer(void *context, void *pointer)
{
    struct front *front = context;
    struct job_head *head = pointer;
    switch (head->kind) {
    case JOB_COMMAND:
        command_back(front, pointer);
        return;
    case JOB_EVENTS:
        feeds_done(front, pointer);
        return;
    case JOB_LED:
        feeds_led(front, pointer);
        free(pointer);
        return;
    case JOB_QUERY:
    case JOB_FETCH:
    case JOB_UNSETTLED:
    case JOB_COMMITTED:
    case JOB_OUTCALL:
    case JOB_STOP:
        break;
    }
    assert(!"a job that does not come from the writer");
}

static void from_lane(void *context, void *pointer)
{
    struct front *front = context;
    struct job_head *head = pointer;
    if (head->kind == JOB_UNSETTLED) {
        ask_unsettled(front, pointer);
        return;
    }
    struct job *job = pointer;
    front->lane_load[job->lane]--;
    if (head->kind == JOB_COMMAND)
        ask_built(front, job);
    else
        front_reply(front, job);
}

static void from_log(void *context, void *pointer)
{
    struct front *front = context;
    front->in_flight++;
    front_reply(front, pointer);
}

/* ---- the life of the front ---- */

enum status front_open(struct front *front)
{
    struct process *process = front->process;
    front->loop = bus_loop_open(process->bus);
    front->client = bus_client_open(front->loop, (int)process->settings.credit);
    front->writer = bus_channel_bind(front->loop, "writer", from_writer, front);
    front->log = bus_channel_bind(front->loop, "log", from_log, front);
    for (size_t i = 0; i < process->nlanes; i++) {
        char name[32];
        snprintf(name, sizeof name, "lane.%zu", i);
        front->lanes[i] = bus_channel_bind(front->loop, name, from_lane, front);
    }
    /* Connected before the first question, so that nobody seems to be away. */
    for (size_t i = 0; i < process->nmethods; i++)
        for (size_t a = 0; a < process->methods[i].nasks; a++)
            bus_client_is_connected(front->client, process->methods[i].route->asks[a].service);
    bus_loop_after_round(front->loop, send_gathered, front);
    feeds_open(front);
    if (process->service->unsettled != NULL)
        bus_loop_every(front->loop, 1000, ask_poll_unsettled, front);
    return bus_server_open(front->loop, receive_request, front, &front->server);
}

void front_stop(struct front *front)
{
    static struct job_head stop = {JOB_STOP};
    bus_channel_send(front->writer, &stop);
    bus_channel_send(front->log, &stop);
    for (size_t i = 0; i < front->process->nlanes; i++)
        bus_channel_send(front->lanes[i], &stop);
}

void front_close(struct front *front)
{
    feeds_close(front);
    bus_loop_close(&front->loop);
    job_pool_close(&front->pool);
    free(front->to_writer);
    if (front->unsettled != NULL)
        arena_close(&front->unsettled->arena);
    free(front->unsettled);
    free(front->settled);
}
