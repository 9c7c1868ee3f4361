/* The writer: the one thread, and the one connection, that changes this service's rows. */
#include "common/service_internal.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/eventlog.h"

/* At first often: a predecessor that was killed holds the lock until its session is cleared away.
 */
#define LEAD_AGAIN_MIN_US 20000
#define LEAD_AGAIN_MAX_US 500000
#define PING_US 1000000
#define CROWD_WATCH_US 250000
#define BACK_OFF_MIN_US 20000
#define BACK_OFF_MAX_US 1000000
#define TURN_BYTES ((size_t)1 << 30)
#define IDENTITY_CHECK_US (INT64_C(600) * 1000000)
#define WEEK_US (INT64_C(7) * 24 * 3600 * 1000000)

/* ---- to the front ---- */

void writer_to_front(struct writer *writer, void *job)
{
    if (writer->nto_front == writer->to_front_room) {
        writer->to_front_room = writer->to_front_room == 0 ? 256 : writer->to_front_room * 2;
        writer->to_front = reallocarray(writer->to_front, writer->to_front_room, sizeof(void *));
        assert(writer->to_front != NULL);
    }
    writer->to_front[writer->nto_front++] = job;
}

void writer_send(struct writer *writer)
{
    bus_channel_send_many(writer->front, writer->to_front, writer->nto_front);
    writer->nto_front = 0;
}

static void from_front(void *context, void *pointer)
{
    struct writer *writer = context;
    struct job_head *head = pointer;
    switch (head->kind) {
    case JOB_COMMAND:
        job_list_push(&writer->commands, pointer);
        return;
    case JOB_EVENTS: {
        struct events_job *events = pointer;
        struct writer_source *source = &writer->sources[events->source];
        events->next = NULL;
        if (source->last == NULL)
            source->first = events;
        else
            source->last->next = events;
        source->last = events;
        return;
    }
    case JOB_STOP:
        writer->is_stopping = true;
        return;
    case JOB_QUERY:
    case JOB_FETCH:
    case JOB_UNSETTLED:
    case JOB_LED:
    case JOB_COMMITTED:
    case JOB_OUTCALL:
        break;
    }
    assert(!"a job that the writer does not do");
}

static void from_follower(void *context, void *pointer)
{
    (void)context;
    (void)pointer;
}

/* ---- leading ---- */

struct leader_row {
    int64_t turn;
    bool is_clean;
};
DB_SHAPE(leader_shape, struct leader_row, DB_FIELD(struct leader_row, turn, DB_INT64),
         DB_FIELD(struct leader_row, is_clean, DB_BOOLEAN));
struct number {
    int64_t number;
};
DB_SHAPE(number_shape, struct number, DB_FIELD(struct number, number, DB_INT64));

static enum status read_leader(struct writer *writer, struct leader_row *leader)
{
    struct leader_row *rows;
    size_t count;
    TRY(db_select(writer->db, writer_query(writer, P_LEADER_READ), &leader_shape, &rows, &count));
    assert(count == 1);
    *leader = rows[0];
    return STATUS_OK;
}

/* The lock goes with the connection, and with it all that this writer knew. */
static void step_down(struct writer *writer)
{
    bool led = writer->is_leader;
    writer->is_leader = false;
    atomic_store(&writer->process->is_leader, false);
    atomic_store(&writer->process->has_database, false);
    db_close(&writer->db);
    writer->connect_at_us = clock_monotonic_us() + writer->backoff_us;
    events_forget(writer);
    if (led)
        log_warn("leader_lost", "This process does not write any more");
}

bool writer_trouble(struct writer *writer, enum status status)
{
    if (db_is_broken(writer->db)) {
        log_warn("database_lost", "The connection to the database was lost",
                 LOG_TEXT("cause", db_error(writer->db)), LOG_TEXT("status", status_name(status)));
        METRIC_ADD(writer->process->metrics.reconnects, 1);
        step_down(writer);
        return false;
    }
    if (status != STATUS_CONFLICT && status != STATUS_STALE)
        return true;
    int64_t head = 0;
    struct leader_row leader = {0, false};
    struct uuid id;
    db_use_arena(writer->db, writer->arena);
    bool is_known =
        eventlog_head(writer->db, writer->process->service->nqueries, &head, &id) == STATUS_OK &&
        read_leader(writer, &leader) == STATUS_OK;
    if (is_known && head == writer->head && leader.turn == writer->turn)
        return true;
    log_warn("leader_replaced", "Another process has written: this one steps down",
             LOG_INT("head", writer->head), LOG_INT("found", head));
    step_down(writer);
    return false;
}

struct cursor_row {
    const char *source;
    int64_t position;
    struct uuid event_id;
};
DB_SHAPE(cursor_shape, struct cursor_row, DB_FIELD(struct cursor_row, source, DB_TEXT),
         DB_FIELD(struct cursor_row, position, DB_INT64),
         DB_FIELD(struct cursor_row, event_id, DB_UUID));

static enum status create_cursors(struct writer *writer)
{
    const char *names[SERVICE_MAX_SOURCES + SERVICE_MAX_PROJECTIONS];
    size_t count = 0;
    const struct process *process = writer->process;
    for (size_t i = 0; i < process->nsources; i++)
        names[count++] = process->sources[i].service;
    for (size_t i = 0; i < process->nprojections; i++)
        names[count++] =
            arena_printf(writer->arena, "projection:%s", process->service->projections[i].name);
    if (count == 0)
        return STATUS_OK;
    return db_exec(writer->db, writer_query(writer, P_CURSOR_CREATE), db_texts(names, count));
}

static enum status read_cursors(struct writer *writer)
{
    struct cursor_row *rows;
    size_t count;
    TRY(db_select(writer->db, writer_query(writer, P_CURSOR_READ), &cursor_shape, &rows, &count));
    for (size_t i = 0; i < count; i++)
        for (size_t s = 0; s < writer->process->nsources; s++)
            if (strcmp(rows[i].source, writer->process->sources[s].service) == 0) {
                writer->sources[s].position = rows[i].position;
                writer->sources[s].event_id = rows[i].event_id;
                METRIC_SET(writer->process->sources[s].cursor, rows[i].position);
            }
    return STATUS_OK;
}

/* Everything that a leader knows is read again, and its row is moved: whoever led before finds so.
 */
static enum status take_over(struct writer *writer, bool *was_clean)
{
    struct leader_row leader;
    struct uuid id;
    TRY(read_leader(writer, &leader));
    /* Who only lost its connection has not crashed. */
    *was_clean = leader.is_clean || (writer->epoch > 0 && leader.turn == writer->turn);
    writer->turn = leader.turn + 1;
    TRY(db_exec_expect(writer->db, writer_query(writer, P_LEADER_MARK), 1, db_int(leader.turn),
                       db_int(writer->turn), db_bool(false)));
    TRY(create_cursors(writer));
    TRY(read_cursors(writer));
    TRY(eventlog_head(writer->db, writer->process->service->nqueries, &writer->head, &id));
    return events_load_parked(writer);
}

static enum status take_over_turn(struct writer *writer, bool *was_clean)
{
    arena_reset(writer->arena);
    db_use_arena(writer->db, writer->arena);
    TRY(db_begin(writer->db));
    enum status status = take_over(writer, was_clean);
    if (status == STATUS_OK)
        return db_commit(writer->db);
    db_rollback(writer->db);
    return status;
}

static enum status call_lead(struct call *call, void *context)
{
    const struct service *service = context;
    return service->lead(call);
}

static void tell_led(struct writer *writer)
{
    struct led_job *led = calloc(1, sizeof *led);
    assert(led != NULL);
    led->head.kind = JOB_LED;
    led->epoch = ++writer->epoch;
    for (size_t i = 0; i < writer->process->nsources; i++) {
        led->positions[i] = writer->sources[i].position;
        led->event_ids[i] = writer->sources[i].event_id;
    }
    writer_to_front(writer, led);
}

static enum status become_leader(struct writer *writer)
{
    bool was_clean = true;
    events_forget(writer);
    TRY(take_over_turn(writer, &was_clean));
    TRY(guard_lead(writer->guard, was_clean));
    const struct service *service = writer->process->service;
    if (service->lead != NULL)
        TRY(turn_call(writer, "lead", call_lead, (void *)(uintptr_t)service));
    writer->is_leader = true;
    METRIC_SET(writer->process->head, writer->head);
    atomic_store(&writer->process->is_leader, true);
    tell_led(writer);
    log_info("leader_gained", "This process writes from now on", LOG_INT("head", writer->head),
             LOG_INT("was_clean", was_clean));
    return STATUS_OK;
}

/* Plans must not wait for statistics: a table that was empty when its query was first planned would
 * be read from end to end until the next ANALYZE. */
static const char writer_settings[] = "SET enable_seqscan = off; SET jit = off;"
                                      "SET plan_cache_mode = force_generic_plan";

static bool connect_writer(struct writer *writer)
{
    int64_t now_us = clock_monotonic_us();
    if (now_us < writer->connect_at_us)
        return false;
    struct db_options limits = {.statement_timeout_ms = 5000,
                                .lock_timeout_ms = 1000,
                                .idle_session_timeout_ms = 5000,
                                .requires_durability =
                                    !writer->process->settings.allow_lossy_database};
    if (process_db_open(writer->process, "writer", &limits, &writer->db) == STATUS_OK &&
        db_command(writer->db, writer_settings, NULL) == STATUS_OK) {
        writer->backoff_us = BACK_OFF_MIN_US;
        writer->lead_at_us = 0;
        writer->lead_again_us = LEAD_AGAIN_MIN_US;
        return true;
    }
    db_close(&writer->db);
    writer->connect_at_us = now_us + writer->backoff_us;
    writer->backoff_us =
        writer->backoff_us * 2 < BACK_OFF_MAX_US ? writer->backoff_us * 2 : BACK_OFF_MAX_US;
    return false;
}

static void try_to_lead(struct writer *writer)
{
    int64_t now_us = clock_monotonic_us();
    if (now_us < writer->lead_at_us)
        return;
    writer->lead_at_us = now_us + writer->lead_again_us;
    if (writer->lead_again_us < LEAD_AGAIN_MAX_US)
        writer->lead_again_us += writer->lead_again_us / 2;
    char key[96];
    snprintf(key, sizeof key, "penstock:%s", writer->process->service->name);
    struct number *got;
    size_t count;
    arena_reset(writer->arena);
    db_use_arena(writer->db, writer->arena);
    enum status status = db_select(writer->db, writer_query(writer, P_LEADER_TRY_LOCK),
                                   &number_shape, &got, &count, db_text(key));
    bool has_lock = status == STATUS_OK && got[0].number == 1;
    if (has_lock)
        status = become_leader(writer);
    if (status == STATUS_OK) {
        atomic_store(&writer->process->has_database, true);
        return;
    }
    log_warn("lead_failed", "This process could not begin to write",
             LOG_TEXT("status", status_name(status)), LOG_TEXT("database", db_error(writer->db)));
    step_down(writer);
}

static void ping(struct writer *writer)
{
    int64_t now_us = clock_monotonic_us();
    if (now_us - writer->pinged_us < PING_US)
        return;
    writer->pinged_us = now_us;
    struct number *one;
    size_t count;
    arena_reset(writer->arena);
    db_use_arena(writer->db, writer->arena);
    enum status status =
        db_select(writer->db, writer_query(writer, P_PING), &number_shape, &one, &count);
    if (status != STATUS_OK && db_is_broken(writer->db))
        writer_trouble(writer, status);
}

/* Jobs that came for a leader and find none: the bus tries the next instance, or this one again.
 * Those whose outcome is unknown go the same way: whoever leads finds their identity. While this
 * process may yet lead again they wait for it, within their deadlines. */
static void answer_not_leader(struct writer *writer)
{
    bool may_lead_soon = writer->db == NULL && !writer->is_stopping;
    struct job_list lists[2] = {writer->commands, writer->later};
    writer->commands = writer->later = (struct job_list){NULL, NULL, 0};
    int64_t now_us = clock_monotonic_us();
    for (int i = 0; i < 2; i++)
        for (struct job *job; (job = job_list_pop(&lists[i])) != NULL;) {
            if (may_lead_soon && job->deadline_us > now_us) {
                job_list_push(&writer->commands, job);
                continue;
            }
            job_fail(job, STATUS_NOT_LEADER, "not_leader", "Another instance writes");
            writer_to_front(writer, job);
        }
}

/* ---- timers ---- */

static enum status call_timer(struct call *call, void *context)
{
    const struct timer *timer = context;
    return timer->fn(call);
}

static void run_timers(struct writer *writer)
{
    const struct timer *timers = writer->process->service->timers;
    for (size_t i = 0; i < writer->ntimers && writer->is_leader; i++) {
        int64_t now_us = clock_monotonic_us();
        if (now_us < writer->timers_due_us[i])
            continue;
        writer->timers_due_us[i] = now_us + (int64_t)timers[i].period_ms * 1000;
        enum status status =
            turn_call(writer, timers[i].name, call_timer, (void *)(uintptr_t)&timers[i]);
        if (status != STATUS_OK)
            writer_trouble(writer, status);
    }
}

struct oldest {
    int64_t created_at;
};
DB_SHAPE(oldest_shape, struct oldest, DB_FIELD(struct oldest, created_at, DB_TIMESTAMP));

/* The slot that the week after this one will fill is emptied while this week runs: what stands in
 * it is a week old at least. */
static enum status clear_identities(struct call *call, void *context)
{
    struct writer *writer = context;
    static const int clear[3] = {P_IDENTITY_CLEAR_0, P_IDENTITY_CLEAR_1, P_IDENTITY_CLEAR_2};
    int64_t slot = (call->now_us / WEEK_US + 1) % 3;
    struct oldest *rows;
    size_t found;
    TRY(db_select(call->db, writer_query(writer, P_IDENTITY_OLDEST), &oldest_shape, &rows, &found,
                  db_int(slot)));
    if (found == 0 || rows[0].created_at > call->now_us - WEEK_US)
        return STATUS_OK;
    return db_exec(call->db, writer_query(writer, clear[slot]));
}

static void keep_house(struct writer *writer)
{
    int64_t now_us = clock_monotonic_us();
    if (guard_has_aside(writer->guard))
        turn_retry_crashed(writer);
    if (!writer->is_leader)
        return;
    if (now_us - writer->slot_checked_us < IDENTITY_CHECK_US)
        return;
    writer->slot_checked_us = now_us;
    enum status status = turn_call(writer, "identities", clear_identities, writer);
    if (status != STATUS_OK)
        writer_trouble(writer, status);
}

/* ---- rest ---- */

static int64_t earliest(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int wait_ms(const struct writer *writer, bool was_busy)
{
    if (was_busy)
        return 0;
    int64_t due = clock_monotonic_us() + (writer->crowd.is_there ? CROWD_WATCH_US : PING_US);
    if (writer->db == NULL)
        due = earliest(due, writer->connect_at_us);
    else if (!writer->is_leader)
        due = earliest(due, writer->lead_at_us);
    if (writer->is_leader) {
        for (size_t i = 0; i < writer->ntimers; i++)
            due = earliest(due, writer->timers_due_us[i]);
        due = earliest(due, outcalls_due_us(writer->outcalls));
        for (const struct job *job = writer->later.first; job != NULL; job = job->next)
            due = earliest(due, job->later_at_us);
        for (size_t i = 0; i < writer->process->nsources; i++)
            if (writer->sources[i].first != NULL)
                due = earliest(due, writer->sources[i].first->retry_at_us);
    }
    int64_t left_us = due - clock_monotonic_us();
    return left_us <= 0 ? 0 : (int)((left_us + 999) / 1000);
}

/* ---- a crowd ---- */

static void watch_crowd(struct writer *writer)
{
    if (!crowd_judge(&writer->crowd, clock_monotonic_us()))
        return;
    METRIC_SET(writer->process->metrics.crowd, writer->crowd.is_there);
    if (writer->crowd.is_there)
        log_info("crowd_came", "Many wait at once: followers stand back",
                 LOG_INT("stand_back_ms", writer->process->settings.stand_back_ms));
    else
        log_info("crowd_went", "The crowd has gone: followers go on",
                 LOG_INT("head", writer->head));
    writer_tell_followers(writer);
}

/* ---- the thread ---- */

/* One turn of each kind; nobody has a second before all had one. */
static bool rotate(struct writer *writer)
{
    bool was_busy = turn_commands(writer);
    writer_send(writer);
    for (size_t i = 0; i < writer->process->nsources && writer->is_leader; i++) {
        was_busy |= turn_events(writer, i);
        writer_send(writer);
    }
    if (writer->is_leader)
        run_timers(writer);
    if (writer->is_leader)
        was_busy |= outcalls_turn(writer->outcalls);
    if (writer->is_leader)
        keep_house(writer);
    METRIC_SET(writer->process->metrics.writer_queue, (int64_t)writer->commands.count);
    return was_busy;
}

static void work(struct writer *writer)
{
    bool was_busy = false;
    while (!writer->is_stopping) {
        bus_loop_once(writer->loop, wait_ms(writer, was_busy));
        was_busy = false;
        if (writer->db == NULL && !connect_writer(writer)) {
            answer_not_leader(writer);
            writer_send(writer);
            continue;
        }
        if (!writer->is_leader)
            try_to_lead(writer);
        if (writer->is_leader)
            was_busy = rotate(writer);
        else
            answer_not_leader(writer);
        if (writer->db != NULL)
            ping(writer);
        watch_crowd(writer);
        writer_send(writer);
    }
}

static enum status mark_clean(struct writer *writer)
{
    TRY(db_begin(writer->db));
    TRY(db_exec_expect(writer->db, writer_query(writer, P_LEADER_MARK), 1, db_int(writer->turn),
                       db_int(writer->turn + 1), db_bool(true)));
    return db_commit(writer->db);
}

static void open_channels(struct writer *writer)
{
    writer->front = bus_channel_connect(writer->loop, "writer", from_front, writer);
    writer->log = bus_channel_connect(writer->loop, "log.writer", from_follower, writer);
    for (size_t i = 0; i < writer->process->nprojections; i++) {
        char name[64];
        snprintf(name, sizeof name, "projection.%zu", i);
        writer->projections[i] = bus_channel_connect(writer->loop, name, from_follower, writer);
    }
}

static void close_writer(struct writer *writer)
{
    events_forget(writer);
    answer_not_leader(writer);
    writer_send(writer);
    outcalls_close(&writer->outcalls);
    guard_close(&writer->guard);
    db_close(&writer->db);
    bus_loop_close(&writer->loop);
    arena_close(&writer->arena);
    arena_close(&writer->parked_arena);
    free(writer->timers_due_us);
    free(writer->to_front);
    free(writer);
}

void *writer_run(void *argument)
{
    struct writer *writer = calloc(1, sizeof *writer);
    assert(writer != NULL);
    writer->process = argument;
    const struct service *service = writer->process->service;
    writer->loop = bus_loop_open(writer->process->bus);
    writer->arena = arena_open(TURN_BYTES);
    writer->parked_arena = arena_open(TURN_BYTES);
    writer->backoff_us = BACK_OFF_MIN_US;
    writer->state = service->open == NULL ? NULL : service->open(writer->process->conf);
    while (service->timers != NULL && service->timers[writer->ntimers].name != NULL)
        writer->ntimers++;
    writer->timers_due_us = calloc(writer->ntimers + 1, sizeof(int64_t));
    assert(writer->timers_due_us != NULL);
    open_channels(writer);
    writer->guard = guard_open(writer);
    writer->outcalls = outcalls_open(writer);
    work(writer);
    outcalls_drain(writer->outcalls, 1500);
    if (writer->is_leader && mark_clean(writer) != STATUS_OK)
        log_warn("leader_unmarked", "The end of this process could not be marked as clean");
    if (service->close != NULL)
        service->close(writer->state);
    close_writer(writer);
    return NULL;
}
