/* The connection, its pipeline and its transaction. Bytes are db_values.c's business. */
#include <assert.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/db_internal.h"
#include "common/log.h"

void db_bug(const char *query, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "db: query %s: ", query);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    abort();
}

void *db_grow(void *array, size_t *room, size_t needed, size_t element_bytes)
{
    if (needed <= *room)
        return array;
    size_t grown = *room < 64 ? 64 : *room * 2;
    if (grown < needed)
        grown = needed;
    size_t bytes;
    if (__builtin_mul_overflow(grown, element_bytes, &bytes))
        abort();
    void *moved = realloc(array, bytes);
    if (moved == NULL)
        abort();
    *room = grown;
    return moved;
}

/* ---- errors ---- */

enum status db_status_of_sqlstate(const char *sqlstate)
{
    static const char *const retry[] = {"08",    "40001", "40P01", "53",   "55P03",
                                        "57014", "57P0",  "25006", "26000"};
    if (strcmp(sqlstate, "00000") == 0)
        return STATUS_OK;
    if (strcmp(sqlstate, "23505") == 0)
        return STATUS_CONFLICT;
    for (size_t i = 0; i < sizeof(retry) / sizeof(retry[0]); i++) {
        if (strncmp(sqlstate, retry[i], strlen(retry[i])) == 0)
            return STATUS_RETRY;
    }
    return STATUS_INTERNAL;
}

bool db_is_broken(const struct db *db)
{
    return db->is_broken;
}

void db_set_error(struct db *db, const char *sqlstate, const char *query, const char *text)
{
    snprintf(db->sqlstate, sizeof(db->sqlstate), "%s", sqlstate);
    snprintf(db->error, sizeof(db->error), "%s: %.*s (%s)", sqlstate, (int)strcspn(text, "\n"),
             text, query);
}

static enum status connection_lost(struct db *db, const char *query)
{
    if (!db->is_broken) {
        db->is_broken = true;
        db_set_error(db, "08006", query, PQerrorMessage(db->pg));
        log_warn("db_connection_lost", "The connection to PostgreSQL was lost",
                 LOG_TEXT("db.query", query), LOG_TEXT("error.message", db->error));
    }
    return STATUS_RETRY;
}

/* Errors that only a new connection cures: the server has forgotten our statements, a migration
 * changed what they return, or what was the primary is none any more. */
static bool needs_new_connection(const char *sqlstate, const PGresult *result)
{
    const char *function = PQresultErrorField(result, PG_DIAG_SOURCE_FUNCTION);
    bool is_stale_plan = strcmp(sqlstate, "0A000") == 0 && function != NULL &&
                         strcmp(function, "RevalidateCachedQuery") == 0;
    return is_stale_plan || strcmp(sqlstate, "26000") == 0 || strcmp(sqlstate, "25006") == 0;
}

static void log_failure(const struct db *db, enum status status, const char *query)
{
    enum log_severity severity = status == STATUS_INTERNAL ? LOG_ERROR : LOG_WARN;
    log_event(severity, "db_query_failed", "PostgreSQL refused a statement",
              LOG_TEXT("db.query", query), LOG_TEXT("error.code", db->sqlstate),
              LOG_TEXT("error.message", db->error));
}

static enum status result_failed(struct db *db, const PGresult *result, const char *query)
{
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    if (sqlstate == NULL)
        sqlstate = "08006";
    db_set_error(db, sqlstate, query, text == NULL ? PQresultErrorMessage(result) : text);
    enum status status = db_status_of_sqlstate(sqlstate);
    if (needs_new_connection(sqlstate, result)) {
        db->is_broken = true;
        status = STATUS_RETRY;
    }
    log_failure(db, status, query);
    return status;
}

/* What went wrong sticks to the transaction: the server answers no more of it either. */
static enum status fail(struct db *db, enum status status)
{
    if (db->is_in_transaction && db->failure == STATUS_OK)
        db->failure = status;
    return status;
}

/* ---- the wire ---- */

bool db_wait(struct db *db)
{
    int unsent = PQflush(db->pg);
    if (unsent < 0)
        return false;
    short events = (short)(POLLIN | (unsent > 0 ? POLLOUT : 0));
    struct pollfd socket = {PQsocket(db->pg), events, 0};
    int64_t start = clock_monotonic_us();
    poll(&socket, 1, -1); /* EINTR and errors: the calls below tell */
    db->wait_us += clock_monotonic_us() - start;
    return PQconsumeInput(db->pg) == 1;
}

PGresult *db_next_result(struct db *db, bool *is_lost)
{
    while (PQisBusy(db->pg)) {
        if (!db_wait(db)) {
            *is_lost = true;
            return NULL;
        }
    }
    return PQgetResult(db->pg);
}

static void push_pending(struct db *db, int query, enum db_pending_kind kind, int64_t rows)
{
    db->pending = db_grow(db->pending, &db->pending_room, db->npending + 1, sizeof(*db->pending));
    db->pending[db->npending++] = (struct db_pending){query, kind, rows};
    db->nexpecting += rows >= 0;
}

/* Queues one statement with the values that were encoded. */
static enum status send_encoded(struct db *db, int query, enum db_pending_kind kind, int64_t rows)
{
    const struct db_statement *statement = &db->statements[query];
    if (PQsendQueryPrepared(db->pg, statement->label, statement->nparams, db->values, db->lengths,
                            db->formats, 1) != 1)
        return fail(db, connection_lost(db, statement->name));
    push_pending(db, query, kind, rows);
    return STATUS_OK;
}

static enum status send_control(struct db *db, int control)
{
    enum db_pending_kind kind = control == DB_CONTROL_COMMIT ? DB_PENDING_COMMIT : DB_PENDING_EXEC;
    return send_encoded(db, db->first_control + control, kind, -1);
}

/* What a pipeline's results came to. */
struct outcome {
    enum status status; /* the first thing that went wrong */
    bool is_committed;
    bool failed_at_commit;
    PGresult *rows; /* of the select; the caller clears it */
};

static void outcome_fail(struct outcome *outcome, enum status status, bool at_commit)
{
    if (outcome->status == STATUS_OK) {
        outcome->status = status;
        outcome->failed_at_commit = at_commit;
    }
}

/* Zero rows where some were expected: somebody else was faster. */
static enum status check_rows(struct db *db, const struct db_pending *pending, PGresult *result)
{
    if (pending->expected_rows < 0 || atoll(PQcmdTuples(result)) == pending->expected_rows)
        return STATUS_OK;
    char text[96];
    snprintf(text, sizeof(text), "touched %s rows instead of %lld", PQcmdTuples(result),
             (long long)pending->expected_rows);
    db_set_error(db, "00000", db->statements[pending->query].name, text);
    return STATUS_STALE;
}

static void note_write(struct db *db)
{
    db->has_written = true;
    db->writes++;
}

/* Takes one result of one statement; owns it. */
static void take_result(struct db *db, const struct db_pending *pending, PGresult *result,
                        struct outcome *outcome)
{
    bool is_commit = pending->kind == DB_PENDING_COMMIT;
    ExecStatusType kind = PQresultStatus(result);
    if (kind == PGRES_COMMAND_OK || kind == PGRES_TUPLES_OK) {
        outcome_fail(outcome, check_rows(db, pending, result), false);
        if (is_commit) /* COMMIT of a transaction that had failed says ROLLBACK */
            outcome->is_committed = strcmp(PQcmdStatus(result), "COMMIT") == 0;
        if (pending->kind == DB_PENDING_SELECT && outcome->rows == NULL) {
            if (strncmp(PQcmdStatus(result), "SELECT", 6) != 0)
                note_write(db); /* with RETURNING */
            outcome->rows = result;
            return;
        }
    } else if (kind != PGRES_PIPELINE_ABORTED && outcome->status == STATUS_OK) {
        const char *name = db->statements[pending->query].name;
        outcome_fail(outcome, result_failed(db, result, name), is_commit);
    }
    PQclear(result);
}

/* The server's own words have an SQLSTATE; what libpq says by itself is that nobody is there. */
static bool is_from_server(const PGresult *result)
{
    return PQresultStatus(result) != PGRES_FATAL_ERROR ||
           PQresultErrorField(result, PG_DIAG_SQLSTATE) != NULL;
}

/* Reads all results up to the sync; false when the connection was lost on the way. */
static bool drain(struct db *db, struct outcome *outcome)
{
    bool is_lost = false;
    size_t current = 0;
    for (;;) {
        PGresult *result = db_next_result(db, &is_lost);
        if (result == NULL) {
            if (is_lost || PQstatus(db->pg) == CONNECTION_BAD)
                return false;
            current++;
            continue;
        }
        if (PQresultStatus(result) == PGRES_PIPELINE_SYNC) {
            PQclear(result);
            return true;
        }
        /* One more than there are statements: the server's farewell behind the last of them. */
        if (current >= db->npending || !is_from_server(result)) {
            PQclear(result);
            return false;
        }
        take_result(db, &db->pending[current], result, outcome);
    }
}

/* Sends everything that is queued and waits for its results. */
static struct outcome sync_pipeline(struct db *db)
{
    struct outcome outcome = {STATUS_OK, false, false, NULL};
    if (PQpipelineSync(db->pg) != 1 || !drain(db, &outcome)) {
        /* Unless something is known to have failed before it, COMMIT may have been carried out,
         * whichever result was the last to arrive. */
        const struct db_pending *last = db->npending > 0 ? &db->pending[db->npending - 1] : NULL;
        bool at_commit = last != NULL && last->kind == DB_PENDING_COMMIT;
        const char *name = last == NULL ? "sync" : db->statements[last->query].name;
        outcome_fail(&outcome, connection_lost(db, name), at_commit);
        db->is_broken = true;
    }
    db->npending = db->nexpecting = 0;
    if (PQstatus(db->pg) == CONNECTION_BAD)
        db->is_broken = true;
    if (outcome.status != STATUS_OK) {
        PQclear(outcome.rows);
        outcome.rows = NULL;
        fail(db, outcome.status);
    }
    return outcome;
}

/* ---- statements ---- */

/* Refuses what can have no effect any more; sends the BEGIN that was held back. */
static enum status make_ready(struct db *db)
{
    if (db->is_broken)
        return fail(db, STATUS_RETRY);
    if (!db->is_in_transaction)
        return STATUS_OK;
    if (db->failure != STATUS_OK)
        return db->failure;
    if (db->has_begun)
        return STATUS_OK;
    db->has_begun = true;
    return send_control(db, db->is_read_only ? DB_CONTROL_BEGIN_READ_ONLY : DB_CONTROL_BEGIN);
}

enum status db_flush_columns(struct db *db)
{
    for (size_t i = 0; i < db->nsets; i++) {
        struct db_columns *columns = db->sets[i];
        if (columns->rows == 0)
            continue;
        enum status status = make_ready(db);
        if (status == STATUS_OK) {
            db_encode_columns(db, columns);
            status = send_encoded(db, columns->query, DB_PENDING_EXEC, -1);
        }
        db_columns_empty(columns);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

struct db_columns *db_columns(struct db *db, int query)
{
    assert(db->is_in_transaction && query >= 0 && query < db->first_control);
    struct db_statement *statement = &db->statements[query];
    if (statement->columns_set == NULL)
        statement->columns_set = db_columns_new(db, query);
    struct db_columns *columns = statement->columns_set;
    if (!columns->is_listed) {
        db->sets = db_grow(db->sets, &db->sets_room, db->nsets + 1, sizeof(struct db_columns *));
        db->sets[db->nsets++] = columns;
        columns->is_listed = true;
    }
    return columns;
}

enum status db_exec_(struct db *db, int query, int64_t expected_rows, const struct db_arg *args,
                     size_t nargs)
{
    assert(db->is_in_transaction && query >= 0 && query < db->first_control);
    TRY(db_flush_columns(db));
    TRY(make_ready(db));
    note_write(db);
    db_encode(db, &db->statements[query], args + 1, nargs);
    return send_encoded(db, query, DB_PENDING_EXEC, expected_rows);
}

enum status db_select_(struct db *db, int query, const struct db_shape *shape, void **rows,
                       size_t *count, const struct db_arg *args, size_t nargs)
{
    assert(query >= 0 && query < db->first_control && db->arena != NULL);
    *rows = NULL;
    *count = 0;
    TRY(db_flush_columns(db));
    TRY(make_ready(db));
    db_encode(db, &db->statements[query], args + 1, nargs);
    TRY(send_encoded(db, query, DB_PENDING_SELECT, -1));
    struct outcome outcome = sync_pipeline(db);
    if (outcome.status != STATUS_OK)
        return outcome.status;
    db_decode(db, &db->statements[query], outcome.rows, shape, rows, count);
    PQclear(outcome.rows);
    return STATUS_OK;
}

/* The first value of the first row: a number, or "t". */
static int64_t number_in(const PGresult *result)
{
    if (PQntuples(result) == 0 || PQnfields(result) == 0 || PQgetisnull(result, 0, 0))
        return 0;
    const char *text = PQgetvalue(result, 0, 0);
    return strcmp(text, "t") == 0 ? 1 : strtoll(text, NULL, 10);
}

/* Through the simple protocol, which alone takes several statements in one text. */
static enum status run_text(struct db *db, const char *sql, int64_t *number)
{
    if (PQexitPipelineMode(db->pg) != 1 || PQsendQuery(db->pg, sql) != 1)
        return connection_lost(db, "text");
    enum status status = STATUS_OK;
    bool is_lost = false;
    PGresult *result;
    while ((result = db_next_result(db, &is_lost)) != NULL) {
        ExecStatusType kind = PQresultStatus(result);
        if (kind == PGRES_TUPLES_OK && number != NULL)
            *number = number_in(result);
        else if (kind != PGRES_TUPLES_OK && kind != PGRES_COMMAND_OK && status == STATUS_OK)
            status = result_failed(db, result, "text");
        PQclear(result);
    }
    if (is_lost || PQstatus(db->pg) == CONNECTION_BAD || PQenterPipelineMode(db->pg) != 1)
        return connection_lost(db, "text");
    return status;
}

enum status db_command(struct db *db, const char *sql, int64_t *number)
{
    if (number != NULL)
        *number = 0;
    TRY(db_flush_columns(db));
    TRY(make_ready(db));
    if (db->npending > 0) {
        struct outcome outcome = sync_pipeline(db);
        TRY(outcome.status);
    }
    db->has_written |= db->is_in_transaction;
    return fail(db, run_text(db, sql, number));
}

/* ---- the transaction ---- */

static enum status begin(struct db *db, bool is_read_only)
{
    assert(!db->is_in_transaction);
    db->is_in_transaction = true;
    db->has_begun = false;
    db->has_written = false;
    db->is_read_only = is_read_only;
    db->failure = db->is_broken ? STATUS_RETRY : STATUS_OK;
    return db->failure;
}

enum status db_begin(struct db *db)
{
    return begin(db, false);
}

enum status db_begin_read_only(struct db *db)
{
    return begin(db, true);
}

static void end_transaction(struct db *db)
{
    for (size_t i = 0; i < db->nsets; i++) {
        db_columns_empty(db->sets[i]);
        db->sets[i]->is_listed = false;
    }
    db->nsets = 0;
    db->is_in_transaction = db->has_begun = false;
    db->failure = STATUS_OK;
}

void db_rollback(struct db *db)
{
    if (!db->is_in_transaction)
        return;
    /* First what is still queued: after an error in it the server would skip the ROLLBACK too. */
    if (db->has_begun && !db->is_broken && db->npending > 0)
        sync_pipeline(db);
    if (db->has_begun && !db->is_broken && send_control(db, DB_CONTROL_ROLLBACK) == STATUS_OK)
        sync_pipeline(db);
    end_transaction(db);
}

/* COMMIT goes out with everything that is queued, unless rows must be counted first. */
static struct outcome send_commit(struct db *db)
{
    struct outcome outcome = {STATUS_OK, false, false, NULL};
    if (db->nexpecting > 0) {
        outcome = sync_pipeline(db);
        if (outcome.status != STATUS_OK)
            return outcome;
    }
    outcome.status = send_control(db, DB_CONTROL_COMMIT);
    return outcome.status == STATUS_OK ? sync_pipeline(db) : outcome;
}

static enum status commit_begun(struct db *db)
{
    struct outcome outcome = send_commit(db);
    if (outcome.is_committed)
        return STATUS_OK;
    if (outcome.status == STATUS_OK) {
        db_set_error(db, "25P02", "commit", "the server rolled back");
        return STATUS_INTERNAL;
    }
    if (outcome.failed_at_commit && db->is_broken) {
        log_warn("db_commit_unknown", "The connection was lost while COMMIT was under way",
                 LOG_TEXT("error.message", db->error));
        return STATUS_UNKNOWN;
    }
    return outcome.status;
}

enum status db_commit(struct db *db)
{
    assert(db->is_in_transaction);
    enum status status = db->failure;
    if (status == STATUS_OK)
        status = db_flush_columns(db);
    if (status == STATUS_OK && db->has_begun)
        status = commit_begun(db);
    if (status == STATUS_OK || db->is_broken)
        end_transaction(db);
    else
        db_rollback(db);
    return status;
}

bool db_has_written(const struct db *db)
{
    return db->has_written;
}

uint64_t db_writes(const struct db *db)
{
    return db->writes;
}

void db_use_arena(struct db *db, struct arena *arena)
{
    db->arena = arena;
}

int64_t db_take_wait_us(struct db *db)
{
    int64_t wait_us = db->wait_us;
    db->wait_us = 0;
    return wait_us;
}
