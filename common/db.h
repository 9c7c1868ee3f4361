/* db.h -- one PostgreSQL connection, its prepared queries, and what they read and write.
 *
 * The only module that includes libpq. Statements live in queries.sql, become a table at build
 * (tools/sqlgen.awk) and are prepared when the connection opens, so that a misspelt column stops a
 * deploy and names the query. Everything travels in binary and through libpq's pipeline mode:
 * writes are queued and cost no round trip of their own; a read, or the commit, sends what is
 * queued and reports the first thing that went wrong with any of it.
 *
 * Ownership: db_open() makes, db_close() frees; used by one thread. What db_select() returns lives
 * in the arena given to db_use_arena().
 * Limits: 1,600 parameters never occur; 65,535 rows per column set are flushed by themselves.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/id.h"
#include "common/status.h"

struct db;
struct db_columns;

struct db_query {
    const char *name;
    const char *sql;
};

/* ---- values in ---- */

enum db_arg_kind {
    DB_ARG_NULL,
    DB_ARG_INT,
    DB_ARG_BOOL,
    DB_ARG_TEXT,
    DB_ARG_BYTES,
    DB_ARG_UUID,
    DB_ARG_TIME,
    DB_ARG_INTS,
    DB_ARG_TEXTS,
    DB_ARG_UUIDS,
};
struct db_arg {
    enum db_arg_kind kind;
    int64_t number;   /* INT, BOOL, TIME */
    const void *data; /* TEXT, BYTES, UUID, and the arrays */
    size_t count;     /* BYTES: bytes; arrays: elements */
};

/* Each is sent as the type that PostgreSQL found for the parameter; an integer that does not fit
 * its int2 or int4 is a bug. Texts: NULL is SQL NULL. Times: microseconds since 1970, 0 is SQL
 * NULL. Uuids: the pointer must live until the call returns; NULL and the nil uuid are SQL NULL. */
static inline struct db_arg db_null(void)
{
    return (struct db_arg){DB_ARG_NULL, 0, NULL, 0};
}
static inline struct db_arg db_int(int64_t v)
{
    return (struct db_arg){DB_ARG_INT, v, NULL, 0};
}
static inline struct db_arg db_bool(bool v)
{
    return (struct db_arg){DB_ARG_BOOL, v, NULL, 0};
}
static inline struct db_arg db_text(const char *v)
{
    return (struct db_arg){DB_ARG_TEXT, 0, v, 0};
}
static inline struct db_arg db_bytes(const void *v, size_t n)
{
    return (struct db_arg){DB_ARG_BYTES, 0, v, n};
}
static inline struct db_arg db_uuid(const struct uuid *v)
{
    return (struct db_arg){DB_ARG_UUID, 0, v, 0};
}
static inline struct db_arg db_time(int64_t us)
{
    return (struct db_arg){DB_ARG_TIME, us, NULL, 0};
}
/* Whole arrays, for "= ANY($1)" and unnest(). */
static inline struct db_arg db_ints(const int64_t *v, size_t n)
{
    return (struct db_arg){DB_ARG_INTS, 0, v, n};
}
static inline struct db_arg db_texts(const char *const *v, size_t n)
{
    return (struct db_arg){DB_ARG_TEXTS, 0, v, n};
}
static inline struct db_arg db_uuids(const struct uuid *v, size_t n)
{
    return (struct db_arg){DB_ARG_UUIDS, 0, v, n};
}

/* ---- values out ---- */

enum db_type { DB_INT32, DB_INT64, DB_BOOLEAN, DB_TEXT, DB_BYTEA, DB_UUID, DB_TIMESTAMP, DB_CHAR4 };
struct db_bytea {
    const uint8_t *bytes;
    size_t count;
};
/* How a row becomes a struct: columns are found by name. SQL NULL becomes 0, false, NULL, the nil
 * uuid, or {NULL, 0}. A column that the query does not return is a bug. */
struct db_field {
    const char *column;
    enum db_type type;
    size_t offset;
};
struct db_shape {
    size_t size;
    const struct db_field *fields;
    size_t count;
};
#define DB_FIELD(type_, member, kind_)                                                             \
    {                                                                                              \
#member, kind_, offsetof(type_, member)                                                    \
    }
#define DB_FIELD_AS(type_, member, column_, kind_)                                                 \
    {                                                                                              \
        column_, kind_, offsetof(type_, member)                                                    \
    }
#define DB_SHAPE(name, type_, ...)                                                                 \
    static const struct db_field name##_fields[] = {__VA_ARGS__};                                  \
    static const struct db_shape name = {sizeof(type_), name##_fields,                             \
                                         sizeof(name##_fields) / sizeof(name##_fields[0])}

/* ---- running queries ---- */

#define DB_ARGS(...)                                                                               \
    (const struct db_arg[]){{DB_ARG_NULL, 0, NULL, 0} __VA_OPT__(, ) __VA_ARGS__},                 \
        sizeof((const struct db_arg[]){{DB_ARG_NULL, 0, NULL, 0} __VA_OPT__(, ) __VA_ARGS__}) /    \
                sizeof(struct db_arg) -                                                            \
            1

/* Reads: *rows becomes an array of *count structs of the shape, in the arena. Also for statements
 * with RETURNING. db_select(db, Q_ORDER_BY_ID, &order_shape, &rows, &count, db_uuid(&id)) */
#define db_select(db, query, shape, rows, count, ...)                                              \
    db_select_((db), (query), (shape), (void **)(rows), (count), DB_ARGS(__VA_ARGS__))
enum status db_select_(struct db *db, int query, const struct db_shape *shape, void **rows,
                       size_t *count, const struct db_arg *args, size_t nargs) MUST_CHECK;

/* Writes one statement: queued, its error appears at the next db_select() or at commit. */
#define db_exec(db, query, ...) db_exec_((db), (query), -1, DB_ARGS(__VA_ARGS__))
/* The same, and it must touch exactly this many rows, else the transaction fails with STATUS_STALE.
 */
#define db_exec_expect(db, query, rows, ...) db_exec_((db), (query), (rows), DB_ARGS(__VA_ARGS__))
enum status db_exec_(struct db *db, int query, int64_t expected_rows, const struct db_arg *args,
                     size_t nargs) MUST_CHECK;

/* The open column set of a set-based statement (INSERT ... SELECT FROM unnest($1::uuid[], ...)):
 * one per query and transaction, made at the first call, written before the next db_select(),
 * db_exec() or commit, sets in the order in which they were made. */
struct db_columns *db_columns(struct db *db, int query);
/* Appends one row: one value per parameter. Text and bytes are copied. */
#define db_add(columns, ...) db_add_((columns), DB_ARGS(__VA_ARGS__))
void db_add_(struct db_columns *columns, const struct db_arg *args, size_t nargs);

/* ---- connection and transaction: for the skeleton, the tools and tests ---- */

struct db_options {
    const char *dsn;
    const char *schema; /* search_path; NULL: the server's */
    const char *application_name;
    const struct db_query *queries;
    int nqueries;
    const struct db_query *more_queries; /* numbered from nqueries on: the platform's own */
    int nmore;
    int statement_timeout_ms; /* 0: none */
    int lock_timeout_ms;
    int idle_session_timeout_ms;
    bool scans; /* its statements read whole tables on purpose (verify, reports), see db_open.c */
    bool requires_durability; /* refuse a server whose fsync, full_page_writes or synchronous_commit
                                 is off */
};

/* Fails with UNAVAILABLE (server away) or INTERNAL (a query does not prepare, durability is off);
 * the cause is logged, naming the query, and is in db_error() until the next call. */
enum status db_open(const struct db_options *options, struct db **out) MUST_CHECK;
void db_close(struct db **db);
/* True after the connection was lost; only db_close() helps. */
bool db_is_broken(const struct db *db);
/* The last error: SQLSTATE and the server's sentence, never NULL. */
const char *db_error(const struct db *db);
const char *db_error_sqlstate(const struct db *db);
void db_use_arena(struct db *db, struct arena *arena);
/* The time spent waiting for the server since the last call, in microseconds. */
int64_t db_take_wait_us(struct db *db);

enum status db_begin(struct db *db) MUST_CHECK;           /* queued */
enum status db_begin_read_only(struct db *db) MUST_CHECK; /* queued; repeatable read */
/* OK; what failed, after which everything is rolled back; or STATUS_UNKNOWN: the connection was
 * lost after COMMIT was sent. */
enum status db_commit(struct db *db) MUST_CHECK;
void db_rollback(struct db *db);
bool db_has_written(const struct db *db); /* anything queued since db_begin() */
/* Rises with each statement or row queued: equal before and after means that nothing was written.
 */
uint64_t db_writes(const struct db *db);
/* One statement given as text, without parameters, outside of the table: for migrations, locks and
 * tests. *number, if not NULL, gets the first column of the first row as an integer (0 if none). */
enum status db_command(struct db *db, const char *sql, int64_t *number) MUST_CHECK;

/* SQLSTATE to status: the one place. 23505 is CONFLICT; 23xxx and 22xxx INTERNAL; 08, 40001, 40P01,
 * 53, 55P03, 57014, 57P0x RETRY. */
enum status db_status_of_sqlstate(const char *sqlstate);
