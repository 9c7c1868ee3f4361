/* log.h -- one JSON object per line on stdout, in OpenTelemetry's names.
 *
 * The body is constant text; what varies is in fields. No personal data and no payloads: a field
 * is an id, a code, a figure. Lines are handed to a log thread behind a bounded buffer; when stdout
 * stalls, info lines are dropped and counted, warnings and errors are kept, and no caller waits.
 *
 * Ownership: log_open() once per process, log_close() flushes. Callable from every thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum log_severity { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

enum log_field_kind { LOG_FIELD_TEXT, LOG_FIELD_INT };
struct log_field {
    const char *name;
    enum log_field_kind kind;
    const char *text;
    int64_t number;
};

#define LOG_TEXT(name, value) ((struct log_field){(name), LOG_FIELD_TEXT, (value), 0})
#define LOG_INT(name, value) ((struct log_field){(name), LOG_FIELD_INT, NULL, (int64_t)(value)})

/* The service's name goes on each line; below minimum nothing is written. */
void log_open(const char *service, enum log_severity minimum);
void log_close(void);
/* Trace and order of the work at hand, put on each line of this thread until changed; NULL: none.
 */
void log_context(const char *traceparent, const char *order_id);
/* Lines dropped because stdout stalled, since the start. */
int64_t log_dropped(void);

/* event_name is documented in docs/reference/events.md; body is a constant sentence. A text field
 * that is NULL is left out. */
#define log_event(severity, event_name, body, ...)                                                 \
    log_event_(                                                                                    \
        (severity), (event_name), (body),                                                          \
        (const struct log_field[]){__VA_ARGS__ __VA_OPT__(, ){NULL, LOG_FIELD_INT, NULL, 0}})
void log_event_(enum log_severity severity, const char *event_name, const char *body,
                const struct log_field *fields);

#define log_info(event_name, body, ...) log_event(LOG_INFO, event_name, body, __VA_ARGS__)
#define log_warn(event_name, body, ...) log_event(LOG_WARN, event_name, body, __VA_ARGS__)
#define log_error(event_name, body, ...) log_event(LOG_ERROR, event_name, body, __VA_ARGS__)
