/* The log: each line is one JSON object whatever the values hold, and nobody waits for stdout. */
#include "common/log.h"

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/id.h"

/* Stdout becomes a pipe, whose other end a thread empties into text. */
struct capture {
    int saved, reader, writer;
    pthread_t thread;
    char *text;
    size_t used, room;
};

static void *empty_pipe(void *context)
{
    struct capture *capture = context;
    for (;;) {
        if (capture->room - capture->used < 65536) {
            capture->room = capture->room * 2 + 131072;
            capture->text = realloc(capture->text, capture->room);
            if (capture->text == NULL)
                abort();
        }
        ssize_t got = read(capture->reader, capture->text + capture->used, 65536);
        if (got <= 0)
            break;
        capture->used += (size_t)got;
    }
    capture->text[capture->used] = '\0';
    return NULL;
}

static void capture_start(struct capture *capture)
{
    int ends[2];
    *capture = (struct capture){0};
    fflush(stdout);
    assert_int_equal(pipe(ends), 0);
    capture->reader = ends[0];
    capture->writer = ends[1];
    capture->saved = dup(STDOUT_FILENO);
    dup2(capture->writer, STDOUT_FILENO);
}

static void capture_read(struct capture *capture)
{
    assert_int_equal(pthread_create(&capture->thread, NULL, empty_pipe, capture), 0);
}

/* Closes the log; capture->text is then all that was written. */
static void capture_stop(struct capture *capture)
{
    log_close();
    dup2(capture->saved, STDOUT_FILENO);
    close(capture->saved);
    close(capture->writer);
    pthread_join(capture->thread, NULL);
    close(capture->reader);
}

static size_t count_lines(const char *text)
{
    size_t lines = 0;
    for (; *text != '\0'; text++)
        lines += *text == '\n';
    return lines;
}

static void assert_has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("no %s in %s", part, text);
}

static void a_line_has_opentelemetrys_names(void **state)
{
    (void)state;
    struct capture capture;
    capture_start(&capture);
    capture_read(&capture);
    log_open("orders", LOG_INFO);
    log_context("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "order-1");
    log_info("order.placed", "An order was placed", LOG_TEXT("channel", "web"),
             LOG_INT("duration_ms", 12), LOG_TEXT("error.code", NULL));
    log_context(NULL, NULL);
    log_event(LOG_DEBUG, "order.detail", "Below the minimum");
    log_warn("order.odd", "Something is odd");
    capture_stop(&capture);
    assert_int_equal(count_lines(capture.text), 2);
    assert_int_equal(strncmp(capture.text, "{\"timestamp\":\"20", 16), 0);
    assert_int_equal(capture.text[40], 'Z'); /* microseconds */
    assert_has(capture.text,
               "\"severity_text\":\"INFO\",\"body\":\"An order was placed\","
               "\"event_name\":\"order.placed\",\"service.name\":\"orders\","
               "\"trace_id\":\"4bf92f3577b34da6a3ce929d0e0e4736\",\"span_id\":\"00f067aa0ba902b7\","
               "\"order_id\":\"order-1\",\"channel\":\"web\",\"duration_ms\":12}\n");
    assert_has(capture.text, "\"severity_text\":\"WARN\",\"body\":\"Something is odd\","
                             "\"event_name\":\"order.odd\",\"service.name\":\"orders\"}\n");
    free(capture.text);
}

static void nothing_in_a_value_can_forge_a_line(void **state)
{
    (void)state;
    struct capture capture;
    capture_start(&capture);
    capture_read(&capture);
    log_open("orders", LOG_DEBUG);
    log_context("00-4bf92f3577b34da6a3ce929d0e0e47\n\n-00f067aa0ba902b7-01", "x\"},\n{");
    log_info("a", "b", LOG_TEXT("value", "x\"}\n{\"severity_text\":\"ERROR\\\r\t\x1b[2J\x7f"));
    log_info("a", "b",
             LOG_TEXT("utf8", "燈\xff\xc0\x80\xed\xa0\x80\xf5"
                              "\xc2\x9b"
                              "z"));
    log_info("a", "b", LOG_TEXT("bidi", "\xe2\x80\xae\xe2\x80\xa8\xe2\x81\xa6"));
    log_context(NULL, NULL);
    capture_stop(&capture);
    assert_int_equal(count_lines(capture.text), 3);
    assert_null(strstr(capture.text, "trace_id"));
    assert_has(capture.text, "\"order_id\":\"x\\\"},\\u000a{\"");
    assert_has(capture.text, "\"value\":\"x\\\"}\\u000a{\\\"severity_text\\\":\\\"ERROR\\\\\\u000d"
                             "\\u0009\\u001b[2J\\u007f\"}\n");
    assert_has(capture.text, "\"utf8\":\"燈\xef\xbf\xbd");
    assert_has(capture.text, "\\u009bz\"");
    assert_has(capture.text, "\"bidi\":\"\\u202e\\u2028\\u2066\"");
    for (const char *c = capture.text; *c != '\0'; c++)
        assert_true(*c == '\n' || (unsigned char)*c >= 0x20);
    free(capture.text);
}

static void a_line_that_is_too_long_is_still_whole(void **state)
{
    (void)state;
    struct capture capture;
    static char long_text[5000];
    memset(long_text, 1, sizeof(long_text) - 1);
    capture_start(&capture);
    capture_read(&capture);
    log_open("orders", LOG_INFO);
    log_info("a", "b", LOG_TEXT("one", long_text), LOG_TEXT("two", long_text), LOG_INT("n", 5));
    capture_stop(&capture);
    assert_int_equal(count_lines(capture.text), 1);
    assert_has(capture.text, "\"one\":\"\\u0001");
    assert_has(capture.text, ",\"truncated\":true}\n");
    assert_null(strstr(capture.text, "\"two\""));
    free(capture.text);
}

#define THREADS 4
#define LINES_EACH 2000

static void *write_many(void *unused)
{
    (void)unused;
    for (int i = 0; i < LINES_EACH; i++) {
        log_warn("many", "One of many", LOG_INT("i", i));
        if (i % 100 == 0)
            usleep(1000);
    }
    return NULL;
}

static void lines_of_many_threads_stay_whole(void **state)
{
    (void)state;
    struct capture capture;
    capture_start(&capture);
    capture_read(&capture);
    log_open("orders", LOG_INFO);
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_many, NULL), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    capture_stop(&capture);
    size_t lines = 0;
    for (char *line = strtok(capture.text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        assert_int_equal(line[0], '{');
        assert_int_equal(line[strlen(line) - 1], '}');
        assert_has(line, "One of many");
        lines++;
    }
    assert_int_equal(lines, THREADS * LINES_EACH);
    assert_int_equal(log_dropped(), 0);
    free(capture.text);
}

static void a_stalled_stdout_drops_info_and_keeps_warnings(void **state)
{
    (void)state;
    struct capture capture;
    capture_start(&capture); /* and nobody reads yet */
    log_open("orders", LOG_INFO);
    int64_t before = log_dropped(), start = clock_monotonic_us();
    for (int i = 0; i < 40000; i++) {
        log_info("flood", "One of a flood", LOG_INT("i", i));
        if (i % 1000 == 0)
            log_warn("dam", "A warning in the flood", LOG_INT("i", i));
    }
    assert_true(clock_monotonic_us() - start < 5000000);
    int64_t dropped = log_dropped() - before;
    assert_true(dropped > 1000);
    capture_read(&capture);
    usleep(200000);
    log_info("after", "It flows again");
    capture_stop(&capture);
    assert_has(capture.text, "It flows again");
    assert_has(capture.text, "\"event_name\":\"log_lines_dropped\"");
    size_t warnings = 0, floods = 0;
    for (char *line = strtok(capture.text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        warnings += strstr(line, "\"dam\"") != NULL;
        floods += strstr(line, "\"flood\"") != NULL;
    }
    assert_int_equal(warnings, 40);
    assert_int_equal((int64_t)floods + dropped, 40000);
    free(capture.text);
}

static void before_open_and_after_close_nothing_is_written(void **state)
{
    (void)state;
    struct capture capture;
    capture_start(&capture);
    capture_read(&capture);
    log_error("early", "Too early");
    log_open("orders", LOG_WARN);
    log_info("quiet", "Below the minimum");
    log_close();
    log_error("late", "Too late");
    capture_stop(&capture);
    assert_int_equal(capture.used, 0);
    free(capture.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_has_opentelemetrys_names),
        cmocka_unit_test(nothing_in_a_value_can_forge_a_line),
        cmocka_unit_test(a_line_that_is_too_long_is_still_whole),
        cmocka_unit_test(lines_of_many_threads_stay_whole),
        cmocka_unit_test(a_stalled_stdout_drops_info_and_keeps_warnings),
        cmocka_unit_test(before_open_and_after_close_nothing_is_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
