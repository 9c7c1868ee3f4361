/* Calls to the outside: taken in the writer, made in threads of their own, done in the writer. */
#include "common/service_internal.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/crash.h"

#define UNIT_BYTES ((size_t)64 << 20)
#define WORKER_CREDIT 64
#define MAX_WORKERS 16

/* What one take brought: goes to one worker and comes back. */
struct unit {
    struct job_head head;
    struct kind *kind;
    size_t worker;
    struct arena *arena;
    struct outcall_job *jobs;
    size_t count;
    int tries;
    int64_t retry_at_us;
    struct unit *next;
};
struct worker {
    struct kind *kind;
    size_t number;
    pthread_t thread;
    struct bus_channel *channel; /* the writer's end */
    bool is_busy;
    /* the thread's own */
    struct bus_loop *loop;
    struct bus_channel *own;
    struct outcall_worker outer;
};
struct kind {
    struct outcalls *outcalls;
    const struct outcall *outcall;
    struct worker workers[MAX_WORKERS];
    size_t nworkers;
    int64_t due_us;
};
struct outcalls {
    struct writer *writer;
    struct kind kinds[SERVICE_MAX_OUTCALLS];
    size_t nkinds;
    struct unit *first, *last; /* made, to be done */
};

/* ---- the worker's thread ---- */

static void worker_receive(void *context, void *pointer)
{
    struct worker *worker = context;
    struct job_head *head = pointer;
    if (head->kind == JOB_STOP) {
        bus_loop_stop(worker->loop);
        return;
    }
    struct unit *unit = pointer;
    worker->outer.arena = unit->arena;
    worker->kind->outcall->make(&worker->outer, unit->jobs, unit->count);
    CRASHPOINT("outcall.after_make");
    METRIC_ADD(worker->kind->outcalls->writer->process->metrics.outcalls_made,
               (int64_t)unit->count);
    bus_channel_send(worker->own, unit);
}

static void channel_name(char name[64], const struct worker *worker)
{
    snprintf(name, 64, "outcall.%s.%zu", worker->kind->outcall->name, worker->number);
}

static void *worker_run(void *argument)
{
    struct worker *worker = argument;
    struct process *process = worker->kind->outcalls->writer->process;
    const struct outcall *outcall = worker->kind->outcall;
    char name[64];
    channel_name(name, worker);
    process_stand_back();
    worker->loop = bus_loop_open(process->bus);
    worker->own = bus_channel_connect(worker->loop, name, worker_receive, worker);
    worker->outer.client = bus_client_open(worker->loop, WORKER_CREDIT);
    if (outcall->open != NULL)
        worker->outer.state = outcall->open(process->service, process->conf);
    bus_loop_run(worker->loop);
    if (outcall->close != NULL)
        outcall->close(worker->outer.state);
    bus_loop_close(&worker->loop);
    return NULL;
}

/* ---- the writer's side ---- */

static void unit_free(struct unit *unit)
{
    arena_close(&unit->arena);
    free(unit);
}

static void unit_made(void *context, void *pointer)
{
    struct outcalls *outcalls = context;
    struct unit *unit = pointer;
    unit->next = NULL;
    if (outcalls->last == NULL)
        outcalls->first = unit;
    else
        outcalls->last->next = unit;
    outcalls->last = unit;
}

struct outcalls *outcalls_open(struct writer *writer)
{
    struct outcalls *outcalls = calloc(1, sizeof *outcalls);
    assert(outcalls != NULL);
    outcalls->writer = writer;
    outcalls->nkinds = writer->process->noutcalls;
    for (size_t i = 0; i < outcalls->nkinds; i++) {
        struct kind *kind = &outcalls->kinds[i];
        kind->outcalls = outcalls;
        kind->outcall = &writer->process->service->outcalls[i];
        kind->nworkers = (size_t)kind->outcall->workers;
        assert(kind->nworkers >= 1 && kind->nworkers <= MAX_WORKERS);
        for (size_t w = 0; w < kind->nworkers; w++) {
            struct worker *worker = &kind->workers[w];
            char name[64];
            worker->kind = kind;
            worker->number = w;
            channel_name(name, worker);
            worker->channel = bus_channel_bind(writer->loop, name, unit_made, outcalls);
            process_thread(&worker->thread, worker_run, worker);
        }
    }
    return outcalls;
}

static enum status call_done(struct call *call, void *context)
{
    struct unit *unit = context;
    return unit->kind->outcall->done(call, unit->jobs, unit->count);
}

/* The results must be stored: until they are, the worker takes nothing else. */
static void finish(struct outcalls *outcalls)
{
    struct unit *unit = outcalls->first;
    enum status status = turn_call(outcalls->writer, unit->kind->outcall->name, call_done, unit);
    if (status != STATUS_OK) {
        bool goes_on = writer_trouble(outcalls->writer, status);
        unit->retry_at_us =
            clock_monotonic_us() + (INT64_C(100000) << (unit->tries < 5 ? unit->tries : 5));
        if (!goes_on || status == STATUS_RETRY || unit->tries++ < 5)
            return;
        log_error("outcall_lost", "The results of calls to the outside could not be stored",
                  LOG_TEXT("outcall", unit->kind->outcall->name), LOG_INT("count", unit->count));
    }
    outcalls->first = unit->next;
    if (outcalls->first == NULL)
        outcalls->last = NULL;
    unit->kind->workers[unit->worker].is_busy = false;
    unit_free(unit);
}

static bool are_idle(const struct outcalls *outcalls)
{
    for (size_t i = 0; i < outcalls->nkinds; i++)
        for (size_t w = 0; w < outcalls->kinds[i].nworkers; w++)
            if (outcalls->kinds[i].workers[w].is_busy)
                return false;
    return true;
}

/* What is being made is waited for and stored, so that an orderly end makes nothing twice. What
 * takes longer is taken again by the next process, as after a crash. */
void outcalls_drain(struct outcalls *outcalls, int wait_ms)
{
    int64_t end_us = clock_monotonic_us() + (int64_t)wait_ms * 1000;
    while (outcalls->writer->is_leader && !are_idle(outcalls) && clock_monotonic_us() < end_us) {
        bus_loop_once(outcalls->writer->loop, 20);
        while (outcalls->first != NULL && outcalls->writer->is_leader &&
               outcalls->first->retry_at_us <= clock_monotonic_us())
            finish(outcalls);
    }
}

void outcalls_close(struct outcalls **outcalls)
{
    struct outcalls *it = *outcalls;
    static struct job_head stop = {JOB_STOP};
    for (size_t i = 0; i < it->nkinds; i++)
        for (size_t w = 0; w < it->kinds[i].nworkers; w++)
            bus_channel_send(it->kinds[i].workers[w].channel, &stop);
    for (size_t i = 0; i < it->nkinds; i++)
        for (size_t w = 0; w < it->kinds[i].nworkers; w++)
            pthread_join(it->kinds[i].workers[w].thread, NULL);
    bus_loop_once(it->writer->loop, 0);
    while (it->first != NULL) {
        struct unit *unit = it->first;
        it->first = unit->next;
        unit_free(unit);
    }
    free(it);
    *outcalls = NULL;
}

void outcalls_kick(struct outcalls *outcalls, uint32_t kicks)
{
    for (size_t i = 0; kicks != 0 && i < outcalls->nkinds; i++)
        if ((kicks & UINT32_C(1) << i) != 0)
            outcalls->kinds[i].due_us = 0;
}

static struct worker *idle_worker(struct kind *kind)
{
    for (size_t w = 0; w < kind->nworkers; w++)
        if (!kind->workers[w].is_busy)
            return &kind->workers[w];
    return NULL;
}

int64_t outcalls_due_us(const struct outcalls *outcalls)
{
    int64_t due = outcalls->first == NULL ? INT64_MAX : outcalls->first->retry_at_us;
    for (size_t i = 0; i < outcalls->nkinds; i++)
        if (idle_worker((struct kind *)(uintptr_t)&outcalls->kinds[i]) != NULL &&
            outcalls->kinds[i].due_us < due)
            due = outcalls->kinds[i].due_us;
    return due;
}

static enum status call_take(struct call *call, void *context)
{
    struct unit *unit = context;
    const struct outcall *outcall = unit->kind->outcall;
    unit->count = (size_t)outcall->max_jobs;
    /* Jobs live longer than the turn that takes them. */
    for (size_t i = 0; i < unit->count; i++)
        unit->jobs[i].arena = unit->arena;
    return outcall->take(call, unit->jobs, &unit->count);
}

/* True when there was something to take. */
static bool take(struct outcalls *outcalls, struct kind *kind, struct worker *worker)
{
    struct unit *unit = calloc(1, sizeof *unit);
    assert(unit != NULL);
    unit->head.kind = JOB_OUTCALL;
    unit->kind = kind;
    unit->worker = worker->number;
    unit->arena = arena_open(UNIT_BYTES);
    unit->jobs = ARENA_ARRAY(unit->arena, (size_t)kind->outcall->max_jobs, struct outcall_job);
    enum status status = turn_call(outcalls->writer, kind->outcall->name, call_take, unit);
    if (status != STATUS_OK || unit->count == 0) {
        unit_free(unit);
        if (status != STATUS_OK)
            writer_trouble(outcalls->writer, status);
        return false;
    }
    if (unit->count == (size_t)kind->outcall->max_jobs)
        kind->due_us = 0;
    worker->is_busy = true;
    bus_channel_send(worker->channel, unit);
    return true;
}

bool outcalls_turn(struct outcalls *outcalls)
{
    bool was_busy = false;
    if (outcalls->first != NULL && outcalls->first->retry_at_us <= clock_monotonic_us()) {
        finish(outcalls);
        was_busy = true;
    }
    for (size_t i = 0; i < outcalls->nkinds && outcalls->writer->is_leader; i++) {
        struct kind *kind = &outcalls->kinds[i];
        struct worker *worker = idle_worker(kind);
        int64_t now_us = clock_monotonic_us();
        if (worker == NULL || now_us < kind->due_us)
            continue;
        kind->due_us = now_us + (int64_t)kind->outcall->period_ms * 1000;
        was_busy |= take(outcalls, kind, worker);
    }
    return was_busy;
}
