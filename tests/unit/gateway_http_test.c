/* The HTTP server: what it passes on and what comes back, hooks, keys that come and go, several
 * threads. */
#include "tests/unit/gateway_http_world.h"

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
    struct http_options options = {
        .bus = t.bus, .conf = another, .console_directory = "/nonexistent"};
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
