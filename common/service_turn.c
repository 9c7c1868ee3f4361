/* A turn: one transaction of the writer, from its beginning to what happens after its commit. */
#include "common/service_internal.h"

#include <assert.h>
#include <string.h>
#include <time.h>

#include "common/crash.h"
#include "common/eventlog.h"

/* ---- any turn ---- */

void turn_begin(struct writer *writer, struct turn *turn)
{
    arena_reset(writer->arena);
    *turn = (struct turn){.writer = writer, .began_us = clock_monotonic_us()};
    writer->now_us = clock_wall_us();
    db_use_arena(writer->db, writer->arena);
    db_take_wait_us(writer->db);
}

int64_t turn_collect(struct turn *turn, const struct call *call)
{
    const struct call_own *own = call->own;
    turn->kicks |= own->kicks;
    call_apply_counts(call);
    if (own->first == NULL)
        return 0;
    for (const struct emitted *event = own->first; event != NULL; event = event->next) {
        if (turn->nrows == turn->room) {
            size_t room = turn->room == 0 ? 64 : turn->room * 2;
            struct emitted_row *rows = ARENA_ARRAY(turn->writer->arena, room, struct emitted_row);
            if (turn->nrows > 0)
                memcpy(rows, turn->rows, turn->nrows * sizeof *rows);
            turn->rows = rows;
            turn->room = room;
        }
        turn->rows[turn->nrows++] = (struct emitted_row){event, call->traceparent, call->actor};
    }
    return turn->writer->head + (int64_t)turn->nrows;
}

static void append_events(const struct turn *turn)
{
    struct writer *writer = turn->writer;
    int base = writer->process->service->nqueries;
    for (size_t i = 0; i < turn->nrows; i++) {
        const struct emitted_row *row = &turn->rows[i];
        struct eventlog_row event = {.position = writer->head + 1 + (int64_t)i,
                                     .event_id = uuid_new(),
                                     .type = row->event->type,
                                     .key = row->event->key,
                                     .occurred_at = writer->now_us,
                                     .traceparent = row->traceparent,
                                     .actor = row->actor,
                                     .payload = {row->event->payload, row->event->bytes}};
        eventlog_append(writer->db, base, &event);
    }
}

void writer_tell_followers(struct writer *writer)
{
    static struct job_head committed = {JOB_COMMITTED};
    bus_channel_send(writer->log, &committed);
    for (size_t i = 0; i < writer->process->nprojections; i++)
        bus_channel_send(writer->projections[i], &committed);
}

/* The fence: a turn that appends events is refused by the log's primary key when another writer has
 * appended; one that moves a cursor names the position that it moves it from; any other moves the
 * leader's row. So no turn of a writer that has been replaced can commit. */
static enum status fence(const struct turn *turn)
{
    struct writer *writer = turn->writer;
    append_events(turn);
    if (turn->nrows > 0 || turn->has_moved_cursor)
        return STATUS_OK;
    return db_exec_expect(writer->db, writer_query(writer, P_LEADER_MOVE), 1, db_int(writer->turn),
                          db_int(writer->turn + 1));
}

static void note_commit(const struct turn *turn, int64_t commit_us)
{
    struct writer *writer = turn->writer;
    struct metrics *metrics = &writer->process->metrics;
    int64_t turn_us = clock_monotonic_us() - turn->began_us;
    METRIC_ADD(metrics->turns, 1);
    METRIC_ADD(metrics->turn_us, turn_us);
    METRIC_ADD(metrics->commit_us, commit_us);
    METRIC_ADD(metrics->events_emitted, (int64_t)turn->nrows);
    if (turn_us > 250000)
        log_warn(
            "turn_slow", "A turn of the writer took long", LOG_INT("duration_ms", turn_us / 1000),
            LOG_INT("db_ms", db_take_wait_us(writer->db) / 1000), LOG_INT("events", turn->nrows));
}

enum status turn_commit(struct turn *turn)
{
    struct writer *writer = turn->writer;
    if (turn->nrows == 0 && !db_has_written(writer->db)) {
        db_rollback(writer->db);
        outcalls_kick(writer->outcalls, turn->kicks);
        return db_is_broken(writer->db) ? STATUS_RETRY : STATUS_OK;
    }
    enum status status = fence(turn);
    if (status != STATUS_OK) {
        turn_abort(turn);
        return status;
    }
    CRASHPOINT("writer.before_commit");
    int64_t before_us = clock_monotonic_us();
    status = db_commit(writer->db);
    if (status != STATUS_OK)
        return status;
    CRASHPOINT("writer.after_commit_before_reply");
    if (turn->nrows == 0 && !turn->has_moved_cursor)
        writer->turn++;
    writer->head += (int64_t)turn->nrows;
    METRIC_SET(writer->process->head, writer->head);
    note_commit(turn, clock_monotonic_us() - before_us);
    if (turn->nrows > 0)
        writer_tell_followers(writer);
    outcalls_kick(writer->outcalls, turn->kicks);
    return STATUS_OK;
}

void turn_abort(struct turn *turn)
{
    METRIC_ADD(turn->writer->process->metrics.turns_rerun, 1);
    db_rollback(turn->writer->db);
}

void writer_back_off(int tries)
{
    int64_t ms = INT64_C(5) << (tries < 5 ? tries : 5);
    struct timespec pause = {0, (long)(ms * 1000000)};
    nanosleep(&pause, NULL);
}

enum status turn_call(struct writer *writer, const char *what, turn_fn *fn, void *context)
{
    struct turn turn;
    turn_begin(writer, &turn);
    struct call call;
    struct call_own own;
    call_init(&call, &own, writer->process, writer->arena);
    call.db = writer->db;
    call.now_us = writer->now_us;
    call.state = writer->state;
    enum status status = db_begin(writer->db);
    if (status == STATUS_OK)
        status = call_outcome(&call, fn(&call, context));
    if (status == STATUS_OK) {
        turn_collect(&turn, &call);
        status = turn_commit(&turn);
    } else {
        turn_abort(&turn);
    }
    if (status == STATUS_OK)
        call_log_lines(&call);
    else
        log_warn("turn_failed", "A turn failed", LOG_TEXT("what", what),
                 LOG_TEXT("status", status_name(status)), LOG_TEXT("code", own.code),
                 LOG_TEXT("reason", own.text), LOG_TEXT("database", db_error(writer->db)));
    return status;
}
