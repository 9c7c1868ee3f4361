/* The database module when things go wrong: connections that die, locks, changed tables, servers
 * that are away or not durable. */
#include "tests/unit/common_db_fixture.h"

#include <pthread.h>

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

/* What the killer and the one that writes share: whom to end next, and when to stop. */
struct hunt {
    struct fixture *fixture;
    _Atomic int64_t pid;
    _Atomic bool is_over;
};

static void *kill_now_and_then(void *context)
{
    struct hunt *hunt = context;
    unsigned seed = 7;
    while (!hunt->is_over) {
        int64_t pid = hunt->pid;
        usleep((unsigned)rand_r(&seed) % 3000);
        char sql[80];
        snprintf(sql, sizeof(sql), "SELECT pg_terminate_backend(%lld)", (long long)pid);
        if (pid != 0)
            outside(hunt->fixture, sql);
    }
    return NULL;
}

static void reopen(struct fixture *fixture, struct hunt *hunt)
{
    struct db_options again = options();
    hunt->pid = 0;
    db_close(&fixture->db);
    assert_int_equal(db_open(&again, &fixture->db), STATUS_OK);
    db_use_arena(fixture->db, fixture->arena);
    struct number *rows;
    size_t count;
    if (db_select(fixture->db, Q_BACKEND, &number_shape, &rows, &count) == STATUS_OK)
        hunt->pid = rows[0].number;
    arena_reset(fixture->arena);
}

static enum status write_pair(struct db *db, int id)
{
    TRY(db_begin(db));
    struct number *rows;
    size_t count;
    db_add(db_columns(db, Q_PARENT_SET), db_int(id), db_int(0));
    enum status status =
        id % 2 == 0 ? STATUS_OK : db_select(db, Q_BACKEND, &number_shape, &rows, &count);
    if (status == STATUS_OK)
        status = db_exec(db, Q_CHILD_INSERT, db_int(id), db_int(id));
    enum status committed = db_commit(db);
    return status == STATUS_OK ? committed : status;
}

static void what_commit_says_is_true_whenever_the_backend_dies(void **state)
{
    FIXTURE(state);
    (void)db;
    static enum status said[100000];
    struct hunt hunt = {.fixture = calloc(1, sizeof(struct fixture))};
    struct db_options plain = {.dsn = dsn()};
    assert_int_equal(db_open(&plain, &hunt.fixture->other), STATUS_OK);
    pthread_t killer;
    int deaths = 0, n = 0, counts[17] = {0};
    reopen(fixture, &hunt);
    assert_int_equal(pthread_create(&killer, NULL, kill_now_and_then, &hunt), 0);
    for (; deaths < 150 && n < 100000; n++) {
        said[n] = write_pair(fixture->db, n);
        counts[said[n]]++;
        if (db_is_broken(fixture->db)) {
            deaths++;
            reopen(fixture, &hunt);
        }
    }
    hunt.is_over = true;
    pthread_join(killer, NULL);
    db_close(&hunt.fixture->other);
    free(hunt.fixture);
    printf("%d deaths: %d OK, %d RETRY, %d UNKNOWN\n", deaths, counts[STATUS_OK],
           counts[STATUS_RETRY], counts[STATUS_UNKNOWN]);
    for (int i = 0; i < n; i++) {
        char sql[160];
        snprintf(sql, sizeof(sql),
                 "SELECT (SELECT count(*) FROM parent WHERE id = %d)"
                 " + (SELECT count(*) FROM child WHERE id = %d)",
                 i, i);
        int64_t rows = outside(fixture, sql);
        assert_true(rows == 0 || rows == 2);
        assert_true(said[i] == STATUS_OK ? rows == 2 : said[i] == STATUS_UNKNOWN || rows == 0);
        assert_true(said[i] == STATUS_OK || said[i] == STATUS_RETRY || said[i] == STATUS_UNKNOWN);
    }
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_SERVER(a_killed_backend_breaks_the_connection),
        ON_SERVER(killed_before_commit_was_sent_means_nothing_was_written),
        ON_SERVER(a_connection_lost_in_commit_leaves_the_outcome_unknown),
        ON_SERVER(what_commit_says_is_true_whenever_the_backend_dies),
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
