/* Migrations on a real PostgreSQL: applied once, never edited, resumed after an interruption, and
 * leaving each role no more than it needs. */
#include "common/migrate.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/db.h"

#define SCHEMA "migrate_test"
#define ROLE "penstock_migrate_test"

static const struct migration one[] = {
    {"0001_create_lamp", "CREATE TABLE lamp (id int PRIMARY KEY);", false},
};
static const struct migration two[] = {
    {"0001_create_lamp", "CREATE TABLE lamp (id int PRIMARY KEY);", false},
    {"0002_add_colour", "ALTER TABLE lamp ADD COLUMN colour text; CREATE TABLE shade (id int);",
     false},
};
static const struct migration edited[] = {
    {"0001_create_lamp", "CREATE TABLE lamp (id bigint PRIMARY KEY);", false},
};
static const struct migration contracting[] = {
    {"0001_create_lamp", "CREATE TABLE lamp (id int PRIMARY KEY);", false},
    {"0002_drop_nothing", "SELECT 1;", true},
};
static const struct migration broken[] = {
    {"0001_create_lamp", "CREATE TABLE lamp (id int PRIMARY KEY);", false},
    {"0002_add_colour", "CREATE TABLE half (id int); CREATE TABLE half (id int);", false},
};
static const struct migration slow[] = {
    {"0001_create_lamp", "CREATE TABLE lamp (id int PRIMARY KEY);", false},
    {"0002_add_colour", "CREATE TABLE half (id int); SELECT pg_sleep(30);", false},
};

static const char *dsn(void)
{
    return getenv("PENSTOCK_TEST_DSN");
}

static struct db *owner_open(void)
{
    struct db_options options = {.dsn = dsn()};
    struct db *db;
    assert_int_equal(db_open(&options, &db), STATUS_OK);
    return db;
}

static int64_t owner_sees(const char *sql)
{
    struct db *db = owner_open();
    int64_t number;
    enum status status = db_command(db, sql, &number);
    if (status != STATUS_OK)
        fail_msg("%s", db_error(db));
    db_close(&db);
    return number;
}

static int set_up(void **state)
{
    (void)state;
    if (dsn() == NULL) {
        puts("skipped: PENSTOCK_TEST_DSN is not set");
        return 0;
    }
    owner_sees("DROP SCHEMA IF EXISTS " SCHEMA " CASCADE");
    return 0;
}

#define NEEDS_SERVER()                                                                             \
    if (dsn() == NULL)                                                                             \
    skip()

static int steps;
static void count_step(const char *schema, const char *name)
{
    assert_string_equal(schema, SCHEMA);
    assert_true(strlen(name) > 0);
    steps++;
}

static enum status apply(const struct migration *migrations, size_t count, const char **message)
{
    steps = 0;
    return migrate_apply(dsn(), SCHEMA, ROLE, migrations, count, count_step, message);
}

static void apply_well(const struct migration *migrations, size_t count)
{
    const char *message;
    enum status status = apply(migrations, count, &message);
    if (status != STATUS_OK)
        fail_msg("%s", message);
    assert_null(message);
}

/* The connection string of the service itself, or of another role. */
static const char *dsn_as(const char *role)
{
    static char text[300];
    snprintf(text, sizeof(text), "%s user=%s", dsn(), role);
    return text;
}

static enum status try_as(const char *role, const char *sql, char sqlstate[6])
{
    struct db_options options = {.dsn = dsn_as(role), .schema = SCHEMA};
    struct db *db;
    sqlstate[0] = '\0';
    enum status status = db_open(&options, &db);
    assert_int_equal(status, STATUS_OK);
    status = db_command(db, sql, NULL);
    snprintf(sqlstate, 6, "%s", db_error_sqlstate(db));
    db_close(&db);
    return status;
}

static void assert_forbidden(const char *role, const char *sql)
{
    char sqlstate[6];
    if (try_as(role, sql, sqlstate) == STATUS_OK)
        fail_msg("%s may: %s", role, sql);
    assert_string_equal(sqlstate, "42501");
}

static void assert_allowed(const char *role, const char *sql)
{
    char sqlstate[6];
    if (try_as(role, sql, sqlstate) != STATUS_OK)
        fail_msg("%s may not (%s): %s", role, sqlstate, sql);
}

static void each_migration_is_applied_once(void **state)
{
    (void)state;
    NEEDS_SERVER();
    apply_well(one, 1);
    assert_int_equal(steps, platform_nmigrations + 1);
    apply_well(one, 1);
    assert_int_equal(steps, 0);
    apply_well(two, 2);
    assert_int_equal(steps, 1);
    assert_int_equal(owner_sees("SELECT count(*) FROM " SCHEMA ".schema_migration"),
                     platform_nmigrations + 2);
    assert_int_equal(owner_sees("SELECT count(colour) FROM " SCHEMA ".lamp"), 0);
}

static void an_edited_migration_is_refused(void **state)
{
    (void)state;
    NEEDS_SERVER();
    const char *message;
    size_t missing;
    apply_well(one, 1);
    assert_int_equal(apply(edited, 1, &message), STATUS_INTERNAL);
    assert_non_null(strstr(message, "0001_create_lamp"));
    assert_int_equal(migrate_check(dsn_as(ROLE), SCHEMA, edited, 1, &missing, &message), STATUS_OK);
    assert_non_null(strstr(message, "0001_create_lamp"));
}

static void a_binary_does_not_start_on_an_older_schema(void **state)
{
    (void)state;
    NEEDS_SERVER();
    const char *message;
    size_t missing;
    assert_int_equal(migrate_check(dsn(), SCHEMA, two, 2, &missing, &message), STATUS_OK);
    assert_int_equal(missing, platform_nmigrations + 2);
    assert_non_null(strstr(message, "penstock migrate"));
    apply_well(one, 1);
    assert_int_equal(migrate_check(dsn_as(ROLE), SCHEMA, two, 2, &missing, &message), STATUS_OK);
    assert_int_equal(missing, 1);
    assert_non_null(strstr(message, "0002_add_colour"));
    apply_well(two, 2);
    assert_int_equal(migrate_check(dsn_as(ROLE), SCHEMA, two, 2, &missing, &message), STATUS_OK);
    assert_int_equal(missing, 0);
    assert_null(message);
}

static void a_newer_schema_will_do_unless_it_contracts(void **state)
{
    (void)state;
    NEEDS_SERVER();
    const char *message;
    size_t missing;
    apply_well(two, 2);
    assert_int_equal(migrate_check(dsn_as(ROLE), SCHEMA, one, 1, &missing, &message), STATUS_OK);
    assert_int_equal(missing, 0);
    assert_null(message);
    owner_sees("DROP SCHEMA " SCHEMA " CASCADE");
    apply_well(contracting, 2);
    assert_int_equal(migrate_check(dsn_as(ROLE), SCHEMA, one, 1, &missing, &message), STATUS_OK);
    assert_non_null(strstr(message, "0002_drop_nothing"));
    assert_int_equal(apply(one, 1, &message), STATUS_INTERNAL);
}

static void a_failing_migration_leaves_nothing_and_can_be_mended(void **state)
{
    (void)state;
    NEEDS_SERVER();
    const char *message;
    assert_int_equal(apply(broken, 2, &message), STATUS_INTERNAL);
    assert_non_null(strstr(message, "0002_add_colour"));
    assert_non_null(strstr(message, "42P07"));
    assert_int_equal(owner_sees("SELECT count(*) FROM pg_class WHERE relname = 'half'"), 0);
    apply_well(two, 2);
    assert_int_equal(steps, 1);
}

static void *kill_the_migration(void *unused)
{
    (void)unused;
    for (int i = 0; i < 500; i++) {
        if (owner_sees("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE"
                       " application_name = 'penstock-migrate' AND wait_event = 'PgSleep'") > 0)
            break;
        usleep(10000);
    }
    return NULL;
}

static void an_interrupted_migration_is_resumed(void **state)
{
    (void)state;
    NEEDS_SERVER();
    pthread_t killer;
    assert_int_equal(pthread_create(&killer, NULL, kill_the_migration, NULL), 0);
    const char *message;
    assert_int_equal(apply(slow, 2, &message), STATUS_RETRY);
    pthread_join(killer, NULL);
    assert_int_equal(owner_sees("SELECT count(*) FROM pg_class WHERE relname = 'half'"), 0);
    apply_well(two, 2);
    assert_int_equal(steps, 1);
}

static void *apply_too(void *unused)
{
    (void)unused;
    const char *message;
    enum status status = migrate_apply(dsn(), SCHEMA, ROLE, two, 2, NULL, &message);
    return status == STATUS_OK ? NULL : (void *)strdup(message);
}

static void two_at_once_wait_for_each_other(void **state)
{
    (void)state;
    NEEDS_SERVER();
    pthread_t threads[3];
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, apply_too, NULL), 0);
    for (int i = 0; i < 3; i++) {
        void *message;
        pthread_join(threads[i], &message);
        if (message != NULL)
            fail_msg("%s", (char *)message);
    }
    assert_int_equal(owner_sees("SELECT count(*) FROM " SCHEMA ".schema_migration"),
                     platform_nmigrations + 2);
}

static void a_service_may_touch_its_own_rows_only(void **state)
{
    (void)state;
    NEEDS_SERVER();
    apply_well(two, 2);
    owner_sees("DROP SCHEMA IF EXISTS migrate_other CASCADE");
    const char *message;
    assert_int_equal(
        migrate_apply(dsn(), "migrate_other", "penstock_migrate_other", one, 1, NULL, &message),
        STATUS_OK);
    assert_allowed(ROLE, "INSERT INTO lamp VALUES (1, 'red'); UPDATE lamp SET id = 2;"
                         "DELETE FROM lamp; TRUNCATE lamp; SELECT * FROM shade");
    assert_forbidden(ROLE, "SELECT * FROM migrate_other.lamp");
    assert_forbidden(ROLE, "CREATE TABLE mine (id int)");
    assert_forbidden(ROLE, "CREATE TABLE public.mine (id int)");
    assert_forbidden(ROLE, "CREATE TEMP TABLE mine (id int)");
    assert_forbidden(ROLE, "DROP TABLE schema_migration");
    assert_forbidden(ROLE, "UPDATE schema_migration SET name = 'x'");
    assert_forbidden(ROLE, "ALTER TABLE lamp ADD COLUMN x int");
    assert_forbidden(ROLE, "SET ROLE penstock_owner");
    assert_forbidden("penstock_verify", "BEGIN READ WRITE; INSERT INTO lamp VALUES (1)");
    assert_allowed("penstock_verify", "SELECT * FROM lamp; SELECT * FROM migrate_other.lamp");
    owner_sees("DROP SCHEMA migrate_other CASCADE");
}

static void the_log_can_only_grow(void **state)
{
    (void)state;
    NEEDS_SERVER();
    apply_well(one, 1);
    assert_allowed(ROLE,
                   "INSERT INTO event (position, event_id, type, key, occurred_at, actor,"
                   " payload) VALUES (1, gen_random_uuid(), 't', 'k', '2026-01-01', 'a', '')");
    assert_allowed(ROLE, "SELECT * FROM event");
    assert_forbidden(ROLE, "UPDATE event SET key = 'x'");
    assert_forbidden(ROLE, "DELETE FROM event");
    assert_forbidden(ROLE, "TRUNCATE event");
    assert_forbidden(ROLE, "DELETE FROM event_00");
    assert_forbidden(ROLE, "UPDATE event_00 SET key = 'x'");
    assert_forbidden(ROLE, "TRUNCATE event_00");
}

static void a_service_finds_its_tables_by_itself(void **state)
{
    (void)state;
    NEEDS_SERVER();
    apply_well(one, 1);
    struct db_options options = {.dsn = dsn_as(ROLE)};
    struct db *db;
    assert_int_equal(db_open(&options, &db), STATUS_OK);
    assert_int_equal(db_command(db, "SELECT count(*) FROM lamp", NULL), STATUS_OK);
    db_close(&db);
}

static void a_server_that_is_away_is_said_so(void **state)
{
    (void)state;
    const char *message;
    size_t missing;
    assert_int_equal(migrate_check("host=/nonexistent", SCHEMA, one, 1, &missing, &message),
                     STATUS_UNAVAILABLE);
    assert_non_null(message);
    assert_int_equal(migrate_apply("host=/nonexistent", SCHEMA, ROLE, one, 1, NULL, &message),
                     STATUS_UNAVAILABLE);
    assert_non_null(message);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(each_migration_is_applied_once, set_up),
        cmocka_unit_test_setup(an_edited_migration_is_refused, set_up),
        cmocka_unit_test_setup(a_binary_does_not_start_on_an_older_schema, set_up),
        cmocka_unit_test_setup(a_newer_schema_will_do_unless_it_contracts, set_up),
        cmocka_unit_test_setup(a_failing_migration_leaves_nothing_and_can_be_mended, set_up),
        cmocka_unit_test_setup(an_interrupted_migration_is_resumed, set_up),
        cmocka_unit_test_setup(two_at_once_wait_for_each_other, set_up),
        cmocka_unit_test_setup(a_service_may_touch_its_own_rows_only, set_up),
        cmocka_unit_test_setup(the_log_can_only_grow, set_up),
        cmocka_unit_test_setup(a_service_finds_its_tables_by_itself, set_up),
        cmocka_unit_test(a_server_that_is_away_is_said_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
