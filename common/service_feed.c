/* Feeds: the front pulls other services' logs and hands batches of events to the writer. */
#include "common/service_internal.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One batch is being applied while the next one waits. */
#define MAX_OUTSTANDING 2
#define AGAIN_US 200000
#define BATCH_BYTES ((size_t)64 << 20)

struct feed {
    struct front *front;
    size_t number;
    struct source *source;
    int64_t position; /* of the last event fetched */
    struct uuid event_id;
    uint64_t epoch; /* 0: this process has not led yet */
    uint64_t asked_epoch;
    size_t outstanding;
    bool is_fetching;
    int64_t again_at_us;
    struct events_job *spare;
};

static void fetch(struct feed *feed);

/* ---- a batch that came ---- */

static const struct subscription *subscription_of(const struct feed *feed, const char *type)
{
    for (const struct subscription *it = feed->front->process->service->subscriptions;
         it->service != NULL; it++)
        if (strcmp(it->service, feed->source->service) == 0 &&
            strcmp(it->type->short_name, type) == 0)
            return it;
    return NULL;
}

static void halt(struct feed *feed, const char *why)
{
    atomic_store(&feed->source->is_halted, true);
    log_error("feed_halted", "Another service's log does not follow what was read of it",
              LOG_TEXT("source", feed->source->service), LOG_TEXT("reason", why),
              LOG_INT("position", feed->position));
}

/* An event that is unknown to its own descriptor is parked by the writer, not lost here. */
static bool take_event(struct feed *feed, struct events_job *job, struct event_item *item,
                       const Penstock__Bus__V1__Event *wire)
{
    *item = (struct event_item){.wire = wire, .subscription = subscription_of(feed, wire->type)};
    if (!uuid_parse(wire->event_id, &item->event_id) || wire->position != feed->position + 1)
        return false;
    feed->position = wire->position;
    feed->event_id = item->event_id;
    if (item->subscription == NULL)
        return true;
    item->in = protobuf_c_message_unpack(item->subscription->type, arena_protobuf(job->arena),
                                         wire->payload.len, wire->payload.data);
    if (item->in == NULL)
        item->park_reason = strdup("malformed: the payload does not unpack");
    return true;
}

static struct events_job *events_job_new(struct feed *feed)
{
    struct events_job *job = feed->spare;
    feed->spare = NULL;
    struct arena *arena = job == NULL ? arena_open(BATCH_BYTES) : job->arena;
    if (job == NULL)
        job = malloc(sizeof *job);
    assert(job != NULL);
    *job = (struct events_job){.head = {JOB_EVENTS}, .arena = arena};
    job->source = feed->number;
    job->epoch = feed->epoch;
    return job;
}

static void events_job_free(struct events_job *job)
{
    arena_close(&job->arena);
    free(job);
}

static void take_events(struct feed *feed, struct events_job *job,
                        const Penstock__Bus__V1__FetchResponse *response)
{
    job->items = ARENA_ARRAY(job->arena, response->n_events, struct event_item);
    for (size_t i = 0; i < response->n_events; i++) {
        if (!take_event(feed, job, &job->items[i], response->events[i])) {
            halt(feed, "a gap");
            break;
        }
        job->count++;
    }
    if (job->count == 0) {
        events_job_free(job);
        return;
    }
    METRIC_SET(feed->source->oldest_us, job->items[0].wire->occurred_at_us);
    feed->outstanding++;
    front_to_writer(feed->front, job);
}

static void fetched(void *context, const ReplyHeader *header, const uint8_t *payload,
                    size_t payload_bytes)
{
    struct feed *feed = context;
    feed->is_fetching = false;
    if (header->status != PENSTOCK__BUS__V1__STATUS__STATUS_OK) {
        feed->again_at_us = clock_monotonic_us() + AGAIN_US;
        return;
    }
    struct events_job *job = events_job_new(feed);
    Penstock__Bus__V1__FetchResponse *response = penstock__bus__v1__fetch_response__unpack(
        arena_protobuf(job->arena), payload_bytes, payload);
    /* An answer to what was asked before the cursors were read again follows nothing. */
    if (response == NULL || feed->asked_epoch != feed->epoch || feed->front->is_stopping) {
        events_job_free(job);
        fetch(feed);
        return;
    }
    METRIC_SET(feed->source->head, response->head_position);
    if (response->result == PENSTOCK__BUS__V1__FETCH_RESULT__FETCH_RESULT_DIVERGED)
        halt(feed, "diverged");
    else if (response->result == PENSTOCK__BUS__V1__FETCH_RESULT__FETCH_RESULT_TRUNCATED)
        halt(feed, "truncated");
    else
        take_events(feed, job, response), job = NULL;
    if (job != NULL)
        events_job_free(job);
    fetch(feed);
}

/* ---- asking ---- */

static void fetch(struct feed *feed)
{
    struct front *front = feed->front;
    if (feed->epoch == 0 || feed->is_fetching || feed->outstanding >= MAX_OUTSTANDING ||
        front->is_stopping || atomic_load(&feed->source->is_halted) ||
        !atomic_load(&front->process->is_leader))
        return;
    Penstock__Bus__V1__FetchRequest request = PENSTOCK__BUS__V1__FETCH_REQUEST__INIT;
    RequestHeader header = PENSTOCK__BUS__V1__REQUEST_HEADER__INIT;
    char method[96], id[UUID_TEXT_BYTES] = "";
    char *permissions[] = {(char *)(uintptr_t) "internal"};
    snprintf(method, sizeof method, "%s.Fetch", feed->source->service);
    header.method = method;
    header.actor = front->process->actor;
    header.permissions = permissions;
    header.n_permissions = 1;
    request.consumer = (char *)(uintptr_t)front->process->service->name;
    request.after_position = feed->position;
    request.after_event_id = feed->position == 0 ? id : uuid_text(&feed->event_id, id);
    request.committed_position = METRIC_GET(feed->source->cursor);
    request.max_events = FETCH_MAX_EVENTS;
    request.max_bytes = FETCH_MAX_BYTES;
    request.wait_ms = FETCH_WAIT_MS;
    request.types = (char **)(uintptr_t)feed->source->types;
    while (feed->source->types[request.n_types] != NULL)
        request.n_types++;
    feed->is_fetching = true;
    feed->asked_epoch = feed->epoch;
    if (bus_ask_message(front->client, feed->source->service, &header, &request.base,
                        FETCH_WAIT_MS + 3000, fetched, feed) != STATUS_OK) {
        feed->is_fetching = false;
        feed->again_at_us = clock_monotonic_us() + AGAIN_US;
    }
}

static void fetch_all(void *context)
{
    struct front *front = context;
    int64_t now_us = clock_monotonic_us();
    bool leads = atomic_load(&front->process->is_leader);
    for (size_t i = 0; i < front->process->nsources; i++) {
        struct feed *feed = &front->feeds[i];
        if (leads && !feed->is_fetching && feed->again_at_us <= now_us)
            fetch(feed);
    }
}

/* ---- from the writer ---- */

void feeds_led(struct front *front, const struct led_job *led)
{
    for (size_t i = 0; i < front->process->nsources; i++) {
        struct feed *feed = &front->feeds[i];
        feed->epoch = led->epoch;
        feed->position = led->positions[i];
        feed->event_id = led->event_ids[i];
        feed->again_at_us = 0;
        atomic_store(&feed->source->is_halted, false);
        fetch(feed);
    }
}

void feeds_done(struct front *front, struct events_job *job)
{
    struct feed *feed = &front->feeds[job->source];
    feed->outstanding--;
    if (feed->spare == NULL && arena_used(job->arena) < ((size_t)256 << 10)) {
        arena_reset(job->arena);
        feed->spare = job;
    } else {
        events_job_free(job);
    }
    fetch(feed);
}

void feeds_open(struct front *front)
{
    struct process *process = front->process;
    front->feeds = calloc(process->nsources + 1, sizeof *front->feeds);
    assert(front->feeds != NULL);
    for (size_t i = 0; i < process->nsources; i++)
        front->feeds[i] =
            (struct feed){.front = front, .number = i, .source = &process->sources[i]};
    if (process->nsources > 0)
        bus_loop_every(front->loop, 100, fetch_all, front);
}

void feeds_close(struct front *front)
{
    for (size_t i = 0; i < front->process->nsources; i++)
        if (front->feeds[i].spare != NULL)
            events_job_free(front->feeds[i].spare);
    free(front->feeds);
}
