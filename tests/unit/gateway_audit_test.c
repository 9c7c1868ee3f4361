/* What an HTTP thread notes for the audit, and how often. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "services/gateway/audit_internal.h"

#define SECOND INT64_C(1000000)

static struct {
    char directory[64];
    struct bus *bus;
    struct bus_loop *loop;
    struct audit *audit;
    struct audit_book *book;
    int received;
    int64_t times;
    char last[64];
} t;

static void receive(void *context, void *pointer)
{
    struct audit_box *box = pointer;
    (void)context;
    t.received++;
    t.times += box->note.times;
    snprintf(t.last, sizeof t.last, "%s %s %s", box->note.actor, box->note.action,
             box->note.target);
    free(box);
}

/* The audit thread is there for its count only: this program stands in for it as thread 1's. */
static int set_up(void **state)
{
    char name[AUDIT_CHANNEL_NAME_BYTES];
    (void)state;
    assert_true(sodium_init() >= 0);
    strcpy(t.directory, "/tmp/penstock-audit.XXXXXX");
    assert_non_null(mkdtemp(t.directory));
    const struct bus_options options = {.directory = t.directory, .self = "gateway"};
    assert_int_equal(bus_open(&options, &t.bus), STATUS_OK);
    assert_int_equal(audit_open(NULL, t.bus, 1, &t.audit), STATUS_OK);
    t.loop = bus_loop_open(t.bus);
    bus_channel_bind(t.loop, audit_channel_name(1, name), receive, NULL);
    t.book = audit_book_open(t.audit, t.loop, 1);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    audit_book_close(&t.book);
    bus_loop_once(t.loop, 0);
    bus_loop_close(&t.loop);
    audit_close(&t.audit);
    bus_close(&t.bus);
    char command[96];
    snprintf(command, sizeof command, "rm -rf %s", t.directory);
    return system(command);
}

static void note(const char *target, int64_t now_us)
{
    const struct audit_note it = {now_us, "person:1", "read", "GET /v1/orders/{id}",
                                  target, "::1",      1};
    audit_book_note(t.book, &it, now_us);
}

static int received(void)
{
    bus_loop_once(t.loop, 0);
    int count = t.received;
    t.received = 0;
    return count;
}

static void the_first_is_sent_at_once_and_the_rest_once_a_minute(void **state)
{
    (void)state;
    note("a", SECOND);
    assert_int_equal(received(), 1);
    assert_string_equal(t.last, "person:1 read a");
    t.times = 0;
    for (int i = 0; i < 1000; i++)
        note("a", 2 * SECOND);
    note("b", 2 * SECOND);
    assert_int_equal(received(), 1);
    assert_string_equal(t.last, "person:1 read b");
    audit_book_look(t.book, 30 * SECOND);
    assert_int_equal(received(), 0);
    t.times = 0;
    audit_book_look(t.book, 62 * SECOND);
    assert_int_equal(received(), 1); /* of b there was one only */
    assert_int_equal(t.times, 1000);
    /* A new minute begins with a first again. */
    note("a", 63 * SECOND);
    assert_int_equal(received(), 1);
}

static void what_nobody_stores_is_left_out_beyond_a_limit(void **state)
{
    char target[32];
    (void)state;
    int64_t before = atomic_load(audit_waiting(t.audit));
    for (int i = 0; i < AUDIT_MAX_WAITING + 500; i++) {
        snprintf(target, sizeof target, "order-%d", i);
        note(target, 100 * SECOND);
    }
    assert_int_equal(atomic_load(audit_waiting(t.audit)), AUDIT_MAX_WAITING);
    assert_int_equal(received(), AUDIT_MAX_WAITING - before);
    audit_book_look(t.book, 101 * SECOND); /* says so in the log */
    atomic_store(audit_waiting(t.audit), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_is_sent_at_once_and_the_rest_once_a_minute),
        cmocka_unit_test(what_nobody_stores_is_left_out_beyond_a_limit),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
