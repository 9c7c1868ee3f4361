/* The inbox: its pure rules, and its rows on a real PostgreSQL. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "common/log.h"
#include "common/migrate.h"
#include "queries.h"
#include "services/gateway/inbox.h"
#include "services/gateway/rules_inbox.h"
#include "services/gateway/store_inbox.h"

extern const struct migration gateway_migrations[];
extern const size_t gateway_nmigrations;

#define NOW INT64_C(1794369603000000)
#define SECOND INT64_C(1000000)

static struct arena *arena;
static struct db *db;

static int open_database(void **unused)
{
    (void)unused;
    const char *dsn = getenv("PENSTOCK_TEST_DSN"), *message = NULL;
    arena = arena_open((size_t)256 << 20);
    log_open("gateway", LOG_WARN);
    if (dsn == NULL) {
        print_message("skipped: PENSTOCK_TEST_DSN is not set\n");
        return 0;
    }
    if (migrate_apply(dsn, "gateway", "penstock_gateway", gateway_migrations, gateway_nmigrations,
                      NULL, &message) != STATUS_OK) {
        print_error("%s\n", message);
        return -1;
    }
    const struct db_options options = {
        .dsn = dsn, .schema = "gateway", .queries = queries, .nqueries = Q_COUNT};
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
    int64_t number;
    return db == NULL || db_command(db, "TRUNCATE inbox_delivery, inbox_body", &number) == STATUS_OK
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

/* ---- rules ---- */

static const struct inbox_due some_due = {
    .channel = "tea", .channel_type = "shopify", .external_id = "1", .attempts = 0};

static struct inbox_result judge(enum status status, const char *code, int32_t before)
{
    struct inbox_due due = some_due;
    const struct inbox_answer answer = {status, code, "lines[0].sku", "No."};
    due.attempts = due.faults = before;
    return rules_inbox_judge(&due, &answer, NOW, arena);
}

static void refusals_park_with_their_reason(void **state)
{
    static const enum status refusals[] = {
        STATUS_INVALID,  STATUS_UNAUTHENTICATED, STATUS_FORBIDDEN, STATUS_NOT_FOUND,
        STATUS_CONFLICT, STATUS_STALE,           STATUS_TOO_LARGE};
    (void)state;
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        struct inbox_result result = judge(refusals[i], "too_long", 0);
        assert_int_equal(result.status, INBOX_PARKED);
        assert_string_equal(result.reason_code, "too_long");
        assert_string_equal(result.reason, "No. (lines[0].sku)");
    }
    assert_string_equal(judge(STATUS_INVALID, "", 0).reason_code, "refused");
}

static void nothing_is_parked_because_orders_is_away(void **state)
{
    static const enum status troubles[] = {STATUS_UNAVAILABLE, STATUS_DEADLINE, STATUS_NOT_LEADER,
                                           STATUS_TOO_MANY,    STATUS_RETRY,    STATUS_UNKNOWN};
    (void)state;
    for (size_t i = 0; i < sizeof(troubles) / sizeof(troubles[0]); i++) {
        struct inbox_result result = judge(troubles[i], "", 100000);
        assert_int_equal(result.status, INBOX_RECEIVED);
        assert_string_equal(result.reason_code, INBOX_AWAY);
        assert_true(result.next_attempt_at_us > NOW);
        assert_true(result.next_attempt_at_us <= NOW + 5 * SECOND);
    }
}

static void a_fault_is_tried_again_and_then_parked(void **state)
{
    (void)state;
    for (int32_t faults = 0; faults < INBOX_MAX_FAULTS + 2; faults++) {
        struct inbox_result result = judge(STATUS_INTERNAL, "internal", faults);
        bool is_over = faults + 1 >= INBOX_MAX_FAULTS;
        assert_int_equal(result.status, is_over ? INBOX_PARKED : INBOX_RECEIVED);
        assert_string_equal(result.reason_code, is_over ? "internal" : "orders_fault");
        assert_int_equal(result.faults, is_over ? 0 : faults + 1);
    }
}

static void a_delivery_read_otherwise_than_before_gets_an_identity_of_its_own(void **state)
{
    (void)state;
    struct inbox_result result = judge(STATUS_CONFLICT, "idempotency_key_reused", 0);
    assert_int_equal(result.status, INBOX_RECEIVED);
    assert_int_equal(result.more_replays, 1);
    assert_true(result.next_attempt_at_us == NOW);
}

static void pauses_grow_to_their_limit_and_are_spread(void **state)
{
    (void)state;
    struct uuid low = {{0}}, high = {{0}};
    high.bytes[15] = 255;
    assert_true(rules_inbox_pause_us(&low, 0, true) == SECOND / 4);
    assert_true(rules_inbox_pause_us(&low, 1, true) == SECOND / 2);
    assert_true(rules_inbox_pause_us(&low, 50, true) == 5 * SECOND);
    assert_true(rules_inbox_pause_us(&low, 50, false) == 60 * SECOND);
    assert_true(rules_inbox_pause_us(&high, 50, true) == 5 * SECOND * 3 / 4);
}

static void a_take_has_one_delivery_of_an_order_and_none_beside_a_suspect(void **state)
{
    (void)state;
    const struct inbox_due due[] = {
        {.channel = "tea", .external_id = "1", .body_bytes = 100},
        {.channel = "tea", .external_id = "1", .body_bytes = 100},
        {.channel = "cup", .external_id = "1", .body_bytes = 100},
        {.channel = "tea", .external_id = "", .body_bytes = 100},
        {.channel = "tea", .external_id = "", .body_bytes = 100},
        {.channel = "tea", .external_id = "2", .body_bytes = 100, .lost = 1},
        {.channel = "tea", .external_id = "3", .body_bytes = 1000},
        {.channel = "tea", .external_id = "4", .body_bytes = 50},
    };
    size_t chosen[8];
    assert_int_equal(rules_inbox_choose(due, 8, 500, chosen), 5);
    static const size_t expected[] = {0, 2, 3, 4, 7};
    assert_memory_equal(chosen, expected, sizeof(expected));
    assert_int_equal(rules_inbox_choose(due + 5, 3, 500, chosen), 1);
    assert_int_equal(rules_inbox_choose(due + 6, 2, 500, chosen), 1);
    assert_int_equal(rules_inbox_choose(due, 0, 500, chosen), 0);
}

/* ---- rows ---- */

static struct inbox_delivery *delivery_of(const char *identity, const char *external_id)
{
    struct inbox_delivery *delivery = ARENA_NEW(arena, struct inbox_delivery);
    *delivery = (struct inbox_delivery){.id = uuid_new(),
                                        .channel = "tea",
                                        .channel_type = "shopify",
                                        .topic = "orders/create",
                                        .event_identity = identity,
                                        .external_id = external_id,
                                        .source = "tea.example",
                                        .triggered_at_ns = 7,
                                        .traceparent = "",
                                        .body = (const uint8_t *)"{\"id\": 1}",
                                        .body_bytes = 9,
                                        .result = STATUS_INTERNAL};
    crypto_hash_sha256(delivery->body_hash, delivery->body, delivery->body_bytes);
    return delivery;
}

static void store(struct inbox_delivery **list, size_t count, int64_t now_us)
{
    OK(db_begin(db));
    OK(store_inbox_insert(db, arena, list, count, now_us));
    OK(db_commit(db));
}

static struct inbox_due *due_at(int64_t now_us, size_t *count)
{
    struct inbox_due *due;
    OK(store_inbox_due(db, now_us, 100, &due, count));
    return due;
}

static void an_event_is_stored_once_with_its_body(void **state)
{
    (void)state;
    NEEDS_SERVER();
    struct inbox_delivery *list[] = {delivery_of("a", "1"), delivery_of("b", "2"),
                                     delivery_of("a", "1"), delivery_of("c", "3")};
    store(list, 4, NOW);
    assert_int_equal(list[0]->result, STATUS_OK);
    assert_int_equal(list[1]->result, STATUS_OK);
    assert_int_equal(list[2]->result, STATUS_CONFLICT);
    assert_int_equal(list[3]->result, STATUS_OK);
    struct inbox_delivery *again[] = {delivery_of("c", "3"), delivery_of("d", "4")};
    again[1]->topic = "orders/paid";
    store(again, 2, NOW);
    assert_int_equal(again[0]->result, STATUS_CONFLICT);
    assert_int_equal(again[1]->result, STATUS_OK);
    assert_int_equal(number_of("SELECT count(*) FROM inbox_delivery"), 4);
    assert_int_equal(number_of("SELECT count(*) FROM inbox_delivery JOIN inbox_body USING (id)"
                               " WHERE sha256(body) = body_sha256"
                               " AND body_bytes = length(body)"),
                     4);
    assert_int_equal(number_of("SELECT count(*) FROM inbox_body"), 4);
}

/* A delivery with another identity than the 255 bytes that fit, or in another topic, is another. */
static void the_same_event_in_two_topics_is_two_deliveries(void **state)
{
    (void)state;
    NEEDS_SERVER();
    struct inbox_delivery *list[] = {delivery_of("a", "1"), delivery_of("a", "1"),
                                     delivery_of("a", "1")};
    list[1]->topic = "orders/paid";
    list[2]->channel = "cup";
    store(list, 3, NOW);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(list[i]->result, STATUS_OK);
}

static void take_one(const struct uuid *id, int64_t then_us)
{
    OK(db_begin(db));
    OK(store_inbox_take(db, id, 1, then_us));
    OK(db_commit(db));
}

static void finish(const struct inbox_result *result, int64_t now_us)
{
    OK(db_begin(db));
    store_inbox_result_add(db, result, now_us);
    OK(db_commit(db));
}

static struct inbox_result result_of(const struct uuid *id, enum inbox_status status,
                                     const char *code)
{
    return (struct inbox_result){.id = *id,
                                 .status = status,
                                 .reason_code = code,
                                 .reason = *code != '\0' ? "A sentence." : "",
                                 .order_number = "",
                                 .effect = ""};
}

static void what_was_taken_comes_back_only_after_its_time(void **state)
{
    (void)state;
    NEEDS_SERVER();
    struct inbox_delivery *list[] = {delivery_of("a", "1"), delivery_of("b", "2")};
    size_t count;
    store(list, 1, NOW);
    store(list + 1, 1, NOW + 1);
    struct inbox_due *due = due_at(NOW, &count);
    assert_int_equal(count, 1);
    due = due_at(NOW + 1, &count);
    assert_int_equal(count, 2);
    assert_true(uuid_equal(&due[0].id, &list[0]->id));
    assert_string_equal(due[0].channel_type, "shopify");
    assert_true(due[0].triggered_at_ns == 7);
    assert_memory_equal(due[0].body_sha256.bytes, list[0]->body_hash, 32);
    assert_true(uuid_is_nil(&due[0].order_id));
    assert_false(due[0].is_repeat);
    take_one(&due[0].id, NOW + SECOND);
    due = due_at(NOW + 1, &count);
    assert_int_equal(count, 1);
    due = due_at(NOW + SECOND, &count);
    assert_int_equal(count, 2);
    assert_int_equal(due[1].lost, 1);
    assert_int_equal(due[1].attempts, 0);
    /* The next leader does not wait for it. */
    take_one(&due[1].id, NOW + 100 * SECOND);
    OK(db_begin(db));
    OK(store_inbox_untake(db, NOW + SECOND));
    OK(db_commit(db));
    due_at(NOW + SECOND, &count);
    assert_int_equal(count, 2);
}

static void results_are_recorded_and_a_replay_starts_again(void **state)
{
    (void)state;
    NEEDS_SERVER();
    struct inbox_delivery *list[] = {delivery_of("a", "1"), delivery_of("b", "1"),
                                     delivery_of("c", "1")};
    struct inbox_row *row;
    size_t count;
    store(list, 3, NOW);
    struct inbox_result done = result_of(&list[0]->id, INBOX_DONE, "");
    done.order_id = uuid_new();
    done.order_number = "TEA-100001";
    done.effect = "placed";
    take_one(&list[0]->id, NOW + 9 * SECOND);
    finish(&done, NOW + 5);
    OK(store_inbox_by_id(db, &list[0]->id, &row));
    assert_int_equal(row->status, INBOX_DONE);
    assert_true(uuid_equal(&row->order_id, &done.order_id));
    assert_string_equal(row->order_number, "TEA-100001");
    assert_string_equal(row->effect, "placed");
    assert_true(row->done_at == NOW + 5);
    assert_int_equal(row->attempts, 1);
    struct inbox_result parked = result_of(&list[1]->id, INBOX_PARKED, "total_mismatch");
    finish(&parked, NOW + 6);
    struct inbox_due *due = due_at(NOW + 10, &count);
    assert_int_equal(count, 1);
    assert_true(uuid_equal(&due[0].order_id, &done.order_id));
    assert_string_equal(due[0].order_number, "TEA-100001");
    assert_true(due[0].is_repeat);
    /* A result for what is no longer received changes nothing. */
    finish(&parked, NOW + 7);
    OK(store_inbox_by_id(db, &list[1]->id, &row));
    assert_true(row->done_at == NOW + 6);
    assert_true(row->has_body);
    OK(db_begin(db));
    OK(store_inbox_replay(db, &list[1]->id, NOW + 20));
    OK(store_inbox_replay(db, &list[0]->id, NOW + 20));
    OK(db_commit(db));
    due = due_at(NOW + 20, &count);
    assert_int_equal(count, 3);
    assert_int_equal(due[1].replays + due[2].replays, 2);
    OK(store_inbox_by_id(db, &list[0]->id, &row));
    assert_string_equal(row->effect, "placed");
    assert_int_equal(row->attempts, 1);
}

/* What a shop changed back within one second has the same body, and was triggered later. */
static void the_same_body_of_a_later_moment_is_no_repeat(void **state)
{
    (void)state;
    NEEDS_SERVER();
    struct inbox_delivery *list[] = {delivery_of("a", "1"), delivery_of("b", "1"),
                                     delivery_of("c", "1"), delivery_of("d", "2")};
    size_t count;
    list[1]->triggered_at_ns = 8;
    list[2]->triggered_at_ns = 6;
    store(list, 4, NOW);
    struct inbox_result done = result_of(&list[0]->id, INBOX_DONE, "");
    done.order_id = uuid_new();
    finish(&done, NOW);
    struct inbox_due *due = due_at(NOW, &count);
    assert_int_equal(count, 3);
    assert_false(due[0].is_repeat);
    assert_true(due[1].is_repeat);
    assert_false(due[2].is_repeat);
    assert_true(uuid_is_nil(&due[2].order_id));
}

static void while_orders_is_away_the_others_wait_too(void **state)
{
    (void)state;
    NEEDS_SERVER();
    struct inbox_delivery *list[] = {delivery_of("a", "1"), delivery_of("b", "2")};
    bool is_waiting;
    store(list, 2, NOW);
    OK(store_inbox_is_waiting(db, NOW, &is_waiting));
    assert_false(is_waiting);
    struct inbox_result away = result_of(&list[0]->id, INBOX_RECEIVED, INBOX_AWAY);
    away.next_attempt_at_us = NOW + SECOND;
    take_one(&list[0]->id, NOW + 9 * SECOND);
    finish(&away, NOW);
    OK(store_inbox_is_waiting(db, NOW, &is_waiting));
    assert_true(is_waiting);
    OK(store_inbox_is_waiting(db, NOW + SECOND, &is_waiting));
    assert_false(is_waiting);
}

static void old_bodies_go_and_their_events_stay_known(void **state)
{
    (void)state;
    NEEDS_SERVER();
    struct inbox_delivery *list[] = {delivery_of("a", "1"), delivery_of("b", "2")};
    struct inbox_row *row;
    memset(list[0]->id.bytes, 0, 6);
    store(list, 2, NOW);
    struct uuid before = {{0, 0, 1}};
    OK(db_begin(db));
    OK(store_inbox_forget(db, &before, 100));
    OK(db_commit(db));
    OK(store_inbox_by_id(db, &list[0]->id, &row));
    assert_false(row->has_body);
    OK(store_inbox_by_id(db, &list[1]->id, &row));
    assert_true(row->has_body);
    struct inbox_delivery *again[] = {delivery_of("a", "1")};
    store(again, 1, NOW);
    assert_int_equal(again[0]->result, STATUS_CONFLICT);
}

static size_t page(struct inbox_filter *filter, struct inbox_row **rows)
{
    size_t count;
    OK(store_inbox_page(db, filter, rows, &count));
    return count;
}

static void lists_page_from_the_newest_by_status_channel_and_order(void **state)
{
    (void)state;
    NEEDS_SERVER();
    struct inbox_delivery *list[30];
    struct inbox_row *rows;
    for (size_t i = 0; i < 30; i++) {
        char identity[16];
        snprintf(identity, sizeof(identity), "e%zu", i);
        list[i] = delivery_of(arena_strdup(arena, identity), i % 10 == 0 ? "7" : "8");
        list[i]->channel = i % 2 == 0 ? "tea" : "cup";
    }
    store(list, 30, NOW);
    for (size_t i = 0; i < 30; i += 3) {
        struct inbox_result parked = result_of(&list[i]->id, INBOX_PARKED, "no_lines");
        finish(&parked, NOW);
    }
    struct inbox_filter filter = {.channel = "", .external_id = "", .limit = 20};
    assert_int_equal(page(&filter, &rows), 20);
    assert_true(uuid_equal(&rows[0].id, &list[29]->id));
    filter.before = rows[19].id;
    assert_int_equal(page(&filter, &rows), 10);
    assert_true(uuid_equal(&rows[9].id, &list[0]->id));
    filter = (struct inbox_filter){
        .channel = "", .external_id = "", .limit = 50, .status = INBOX_PARKED};
    assert_int_equal(page(&filter, &rows), 10);
    assert_string_equal(rows[0].reason_code, "no_lines");
    filter.channel = "tea";
    assert_int_equal(page(&filter, &rows), 5);
    filter.status = INBOX_RECEIVED;
    assert_int_equal(page(&filter, &rows), 10);
    filter.status = INBOX_DONE;
    assert_int_equal(page(&filter, &rows), 0);
    filter = (struct inbox_filter){.channel = "", .external_id = "7", .limit = 50};
    assert_int_equal(page(&filter, &rows), 3);
    filter.channel = "cup";
    assert_int_equal(page(&filter, &rows), 0);
    struct uuid unknown = uuid_new();
    assert_int_equal(store_inbox_by_id(db, &unknown, &rows), STATUS_NOT_FOUND);
}

#define ROWS_TEST(name) cmocka_unit_test_setup(name, empty_tables)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refusals_park_with_their_reason),
        cmocka_unit_test(nothing_is_parked_because_orders_is_away),
        cmocka_unit_test(a_fault_is_tried_again_and_then_parked),
        cmocka_unit_test(a_delivery_read_otherwise_than_before_gets_an_identity_of_its_own),
        cmocka_unit_test(pauses_grow_to_their_limit_and_are_spread),
        cmocka_unit_test(a_take_has_one_delivery_of_an_order_and_none_beside_a_suspect),
        ROWS_TEST(an_event_is_stored_once_with_its_body),
        ROWS_TEST(the_same_event_in_two_topics_is_two_deliveries),
        ROWS_TEST(what_was_taken_comes_back_only_after_its_time),
        ROWS_TEST(results_are_recorded_and_a_replay_starts_again),
        ROWS_TEST(the_same_body_of_a_later_moment_is_no_repeat),
        ROWS_TEST(while_orders_is_away_the_others_wait_too),
        ROWS_TEST(old_bodies_go_and_their_events_stay_known),
        ROWS_TEST(lists_page_from_the_newest_by_status_channel_and_order),
    };
    return cmocka_run_group_tests(tests, open_database, close_database);
}
