/* Turns of commands: identities first, then the handlers, then what is stored with their effect. */
#include "common/service_internal.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* ---- what is known before ---- */

struct known {
    struct uuid id, request_hash;
    struct db_bytea reply;
    int64_t position;
    struct uuid void_hold_id;
};
DB_SHAPE(known_shape, struct known, DB_FIELD(struct known, id, DB_UUID),
         DB_FIELD(struct known, request_hash, DB_UUID), DB_FIELD(struct known, reply, DB_BYTEA),
         DB_FIELD(struct known, position, DB_INT64), DB_FIELD(struct known, void_hold_id, DB_UUID));

static void say_repeated(struct writer *writer, struct job *job, const struct known *known)
{
    job->verdict = VERDICT_SAID;
    job->hints = true;
    if (!uuid_equal(&known->request_hash, &job->call.command_hash)) {
        job_fail(job, STATUS_CONFLICT, "idempotency_key_reused",
                 "This key was used before, with another request");
        return;
    }
    METRIC_ADD(writer->process->metrics.repeated, 1);
    job->is_repeated = true;
    job->position = known->position;
    job->status = STATUS_OK;
    job->packed = arena_copy(job->arena, known->reply.bytes, known->reply.count);
    job->packed_bytes = known->reply.count;
    const struct route *route = job->method->route;
    if (route->render == NULL)
        return;
    call_again(&job->call, NULL);
    job->call.out = protobuf_c_message_unpack(job->method->out, arena_protobuf(job->arena),
                                              job->packed_bytes, job->packed);
    job->call.db = writer->db;
    job->call.state = writer->state;
    job->call.now_us = writer->now_us;
    if (job->call.out == NULL ||
        route->render(&job->call, job->call.in, job->call.out) != STATUS_OK)
        job_fail(job, STATUS_INTERNAL, "internal", "The stored answer cannot be shown again");
    else
        job_answer(job);
}

static void find_void(struct job **jobs, size_t count, const struct uuid *hold_id)
{
    for (size_t i = 0; i < count; i++)
        for (size_t a = 0; a < jobs[i]->method->nasks; a++) {
            if (!uuid_equal(&jobs[i]->call.answers[a].hold_id, hold_id))
                continue;
            jobs[i]->void_holds[a] = *hold_id;
            if (jobs[i]->verdict == VERDICT_NONE)
                jobs[i]->verdict = VERDICT_ASK_AGAIN;
        }
}

static struct job *job_of_identity(struct job **jobs, size_t count, const struct uuid *id)
{
    for (size_t i = 0; i < count; i++)
        if (jobs[i]->must_store && uuid_equal(&jobs[i]->identity, id))
            return jobs[i];
    return NULL;
}

/* Identity before anything else: a repeat gets its first answer even when what it asked for before
 * is refused by now, or its hold void. */
static enum status look_up(struct writer *writer, struct job **jobs, size_t count)
{
    struct uuid *ids = ARENA_ARRAY(writer->arena, count, struct uuid);
    struct uuid *holds = ARENA_ARRAY(writer->arena, count * SERVICE_MAX_ASKS, struct uuid);
    size_t nids = 0, nholds = 0, nknown = 0;
    for (size_t i = 0; i < count; i++) {
        if (jobs[i]->must_store)
            ids[nids++] = jobs[i]->identity;
        for (size_t a = 0; a < jobs[i]->method->nasks; a++)
            if (!uuid_is_nil(&jobs[i]->call.answers[a].hold_id))
                holds[nholds++] = jobs[i]->call.answers[a].hold_id;
    }
    if (nids == 0 && nholds == 0)
        return STATUS_OK;
    struct known *known;
    db_use_arena(writer->db, writer->arena);
    TRY(db_select(writer->db, writer_query(writer, P_IDENTITY_LOOKUP), &known_shape, &known,
                  &nknown, db_uuids(ids, nids), db_uuids(holds, nholds)));
    for (size_t i = 0; i < nknown; i++) {
        struct job *job = job_of_identity(jobs, count, &known[i].id);
        if (job != NULL)
            say_repeated(writer, job, &known[i]);
    }
    for (size_t i = 0; i < nknown; i++)
        if (!uuid_is_nil(&known[i].void_hold_id))
            find_void(jobs, count, &known[i].void_hold_id);
    return STATUS_OK;
}

/* ---- the handlers ---- */

/* SettleHold, through this service's writer, since only here is it certain whether the command has
 * had its effect. When an effect names this very hold its event is on its way, and nothing is done;
 * else no command will ever use it, which the log says. */
struct number {
    int64_t number;
};
DB_SHAPE(number_shape, struct number, DB_FIELD(struct number, number, DB_INT64));

static enum status settle_hold(struct writer *writer, struct job *job)
{
    const Penstock__Bus__V1__SettleHoldRequest *in =
        (const Penstock__Bus__V1__SettleHoldRequest *)job->call.in;
    struct uuid hold_id;
    if (!uuid_parse(in->hold_id, &hold_id))
        return refuse(&job->call, STATUS_INVALID, "invalid", "hold_id", "This is no id");
    struct number *named, *voided;
    size_t count_named, count_voided;
    TRY(db_select(writer->db, writer_query(writer, P_IDENTITY_NAMES_HOLD), &number_shape, &named,
                  &count_named, db_uuid(&job->identity), db_uuid(&hold_id)));
    TRY(db_select(writer->db, writer_query(writer, P_VOID_HOLD_EXISTS), &number_shape, &voided,
                  &count_voided, db_uuid(&hold_id)));
    if (named[0].number > 0 || voided[0].number > 0)
        return STATUS_OK;
    TRY(db_exec(writer->db, writer_query(writer, P_VOID_HOLD_INSERT), db_uuid(&hold_id),
                db_uuid(&job->identity), db_time(writer->now_us)));
    METRIC_ADD(writer->process->metrics.holds_voided, 1);
    Penstock__Bus__V1__HoldVoided event = PENSTOCK__BUS__V1__HOLD_VOIDED__INIT;
    event.hold_id = in->hold_id;
    event.command_id = in->command_id;
    event.holder = (char *)(uintptr_t)job->call.asker;
    return emit(&job->call, arena_printf(job->arena, "hold:%s", in->hold_id), &event.base);
}

static void ready_call(struct writer *writer, struct job *job)
{
    call_again(&job->call, job->method->out);
    job->call.db = writer->db;
    job->call.now_us = writer->now_us;
    job->call.state = writer->state;
    job->call.is_last_try = clock_monotonic_us() - job->came_us >= LATER_US;
}

/* Takes a call's outcome over into its job; a failure of the turn is returned. */
static enum status judge(struct turn *turn, struct job *job, enum status outcome)
{
    if (outcome == STATUS_OK) {
        job->verdict = VERDICT_DONE;
        job->position = turn_collect(turn, &job->call);
        return STATUS_OK;
    }
    if (outcome == STATUS_LATER) {
        job->verdict = VERDICT_LATER;
        return STATUS_OK;
    }
    if (!job->own.is_refused && !status_is_refusal(outcome))
        return outcome;
    job->verdict = VERDICT_SAID;
    job->status = outcome;
    job->packed = NULL;
    job->packed_bytes = 0;
    job->hints = true;
    METRIC_ADD(turn->writer->process->metrics.refused, 1);
    return STATUS_OK;
}

/* A handler that refuses, or waits, after it has queued a write has spoiled the turn for its
 * neighbours: they run again one by one, where a refusal rolls back its own writes alone. */
static enum status run_single(struct turn *turn, struct job *job, size_t in_turn)
{
    struct writer *writer = turn->writer;
    ready_call(writer, job);
    db_use_arena(writer->db, job->arena);
    uint64_t written = db_writes(writer->db);
    enum status returned =
        job->method->builtin == BUILTIN_SETTLE_HOLD
            ? settle_hold(writer, job)
            : job->method->route->handler(&job->call, job->call.in, job->call.out);
    TRY(judge(turn, job, call_outcome(&job->call, returned)));
    if (job->verdict == VERDICT_DONE || db_writes(writer->db) == written)
        return STATUS_OK;
    if (in_turn > 1)
        return STATUS_CONFLICT;
    db_rollback(writer->db);
    return db_begin(writer->db);
}

static enum status run_batch(struct turn *turn, struct job **jobs, size_t count)
{
    struct writer *writer = turn->writer;
    const struct route *route = jobs[0]->method->route;
    struct call *calls = ARENA_ARRAY(writer->arena, count, struct call);
    for (size_t i = 0; i < count; i++) {
        ready_call(writer, jobs[i]);
        calls[i] = jobs[i]->call;
    }
    struct batch batch = {writer->db, writer->arena, writer->now_us, writer->state, calls, count};
    db_use_arena(writer->db, writer->arena);
    enum status status = route->batch(&batch);
    /* Alone, a call that was refused may as well be returned as a refusal. */
    if (status != STATUS_OK && (count > 1 || !jobs[0]->own.is_refused))
        return status;
    for (size_t i = 0; i < count; i++) {
        jobs[i]->call = calls[i];
        TRY(judge(turn, jobs[i], call_outcome(&jobs[i]->call, STATUS_OK)));
    }
    return STATUS_OK;
}

/* A question that could not be built is refused without a handler, once its identity is known. */
static bool say_unbuilt(struct job *job)
{
    if (job->is_built || job->method->nasks == 0)
        return false;
    job->verdict = VERDICT_SAID;
    return true;
}

static enum status run_handlers(struct turn *turn, struct job **jobs, size_t count)
{
    struct writer *writer = turn->writer;
    struct job **group = ARENA_ARRAY(writer->arena, count, struct job *);
    for (size_t i = 0; i < count; i++) {
        struct job *job = jobs[i];
        if (job->verdict != VERDICT_NONE || say_unbuilt(job))
            continue;
        if (job->method->route == NULL || job->method->route->kind != ROUTE_BATCH) {
            if (i > 0 && clock_monotonic_us() - turn->began_us > TURN_MAX_US)
                continue;
            TRY(run_single(turn, job, count));
            continue;
        }
        size_t n = 0;
        for (size_t j = i; j < count; j++)
            if (jobs[j]->method == job->method && jobs[j]->verdict == VERDICT_NONE &&
                !say_unbuilt(jobs[j]))
                group[n++] = jobs[j];
        TRY(run_batch(turn, group, n));
    }
    return STATUS_OK;
}

/* ---- identities ---- */

#define WEEK_US (INT64_C(7) * 24 * 3600 * 1000000)

static void store_identity(struct writer *writer, struct job *job)
{
    const struct route *route = job->method->route;
    const uint8_t *kept = job->packed;
    size_t kept_bytes = job->packed_bytes;
    if (route->strip != NULL) {
        route->strip(job->call.out, job->arena);
        kept = pack_into(job->arena, job->call.out, &kept_bytes);
    }
    db_add(db_columns(writer->db, writer_query(writer, P_IDENTITY_INSERT)),
           db_int(writer->now_us / WEEK_US % 3), db_uuid(&job->identity),
           db_uuid(&job->call.command_hash), db_uuid(&job->call.answers[0].hold_id),
           db_uuid(&job->call.answers[1].hold_id), db_bytes(kept, kept_bytes),
           db_int(job->position), db_time(writer->now_us));
}

static void store(struct turn *turn, struct job **jobs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (jobs[i]->verdict != VERDICT_DONE)
            continue;
        job_answer(jobs[i]);
        if (jobs[i]->must_store)
            store_identity(turn->writer, jobs[i]);
    }
}

/* ---- running them ---- */

static enum status try_turn(struct writer *writer, struct job **jobs, size_t count,
                            const char *guarded)
{
    struct turn turn;
    turn_begin(writer, &turn);
    for (size_t i = 0; i < count; i++) {
        jobs[i]->verdict = VERDICT_NONE;
        jobs[i]->is_repeated = false;
        jobs[i]->position = 0;
    }
    enum status status = db_begin(writer->db);
    if (status == STATUS_OK)
        status = look_up(writer, jobs, count);
    if (status == STATUS_OK)
        status = run_handlers(&turn, jobs, count);
    if (status == STATUS_OK && guarded != NULL)
        status = guard_pass(writer->guard, guarded);
    if (status != STATUS_OK) {
        turn_abort(&turn);
        return status;
    }
    store(&turn, jobs, count);
    int64_t db_us = db_take_wait_us(writer->db);
    status = turn_commit(&turn);
    db_us += db_take_wait_us(writer->db);
    for (size_t i = 0; i < count; i++)
        jobs[i]->db_us = db_us;
    return status;
}

static void put_back(struct writer *writer, struct job **jobs, size_t count, enum status status)
{
    for (size_t i = count; i-- > 0;) {
        struct job *job = jobs[i];
        bool is_known = job->must_store || *job->call.question_hash != '\0' ||
                        job->method->builtin == BUILTIN_SETTLE_HOLD;
        if (status == STATUS_UNKNOWN && !is_known) {
            job_fail(job, STATUS_UNAVAILABLE, "outcome_unknown",
                     "The database went away while this was being stored");
            writer_to_front(writer, job);
            continue;
        }
        job->next = writer->commands.first;
        writer->commands.first = job;
        if (writer->commands.last == NULL)
            writer->commands.last = job;
        writer->commands.count++;
    }
}

static void finish_jobs(struct writer *writer, struct job **jobs, size_t count)
{
    int64_t now_us = clock_monotonic_us();
    for (size_t i = count; i-- > 0;)
        if (jobs[i]->verdict == VERDICT_NONE)
            put_back(writer, &jobs[i], 1, STATUS_OK);
    for (size_t i = 0; i < count; i++) {
        struct job *job = jobs[i];
        switch (job->verdict) {
        case VERDICT_NONE:
            break;
        case VERDICT_LATER:
            job->later_at_us = now_us + LATER_AGAIN_US;
            job_list_push(&writer->later, job);
            break;
        case VERDICT_ASK_AGAIN:
            job->wants_ask_again = true;
            writer_to_front(writer, job);
            break;
        case VERDICT_DONE:
            call_log_lines(&job->call);
            writer_to_front(writer, job);
            break;
        case VERDICT_SAID:
            writer_to_front(writer, job);
            break;
        }
    }
}

/* What the database refused of one command alone: a key that is taken and a row that has moved are
 * the caller's matter; the rest is a fault of ours, or trouble that did not pass. */
static void fail_alone(struct writer *writer, struct job *job, enum status status)
{
    METRIC_ADD(writer->process->metrics.failed, 1);
    log_error("command_failed", "A command failed", LOG_TEXT("method", job->method->rpc),
              LOG_TEXT("status", status_name(status)), LOG_TEXT("database", db_error(writer->db)));
    if (status == STATUS_RETRY)
        job_fail(job, STATUS_UNAVAILABLE, "unavailable", "The database is busy: try again");
    else if (status == STATUS_CONFLICT)
        job_fail(job, STATUS_CONFLICT, "conflict", "This exists already");
    else if (status == STATUS_STALE)
        job_fail(job, STATUS_STALE, "stale", "This was changed by someone else meanwhile");
    else
        job_fail(job, STATUS_INTERNAL, "internal", "This failed for a reason that is ours");
    job->hints = true;
    writer_to_front(writer, job);
}

static bool is_too_late(struct writer *writer, struct job *job)
{
    if (job->deadline_us > clock_monotonic_us())
        return false;
    METRIC_ADD(writer->process->metrics.dropped, 1);
    job_fail(job, STATUS_DEADLINE, "deadline", "The time for this had run out before it was begun");
    writer_to_front(writer, job);
    return true;
}

static void run_commands(struct writer *writer, struct job **jobs, size_t count,
                         const char *guarded)
{
    enum status status;
    for (int tries = 0;; tries++) {
        status = try_turn(writer, jobs, count, guarded);
        if (status == STATUS_OK) {
            METRIC_ADD(writer->process->metrics.commands, (int64_t)count);
            finish_jobs(writer, jobs, count);
            return;
        }
        if (!writer_trouble(writer, status)) {
            put_back(writer, jobs, count, status);
            return;
        }
        if (status != STATUS_RETRY || tries >= TURN_MAX_RETRIES)
            break;
        writer_back_off(tries);
    }
    if (count == 1) {
        fail_alone(writer, jobs[0], status);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        if (!writer->is_leader) {
            put_back(writer, jobs + i, count - i, STATUS_OK);
            return;
        }
        /* Each may have to wait for a lock that someone else holds: nobody's caller waits for all.
         */
        if (!is_too_late(writer, jobs[i]))
            run_commands(writer, &jobs[i], 1, NULL);
    }
}

/* ---- picking them ---- */

/* The identities of a turn, to find a second of the same: it waits for the next turn, and finds the
 * first one's answer. */
struct seen {
    const struct uuid *ids[1024];
};

static bool is_second(struct seen *seen, const struct uuid *id)
{
    uint64_t hash;
    memcpy(&hash, id->bytes, sizeof hash);
    size_t place = (size_t)(hash ^ hash >> 29) % 1024;
    for (; seen->ids[place] != NULL; place = (place + 1) % 1024)
        if (uuid_equal(seen->ids[place], id))
            return true;
    seen->ids[place] = id;
    return false;
}

static size_t pick(struct writer *writer, struct job **jobs, size_t max)
{
    struct seen seen = {{NULL}};
    struct job_list held = {NULL, NULL, 0};
    size_t count = 0, singles = 0;
    while (count < max && singles < TURN_MAX_SINGLES && writer->commands.first != NULL) {
        if (count > 0 && writer->commands.first->method->builtin == BUILTIN_RETRY_PARKED)
            break;
        struct job *job = job_list_pop(&writer->commands);
        if (is_too_late(writer, job))
            continue;
        if (job->has_identity && is_second(&seen, &job->identity)) {
            job_list_push(&held, job);
            continue;
        }
        jobs[count++] = job;
        if (job->method->builtin == BUILTIN_RETRY_PARKED)
            break;
        if (job->method->route == NULL || job->method->route->kind != ROUTE_BATCH)
            singles++;
    }
    if (held.first != NULL) {
        held.last->next = writer->commands.first;
        writer->commands.first = held.first;
        if (writer->commands.last == NULL)
            writer->commands.last = held.last;
        writer->commands.count += held.count;
    }
    return count;
}

struct item {
    char text[64];
};

static struct item item_of(const struct job *job)
{
    struct item item;
    char id[UUID_TEXT_BYTES];
    const struct uuid *what = job->has_identity ? &job->identity : &job->call.command_hash;
    snprintf(item.text, sizeof item.text, "command:%s", uuid_text(what, id));
    return item;
}

static void run_guarded(struct writer *writer, struct job *job)
{
    struct item item = item_of(job);
    bool is_set_aside = false;
    enum status status = guard_start(writer->guard, item.text, &is_set_aside);
    if (status != STATUS_OK) {
        if (writer_trouble(writer, status))
            fail_alone(writer, job, status);
        else
            put_back(writer, &job, 1, STATUS_OK);
        return;
    }
    if (is_set_aside) {
        job_fail(job, STATUS_INTERNAL, "crashed", "Three attempts at this ended the process");
        writer_to_front(writer, job);
        return;
    }
    run_commands(writer, &job, 1, item.text);
    guard_passed(writer->guard);
}

/* What was set aside runs by itself, if at all; the others as ever. */
static void run_beside_crashed(struct writer *writer, struct job **jobs, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (!guard_knows(writer->guard, item_of(jobs[i]).text))
            jobs[kept++] = jobs[i];
        else if (writer->is_leader)
            run_guarded(writer, jobs[i]);
        else
            put_back(writer, &jobs[i], 1, STATUS_OK);
    }
    if (kept > 0 && writer->is_leader)
        run_commands(writer, jobs, kept, NULL);
    else
        put_back(writer, jobs, kept, STATUS_OK);
}

/* A turn of the commands that wait. Returns how many it took. */
static size_t take_commands(struct writer *writer, int64_t now_us)
{
    for (size_t n = writer->later.count; n > 0; n--) {
        struct job *job = job_list_pop(&writer->later);
        job_list_push(job->later_at_us <= now_us ? &writer->commands : &writer->later, job);
    }
    struct job *jobs[TURN_MAX_COMMANDS];
    bool is_guarded = guard_is_on(writer->guard);
    size_t count = pick(writer, jobs, is_guarded ? 1 : TURN_MAX_COMMANDS);
    if (count == 0)
        return 0;
    if (METRIC_GET(writer->process->metrics.biggest_turn) < (int64_t)count)
        METRIC_SET(writer->process->metrics.biggest_turn, (int64_t)count);
    if (jobs[0]->method->builtin == BUILTIN_RETRY_PARKED)
        turn_retry_parked(writer, jobs[0]);
    else if (is_guarded)
        run_guarded(writer, jobs[0]);
    else if (guard_has_aside(writer->guard))
        run_beside_crashed(writer, jobs, count);
    else
        run_commands(writer, jobs, count, NULL);
    return count;
}

bool turn_commands(struct writer *writer)
{
    int64_t now_us = clock_monotonic_us();
    size_t count = take_commands(writer, now_us);
    if (count > 0)
        crowd_turn(&writer->crowd, count, clock_monotonic_us() - now_us);
    return count > 0;
}
