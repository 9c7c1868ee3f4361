/* The HTTP server over raw sockets: what it lets in, what it refuses and how, and what it passes
 * on. The service behind it is a bus server of this test that tells what reached it. */
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

static void answer_order(struct bus_request *request, const char *id, const char *note)
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

static void refuse_order(struct bus_request *request)
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

static void on_ask(void *context, struct bus_request *request)
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

static void on_tick(void *context)
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

static void *serve_orders(void *context)
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
static void on_delivery(void *context, void *pointer)
{
    struct inbox_delivery *delivery = pointer;
    (void)context;
    delivery->result = atomic_fetch_add(&t.delivered, 1) % 2 == 0 ? STATUS_OK : STATUS_CONFLICT;
    bus_channel_send(t.inbox, delivery);
}

static struct snapshot *make_snapshot(bool has_owner);

static void on_returned(void *context, void *pointer)
{
    struct snapshot *before = NULL, *returned = pointer;
    (void)context;
    if (returned == NULL)
        bus_channel_send(t.directory_channel, make_snapshot(atomic_load(&t.has_owner)));
    else
        before = atomic_exchange(&t.returned, returned);
    snapshot_close(&before);
}

static void on_stop_tick(void *context)
{
    if (atomic_load(&t.is_stopping))
        bus_loop_stop(context);
}

static void *serve_threads(void *context)
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

static struct snapshot *make_snapshot(bool has_owner)
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

static int set_up(void **state)
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
                                         .snapshots = {make_snapshot(true)},
                                         .has_directory = true,
                                         .has_inbox = true};
    if (http_open(&options, &t.http) != STATUS_OK)
        return -1;
    raw.port = http_port(t.http);
    return 0;
}

static int tear_down(void **state)
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

static int exchange(const char *text)
{
    return raw_exchange(text, strlen(text));
}

__attribute__((format(printf, 1, 2))) static int exchangef(const char *format, ...)
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

static int get(const char *path)
{
    return exchangef("GET %s HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %s\r\n\r\n", path, t.key);
}

static int post(const char *path, const char *headers, const char *body)
{
    return exchangef("POST %s HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %s\r\n%s"
                     "Content-Length: %zu\r\n\r\n%s",
                     path, t.key, headers, strlen(body), body);
}

static void assert_has(const char *piece)
{
    if (strstr(raw.answer, piece) == NULL)
        fail_msg("no \"%s\" in: %s", piece, raw.answer);
}

/* ---- what works ---- */

static void a_request_reaches_its_service_and_its_answer_comes_back(void **state)
{
    (void)state;
    assert_int_equal(get("/v1/orders/WEB%2D100001"), 200);
    assert_false(raw.is_closed);
    assert_has("\"id\":\"WEB-100001\"");
    assert_has("\"number\":\"key:03000000-0000-0000-0000-000000000000\"");
    assert_has("ETag: \"7\"\r\n");
    assert_has("Penstock-Position: orders=42\r\n");
    assert_has("Content-Type: application/json\r\n");
    assert_has("X-Content-Type-Options: nosniff\r\n");
    assert_has("traceparent: 00-");
}

static void a_trace_goes_on_and_a_bad_one_is_replaced(void **state)
{
    (void)state;
    static const char trace[] = "0af7651916cd43dd8448eb211c80319c";
    const char *const parents[] = {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                                   "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
                                   "00-00000000000000000000000000000000-b7ad6b7169203331-01",
                                   "junk"};
    for (size_t i = 0; i < sizeof parents / sizeof parents[0]; i++) {
        assert_int_equal(exchangef("GET /v1/orders/a HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer "
                                   "%s\r\ntraceparent: %s\r\n\r\n",
                                   t.key, parents[i]),
                         200);
        assert_int_equal(strstr(raw.answer, trace) != NULL, i == 0);
        assert_null(strstr(raw.answer, "b7ad6b7169203331"));
    }
}

static void a_command_carries_its_identity(void **state)
{
    (void)state;
    assert_int_equal(post("/v1/orders", "Idempotency-Key: k-1\r\n", "{\"channel\": \"web\"}"), 201);
    assert_has("\"note\":\"key:03000000-0000-0000-0000-000000000000/orders.PlaceOrder/k-1\"");
    assert_int_equal(post("/v1/orders/a/confirm", "", ""), 200);
    assert_has("\"note\":null");
}

static void without_a_key_what_moves_stock_or_money_is_refused(void **state)
{
    (void)state;
    int before = atomic_load(&t.asked);
    static const char *const paths[] = {"/v1/orders", "/v1/orders/a/cancel", "/v1/orders/a/refunds",
                                        "/v1/adjustments", "/v1/fulfillments/a/ship"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        assert_int_equal(post(paths[i], "", "{}"), 400);
        assert_has("\"code\":\"idempotency_key_required\"");
    }
    static const char *const bad[] = {"Idempotency-Key: a b\r\n", "Idempotency-Key: \r\n",
                                      "Idempotency-Key: \xc3\xa9\r\n"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(post("/v1/orders", bad[i], "{}"), 400);
    assert_int_equal(atomic_load(&t.asked), before);
}

static void a_refusal_becomes_a_problem(void **state)
{
    (void)state;
    assert_int_equal(get("/v1/orders/short"), 409);
    assert_has("Content-Type: application/problem+json\r\n");
    assert_has("\"type\":\"urn:penstock:problem:insufficient_stock\"");
    assert_has("\"title\":\"Insufficient stock\"");
    assert_has(
        "\"status\":409,\"code\":\"insufficient_stock\",\"detail\":\"There are 3 of TEE-M.\"");
    assert_has("\"field\":\"lines[0].quantity\",\"trace_id\":\"");
    assert_has("\"available\":3}");
}

static void a_service_that_is_away_or_silent_is_503_or_504(void **state)
{
    (void)state;
    int fd = raw_dial(raw.port);
    char text[512];
    int bytes =
        snprintf(text, sizeof text,
                 "GET /v1/orders/never HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %s\r\n\r\n"
                 "GET /v1/items HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %s\r\n\r\n",
                 t.key, t.key);
    raw_say(fd, text, (size_t)bytes);
    raw_hear(fd, 2500);
    close(fd);
    assert_int_equal(raw_status(), 504);
    assert_has("\"code\":\"deadline\"");
    assert_has("HTTP/1.1 503 Service Unavailable");
    assert_has("Retry-After: ");
}

static void who_may_not_is_told_why(void **state)
{
    (void)state;
    static const char request[] = "GET /v1/orders/a HTTP/1.1\r\nHost: a\r\n%s%s\r\n\r\n";
    assert_int_equal(exchangef(request, "X-A: ", "b"), 401);
    assert_has("WWW-Authenticate: Bearer realm=\"penstock\"\r\n");
    assert_int_equal(exchangef(request, "Authorization: Basic ", t.key), 401);
    assert_int_equal(exchangef(request, "Authorization: Bearer ", "pk_wrong"), 401);
    assert_has("error=\"invalid_token\"");
    assert_int_equal(exchangef(request, "Authorization: Bearer ", t.old_key), 401);
    assert_int_equal(exchangef(request, "Authorization: Bearer ", t.picker_key), 403);
    assert_has("orders:read");
    assert_has("picker");
}

static void unknown_addresses_and_methods_are_told_apart(void **state)
{
    (void)state;
    assert_int_equal(get("/v1/nothing"), 404);
    assert_int_equal(get("/v1/orders/a/cancel"), 405);
    assert_has("Allow: POST\r\n");
    assert_int_equal(get("/hooks/woo"), 405);
    assert_int_equal(exchange("PUT / HTTP/1.1\r\nHost: a\r\n\r\n"), 405);
    assert_int_equal(get("/v1/orders?colour=red"), 400);
    assert_has("\"field\":\"colour\"");
    assert_int_equal(get("/v1/orders?limit=1&limit=2"), 400);
    assert_int_equal(get("/v1/orders/a?id=b"), 400);
    assert_int_equal(post("/v1/orders/a/confirm?id=b", "", ""), 400);
    assert_int_equal(post("/v1/orders/a/confirm", "", "{\"id\": \"b\"}"), 400);
    assert_int_equal(post("/v1/orders/a/confirm", "If-Match: \"1\"\r\n", ""), 400);
    assert_int_equal(post("/v1/orders/a/confirm", "Content-Type: text/xml\r\n", "{}"), 415);
}

static void what_the_client_has_already_is_not_sent_again(void **state)
{
    (void)state;
    static const char request[] = "%s /v1/orders/a HTTP/1.1\r\nHost: a\r\nIf-None-Match: %s\r\n"
                                  "Authorization: Bearer %s\r\n\r\n";
    assert_int_equal(exchangef(request, "GET", "\"7\"", t.key), 304);
    assert_int_equal(exchangef(request, "GET", "\"6\"", t.key), 200);
    assert_int_equal(exchangef(request, "HEAD", "\"6\"", t.key), 200);
    assert_null(strstr(raw.answer, "\"id\""));
}

static void old_clients_and_pipelines_work(void **state)
{
    (void)state;
    assert_int_equal(
        exchangef("GET /v1/orders/a HTTP/1.0\r\nAuthorization: Bearer %s\r\n\r\n", t.key), 200);
    assert_true(raw.is_closed);
    assert_int_equal(exchangef("GET /v1/orders/a1 HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer "
                               "%s\r\n\r\nGET /v1/orders/a2 HTTP/1.1\r\nHost: a\r\nAuthorization: "
                               "Bearer %s\r\n\r\n",
                               t.key, t.key),
                     200);
    const char *first = strstr(raw.answer, "\"id\":\"a1\""),
               *second = strstr(raw.answer, "\"id\":\"a2\"");
    assert_true(first != NULL && second != NULL && first < second);
}

static void the_pages_need_no_key(void **state)
{
    (void)state;
    assert_int_equal(exchange("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), 200);
    assert_has("Content-Security-Policy: default-src 'none'");
    assert_int_equal(exchange("GET /livez HTTP/1.1\r\nHost: a\r\n\r\n"), 200);
    assert_int_equal(exchange("GET /openapi.json HTTP/1.1\r\nHost: a\r\n\r\n"), 200);
    assert_has("\"openapi\":\"3.1.0\"");
    assert_has("\"/v1/orders/{id}/holds/{hold_id}\"");
}

/* ---- what is refused ---- */

static void what_could_smuggle_a_request_is_refused_and_the_connection_closed(void **state)
{
    (void)state;
    static const char second[] = "GET /v1/orders/smuggled HTTP/1.1\r\nHost: a\r\n";
    static const struct {
        const char *headers, *body;
        int status;
    } cases[] = {
        {"Host: a\r\nContent-Length: 2\r\nContent-Length: 0\r\n", "{}", 400},
        {"Host: a\r\nContent-Length: 2\r\nContent-Length: 2\r\n", "{}", 400},
        {"Host: a\r\nHost: b\r\nContent-Length: 2\r\n", "{}", 400},
        {"Host: a\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n", 411},
        {"Host: a\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n", 411},
        {"Host: a\r\nTransfer-Encoding: gzip\r\n", "", 411},
        {"Host: a\r\nTransfer-Encoding : chunked\r\n", "0\r\n\r\n", 400},
        {"Host: a\r\nContent-Length : 2\r\n", "{}", 400},
        {"Host: a\r\nContent-Length: +2\r\n", "{}", 400},
        {"Host: a\r\nContent-Length: -2\r\n", "{}", 400},
        {"Host: a\r\nContent-Length: 0x2\r\n", "{}", 400},
        {"Host: a\r\nContent-Length: 2, 2\r\n", "{}", 400},
        {"Host: a\r\nX-A: b\r\n Content-Length: 2\r\nContent-Length: 0\r\n", "{}", 400},
        {"Host: a\r\n X-A: b\r\nContent-Length: 0\r\n", "", 400},
        {"Host: a\r\nX A: b\r\nContent-Length: 0\r\n", "", 400},
        {"Host: a\r\nX-A: \x01\r\nContent-Length: 0\r\n", "", 400},
        {"Content-Length: 2\r\n", "{}", 400},
        {"Host: a\r\nExpect: surprises\r\nContent-Length: 0\r\n", "", 417},
    };
    int before = atomic_load(&t.asked);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int status = exchangef("POST /v1/orders/a/confirm HTTP/1.1\r\nAuthorization: Bearer "
                               "%s\r\n%s\r\n%s%sAuthorization: Bearer %s\r\n\r\n",
                               t.key, cases[i].headers, cases[i].body, second, t.key);
        if (status != cases[i].status)
            fail_msg("%s: %s", cases[i].headers, raw.answer);
        if (!raw.is_closed)
            fail_msg("%s: still open", cases[i].headers);
        /* The library's own refusals may come with their head twice; nothing else may come. */
        assert_null(strstr(raw.answer, "HTTP/1.1 2"));
    }
    assert_int_equal(atomic_load(&t.asked), before);
}

static void odd_bytes_in_the_request_line_are_refused(void **state)
{
    (void)state;
    assert_int_equal(exchange("GET /li vez HTTP/1.1\r\nHost: a\r\n\r\n"), 400);
    assert_int_equal(exchange("GET /livez\x80 HTTP/1.1\r\nHost: a\r\n\r\n"), 400);
    assert_int_equal(exchange("GET /livez\x7f HTTP/1.1\r\nHost: a\r\n\r\n"), 400);
}

/* The library ends a value at a zero byte, so that the guard cannot see one; no proxy passes it on.
 */
static void a_zero_byte_starts_no_second_request(void **state)
{
    (void)state;
    static const char *const lines[] = {"GET /livez HTTP/1.1\r\nHost: a\r\nX-A: a\001b\r\n\r\n",
                                        "GET /livez HTTP/1.1\r\nHost: a\r\nX\001A: b\r\n\r\n",
                                        "GET /livez\001x HTTP/1.1\r\nHost: a\r\n\r\n"};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        char text[256];
        size_t bytes = strlen(lines[i]);
        memcpy(text, lines[i], bytes);
        for (size_t j = 0; j < bytes; j++)
            if (text[j] == 1)
                text[j] = 0;
        raw_exchange(text, bytes);
        assert_null(strstr(raw.answer + 9, "HTTP/1."));
    }
}

static void bare_line_feeds_end_lines_and_nothing_else(void **state)
{
    (void)state;
    int before = atomic_load(&t.asked);
    int status =
        exchangef("GET /v1/orders/a HTTP/1.1\nHost: a\nAuthorization: Bearer %s\n\n", t.key);
    assert_true(status == 200 || status == 400);
    assert_true(atomic_load(&t.asked) <= before + 1);
}

static void large_bodies_are_refused_before_they_are_sent(void **state)
{
    (void)state;
    static const char request[] = "POST /v1/orders HTTP/1.1\r\nHost: a\r\nIdempotency-Key: "
                                  "k\r\nAuthorization: Bearer %s\r\n%sContent-Length: %s\r\n\r\n";
    assert_int_equal(exchangef(request, t.key, "", "104857600"), 413);
    assert_true(raw.is_closed);
    assert_int_equal(exchangef(request, t.key, "", "9223372036854775807"), 413);
    assert_int_equal(exchangef(request, t.key, "", "92233720368547758070"), 413);
    assert_int_equal(exchangef(request, t.key, "Expect: 100-continue\r\n", "1048577"), 413);
    assert_true(raw.is_closed);
    assert_int_equal(exchangef(request, t.key, "Expect: 100-continue\r\n", "2"), 100);
    assert_int_equal(exchange("POST /hooks/woo HTTP/1.1\r\nHost: a\r\nContent-Length: 2097153\r\n"
                              "Expect: 100-continue\r\n\r\n"),
                     413);
}

static void a_body_that_is_a_little_too_large_is_read_so_that_the_client_hears_why(void **state)
{
    (void)state;
    size_t bytes = (3 << 20), head;
    char *text = calloc(1, bytes + 1024);
    head = (size_t)snprintf(text, 1024,
                            "POST /v1/orders HTTP/1.1\r\nHost: a\r\nIdempotency-Key: k\r\n"
                            "Authorization: Bearer %s\r\nContent-Length: %zu\r\n\r\n",
                            t.key, bytes);
    memset(text + head, ' ', bytes);
    assert_int_equal(raw_exchange(text, head + bytes), 413);
    assert_false(raw.is_closed);
    assert_has("\"code\":\"too_large\"");
    free(text);
}

static void many_long_or_odd_headers_are_refused(void **state)
{
    (void)state;
    char text[20000], *at = stpcpy(text, "GET /livez HTTP/1.1\r\nHost: a\r\n");
    for (int i = 0; i < 70; i++)
        at = stpcpy(at, "X-A: b\r\n");
    stpcpy(at, "\r\n");
    assert_int_equal(exchange(text), 431);
    at = stpcpy(text, "GET /livez HTTP/1.1\r\nHost: a\r\nX-A: ");
    memset(at, 'a', 8300);
    stpcpy(at + 8300, "\r\n\r\n");
    assert_int_equal(exchange(text), 431);
    at = stpcpy(text, "GET /");
    memset(at, 'a', 3000);
    stpcpy(at + 3000, " HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(exchange(text), 414);
    assert_int_equal(exchange("GET /livez HTTP/1.1\r\n\r\n"), 400);
    assert_int_equal(exchange("GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n"), 400);
    assert_int_equal(exchange("GET /../../etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n"), 404);
    exchange("\x16\x03\x01\x02junk\r\n\r\n");
    exchange("\r\n\r\n\r\n");
    assert_int_equal(get("/v1/orders/a"), 200);
}

static void bodies_that_are_not_what_they_should_be_name_the_field(void **state)
{
    (void)state;
    static const struct {
        const char *body, *code, *field;
    } cases[] = {
        {"{", "bad_json", "null"},
        {"", "", ""},
        {"null", "invalid_type", "null"},
        {"{\"a\":1,\"a\":1}", "duplicate_member", "null"},
        {"{\"note\": \"\\ud800\"}", "bad_utf8", "null"},
        {"{\"note\": \"\\u0000\"}", "bad_json", "null"},
        {"{\"note\": \"\xff\"}", "bad_utf8", "null"},
        {"{\"lines\": [{\"quantity\": 1e400}]}", "invalid_type", "\"lines[0].quantity\""},
        {"{\"lines\": [{\"quantity\": 99999999999999999999}]}", "out_of_range",
         "\"lines[0].quantity\""},
        {"{\"colour\": 1}", "unknown_member", "\"colour\""},
        {"{\"payments\": [{\"amount\": {\"amount\": \"9999999999999999\", \"currency\": "
         "\"HKD\"}}]}",
         "amount_too_large", "\"payments[0].amount.amount\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int status = post("/v1/orders", "Idempotency-Key: k\r\n", cases[i].body);
        if (cases[i].code[0] == '\0') {
            assert_int_equal(status, 201);
            continue;
        }
        char piece[128];
        assert_int_equal(status, 400);
        snprintf(piece, sizeof piece, "\"code\":\"%s\"", cases[i].code);
        assert_has(piece);
        snprintf(piece, sizeof piece, "\"field\":%s,", cases[i].field);
        assert_has(piece);
    }
}

static void deep_and_wide_bodies_are_refused(void **state)
{
    (void)state;
    size_t bytes = 1000000;
    char *text = malloc(bytes + 1);
    memset(text, '[', bytes);
    text[bytes] = '\0';
    assert_int_equal(post("/v1/orders", "Idempotency-Key: k\r\n", text), 400);
    assert_has("\"code\":\"too_deep\"");
    for (size_t i = 0; i + 2 <= bytes; i += 2)
        memcpy(text + i, "1,", 2);
    text[0] = '[';
    assert_int_equal(post("/v1/orders", "Idempotency-Key: k\r\n", text), 400);
    free(text);
}

/* ---- who is slow ---- */

static int64_t until_closed_ms(int fd, const char *bytes, int every_ms)
{
    int64_t start_us = clock_monotonic_us();
    for (; clock_monotonic_us() - start_us < 5000000; bytes += *bytes != '\0') {
        struct pollfd watched = {fd, POLLIN, 0};
        if (*bytes != '\0')
            raw_say(fd, bytes, 1);
        if (poll(&watched, 1, every_ms) == 1)
            break;
    }
    return (clock_monotonic_us() - start_us) / 1000;
}

static void a_request_that_trickles_in_is_cut_off(void **state)
{
    (void)state;
    int fd = raw_dial(raw.port);
    int64_t took_ms = until_closed_ms(fd,
                                      "GET /livez HTTP/1.1\r\nHost: aaaaaaaaaaaaaaaaaaaaaaaa"
                                      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                                      50);
    close(fd);
    assert_in_range(took_ms, 600, 2500);
    char text[512];
    snprintf(text, sizeof text,
             "POST /v1/orders/a/confirm HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer "
             "%s\r\nContent-Length: 1000\r\n\r\n",
             t.key);
    fd = raw_dial(raw.port);
    raw_say(fd, text, strlen(text));
    took_ms =
        until_closed_ms(fd, "                                                           ", 50);
    close(fd);
    assert_in_range(took_ms, 600, 2500);
}

static void idle_connections_keep_nobody_out(void **state)
{
    (void)state;
    int fds[500];
    for (size_t i = 0; i < 500; i++) {
        fds[i] = raw_dial(raw.port);
        raw_say(fds[i], "GET / HT", i % 2 == 0 ? 8 : 0);
    }
    int64_t start_us = clock_monotonic_us();
    int fd = raw_dial(raw.port);
    char text[256];
    snprintf(text, sizeof text,
             "GET /v1/orders/a HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %s\r\n\r\n", t.key);
    raw_say(fd, text, strlen(text));
    struct pollfd watched = {fd, POLLIN, 0};
    assert_int_equal(poll(&watched, 1, 1000), 1);
    assert_true(clock_monotonic_us() - start_us < 200000);
    close(fd);
    sleep(2);
    for (size_t i = 0; i < 500; i++) {
        char byte;
        assert_int_equal(recv(fds[i], &byte, 1, MSG_DONTWAIT), 0);
        close(fds[i]);
    }
}

/* ---- hooks ---- */

static int deliver(const char *channel, const char *topic, const char *body, const char *secret)
{
    uint8_t mac[crypto_auth_hmacsha256_BYTES];
    char signature[64];
    crypto_auth_hmacsha256_state hmac;
    crypto_auth_hmacsha256_init(&hmac, (const uint8_t *)secret, strlen(secret));
    crypto_auth_hmacsha256_update(&hmac, (const uint8_t *)body, strlen(body));
    crypto_auth_hmacsha256_final(&hmac, mac);
    sodium_bin2base64(signature, sizeof signature, mac, sizeof mac, sodium_base64_VARIANT_ORIGINAL);
    return exchangef(
        "POST /hooks/%s HTTP/1.1\r\nHost: a\r\nX-WC-Webhook-Signature: %s\r\n"
        "X-WC-Webhook-Topic: %s\r\nX-WC-Webhook-Delivery-ID: d1\r\n"
        "X-WC-Webhook-Source: https://shop.example/\r\nContent-Type: application/json\r\n"
        "X-WC-Webhook-ID: 1\r\nX-WC-Webhook-Resource: order\r\nX-WC-Webhook-Event: "
        "created\r\nContent-Length: %zu\r\n\r\n%s",
        channel, signature, topic, strlen(body), body);
}

static void a_signed_delivery_is_stored_before_it_is_acknowledged(void **state)
{
    (void)state;
    int before = atomic_load(&t.delivered);
    assert_int_equal(deliver("woo", "order.created", "{\"id\": 1}", "hook secret"), 200);
    assert_int_equal(deliver("woo", "order.created", "{\"id\": 1}", "hook secret"), 200);
    assert_int_equal(atomic_load(&t.delivered), before + 2);
}

static void an_unsigned_delivery_is_told_nothing(void **state)
{
    (void)state;
    int before = atomic_load(&t.delivered);
    assert_int_equal(deliver("woo", "order.created", "{\"id\": 1}", "another secret"), 401);
    assert_has("\"detail\":null");
    assert_int_equal(exchange("POST /hooks/woo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}"),
                     401);
    assert_int_equal(deliver("web", "order.created", "{}", "hook secret"), 404);
    assert_int_equal(deliver("nobody", "order.created", "{}", "hook secret"), 404);
    assert_int_equal(atomic_load(&t.delivered), before);
}

/* ---- the directory ---- */

/* Hands over a snapshot and waits for the one before. */
static struct snapshot *swap_snapshot(bool has_owner)
{
    struct snapshot *returned = atomic_exchange(&t.returned, NULL);
    snapshot_close(&returned);
    atomic_store(&t.has_owner, has_owner);
    bus_channel_send(t.directory_channel, make_snapshot(has_owner));
    while ((returned = atomic_exchange(&t.returned, NULL)) == NULL)
        usleep(1000);
    return returned;
}

static void a_revoked_key_is_out_with_the_next_snapshot(void **state)
{
    (void)state;
    assert_int_equal(get("/v1/orders/a"), 200);
    struct snapshot *returned = swap_snapshot(false);
    struct api_key *used = snapshot_find_key(returned, t.key, 0);
    assert_true(used->used_at_us > 0);
    snapshot_close(&returned);
    assert_int_equal(get("/v1/orders/a"), 401);
}

static void a_key_made_a_moment_ago_lets_in(void **state)
{
    (void)state;
    struct snapshot *returned = swap_snapshot(false);
    snapshot_close(&returned);
    atomic_store(&t.has_owner, true);
    assert_int_equal(get("/v1/orders/a"), 200);
    returned = swap_snapshot(false);
    snapshot_close(&returned);
    atomic_store(&t.has_owner, true);
    assert_int_equal(post("/v1/orders", "Idempotency-Key: k\r\n", "{\"note\": \"b\", \"x\": 1}"),
                     400);
    assert_has("\"field\":\"x\"");
    returned = swap_snapshot(false);
    snapshot_close(&returned);
    atomic_store(&t.has_owner, true);
    assert_int_equal(post("/v1/orders", "Idempotency-Key: k\r\nExpect: 100-continue\r\n", "{}"),
                     100);
    assert_has("HTTP/1.1 201");
}

/* ---- other servers ---- */

static struct http *open_another(struct gateway_conf *another)
{
    struct http *http;
    struct http_options options = {.bus = t.bus, .conf = another};
    for (int64_t i = 0; i < another->http_threads; i++)
        options.snapshots[i] = make_snapshot(true);
    return http_open(&options, &http) == STATUS_OK ? http : NULL;
}

static int status_from(int port, const char *headers, int silence_ms)
{
    char text[512];
    int fd = raw_dial(port);
    snprintf(text, sizeof text, "GET /v1/orders/a HTTP/1.1\r\nHost: a\r\n%s\r\n", headers);
    raw_say(fd, text, strlen(text));
    raw_hear(fd, silence_ms);
    close(fd);
    return raw_status();
}

static void rates_are_limited_when_configured(void **state)
{
    (void)state;
    struct gateway_conf limited = make_conf();
    limited.rate_per_ip = 1;
    limited.rate_burst = 3;
    struct http *http = open_another(&limited);
    int port = http_port(http);
    for (int i = 0; i < 3; i++)
        assert_int_equal(status_from(port, "X-Forwarded-For: 192.0.2.1\r\n", 50), 401);
    assert_int_equal(status_from(port, "X-Forwarded-For: 192.0.2.1\r\n", 50), 429);
    assert_has("Retry-After: 1\r\n");
    assert_int_equal(status_from(port, "X-Forwarded-For: 192.0.2.2\r\n", 50), 401);
    /* What a client claims in front of the trusted proxy's word counts for nothing. */
    assert_int_equal(status_from(port, "X-Forwarded-For: 192.0.2.9, 192.0.2.1\r\n", 50), 429);
    http_close(&http);
}

static void a_taken_address_is_said_to_be(void **state)
{
    (void)state;
    char listen[32];
    struct gateway_conf same = make_conf();
    snprintf(listen, sizeof listen, "127.0.0.1:%d", raw.port);
    same.listen = listen;
    assert_null(open_another(&same));
    same.http_threads = 2;
    assert_null(open_another(&same));
    same.listen = (char[]){"nowhere"};
    assert_null(open_another(&same));
}

static void several_threads_share_a_port_and_stopping_waits_for_what_is_under_way(void **state)
{
    (void)state;
    struct gateway_conf two = make_conf();
    char text[256];
    two.http_threads = 2;
    struct http *http = open_another(&two);
    int port = http_port(http);
    snprintf(text, sizeof text, "Authorization: Bearer %s\r\n", t.key);
    for (int i = 0; i < 10; i++)
        assert_int_equal(status_from(port, text, 250), 200);
    int fd = raw_dial(port);
    snprintf(text, sizeof text,
             "GET /v1/orders/slow HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %s\r\n\r\n", t.key);
    raw_say(fd, text, strlen(text));
    usleep(100000);
    http_close(&http);
    raw_hear(fd, 100);
    close(fd);
    assert_int_equal(raw_status(), 200);
    assert_has("\"id\":\"slow\"");
    assert_true(raw.is_closed);
}

static void the_address_is_told_in_a_file(void **state)
{
    (void)state;
    char path[128], text[64] = "", wanted[64];
    snprintf(path, sizeof path, "%s/http.address", t.directory);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_non_null(fgets(text, sizeof text, file));
    fclose(file);
    snprintf(wanted, sizeof wanted, "127.0.0.1:%d\n", raw.port);
    assert_string_equal(text, wanted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_reaches_its_service_and_its_answer_comes_back),
        cmocka_unit_test(a_trace_goes_on_and_a_bad_one_is_replaced),
        cmocka_unit_test(a_command_carries_its_identity),
        cmocka_unit_test(without_a_key_what_moves_stock_or_money_is_refused),
        cmocka_unit_test(a_refusal_becomes_a_problem),
        cmocka_unit_test(a_service_that_is_away_or_silent_is_503_or_504),
        cmocka_unit_test(who_may_not_is_told_why),
        cmocka_unit_test(unknown_addresses_and_methods_are_told_apart),
        cmocka_unit_test(what_the_client_has_already_is_not_sent_again),
        cmocka_unit_test(old_clients_and_pipelines_work),
        cmocka_unit_test(the_pages_need_no_key),
        cmocka_unit_test(what_could_smuggle_a_request_is_refused_and_the_connection_closed),
        cmocka_unit_test(odd_bytes_in_the_request_line_are_refused),
        cmocka_unit_test(a_zero_byte_starts_no_second_request),
        cmocka_unit_test(bare_line_feeds_end_lines_and_nothing_else),
        cmocka_unit_test(large_bodies_are_refused_before_they_are_sent),
        cmocka_unit_test(a_body_that_is_a_little_too_large_is_read_so_that_the_client_hears_why),
        cmocka_unit_test(many_long_or_odd_headers_are_refused),
        cmocka_unit_test(bodies_that_are_not_what_they_should_be_name_the_field),
        cmocka_unit_test(deep_and_wide_bodies_are_refused),
        cmocka_unit_test(a_request_that_trickles_in_is_cut_off),
        cmocka_unit_test(idle_connections_keep_nobody_out),
        cmocka_unit_test(a_signed_delivery_is_stored_before_it_is_acknowledged),
        cmocka_unit_test(an_unsigned_delivery_is_told_nothing),
        cmocka_unit_test(a_revoked_key_is_out_with_the_next_snapshot),
        cmocka_unit_test(a_key_made_a_moment_ago_lets_in),
        cmocka_unit_test(rates_are_limited_when_configured),
        cmocka_unit_test(a_taken_address_is_said_to_be),
        cmocka_unit_test(several_threads_share_a_port_and_stopping_waits_for_what_is_under_way),
        cmocka_unit_test(the_address_is_told_in_a_file),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
