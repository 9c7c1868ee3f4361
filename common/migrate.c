#include "common/migrate.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sodium.h>

#include "common/arena.h"
#include "common/db.h"
#include "common/id.h"
#include "common/log.h"

#define LOCK_KEY "7346529013" /* any number: all migrations of one database wait for each other */
#define LOCK_WAIT_MS 60000
#define LOCK_TRY_MS 200
#define DDL_LOCK_TIMEOUT_MS 5000 /* rather fail than make the living system queue up behind us */
#define OWNER "penstock_owner"
#define VERIFIER "penstock_verify"
#define CHECKSUM_BYTES (2 * crypto_generichash_BYTES + 1)

enum { Q_MIGRATION_LIST, Q_MIGRATION_INSERT, Q_COUNT };
static const struct db_query queries[Q_COUNT] = {
    [Q_MIGRATION_LIST] = {"migration_list",
                          "SELECT name, checksum, is_contract FROM schema_migration ORDER BY name"},
    [Q_MIGRATION_INSERT] = {"migration_insert",
                            "INSERT INTO schema_migration (name, checksum, is_contract, applied_at)"
                            " VALUES ($1, $2, $3, $4)"},
};

struct applied {
    const char *name, *checksum;
    bool is_contract;
};
DB_SHAPE(applied_shape, struct applied, DB_FIELD(struct applied, name, DB_TEXT),
         DB_FIELD(struct applied, checksum, DB_TEXT),
         DB_FIELD(struct applied, is_contract, DB_BOOLEAN));

/* One schema's migrations, the platform's before the service's. */
struct plan {
    const char *schema;
    const struct migration *own;
    size_t nown;
    const struct applied *applied;
    size_t napplied;
};

static _Thread_local char message_text[1024];

static const char *say(const char *format, ...) __attribute__((format(printf, 1, 2)));
static const char *say(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message_text, sizeof(message_text), format, arguments);
    va_end(arguments);
    return message_text;
}

static size_t plan_count(const struct plan *plan)
{
    return platform_nmigrations + plan->nown;
}

static const struct migration *plan_at(const struct plan *plan, size_t index)
{
    return index < platform_nmigrations ? &platform_migrations[index]
                                        : &plan->own[index - platform_nmigrations];
}

static const char *checksum_of(const char *sql, char text[CHECKSUM_BYTES])
{
    uint8_t hash[crypto_generichash_BYTES];
    crypto_generichash(hash, sizeof(hash), (const uint8_t *)sql, strlen(sql), NULL, 0);
    return sodium_bin2hex(text, CHECKSUM_BYTES, hash, sizeof(hash));
}

static const struct applied *find_applied(const struct plan *plan, const char *name)
{
    for (size_t i = 0; i < plan->napplied; i++) {
        if (strcmp(plan->applied[i].name, name) == 0)
            return &plan->applied[i];
    }
    return NULL;
}

static bool is_known(const struct plan *plan, const char *name)
{
    for (size_t i = 0; i < plan_count(plan); i++) {
        if (strcmp(plan_at(plan, i)->name, name) == 0)
            return true;
    }
    return false;
}

/* ---- what the schema's table says against what we know ---- */

static enum status plan_load(struct db *db, struct plan *plan)
{
    struct applied *rows;
    TRY(db_select(db, Q_MIGRATION_LIST, &applied_shape, &rows, &plan->napplied));
    plan->applied = rows;
    return STATUS_OK;
}

/* NULL, or what makes the schema another than the one that this binary was built for. */
static const char *plan_conflict(const struct plan *plan)
{
    char checksum[CHECKSUM_BYTES];
    for (size_t i = 0; i < plan_count(plan); i++) {
        const struct migration *migration = plan_at(plan, i);
        const struct applied *applied = find_applied(plan, migration->name);
        if (applied != NULL &&
            strcmp(applied->checksum, checksum_of(migration->sql, checksum)) != 0)
            return say("schema %s: migration %s was applied with another content than this "
                       "binary's; an applied migration is never edited",
                       plan->schema, migration->name);
    }
    for (size_t i = 0; i < plan->napplied; i++) {
        if (!is_known(plan, plan->applied[i].name) && plan->applied[i].is_contract)
            return say("schema %s is newer than this binary: migration %s took away what it needs",
                       plan->schema, plan->applied[i].name);
    }
    return NULL;
}

static void log_newer(const struct plan *plan)
{
    for (size_t i = 0; i < plan->napplied; i++) {
        if (!is_known(plan, plan->applied[i].name))
            log_info("migrate_schema_is_newer",
                     "The schema has a migration that this binary does not know",
                     LOG_TEXT("db.schema", plan->schema),
                     LOG_TEXT("migration", plan->applied[i].name));
    }
}

static const struct migration *plan_next(const struct plan *plan, size_t *missing)
{
    const struct migration *first = NULL;
    *missing = 0;
    for (size_t i = 0; i < plan_count(plan); i++) {
        const struct migration *migration = plan_at(plan, i);
        if (find_applied(plan, migration->name) != NULL)
            continue;
        if (first == NULL)
            first = migration;
        (*missing)++;
    }
    return first;
}

enum status migrate_check(const char *dsn, const char *schema, const struct migration *migrations,
                          size_t count, size_t *missing, const char **message)
{
    struct plan plan = {schema, migrations, count, NULL, 0};
    struct db_options options = {.dsn = dsn,
                                 .schema = schema,
                                 .application_name = "penstock-check",
                                 .queries = queries,
                                 .nqueries = Q_COUNT};
    struct db *db;
    *message = NULL;
    *missing = plan_count(&plan);
    enum status status = db_open(&options, &db);
    if (status != STATUS_OK) {
        bool is_absent = strcmp(db_error_sqlstate(NULL), "42P01") == 0; /* undefined_table */
        *message = is_absent ? say("schema %s is not there yet: run penstock migrate", schema)
                             : say("schema %s: %s", schema, db_error(NULL));
        return is_absent ? STATUS_OK : status;
    }
    struct arena *arena = arena_open((size_t)16 << 20);
    db_use_arena(db, arena);
    status = plan_load(db, &plan);
    if (status == STATUS_OK) {
        const struct migration *next = plan_next(&plan, missing);
        *message = plan_conflict(&plan);
        if (*message == NULL && next != NULL)
            *message =
                say("schema %s lacks %zu migrations, the first being %s: run penstock migrate",
                    schema, *missing, next->name);
        log_newer(&plan);
    }
    arena_close(&arena);
    db_close(&db);
    return status;
}

/* ---- schema, roles and rights ---- */

/* Names are put into SQL as they are: they come from our own tables, and stay what they look like.
 */
static bool is_plain_name(const char *name)
{
    return name[0] >= 'a' && name[0] <= 'z' &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == strlen(name) &&
           strlen(name) < 60;
}

/* Roles belong to the whole cluster, where somebody else may be making the same one. */
static const char role_sql[] =
    "DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '%1$s') THEN"
    " CREATE ROLE %1$s %2$s NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION;"
    " END IF; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$";

static const char base_sql[] =
    "DO $$ BEGIN IF NOT pg_has_role('" OWNER "', 'MEMBER') THEN GRANT " OWNER
    " TO CURRENT_USER; END IF;"
    " EXECUTE format('REVOKE ALL ON DATABASE %%I FROM PUBLIC', current_database());"
    " EXECUTE format('GRANT CONNECT, CREATE ON DATABASE %%I TO " OWNER "', current_database());"
    " EXECUTE format('GRANT CONNECT ON DATABASE %%I TO " VERIFIER ", %2$s', current_database());"
    " END $$;"
    "REVOKE ALL ON SCHEMA public FROM PUBLIC;"
    "ALTER ROLE %2$s SET search_path = %1$s;"
    "ALTER ROLE " VERIFIER " SET default_transaction_read_only = on;"
    "CREATE SCHEMA IF NOT EXISTS %1$s AUTHORIZATION " OWNER ";"
    "SET LOCAL ROLE " OWNER ";"
    "CREATE TABLE IF NOT EXISTS %1$s.schema_migration ("
    " name text PRIMARY KEY, checksum text NOT NULL, is_contract boolean NOT NULL,"
    " applied_at timestamptz NOT NULL)";

/* The log is written once: the service may append to it and read it, no more. */
static const char rights_sql[] =
    "REVOKE ALL ON ALL TABLES IN SCHEMA %1$s FROM PUBLIC;"
    "GRANT USAGE ON SCHEMA %1$s TO %2$s, " VERIFIER ";"
    "GRANT SELECT ON ALL TABLES IN SCHEMA %1$s TO " VERIFIER ";"
    "GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON ALL TABLES IN SCHEMA %1$s TO %2$s;"
    "REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON %1$s.schema_migration FROM %2$s;"
    "DO $$ DECLARE part text; BEGIN FOR part IN"
    " SELECT c.oid::regclass::text FROM pg_class c WHERE c.oid = to_regclass('%1$s.event')"
    " OR c.oid = to_regclass('%1$s.audit_entry')"
    " OR c.oid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = to_regclass('%1$s.event'))"
    " LOOP EXECUTE 'REVOKE UPDATE, DELETE, TRUNCATE ON ' || part || ' FROM %2$s';"
    " END LOOP; END $$";

/* The format's %1$s and %2$s: it is one of the constants above. */
__attribute__((format(printf, 2, 0))) static enum status
run_format(struct db *db, const char *format, const char *first, const char *second)
{
    char sql[4096];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    int length = snprintf(sql, sizeof(sql), format, first, second);
#pragma GCC diagnostic pop
    assert(length > 0 && (size_t)length < sizeof(sql));
    return db_command(db, sql, NULL);
}

static enum status take_lock(struct db *db, const char **message)
{
    for (int waited_ms = 0; waited_ms < LOCK_WAIT_MS; waited_ms += LOCK_TRY_MS) {
        int64_t has_lock;
        TRY(db_command(db, "SELECT pg_try_advisory_lock(" LOCK_KEY ")", &has_lock));
        if (has_lock)
            return STATUS_OK;
        nanosleep(&(struct timespec){0, LOCK_TRY_MS * 1000000L}, NULL);
    }
    *message = say("another migration has been running for %d s", LOCK_WAIT_MS / 1000);
    return STATUS_UNAVAILABLE;
}

static enum status open_owner(const char *dsn, const char *schema, const struct db_query *list,
                              int count, struct db **db, const char **message)
{
    struct db_options options = {.dsn = dsn,
                                 .schema = schema,
                                 .application_name = "penstock-migrate",
                                 .queries = list,
                                 .nqueries = count,
                                 .lock_timeout_ms = DDL_LOCK_TIMEOUT_MS};
    enum status status = db_open(&options, db);
    if (status != STATUS_OK) {
        *message = say("%s", db_error(NULL));
        return status;
    }
    status = take_lock(*db, message);
    if (status != STATUS_OK) {
        if (*message == NULL)
            *message = say("%s", db_error(*db));
        db_close(db);
    }
    return status;
}

static enum status prepare_in(struct db *db, const char *schema, const char *role)
{
    TRY(run_format(db, role_sql, OWNER, "NOLOGIN"));
    TRY(run_format(db, role_sql, VERIFIER, "LOGIN"));
    TRY(run_format(db, role_sql, role, "LOGIN"));
    TRY(db_begin(db));
    enum status status = run_format(db, base_sql, schema, role);
    enum status committed = db_commit(db);
    return status != STATUS_OK ? status : committed;
}

static enum status prepare_schema(const char *dsn, const char *schema, const char *role,
                                  const char **message)
{
    struct db *db;
    TRY(open_owner(dsn, NULL, NULL, 0, &db, message));
    enum status status = prepare_in(db, schema, role);
    if (status != STATUS_OK)
        *message = say("schema %s: %s", schema, db_error(db));
    db_close(&db);
    return status;
}

/* ---- applying ---- */

static enum status apply_in(struct db *db, const struct migration *migration, const char *schema,
                            const char *role)
{
    char checksum[CHECKSUM_BYTES];
    checksum_of(migration->sql, checksum);
    TRY(db_command(db, "SET LOCAL ROLE " OWNER, NULL));
    TRY(db_command(db, migration->sql, NULL));
    TRY(run_format(db, rights_sql, schema, role));
    return db_exec(db, Q_MIGRATION_INSERT, db_text(migration->name), db_text(checksum),
                   db_bool(migration->is_contract), db_time(clock_wall_us()));
}

/* One transaction: the migration, its rights and its row, or nothing. */
static enum status apply_one(struct db *db, const struct migration *migration, const char *schema,
                             const char *role)
{
    TRY(db_begin(db));
    enum status status = apply_in(db, migration, schema, role);
    enum status committed = db_commit(db);
    return status != STATUS_OK ? status : committed;
}

static enum status refresh_rights(struct db *db, const char *schema, const char *role)
{
    TRY(db_begin(db));
    enum status status = db_command(db, "SET LOCAL ROLE " OWNER, NULL);
    if (status == STATUS_OK)
        status = run_format(db, rights_sql, schema, role);
    enum status committed = db_commit(db);
    return status != STATUS_OK ? status : committed;
}

static enum status apply_missing(struct db *db, struct plan *plan, const char *role,
                                 void (*progress)(const char *schema, const char *name),
                                 const char **message)
{
    TRY(plan_load(db, plan));
    *message = plan_conflict(plan);
    if (*message != NULL)
        return STATUS_INTERNAL;
    for (size_t i = 0; i < plan_count(plan); i++) {
        const struct migration *migration = plan_at(plan, i);
        if (find_applied(plan, migration->name) != NULL)
            continue;
        if (progress != NULL)
            progress(plan->schema, migration->name);
        enum status status = apply_one(db, migration, plan->schema, role);
        if (status != STATUS_OK) {
            *message =
                say("schema %s, migration %s: %s", plan->schema, migration->name, db_error(db));
            return status;
        }
    }
    return refresh_rights(db, plan->schema, role);
}

enum status migrate_apply(const char *owner_dsn, const char *schema, const char *role,
                          const struct migration *migrations, size_t count,
                          void (*progress)(const char *schema, const char *name),
                          const char **message)
{
    assert(is_plain_name(schema) && is_plain_name(role));
    *message = NULL;
    TRY(prepare_schema(owner_dsn, schema, role, message));
    struct db *db;
    TRY(open_owner(owner_dsn, schema, queries, Q_COUNT, &db, message));
    struct arena *arena = arena_open((size_t)16 << 20);
    db_use_arena(db, arena);
    struct plan plan = {schema, migrations, count, NULL, 0};
    enum status status = apply_missing(db, &plan, role, progress, message);
    if (status != STATUS_OK && *message == NULL)
        *message = say("schema %s: %s", schema, db_error(db));
    arena_close(&arena);
    db_close(&db);
    return status;
}
