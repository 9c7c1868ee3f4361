/* The log of events: what was appended is read back, whichever way the readers come. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/eventlog.h"
#include "common/id.h"
#include "common/migrate.h"
#include "platform_queries.h"

static struct db *db;
static struct arena *arena;

static int open_log(void **state)
{
    (void)state;
    const char *dsn = getenv("PENSTOCK_TEST_DSN"), *message;
    if (dsn == NULL) {
        printf("skipped: PENSTOCK_TEST_DSN is not set (tools/with-postgres sets it)\n");
        return 0;
    }
    if (migrate_apply(dsn, "logtest", "penstock_logtest", NULL, 0, NULL, &message) != STATUS_OK) {
        printf("%s\n", message);
        return 1;
    }
    arena = arena_open((size_t)64 << 20);
    struct db_options options = {.dsn = dsn,
                                 .schema = "logtest",
                                 .application_name = "test",
                                 .queries = platform_queries,
                                 .nqueries = P_COUNT};
    if (db_open(&options, &db) != STATUS_OK)
        return 1;
    db_use_arena(db, arena);
    return 0;
}

static int close_log(void **state)
{
    (void)state;
    db_close(&db);
    arena_close(&arena);
    return 0;
}

static void append(int64_t first, int64_t last)
{
    assert_int_equal(db_begin(db), STATUS_OK);
    for (int64_t position = first; position <= last; position++) {
        char key[32];
        snprintf(key, sizeof key, "key-%lld", (long long)position);
        struct eventlog_row row = {.position = position,
                                   .event_id = uuid_of_hash(&position, sizeof position),
                                   .type = "Happened",
                                   .key = key,
                                   .occurred_at = position * 1000,
                                   .actor = "system:test",
                                   .payload = {(const uint8_t *)key, 3}};
        eventlog_append(db, 0, &row);
    }
    assert_int_equal(db_commit(db), STATUS_OK);
}

static void assert_rows(const struct eventlog_row *rows, size_t count, int64_t first)
{
    for (size_t i = 0; i < count; i++) {
        int64_t position = first + (int64_t)i;
        struct uuid id = uuid_of_hash(&position, sizeof position);
        assert_int_equal(rows[i].position, position);
        assert_true(uuid_equal(&rows[i].event_id, &id));
        assert_int_equal(rows[i].occurred_at, position * 1000);
        assert_memory_equal(rows[i].payload.bytes, "key", 3);
    }
}

static void the_edges_of_a_log_are_known(void **state)
{
    (void)state;
    if (db == NULL)
        skip();
    int64_t head = -1, first = -1;
    struct uuid id;
    assert_int_equal(eventlog_head(db, 0, &head, &id), STATUS_OK);
    assert_int_equal(head, 0);
    assert_true(uuid_is_nil(&id));
    assert_int_equal(eventlog_first(db, 0, &first), STATUS_OK);
    assert_int_equal(first, 0);
    append(1, 3000);
    assert_int_equal(eventlog_head(db, 0, &head, &id), STATUS_OK);
    assert_int_equal(head, 3000);
    assert_int_equal(eventlog_first(db, 0, &first), STATUS_OK);
    assert_int_equal(first, 1);
}

static void a_position_is_taken_once(void **state)
{
    (void)state;
    if (db == NULL)
        skip();
    struct eventlog_row row = {.position = 3000,
                               .event_id = uuid_new(),
                               .type = "Happened",
                               .key = "k",
                               .occurred_at = 1,
                               .actor = "a",
                               .payload = {(const uint8_t *)"", 0}};
    assert_int_equal(db_begin(db), STATUS_OK);
    eventlog_append(db, 0, &row);
    assert_int_equal(db_commit(db), STATUS_CONFLICT);
}

/* Several readers at their own pace, over a log that grows: each sees every event once, in order.
 */
static void readers_see_every_event_once(void **state)
{
    (void)state;
    if (db == NULL)
        skip();
    struct eventlog_tail *tail = eventlog_tail_open();
    int64_t next[4] = {1, 1, 2500, 2990}, head = 3000;
    const size_t pace[4] = {512, 37, 100, 1};
    for (int round = 0; round < 400; round++) {
        int reader = rand() % 4;
        const struct eventlog_row *rows;
        size_t count;
        assert_int_equal(
            eventlog_tail_read(tail, db, 0, next[reader], head, pace[reader], &rows, &count),
            STATUS_OK);
        assert_true(count <= pace[reader]);
        assert_true(count > 0 || next[reader] > head);
        assert_rows(rows, count, next[reader]);
        next[reader] += (int64_t)count;
        if (round % 10 == 0) {
            append(head + 1, head + 23);
            head += 23;
        }
        if (round == 200)
            eventlog_tail_forget(tail);
    }
    eventlog_tail_close(&tail);
}

int main(void)
{
    srand(7);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_edges_of_a_log_are_known),
        cmocka_unit_test(a_position_is_taken_once),
        cmocka_unit_test(readers_see_every_event_once),
    };
    return cmocka_run_group_tests(tests, open_log, close_log);
}
