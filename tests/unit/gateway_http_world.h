/* gateway_http_world.h -- an HTTP server with something behind it, for tests over raw sockets.
 *
 * The service that it asks is a bus server of the test that tells what reached it; the inbox and
 * the directory are the test's ends of the channels. HTTP itself is the real thing.
 *
 * Included by one test program each; everything is static.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <assert.h>
#include <cmocka.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/id.h"
#include "penstock/orders/v1/orders.pb-c.h"
#include "services/gateway/http.h"
#include "services/gateway/inbox.h"
#include "tests/unit/gateway_raw_http.h"
/* ---- the service behind ---- */

static struct {
    char directory[64];
    struct bus *bus, *orders_bus;
    struct http *http;
    char key[API_KEY_TEXT_BYTES], picker_key[API_KEY_TEXT_BYTES], old_key[API_KEY_TEXT_BYTES];
    pthread_t thread;
    _Atomic bool is_stopping;
    _Atomic int asked, delivered;
    struct bus_server *server;
    struct bus_channel *inbox, *directory_channel;
    struct snapshot *_Atomic returned;
    _Atomic bool has_owner;
    struct bus_request *held;       /* a question that is answered late */
    struct bus_request *unanswered; /* and one when all is over */
} t;

static inline void answer_order(struct bus_request *request, const char *id, const char *note)
{
    Penstock__Orders__V1__Order order = PENSTOCK__ORDERS__V1__ORDER__INIT;
    Penstock__Orders__V1__GetOrderResponse answer = PENSTOCK__ORDERS__V1__GET_ORDER_RESPONSE__INIT;
    ReplyHeader header = PENSTOCK__BUS__V1__REPLY_HEADER__INIT;
    header.status = PENSTOCK__BUS__V1__STATUS__STATUS_OK;
    header.position = 42;
    order.id = (char *)(uintptr_t)id;
    order.note = (char *)(uintptr_t)note;
    order.number = request->header->actor;
    order.external_id = request->header->traceparent;
    order.version = 7;
    answer.order = &order;
    bus_server_reply(t.server, &request, &header, &answer.base);
}

static inline void refuse_order(struct bus_request *request)
{
    ReplyHeader header = PENSTOCK__BUS__V1__REPLY_HEADER__INIT;
    Penstock__Bus__V1__Detail available = PENSTOCK__BUS__V1__DETAIL__INIT;
    Penstock__Bus__V1__Detail *details[] = {&available};
    available.name = (char[]){"available"};
    available.value = (char[]){"3"};
    header.status = PENSTOCK__BUS__V1__STATUS__STATUS_CONFLICT;
    header.code = (char[]){"insufficient_stock"};
    header.field = (char[]){"lines[0].quantity"};
    header.message = (char[]){"There are 3 of TEE-M."};
    header.details = details;
    header.n_details = 1;
    bus_server_reply(t.server, &request, &header, NULL);
}

static inline void on_ask(void *context, struct bus_request *request)
{
    (void)context;
    atomic_fetch_add(&t.asked, 1);
    if (strcmp(request->header->method, "orders.GetOrder") == 0) {
        Penstock__Orders__V1__GetOrderRequest *question =
            penstock__orders__v1__get_order_request__unpack(NULL, request->payload_bytes,
                                                            request->payload);
        if (strcmp(question->id, "slow") == 0)
            t.held = request;
        else if (strcmp(question->id, "short") == 0)
            refuse_order(request);
        else if (strcmp(question->id, "never") == 0)
            t.unanswered = request;
        else
            answer_order(request, question->id, request->header->command_id);
        penstock__orders__v1__get_order_request__free_unpacked(question, NULL);
        return;
    }
    answer_order(request, "new", request->header->command_id);
}

static inline void on_tick(void *context)
{
    static int rounds;
    if (t.held != NULL && ++rounds == 20) {
        struct bus_request *request = t.held;
        rounds = 0;
        t.held = NULL;
        answer_order(request, "slow", "");
    }
    if (!atomic_load(&t.is_stopping))
        return;
    if (t.unanswered != NULL)
        answer_order(t.unanswered, "", "");
    t.unanswered = NULL;
    bus_loop_stop(context);
}

static inline void *serve_orders(void *context)
{
    struct bus_loop *loop = bus_loop_open(t.orders_bus);
    (void)context;
    enum status status = bus_server_open(loop, on_ask, NULL, &t.server);
    assert(status == STATUS_OK);
    bus_loop_every(loop, 20, on_tick, loop);
    bus_loop_run(loop);
    bus_loop_close(&loop);
    return NULL;
}

/* The inbox and the directory, as the threads of the gateway see them. */
static inline void on_delivery(void *context, void *pointer)
{
    struct inbox_delivery *delivery = pointer;
    (void)context;
    delivery->result = atomic_fetch_add(&t.delivered, 1) % 2 == 0 ? STATUS_OK : STATUS_CONFLICT;
    bus_channel_send(t.inbox, delivery);
}

static inline struct snapshot *make_snapshot(bool has_owner);

static inline void on_returned(void *context, void *pointer)
{
    struct snapshot *before = NULL, *returned = pointer;
    (void)context;
    if (returned == NULL)
        bus_channel_send(t.directory_channel, make_snapshot(atomic_load(&t.has_owner)));
    else
        before = atomic_exchange(&t.returned, returned);
    snapshot_close(&before);
}

static inline void on_stop_tick(void *context)
{
    if (atomic_load(&t.is_stopping))
        bus_loop_stop(context);
}

static inline void *serve_threads(void *context)
{
    struct bus_loop *loop = bus_loop_open(t.bus);
    char name[64];
    (void)context;
    t.inbox = bus_channel_bind(loop, inbox_channel_name(0, name), on_delivery, NULL);
    t.directory_channel =
        bus_channel_bind(loop, http_directory_channel(0, name), on_returned, NULL);
    bus_loop_every(loop, 20, on_stop_tick, loop);
    bus_loop_run(loop);
    bus_loop_close(&loop);
    return NULL;
}

static inline struct snapshot *make_snapshot(bool has_owner)
{
    static const uint8_t secret[] = "hook secret";
    struct snapshot *snapshot = snapshot_open(0);
    const struct {
        const char *text, *role;
        int64_t expires_at_us;
    } keys[] = {{t.picker_key, "picker", 0}, {t.old_key, "owner", 1}, {t.key, "owner", 0}};
    snapshot->nkeys = has_owner ? 3 : 2;
    snapshot->keys = ARENA_ARRAY(snapshot->arena, 3, struct api_key);
    for (size_t i = 0; i < snapshot->nkeys; i++) {
        crypto_hash_sha256(snapshot->keys[i].hash, (const uint8_t *)keys[i].text,
                           strlen(keys[i].text));
        snapshot->keys[i].id = (struct uuid){{(uint8_t)(i + 1)}};
        snapshot->keys[i].role = role_find(keys[i].role);
        snapshot->keys[i].expires_at_us = keys[i].expires_at_us;
    }
    struct channel *channels = ARENA_ARRAY(snapshot->arena, 2, struct channel);
    channels[0] =
        (struct channel){.name = "web", .type = "api", .number_prefix = "WEB", .is_active = true};
    channels[1] = (struct channel){.name = "woo",
                                   .type = "woocommerce",
                                   .number_prefix = "WOO",
                                   .is_active = true,
                                   .secret = secret,
                                   .secret_bytes = sizeof secret - 1};
    snapshot->channels = channels;
    snapshot->nchannels = 2;
    snapshot_sort(snapshot);
    return snapshot;
}

static struct gateway_conf make_conf(void)
{
    static char listen[] = "127.0.0.1:0", proxies[] = "127.0.0.0/8";
    return (struct gateway_conf){.listen = listen,
                                 .http_threads = 1,
                                 .request_timeout_ms = 1000,
                                 .max_connections = 4096,
                                 .header_timeout_ms = 700,
                                 .body_timeout_ms = 700,
                                 .idle_timeout_ms = 60000,
                                 .trusted_proxies = proxies,
                                 .rate_burst = 100,
                                 .inbox_queue = 16};
}

static pthread_t threads_thread;
static struct gateway_conf conf;

static inline int set_up(void **state)
{
    (void)state;
    uint8_t hash[API_KEY_HASH_BYTES];
    assert(sodium_init() >= 0);
    strcpy(t.directory, "/tmp/penstock-http.XXXXXX");
    assert(mkdtemp(t.directory) != NULL);
    api_key_new(t.key, hash);
    api_key_new(t.picker_key, hash);
    api_key_new(t.old_key, hash);
    const struct bus_options gateway = {.directory = t.directory, .self = "gateway"};
    const struct bus_options orders = {.directory = t.directory, .self = "orders"};
    if (bus_open(&gateway, &t.bus) != STATUS_OK || bus_open(&orders, &t.orders_bus) != STATUS_OK)
        return -1;
    pthread_create(&t.thread, NULL, serve_orders, NULL);
    pthread_create(&threads_thread, NULL, serve_threads, NULL);
    conf = make_conf();
    atomic_store(&t.has_owner, true);
    const struct http_options options = {.bus = t.bus,
                                         .conf = &conf,
                                         .run_directory = t.directory,
                                         .console_directory = "/nonexistent",
                                         .snapshots = {make_snapshot(true)},
                                         .has_directory = true,
                                         .has_inbox = true};
    if (http_open(&options, &t.http) != STATUS_OK)
        return -1;
    raw.port = http_port(t.http);
    return 0;
}

static inline int tear_down(void **state)
{
    char path[128];
    (void)state;
    http_close(&t.http);
    atomic_store(&t.is_stopping, true);
    pthread_join(t.thread, NULL);
    pthread_join(threads_thread, NULL);
    struct snapshot *returned = atomic_load(&t.returned);
    snapshot_close(&returned);
    bus_close(&t.bus);
    bus_close(&t.orders_bus);
    snprintf(path, sizeof path, "rm -rf %s", t.directory);
    return system(path);
}

/* ---- raw sockets ---- */

static inline int exchange(const char *text)
{
    return raw_exchange(text, strlen(text));
}

__attribute__((format(printf, 1, 2))) static inline int exchangef(const char *format, ...)
{
    char *text;
    va_list arguments;
    va_start(arguments, format);
    int bytes = vasprintf(&text, format, arguments);
    va_end(arguments);
    assert_true(bytes > 0);
    int status = raw_exchange(text, (size_t)bytes);
    free(text);
    return status;
}

static inline int get(const char *path)
{
    return exchangef("GET %s HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %s\r\n\r\n", path, t.key);
}

static inline int post(const char *path, const char *headers, const char *body)
{
    return exchangef("POST %s HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %s\r\n%s"
                     "Content-Length: %zu\r\n\r\n%s",
                     path, t.key, headers, strlen(body), body);
}

static inline void assert_has(const char *piece)
{
    if (strstr(raw.answer, piece) == NULL)
        fail_msg("no \"%s\" in: %s", piece, raw.answer);
}
