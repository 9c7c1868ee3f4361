/* The database module on a real PostgreSQL: values, pipeline, transactions, lost connections. */
#include "common/db.h"

#include <pthread.h>
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

static const char *dsn(void)
{
    return getenv("PENSTOCK_TEST_DSN");
}

static struct db_options options(void)
{
    return (struct db_options){.dsn = dsn(),
                               .schema = "db_test",
                               .application_name = "db-test",
                               .queries = queries,
                               .nqueries = Q_COUNT,
                               .requires_durability = true};
}

static int set_up(void **state)
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

static int tear_down(void **state)
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

static int64_t outside(struct fixture *fixture, const char *sql)
{
    int64_t number;
    assert_int_equal(db_command(fixture->other, sql, &number), STATUS_OK);
    return number;
}

static int64_t select_number(struct db *db, int query)
{
    struct number *rows;
    size_t count;
    assert_int_equal(db_select(db, query, &number_shape, &rows, &count), STATUS_OK);
    assert_int_equal(count, 1);
    return rows[0].number;
}

static const uint8_t some_bytes[] = {0, 1, 2, 0xff, 0};
#define SOME_TIME INT64_C(1763802245123456)
#define SOME_DAY INT64_C(1763769600000000) /* its midnight */

static void assert_some_kind(const struct kind *kind, const struct uuid *id)
{
    assert_memory_equal(&kind->id, id, sizeof(*id));
    assert_int_equal(kind->small, -32768);
    assert_int_equal(kind->medium, INT32_MAX);
    assert_true(kind->big == INT64_MIN);
    assert_true(kind->flag);
    assert_string_equal(kind->word, "燈籠 \"'\\");
    assert_string_equal(kind->code, "");
    assert_null(kind->nothing);
    assert_string_equal(kind->document, "{\"a\": 1.10}");
    assert_int_equal(kind->bytes.count, sizeof(some_bytes));
    assert_memory_equal(kind->bytes.bytes, some_bytes, sizeof(some_bytes));
    assert_true(kind->at == SOME_TIME);
    assert_true(kind->on_day == SOME_DAY);
    assert_string_equal(kind->currency, "HKD");
}

static void assert_nothing_kind(const struct kind *kind)
{
    static const struct kind nothing;
    assert_memory_equal(kind, &nothing, sizeof(nothing));
}

#define SOME_KIND(id)                                                                              \
    db_uuid(id), db_int(-32768), db_int(INT32_MAX), db_int(INT64_MIN), db_bool(true),              \
        db_text("燈籠 \"'\\"), db_text(""), db_bytes(some_bytes, sizeof(some_bytes)),              \
        db_time(SOME_TIME), db_time(SOME_TIME), db_text(NULL), db_text("HKD"),                     \
        db_text("{\"a\": 1.10}")
#define NOTHING_KIND                                                                               \
    db_uuid(NULL), db_null(), db_null(), db_null(), db_null(), db_text(NULL), db_null(),           \
        db_bytes(NULL, 0), db_time(0), db_time(0), db_null(), db_null(), db_null()

static void every_type_survives_the_round_trip(void **state)
{
    FIXTURE(state);
    struct uuid id = uuid_new();
    assert_int_equal(db_begin(db), STATUS_OK);
    assert_int_equal(db_exec(db, Q_KIND_INSERT, SOME_KIND(&id)), STATUS_OK);
    struct kind *rows;
    size_t count;
    assert_int_equal(db_select(db, Q_KIND_BY_ID, &kind_shape, &rows, &count, db_uuid(&id)),
                     STATUS_OK);
    assert_int_equal(count, 1);
    assert_some_kind(&rows[0], &id);
    assert_int_equal(db_commit(db), STATUS_OK);
    assert_int_equal(outside(fixture, "SELECT count(*) FROM kind WHERE word = '燈籠 \"''\\' AND"
                                      " at = '2025-11-22 09:04:05.123456Z' AND big ="
                                      " -9223372036854775808 AND on_day = '2025-11-22'"),
                     1);
}

static void null_becomes_nothing(void **state)
{
    FIXTURE(state);
    assert_int_equal(db_begin(db), STATUS_OK);
    assert_int_equal(db_exec(db, Q_KIND_INSERT, NOTHING_KIND), STATUS_OK);
    struct kind *rows;
    size_t count;
    assert_int_equal(db_select(db, Q_KIND_ALL, &kind_shape, &rows, &count), STATUS_OK);
    assert_int_equal(count, 1);
    assert_nothing_kind(&rows[0]);
    assert_int_equal(db_commit(db), STATUS_OK);
    assert_int_equal(
        outside(fixture, "SELECT count(*) FROM kind WHERE num_nulls(" KIND_COLUMNS ") = 13"), 1);
}

static void column_sets_carry_every_type_and_null(void **state)
{
    FIXTURE(state);
    struct uuid id = uuid_new(), nil = {{0}};
    assert_int_equal(db_begin(db), STATUS_OK);
    struct db_columns *kinds = db_columns(db, Q_KIND_SET);
    db_add(kinds, SOME_KIND(&id));
    db_add(kinds, NOTHING_KIND);
    db_add(kinds, db_uuid(&nil), db_int(1), db_int(-1), db_int(7), db_bool(false), db_text("x"),
           db_text("y"), db_bytes("", 0), db_time(1), db_time(-1), db_null(), db_text("TWD"),
           db_null());
    struct kind *rows;
    size_t count;
    assert_int_equal(db_select(db, Q_KIND_ALL, &kind_shape, &rows, &count), STATUS_OK);
    assert_int_equal(count, 3);
    assert_some_kind(&rows[0], &id);
    assert_int_equal(rows[1].small, 1);
    assert_int_equal(rows[1].medium, -1);
    assert_false(rows[1].flag);
    assert_non_null(rows[1].bytes.bytes);
    assert_int_equal(rows[1].bytes.count, 0);
    assert_int_equal(rows[1].at, 1);
    assert_true(rows[1].on_day == -86400000000);
    assert_nothing_kind(&rows[2]);
    assert_int_equal(db_commit(db), STATUS_OK);
    assert_int_equal(outside(fixture, "SELECT count(*) FROM kind"), 3);
}

struct echo {
    int64_t number;
    const char *word;
    struct uuid id;
    int32_t small;
};
DB_SHAPE(echo_shape, struct echo, DB_FIELD(struct echo, number, DB_INT64),
         DB_FIELD(struct echo, word, DB_TEXT), DB_FIELD(struct echo, id, DB_UUID),
         DB_FIELD(struct echo, small, DB_INT32));

static void whole_arrays_go_in(void **state)
{
    FIXTURE(state);
    const int64_t numbers[] = {1, -2, INT64_MAX}, smalls[] = {7, -8, 32767};
    const char *const words[] = {"a", NULL, "燈"};
    const struct uuid ids[] = {uuid_new(), {{0}}, uuid_new()};
    struct echo *rows;
    size_t count;
    assert_int_equal(db_select(db, Q_ECHO_ARRAYS, &echo_shape, &rows, &count, db_ints(numbers, 3),
                               db_texts(words, 3), db_uuids(ids, 3), db_ints(smalls, 3)),
                     STATUS_OK);
    assert_int_equal(count, 3);
    for (int i = 0; i < 3; i++) {
        assert_true(rows[i].number == numbers[i]);
        assert_int_equal(rows[i].small, smalls[i]);
        assert_true(uuid_equal(&rows[i].id, &ids[i]));
        if (words[i] == NULL)
            assert_null(rows[i].word);
        else
            assert_string_equal(rows[i].word, words[i]);
    }
    struct number *none;
    assert_int_equal(db_select(db, Q_ECHO_EMPTY, &number_shape, &none, &count, db_ints(NULL, 0)),
                     STATUS_OK);
    assert_int_equal(count, 0);
}

static void column_sets_are_written_in_the_order_they_were_made(void **state)
{
    FIXTURE(state);
    assert_int_equal(db_begin(db), STATUS_OK);
    assert_false(db_has_written(db));
    struct db_columns *parents = db_columns(db, Q_PARENT_SET);
    struct db_columns *children = db_columns(db, Q_CHILD_SET);
    for (int i = 0; i < 1000; i++) { /* each child needs its parent's row */
        db_add(children, db_int(i), db_int(i));
        db_add(parents, db_int(i), db_int(0));
    }
    assert_true(db_has_written(db));
    assert_ptr_equal(db_columns(db, Q_PARENT_SET), parents);
    assert_int_equal(select_number(db, Q_CHILD_COUNT), 1000);
    db_add(children, db_int(1000), db_int(5)); /* the set is still open after it was written */
    assert_int_equal(db_exec(db, Q_CHILD_INSERT, db_int(1001), db_int(6)), STATUS_OK);
    assert_int_equal(db_commit(db), STATUS_OK);
    assert_int_equal(outside(fixture, "SELECT count(*) FROM child"), 1002);
}

static void a_column_set_past_its_limit_flushes_itself(void **state)
{
    FIXTURE(state);
    assert_int_equal(db_begin(db), STATUS_OK);
    struct db_columns *parents = db_columns(db, Q_PARENT_SET);
    struct db_columns *children = db_columns(db, Q_CHILD_SET);
    for (int i = 0; i < 70000; i++) {
        db_add(parents, db_int(i), db_int(0));
        db_add(children, db_int(i), db_int(i));
    }
    assert_int_equal(db_commit(db), STATUS_OK);
    assert_int_equal(outside(fixture, "SELECT count(*) FROM child"), 70000);
}

static void a_failing_statement_takes_the_transaction_with_it(void **state)
{
    FIXTURE(state);
    assert_int_equal(db_begin(db), STATUS_OK);
    db_add(db_columns(db, Q_PARENT_SET), db_int(1), db_int(0));
    assert_int_equal(db_exec(db, Q_CHILD_INSERT, db_int(1), db_int(99)), STATUS_OK); /* no parent */
    db_add(db_columns(db, Q_PARENT_SET), db_int(2), db_int(0));
    assert_int_equal(db_commit(db), STATUS_INTERNAL);
    assert_string_equal(db_error_sqlstate(db), "23503");
    assert_non_null(strstr(db_error(db), "child_insert"));
    assert_false(db_is_broken(db));
    assert_int_equal(outside(fixture, "SELECT count(*) FROM parent"), 0);

    assert_int_equal(db_begin(db), STATUS_OK); /* and the next one goes well */
    db_add(db_columns(db, Q_PARENT_SET), db_int(1), db_int(0));
    assert_int_equal(db_commit(db), STATUS_OK);
    assert_int_equal(outside(fixture, "SELECT count(*) FROM parent"), 1);
}

static void a_failure_shows_at_the_next_read_and_sticks(void **state)
{
    FIXTURE(state);
    assert_int_equal(db_begin(db), STATUS_OK);
    db_add(db_columns(db, Q_PARENT_SET), db_int(1), db_int(0));
    db_add(db_columns(db, Q_PARENT_SET), db_int(1), db_int(0));
    struct number *rows;
    size_t count;
    assert_int_equal(db_select(db, Q_CHILD_COUNT, &number_shape, &rows, &count), STATUS_CONFLICT);
    assert_string_equal(db_error_sqlstate(db), "23505");
    assert_int_equal(count, 0);
    assert_int_equal(db_select(db, Q_CHILD_COUNT, &number_shape, &rows, &count), STATUS_CONFLICT);
    assert_int_equal(db_exec(db, Q_CHILD_INSERT, db_int(1), db_null()), STATUS_CONFLICT);
    assert_int_equal(db_command(db, "SELECT 1", NULL), STATUS_CONFLICT);
    assert_int_equal(db_commit(db), STATUS_CONFLICT);
    assert_int_equal(select_number(db, Q_CHILD_COUNT), 0);
}

static void a_failing_read_is_told_and_the_connection_lives(void **state)
{
    FIXTURE(state);
    struct number *rows;
    size_t count;
    assert_int_equal(db_select(db, Q_DIVIDE, &number_shape, &rows, &count, db_int(0)),
                     STATUS_INTERNAL);
    assert_string_equal(db_error_sqlstate(db), "22012");
    assert_int_equal(db_select(db, Q_DIVIDE, &number_shape, &rows, &count, db_int(1)), STATUS_OK);
    assert_int_equal(rows[0].number, 1);
}

static void bad_utf8_is_refused_by_the_server(void **state)
{
    FIXTURE(state);
    const char *const words[] = {"\xff\xfe"};
    const int64_t one[] = {1};
    const struct uuid id[] = {{{1}}};
    struct echo *rows;
    size_t count;
    assert_int_equal(db_select(db, Q_ECHO_ARRAYS, &echo_shape, &rows, &count, db_ints(one, 1),
                               db_texts(words, 1), db_uuids(id, 1), db_ints(one, 1)),
                     STATUS_INTERNAL);
    assert_string_equal(db_error_sqlstate(db), "22021");
    assert_int_equal(select_number(db, Q_CHILD_COUNT), 0);
}

static void rows_that_were_expected_must_be_touched(void **state)
{
    FIXTURE(state);
    outside(fixture, "INSERT INTO parent VALUES (1, 10)");
    assert_int_equal(db_begin(db), STATUS_OK);
    assert_int_equal(db_exec_expect(db, Q_PARENT_MOVE, 1, db_int(1), db_int(11), db_int(10)),
                     STATUS_OK);
    assert_int_equal(db_commit(db), STATUS_OK);

    assert_int_equal(db_begin(db), STATUS_OK);
    db_add(db_columns(db, Q_CHILD_SET), db_int(1), db_int(1));
    assert_int_equal(db_exec_expect(db, Q_PARENT_MOVE, 1, db_int(1), db_int(12), db_int(10)),
                     STATUS_OK);
    assert_int_equal(db_commit(db), STATUS_STALE);
    assert_non_null(strstr(db_error(db), "parent_move"));
    assert_int_equal(outside(fixture, "SELECT place FROM parent"), 11);
    assert_int_equal(outside(fixture, "SELECT count(*) FROM child"), 0);
    assert_int_equal(select_number(db, Q_CHILD_COUNT), 0);
}

static void returning_gives_rows(void **state)
{
    FIXTURE(state);
    outside(fixture, "INSERT INTO parent VALUES (1, 10)");
    struct number *rows;
    size_t count;
    assert_int_equal(db_begin(db), STATUS_OK);
    assert_int_equal(
        db_select(db, Q_PARENT_RETURNING, &number_shape, &rows, &count, db_int(1), db_int(5)),
        STATUS_OK);
    assert_int_equal(rows[0].number, 15);
    assert_int_equal(db_commit(db), STATUS_OK);
    assert_int_equal(outside(fixture, "SELECT place FROM parent"), 15);
}

static void rollback_leaves_nothing(void **state)
{
    FIXTURE(state);
    assert_int_equal(db_begin(db), STATUS_OK);
    db_add(db_columns(db, Q_PARENT_SET), db_int(1), db_int(0));
    assert_int_equal(db_exec(db, Q_CHILD_INSERT, db_int(1), db_null()), STATUS_OK);
    db_rollback(db);
    assert_int_equal(db_begin(db), STATUS_OK);
    assert_int_equal(db_exec(db, Q_CHILD_INSERT, db_int(1), db_int(77)), STATUS_OK);
    db_rollback(db); /* with an error that nobody has seen */
    db_rollback(db); /* outside of a transaction: nothing happens */
    assert_int_equal(db_begin(db), STATUS_OK);
    db_rollback(db);
    assert_int_equal(select_number(db, Q_CHILD_COUNT), 0);
    assert_int_equal(outside(fixture, "SELECT count(*) FROM parent"), 0);
}

static void an_empty_transaction_costs_nothing_and_holds_nothing(void **state)
{
    FIXTURE(state);
    assert_int_equal(db_begin(db), STATUS_OK);
    assert_int_equal(outside(fixture, "SELECT count(*) FROM pg_stat_activity WHERE application_name"
                                      " = 'db-test' AND state LIKE 'idle in%'"),
                     0);
    assert_int_equal(db_commit(db), STATUS_OK);
    assert_false(db_has_written(db));
}

static void a_read_only_transaction_sees_one_moment(void **state)
{
    FIXTURE(state);
    assert_int_equal(db_begin_read_only(db), STATUS_OK);
    assert_int_equal(select_number(db, Q_CHILD_COUNT), 0);
    outside(fixture, "INSERT INTO child VALUES (1, NULL)");
    assert_int_equal(select_number(db, Q_CHILD_COUNT), 0);
    assert_int_equal(db_commit(db), STATUS_OK);
    assert_int_equal(select_number(db, Q_CHILD_COUNT), 1);
}

static void commands_take_their_place_in_the_transaction(void **state)
{
    FIXTURE(state);
    int64_t number;
    assert_int_equal(db_begin(db), STATUS_OK);
    db_add(db_columns(db, Q_PARENT_SET), db_int(1), db_int(0));
    assert_int_equal(db_command(db, "SELECT count(*) FROM parent", &number), STATUS_OK);
    assert_int_equal(number, 1);
    assert_int_equal(
        db_command(db, "INSERT INTO child VALUES (1,1); INSERT INTO child VALUES (2,1)", NULL),
        STATUS_OK);
    db_add(db_columns(db, Q_CHILD_SET), db_int(3), db_int(1));
    assert_int_equal(db_commit(db), STATUS_OK);
    assert_int_equal(outside(fixture, "SELECT count(*) FROM child"), 3);
    assert_int_equal(db_command(db, "SELECT true", &number), STATUS_OK);
    assert_int_equal(number, 1);
    assert_int_equal(db_command(db, "SELECT nonsense", &number), STATUS_INTERNAL);
    assert_string_equal(db_error_sqlstate(db), "42703");

    assert_int_equal(db_begin(db), STATUS_OK);
    assert_int_equal(db_command(db, "INSERT INTO child VALUES (9, 9)", NULL), STATUS_INTERNAL);
    assert_int_equal(db_commit(db), STATUS_INTERNAL);
    assert_int_equal(select_number(db, Q_CHILD_COUNT), 3);
}

static void a_deferred_constraint_speaks_at_commit(void **state)
{
    FIXTURE(state);
    assert_int_equal(db_begin(db), STATUS_OK);
    assert_int_equal(db_exec(db, Q_DEFERRED_INSERT, db_int(1)), STATUS_OK);
    assert_int_equal(db_exec(db, Q_DEFERRED_INSERT, db_int(1)), STATUS_OK);
    assert_int_equal(db_commit(db), STATUS_CONFLICT);
    assert_false(db_is_broken(db));
    assert_int_equal(outside(fixture, "SELECT count(*) FROM late"), 0);
    assert_int_equal(select_number(db, Q_CHILD_COUNT), 0);
}

static void many_queued_statements_do_not_block(void **state)
{
    FIXTURE(state);
    char *long_text = calloc(1, 20001);
    memset(long_text, 'x', 20000);
    assert_int_equal(db_begin(db), STATUS_OK);
    for (int i = 0; i < 2000; i++) { /* 40 MB out; the server answers all along */
        struct uuid id = uuid_new();
        assert_int_equal(db_exec(db, Q_KIND_INSERT, db_uuid(&id), db_null(), db_null(), db_int(i),
                                 db_null(), db_text(long_text), db_null(), db_null(), db_null(),
                                 db_null(), db_null(), db_null(), db_null()),
                         STATUS_OK);
    }
    assert_int_equal(db_commit(db), STATUS_OK);
    assert_int_equal(outside(fixture, "SELECT sum(length(word)) FROM kind"), 40000000);
    assert_true(db_take_wait_us(db) > 0);
    assert_int_equal(db_take_wait_us(db), 0);
    free(long_text);
}

static void terminate(struct fixture *fixture, int64_t pid)
{
    char sql[100];
    snprintf(sql, sizeof(sql), "SELECT pg_terminate_backend(%lld, 5000)", (long long)pid);
    assert_int_equal(outside(fixture, sql), 1);
}

static void a_killed_backend_breaks_the_connection(void **state)
{
    FIXTURE(state);
    int64_t pid = select_number(db, Q_BACKEND);
    assert_int_equal(db_begin(db), STATUS_OK);
    db_add(db_columns(db, Q_PARENT_SET), db_int(1), db_int(0));
    struct number *rows;
    size_t count;
    assert_int_equal(db_select(db, Q_CHILD_COUNT, &number_shape, &rows, &count), STATUS_OK);
    terminate(fixture, pid);
    assert_int_equal(db_select(db, Q_CHILD_COUNT, &number_shape, &rows, &count), STATUS_RETRY);
    assert_true(db_is_broken(db));
    assert_int_equal(db_commit(db), STATUS_RETRY);
    assert_int_equal(db_begin(db), STATUS_RETRY);
    db_rollback(db);
    assert_int_equal(db_command(db, "SELECT 1", NULL), STATUS_RETRY);
    assert_int_equal(outside(fixture, "SELECT count(*) FROM parent"), 0);
}

static void killed_before_commit_was_sent_means_nothing_was_written(void **state)
{
    FIXTURE(state);
    int64_t pid = select_number(db, Q_BACKEND);
    terminate(fixture, pid);
    assert_int_equal(db_begin(db), STATUS_OK);
    db_add(db_columns(db, Q_PARENT_SET), db_int(1), db_int(0));
    enum status status = db_commit(db);
    /* Either libpq saw the server's last words first, or it cannot tell. */
    assert_true(status == STATUS_RETRY || status == STATUS_UNKNOWN);
    assert_true(db_is_broken(db));
    assert_int_equal(outside(fixture, "SELECT count(*) FROM parent"), 0);
}

/* Ends a backend that hangs in COMMIT, once it does. */
static void *kill_in_commit(void *context)
{
    struct fixture *fixture = context;
    for (int i = 0; i < 500; i++) {
        int64_t pid = outside(fixture, "SELECT pid FROM pg_stat_activity WHERE application_name ="
                                       " 'db-test' AND wait_event = 'PgSleep'");
        if (pid != 0) {
            terminate(fixture, pid);
            break;
        }
        usleep(10000);
    }
    return NULL;
}

static void a_connection_lost_in_commit_leaves_the_outcome_unknown(void **state)
{
    FIXTURE(state);
    /* A deferred trigger makes COMMIT itself last. */
    outside(fixture,
            "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS"
            " 'BEGIN PERFORM pg_sleep(30); RETURN NULL; END';"
            "CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON late DEFERRABLE INITIALLY DEFERRED"
            " FOR EACH ROW EXECUTE FUNCTION slow()");
    pthread_t killer;
    assert_int_equal(db_begin(db), STATUS_OK);
    assert_int_equal(db_exec(db, Q_DEFERRED_INSERT, db_int(1)), STATUS_OK);
    assert_int_equal(pthread_create(&killer, NULL, kill_in_commit, fixture), 0);
    assert_int_equal(db_commit(db), STATUS_UNKNOWN);
    pthread_join(killer, NULL);
    assert_true(db_is_broken(db));
}

static void a_statement_that_takes_too_long_is_retried(void **state)
{
    FIXTURE(state);
    (void)db;
    struct db_options slow = options();
    slow.statement_timeout_ms = 50;
    struct db *hasty;
    assert_int_equal(db_open(&slow, &hasty), STATUS_OK);
    db_use_arena(hasty, fixture->arena);
    struct number *rows;
    size_t count;
    assert_int_equal(db_select(hasty, Q_SLEEP, &number_shape, &rows, &count), STATUS_RETRY);
    assert_string_equal(db_error_sqlstate(hasty), "57014");
    assert_false(db_is_broken(hasty));
    db_close(&hasty);
}

static void a_lock_that_is_not_free_in_time_is_retried(void **state)
{
    FIXTURE(state);
    (void)db;
    outside(fixture, "INSERT INTO parent VALUES (1, 10)");
    outside(fixture, "BEGIN; UPDATE parent SET place = 1");
    struct db_options short_locks = options();
    short_locks.lock_timeout_ms = 50;
    struct db *hasty;
    assert_int_equal(db_open(&short_locks, &hasty), STATUS_OK);
    assert_int_equal(db_begin(hasty), STATUS_OK);
    assert_int_equal(db_exec(hasty, Q_PARENT_MOVE, db_int(1), db_int(2), db_int(10)), STATUS_OK);
    assert_int_equal(db_commit(hasty), STATUS_RETRY);
    assert_string_equal(db_error_sqlstate(hasty), "55P03");
    outside(fixture, "ROLLBACK");
    db_close(&hasty);
}

static void a_changed_table_asks_for_a_new_connection(void **state)
{
    FIXTURE(state);
    struct kind *rows;
    size_t count;
    assert_int_equal(db_select(db, Q_KIND_ALL, &kind_shape, &rows, &count), STATUS_OK);
    outside(fixture, "ALTER TABLE kind ADD COLUMN more int");
    assert_int_equal(db_select(db, Q_KIND_ALL, &kind_shape, &rows, &count), STATUS_RETRY);
    assert_true(db_is_broken(db));
    struct db_options again = options();
    db_close(&fixture->db);
    assert_int_equal(db_open(&again, &fixture->db), STATUS_OK);
    db_use_arena(fixture->db, fixture->arena);
    assert_int_equal(db_select(fixture->db, Q_KIND_ALL, &kind_shape, &rows, &count), STATUS_OK);
}

static void a_plan_made_for_an_empty_table_serves_a_full_one(void **state)
{
    FIXTURE(state);
    outside(fixture, "ALTER TABLE parent SET (autovacuum_enabled = false);"
                     "ALTER TABLE parent ADD a text, ADD b text, ADD c text, ADD d text");
    for (int turn = 0; turn < 10; turn++) { /* after five the plan is fixed */
        assert_int_equal(db_begin(db), STATUS_OK);
        for (int i = 0; i < 200; i++)
            db_add(db_columns(db, Q_PARENT_PLACES), db_int(i), db_int(turn));
        assert_int_equal(db_commit(db), STATUS_OK);
    }
    outside(fixture, "INSERT INTO parent SELECT i, 0 FROM generate_series(1, 50000) AS s(i)");
    assert_int_equal(db_begin(db), STATUS_OK);
    db_add(db_columns(db, Q_PARENT_PLACES), db_int(7), db_int(7));
    assert_int_equal(db_commit(db), STATUS_OK);
    assert_int_equal(outside(fixture, "SELECT place FROM parent WHERE id = 7"), 7);
    db_close(&fixture->db); /* the session's figures are counted at its end */
    assert_int_equal(outside(fixture, "SELECT pg_sleep(0.2); SELECT seq_tup_read FROM"
                                      " pg_stat_user_tables WHERE relname = 'parent'"
                                      " AND schemaname = 'db_test'"),
                     0);
}

static void a_misspelt_column_is_named_at_open(void **state)
{
    FIXTURE(state);
    (void)db;
    static const struct db_query wrong[] = {{"fine", "SELECT 1 AS number"},
                                            {"wrong_one", "SELECT colour FROM parent"}};
    struct db_options bad = options();
    bad.more_queries = wrong;
    bad.nmore = 2;
    struct db *never;
    assert_int_equal(db_open(&bad, &never), STATUS_INTERNAL);
    assert_null(never);
    assert_string_equal(db_error_sqlstate(NULL), "42703");
    assert_non_null(strstr(db_error(NULL), "wrong_one"));
    assert_non_null(strstr(db_error(NULL), "colour"));
}

static void the_platforms_queries_come_after_the_services_own(void **state)
{
    FIXTURE(state);
    (void)db;
    static const struct db_query platform[] = {{"seven", "SELECT 7::bigint AS number"}};
    struct db_options both = options();
    both.more_queries = platform;
    both.nmore = 1;
    struct db *opened;
    assert_int_equal(db_open(&both, &opened), STATUS_OK);
    db_use_arena(opened, fixture->arena);
    assert_int_equal(select_number(opened, Q_COUNT), 7);
    db_close(&opened);
}

static void a_server_that_is_not_durable_is_refused(void **state)
{
    FIXTURE(state);
    (void)db;
    outside(fixture, "DROP ROLE IF EXISTS careless; CREATE ROLE careless LOGIN SUPERUSER;"
                     "ALTER ROLE careless SET synchronous_commit = off");
    char careless[300];
    snprintf(careless, sizeof(careless), "%s user=careless", dsn());
    struct db_options unsafe = options();
    unsafe.dsn = careless;
    struct db *opened;
    assert_int_equal(db_open(&unsafe, &opened), STATUS_INTERNAL);
    assert_non_null(strstr(db_error(NULL), "synchronous_commit is off"));
    unsafe.requires_durability = false;
    assert_int_equal(db_open(&unsafe, &opened), STATUS_OK);
    db_close(&opened);
    outside(fixture, "DROP ROLE careless");
}

static void a_server_that_is_away_is_unavailable(void **state)
{
    (void)state;
    struct db_options nowhere = {.dsn = "host=/nonexistent dbname=none"};
    struct db *db;
    assert_int_equal(db_open(&nowhere, &db), STATUS_UNAVAILABLE);
    assert_null(db);
    assert_true(strlen(db_error(NULL)) > 10);
}

static void an_sqlstate_becomes_a_status_in_one_place(void **state)
{
    (void)state;
    static const struct {
        const char *sqlstate;
        enum status status;
    } cases[] = {
        {"00000", STATUS_OK},       {"23505", STATUS_CONFLICT}, {"23514", STATUS_INTERNAL},
        {"23503", STATUS_INTERNAL}, {"22021", STATUS_INTERNAL}, {"42703", STATUS_INTERNAL},
        {"08006", STATUS_RETRY},    {"40001", STATUS_RETRY},    {"40P01", STATUS_RETRY},
        {"53100", STATUS_RETRY},    {"53300", STATUS_RETRY},    {"55P03", STATUS_RETRY},
        {"57014", STATUS_RETRY},    {"57P01", STATUS_RETRY},    {"57P05", STATUS_RETRY},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(db_status_of_sqlstate(cases[i].sqlstate), cases[i].status);
}

#define ON_SERVER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_SERVER(every_type_survives_the_round_trip),
        ON_SERVER(null_becomes_nothing),
        ON_SERVER(column_sets_carry_every_type_and_null),
        ON_SERVER(whole_arrays_go_in),
        ON_SERVER(column_sets_are_written_in_the_order_they_were_made),
        ON_SERVER(a_column_set_past_its_limit_flushes_itself),
        ON_SERVER(a_failing_statement_takes_the_transaction_with_it),
        ON_SERVER(a_failure_shows_at_the_next_read_and_sticks),
        ON_SERVER(a_failing_read_is_told_and_the_connection_lives),
        ON_SERVER(bad_utf8_is_refused_by_the_server),
        ON_SERVER(rows_that_were_expected_must_be_touched),
        ON_SERVER(returning_gives_rows),
        ON_SERVER(rollback_leaves_nothing),
        ON_SERVER(an_empty_transaction_costs_nothing_and_holds_nothing),
        ON_SERVER(a_read_only_transaction_sees_one_moment),
        ON_SERVER(commands_take_their_place_in_the_transaction),
        ON_SERVER(a_deferred_constraint_speaks_at_commit),
        ON_SERVER(many_queued_statements_do_not_block),
        ON_SERVER(a_killed_backend_breaks_the_connection),
        ON_SERVER(killed_before_commit_was_sent_means_nothing_was_written),
        ON_SERVER(a_connection_lost_in_commit_leaves_the_outcome_unknown),
        ON_SERVER(a_statement_that_takes_too_long_is_retried),
        ON_SERVER(a_lock_that_is_not_free_in_time_is_retried),
        ON_SERVER(a_changed_table_asks_for_a_new_connection),
        ON_SERVER(a_plan_made_for_an_empty_table_serves_a_full_one),
        ON_SERVER(a_misspelt_column_is_named_at_open),
        ON_SERVER(the_platforms_queries_come_after_the_services_own),
        ON_SERVER(a_server_that_is_not_durable_is_refused),
        cmocka_unit_test(a_server_that_is_away_is_unavailable),
        cmocka_unit_test(an_sqlstate_becomes_a_status_in_one_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
