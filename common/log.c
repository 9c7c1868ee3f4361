#include "common/log.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/id.h"

#define LINE_BYTES 8192
#define LINE_END_BYTES 24 /* kept for ,"truncated":true}\n */
#define TEXT_BYTES 1024   /* of a field, before escaping */
#define INFO_BUFFER_BYTES ((size_t)1 << 20)
#define WARN_BUFFER_BYTES ((size_t)8 << 20)
#define GATHER_NS 10000000 /* lines of the same moment leave with one write */
#define GATHER_BYTES ((size_t)64 << 10)
#define CLOSE_WAIT_S 2

struct buffer {
    char *data;
    size_t used, room;
};

/* The one log of the process: stdout is one, too. */
static struct {
    pthread_mutex_t mutex;
    pthread_cond_t filled;
    pthread_t thread;
    bool is_open, is_closing;
    enum log_severity minimum;
    char service[64];
    struct buffer filling, writing; /* the log thread swaps them */
    int64_t dropped, reported;
} logger = {.mutex = PTHREAD_MUTEX_INITIALIZER, .filled = PTHREAD_COND_INITIALIZER};

/* What log_context() said, ready to be put on a line. */
static _Thread_local struct {
    char trace_id[33], span_id[17], order_id[64];
} context;

/* ---- one line ---- */

struct line {
    char text[LINE_BYTES];
    size_t used;
    bool is_full;
};

static void put(struct line *line, const char *bytes, size_t count)
{
    if (count > sizeof(line->text) - LINE_END_BYTES - line->used) {
        line->is_full = true;
        return;
    }
    memcpy(line->text + line->used, bytes, count);
    line->used += count;
}

static void put_text(struct line *line, const char *text)
{
    put(line, text, strlen(text));
}

/* The length of the UTF-8 sequence at text and its code point; 0 when it is none. */
static size_t read_utf8(const unsigned char *text, size_t left, uint32_t *code)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t length = *text < 0x80    ? 1
                    : *text < 0xc2  ? 0
                    : *text < 0xe0  ? 2
                    : *text < 0xf0  ? 3
                    : *text <= 0xf4 ? 4
                                    : 0;
    if (length == 0 || length > left)
        return 0;
    *code = length == 1 ? *text : *text & (0x7fu >> length);
    for (size_t i = 1; i < length; i++) {
        if ((text[i] & 0xc0) != 0x80)
            return 0;
        *code = *code << 6 | (text[i] & 0x3f);
    }
    bool is_surrogate = *code >= 0xd800 && *code <= 0xdfff;
    return *code < least[length] || *code > 0x10ffff || is_surrogate ? 0 : length;
}

/* Whatever could end a line, move a terminal's cursor or turn the reading direction. */
static bool must_escape(uint32_t code)
{
    return code < 0x20 || (code >= 0x7f && code < 0xa0) || (code >= 0x2028 && code <= 0x202e) ||
           (code >= 0x2066 && code <= 0x2069);
}

/* How many bytes stand on a line as they are: nearly always all. */
static size_t plain_bytes(const char *value, size_t left)
{
    size_t count = 0;
    while (count < left && value[count] >= 0x20 && value[count] < 0x7f && value[count] != '"' &&
           value[count] != '\\')
        count++;
    return count;
}

static void put_quoted(struct line *line, const char *value)
{
    size_t left = strnlen(value, TEXT_BYTES);
    put(line, "\"", 1);
    while (left > 0) {
        size_t plain = plain_bytes(value, left);
        put(line, value, plain);
        value += plain;
        left -= plain;
        if (left == 0)
            break;
        uint32_t code = 0;
        size_t length = read_utf8((const unsigned char *)value, left, &code);
        char escape[8];
        if (length == 0) {
            put_text(line, "\xef\xbf\xbd");
            length = 1;
        } else if (must_escape(code)) {
            snprintf(escape, sizeof(escape), "\\u%04x", code & 0xffff);
            put_text(line, escape);
        } else {
            if (code == '"' || code == '\\')
                put(line, "\\", 1);
            put(line, value, length);
        }
        value += length;
        left -= length;
    }
    put(line, "\"", 1);
}

static void put_name(struct line *line, const char *name)
{
    put_text(line, line->used == 0 ? "{\"" : ",\"");
    put_text(line, name);
    put_text(line, "\":");
}

static void put_member(struct line *line, const char *name, const char *value)
{
    size_t before = line->used;
    if (value == NULL || line->is_full)
        return;
    put_name(line, name);
    put_quoted(line, value);
    if (line->is_full)
        line->used = before; /* a member is whole or it is not there */
}

static void put_number(struct line *line, const char *name, int64_t number)
{
    char digits[24];
    size_t before = line->used;
    snprintf(digits, sizeof(digits), "%lld", (long long)number);
    if (line->is_full)
        return;
    put_name(line, name);
    put_text(line, digits);
    if (line->is_full)
        line->used = before;
}

static void put_timestamp(struct line *line)
{
    int64_t now_us = clock_wall_us();
    time_t seconds = (time_t)(now_us / 1000000);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    char day[32], stamp[48];
    strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(stamp, sizeof(stamp), "%s.%06dZ", day, (int)(now_us % 1000000));
    put_member(line, "timestamp", stamp);
}

static void put_end(struct line *line)
{
    const char *end = line->is_full ? ",\"truncated\":true}\n" : "}\n";
    size_t length = strlen(end);
    memcpy(line->text + line->used, end, length);
    line->used += length;
}

static const char *severity_text(enum log_severity severity)
{
    switch (severity) {
    case LOG_DEBUG:
        return "DEBUG";
    case LOG_INFO:
        return "INFO";
    case LOG_WARN:
        return "WARN";
    case LOG_ERROR:
        return "ERROR";
    }
    return "ERROR";
}

static const char *unless_empty(const char *text)
{
    return text[0] == '\0' ? NULL : text;
}

static void make_line(struct line *line, enum log_severity severity, const char *event_name,
                      const char *body, const struct log_field *fields)
{
    line->used = 0;
    line->is_full = false;
    put_timestamp(line);
    put_member(line, "severity_text", severity_text(severity));
    put_member(line, "body", body);
    put_member(line, "event_name", event_name);
    put_member(line, "service.name", logger.service);
    put_member(line, "trace_id", unless_empty(context.trace_id));
    put_member(line, "span_id", unless_empty(context.span_id));
    bool names_order = false;
    for (const struct log_field *field = fields; field->name != NULL; field++)
        names_order |= strcmp(field->name, "order_id") == 0;
    if (!names_order)
        put_member(line, "order_id", unless_empty(context.order_id));
    for (const struct log_field *field = fields; field->name != NULL; field++) {
        if (field->kind == LOG_FIELD_INT)
            put_number(line, field->name, field->number);
        else
            put_member(line, field->name, field->text);
    }
    put_end(line);
}

/* ---- context ---- */

static bool is_hex(const char *text, size_t count)
{
    return strspn(text, "0123456789abcdef") >= count;
}

void log_context(const char *traceparent, const char *order_id)
{
    context.trace_id[0] = context.span_id[0] = context.order_id[0] = '\0';
    if (order_id != NULL)
        snprintf(context.order_id, sizeof(context.order_id), "%s", order_id);
    /* 00-<32 hex>-<16 hex>-<2 hex> */
    if (traceparent == NULL || strlen(traceparent) < 55 || traceparent[2] != '-' ||
        traceparent[35] != '-' || traceparent[52] != '-' || !is_hex(traceparent + 3, 32) ||
        !is_hex(traceparent + 36, 16))
        return;
    memcpy(context.trace_id, traceparent + 3, 32);
    memcpy(context.span_id, traceparent + 36, 16);
}

/* ---- the buffer ---- */

/* Under the mutex. */
static void buffer_append(struct buffer *buffer, const char *bytes, size_t count)
{
    if (count > buffer->room - buffer->used) {
        size_t room = buffer->room == 0 ? GATHER_BYTES : buffer->room * 2;
        char *data = realloc(buffer->data, room);
        if (data == NULL)
            abort();
        buffer->data = data;
        buffer->room = room;
    }
    memcpy(buffer->data + buffer->used, bytes, count);
    buffer->used += count;
}

static void hand_over(enum log_severity severity, const struct line *line)
{
    size_t limit = severity >= LOG_WARN ? WARN_BUFFER_BYTES : INFO_BUFFER_BYTES;
    pthread_mutex_lock(&logger.mutex);
    if (!logger.is_open || logger.filling.used + line->used > limit) {
        logger.dropped += logger.is_open;
    } else {
        bool wakes = logger.filling.used == 0;
        buffer_append(&logger.filling, line->text, line->used);
        if (wakes)
            pthread_cond_signal(&logger.filled);
    }
    pthread_mutex_unlock(&logger.mutex);
}

void log_event_(enum log_severity severity, const char *event_name, const char *body,
                const struct log_field *fields)
{
    if (severity < __atomic_load_n(&logger.minimum, __ATOMIC_RELAXED) ||
        !__atomic_load_n(&logger.is_open, __ATOMIC_ACQUIRE))
        return;
    struct line line __attribute__((uninitialized)); /* eight kilobytes, of which few are used */
    make_line(&line, severity, event_name, body, fields);
    hand_over(severity, &line);
}

int64_t log_dropped(void)
{
    pthread_mutex_lock(&logger.mutex);
    int64_t dropped = logger.dropped;
    pthread_mutex_unlock(&logger.mutex);
    return dropped;
}

/* ---- the log thread ---- */

static void write_all(const char *bytes, size_t count)
{
    while (count > 0) {
        ssize_t written = write(STDOUT_FILENO, bytes, count);
        if (written >= 0) {
            bytes += written;
            count -= (size_t)written;
        } else if (errno == EAGAIN) {
            poll(&(struct pollfd){STDOUT_FILENO, POLLOUT, 0}, 1, -1);
        } else if (errno != EINTR) {
            return; /* nobody is there to read */
        }
    }
}

/* Says how many lines were lost, once there is room again. */
static void report_dropped(int64_t dropped)
{
    struct log_field fields[] = {LOG_INT("dropped", dropped), {NULL, LOG_FIELD_INT, NULL, 0}};
    struct line line;
    make_line(&line, LOG_WARN, "log_lines_dropped", "Lines were dropped because stdout stalled",
              fields);
    write_all(line.text, line.used);
}

static void gather(void)
{
    bool waits = !logger.is_closing && logger.filling.used < GATHER_BYTES;
    pthread_mutex_unlock(&logger.mutex);
    if (waits)
        nanosleep(&(struct timespec){0, GATHER_NS}, NULL);
    pthread_mutex_lock(&logger.mutex);
}

static void *run(void *unused)
{
    (void)unused;
    pthread_mutex_lock(&logger.mutex);
    for (;;) {
        while (logger.filling.used == 0 && !logger.is_closing)
            pthread_cond_wait(&logger.filled, &logger.mutex);
        if (logger.filling.used == 0)
            break;
        gather();
        struct buffer full = logger.filling;
        logger.filling = logger.writing;
        logger.writing = full;
        int64_t dropped = logger.dropped - logger.reported;
        logger.reported = logger.dropped;
        pthread_mutex_unlock(&logger.mutex);
        write_all(full.data, full.used);
        if (dropped > 0)
            report_dropped(dropped);
        pthread_mutex_lock(&logger.mutex);
        logger.writing.used = 0;
    }
    pthread_mutex_unlock(&logger.mutex);
    return NULL;
}

void log_open(const char *service, enum log_severity minimum)
{
    assert(!logger.is_open);
    snprintf(logger.service, sizeof(logger.service), "%s", service);
    logger.is_closing = false;
    __atomic_store_n(&logger.minimum, minimum, __ATOMIC_RELAXED);
    /* Signals belong to the main thread, and a reader that has gone must not end the process. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    if (pthread_create(&logger.thread, NULL, run, NULL) != 0)
        abort();
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    __atomic_store_n(&logger.is_open, true, __ATOMIC_RELEASE);
}

void log_close(void)
{
    if (!logger.is_open)
        return;
    pthread_mutex_lock(&logger.mutex);
    __atomic_store_n(&logger.is_open, false, __ATOMIC_RELEASE);
    logger.is_closing = true;
    pthread_cond_signal(&logger.filled);
    pthread_mutex_unlock(&logger.mutex);
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += CLOSE_WAIT_S;
    if (pthread_timedjoin_np(logger.thread, NULL, &until) != 0) {
        pthread_detach(logger.thread); /* stdout is stuck; the process ends without it */
        return;
    }
    free(logger.filling.data);
    free(logger.writing.data);
    logger.filling = logger.writing = (struct buffer){NULL, 0, 0};
}
