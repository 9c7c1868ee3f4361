/* db_internal.h -- what db_open.c (connection), db.c (pipeline, transaction) and db_values.c
 * (bytes) share.
 *
 * Private to the three: nobody else includes it, for it is the only header that shows libpq.
 */
#pragma once

#include <libpq-fe.h>

#include "common/db.h"

/* Prepared behind the caller's queries, in this order. */
enum {
    DB_CONTROL_BEGIN,
    DB_CONTROL_BEGIN_READ_ONLY,
    DB_CONTROL_COMMIT,
    DB_CONTROL_ROLLBACK,
    DB_CONTROL_COUNT
};

/* A growing piece of memory that keeps its room when it is emptied. */
struct db_buffer {
    uint8_t *data;
    size_t used, room;
};

/* Where a shape's field stands in a result, and how its bytes are read. */
struct db_binding {
    int column;
    Oid type;
};

/* A prepared statement, as the server described it. */
struct db_statement {
    const char *name; /* in queries.sql */
    const char *sql;
    char label[8]; /* on the wire: short, since each use sends it */
    int nparams, ncolumns;
    Oid *params, *columns;
    char **column_names;
    const struct db_shape *bound; /* the shape that bindings were made for */
    struct db_binding *bindings;
    struct db_columns *columns_set; /* NULL until it is used */
};

/* One array per parameter, in PostgreSQL's binary form, its header filled in when it is sent. */
struct db_column {
    Oid element;
    bool has_null;
    struct db_buffer buffer;
};
struct db_columns {
    struct db *db;
    int query;
    bool is_listed; /* in db->sets */
    size_t rows;
    int count;
    struct db_column column[];
};

enum db_pending_kind { DB_PENDING_EXEC, DB_PENDING_SELECT, DB_PENDING_COMMIT };
/* A statement that was queued and whose result has not been read. */
struct db_pending {
    int query;
    enum db_pending_kind kind;
    int64_t expected_rows; /* -1: any */
};

struct db {
    PGconn *pg;
    bool is_broken;
    bool is_in_transaction, has_begun; /* BEGIN leaves with the first statement */
    bool is_read_only, has_written;
    uint64_t writes;
    enum status failure; /* of this transaction; sticks until it ends */
    struct arena *arena;
    int64_t wait_us;

    struct db_statement *statements;
    int nstatements, first_control; /* begin, commit, ... come last */

    struct db_pending *pending;
    size_t npending, pending_room, nexpecting;

    struct db_columns **sets; /* of this transaction, in the order in which they were made */
    size_t nsets, sets_room;

    const char **values; /* as libpq wants them; room for the widest statement */
    int *lengths, *formats;
    size_t *offsets;
    struct db_buffer scratch;

    char sqlstate[6];
    char error[512];
};

/* A fault in the program, not in the data: says so on stderr and dies. */
_Noreturn void db_bug(const char *query, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void *db_grow(void *array, size_t *room, size_t needed, size_t element_bytes);

/* db_values.c */
/* Fills values, lengths and formats for a statement. */
void db_encode(struct db *db, const struct db_statement *statement, const struct db_arg *args,
               size_t nargs);
/* The same from a column set, completing the arrays' headers. */
void db_encode_columns(struct db *db, struct db_columns *columns);
void db_decode(struct db *db, struct db_statement *statement, const PGresult *result,
               const struct db_shape *shape, void **rows, size_t *count);
struct db_columns *db_columns_new(struct db *db, int query);
void db_columns_empty(struct db_columns *columns);
void db_columns_free(struct db_columns **columns);

/* db.c */
/* Waits until the socket has something; false when the connection is gone. */
bool db_wait(struct db *db);
/* The next result, or NULL between statements; *is_lost when the connection is gone. */
PGresult *db_next_result(struct db *db, bool *is_lost);
/* Only the first line of what libpq or the server says: it holds no values of rows. */
void db_set_error(struct db *db, const char *sqlstate, const char *query, const char *text);
/* Queues every column set that has rows. */
enum status db_flush_columns(struct db *db) MUST_CHECK;
