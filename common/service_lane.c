/* A lane: a thread with a connection of its own that answers queries, and builds questions that
 * read. */
#include "common/service_internal.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RECONNECT_MIN_US 50000
#define RECONNECT_MAX_US 1000000

struct lane {
    struct process *process;
    struct bus_loop *loop;
    struct bus_channel *front;
    struct db *db;
    void *state;
    int64_t connect_at_us, backoff_us;
};

static bool connect_lane(struct lane *lane)
{
    if (lane->db != NULL && !db_is_broken(lane->db))
        return true;
    db_close(&lane->db);
    int64_t now_us = clock_monotonic_us();
    if (now_us < lane->connect_at_us)
        return false;
    struct db_options limits = {.statement_timeout_ms =
                                    (int)lane->process->settings.lane_timeout_ms,
                                .lock_timeout_ms = 1000};
    if (process_db_open(lane->process, "lane", &limits, &lane->db) == STATUS_OK &&
        db_command(lane->db, "SET jit = off", NULL) == STATUS_OK) {
        lane->backoff_us = RECONNECT_MIN_US;
        return true;
    }
    db_close(&lane->db);
    lane->connect_at_us = now_us + lane->backoff_us;
    lane->backoff_us =
        lane->backoff_us * 2 < RECONNECT_MAX_US ? lane->backoff_us * 2 : RECONNECT_MAX_US;
    return false;
}

/* ---- ListParked ---- */

struct parked_view {
    struct uuid id;
    const char *source;
    int64_t position;
    const char *type, *key, *reason;
    bool is_crashed;
    int64_t parked_at;
};
DB_SHAPE(parked_view_shape, struct parked_view, DB_FIELD(struct parked_view, id, DB_UUID),
         DB_FIELD(struct parked_view, source, DB_TEXT),
         DB_FIELD(struct parked_view, position, DB_INT64),
         DB_FIELD(struct parked_view, type, DB_TEXT), DB_FIELD(struct parked_view, key, DB_TEXT),
         DB_FIELD(struct parked_view, reason, DB_TEXT),
         DB_FIELD(struct parked_view, is_crashed, DB_BOOLEAN),
         DB_FIELD(struct parked_view, parked_at, DB_TIMESTAMP));

static Penstock__Bus__V1__Parked *view_parked(struct arena *arena, const struct parked_view *row)
{
    Penstock__Bus__V1__Parked *out = ARENA_NEW(arena, Penstock__Bus__V1__Parked);
    penstock__bus__v1__parked__init(out);
    char id[UUID_TEXT_BYTES];
    out->id = arena_strdup(arena, uuid_text(&row->id, id));
    out->source = arena_strdup(arena, row->source);
    out->position = row->position;
    out->type = arena_strdup(arena, row->type);
    out->key = arena_strdup(arena, row->key);
    out->reason = arena_strdup(arena, row->reason);
    out->is_crashed = row->is_crashed;
    out->parked_at_us = row->parked_at;
    return out;
}

static enum status list_parked(struct lane *lane, struct call *call)
{
    const Penstock__Bus__V1__ListParkedRequest *in =
        (const Penstock__Bus__V1__ListParkedRequest *)call->in;
    Penstock__Bus__V1__ListParkedResponse *out = (Penstock__Bus__V1__ListParkedResponse *)call->out;
    struct uuid after = {{0}};
    if (*in->cursor != '\0' && !uuid_parse(in->cursor, &after))
        return refuse(call, STATUS_INVALID, "invalid", "cursor", "This is no cursor of ours");
    int64_t limit = in->limit <= 0 ? 50 : in->limit > 200 ? 200 : in->limit;
    struct parked_view *rows;
    size_t count;
    TRY(db_select(lane->db, platform_query(lane->process, P_PARKED_LIST), &parked_view_shape, &rows,
                  &count, db_uuid(&after), db_int(limit)));
    out->data = ARENA_ARRAY(call->arena, count, Penstock__Bus__V1__Parked *);
    for (size_t i = 0; i < count; i++)
        out->data[out->n_data++] = view_parked(call->arena, &rows[i]);
    if ((int64_t)count == limit)
        out->next_cursor = out->data[count - 1]->id;
    return STATUS_OK;
}

/* ---- queries ---- */

static void ready_lane(struct lane *lane, struct job *job)
{
    job->call.db = lane->db;
    job->call.state = lane->state;
    job->call.now_us = clock_wall_us();
    db_use_arena(lane->db, job->arena);
}

static enum status run_query(struct lane *lane, struct job *job)
{
    call_again(&job->call, job->method->out);
    ready_lane(lane, job);
    db_take_wait_us(lane->db);
    TRY(db_begin_read_only(lane->db));
    enum status returned =
        job->method->builtin == BUILTIN_LIST_PARKED
            ? list_parked(lane, &job->call)
            : job->method->route->handler(&job->call, job->call.in, job->call.out);
    enum status status = call_outcome(&job->call, returned);
    enum status ended = STATUS_OK;
    if (status == STATUS_OK)
        ended = db_commit(lane->db);
    else
        db_rollback(lane->db);
    job->db_us = db_take_wait_us(lane->db);
    call_apply_counts(&job->call);
    return status != STATUS_OK ? status : ended;
}

static void answer_query(struct lane *lane, struct job *job)
{
    if (job->deadline_us <= clock_monotonic_us()) {
        METRIC_ADD(lane->process->metrics.dropped, 1);
        job_fail(job, STATUS_DEADLINE, "deadline", "The time for this had run out");
        return;
    }
    enum status status = STATUS_RETRY;
    /* A read may simply be tried again: the connection is found dead only by using it. */
    for (int tries = 0; tries < 2 && status == STATUS_RETRY && connect_lane(lane); tries++)
        status = run_query(lane, job);
    METRIC_ADD(lane->process->metrics.queries, 1);
    if (status == STATUS_OK) {
        job_answer(job);
    } else if (job->own.is_refused || status_is_refusal(status)) {
        job->status = status;
    } else if (status == STATUS_RETRY || status == STATUS_UNKNOWN) {
        job_fail(job, STATUS_UNAVAILABLE, "unavailable", "The database is away or too busy");
    } else {
        log_error("query_failed", "A query failed", LOG_TEXT("method", job->method->rpc),
                  LOG_TEXT("database", db_error(lane->db)));
        job_fail(job, STATUS_INTERNAL, "internal", "This failed for a reason that is ours");
    }
}

/* ---- questions that read ---- */

static void build(struct lane *lane, struct job *job)
{
    enum status status = STATUS_RETRY;
    for (int tries = 0; tries < 2 && status == STATUS_RETRY && connect_lane(lane); tries++) {
        ready_lane(lane, job);
        status = db_begin_read_only(lane->db);
        if (status == STATUS_OK)
            status = ask_build(job, &job->call, true);
        db_rollback(lane->db);
    }
    job->call.db = NULL;
    if (status == STATUS_OK || job->own.is_refused || status_is_refusal(status))
        return;
    log_warn("question_failed", "A question to another service could not be built",
             LOG_TEXT("method", job->method->rpc), LOG_TEXT("status", status_name(status)));
    job_fail(job, STATUS_UNAVAILABLE, "unavailable", "The database is away or too busy");
    job->is_built = false;
}

static void find_unsettled(struct lane *lane, struct unsettled_job *job)
{
    arena_reset(job->arena);
    job->count = 0;
    if (!connect_lane(lane))
        return;
    struct call call;
    struct call_own own;
    size_t found = sizeof job->list / sizeof job->list[0];
    call_init(&call, &own, lane->process, job->arena);
    call.db = lane->db;
    call.state = lane->state;
    call.now_us = clock_wall_us();
    db_use_arena(lane->db, job->arena);
    if (db_begin_read_only(lane->db) == STATUS_OK &&
        lane->process->service->unsettled(&call, INT64_C(10000000), job->list, &found) == STATUS_OK)
        job->count = found;
    db_rollback(lane->db);
}

/* ---- the thread ---- */

static void lane_receive(void *context, void *pointer)
{
    struct lane *lane = context;
    struct job_head *head = pointer;
    switch (head->kind) {
    case JOB_QUERY:
        answer_query(lane, pointer);
        break;
    case JOB_COMMAND:
        build(lane, pointer);
        break;
    case JOB_UNSETTLED:
        find_unsettled(lane, pointer);
        break;
    case JOB_STOP:
        bus_loop_stop(lane->loop);
        return;
    case JOB_FETCH:
    case JOB_EVENTS:
    case JOB_LED:
    case JOB_COMMITTED:
    case JOB_OUTCALL:
        assert(!"a job that a lane does not do");
        break;
    }
    bus_channel_send(lane->front, pointer);
}

static void keep_alive(void *context)
{
    connect_lane(context);
}

void *lane_run(void *argument)
{
    struct lane_start *start = argument;
    struct lane lane = {.process = start->process, .backoff_us = RECONNECT_MIN_US};
    const struct service *service = lane.process->service;
    char name[32];
    snprintf(name, sizeof name, "lane.%zu", start->number);
    free(start);
    lane.loop = bus_loop_open(lane.process->bus);
    lane.front = bus_channel_connect(lane.loop, name, lane_receive, &lane);
    lane.state = service->open == NULL ? NULL : service->open(lane.process->conf);
    bus_loop_every(lane.loop, 1000, keep_alive, &lane);
    connect_lane(&lane);
    bus_loop_run(lane.loop);
    if (service->close != NULL)
        service->close(lane.state);
    db_close(&lane.db);
    bus_loop_close(&lane.loop);
    return NULL;
}
