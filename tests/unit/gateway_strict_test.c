/* The HTTP server: what it refuses and how, over raw sockets, and who is too slow. */
#include "tests/unit/gateway_http_world.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
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
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
