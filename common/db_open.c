/* Opening and closing: the session's settings, the proof that commits are durable, and every query
 * prepared and described. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/db_internal.h"
#include "common/log.h"

static const struct db_query control_queries[DB_CONTROL_COUNT] = {
    [DB_CONTROL_BEGIN] = {"begin", "BEGIN"},
    [DB_CONTROL_BEGIN_READ_ONLY] = {"begin_read_only",
                                    "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"},
    [DB_CONTROL_COMMIT] = {"commit", "COMMIT"},
    [DB_CONTROL_ROLLBACK] = {"rollback", "ROLLBACK"},
};

/* db_open() fails without an object to ask; its cause is kept per thread for db_error(NULL). */
static _Thread_local char open_error[512];
static _Thread_local char open_sqlstate[6];

const char *db_error(const struct db *db)
{
    return db == NULL ? open_error : db->error;
}

const char *db_error_sqlstate(const struct db *db)
{
    return db == NULL ? open_sqlstate : db->sqlstate;
}

static void *allocate(size_t count, size_t bytes)
{
    void *memory = calloc(count == 0 ? 1 : count, bytes);
    if (memory == NULL)
        abort();
    return memory;
}

/* ---- connection and session ---- */

/* The first ones may be overruled by the connection string, the last ones not. */
static enum status connect_server(struct db *db, const struct db_options *options)
{
    const char *const keywords[] = {"connect_timeout",
                                    "keepalives",
                                    "keepalives_idle",
                                    "keepalives_interval",
                                    "keepalives_count",
                                    "tcp_user_timeout",
                                    "dbname",
                                    "client_encoding",
                                    options->application_name == NULL ? NULL : "application_name",
                                    NULL};
    const char *const values[] = {
        "5", "1", "5", "2", "3", "5000", options->dsn, "UTF8", options->application_name, NULL};
    db->pg = PQconnectdbParams(keywords, values, 1);
    if (db->pg == NULL)
        abort();
    if (PQstatus(db->pg) != CONNECTION_OK) {
        db_set_error(db, "08001", "connect", PQerrorMessage(db->pg));
        return STATUS_UNAVAILABLE;
    }
    return STATUS_OK;
}

static enum status run_params(struct db *db, const char *name, const char *sql,
                              const char *const *values, int nvalues, PGresult **out)
{
    PGresult *result = PQexecParams(db->pg, sql, nvalues, NULL, values, NULL, NULL, 0);
    if (PQresultStatus(result) == PGRES_TUPLES_OK) {
        *out = result;
        return STATUS_OK;
    }
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    db_set_error(db, sqlstate == NULL ? "08006" : sqlstate, name, PQerrorMessage(db->pg));
    enum status status = db_status_of_sqlstate(db->sqlstate);
    PQclear(result);
    return status == STATUS_RETRY ? STATUS_UNAVAILABLE : STATUS_INTERNAL;
}

/* JIT costs more than it brings for statements that touch a few rows by key. Sequential scans are
 * priced out because a prepared statement keeps its plan: one made while a table was empty would
 * scan it still when it has a million rows, until the next ANALYZE. */
static const char session_sql[] =
    "SELECT set_config('jit', 'off', false),"
    " set_config('enable_seqscan', $5, false),"
    " set_config('statement_timeout', $1, false),"
    " set_config('lock_timeout', $2, false),"
    " set_config('idle_session_timeout', $3, false),"
    " set_config('idle_in_transaction_session_timeout', $3, false),"
    " CASE WHEN $4::text IS NOT NULL"
    " THEN set_config('search_path', quote_ident($4::text), false) END";

static enum status set_session(struct db *db, const struct db_options *options)
{
    char statement[16], lock[16], idle[16];
    snprintf(statement, sizeof(statement), "%d", options->statement_timeout_ms);
    snprintf(lock, sizeof(lock), "%d", options->lock_timeout_ms);
    snprintf(idle, sizeof(idle), "%d", options->idle_session_timeout_ms);
    bool may_scan = options->scans || options->nqueries == 0;
    const char *const values[] = {statement, lock, idle, options->schema, may_scan ? "on" : "off"};
    PGresult *result;
    TRY(run_params(db, "session", session_sql, values, 5, &result));
    PQclear(result);
    return STATUS_OK;
}

static const char durability_sql[] =
    "SELECT string_agg(name || ' is ' || setting, ', ' ORDER BY name) FROM pg_settings"
    " WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit') AND setting = 'off'";

static enum status check_durability(struct db *db)
{
    PGresult *result;
    TRY(run_params(db, "durability", durability_sql, NULL, 0, &result));
    bool is_durable = PQgetisnull(result, 0, 0);
    if (!is_durable) {
        char text[200];
        snprintf(text, sizeof(text), "commits would not be durable: %s", PQgetvalue(result, 0, 0));
        db_set_error(db, "55000", "durability", text);
    }
    PQclear(result);
    return is_durable ? STATUS_OK : STATUS_INTERNAL;
}

/* ---- statements ---- */

static void list_statements(struct db *db, const struct db_options *options)
{
    db->first_control = options->nqueries + options->nmore;
    db->nstatements = db->first_control + DB_CONTROL_COUNT;
    db->statements = allocate((size_t)db->nstatements, sizeof(*db->statements));
    for (int i = 0; i < db->nstatements; i++) {
        const struct db_query *query = i < options->nqueries ? &options->queries[i]
                                       : i < db->first_control
                                           ? &options->more_queries[i - options->nqueries]
                                           : &control_queries[i - db->first_control];
        struct db_statement *statement = &db->statements[i];
        statement->name = query->name;
        statement->sql = query->sql;
        snprintf(statement->label, sizeof(statement->label), "q%d", i % 100000);
    }
}

static void keep_description(struct db_statement *statement, const PGresult *result)
{
    statement->nparams = PQnparams(result);
    statement->params = allocate((size_t)statement->nparams, sizeof(Oid));
    for (int i = 0; i < statement->nparams; i++)
        statement->params[i] = PQparamtype(result, i);
    statement->ncolumns = PQnfields(result);
    statement->columns = allocate((size_t)statement->ncolumns, sizeof(Oid));
    statement->column_names = allocate((size_t)statement->ncolumns, sizeof(char *));
    for (int i = 0; i < statement->ncolumns; i++) {
        statement->columns[i] = PQftype(result, i);
        statement->column_names[i] = strdup(PQfname(result, i));
        if (statement->column_names[i] == NULL)
            abort();
    }
}

/* Two results per statement, from its preparation and its description. */
static enum status read_description(struct db *db, struct db_statement *statement)
{
    bool is_lost = false;
    for (int step = 0; step < 2; step++) {
        PGresult *result = db_next_result(db, &is_lost);
        if (PQresultStatus(result) != PGRES_COMMAND_OK) {
            const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
            const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
            db_set_error(db, sqlstate == NULL ? "08006" : sqlstate, statement->name,
                         text == NULL ? PQerrorMessage(db->pg) : text);
            PQclear(result);
            return sqlstate == NULL ? STATUS_UNAVAILABLE : STATUS_INTERNAL;
        }
        if (step == 1)
            keep_description(statement, result);
        PQclear(result);
        result = db_next_result(db, &is_lost); /* NULL: end of this one */
        PQclear(result);
    }
    return STATUS_OK;
}

static enum status prepare_statements(struct db *db)
{
    int sent = 1;
    for (int i = 0; i < db->nstatements && sent == 1; i++) {
        sent =
            PQsendPrepare(db->pg, db->statements[i].label, db->statements[i].sql, 0, NULL) == 1 &&
            PQsendDescribePrepared(db->pg, db->statements[i].label) == 1;
    }
    if (sent != 1 || PQpipelineSync(db->pg) != 1) {
        db_set_error(db, "08006", "prepare", PQerrorMessage(db->pg));
        return STATUS_UNAVAILABLE;
    }
    for (int i = 0; i < db->nstatements; i++)
        TRY(read_description(db, &db->statements[i]));
    bool is_lost = false;
    PGresult *sync = db_next_result(db, &is_lost);
    bool is_synced = PQresultStatus(sync) == PGRES_PIPELINE_SYNC;
    PQclear(sync);
    return is_synced ? STATUS_OK : STATUS_UNAVAILABLE;
}

static void make_room_for_values(struct db *db)
{
    int widest = 1;
    for (int i = 0; i < db->nstatements; i++) {
        if (db->statements[i].nparams > widest)
            widest = db->statements[i].nparams;
    }
    db->values = allocate((size_t)widest, sizeof(char *));
    db->lengths = allocate((size_t)widest, sizeof(int));
    db->formats = allocate((size_t)widest, sizeof(int));
    db->offsets = allocate((size_t)widest, sizeof(size_t));
    for (int i = 0; i < widest; i++)
        db->formats[i] = 1;
}

static void ignore_notice(void *unused, const char *text)
{
    (void)unused; /* "there is no transaction in progress" and the like tell nobody anything */
    (void)text;
}

static enum status open_all(struct db *db, const struct db_options *options)
{
    TRY(connect_server(db, options));
    PQsetNoticeProcessor(db->pg, ignore_notice, NULL);
    TRY(set_session(db, options));
    if (options->requires_durability)
        TRY(check_durability(db));
    if (PQsetnonblocking(db->pg, 1) != 0 || PQenterPipelineMode(db->pg) != 1)
        return STATUS_UNAVAILABLE;
    list_statements(db, options);
    TRY(prepare_statements(db));
    make_room_for_values(db);
    return STATUS_OK;
}

enum status db_open(const struct db_options *options, struct db **out)
{
    struct db *db = allocate(1, sizeof(*db));
    enum status status = open_all(db, options);
    if (status != STATUS_OK) {
        log_warn("db_open_failed", "Opening the database failed",
                 LOG_TEXT("error.code", db->sqlstate), LOG_TEXT("error.message", db->error));
        memcpy(open_error, db->error, sizeof(open_error));
        memcpy(open_sqlstate, db->sqlstate, sizeof(open_sqlstate));
        db_close(&db);
    }
    *out = db;
    return status;
}

static void free_statement(struct db_statement *statement)
{
    for (int i = 0; i < statement->ncolumns; i++)
        free(statement->column_names[i]);
    free(statement->column_names);
    free(statement->columns);
    free(statement->params);
    free(statement->bindings);
    db_columns_free(&statement->columns_set);
}

void db_close(struct db **pointer)
{
    struct db *db = *pointer;
    if (db == NULL)
        return;
    PQfinish(db->pg);
    for (int i = 0; db->statements != NULL && i < db->nstatements; i++)
        free_statement(&db->statements[i]);
    free(db->statements);
    free(db->pending);
    free(db->sets);
    free(db->values);
    free(db->lengths);
    free(db->formats);
    free(db->offsets);
    free(db->scratch.data);
    free(db);
    *pointer = NULL;
}
