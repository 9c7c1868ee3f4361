#include "common/eventlog.h"

#include <assert.h>
#include <stdlib.h>

#include "platform_queries.h"

DB_SHAPE(row_shape, struct eventlog_row, DB_FIELD(struct eventlog_row, position, DB_INT64),
         DB_FIELD(struct eventlog_row, event_id, DB_UUID),
         DB_FIELD(struct eventlog_row, type, DB_TEXT), DB_FIELD(struct eventlog_row, key, DB_TEXT),
         DB_FIELD(struct eventlog_row, occurred_at, DB_TIMESTAMP),
         DB_FIELD(struct eventlog_row, traceparent, DB_TEXT),
         DB_FIELD(struct eventlog_row, actor, DB_TEXT),
         DB_FIELD(struct eventlog_row, payload, DB_BYTEA));

struct edge {
    int64_t position;
    struct uuid event_id;
};
DB_SHAPE(edge_shape, struct edge, DB_FIELD(struct edge, position, DB_INT64),
         DB_FIELD(struct edge, event_id, DB_UUID));

void eventlog_append(struct db *db, int base, const struct eventlog_row *row)
{
    const char *traceparent =
        row->traceparent != NULL && *row->traceparent != '\0' ? row->traceparent : NULL;
    db_add(db_columns(db, base + P_EVENT_INSERT), db_int(row->position), db_uuid(&row->event_id),
           db_text(row->type), db_text(row->key), db_time(row->occurred_at), db_text(traceparent),
           db_text(row->actor), db_bytes(row->payload.bytes, row->payload.count));
}

static enum status read_edge(struct db *db, int query, int64_t *position, struct uuid *id)
{
    struct edge *edges;
    size_t count;
    TRY(db_select(db, query, &edge_shape, &edges, &count));
    *position = count == 0 ? 0 : edges[0].position;
    *id = count == 0 ? (struct uuid){{0}} : edges[0].event_id;
    return STATUS_OK;
}

enum status eventlog_head(struct db *db, int base, int64_t *position, struct uuid *id)
{
    return read_edge(db, base + P_EVENT_HEAD, position, id);
}

enum status eventlog_first(struct db *db, int base, int64_t *position)
{
    struct uuid id;
    return read_edge(db, base + P_EVENT_FIRST, position, &id);
}

enum status eventlog_range(struct db *db, int base, int64_t first, int64_t last,
                           struct eventlog_row **rows, size_t *count)
{
    return db_select(db, base + P_EVENT_RANGE, &row_shape, rows, count, db_int(first),
                     db_int(last));
}

/* ---- the tail ---- */

struct segment {
    struct arena *arena;
    struct eventlog_row *rows;
    size_t count;
};
/* The segments are the latest ranges read, oldest first, each following the one before; the spare
 * one takes reads of what lies further back. */
struct eventlog_tail {
    struct segment segments[EVENTLOG_TAIL_SEGMENTS];
    size_t nsegments;
    struct segment spare;
};

#define SEGMENT_BYTES ((size_t)1 << 30)

struct eventlog_tail *eventlog_tail_open(void)
{
    struct eventlog_tail *tail = calloc(1, sizeof *tail);
    assert(tail != NULL);
    for (size_t i = 0; i < EVENTLOG_TAIL_SEGMENTS; i++)
        tail->segments[i].arena = arena_open(SEGMENT_BYTES);
    tail->spare.arena = arena_open(SEGMENT_BYTES);
    return tail;
}

void eventlog_tail_close(struct eventlog_tail **tail)
{
    for (size_t i = 0; i < EVENTLOG_TAIL_SEGMENTS; i++)
        arena_close(&(*tail)->segments[i].arena);
    arena_close(&(*tail)->spare.arena);
    free(*tail);
    *tail = NULL;
}

void eventlog_tail_forget(struct eventlog_tail *tail)
{
    for (size_t i = 0; i < EVENTLOG_TAIL_SEGMENTS; i++) {
        arena_reset(tail->segments[i].arena);
        tail->segments[i].count = 0;
    }
    tail->nsegments = 0;
}

static int64_t segment_end(const struct segment *segment)
{
    return segment->rows[segment->count - 1].position + 1;
}

static enum status read_segment(struct segment *segment, struct db *db, int base, int64_t first,
                                int64_t last)
{
    arena_reset(segment->arena);
    segment->count = 0;
    db_use_arena(db, segment->arena);
    return eventlog_range(db, base, first, last, &segment->rows, &segment->count);
}

/* Room behind the last segment: the oldest is dropped and its arena used again. */
static struct segment *next_segment(struct eventlog_tail *tail)
{
    if (tail->nsegments == EVENTLOG_TAIL_SEGMENTS) {
        struct segment oldest = tail->segments[0];
        for (size_t i = 1; i < EVENTLOG_TAIL_SEGMENTS; i++)
            tail->segments[i - 1] = tail->segments[i];
        tail->segments[EVENTLOG_TAIL_SEGMENTS - 1] = oldest;
        tail->nsegments--;
    }
    return &tail->segments[tail->nsegments];
}

static bool give(const struct segment *segment, int64_t first, size_t max,
                 const struct eventlog_row **rows, size_t *count)
{
    if (segment->count == 0 || first < segment->rows[0].position || first >= segment_end(segment))
        return false;
    size_t skip = (size_t)(first - segment->rows[0].position);
    *rows = segment->rows + skip;
    *count = segment->count - skip < max ? segment->count - skip : max;
    return true;
}

enum status eventlog_tail_read(struct eventlog_tail *tail, struct db *db, int base, int64_t first,
                               int64_t head, size_t max, const struct eventlog_row **rows,
                               size_t *count)
{
    *count = 0;
    if (first > head)
        return STATUS_OK;
    for (size_t i = 0; i < tail->nsegments; i++)
        if (give(&tail->segments[i], first, max, rows, count))
            return STATUS_OK;
    int64_t last = first + EVENTLOG_MAX_RANGE - 1 < head ? first + EVENTLOG_MAX_RANGE - 1 : head;
    bool follows =
        tail->nsegments > 0 && segment_end(&tail->segments[tail->nsegments - 1]) == first;
    bool is_near = head - first < EVENTLOG_MAX_RANGE;
    if (!follows && !is_near) {
        TRY(read_segment(&tail->spare, db, base, first, last));
        give(&tail->spare, first, max, rows, count);
        return STATUS_OK;
    }
    if (!follows)
        eventlog_tail_forget(tail);
    struct segment *segment = next_segment(tail);
    TRY(read_segment(segment, db, base, first, last));
    if (segment->count > 0)
        tail->nsegments++;
    give(segment, first, max, rows, count);
    return STATUS_OK;
}
