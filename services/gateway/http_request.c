/* The life of a request: headers, body, answer. */
#include <assert.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "services/gateway/http_internal.h"

/* Requests kept for reuse, and the most that an arena may have held to be kept. */
#define MAX_FREE_REQUESTS 256
#define MAX_KEPT_BYTES ((size_t)256 << 10)
/* How long an unknown key waits for the directory to look again. */
#define MAX_CHECK_US INT64_C(1000000)

/* ---- requests are used again ---- */

static struct http_request *request_new(struct http_thread *thread)
{
    struct http_request *request = thread->free_requests;
    struct arena *arena;
    if (request != NULL) {
        thread->free_requests = request->next_free;
        thread->nfree--;
        arena = request->arena;
        arena_reset(arena);
        memset(request, 0, sizeof *request);
    } else {
        request = calloc(1, sizeof *request);
        assert(request != NULL);
        arena = arena_open(HTTP_REQUEST_BYTES);
    }
    request->thread = thread;
    request->arena = arena;
    return request;
}

static void request_free(struct http_request *request)
{
    struct http_thread *thread = request->thread;
    free(request->body);
    free(request->answer);
    if (thread->nfree == MAX_FREE_REQUESTS || arena_used(request->arena) > MAX_KEPT_BYTES) {
        arena_close(&request->arena);
        free(request);
        return;
    }
    request->next_free = thread->free_requests;
    thread->free_requests = request;
    thread->nfree++;
}

void http_requests_free(struct http_thread *thread)
{
    while (thread->free_requests != NULL) {
        struct http_request *request = thread->free_requests;
        thread->free_requests = request->next_free;
        arena_close(&request->arena);
        free(request);
    }
}

/* ---- pieces ---- */

void http_phase(struct http_connection *connection, enum http_phase phase)
{
    if (connection == NULL)
        return;
    connection->phase = phase;
    connection->since_us = clock_monotonic_us();
}

const char *http_header(const struct http_request *request, const char *name)
{
    return MHD_lookup_connection_value(request->mhd, MHD_HEADER_KIND, name);
}

static bool is_hex(const char *text, size_t bytes)
{
    return strspn(text, "0123456789abcdef") >= bytes;
}

/* W3C trace context: the caller's trace goes on; this request is a span of its own. */
static void set_traceparent(struct http_request *request, const char *given)
{
    uint8_t random[24];
    char ids[49];
    bool is_good = given != NULL && strlen(given) == 55 && given[0] == '0' && given[1] == '0' &&
                   given[2] == '-' && is_hex(given + 3, 32) && given[35] == '-' &&
                   is_hex(given + 36, 16) && given[52] == '-' && is_hex(given + 53, 2) &&
                   strspn(given + 3, "0") < 32 && strspn(given + 36, "0") < 16;
    randombytes_buf(random, sizeof random);
    sodium_bin2hex(ids, sizeof ids, random, sizeof random);
    if (is_good)
        memcpy(ids, given + 3, 32);
    char *to = request->traceparent;
    to = stpcpy(to, "00-");
    to = mempcpy(to, ids, 32);
    *to++ = '-';
    to = mempcpy(to, ids + 32, 16);
    stpcpy(to, "-01");
}

static enum MHD_Result collect_header(void *context, enum MHD_ValueKind kind, const char *name,
                                      size_t name_bytes, const char *value, size_t value_bytes)
{
    struct {
        struct http_header list[HTTP_MAX_HEADERS];
        size_t count;
    } *headers = context;
    (void)kind;
    if (headers->count < HTTP_MAX_HEADERS)
        headers->list[headers->count] =
            (struct http_header){name, value != NULL ? value : "", name_bytes, value_bytes};
    headers->count++;
    return MHD_YES;
}

static void refuse(struct http_request *request, const struct http_refusal *refusal)
{
    if (refusal->closes) {
        HTTP_COUNT(request->thread, guarded, 1);
        request->closes = true;
    }
    http_problem(request, refusal->status, refusal->code, "", refusal->text);
}

static bool pass_guard(struct http_request *request, const char *version)
{
    bool needs_host = strcmp(version, "HTTP/1.1") == 0;
    struct {
        struct http_header list[HTTP_MAX_HEADERS];
        size_t count;
    } headers = {.count = 0};
    struct http_refusal refusal;
    MHD_get_connection_values_n(request->mhd, MHD_HEADER_KIND, collect_header, &headers);
    if (!http_guard_headers(headers.list, headers.count, needs_host, &request->framing, &refusal) ||
        !http_guard_uri(request->raw_uri, request->arena, &request->uri, &refusal)) {
        refuse(request, &refusal);
        return false;
    }
    return true;
}

static struct address peer_of(const struct http_request *request)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(request->mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    struct address peer;
    address_of_socket(info != NULL ? info->client_addr : NULL, &peer);
    return peer;
}

struct address http_client(const struct http_request *request)
{
    struct address peer = peer_of(request);
    return address_of_client(request->thread->http->trusted_proxies, &peer,
                             http_header(request, "X-Forwarded-For"));
}

bool http_is_secure(const struct http_request *request)
{
    const char *scheme = http_header(request, "X-Forwarded-Proto");
    struct address peer = peer_of(request);
    return scheme != NULL && strcasecmp(scheme, "https") == 0 &&
           networks_contain(request->thread->http->trusted_proxies, &peer);
}

static bool pass_rate(struct http_request *request)
{
    struct http_thread *thread = request->thread;
    if (thread->rate_per_ip == NULL)
        return true;
    struct address client = http_client(request);
    int64_t wait_ms;
    if (rate_take(thread->rate_per_ip, &client, sizeof client, request->started_us, &wait_ms))
        return true;
    HTTP_COUNT(thread, limited, 1);
    http_answer_header(request, "Retry-After",
                       arena_printf(request->arena, "%lld", (long long)(wait_ms + 999) / 1000));
    http_problem(request, 429, "too_many_requests", "", "Too many requests; come again later.");
    return false;
}

/* Where it goes; answers what goes nowhere. */
static enum http_verdict route(struct http_request *request)
{
    const struct http_uri *uri = &request->uri;
    if (uri->nsegments == 2 && strcmp(uri->segments[0], "hooks") == 0) {
        request->target = TARGET_HOOK;
        return hooks_begin(request);
    }
    if (uri->nsegments > 0 && strcmp(uri->segments[0], "v1") == 0) {
        request->target = TARGET_API;
        return api_begin(request);
    }
    if (customer_owns(request)) {
        request->target = TARGET_CUSTOMER;
        return customer_begin(request);
    }
    request->page = page_find(uri->path);
    if (request->page == NULL)
        request->page = page_of_console();
    request->target = TARGET_PAGE;
    if (strcmp(request->method, "GET") == 0 || strcmp(request->method, "HEAD") == 0)
        return VERDICT_GO_ON;
    http_answer_header(request, "Allow", "GET, HEAD");
    http_problem(request, 405, "method_not_allowed", "", "This address can only be read.");
    return VERDICT_ANSWERED;
}

static bool pass_length(struct http_request *request)
{
    int64_t most = request->target == TARGET_HOOK ? HTTP_HOOK_BODY_BYTES : HTTP_API_BODY_BYTES;
    if (request->framing.content_length <= most)
        return true;
    http_problem(request, 413, "too_large", "",
                 request->target == TARGET_HOOK ? "A delivery may have 2 MiB at most."
                                                : "A body may have 1 MiB at most.");
    return false;
}

/* ---- the steps ---- */

/* True when the body, if any, is to be taken in; else there is an answer. */
static bool take_body(struct http_request *request, enum http_verdict verdict)
{
    if (verdict != VERDICT_GO_ON || !pass_length(request))
        return false;
    request->stage = STAGE_BODY;
    if (request->framing.content_length > 0) {
        request->body = malloc((size_t)request->framing.content_length);
        assert(request->body != NULL);
    }
    return true;
}

static void wait_for_snapshot(struct http_request *request)
{
    struct http_thread *thread = request->thread;
    request->stage = STAGE_CHECKING;
    request->next_free = thread->checking;
    thread->checking = request;
    http_phase(request->connection, PHASE_BUSY);
    MHD_suspend_connection(request->mhd);
    bus_channel_send(thread->directory, NULL);
}

/* With what the headers tell: on to the body, or to the answer. */
static enum MHD_Result go_on(struct http_request *request, enum http_verdict verdict)
{
    http_phase(request->connection, PHASE_BODY);
    if (verdict == VERDICT_UNKNOWN) {
        wait_for_snapshot(request);
        return MHD_YES;
    }
    if (take_body(request, verdict))
        return MHD_YES;
    bool is_forgettable = !request->closes && !request->framing.expects_continue &&
                          request->framing.content_length <= HTTP_FORGET_BYTES;
    if (is_forgettable) {
        request->stage = STAGE_FORGET;
        return MHD_YES;
    }
    request->closes = true;
    return http_queue_answer(request);
}

/* The headers are there. */
static enum MHD_Result begin(struct http_request *request, const char *version)
{
    request->connection =
        MHD_get_connection_info(request->mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
    request->was_checked = request->thread->directory == NULL;
    set_traceparent(request, http_header(request, "traceparent"));
    bool is_good = pass_guard(request, version) && pass_rate(request);
    return go_on(request, is_good ? route(request) : VERDICT_ANSWERED);
}

void http_check(struct http_thread *thread)
{
    int64_t loaded_us = thread->snapshot->loaded_at_us;
    int64_t late_us = clock_monotonic_us() - MAX_CHECK_US;
    struct http_request **link = &thread->checking;
    while (*link != NULL) {
        struct http_request *request = *link;
        bool is_due = request->started_us <= loaded_us || request->started_us <= late_us ||
                      thread->is_stopping;
        if (!is_due) {
            link = &request->next_free;
            continue;
        }
        *link = request->next_free;
        request->was_checked = true;
        MHD_resume_connection(request->mhd);
    }
}

static void add_to_body(struct http_request *request, const char *upload, size_t bytes)
{
    /* The library reads no further than Content-Length says; if it ever did, this is the net. */
    assert(request->body_bytes + bytes <= (size_t)request->framing.content_length);
    memcpy(request->body + request->body_bytes, upload, bytes);
    request->body_bytes += bytes;
}

static enum MHD_Result run(struct http_request *request)
{
    HTTP_COUNT(request->thread, bytes_in, (int64_t)request->body_bytes);
    http_phase(request->connection, PHASE_BUSY);
    switch (request->target) {
    case TARGET_API:
        api_run(request);
        break;
    case TARGET_HOOK:
        hooks_run(request);
        break;
    case TARGET_PAGE:
        request->page->run(request);
        break;
    case TARGET_CUSTOMER:
        customer_run(request);
        break;
    }
    return request->stage == STAGE_WAITING ? MHD_YES : http_queue_answer(request);
}

void http_suspend(struct http_request *request)
{
    struct http_thread *thread = request->thread;
    request->stage = STAGE_WAITING;
    request->next_waiting = thread->waiting;
    request->waiting_link = &thread->waiting;
    if (thread->waiting != NULL)
        thread->waiting->waiting_link = &request->next_waiting;
    thread->waiting = request;
    HTTP_COUNT(thread, in_flight, 1);
    MHD_suspend_connection(request->mhd);
}

void http_resume(struct http_request *request)
{
    *request->waiting_link = request->next_waiting;
    if (request->next_waiting != NULL)
        request->next_waiting->waiting_link = request->waiting_link;
    HTTP_COUNT(request->thread, in_flight, -1);
    MHD_resume_connection(request->mhd);
}

void http_give_up(struct http_thread *thread)
{
    http_check(thread);
    exports_end(thread);
    while (thread->waiting != NULL) {
        struct http_request *request = thread->waiting;
        http_problem(request, 503, "unavailable", "", "The gateway is stopping; try again.");
        http_resume(request);
    }
}

/* ---- what libmicrohttpd calls ---- */

void *http_on_uri(void *context, const char *uri, struct MHD_Connection *connection)
{
    struct http_thread *thread = context;
    struct http_request *request = request_new(thread);
    request->mhd = connection;
    request->started_us = clock_monotonic_us();
    request->raw_uri = arena_strdup(request->arena, uri);
    http_phase(
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context,
        PHASE_HEADERS);
    return request;
}

enum MHD_Result http_on_request(void *context, struct MHD_Connection *connection, const char *url,
                                const char *method, const char *version, const char *upload,
                                size_t *upload_bytes, void **context_of_request)
{
    struct http_request *request = *context_of_request;
    (void)context;
    (void)connection;
    (void)url;
    switch (request->stage) {
    case STAGE_HEADERS:
        request->method = arena_strdup(request->arena, method);
        return begin(request, version);
    case STAGE_BODY:
        if (*upload_bytes == 0)
            return run(request);
        add_to_body(request, upload, *upload_bytes);
        *upload_bytes = 0;
        return MHD_YES;
    case STAGE_CHECKING:
        return go_on(request, route(request));
    case STAGE_FORGET:
        if (*upload_bytes == 0)
            return http_queue_answer(request);
        *upload_bytes = 0;
        return MHD_YES;
    case STAGE_WAITING:
        return http_queue_answer(request);
    case STAGE_ANSWERED:
        *upload_bytes = 0;
        return MHD_YES;
    }
    return MHD_NO;
}

void http_on_completed(void *context, struct MHD_Connection *connection, void **context_of_request,
                       enum MHD_RequestTerminationCode code)
{
    struct http_request *request = *context_of_request;
    (void)context;
    (void)connection;
    (void)code;
    if (request == NULL)
        return;
    *context_of_request = NULL;
    http_phase(request->connection, PHASE_KEPT);
    request_free(request);
}
