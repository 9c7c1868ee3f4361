/* What is parked, tried again: because someone asks for it, or because it is time. */
#include "common/service_internal.h"

#include <stdlib.h>
#include <string.h>

struct parked_row {
    struct uuid id;
    const char *source;
    int64_t position;
    struct uuid event_id;
    const char *type, *key;
    int64_t occurred_at;
    const char *traceparent, *actor;
    struct db_bytea payload;
    const char *reason;
    bool is_crashed;
};
DB_SHAPE(parked_shape, struct parked_row, DB_FIELD(struct parked_row, id, DB_UUID),
         DB_FIELD(struct parked_row, source, DB_TEXT),
         DB_FIELD(struct parked_row, position, DB_INT64),
         DB_FIELD(struct parked_row, event_id, DB_UUID), DB_FIELD(struct parked_row, type, DB_TEXT),
         DB_FIELD(struct parked_row, key, DB_TEXT),
         DB_FIELD(struct parked_row, occurred_at, DB_TIMESTAMP),
         DB_FIELD(struct parked_row, traceparent, DB_TEXT),
         DB_FIELD(struct parked_row, actor, DB_TEXT),
         DB_FIELD(struct parked_row, payload, DB_BYTEA),
         DB_FIELD(struct parked_row, reason, DB_TEXT),
         DB_FIELD(struct parked_row, is_crashed, DB_BOOLEAN));

static const struct subscription *subscription_of(const struct writer *writer, const char *source,
                                                  const char *type)
{
    for (const struct subscription *it = writer->process->service->subscriptions;
         it != NULL && it->service != NULL; it++)
        if (strcmp(it->service, source) == 0 && strcmp(it->type->short_name, type) == 0)
            return it;
    return NULL;
}

static Penstock__Bus__V1__Event *event_of(struct arena *arena, const struct parked_row *row)
{
    Penstock__Bus__V1__Event *wire = ARENA_NEW(arena, Penstock__Bus__V1__Event);
    penstock__bus__v1__event__init(wire);
    char id[UUID_TEXT_BYTES];
    wire->position = row->position;
    wire->event_id = arena_strdup(arena, uuid_text(&row->event_id, id));
    wire->type = arena_strdup(arena, row->type);
    wire->key = arena_strdup(arena, row->key);
    wire->occurred_at_us = row->occurred_at;
    wire->traceparent = arena_strdup(arena, row->traceparent == NULL ? "" : row->traceparent);
    wire->actor = arena_strdup(arena, row->actor);
    wire->payload.data = arena_copy(arena, row->payload.bytes, row->payload.count);
    wire->payload.len = row->payload.count;
    return wire;
}

struct parked_retry {
    struct writer *writer;
    struct arena *arena; /* outlives the turns */
    struct parked_row row;
    struct event_item item;
    const char *guarded;
    bool skips;
};

static enum status replay(struct parked_retry *retry, char **reason)
{
    return events_replay(retry->writer, retry->row.source, &retry->item, &retry->row.id,
                         retry->guarded, retry->skips, reason);
}

static enum status read_parked(struct parked_retry *retry, int query, struct db_arg argument,
                               bool *is_there)
{
    struct writer *writer = retry->writer;
    struct parked_row *rows;
    size_t count;
    db_use_arena(writer->db, retry->arena);
    enum status status =
        db_select(writer->db, writer_query(writer, query), &parked_shape, &rows, &count, argument);
    db_use_arena(writer->db, writer->arena);
    TRY(status);
    *is_there = count > 0;
    if (count == 0)
        return STATUS_OK;
    retry->row = rows[0];
    Penstock__Bus__V1__Event *wire = event_of(retry->arena, &rows[0]);
    const struct subscription *subscription = subscription_of(writer, rows[0].source, rows[0].type);
    retry->item = (struct event_item){.wire = wire, .event_id = rows[0].event_id};
    if (subscription == NULL)
        return STATUS_OK;
    retry->item.in = protobuf_c_message_unpack(subscription->type, arena_protobuf(retry->arena),
                                               wire->payload.len, wire->payload.data);
    retry->item.subscription = subscription;
    return retry->item.in == NULL ? STATUS_INVALID : STATUS_OK;
}

/* The key's events in order, until one is refused again or none is left. */
static enum status retry_key(struct parked_retry *retry, const char *key, char **reason)
{
    for (bool is_there = true;;) {
        TRY(read_parked(retry, P_PARKED_FIRST_OF_KEY, db_text(key), &is_there));
        if (!is_there)
            return STATUS_OK;
        TRY(replay(retry, reason));
        retry->guarded = NULL;
    }
}

/* Retries, or skips, one parked event and then what it held back. *reason, to be freed, says why an
 * event was refused again. */
static enum status retry_parked(struct parked_retry *retry, const struct uuid *id, bool *is_there,
                                char **reason)
{
    struct writer *writer = retry->writer;
    arena_reset(writer->arena);
    enum status status = read_parked(retry, P_PARKED_BY_ID, db_uuid(id), is_there);
    if (status == STATUS_OK && *is_there && retry->skips)
        status = replay(retry, reason);
    retry->skips = false;
    if (status == STATUS_OK && *is_there)
        status = retry_key(retry, arena_strdup(retry->arena, retry->row.key), reason);
    if (status != STATUS_OK && *reason == NULL && !writer_trouble(writer, status))
        status = STATUS_UNAVAILABLE;
    if (writer->is_leader && events_load_parked(writer) != STATUS_OK)
        writer_trouble(writer, STATUS_RETRY);
    return status;
}

void turn_retry_parked(struct writer *writer, struct job *job)
{
    const Penstock__Bus__V1__RetryParkedRequest *in =
        (const Penstock__Bus__V1__RetryParkedRequest *)job->call.in;
    struct parked_retry retry = {.writer = writer, .arena = job->arena, .skips = in->skip};
    struct uuid id;
    bool is_there = false;
    char *reason = NULL;
    enum status status = STATUS_OK;
    if (uuid_parse(in->id, &id))
        status = retry_parked(&retry, &id, &is_there, &reason);
    job->call.out = message_new(job->arena, job->method->out);
    if (status == STATUS_OK && is_there)
        job_answer(job);
    else if (status == STATUS_OK)
        job_fail(job, STATUS_NOT_FOUND, "not_found", "Nothing is parked under this id");
    else if (reason != NULL)
        job_fail(job, STATUS_CONFLICT, "parked_again", arena_strdup(job->arena, reason));
    else if (status == STATUS_INVALID)
        job_fail(job, STATUS_CONFLICT, "parked_again", "malformed: the payload does not unpack");
    else
        job_fail(job, STATUS_UNAVAILABLE, "unavailable", "This cannot be retried now");
    free(reason);
    writer_to_front(writer, job);
}

/* ---- what was set aside because the process died of it ---- */

void turn_retry_crashed(struct writer *writer)
{
    const char *item = guard_due_event(writer->guard);
    if (item == NULL)
        return;
    struct parked_retry retry = {
        .writer = writer, .arena = arena_open(SERVICE_JOB_BYTES), .guarded = item};
    bool is_there = false, is_set_aside = false;
    char *reason = NULL;
    enum status status = guard_start(writer->guard, item, &is_set_aside);
    if (status == STATUS_OK)
        status = read_parked(&retry, P_PARKED_BY_ITEM, db_text(item), &is_there);
    if (status == STATUS_OK && is_there)
        status = retry_parked(&retry, &retry.row.id, &is_there, &reason);
    log_warn("crashed_retried", "What was set aside was tried again", LOG_TEXT("item", item),
             LOG_TEXT("status", status_name(status)), LOG_TEXT("reason", reason));
    if (status == STATUS_OK || status == STATUS_CONFLICT)
        status = guard_forget(writer->guard, item);
    if (status != STATUS_OK && writer->is_leader)
        writer_trouble(writer, status);
    free(reason);
    arena_close(&retry.arena);
}
