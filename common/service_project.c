/* A projection: a thread that reads this service's own log and writes tables of its own. */
#include "common/service_internal.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/eventlog.h"

#define AGAIN_US 500000
#define LOOK_US 500000
#define BATCH_EVENTS 1024

struct projector {
    struct process *process;
    const struct projection *projection;
    struct bus_loop *loop;
    struct db *db;
    struct arena *arena;
    void *state;
    char source[96];
    bool knows_cursor;
    int64_t position, again_at_us;
    struct pace pace;
};

struct cursor_row {
    const char *source;
    int64_t position;
};
DB_SHAPE(cursor_shape, struct cursor_row, DB_FIELD(struct cursor_row, source, DB_TEXT),
         DB_FIELD(struct cursor_row, position, DB_INT64));

static enum status read_cursor(struct projector *it)
{
    struct cursor_row *rows;
    size_t count;
    TRY(db_select(it->db, platform_query(it->process, P_CURSOR_READ), &cursor_shape, &rows,
                  &count));
    for (size_t i = 0; i < count; i++)
        if (strcmp(rows[i].source, it->source) == 0) {
            it->position = rows[i].position;
            it->knows_cursor = true;
        }
    return it->knows_cursor ? STATUS_OK : STATUS_RETRY;
}

static enum status connect_projector(struct projector *it)
{
    if (it->db == NULL) {
        struct db_options limits = {.statement_timeout_ms = 30000, .lock_timeout_ms = 1000};
        it->knows_cursor = false;
        TRY(process_db_open(it->process, it->source, &limits, &it->db));
        TRY(db_command(it->db, "SET jit = off; SET enable_seqscan = off", NULL));
    }
    db_use_arena(it->db, it->arena);
    return it->knows_cursor ? STATUS_OK : read_cursor(it);
}

static size_t calls_of(struct projector *it, const struct eventlog_row *rows, size_t count,
                       struct call *calls)
{
    struct call_own *owns = ARENA_ARRAY(it->arena, count, struct call_own);
    struct event_source *sources = ARENA_ARRAY(it->arena, count, struct event_source);
    const ProtobufCMessageDescriptor *type = it->projection->type;
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        const struct eventlog_row *row = &rows[i];
        if (type != NULL && strcmp(row->type, type->short_name) != 0)
            continue;
        struct call *call = &calls[n];
        call_init(call, &owns[n], it->process, it->arena);
        sources[n] = (struct event_source){it->process->service->name,
                                           row->position,
                                           row->event_id,
                                           row->type,
                                           row->key,
                                           row->occurred_at};
        call->db = it->db;
        call->now_us = clock_wall_us();
        call->state = it->state;
        call->actor = row->actor;
        call->event = &sources[n];
        if (type != NULL)
            call->in = protobuf_c_message_unpack(type, arena_protobuf(it->arena),
                                                 row->payload.count, row->payload.bytes);
        if (type == NULL || call->in != NULL)
            n++;
    }
    return n;
}

/* A projection has no one to park for: what it refuses is said, and left out. */
static void log_refused(const struct projector *it, const struct call *calls, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (calls[i].status != STATUS_OK)
            log_error("projection_refused", "A projection left an event out",
                      LOG_TEXT("projection", it->projection->name),
                      LOG_INT("position", calls[i].event->position),
                      LOG_TEXT("code", calls[i].own->code));
}

static enum status apply(struct projector *it, int64_t last)
{
    struct eventlog_row *rows;
    size_t count;
    TRY(eventlog_range(it->db, it->process->service->nqueries, it->position + 1, last, &rows,
                       &count));
    if (count == 0)
        return STATUS_OK;
    struct call *calls = ARENA_ARRAY(it->arena, count, struct call);
    size_t n = calls_of(it, rows, count, calls);
    struct batch batch = {it->db, it->arena, clock_wall_us(), it->state, calls, n};
    if (n > 0)
        TRY(it->projection->batch(&batch));
    TRY(db_exec_expect(it->db, platform_query(it->process, P_CURSOR_MOVE), 1, db_text(it->source),
                       db_int(it->position), db_int(rows[count - 1].position),
                       db_uuid(&rows[count - 1].event_id), db_time(batch.now_us)));
    TRY(db_commit(it->db));
    log_refused(it, calls, n);
    it->position = rows[count - 1].position;
    pace_told(&it->pace, count, rows[count - 1].occurred_at, clock_monotonic_us());
    return STATUS_OK;
}

static enum status apply_some(struct projector *it)
{
    arena_reset(it->arena);
    TRY(connect_projector(it));
    int64_t head = METRIC_GET(it->process->head);
    int64_t last = it->position + BATCH_EVENTS < head ? it->position + BATCH_EVENTS : head;
    if (last <= it->position)
        return STATUS_OK;
    TRY(db_begin(it->db));
    enum status status = apply(it, last);
    db_rollback(it->db);
    return status;
}

/* When it may go on; never, while there is nothing to read. */
static int64_t due_us(const struct projector *it)
{
    int64_t now_us = clock_monotonic_us();
    int64_t news = METRIC_GET(it->process->head) - it->position;
    int64_t stand_back_us = process_stand_back_us(it->process);
    if (!atomic_load(&it->process->is_leader) || (it->knows_cursor && news <= 0))
        return INT64_MAX;
    if (!it->knows_cursor || (news >= BATCH_EVENTS && stand_back_us == 0))
        return it->again_at_us;
    int64_t at_us = pace_next_us(&it->pace, now_us, clock_wall_us(), stand_back_us);
    return at_us > it->again_at_us ? at_us : it->again_at_us;
}

static void go_on(void *context)
{
    struct projector *it = context;
    while (due_us(it) <= clock_monotonic_us()) {
        enum status status = apply_some(it);
        if (status == STATUS_OK)
            continue;
        log_warn("projection_failed", "A projection could not go on",
                 LOG_TEXT("projection", it->projection->name),
                 LOG_TEXT("status", status_name(status)),
                 LOG_TEXT("database", it->db == NULL ? NULL : db_error(it->db)));
        db_close(&it->db);
        it->again_at_us = clock_monotonic_us() + AGAIN_US;
    }
}

static void projector_receive(void *context, void *pointer)
{
    struct projector *it = context;
    const struct job_head *head = pointer;
    if (head->kind == JOB_STOP)
        bus_loop_stop(it->loop);
}

void *projection_run(void *argument)
{
    struct lane_start *start = argument;
    struct projector it = {.process = start->process,
                           .projection = &start->process->service->projections[start->number]};
    char name[64];
    process_stand_back();
    snprintf(it.source, sizeof it.source, "projection:%s", it.projection->name);
    it.loop = bus_loop_open(it.process->bus);
    it.arena = arena_open(SERVICE_JOB_BYTES);
    snprintf(name, sizeof name, "projection.%zu", start->number);
    bus_channel_bind(it.loop, name, projector_receive, &it);
    snprintf(name, sizeof name, "projection.front.%zu", start->number);
    bus_channel_bind(it.loop, name, projector_receive, &it);
    free(start);
    const struct service *service = it.process->service;
    it.state = service->open == NULL ? NULL : service->open(it.process->conf);
    bus_loop_after_round(it.loop, go_on, &it);
    while (!bus_loop_is_stopped(it.loop)) {
        int64_t left_us = due_us(&it) - clock_monotonic_us();
        bus_loop_once(it.loop, left_us > LOOK_US ? LOOK_US / 1000
                               : left_us < 0     ? 0
                                                 : (int)(left_us / 1000) + 1);
    }
    if (service->close != NULL)
        service->close(it.state);
    db_close(&it.db);
    arena_close(&it.arena);
    bus_loop_close(&it.loop);
    return NULL;
}
