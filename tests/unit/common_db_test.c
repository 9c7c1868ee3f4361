/* The database module on a real PostgreSQL: values, statements, transactions. */
#include "tests/unit/common_db_fixture.h"

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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
