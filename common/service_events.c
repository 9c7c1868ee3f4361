/* Turns of events: what other services' logs say takes effect here, once and in order. */
#include "common/service_internal.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/crash.h"

#define RETRY_MIN_US 10000
#define RETRY_MAX_US 1000000
static const char reason_behind[] = "an earlier event of this key is parked";

/* ---- parked keys ---- */

struct key_row {
    const char *key;
};
DB_SHAPE(key_shape, struct key_row, DB_FIELD(struct key_row, key, DB_TEXT));
struct parked_count {
    const char *source;
    int64_t number;
};
DB_SHAPE(parked_count_shape, struct parked_count, DB_FIELD(struct parked_count, source, DB_TEXT),
         DB_FIELD(struct parked_count, number, DB_INT64));

/* They are few, and only this writer changes them. */
enum status events_load_parked(struct writer *writer)
{
    struct key_row *keys;
    struct parked_count *counts;
    size_t nkeys, ncounts;
    arena_reset(writer->parked_arena);
    db_use_arena(writer->db, writer->parked_arena);
    enum status status =
        db_select(writer->db, writer_query(writer, P_PARKED_KEYS), &key_shape, &keys, &nkeys);
    if (status == STATUS_OK)
        status = db_select(writer->db, writer_query(writer, P_PARKED_COUNTS), &parked_count_shape,
                           &counts, &ncounts);
    db_use_arena(writer->db, writer->arena);
    TRY(status);
    writer->nparked_keys = nkeys;
    textmap_init(&writer->parked_keys, writer->parked_arena, nkeys);
    for (size_t i = 0; i < nkeys; i++) {
        bool is_new;
        textmap_at(&writer->parked_keys, keys[i].key, &is_new);
    }
    for (size_t s = 0; s < writer->process->nsources; s++) {
        struct source *source = &writer->process->sources[s];
        METRIC_SET(source->parked, 0);
        for (size_t i = 0; i < ncounts; i++)
            if (strcmp(counts[i].source, source->service) == 0)
                METRIC_SET(source->parked, counts[i].number);
    }
    return STATUS_OK;
}

/* ---- waves ---- */

/* The key that an event is about besides its own; its own when there is none. */
static const char *other_key(const struct writer *writer, const struct event_item *item)
{
    const struct service *service = writer->process->service;
    const char *other =
        service->follows != NULL && item->in != NULL ? service->follows(item->in) : NULL;
    return other != NULL ? other : item->wire->key;
}

/* Within a batch, events of one key keep their order; beyond that they are grouped by type, so that
 * batch handlers see large sets: an event joins the first wave, unless an earlier event of its key
 * has another type, when it goes to the wave after that one's. An event that is about two keys
 * keeps its place in both. */
struct wave_map {
    struct textmap keys; /* key -> wave << 32 | subscription + 1 */
    int64_t nwaves;
};

static int64_t *place_of(struct wave_map *map, const char *key, int64_t kind, int64_t *wave)
{
    bool is_new;
    int64_t *at = textmap_at(&map->keys, key, &is_new);
    int64_t first = is_new ? 0 : *at >> 32;
    if (!is_new && (*at & INT32_MAX) != kind)
        first++;
    if (*wave < first)
        *wave = first;
    return at;
}

static int64_t wave_of(struct wave_map *map, const struct subscription *all,
                       const struct event_item *item, const char *other)
{
    int64_t wave = 0, kind = item->subscription - all + 1;
    int64_t *at = place_of(map, item->wire->key, kind, &wave);
    int64_t *beside = other != item->wire->key ? place_of(map, other, kind, &wave) : at;
    *at = *beside = wave << 32 | kind;
    if (wave >= map->nwaves)
        map->nwaves = wave + 1;
    return wave;
}

/* ---- running handlers ---- */

struct event_run {
    struct turn turn;
    struct writer *writer;
    const char *source;
    struct event_item *items;
    size_t count;
    int64_t *waves; /* -1: no handler runs */
    size_t nrefused;
};

static void ready_event(struct event_run *run, const struct event_item *item, struct call *call,
                        struct call_own *own, struct event_source *source)
{
    struct writer *writer = run->writer;
    const Penstock__Bus__V1__Event *wire = item->wire;
    call_init(call, own, writer->process, writer->arena);
    *source = (struct event_source){run->source, wire->position, item->event_id,
                                    wire->type,  wire->key,      wire->occurred_at_us};
    call->db = writer->db;
    call->now_us = writer->now_us;
    call->state = writer->state;
    call->actor = *wire->actor != '\0' ? wire->actor : writer->process->actor;
    call->traceparent = wire->traceparent;
    call->in = item->in;
    call->event = source;
}

static void note_refusal(struct event_run *run, struct event_item *item, const struct call *call)
{
    const struct call_own *own = call->own;
    /* The reason must outlive this attempt's arena: the batch's own holds it. */
    char *reason = NULL;
    int length = asprintf(&reason, "%s: %s", own->code, own->text == NULL ? "" : own->text);
    assert(length >= 0);
    item->park_reason = reason;
    run->nrefused++;
}

static enum status run_group(struct event_run *run, struct event_item **group, size_t count)
{
    struct writer *writer = run->writer;
    struct call *calls = ARENA_ARRAY(writer->arena, count, struct call);
    struct call_own *owns = ARENA_ARRAY(writer->arena, count, struct call_own);
    struct event_source *sources = ARENA_ARRAY(writer->arena, count, struct event_source);
    for (size_t i = 0; i < count; i++)
        ready_event(run, group[i], &calls[i], &owns[i], &sources[i]);
    struct batch batch = {writer->db, writer->arena, writer->now_us, writer->state, calls, count};
    db_use_arena(writer->db, writer->arena);
    TRY(group[0]->subscription->batch(&batch));
    for (size_t i = 0; i < count; i++) {
        enum status outcome = call_outcome(&calls[i], STATUS_OK);
        if (outcome == STATUS_OK)
            turn_collect(&run->turn, &calls[i]);
        else if (owns[i].is_refused || status_is_refusal(outcome))
            note_refusal(run, group[i], &calls[i]);
        else
            return outcome;
        call_log_lines(&calls[i]);
    }
    return STATUS_OK;
}

static enum status run_waves(struct event_run *run)
{
    struct writer *writer = run->writer;
    const struct subscription *all = writer->process->service->subscriptions;
    struct wave_map map = {.nwaves = 0};
    textmap_init(&map.keys, writer->arena, run->count * 2);
    run->waves = ARENA_ARRAY(writer->arena, run->count, int64_t);
    for (size_t i = 0; i < run->count; i++) {
        const struct event_item *item = &run->items[i];
        bool runs = item->subscription != NULL && item->park_reason == NULL;
        run->waves[i] = runs ? wave_of(&map, all, item, other_key(writer, item)) : -1;
    }
    struct event_item **group = ARENA_ARRAY(writer->arena, run->count, struct event_item *);
    for (int64_t wave = 0; wave < map.nwaves; wave++)
        for (size_t i = 0; i < run->count; i++) {
            if (run->waves[i] != wave)
                continue;
            const struct subscription *subscription = run->items[i].subscription;
            size_t n = 0;
            for (size_t j = i; j < run->count; j++)
                if (run->waves[j] == wave && run->items[j].subscription == subscription) {
                    group[n++] = &run->items[j];
                    run->waves[j] = -1;
                }
            TRY(run_group(run, group, n));
        }
    return STATUS_OK;
}

/* ---- parking ---- */

/* Whatever follows a parked event of its key is parked too, in order. */
static void park_followers(struct writer *writer, struct event_item *items, size_t count)
{
    bool any = writer->nparked_keys > 0;
    for (size_t i = 0; i < count && !any; i++)
        any = items[i].park_reason != NULL;
    if (!any)
        return;
    struct textmap keys;
    textmap_init(&keys, writer->arena, count * 2);
    for (size_t i = 0; i < count; i++) {
        if (items[i].subscription == NULL)
            continue;
        const char *key = items[i].wire->key;
        bool is_new;
        const char *other = other_key(writer, &items[i]);
        if (items[i].park_reason == NULL &&
            (textmap_has(&writer->parked_keys, key) || textmap_has(&keys, key) ||
             textmap_has(&writer->parked_keys, other) || textmap_has(&keys, other)))
            items[i].park_reason = reason_behind;
        if (items[i].park_reason == NULL)
            continue;
        textmap_at(&keys, key, &is_new);
        textmap_at(&keys, other, &is_new);
    }
}

static size_t park(struct event_run *run)
{
    struct writer *writer = run->writer;
    size_t parked = 0;
    for (size_t i = 0; i < run->count; i++) {
        const struct event_item *item = &run->items[i];
        if (item->park_reason == NULL)
            continue;
        const Penstock__Bus__V1__Event *wire = item->wire;
        struct uuid id = uuid_new();
        db_add(db_columns(writer->db, writer_query(writer, P_PARKED_INSERT)), db_uuid(&id),
               db_text(run->source), db_int(wire->position), db_uuid(&item->event_id),
               db_text(wire->type), db_text(wire->key), db_time(wire->occurred_at_us),
               db_text(wire->traceparent), db_text(wire->actor),
               db_bytes(wire->payload.data, wire->payload.len), db_text(item->park_reason),
               db_bool(item->is_crashed), db_time(writer->now_us));
        parked++;
    }
    return parked;
}

static void log_parked(const struct event_run *run)
{
    for (size_t i = 0; i < run->count; i++)
        if (run->items[i].park_reason != NULL) {
            log_context(run->items[i].wire->traceparent, NULL);
            log_warn("event_parked", "An event was set aside", LOG_TEXT("source", run->source),
                     LOG_INT("position", run->items[i].wire->position),
                     LOG_TEXT("type", run->items[i].wire->type),
                     LOG_TEXT("key", run->items[i].wire->key),
                     LOG_TEXT("reason", run->items[i].park_reason));
            log_context(NULL, NULL);
        }
}

/* ---- one transaction of events ---- */

static enum status move_cursor(struct event_run *run, struct writer_source *cursor)
{
    struct writer *writer = run->writer;
    const struct event_item *last = &run->items[run->count - 1];
    run->turn.has_moved_cursor = true;
    return db_exec_expect(writer->db, writer_query(writer, P_CURSOR_MOVE), 1, db_text(run->source),
                          db_int(cursor->position), db_int(last->wire->position),
                          db_uuid(&last->event_id), db_time(writer->now_us));
}

static enum status try_events(struct event_run *run, struct writer_source *cursor,
                              const char *guarded, size_t *parked)
{
    struct writer *writer = run->writer;
    turn_begin(writer, &run->turn);
    run->nrefused = 0;
    park_followers(writer, run->items, run->count);
    enum status status = db_begin(writer->db);
    if (status == STATUS_OK)
        status = run_waves(run);
    if (status == STATUS_OK && run->nrefused == 0) {
        *parked = park(run);
        status = move_cursor(run, cursor);
    }
    if (status == STATUS_OK && guarded != NULL)
        status = guard_pass(writer->guard, guarded);
    if (status != STATUS_OK || run->nrefused > 0) {
        turn_abort(&run->turn);
        return status;
    }
    CRASHPOINT("events.before_commit");
    status = turn_commit(&run->turn);
    if (status == STATUS_OK)
        CRASHPOINT("events.after_commit");
    return status;
}

static void note_applied(struct event_run *run, struct writer_source *cursor, size_t source,
                         size_t parked)
{
    struct writer *writer = run->writer;
    const struct event_item *last = &run->items[run->count - 1];
    cursor->position = last->wire->position;
    cursor->event_id = last->event_id;
    METRIC_SET(writer->process->sources[source].cursor, cursor->position);
    METRIC_ADD(writer->process->metrics.events_applied, (int64_t)run->count);
    if (parked == 0)
        return;
    METRIC_ADD(writer->process->metrics.events_parked, (int64_t)parked);
    log_parked(run);
    if (events_load_parked(writer) != STATUS_OK)
        writer_trouble(writer, STATUS_RETRY);
}

/* Events from first on, count of them. Fails with RETRY (nothing moved; later again) or with what
 * no other go would change. An event that a handler refuses is marked, and the rest run again
 * without. */
static enum status run_events(struct writer *writer, struct events_job *job, size_t first,
                              size_t count, const char *guarded)
{
    struct event_run run = {.writer = writer,
                            .source = writer->process->sources[job->source].service,
                            .items = job->items + first,
                            .count = count};
    struct writer_source *cursor = &writer->sources[job->source];
    enum status status;
    size_t parked = 0;
    do
        status = try_events(&run, cursor, guarded, &parked);
    while (status == STATUS_OK && run.nrefused > 0);
    if (status == STATUS_OK) {
        note_applied(&run, cursor, job->source, parked);
        job->done = first + count;
        return STATUS_OK;
    }
    if (!writer_trouble(writer, status) || status == STATUS_RETRY)
        return STATUS_RETRY;
    if (count == 1) {
        if (job->items[first].park_reason != NULL)
            return STATUS_RETRY; /* not even parking works */
        int length = asprintf((char **)(uintptr_t)&job->items[first].park_reason, "%s: %s",
                              status_name(status), db_error(writer->db));
        assert(length >= 0);
        return run_events(writer, job, first, 1, guarded);
    }
    TRY(run_events(writer, job, first, count / 2, NULL));
    return run_events(writer, job, first + count / 2, count - count / 2, NULL);
}

static void finish_events(struct writer *writer, struct writer_source *source)
{
    struct events_job *job = source->first;
    source->first = job->next;
    if (source->first == NULL)
        source->last = NULL;
    for (size_t i = 0; i < job->count; i++)
        if (job->items[i].park_reason != reason_behind)
            free((void *)(uintptr_t)job->items[i].park_reason);
    writer_to_front(writer, job);
}

static enum status run_guarded(struct writer *writer, struct events_job *job)
{
    char name[128];
    snprintf(name, sizeof name, "event:%s:%lld", writer->process->sources[job->source].service,
             (long long)job->items[job->done].wire->position);
    bool is_set_aside = false;
    enum status status = guard_start(writer->guard, name, &is_set_aside);
    if (status != STATUS_OK) {
        writer_trouble(writer, status);
        return STATUS_RETRY;
    }
    struct event_item *item = &job->items[job->done];
    if (is_set_aside && item->park_reason == NULL) {
        item->park_reason = strdup("three attempts at this ended the process");
        item->is_crashed = true;
    }
    status = run_events(writer, job, job->done, 1, is_set_aside ? NULL : name);
    if (status == STATUS_OK)
        guard_passed(writer->guard);
    return status;
}

bool turn_events(struct writer *writer, size_t index)
{
    struct writer_source *source = &writer->sources[index];
    while (source->first != NULL && source->first->epoch != writer->epoch)
        finish_events(writer, source);
    struct events_job *job = source->first;
    int64_t now_us = clock_monotonic_us();
    if (job == NULL || job->retry_at_us > now_us)
        return false;
    enum status status = guard_is_on(writer->guard)
                             ? run_guarded(writer, job)
                             : run_events(writer, job, job->done, job->count - job->done, NULL);
    if (!writer->is_leader)
        return true; /* the job has gone back to the front: see events_forget() */
    if (status != STATUS_OK) {
        int64_t pause_us = RETRY_MIN_US << (job->tries < 7 ? job->tries : 7);
        job->tries++;
        job->retry_at_us = now_us + (pause_us < RETRY_MAX_US ? pause_us : RETRY_MAX_US);
        return true;
    }
    job->tries = 0;
    if (job->done == job->count)
        finish_events(writer, source);
    return true;
}

void events_forget(struct writer *writer)
{
    for (size_t i = 0; i < writer->process->nsources; i++)
        while (writer->sources[i].first != NULL)
            finish_events(writer, &writer->sources[i]);
}

/* ---- one event again, by itself ---- */

enum status events_replay(struct writer *writer, const char *source, struct event_item *item,
                          const struct uuid *parked_id, const char *guarded, bool skips,
                          char **reason)
{
    struct event_run run = {.writer = writer, .source = source, .items = item, .count = 1};
    turn_begin(writer, &run.turn);
    TRY(db_begin(writer->db));
    enum status status = STATUS_OK;
    if (!skips)
        status = run_waves(&run);
    if (status == STATUS_OK && run.nrefused == 0)
        status = db_exec_expect(writer->db, writer_query(writer, P_PARKED_DELETE), 1,
                                db_uuid(parked_id));
    if (status == STATUS_OK && run.nrefused == 0 && guarded != NULL)
        status = guard_pass(writer->guard, guarded);
    if (status == STATUS_OK && run.nrefused == 0)
        return turn_commit(&run.turn);
    turn_abort(&run.turn);
    if (run.nrefused == 0)
        return status;
    *reason = (char *)(uintptr_t)item->park_reason;
    item->park_reason = NULL;
    return STATUS_CONFLICT;
}
