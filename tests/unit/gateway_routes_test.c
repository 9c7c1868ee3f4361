/* The route table, the roles and the HTTP guard. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/gateway/address.h"
#include "services/gateway/http_guard.h"
#include "services/gateway/json.h"
#include "services/gateway/openapi.h"
#include "services/gateway/rate.h"
#include "services/gateway/roles.h"
#include "services/gateway/routes.h"
#include "services/gateway/transcode.h"

static struct arena *arena;

static void every_route_names_an_rpc_that_exists(void **state)
{
    (void)state;
    struct endpoints *endpoints = endpoints_open();
    assert_true(endpoints->count > 40);
    for (size_t i = 0; i < endpoints->count; i++)
        assert_string_equal(endpoints->list[i].rpc->name, endpoints->list[i].route->rpc);
    endpoints_close(&endpoints);
}

static void every_parameter_of_a_path_is_a_text_field_of_its_request(void **state)
{
    (void)state;
    struct endpoints *endpoints = endpoints_open();
    for (size_t i = 0; i < endpoints->count; i++) {
        const struct endpoint *endpoint = &endpoints->list[i];
        for (size_t j = 0; j < endpoint->nsegments; j++) {
            bool names_service = endpoint->bus_method == NULL && j == endpoint->service_segment;
            if (!endpoint->is_parameter[j] || names_service)
                continue;
            const ProtobufCFieldDescriptor *field =
                transcode_field(endpoint->rpc->input, endpoint->segments[j]);
            assert_non_null(field);
            assert_int_equal(field->type, PROTOBUF_C_TYPE_STRING);
        }
    }
    endpoints_close(&endpoints);
}

static void
every_route_takes_a_permission_that_the_owner_has_and_nobody_else_by_accident(void **state)
{
    (void)state;
    const struct role *owner = role_find("owner");
    for (const struct http_route *route = http_routes; route->pattern != NULL; route++) {
        assert_non_null(route->permission);
        if ((route->flags & ROUTE_PUBLIC) != 0)
            continue;
        assert_true(role_allows(owner, route->permission));
        /* Reading takes a right to read, writing one to write; but whoever reads orders keeps views
         * of them, and what only says what would be changes nothing. */
        const char *last = strrchr(route->pattern, '/');
        if (strncmp(route->pattern, "/v1/views", strlen("/v1/views")) == 0 ||
            strcmp(last, "/dry-run") == 0 || strcmp(last, "/preview") == 0)
            continue;
        const char *verb = strchr(route->permission, ':') + 1;
        assert_string_equal(verb, route->method == HTTP_GET ? "read" : "write");
    }
    for (const struct role *role = roles; role->name != NULL; role++)
        for (const char *const *permission = role->permissions; *permission != NULL; permission++)
            assert_true(role_allows(owner, *permission));
}

static void roles_have_the_rights_of_their_work_only(void **state)
{
    (void)state;
    static const struct {
        const char *role, *permission;
        bool is_allowed;
    } cases[] = {
        {"picker", "fulfillment:write", true},      {"picker", "orders:read", false},
        {"picker", "payments:write", false},        {"packer", "orders:read", false},
        {"finance", "payments:write", true},        {"finance", "stock:write", false},
        {"read_only", "orders:read", true},         {"read_only", "orders:write", false},
        {"customer_service", "orders:write", true}, {"customer_service", "payments:write", false},
        {"order_desk", "settings:write", false},    {"store", "settings:read", false},
        {"order_desk", "internal", false},          {"owner", "internal", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(role_allows(role_find(cases[i].role), cases[i].permission),
                         cases[i].is_allowed);
    for (const struct role *role = roles; role->name != NULL; role++)
        for (const char *const *at = role->permissions; *at != NULL; at++)
            if (strcmp(role->name, "read_only") == 0 && strcmp(*at, "self:write") != 0)
                assert_non_null(strstr(*at, ":read"));
    assert_null(role_find("root"));
}

static void a_path_finds_its_route(void **state)
{
    (void)state;
    static const struct {
        const char *method, *path, *rpc, *allow;
    } cases[] = {
        {"POST", "/v1/orders", "PlaceOrder", NULL},
        {"HEAD", "/v1/orders", "ListOrders", NULL},
        {"GET", "/v1/orders/WEB-100001", "GetOrder", NULL},
        {"DELETE", "/v1/orders/a/holds/b", "ReleaseHold", NULL},
        {"GET", "/v1/items/A%2FB", "GetItem", NULL},
        {"PUT", "/v1/orders", NULL, "POST, GET, HEAD"},
        {"GET", "/v1/orders/a/cancel", NULL, "POST"},
        {"GET", "/v1/services/orders/parked", "ListParked", NULL},
        {"GET", "/v1/services/nothing/parked", NULL, ""},
        {"GET", "/v1/nothing", NULL, ""},
        {"GET", "/v1", NULL, ""},
        {"GET", "/", NULL, ""},
    };
    struct endpoints *endpoints = endpoints_open();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct http_uri uri;
        struct http_refusal refusal;
        char allow[ROUTE_ALLOW_BYTES];
        assert_true(http_guard_uri(cases[i].path, arena, &uri, &refusal));
        const struct endpoint *found = endpoints_find(endpoints, cases[i].method, &uri, allow);
        if (cases[i].rpc != NULL)
            assert_string_equal(found->route->rpc, cases[i].rpc);
        else
            assert_string_equal(allow, cases[i].allow);
    }
    endpoints_close(&endpoints);
}

/* ---- the guard ---- */

static int status_of_uri(const char *raw, struct http_uri *uri)
{
    struct http_refusal refusal = {200, "", "", false};
    return http_guard_uri(raw, arena, uri, &refusal) ? 200 : refusal.status;
}

static void a_query_is_decoded_and_bad_encoding_is_refused(void **state)
{
    (void)state;
    struct http_uri uri;
    assert_int_equal(status_of_uri("/v1/levels?sku=A%26B+C&at=&x", &uri), 200);
    assert_int_equal(uri.nparameters, 3);
    assert_string_equal(uri.parameters[0].value, "A&B C");
    assert_string_equal(uri.parameters[1].value, "");
    assert_string_equal(uri.parameters[2].name, "x");
    static const char *const bad[] = {"/a?b=%", "/a?b=%4",  "/a?b=%zz",   "/a?b=%00",
                                      "/%00",   "/%ff",     "/a?b=%c3",   "/%0a",
                                      "a",      "/a?%01=1", "/a?b=%c0%80"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(status_of_uri(bad[i], &uri), 400);
    static const char *const nowhere[] = {
        "//", "/a//b", "/a/", "/../etc", "/%2e%2e", "/a/./b", "/1/2/3/4/5/6/7/8/9"};
    for (size_t i = 0; i < sizeof nowhere / sizeof nowhere[0]; i++)
        assert_int_equal(status_of_uri(nowhere[i], &uri), 404);
}

static void long_addresses_and_many_parameters_are_refused(void **state)
{
    (void)state;
    struct http_uri uri;
    char raw[2100];
    memset(raw, 'a', sizeof raw);
    raw[0] = '/';
    raw[2048] = '\0';
    assert_int_equal(status_of_uri(raw, &uri), 200);
    raw[2048] = 'a';
    raw[2049] = '\0';
    assert_int_equal(status_of_uri(raw, &uri), 414);
    char *at = stpcpy(raw, "/a?x=1");
    for (int i = 0; i < 32; i++)
        at = stpcpy(at, "&x=1");
    assert_int_equal(status_of_uri(raw, &uri), 400);
}

static struct http_header header(const char *name, const char *value)
{
    return (struct http_header){name, value, strlen(name), strlen(value)};
}

static int status_of_headers(const struct http_header *headers, size_t count)
{
    struct http_framing framing;
    struct http_refusal refusal = {200, "", "", false};
    bool is_good = http_guard_headers(headers, count, true, &framing, &refusal);
    assert_true(is_good || refusal.closes);
    return is_good ? 200 : refusal.status;
}

static void what_two_parsers_may_read_in_two_ways_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name, *value, *second_name, *second_value;
        int status;
    } cases[] = {
        {"Content-Length", "3", "Host", "a", 200},
        {"Content-Length", "3", "content-length", "3", 400},
        {"Host", "a", "HOST", "b", 400},
        {"Content-Length", "3", "Transfer-Encoding", "chunked", 411},
        {"Transfer-Encoding", "identity", "Host", "a", 411},
        {"transfer-encoding", "", "Host", "a", 411},
        {"Content-Length ", "3", "Host", "a", 400},
        {"Content-Length", "+5", "Host", "a", 400},
        {"Content-Length", "5 ", "Host", "a", 400},
        {"Content-Length", "0x5", "Host", "a", 400},
        {"Content-Length", "-1", "Host", "a", 400},
        {"Content-Length", "3, 3", "Host", "a", 400},
        {"Content-Length", "", "Host", "a", 400},
        {"Content-Length", "99999999999999999999", "Host", "a", 400},
        {"X-A", "a\x01", "Host", "a", 400},
        {"X-A", "a\x7f", "Host", "a", 400},
        {"X-A", "a\tb", "Host", "a", 200},
        {" X-A", "a", "Host", "a", 400},
        {"X A", "a", "Host", "a", 400},
        {"X\tA", "a", "Host", "a", 400},
        {"", "a", "Host", "a", 400},
        {"X(A)", "a", "Host", "a", 400},
        {"Expect", "100-Continue", "Host", "a", 200},
        {"Expect", "200-ok", "Host", "a", 417},
        {"Authorization", "Bearer a", "authorization", "Bearer b", 400},
        {"Idempotency-Key", "a", "Idempotency-Key", "b", 400},
        {"Host", "a", "X-A", "b", 200},
        {"X-A", "a", "X-A", "b", 400},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct http_header headers[] = {header(cases[i].name, cases[i].value),
                                              header(cases[i].second_name, cases[i].second_value)};
        assert_int_equal(status_of_headers(headers, 2), cases[i].status);
    }
}

static void headers_have_a_limit_in_number_and_in_bytes(void **state)
{
    (void)state;
    struct http_header headers[HTTP_MAX_HEADERS + 1];
    for (size_t i = 0; i <= HTTP_MAX_HEADERS; i++)
        headers[i] = i == 1 ? header("Host", "a") : header("X-A", "a");
    assert_int_equal(status_of_headers(headers, HTTP_MAX_HEADERS), 200);
    assert_int_equal(status_of_headers(headers, HTTP_MAX_HEADERS + 1), 431);
    char *value = calloc(1, HTTP_MAX_HEADER_BYTES);
    memset(value, 'a', HTTP_MAX_HEADER_BYTES - 16);
    headers[0] = header("X-A", value);
    assert_int_equal(status_of_headers(headers, 2), 200);
    value[HTTP_MAX_HEADER_BYTES - 16] = 'a';
    headers[0] = header("X-A", value);
    assert_int_equal(status_of_headers(headers, 2), 431);
    free(value);
}

/* ---- the description ---- */

/* Our own reader refuses a member that stands there twice: so no two types share a name. */
static void the_description_is_json_and_knows_every_route(void **state)
{
    (void)state;
    struct endpoints *endpoints = endpoints_open();
    struct arena *room = arena_open((size_t)64 << 20);
    size_t bytes;
    char *text = openapi_describe(endpoints, &bytes);
    struct json_error error = {"", "", 0};
    const struct json_value *document = json_parse(text, bytes, JSON_LIMITS_API, room, &error);
    if (document == NULL)
        fail_msg("%s at %zu: %.40s", error.sentence, error.offset, text + error.offset);
    const struct json_value *paths = json_get(document, "paths");
    const struct json_value *schemas = json_get(json_get(document, "components"), "schemas");
    for (size_t i = 0; i < endpoints->count; i++)
        assert_non_null(json_get(paths, endpoints->list[i].route->pattern));
    static const char *const types[] = {"Order",  "Money", "Problem",  "Level",
                                        "Parcel", "Key",   "Delivery", "ReturnOrder"};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        assert_non_null(json_get(schemas, types[i]));
    for (const char *at = text; (at = strstr(at, "#/components/schemas/")) != NULL; at++) {
        char name[64] = "";
        sscanf(at + strlen("#/components/schemas/"), "%63[A-Za-z]", name);
        if (json_get(schemas, name) == NULL)
            fail_msg("no schema %s", name);
    }
    free(text);
    arena_close(&room);
    endpoints_close(&endpoints);
}

/* ---- who is on the other end ---- */

static struct address address(const char *text)
{
    struct address parsed;
    assert_true(address_parse(text, &parsed));
    return parsed;
}

static void only_trusted_proxies_say_who_the_client_is(void **state)
{
    (void)state;
    static const struct {
        const char *peer, *forwarded, *client;
    } cases[] = {
        {"192.0.2.1", NULL, "192.0.2.1"},
        {"192.0.2.1", "198.51.100.1", "192.0.2.1"},
        {"10.1.2.3", NULL, "10.1.2.3"},
        {"10.1.2.3", "198.51.100.1", "198.51.100.1"},
        {"10.1.2.3", "198.51.100.9, 198.51.100.1", "198.51.100.1"},
        {"10.1.2.3", "198.51.100.1, 10.9.9.9", "198.51.100.1"},
        {"10.1.2.3", "10.8.8.8, 10.9.9.9", "10.8.8.8"},
        {"10.1.2.3", "198.51.100.1:4711", "198.51.100.1"},
        {"10.1.2.3", "[2001:db8::1]:80", "2001:db8::1"},
        {"10.1.2.3", "2001:db8::1", "2001:db8::1"},
        {"10.1.2.3", "198.51.100.1, unknown", "10.1.2.3"},
        {"10.1.2.3", "", "10.1.2.3"},
        {"::1", "198.51.100.1", "198.51.100.1"},
        {"::2", "198.51.100.1", "::2"},
        {"::ffff:10.1.2.3", "198.51.100.1", "198.51.100.1"},
    };
    struct networks *trusted = networks_open("10.0.0.0/8, ::1");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct address peer = address(cases[i].peer), wanted = address(cases[i].client);
        struct address client = address_of_client(trusted, &peer, cases[i].forwarded);
        assert_memory_equal(&client, &wanted, sizeof client);
    }
    networks_close(&trusted);
    static const char *const bad[] = {"10.0.0.0/33", "10.0.0/8",  "::1/129",
                                      "x",           "10.0.0.0/", "10.0.0.0/8x"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_null(networks_open(bad[i]));
    struct networks *nobody = networks_open("");
    struct address peer = address("127.0.0.1");
    assert_false(networks_contain(nobody, &peer));
    networks_close(&nobody);
}

static void a_bucket_empties_and_fills_again(void **state)
{
    (void)state;
    struct rate *rate = rate_open(10, 5);
    int64_t wait_ms = 0, now_us = 1000000;
    for (int i = 0; i < 5; i++)
        assert_true(rate_take(rate, "a", 1, now_us, &wait_ms));
    assert_false(rate_take(rate, "a", 1, now_us, &wait_ms));
    assert_in_range(wait_ms, 100, 101);
    assert_true(rate_take(rate, "b", 1, now_us, &wait_ms));
    assert_false(rate_take(rate, "a", 1, now_us + 99000, &wait_ms));
    assert_true(rate_take(rate, "a", 1, now_us + 100000, &wait_ms));
    assert_false(rate_take(rate, "a", 1, now_us + 100000, &wait_ms));
    /* However long it was away, it has no more than its burst. */
    for (int i = 0; i < 5; i++)
        assert_true(rate_take(rate, "a", 1, INT64_MAX / 2, &wait_ms));
    assert_false(rate_take(rate, "a", 1, INT64_MAX / 2, &wait_ms));
    rate_close(&rate);
    assert_true(rate_take(NULL, "a", 1, now_us, &wait_ms));
}

static void many_callers_do_not_push_each_other_out(void **state)
{
    (void)state;
    struct rate *rate = rate_open(1, 1);
    int64_t wait_ms;
    int let_in = 0;
    for (int32_t i = 0; i < 1000; i++)
        assert_true(rate_take(rate, &i, sizeof i, 1000000, &wait_ms));
    for (int32_t i = 0; i < 1000; i++)
        let_in += rate_take(rate, &i, sizeof i, 1000001, &wait_ms);
    assert_true(let_in < 10);
    rate_close(&rate);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_route_names_an_rpc_that_exists),
        cmocka_unit_test(every_parameter_of_a_path_is_a_text_field_of_its_request),
        cmocka_unit_test(
            every_route_takes_a_permission_that_the_owner_has_and_nobody_else_by_accident),
        cmocka_unit_test(roles_have_the_rights_of_their_work_only),
        cmocka_unit_test(a_path_finds_its_route),
        cmocka_unit_test(a_query_is_decoded_and_bad_encoding_is_refused),
        cmocka_unit_test(long_addresses_and_many_parameters_are_refused),
        cmocka_unit_test(what_two_parsers_may_read_in_two_ways_is_refused),
        cmocka_unit_test(headers_have_a_limit_in_number_and_in_bytes),
        cmocka_unit_test(the_description_is_json_and_knows_every_route),
        cmocka_unit_test(only_trusted_proxies_say_who_the_client_is),
        cmocka_unit_test(a_bucket_empties_and_fills_again),
        cmocka_unit_test(many_callers_do_not_push_each_other_out),
    };
    arena = arena_open((size_t)16 << 20);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_close(&arena);
    return failed;
}
