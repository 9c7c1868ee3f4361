/* eventlog.h -- the append-only log of one schema: what happened, at dense positions.
 *
 * The writer appends; the log thread reads ranges for consumers, and keeps the latest events in
 * memory, since five consumers read the same ones within moments of each other.
 *
 * Ownership: rows and texts read live in the segment or arena that they were read into. One thread
 * each.
 * Limits: a range holds at most EVENTLOG_MAX_RANGE events; the tail at most EVENTLOG_TAIL_SEGMENTS
 * ranges.
 */
#pragma once

#include <stdint.h>

#include "common/db.h"
#include "penstock/bus/v1/bus.pb-c.h"

#define EVENTLOG_MAX_RANGE 512
#define EVENTLOG_TAIL_SEGMENTS 4

struct eventlog_row {
    int64_t position;
    struct uuid event_id;
    const char *type, *key;
    int64_t occurred_at;
    const char *traceparent, *actor;
    struct db_bytea payload;
};

/* Appends to the column set of P_EVENT_INSERT; base is what the platform's queries start at. */
void eventlog_append(struct db *db, int base, const struct eventlog_row *row);
/* The last and the first position kept; 0 and the nil id when the log is empty. */
enum status eventlog_head(struct db *db, int base, int64_t *position, struct uuid *id) MUST_CHECK;
enum status eventlog_first(struct db *db, int base, int64_t *position) MUST_CHECK;
/* Events from first to last, both included, into the arena that db uses. */
enum status eventlog_range(struct db *db, int base, int64_t first, int64_t last,
                           struct eventlog_row **rows, size_t *count) MUST_CHECK;

/* ---- the tail: ranges read lately ---- */

struct eventlog_tail;
struct eventlog_tail *eventlog_tail_open(void);
void eventlog_tail_close(struct eventlog_tail **tail);
void eventlog_tail_forget(struct eventlog_tail *tail);
/* Up to max events from first on, none beyond head: *rows is valid until the next call. What is not
 * in memory is read, and kept when it is near the head. Fewer than asked for is no error. */
enum status eventlog_tail_read(struct eventlog_tail *tail, struct db *db, int base, int64_t first,
                               int64_t head, size_t max, const struct eventlog_row **rows,
                               size_t *count) MUST_CHECK;
