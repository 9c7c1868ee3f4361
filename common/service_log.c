/* The log thread: answers Fetch, the pull that carries events to other services. */
#include "common/service_internal.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/eventlog.h"

#define MAX_PARKED 64
#define MAX_CONSUMERS 32
#define RECONNECT_US 200000
#define FORGET_AFTER_US 5000000

struct consumer {
    char name[64];
    struct pace pace;
    int64_t committed, stored;
};
struct log_thread {
    struct process *process;
    struct bus_loop *loop;
    struct bus_channel *front, *writer;
    struct db *db;
    struct arena *arena;
    struct eventlog_tail *tail;
    struct job *waiting[MAX_PARKED];
    size_t nwaiting;
    struct consumer consumers[MAX_CONSUMERS];
    size_t nconsumers;
    int64_t connect_at_us, read_us;
};

static bool connect_log(struct log_thread *log)
{
    if (log->db != NULL && !db_is_broken(log->db))
        return true;
    db_close(&log->db);
    int64_t now_us = clock_monotonic_us();
    if (now_us < log->connect_at_us)
        return false;
    log->connect_at_us = now_us + RECONNECT_US;
    struct db_options limits = {.statement_timeout_ms = 5000, .lock_timeout_ms = 1000};
    if (process_db_open(log->process, "log", &limits, &log->db) == STATUS_OK &&
        db_command(log->db, "SET jit = off; SET enable_seqscan = off", NULL) == STATUS_OK)
        return true;
    db_close(&log->db);
    return false;
}

static struct consumer *consumer_of(struct log_thread *log, const char *name)
{
    for (size_t i = 0; i < log->nconsumers; i++)
        if (strcmp(log->consumers[i].name, name) == 0)
            return &log->consumers[i];
    if (*name == '\0' || log->nconsumers == MAX_CONSUMERS)
        return NULL;
    struct consumer *consumer = &log->consumers[log->nconsumers++];
    snprintf(consumer->name, sizeof consumer->name, "%s", name);
    consumer->committed = consumer->stored = -1;
    return consumer;
}

/* ---- an answer ---- */

static const Penstock__Bus__V1__FetchRequest *question(const struct job *job)
{
    return (const Penstock__Bus__V1__FetchRequest *)job->call.in;
}

static bool wants(const Penstock__Bus__V1__FetchRequest *in, const char *type)
{
    for (size_t i = 0; i < in->n_types; i++)
        if (strcmp(in->types[i], type) == 0)
            return true;
    return in->n_types == 0;
}

static Penstock__Bus__V1__Event *view_event(struct arena *arena, const struct eventlog_row *row,
                                            bool is_wanted)
{
    Penstock__Bus__V1__Event *event = ARENA_NEW(arena, Penstock__Bus__V1__Event);
    penstock__bus__v1__event__init(event);
    char id[UUID_TEXT_BYTES];
    event->position = row->position;
    event->event_id = arena_strdup(arena, uuid_text(&row->event_id, id));
    event->type = (char *)(uintptr_t)row->type;
    event->key = (char *)(uintptr_t)row->key;
    event->occurred_at_us = row->occurred_at;
    if (!is_wanted)
        return event;
    if (row->traceparent != NULL)
        event->traceparent = (char *)(uintptr_t)row->traceparent;
    event->actor = (char *)(uintptr_t)row->actor;
    event->payload.data = (uint8_t *)(uintptr_t)row->payload.bytes;
    event->payload.len = row->payload.count;
    return event;
}

static enum status read_tail(struct log_thread *log, int64_t first, size_t max,
                             const struct eventlog_row **rows, size_t *count)
{
    return eventlog_tail_read(log->tail, log->db, log->process->service->nqueries, first,
                              METRIC_GET(log->process->head), max, rows, count);
}

static bool is_event(const Penstock__Bus__V1__FetchRequest *in, const struct eventlog_row *row)
{
    struct uuid id;
    return uuid_parse(in->after_event_id, &id) && uuid_equal(&id, &row->event_id);
}

/* Before a consumer is told to stop, the table itself is asked: what this thread knows may be old,
 * when the process was frozen and another has written meanwhile. Then it answers RETRY. */
static enum status judge_last(struct log_thread *log, const Penstock__Bus__V1__FetchRequest *in,
                              Penstock__Bus__V1__FetchResult *result)
{
    struct eventlog_row *rows;
    size_t found;
    int64_t first = 0;
    int base = log->process->service->nqueries;
    db_use_arena(log->db, log->arena);
    TRY(eventlog_range(log->db, base, in->after_position, in->after_position, &rows, &found));
    if (found == 1 && is_event(in, &rows[0])) {
        eventlog_tail_forget(log->tail);
        return STATUS_RETRY;
    }
    TRY(eventlog_first(log->db, base, &first));
    *result = in->after_position + 1 < first
                  ? PENSTOCK__BUS__V1__FETCH_RESULT__FETCH_RESULT_TRUNCATED
                  : PENSTOCK__BUS__V1__FETCH_RESULT__FETCH_RESULT_DIVERGED;
    return STATUS_OK;
}

/* The consumer's last event must be ours: a log that was restored to an earlier moment, or another
 * one, is not continued. */
static enum status check_last(struct log_thread *log, const Penstock__Bus__V1__FetchRequest *in,
                              Penstock__Bus__V1__FetchResult *result)
{
    *result = PENSTOCK__BUS__V1__FETCH_RESULT__FETCH_RESULT_OK;
    bool is_tail = *in->consumer == '\0' && *in->after_event_id == '\0';
    if (is_tail) /* it keeps nothing that could diverge */
        return STATUS_OK;
    const struct eventlog_row *row;
    size_t found;
    int64_t last = in->after_position == 0 ? 1 : in->after_position;
    if (in->after_position == 0 && METRIC_GET(log->process->head) == 0)
        return STATUS_OK;
    TRY(read_tail(log, last, 1, &row, &found));
    if (found == 1 && (in->after_position == 0 || is_event(in, row)))
        return STATUS_OK;
    return judge_last(log, in, result);
}

static enum status collect(struct log_thread *log, const Penstock__Bus__V1__FetchRequest *in,
                           Penstock__Bus__V1__FetchResponse *out)
{
    size_t max = in->max_events <= 0 || in->max_events > FETCH_MAX_EVENTS ? FETCH_MAX_EVENTS
                                                                          : (size_t)in->max_events;
    size_t max_bytes = in->max_bytes <= 0 || in->max_bytes > FETCH_MAX_BYTES
                           ? FETCH_MAX_BYTES
                           : (size_t)in->max_bytes;
    TRY(check_last(log, in, &out->result));
    if (out->result != PENSTOCK__BUS__V1__FETCH_RESULT__FETCH_RESULT_OK)
        return STATUS_OK;
    const struct eventlog_row *rows;
    size_t count, bytes = 0;
    TRY(read_tail(log, in->after_position + 1, max, &rows, &count));
    out->events = ARENA_ARRAY(log->arena, count, Penstock__Bus__V1__Event *);
    for (size_t i = 0; i < count; i++) {
        Penstock__Bus__V1__Event *event = view_event(log->arena, &rows[i], wants(in, rows[i].type));
        bytes += penstock__bus__v1__event__get_packed_size(event) + 8;
        if (bytes > max_bytes && i > 0)
            break;
        out->events[out->n_events++] = event;
    }
    return STATUS_OK;
}

static enum status tell(struct log_thread *log, const struct job *job, struct consumer *consumer,
                        Penstock__Bus__V1__FetchResponse *out)
{
    arena_reset(log->arena);
    if (!connect_log(log))
        return STATUS_RETRY;
    TRY(collect(log, question(job), out));
    log->read_us = clock_monotonic_us();
    if (consumer != NULL)
        pace_told(&consumer->pace, out->n_events,
                  out->n_events > 0 ? out->events[out->n_events - 1]->occurred_at_us : 0,
                  log->read_us);
    return STATUS_OK;
}

/* Who stands back learns where the head is, and nothing else. */
static void answer(struct log_thread *log, struct job *job, struct consumer *consumer, bool tells)
{
    Penstock__Bus__V1__FetchResponse out = PENSTOCK__BUS__V1__FETCH_RESPONSE__INIT;
    if (!tells || tell(log, job, consumer, &out) == STATUS_OK) {
        out.head_position = METRIC_GET(log->process->head);
        job->status = STATUS_OK;
        job->packed = pack_into(job->arena, &out.base, &job->packed_bytes);
        METRIC_ADD(log->process->metrics.fetches, 1);
    } else {
        job_fail(job, STATUS_UNAVAILABLE, "unavailable", "The log cannot be read now");
    }
    bus_channel_send(log->front, job);
}

/* ---- who waits ---- */

/* When this reader is told what there is; never, while there is nothing. */
static int64_t told_us(const struct log_thread *log, const struct job *job,
                       const struct consumer *consumer, int64_t now_us)
{
    int64_t news = METRIC_GET(log->process->head) - question(job)->after_position;
    int64_t stand_back_us = process_stand_back_us(log->process);
    if (news == 0)
        return INT64_MAX;
    if (news < 0 || consumer == NULL || (news >= FETCH_MAX_EVENTS && stand_back_us == 0))
        return now_us;
    return pace_next_us(&consumer->pace, now_us, clock_wall_us(), stand_back_us);
}

/* The end of its patience: it asks again. */
static int64_t waits_until_us(const struct job *job)
{
    int64_t until_us = job->came_us + (int64_t)question(job)->wait_ms * 1000;
    return until_us < job->deadline_us - 100000 ? until_us : job->deadline_us - 100000;
}

static void answer_due(struct log_thread *log)
{
    int64_t now_us = clock_monotonic_us();
    bool leads = atomic_load(&log->process->is_leader);
    for (size_t i = 0; i < log->nwaiting;) {
        struct job *job = log->waiting[i];
        struct consumer *consumer = consumer_of(log, question(job)->consumer);
        int64_t at_us = told_us(log, job, consumer, now_us);
        if (leads && at_us > now_us && waits_until_us(job) > now_us) {
            i++;
            continue;
        }
        log->waiting[i] = log->waiting[--log->nwaiting];
        if (leads) {
            answer(log, job, consumer, at_us <= now_us || at_us == INT64_MAX);
        } else {
            job_fail(job, STATUS_NOT_LEADER, "not_leader", "Another instance writes");
            bus_channel_send(log->front, job);
        }
    }
}

static void log_receive(void *context, void *pointer)
{
    struct log_thread *log = context;
    struct job_head *head = pointer;
    if (head->kind == JOB_STOP) {
        bus_loop_stop(log->loop);
        return;
    }
    if (head->kind == JOB_COMMITTED)
        return; /* waking up is all that it is for */
    struct job *job = pointer;
    struct consumer *consumer = consumer_of(log, question(job)->consumer);
    if (consumer != NULL)
        consumer->committed = question(job)->committed_position;
    if (log->nwaiting == MAX_PARKED) {
        job_fail(job, STATUS_UNAVAILABLE, "unavailable", "Too many readers of the log");
        bus_channel_send(log->front, job);
        return;
    }
    log->waiting[log->nwaiting++] = job;
}

static int64_t earliest(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int wait_ms(struct log_thread *log)
{
    int64_t now_us = clock_monotonic_us(), due = now_us + 1000000;
    for (size_t i = 0; i < log->nwaiting; i++) {
        const struct job *job = log->waiting[i];
        const struct consumer *consumer = consumer_of(log, question(job)->consumer);
        due = earliest(due, waits_until_us(job));
        due = earliest(due, told_us(log, job, consumer, now_us));
    }
    return due <= now_us ? 0 : (int)((due - now_us + 999) / 1000);
}

/* ---- acknowledgements, about once a second ---- */

static void store_acknowledgements(void *context)
{
    struct log_thread *log = context;
    if (clock_monotonic_us() - log->read_us > FORGET_AFTER_US)
        eventlog_tail_forget(log->tail);
    if (!atomic_load(&log->process->is_leader) || !connect_log(log))
        return;
    bool any = false;
    for (size_t i = 0; i < log->nconsumers; i++)
        any |= log->consumers[i].committed != log->consumers[i].stored;
    if (!any || db_begin(log->db) != STATUS_OK)
        return;
    enum status status = STATUS_OK;
    for (size_t i = 0; i < log->nconsumers && status == STATUS_OK; i++) {
        struct consumer *consumer = &log->consumers[i];
        if (consumer->committed != consumer->stored)
            status = db_exec(log->db, platform_query(log->process, P_CONSUMER_SEEN),
                             db_text(consumer->name), db_int(consumer->committed),
                             db_time(clock_wall_us()));
        consumer->stored = consumer->committed;
    }
    if (db_commit(log->db) != STATUS_OK)
        for (size_t i = 0; i < log->nconsumers; i++)
            log->consumers[i].stored = -1;
}

/* ---- the thread ---- */

void *log_run(void *argument)
{
    struct log_thread *log = calloc(1, sizeof *log);
    assert(log != NULL);
    log->process = argument;
    log->loop = bus_loop_open(log->process->bus);
    log->front = bus_channel_connect(log->loop, "log", log_receive, log);
    log->writer = bus_channel_bind(log->loop, "log.writer", log_receive, log);
    log->arena = arena_open(SERVICE_JOB_BYTES);
    log->tail = eventlog_tail_open();
    bus_loop_every(log->loop, 1000, store_acknowledgements, log);
    bus_loop_after_round(log->loop, (bus_timer_fn *)answer_due, log);
    for (log->read_us = 0; !bus_loop_is_stopped(log->loop);)
        bus_loop_once(log->loop, wait_ms(log));
    for (size_t i = 0; i < log->nwaiting; i++) {
        job_fail(log->waiting[i], STATUS_UNAVAILABLE, "unavailable", "This service is ending");
        bus_channel_send(log->front, log->waiting[i]);
    }
    db_close(&log->db);
    eventlog_tail_close(&log->tail);
    arena_close(&log->arena);
    bus_loop_close(&log->loop);
    free(log);
    return NULL;
}
