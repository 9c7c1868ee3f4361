/* The bus: channels between threads, requests between "processes" (two buses in one), tcp with
 * keys. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <zmq.h>

#include "common/bus.h"
#include "common/id.h"
#include "common/log.h"

/* ---- a server in a thread of its own, on a bus of its own ---- */

enum manner { ECHO, SILENT, NOT_LEADER, BURST, LARGE };
struct side {
    struct bus_options options;
    enum manner manner;
    struct bus *bus;
    struct bus_loop *loop;
    struct bus_server *server;
    struct bus_request *kept[4096];
    size_t nkept;
    int asked;
    pthread_t thread;
    int stop_fds[2];
    enum status opened;
    pthread_barrier_t ready;
};

static void reply(struct side *side, struct bus_request *request, enum status status)
{
    ReplyHeader header = PENSTOCK__BUS__V1__REPLY_HEADER__INIT;
    header.status = (Penstock__Bus__V1__Status)status;
    bus_server_reply_packed(side->server, &request, &header, request->payload,
                            request->payload_bytes);
}

static void reply_large(struct side *side, struct bus_request *request)
{
    ReplyHeader header = PENSTOCK__BUS__V1__REPLY_HEADER__INIT;
    uint8_t *bytes = calloc(1, BUS_MAX_MESSAGE_BYTES + 1);
    assert_non_null(bytes);
    header.status = PENSTOCK__BUS__V1__STATUS__STATUS_OK;
    bus_server_reply_packed(side->server, &request, &header, bytes, BUS_MAX_MESSAGE_BYTES + 1);
    free(bytes);
}

static void serve(void *context, struct bus_request *request)
{
    struct side *side = context;
    side->asked++;
    switch (side->manner) {
    case ECHO:
        reply(side, request, STATUS_OK);
        break;
    case NOT_LEADER:
        reply(side, request, STATUS_NOT_LEADER);
        break;
    case LARGE:
        reply_large(side, request);
        break;
    case SILENT:
        side->kept[side->nkept++] = request;
        break;
    case BURST: /* all answers at once, when a thousand have come */
        side->kept[side->nkept++] = request;
        while (side->nkept >= 1000 && side->nkept > 0)
            for (; side->nkept > 0; side->nkept--)
                reply(side, side->kept[side->nkept - 1], STATUS_OK);
        break;
    }
}

static void stop(void *context, int fd)
{
    (void)fd;
    bus_loop_stop(((struct side *)context)->loop);
}

static void *run_side(void *argument)
{
    struct side *side = argument;
    side->opened = bus_open(&side->options, &side->bus);
    if (side->opened == STATUS_OK) {
        side->loop = bus_loop_open(side->bus);
        side->opened = bus_server_open(side->loop, serve, side, &side->server);
    }
    pthread_barrier_wait(&side->ready);
    if (side->opened == STATUS_OK) {
        bus_loop_watch_fd(side->loop, side->stop_fds[0], stop, side);
        bus_loop_run(side->loop);
        assert_int_equal(bus_server_refused_replies(side->server), 0);
        while (side->nkept > 0)
            reply(side, side->kept[--side->nkept], STATUS_OK);
    }
    bus_loop_close(&side->loop);
    bus_close(&side->bus);
    return NULL;
}

static void side_start(struct side *side, const struct bus_options *options, enum manner manner)
{
    *side = (struct side){.options = *options, .manner = manner};
    assert_int_equal(pipe(side->stop_fds), 0);
    pthread_barrier_init(&side->ready, NULL, 2);
    pthread_create(&side->thread, NULL, run_side, side);
    pthread_barrier_wait(&side->ready);
}

static void side_end(struct side *side)
{
    assert_int_equal(write(side->stop_fds[1], "", 1), 1);
    pthread_join(side->thread, NULL);
    close(side->stop_fds[0]);
    close(side->stop_fds[1]);
}

/* ---- the asking side ---- */

static char folder[] = "/tmp/penstock-bus.XXXXXX";
struct asker {
    struct bus *bus;
    struct bus_loop *loop;
    struct bus_client *client;
    struct arena *arena;
};

static struct asker asker_open(const struct bus_options *options, int credit)
{
    struct asker asker;
    assert_int_equal(bus_open(options, &asker.bus), STATUS_OK);
    asker.loop = bus_loop_open(asker.bus);
    asker.client = bus_client_open(asker.loop, credit);
    asker.arena = arena_open(1 << 24);
    return asker;
}

static void asker_close(struct asker *asker)
{
    bus_loop_close(&asker->loop);
    bus_close(&asker->bus);
    arena_close(&asker->arena);
}

static enum status call(struct asker *asker, const char *text, int timeout_ms, char answer[256])
{
    Penstock__Bus__V1__Detail question = PENSTOCK__BUS__V1__DETAIL__INIT;
    RequestHeader header = PENSTOCK__BUS__V1__REQUEST_HEADER__INIT;
    char method[] = "echo.Echo";
    const ReplyHeader *reply_header;
    ProtobufCMessage *message = NULL;
    question.value = (char *)(uintptr_t)text;
    header.method = method;
    arena_reset(asker->arena);
    enum status status =
        bus_call(asker->client, "echo", &header, &question.base, timeout_ms,
                 &penstock__bus__v1__detail__descriptor, asker->arena, &reply_header, &message);
    if (status == STATUS_OK)
        snprintf(answer, 256, "%s", ((Penstock__Bus__V1__Detail *)message)->value);
    return status;
}

static const struct bus_options server_options = {.directory = folder, .self = "echo"};
static const struct bus_options asker_options = {.directory = folder, .self = "asker"};

static void a_request_is_answered(void **state)
{
    (void)state;
    struct side side;
    char answer[256];
    side_start(&side, &server_options, ECHO);
    struct asker asker = asker_open(&asker_options, 16);
    assert_int_equal(call(&asker, "hello", 2000, answer), STATUS_OK);
    assert_string_equal(answer, "hello");
    assert_true(bus_client_is_connected(asker.client, "echo"));
    assert_false(bus_client_is_connected(asker.client, "nobody"));
    side_end(&side);
    asker_close(&asker);
}

static void an_answer_beyond_the_limit_becomes_a_refusal(void **state)
{
    (void)state;
    struct side side;
    char answer[256];
    side_start(&side, &server_options, LARGE);
    struct asker asker = asker_open(&asker_options, 16);
    assert_int_equal(call(&asker, "hello", 2000, answer), STATUS_TOO_LARGE);
    side_end(&side);
    asker_close(&asker);
}

static void a_question_waits_for_a_service_that_is_starting(void **state)
{
    (void)state;
    struct side side;
    char answer[256];
    struct asker asker = asker_open(&asker_options, 16);
    assert_int_equal(call(&asker, "early", 200, answer), STATUS_UNAVAILABLE);
    side_start(&side, &server_options, ECHO);
    assert_int_equal(call(&asker, "late", 3000, answer), STATUS_OK);
    side_end(&side);
    asker_close(&asker);
}

static void silence_ends_at_the_deadline(void **state)
{
    (void)state;
    struct side side;
    char answer[256];
    side_start(&side, &server_options, SILENT);
    struct asker asker = asker_open(&asker_options, 16);
    int64_t before_us = clock_monotonic_us();
    assert_int_equal(call(&asker, "?", 300, answer), STATUS_DEADLINE);
    assert_in_range(clock_monotonic_us() - before_us, 250000, 900000);
    side_end(&side);
    asker_close(&asker);
}

static void who_leads_is_found_and_remembered(void **state)
{
    (void)state;
    struct side follower, leader;
    char answer[256];
    side_start(&follower, &server_options, NOT_LEADER);
    side_start(&leader, &server_options, ECHO);
    struct asker asker = asker_open(&asker_options, 16);
    for (int i = 0; i < 5; i++)
        assert_int_equal(call(&asker, "who?", 3000, answer), STATUS_OK);
    side_end(&leader);
    side_end(&follower);
    assert_in_range(follower.asked, 1, 3);
    asker_close(&asker);
}

static void a_dead_instance_is_left_for_the_next(void **state)
{
    (void)state;
    struct side first, second;
    char answer[256];
    side_start(&first, &server_options, ECHO);
    side_start(&second, &server_options, ECHO);
    struct asker asker = asker_open(&asker_options, 16);
    assert_int_equal(call(&asker, "one", 3000, answer), STATUS_OK);
    side_end(&first);
    usleep(50000);
    assert_int_equal(call(&asker, "two", 3000, answer), STATUS_OK);
    side_end(&second);
    asker_close(&asker);
}

/* ---- bursts and credit ---- */

static void counted(void *context, const ReplyHeader *header, const uint8_t *payload, size_t bytes)
{
    (void)payload;
    (void)bytes;
    int *counts = context;
    counts[header->status == PENSTOCK__BUS__V1__STATUS__STATUS_OK ? 0 : 1]++;
}

static void no_reply_of_a_burst_is_lost(void **state)
{
    (void)state;
    struct side side;
    side_start(&side, &server_options, BURST);
    struct asker asker = asker_open(&asker_options, 1000);
    int counts[2] = {0, 0};
    uint8_t payload[1000] = {0};
    RequestHeader header = PENSTOCK__BUS__V1__REQUEST_HEADER__INIT;
    char method[] = "echo.Echo";
    header.method = method;
    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < 1000; i++)
            assert_int_equal(bus_ask(asker.client, "echo", &header, payload, sizeof payload, 10000,
                                     counted, counts),
                             STATUS_OK);
        assert_int_equal(
            bus_ask(asker.client, "echo", &header, payload, sizeof payload, 10000, counted, counts),
            STATUS_UNAVAILABLE);
        while (counts[0] + counts[1] < (round + 1) * 1000)
            bus_loop_once(asker.loop, 100);
    }
    assert_int_equal(counts[0], 5000);
    side_end(&side);
    asker_close(&asker);
}

static void what_is_no_request_is_dropped(void **state)
{
    (void)state;
    struct side side;
    char answer[256], endpoint[128];
    side_start(&side, &server_options, ECHO);
    void *context = zmq_ctx_new();
    void *dealer = zmq_socket(context, ZMQ_DEALER);
    snprintf(endpoint, sizeof endpoint, "ipc://%s/echo.sock", folder);
    assert_int_equal(zmq_connect(dealer, endpoint), 0);
    zmq_send(dealer, "\xff\xff\xff", 3, 0);
    zmq_send(dealer, "\xff\xff\xff", 3, ZMQ_SNDMORE);
    zmq_send(dealer, "x", 1, 0);
    zmq_send(dealer, "", 0, ZMQ_SNDMORE);
    zmq_send(dealer, "", 0, ZMQ_SNDMORE);
    zmq_send(dealer, "too many", 8, 0);
    struct asker asker = asker_open(&asker_options, 16);
    assert_int_equal(call(&asker, "still there", 2000, answer), STATUS_OK);
    int linger = 0;
    zmq_setsockopt(dealer, ZMQ_LINGER, &linger, sizeof linger);
    zmq_close(dealer);
    zmq_ctx_term(context);
    side_end(&side);
    asker_close(&asker);
}

/* ---- tcp, with keys ---- */

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    assert_int_equal(chmod(path, 0600), 0);
}

struct keys {
    char server_file[128], asker_file[128], stranger_file[128], allow_file[128];
};

static struct keys make_keys(void)
{
    struct keys keys;
    char text[512], server_public[41], asker_public[41], public_key[41], secret[41];
    snprintf(keys.server_file, sizeof keys.server_file, "%s/server.key", folder);
    snprintf(keys.asker_file, sizeof keys.asker_file, "%s/asker.key", folder);
    snprintf(keys.stranger_file, sizeof keys.stranger_file, "%s/stranger.key", folder);
    snprintf(keys.allow_file, sizeof keys.allow_file, "%s/allow", folder);
    zmq_curve_keypair(server_public, secret);
    write_file(keys.server_file, secret);
    zmq_curve_keypair(asker_public, secret);
    write_file(keys.asker_file, secret);
    zmq_curve_keypair(public_key, secret);
    write_file(keys.stranger_file, secret);
    snprintf(text, sizeof text, "# who\necho %s\nasker %s\n", server_public, asker_public);
    write_file(keys.allow_file, text);
    return keys;
}

static void only_known_keys_get_in_over_tcp(void **state)
{
    (void)state;
    struct keys keys = make_keys();
    char endpoint[64], peers[96], answer[256];
    snprintf(endpoint, sizeof endpoint, "tcp://127.0.0.1:%d", 20000 + (int)getpid() % 20000);
    snprintf(peers, sizeof peers, "echo=%s", endpoint);
    struct bus_options serving = server_options, asking = asker_options;
    serving.bind = endpoint;
    serving.curve_secret_key_file = keys.server_file;
    serving.curve_allow_file = asking.curve_allow_file = keys.allow_file;
    asking.peers = peers;
    asking.curve_secret_key_file = keys.asker_file;
    struct side side;
    side_start(&side, &serving, ECHO);
    assert_int_equal(side.opened, STATUS_OK);
    struct asker asker = asker_open(&asking, 16);
    assert_int_equal(call(&asker, "with a key", 3000, answer), STATUS_OK);
    assert_string_equal(answer, "with a key");
    asker_close(&asker);
    asking.curve_secret_key_file = keys.stranger_file;
    asker = asker_open(&asking, 16);
    assert_int_equal(call(&asker, "let me in", 700, answer), STATUS_UNAVAILABLE);
    asker_close(&asker);
    side_end(&side);
}

static void tcp_without_keys_is_refused(void **state)
{
    (void)state;
    struct bus_options serving = server_options;
    char endpoint[] = "tcp://127.0.0.1:*";
    serving.bind = endpoint;
    struct side side;
    side_start(&side, &serving, ECHO);
    assert_int_not_equal(side.opened, STATUS_OK);
    side_end(&side);
}

static void a_key_that_others_can_read_is_refused(void **state)
{
    (void)state;
    struct keys keys = make_keys();
    assert_int_equal(chmod(keys.server_file, 0644), 0);
    struct bus_options options = server_options;
    options.curve_secret_key_file = keys.server_file;
    options.curve_allow_file = keys.allow_file;
    struct bus *bus;
    assert_int_equal(bus_open(&options, &bus), STATUS_INVALID);
}

static void a_folder_that_others_can_read_is_refused(void **state)
{
    (void)state;
    struct bus *bus;
    assert_int_equal(chmod(folder, 0755), 0);
    assert_int_equal(bus_open(&server_options, &bus), STATUS_INVALID);
    assert_int_equal(chmod(folder, 0700), 0);
}

/* ---- channels ---- */

#define SENT 200000
struct counter {
    struct bus *bus;
    intptr_t next;
    bool is_in_order;
    struct bus_loop *loop;
};

static void receive(void *context, void *pointer)
{
    struct counter *counter = context;
    counter->is_in_order &= (intptr_t)pointer == ++counter->next;
    if (counter->next == SENT)
        bus_loop_stop(counter->loop);
}

static void *count_pointers(void *argument)
{
    struct counter *counter = argument;
    counter->loop = bus_loop_open(counter->bus);
    bus_channel_connect(counter->loop, "pipe", receive, counter);
    bus_loop_run(counter->loop);
    bus_loop_close(&counter->loop);
    return NULL;
}

static void pointers_arrive_once_and_in_order(void **state)
{
    (void)state;
    struct bus *bus;
    pthread_t thread;
    assert_int_equal(bus_open(&asker_options, &bus), STATUS_OK);
    struct counter counter = {.bus = bus, .is_in_order = true};
    pthread_create(&thread, NULL, count_pointers, &counter);
    struct bus_loop *loop = bus_loop_open(bus);
    struct bus_channel *channel = bus_channel_bind(loop, "pipe", receive, NULL);
    for (intptr_t i = 1; i <= SENT;) {
        void *many[7];
        size_t n = 0;
        while (n < 7 && i <= SENT)
            many[n++] = (void *)i++;
        bus_channel_send_many(channel, many, n);
    }
    pthread_join(thread, NULL);
    assert_int_equal(counter.next, SENT);
    assert_true(counter.is_in_order);
    bus_loop_close(&loop);
    bus_close(&bus);
}

static void tick(void *context)
{
    ++*(int *)context;
}

static void timers_run_at_their_period(void **state)
{
    (void)state;
    struct bus *bus;
    int ticks = 0;
    assert_int_equal(bus_open(&asker_options, &bus), STATUS_OK);
    struct bus_loop *loop = bus_loop_open(bus);
    bus_loop_every(loop, 20, tick, &ticks);
    int64_t end_us = clock_monotonic_us() + 500000;
    while (clock_monotonic_us() < end_us)
        bus_loop_once(loop, 500);
    assert_in_range(ticks, 12, 26);
    bus_loop_close(&loop);
    bus_close(&bus);
}

static int make_folder(void **state)
{
    (void)state;
    log_open("test", LOG_ERROR);
    return mkdtemp(folder) == NULL;
}

static int remove_folder(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    log_close();
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_answered),
        cmocka_unit_test(an_answer_beyond_the_limit_becomes_a_refusal),
        cmocka_unit_test(a_question_waits_for_a_service_that_is_starting),
        cmocka_unit_test(silence_ends_at_the_deadline),
        cmocka_unit_test(who_leads_is_found_and_remembered),
        cmocka_unit_test(a_dead_instance_is_left_for_the_next),
        cmocka_unit_test(no_reply_of_a_burst_is_lost),
        cmocka_unit_test(what_is_no_request_is_dropped),
        cmocka_unit_test(only_known_keys_get_in_over_tcp),
        cmocka_unit_test(tcp_without_keys_is_refused),
        cmocka_unit_test(a_key_that_others_can_read_is_refused),
        cmocka_unit_test(a_folder_that_others_can_read_is_refused),
        cmocka_unit_test(pointers_arrive_once_and_in_order),
        cmocka_unit_test(timers_run_at_their_period),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
