/* Messages as rows, on a real PostgreSQL: queued once, taken once, never lost between the places
 * where a queued message can be. */
#include "services/notify/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/log.h"
#include "common/migrate.h"
#include "queries.h"
#include "services/notify/rules.h"

extern const struct migration notify_migrations[];
extern const size_t notify_nmigrations;

#define NOW INT64_C(1794369603000000)
#define MINUTE INT64_C(60000000)

static struct arena *arena;
static struct db *db;

static int open_database(void **unused)
{
    (void)unused;
    const char *dsn = getenv("PENSTOCK_TEST_DSN"), *message = NULL;
    if (dsn == NULL) {
        print_message("skipped: PENSTOCK_TEST_DSN is not set\n");
        return 0;
    }
    log_open("notify", LOG_WARN);
    arena = arena_open(1 << 26);
    if (migrate_apply(dsn, "notify", "penstock_notify", notify_migrations, notify_nmigrations, NULL,
                      &message) != STATUS_OK) {
        print_error("%s\n", message);
        return -1;
    }
    const struct db_options options = {
        .dsn = dsn, .schema = "notify", .queries = queries, .nqueries = Q_COUNT};
    if (db_open(&options, &db) != STATUS_OK)
        return -1;
    db_use_arena(db, arena);
    return 0;
}

static int close_database(void **unused)
{
    (void)unused;
    if (db != NULL)
        db_close(&db);
    arena_close(&arena);
    log_close();
    return 0;
}

static int empty_tables(void **unused)
{
    (void)unused;
    if (db == NULL)
        return 0;
    int64_t number;
    return db_command(db, "TRUNCATE message, retry, sending; UPDATE sender SET taken_position = 0",
                      &number) == STATUS_OK
               ? 0
               : -1;
}

#define NEEDS_SERVER()                                                                             \
    if (db == NULL)                                                                                \
    skip()
#define OK(expression) assert_int_equal((expression), STATUS_OK)

static int64_t number_of(const char *sql)
{
    int64_t number = -1;
    if (db_command(db, sql, &number) != STATUS_OK)
        fail_msg("%s: %s", sql, db_error(db));
    return number;
}

/* Every queued message is in exactly one of its three places. */
static void assert_each_is_in_one_place(void)
{
    assert_int_equal(
        number_of("SELECT count(*) FROM message m WHERE status = 1 AND 1 <> "
                  "(position > (SELECT taken_position FROM sender))::int"
                  " + (SELECT count(*) FROM retry r WHERE r.position = m.position)"
                  " + (SELECT count(*) FROM sending s WHERE m.position = ANY(s.positions))"),
        0);
    assert_int_equal(number_of("SELECT count(*) FROM retry JOIN message USING (position)"
                               " WHERE status <> 1"),
                     0);
}

static struct message_new message_about(const struct uuid *order, enum message_kind kind)
{
    struct message_new message = {.order_id = *order,
                                  .kind = kind,
                                  .status = MESSAGE_QUEUED,
                                  .message_id = "<x@example.com>"};
    message.id = rules_message_id(order, kind, order);
    return message;
}

/* Queues confirmations for new orders; the first order's id comes back. */
static struct uuid queue(size_t count)
{
    struct uuid first = {{0}};
    OK(db_begin(db));
    for (size_t i = 0; i < count; i++) {
        struct uuid order = uuid_new();
        if (i == 0)
            first = order;
        struct message_new message = message_about(&order, MESSAGE_ORDER_CONFIRMATION);
        char number[32];
        snprintf(number, sizeof(number), "WEB-%zu", 100001 + i);
        message.order_number = number;
        store_message_add(db, &message, NOW);
    }
    OK(db_commit(db));
    return first;
}

static size_t take_fresh(const struct uuid *batch, const struct uuid *run, size_t limit,
                         struct due **due)
{
    struct sender_look look;
    size_t count;
    OK(db_begin(db));
    OK(store_sender_look(db, NOW, run, 0, &look));
    OK(store_fresh_take(db, look.taken_position, limit, due, &count));
    int64_t *positions = ARENA_ARRAY(arena, count, int64_t);
    for (size_t i = 0; i < count; i++)
        positions[i] = (*due)[i].position;
    OK(store_sending_add(db, batch, run, NOW, positions, count));
    OK(db_commit(db));
    return count;
}

static void a_message_is_queued_once_however_often_it_is_told(void **unused)
{
    (void)unused;
    NEEDS_SERVER();
    struct uuid order = queue(1);
    struct message_new again = message_about(&order, MESSAGE_ORDER_CONFIRMATION);
    struct message_new parcel = message_about(&order, MESSAGE_SHIPMENT);
    OK(db_begin(db));
    store_message_add(db, &again, NOW + 1);
    store_message_add(db, &again, NOW + 2);
    store_message_add(db, &parcel, NOW + 3);
    OK(db_commit(db));
    assert_int_equal(number_of("SELECT count(*) FROM message"), 2);
    assert_int_equal(number_of("SELECT count(DISTINCT position) FROM message"), 2);
    assert_int_equal(number_of("SELECT count(*) FROM message WHERE kind = 1 AND order_number ="
                               " 'WEB-100001'"),
                     1);
}

static void fresh_messages_are_taken_once_in_order(void **unused)
{
    (void)unused;
    NEEDS_SERVER();
    queue(250);
    struct uuid run = uuid_new();
    size_t taken = 0;
    int64_t last = 0;
    for (size_t count = 1; count > 0; taken += count) {
        struct uuid batch = uuid_new();
        struct due *due;
        count = take_fresh(&batch, &run, 100, &due);
        for (size_t i = 0; i < count; i++) {
            assert_true(due[i].position > last);
            last = due[i].position;
        }
        assert_each_is_in_one_place();
        arena_reset(arena);
    }
    assert_int_equal(taken, 250);
}

static void a_result_ends_a_message_or_puts_it_off(void **unused)
{
    (void)unused;
    NEEDS_SERVER();
    queue(4);
    struct uuid run = uuid_new(), batch = uuid_new();
    struct due *due;
    assert_int_equal(take_fresh(&batch, &run, 10, &due), 4);
    OK(db_begin(db));
    const enum message_state states[] = {MESSAGE_SENT, MESSAGE_FAILED, MESSAGE_SUPPRESSED,
                                         MESSAGE_QUEUED};
    for (size_t i = 0; i < 4; i++) {
        const struct message_result result = {.position = due[i].position,
                                              .status = states[i],
                                              .attempts_more = 1,
                                              .locale = "en",
                                              .recipient_masked = "t***@example.com",
                                              .reason = i == 0 ? NULL : "because"};
        store_result_add(db, &result, NOW + MINUTE);
        if (states[i] == MESSAGE_QUEUED)
            store_retry_add(db, due[i].position, NOW + 2 * MINUTE, NOW, false);
    }
    OK(store_sending_delete(db, &batch, 1));
    OK(db_commit(db));
    assert_each_is_in_one_place();
    assert_int_equal(number_of("SELECT count(*) FROM message WHERE status = 2 AND sent_at IS NOT"
                               " NULL AND last_error IS NULL AND attempts = 1"),
                     1);
    assert_int_equal(number_of("SELECT count(*) FROM message WHERE gave_up_at IS NOT NULL"), 2);

    struct due *again;
    size_t count;
    OK(db_begin(db));
    OK(store_retry_take(db, NOW + MINUTE, 10, &again, &count));
    assert_int_equal(count, 0);
    OK(store_retry_take(db, NOW + 2 * MINUTE, 10, &again, &count));
    assert_int_equal(count, 1);
    assert_int_equal(again->attempts, 1);
    assert_int_equal(again->since_at, NOW);
    db_rollback(db);
}

static void what_a_dead_writer_had_under_way_is_ambiguous_and_due_again(void **unused)
{
    (void)unused;
    NEEDS_SERVER();
    queue(5);
    struct uuid dead = uuid_new(), alive = uuid_new(), lost = uuid_new(), kept = uuid_new();
    struct due *due;
    assert_int_equal(take_fresh(&lost, &dead, 3, &due), 3);
    assert_int_equal(take_fresh(&kept, &alive, 10, &due), 2);
    struct sender_look look;
    OK(db_begin(db));
    OK(store_sender_look(db, NOW, &alive, NOW - MINUTE, &look));
    assert_true(look.has_lost);
    assert_false(look.has_due);
    OK(store_sending_recover(db, &alive, NOW - MINUTE, NOW));
    OK(db_commit(db));
    assert_each_is_in_one_place();
    assert_int_equal(
        number_of("SELECT count(*) FROM message WHERE attempts = 1 AND ambiguous_attempts = 1"), 3);
    assert_int_equal(number_of("SELECT count(*) FROM retry"), 3);
    assert_int_equal(number_of("SELECT count(*) FROM sending"), 1);

    struct id_row *present;
    size_t count;
    const struct uuid both[] = {lost, kept};
    OK(db_begin(db));
    OK(store_sending_present(db, both, 2, &present, &count));
    assert_int_equal(count, 1);
    assert_true(uuid_equal(&present->id, &kept));
    /* A batch of our own that has been under way for too long is lost, too. */
    OK(store_sending_recover(db, &alive, NOW + MINUTE, NOW + MINUTE));
    OK(db_commit(db));
    assert_int_equal(number_of("SELECT count(*) FROM retry"), 5);
    assert_each_is_in_one_place();
}

static void a_late_result_changes_nothing_that_has_ended(void **unused)
{
    (void)unused;
    NEEDS_SERVER();
    queue(1);
    struct uuid run = uuid_new(), batch = uuid_new();
    struct due *due;
    take_fresh(&batch, &run, 1, &due);
    for (int i = 0; i < 2; i++) {
        OK(db_begin(db));
        const struct message_result result = {.position = due->position,
                                              .status = i == 0 ? MESSAGE_SENT : MESSAGE_FAILED,
                                              .attempts_more = 1,
                                              .reason = "late"};
        store_result_add(db, &result, NOW);
        OK(db_commit(db));
    }
    assert_int_equal(number_of("SELECT status FROM message"), MESSAGE_SENT);
    assert_int_equal(number_of("SELECT attempts FROM message"), 1);
}

static size_t list(struct message_filter filter, struct message_row **rows)
{
    size_t count;
    OK(db_begin_read_only(db));
    OK(store_message_list(db, &filter, rows, &count));
    OK(db_commit(db));
    return count;
}

static void messages_are_listed_newest_first_by_order_and_by_status(void **unused)
{
    (void)unused;
    NEEDS_SERVER();
    struct uuid order = queue(10);
    struct message_new parcel = message_about(&order, MESSAGE_SHIPMENT);
    OK(db_begin(db));
    store_message_add(db, &parcel, NOW + 1);
    OK(db_commit(db));
    struct message_row *rows;
    struct message_filter filter = {.before = INT64_MAX, .limit = 4};
    assert_int_equal(list(filter, &rows), 4);
    assert_int_equal(rows[0].kind, MESSAGE_SHIPMENT);
    filter.before = rows[3].position;
    filter.limit = 100;
    assert_int_equal(list(filter, &rows), 7);
    filter = (struct message_filter){.order_id = order, .before = INT64_MAX, .limit = 10};
    assert_int_equal(list(filter, &rows), 2);
    filter = (struct message_filter){.before = INT64_MAX, .limit = 100, .status = MESSAGE_QUEUED};
    assert_int_equal(list(filter, &rows), 11);
    filter.status = MESSAGE_FAILED;
    assert_int_equal(list(filter, &rows), 0);
    struct uuid found;
    OK(db_begin_read_only(db));
    OK(store_order_of_number(db, "WEB-100001", &found));
    assert_true(uuid_equal(&found, &order));
    assert_int_equal(store_order_of_number(db, "WEB-1", &found), STATUS_NOT_FOUND);
    OK(db_commit(db));
}

static void a_failed_message_can_be_queued_again_and_a_sent_one_cannot(void **unused)
{
    (void)unused;
    NEEDS_SERVER();
    struct uuid order = queue(2);
    struct uuid run = uuid_new(), batch = uuid_new();
    struct due *due;
    take_fresh(&batch, &run, 2, &due);
    OK(db_begin(db));
    for (size_t i = 0; i < 2; i++) {
        const struct message_result result = {.position = due[i].position,
                                              .status = i == 0 ? MESSAGE_FAILED : MESSAGE_SENT,
                                              .attempts_more = 1,
                                              .reason = "550 no"};
        store_result_add(db, &result, NOW);
    }
    OK(store_sending_delete(db, &batch, 1));
    OK(db_commit(db));
    struct uuid id = rules_message_id(&order, MESSAGE_ORDER_CONFIRMATION, &order);
    struct message_row *row;
    OK(db_begin(db));
    OK(store_message_by_id(db, &id, &row));
    assert_string_equal(row->last_error, "550 no");
    OK(store_message_requeue(db, row, NOW + MINUTE));
    OK(db_commit(db));
    assert_each_is_in_one_place();
    OK(db_begin(db));
    OK(store_message_requeue(db, row, NOW + MINUTE));
    assert_int_equal(db_commit(db), STATUS_STALE);
}

#define WITH_EMPTY_TABLES(test) cmocka_unit_test_setup(test, empty_tables)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_EMPTY_TABLES(a_message_is_queued_once_however_often_it_is_told),
        WITH_EMPTY_TABLES(fresh_messages_are_taken_once_in_order),
        WITH_EMPTY_TABLES(a_result_ends_a_message_or_puts_it_off),
        WITH_EMPTY_TABLES(what_a_dead_writer_had_under_way_is_ambiguous_and_due_again),
        WITH_EMPTY_TABLES(a_late_result_changes_nothing_that_has_ended),
        WITH_EMPTY_TABLES(messages_are_listed_newest_first_by_order_and_by_status),
        WITH_EMPTY_TABLES(a_failed_message_can_be_queued_again_and_a_sent_one_cannot),
    };
    return cmocka_run_group_tests(tests, open_database, close_database);
}
