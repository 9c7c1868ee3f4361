/* common_db_fixture.h -- what the tests of the database module share.
 *
 * A schema of its own, made new for each test, a connection to it with prepared statements, and a
 * second session that looks on from outside.
 */
#pragma once

#include "common/db.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum {
    Q_KIND_INSERT,
    Q_KIND_BY_ID,
    Q_KIND_SET,
    Q_KIND_ALL,
    Q_ECHO_ARRAYS,
    Q_ECHO_EMPTY,
    Q_PARENT_SET,
    Q_CHILD_SET,
    Q_CHILD_INSERT,
    Q_CHILD_COUNT,
    Q_PARENT_MOVE,
    Q_PARENT_RETURNING,
    Q_DIVIDE,
    Q_BACKEND,
    Q_SLEEP,
    Q_DEFERRED_INSERT,
    Q_PARENT_PLACES,
    Q_COUNT
};

#define KIND_COLUMNS                                                                               \
    "id, small, medium, big, flag, word, code, bytes, at, on_day, nothing, currency, document"
static const struct db_query queries[Q_COUNT] = {
    [Q_KIND_INSERT] = {"kind_insert", "INSERT INTO kind (" KIND_COLUMNS ") VALUES "
                                      "($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13)"},
    [Q_KIND_BY_ID] = {"kind_by_id", "SELECT * FROM kind WHERE id = $1"},
    [Q_KIND_SET] =
        {"kind_set",
         "INSERT INTO kind (" KIND_COLUMNS ") SELECT * FROM unnest($1::uuid[],"
         "$2::smallint[],$3::int[],$4::bigint[],$5::bool[],$6::text[],$7::varchar[],"
         "$8::bytea[],$9::timestamptz[],$10::date[],$11::text[],$12::text[],$13::json[])"},
    [Q_KIND_ALL] = {"kind_all", "SELECT * FROM kind ORDER BY big"},
    [Q_ECHO_ARRAYS] = {"echo_arrays",
                       "SELECT * FROM unnest($1::bigint[], $2::text[], $3::uuid[], $4::smallint[])"
                       " AS u(number, word, id, small)"},
    [Q_ECHO_EMPTY] = {"echo_empty", "SELECT 1::bigint AS number WHERE 5 = ANY($1::bigint[])"},
    [Q_PARENT_SET] = {"parent_set",
                      "INSERT INTO parent (id, place) SELECT * FROM unnest($1::int[], $2::int[])"},
    [Q_CHILD_SET] =
        {"child_set",
         "INSERT INTO child (id, parent_id) SELECT * FROM unnest($1::int[], $2::int[])"},
    [Q_CHILD_INSERT] = {"child_insert", "INSERT INTO child (id, parent_id) VALUES ($1, $2)"},
    [Q_CHILD_COUNT] = {"child_count", "SELECT count(*) AS number FROM child"},
    [Q_PARENT_MOVE] = {"parent_move", "UPDATE parent SET place = $2 WHERE id = $1 AND place = $3"},
    [Q_PARENT_RETURNING] = {"parent_returning", "UPDATE parent SET place = place + $2 WHERE id = $1"
                                                " RETURNING place::bigint AS number"},
    [Q_DIVIDE] = {"divide", "SELECT 1 / $1::int AS number"},
    [Q_BACKEND] = {"backend", "SELECT pg_backend_pid()::bigint AS number"},
    [Q_SLEEP] = {"sleep", "SELECT 1 AS number FROM pg_sleep(10)"},
    [Q_PARENT_PLACES] = {"parent_places",
                         "UPDATE parent SET place = u.place FROM unnest($1::int[], $2::int[])"
                         " AS u(id, place) WHERE parent.id = u.id"},
    [Q_DEFERRED_INSERT] = {"deferred_insert", "INSERT INTO late (id) VALUES ($1)"},
};

struct kind {
    struct uuid id;
    int32_t small, medium;
    int64_t big;
    bool flag;
    const char *word, *code, *nothing, *document;
    struct db_bytea bytes;
    int64_t at, on_day;
    char currency[4];
};
DB_SHAPE(kind_shape, struct kind, DB_FIELD(struct kind, id, DB_UUID),
         DB_FIELD(struct kind, small, DB_INT32), DB_FIELD(struct kind, medium, DB_INT32),
         DB_FIELD(struct kind, big, DB_INT64), DB_FIELD(struct kind, flag, DB_BOOLEAN),
         DB_FIELD(struct kind, word, DB_TEXT), DB_FIELD(struct kind, code, DB_TEXT),
         DB_FIELD(struct kind, nothing, DB_TEXT), DB_FIELD(struct kind, document, DB_TEXT),
         DB_FIELD(struct kind, bytes, DB_BYTEA), DB_FIELD(struct kind, at, DB_TIMESTAMP),
         DB_FIELD(struct kind, on_day, DB_TIMESTAMP), DB_FIELD(struct kind, currency, DB_CHAR4));

struct number {
    int64_t number;
};
DB_SHAPE(number_shape, struct number, DB_FIELD(struct number, number, DB_INT64));

static const char schema_sql[] =
    "DROP SCHEMA IF EXISTS db_test CASCADE; CREATE SCHEMA db_test; SET search_path = db_test;"
    "CREATE TABLE kind (id uuid, small smallint, medium int, big bigint, flag bool, word text,"
    " code varchar(20), bytes bytea, at timestamptz, on_day date, nothing text, currency char(3),"
    " document json);"
    "CREATE TABLE parent (id int PRIMARY KEY, place int NOT NULL CHECK (place >= 0));"
    "CREATE TABLE child (id int PRIMARY KEY, parent_id int REFERENCES parent);"
    "CREATE TABLE late (id int UNIQUE DEFERRABLE INITIALLY DEFERRED)";

struct fixture {
    struct db *db, *other; /* other: a second session */
    struct arena *arena;
};

static inline const char *dsn(void)
{
    return getenv("PENSTOCK_TEST_DSN");
}

static inline struct db_options options(void)
{
    return (struct db_options){.dsn = dsn(),
                               .schema = "db_test",
                               .application_name = "db-test",
                               .queries = queries,
                               .nqueries = Q_COUNT,
                               .requires_durability = true};
}

static inline int set_up(void **state)
{
    if (dsn() == NULL) {
        puts("skipped: PENSTOCK_TEST_DSN is not set");
        *state = NULL;
        return 0;
    }
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    struct db_options plain = {.dsn = dsn(), .application_name = "db-test-other"};
    assert_int_equal(db_open(&plain, &fixture->other), STATUS_OK);
    assert_int_equal(db_command(fixture->other, schema_sql, NULL), STATUS_OK);
    struct db_options full = options();
    assert_int_equal(db_open(&full, &fixture->db), STATUS_OK);
    fixture->arena = arena_open(64 << 20);
    db_use_arena(fixture->db, fixture->arena);
    *state = fixture;
    return 0;
}

static inline int tear_down(void **state)
{
    struct fixture *fixture = *state;
    if (fixture != NULL) {
        db_close(&fixture->db);
        db_close(&fixture->other);
        arena_close(&fixture->arena);
        free(fixture);
    }
    return 0;
}

#define FIXTURE(state)                                                                             \
    struct fixture *fixture = *(state);                                                            \
    if (fixture == NULL)                                                                           \
        skip();                                                                                    \
    struct db *db = fixture->db

static inline int64_t outside(struct fixture *fixture, const char *sql)
{
    int64_t number;
    assert_int_equal(db_command(fixture->other, sql, &number), STATUS_OK);
    return number;
}

static inline int64_t select_number(struct db *db, int query)
{
    struct number *rows;
    size_t count;
    assert_int_equal(db_select(db, query, &number_shape, &rows, &count), STATUS_OK);
    assert_int_equal(count, 1);
    return rows[0].number;
}

#define ON_SERVER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
