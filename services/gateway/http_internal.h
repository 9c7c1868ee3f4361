/* http_internal.h -- what the parts of the HTTP server share.
 *
 * Private to http*.c, api.c, session.c, hooks.c, pages*.c and health.c, the only ones that know
 * libmicrohttpd.
 */
#pragma once

#include <microhttpd.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>

#include "common/arena.h"
#include "common/id.h"
#include "common/log.h"
#include "services/gateway/address.h"
#include "services/gateway/http.h"
#include "services/gateway/http_guard.h"
#include "services/gateway/json.h"
#include "services/gateway/rate.h"
#include "services/gateway/routes.h"

#define HTTP_MAX_LISTENERS 8
#define HTTP_API_BODY_BYTES ((int64_t)1 << 20)
#define HTTP_HOOK_BODY_BYTES ((int64_t)2 << 20)
/* A refused body of up to this size is read and forgotten, so that the client gets to read why. */
#define HTTP_FORGET_BYTES ((int64_t)8 << 20)
#define HTTP_REQUEST_BYTES ((size_t)64 << 20) /* a request's arena: see JSON_LIMITS_API */
#define HTTP_TRACEPARENT_BYTES 56
#define HTTP_MAX_ANSWER_HEADERS 12

struct audit_book;
struct console;
struct endpoint;
struct export;
struct live;
struct live_listener;
struct http_thread;

/* Who came with a cookie: a copy, since the snapshot may be exchanged meanwhile. */
struct http_session {
    struct session as;
    const char *csrf_token;
};

/* Counted by all threads, read by /metrics. */
struct http_metrics {
    _Atomic int64_t requests[6]; /* by the first digit of the status */
    _Atomic int64_t answer_us, bytes_in, bytes_out, in_flight, connections;
    _Atomic int64_t listeners, lagged;
    _Atomic int64_t guarded, unauthenticated, forbidden, limited, timed_out, hooks;
};
#define HTTP_COUNT(thread, name, by)                                                               \
    atomic_fetch_add_explicit(&(thread)->http->metrics.name, (by), memory_order_relaxed)

/* A connection and what it is allowed to take its time for. */
enum http_phase {
    PHASE_OPENED, /* nothing came yet */
    PHASE_HEADERS,
    PHASE_BODY,
    PHASE_BUSY, /* it waits for us */
    PHASE_KEPT, /* open for a next request */
};
struct http_connection {
    enum http_phase phase;
    int64_t since_us;
    int fd;
    struct http_connection *next, **link;
};

enum http_stage {
    STAGE_HEADERS,
    STAGE_CHECKING, /* suspended: asks for a newer snapshot, see http_check() */
    STAGE_BODY,
    STAGE_FORGET,  /* refused: the body is read and forgotten */
    STAGE_WAITING, /* suspended */
    STAGE_ANSWERED,
};
/* What the headers alone tell. */
enum http_verdict {
    VERDICT_GO_ON,
    VERDICT_ANSWERED, /* refused */
    VERDICT_UNKNOWN,  /* a key or channel that the snapshot does not know: perhaps it is new */
};
enum http_target { TARGET_API, TARGET_HOOK, TARGET_PAGE, TARGET_CUSTOMER };

struct http_request {
    struct http_request *next_free;
    struct http_request *next_waiting, **waiting_link;
    struct http_thread *thread;
    struct MHD_Connection *mhd;
    struct http_connection *connection;
    struct arena *arena;
    enum http_stage stage;
    const char *raw_uri, *method;
    struct http_framing framing;
    struct http_uri uri;
    int64_t started_us;
    char traceparent[HTTP_TRACEPARENT_BYTES];

    enum http_target target;
    const struct endpoint *endpoint; /* API */
    const struct page *page;
    bool was_checked;      /* against a snapshot newer than the request */
    const char *principal; /* "key:<id>", "person:<id>"; NULL on a public route */
    const struct role *role;
    const struct http_session *session; /* NULL with a key */
    const uint8_t *caller_hash;         /* of the key or token */
    const char *idempotency_key;

    char *body;
    size_t body_bytes;

    /* The answer; body owned until libmicrohttpd takes it over. */
    int status;
    char *answer;
    size_t answer_bytes;
    const char *content_type;
    const char *cache_control; /* NULL: no-store */
    struct {
        const char *name, *value;
    } headers[HTTP_MAX_ANSWER_HEADERS];
    size_t nheaders;
    bool closes;                     /* the connection */
    struct live_listener *listener;  /* the answer is a stream of events */
    const ProtobufCMessage *message; /* of a route that answers with a file */
    struct export *export;           /* the answer is a file */
};

struct http_thread {
    struct http *http;
    int index;
    pthread_t thread;
    struct bus_loop *loop;
    struct bus_client *client;
    struct bus_channel *directory, *inbox, *signin;
    struct snapshot *snapshot;
    struct console *console;
    struct live *live;
    struct export *exports;
    size_t nexports;
    struct audit_book *audit; /* NULL: none is kept */
    struct {
        struct MHD_Daemon *daemon;
        int fd;
    } listeners[HTTP_MAX_LISTENERS];
    size_t nlisteners;
    int wake_fd;
    struct http_request *free_requests;
    size_t nfree;
    struct http_connection *connections;
    struct rate *rate_per_key, *rate_per_ip;
    struct rate *rate_customer_pages, *rate_customer_forms; /* by address */
    struct http_request *waiting;                           /* suspended, for an answer */
    struct http_request *checking;                          /* suspended, for a snapshot */
    size_t in_inbox, in_signin;
    bool is_stopping;
    int64_t stop_at_us;
};

struct http {
    struct bus *bus;
    const struct gateway_conf *conf;
    struct endpoints *endpoints;
    struct customer_pages *customer_pages; /* NULL: there are none */
    struct networks *trusted_proxies;
    char *openapi; /* the description, made once */
    size_t openapi_bytes;
    struct http_thread threads[HTTP_MAX_THREADS];
    size_t nthreads;
    int port;
    _Atomic bool is_stopping;
    _Atomic int running;
    struct http_metrics metrics;
};

/* ---- http_listen.c ---- */

/* Opens a socket for each address; the first thread's choice of port holds for the rest. */
enum status http_listen(struct http *http, const char *addresses) MUST_CHECK;
void http_write_address(const struct http *http, const char *directory);

/* ---- http_thread.c ---- */

enum status http_thread_open(struct http_thread *thread,
                             const struct http_options *options) MUST_CHECK;
void http_thread_run(struct http_thread *thread);
void http_thread_close(struct http_thread *thread);

/* ---- http_request.c: the life of a request ---- */

/* Suspends: the request waits for an answer that http_resume() says is there. */
void http_suspend(struct http_request *request);
void http_resume(struct http_request *request);
/* Answers all that wait with 503: nobody will answer them any more. */
void http_give_up(struct http_thread *thread);
/* There is a newer snapshot, or too much time has passed: those who asked for one go on. */
void http_check(struct http_thread *thread);
void http_phase(struct http_connection *connection, enum http_phase phase);
void *http_on_uri(void *context, const char *uri, struct MHD_Connection *connection);
enum MHD_Result http_on_request(void *context, struct MHD_Connection *connection, const char *url,
                                const char *method, const char *version, const char *upload,
                                size_t *upload_bytes, void **request);
void http_on_completed(void *context, struct MHD_Connection *connection, void **request,
                       enum MHD_RequestTerminationCode code);
void http_requests_free(struct http_thread *thread);
/* Who is on the other end, trusted proxies believed. */
struct address http_client(const struct http_request *request);
/* By https, as far as the client is concerned: a trusted proxy says so. */
bool http_is_secure(const struct http_request *request);
/* The value of a header, or NULL. */
const char *http_header(const struct http_request *request, const char *name);

/* ---- http_answer.c: what is said ---- */

void http_answer_header(struct http_request *request, const char *name, const char *value);
/* Takes the body over; content_type is constant text. */
void http_answer(struct http_request *request, int status, const char *content_type, char *body,
                 size_t bytes);
void http_answer_text(struct http_request *request, int status, const char *content_type,
                      const char *text);
void http_answer_json(struct http_request *request, int status, struct json_writer *writer);
/* An RFC 9457 problem. */
void http_problem(struct http_request *request, int status, const char *code, const char *field,
                  const char *sentence);
void http_problem_details(struct http_request *request, int status, const char *code,
                          const char *field, const char *sentence,
                          Penstock__Bus__V1__Detail *const *details, size_t count);
enum MHD_Result http_queue_answer(struct http_request *request);

/* ---- where requests go: each answers, or suspends ---- */

/* With the headers only. VERDICT_UNKNOWN is not said again of a request that was_checked. */
enum http_verdict api_begin(struct http_request *request);
void api_run(struct http_request *request);
/* By the cookie; *caller is who. */
enum http_verdict session_authenticate(struct http_request *request, struct uuid *caller);
/* What another site's page could make a browser send is refused, and then answered. */
bool session_pass_origin(struct http_request *request);
/* The routes of service Edge. */
void session_run(struct http_request *request, const ProtobufCMessage *message);
/* An attempt came back from the sign-in thread. */
void session_attempted(void *context, void *attempt);
/* ---- http_audit.c ---- */

void http_audit(struct http_request *request, const char *action, const char *target);
/* 403. */
void http_audit_refused(struct http_request *request);
/* Answered; notes it if the route tells personal data. */
void http_audit_read(struct http_request *request);

/* ---- export.c: lists as files ---- */

/* With the first page; answers the request. */
void export_begin(struct http_request *request, const ProtobufCMessage *message,
                  const ProtobufCMessage *answer);
struct MHD_Response *export_response(struct export *export);
/* Every now and then: asks again what was not answered, sends away who reads nothing. */
void exports_look(struct http_thread *thread);
/* Cuts those short that still go on. */
void exports_end(struct http_thread *thread);
void exports_close(struct http_thread *thread);

/* ---- live.c: streams of events ---- */

struct live *live_open(struct http_thread *thread);
void live_close(struct live **live);
/* Answers with a stream, or refuses. */
void live_begin(struct http_request *request);
/* For http_queue_answer(): the response that the listener reads from. */
struct MHD_Response *live_response(struct live_listener *listener);
/* Ends all streams: the thread stops. */
void live_end(struct live *live);

enum http_verdict hooks_begin(struct http_request *request);
void hooks_run(struct http_request *request);
/* A delivery came back from the inbox. */
void hooks_delivered(void *context, void *delivery);

/* /o/TOKEN and /track: what customers see (customer.h). */
bool customer_owns(const struct http_request *request);
enum http_verdict customer_begin(struct http_request *request);
void customer_run(struct http_request *request);

struct page {
    const char *path;
    void (*run)(struct http_request *request);
};
const struct page *page_find(const char *path);
/* For every address that is no other page's, no hook's and not the API's. */
const struct page *page_of_console(void);
void pages_console(struct http_request *request);
/* /readyz and /metrics: ask every service how it is. */
void health_ready(struct http_request *request);
void health_metrics(struct http_request *request);
