/* Health and figures, answered by the front from memory: they must come when nothing else does. */
#include "common/service_internal.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct figure {
    const char *name, *kind, *help;
    size_t offset;
};
#define FIGURE(member, name_, kind_, help_)                                                        \
    {                                                                                              \
        "penstock_" name_, kind_, help_, offsetof(struct metrics, member)                          \
    }
static const struct figure figures[] = {
    FIGURE(turns, "turns_total", "counter", "Transactions of the writer"),
    FIGURE(turns_rerun, "turns_rerun_total", "counter", "Turns that were rolled back"),
    FIGURE(turn_us, "turn_microseconds_total", "counter", "Time spent in turns"),
    FIGURE(commit_us, "commit_microseconds_total", "counter", "Time spent waiting for COMMIT"),
    FIGURE(biggest_turn, "turn_commands_max", "gauge", "Most commands in one turn"),
    FIGURE(crowd, "crowd", "gauge", "1 while many wait at once and followers stand back"),
    FIGURE(commands, "commands_total", "counter", "Commands answered"),
    FIGURE(refused, "commands_refused_total", "counter", "Commands that a rule refused"),
    FIGURE(repeated, "commands_repeated_total", "counter", "Commands answered from their identity"),
    FIGURE(failed, "commands_failed_total", "counter", "Commands that failed through our fault"),
    FIGURE(dropped, "requests_late_total", "counter", "Requests whose time had run out"),
    FIGURE(overloaded, "requests_overloaded_total", "counter", "Requests refused for want of room"),
    FIGURE(writer_queue, "writer_queue", "gauge", "Commands waiting for the writer"),
    FIGURE(queries, "queries_total", "counter", "Queries answered"),
    FIGURE(events_emitted, "events_emitted_total", "counter", "Events appended to the log"),
    FIGURE(events_applied, "events_applied_total", "counter", "Events of other logs applied"),
    FIGURE(events_parked, "events_parked_total", "counter", "Events set aside"),
    FIGURE(fetches, "fetches_total", "counter", "Answers to followers of the log"),
    FIGURE(asks, "asks_total", "counter", "Questions to other services before a command"),
    FIGURE(asks_unanswered, "asks_unanswered_total", "counter", "Questions without an answer"),
    FIGURE(reasked, "asks_again_total", "counter", "Questions repeated because a hold was void"),
    FIGURE(holds_voided, "holds_voided_total", "counter", "Holds that no command will use"),
    FIGURE(outcalls_made, "outcalls_total", "counter", "Calls made to the outside"),
    FIGURE(reconnects, "database_lost_total", "counter", "Connections lost to the database"),
};
#define NFIGURES (sizeof figures / sizeof figures[0])

static void add(Penstock__Bus__V1__GetHealthResponse *out, struct arena *arena, const char *name,
                const char *kind, const char *help, int64_t value)
{
    Penstock__Bus__V1__Metric *metric = ARENA_NEW(arena, Penstock__Bus__V1__Metric);
    penstock__bus__v1__metric__init(metric);
    metric->name = (char *)(uintptr_t)name;
    metric->kind = (char *)(uintptr_t)kind;
    metric->help = (char *)(uintptr_t)help;
    metric->value = value;
    out->metrics[out->n_metrics++] = metric;
}

/* Who serves them to Prometheus adds the label of the service. */
static void add_metrics(struct front *front, Penstock__Bus__V1__GetHealthResponse *out,
                        struct arena *arena)
{
    struct process *process = front->process;
    const char *self = process->service->name;
    out->metrics =
        ARENA_ARRAY(arena, NFIGURES + process->ncounters + 4, Penstock__Bus__V1__Metric *);
    for (size_t i = 0; i < NFIGURES; i++) {
        const _Atomic int64_t *value =
            (const _Atomic int64_t *)((const char *)&process->metrics + figures[i].offset);
        add(out, arena, arena_strdup(arena, figures[i].name), figures[i].kind, figures[i].help,
            METRIC_GET(*value));
    }
    for (size_t i = 0; i < process->ncounters; i++) {
        const struct counter *counter = &process->service->counters[i];
        add(out, arena, arena_printf(arena, "penstock_%s_%s", self, counter->name), "counter",
            counter->help, METRIC_GET(process->metrics.counters[i]));
    }
    add(out, arena, arena_strdup(arena, "penstock_replies_refused_total"), "counter",
        "Replies that a connected peer refused: a bug", bus_server_refused_replies(front->server));
    add(out, arena, arena_strdup(arena, "penstock_log_lines_dropped_total"), "counter",
        "Lines of log dropped because stdout stalled", log_dropped());
    add(out, arena, arena_strdup(arena, "penstock_jobs_in_flight"), "gauge",
        "Requests that are being worked on", (int64_t)front->in_flight);
}

static void add_subscriptions(struct process *process, Penstock__Bus__V1__GetHealthResponse *out,
                              struct arena *arena)
{
    out->subscriptions =
        ARENA_ARRAY(arena, process->nsources, Penstock__Bus__V1__SubscriptionHealth *);
    for (size_t i = 0; i < process->nsources; i++) {
        struct source *source = &process->sources[i];
        Penstock__Bus__V1__SubscriptionHealth *one =
            ARENA_NEW(arena, Penstock__Bus__V1__SubscriptionHealth);
        penstock__bus__v1__subscription_health__init(one);
        one->source = (char *)(uintptr_t)source->service;
        one->cursor_position = METRIC_GET(source->cursor);
        one->head_position = METRIC_GET(source->head);
        if (one->head_position < one->cursor_position)
            one->head_position = one->cursor_position;
        if (one->head_position > one->cursor_position && METRIC_GET(source->oldest_us) > 0)
            one->oldest_age_us = clock_wall_us() - METRIC_GET(source->oldest_us);
        one->parked = METRIC_GET(source->parked);
        one->halted = atomic_load(&source->is_halted);
        out->subscriptions[out->n_subscriptions++] = one;
    }
}

const char *process_reason_not_ready(const struct process *process)
{
    if (!atomic_load(&process->has_database))
        return "the database is away";
    for (size_t i = 0; i < process->nsources; i++)
        if (atomic_load(&process->sources[i].is_halted))
            return "a log that is followed was replaced";
    return NULL;
}

void health_answer(struct front *front, Penstock__Bus__V1__GetHealthResponse *out,
                   struct arena *arena)
{
    struct process *process = front->process;
    const char *reason = process_reason_not_ready(process);
    if (front->is_stopping)
        reason = "stopping";
    out->service = (char *)(uintptr_t)process->service->name;
    out->live = true;
    out->ready = reason == NULL;
    out->leader = atomic_load(&process->is_leader);
    out->reason = (char *)(uintptr_t)(reason == NULL ? "" : reason);
    out->head_position = METRIC_GET(process->head);
    out->pid = (int32_t)getpid();
    out->version = (char *)(uintptr_t)PENSTOCK_VERSION;
    add_subscriptions(process, out, arena);
    add_metrics(front, out, arena);
}
