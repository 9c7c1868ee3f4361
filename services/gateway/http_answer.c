/* What is said to a client: bodies, headers, problems. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "services/gateway/http_internal.h"

#define JSON_TYPE "application/json"
#define PROBLEM_TYPE "application/problem+json"

void http_answer_header(struct http_request *request, const char *name, const char *value)
{
    assert(request->nheaders < HTTP_MAX_ANSWER_HEADERS);
    request->headers[request->nheaders].name = name;
    request->headers[request->nheaders].value = value;
    request->nheaders++;
}

void http_answer(struct http_request *request, int status, const char *content_type, char *body,
                 size_t bytes)
{
    assert(request->answer == NULL);
    request->status = status;
    request->content_type = content_type;
    request->answer = body;
    request->answer_bytes = bytes;
}

void http_answer_text(struct http_request *request, int status, const char *content_type,
                      const char *text)
{
    char *copy = strdup(text);
    assert(copy != NULL);
    http_answer(request, status, content_type, copy, strlen(text));
}

void http_answer_json(struct http_request *request, int status, struct json_writer *writer)
{
    size_t bytes;
    char *body = json_writer_take(writer, &bytes);
    http_answer(request, status, JSON_TYPE, body, bytes);
}

/* ---- problems ---- */

/* "insufficient_stock" is titled "Insufficient stock". */
static const char *title_of(const char *code, struct arena *arena)
{
    char *title = arena_strdup(arena, code);
    for (char *at = title; *at != '\0'; at++)
        if (*at == '_')
            *at = ' ';
    if (title[0] >= 'a' && title[0] <= 'z')
        title[0] = (char)(title[0] - 'a' + 'A');
    return title;
}

static bool is_reserved(const char *name)
{
    static const char *const reserved[] = {"type",   "title", "status",   "code",
                                           "detail", "field", "trace_id", "instance"};
    for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++)
        if (strcmp(name, reserved[i]) == 0)
            return true;
    return false;
}

/* A detail is a text unless its name is that of a quantity: so that its type never depends on what
 * a SKU happens to look like. */
static bool is_quantity(const char *name)
{
    static const char *const quantities[] = {
        "available", "requested", "quantity",  "held",      "stopped", "shipped",
        "cancelled", "open",      "remaining", "allocated", "picked",  "packed",
        "received",  "returned",  "expected",  "actual",    "on_hand", "limit",
        "minimum",   "maximum",   "line",      "count",     "version", "returnable",
        "inspected", "asked",     "left",      "delta",     "current"};
    for (size_t i = 0; i < sizeof quantities / sizeof quantities[0]; i++)
        if (strcmp(name, quantities[i]) == 0)
            return true;
    return false;
}

static void write_detail(struct json_writer *writer, const Penstock__Bus__V1__Detail *detail)
{
    char *end;
    long long number = strtoll(detail->value, &end, 10);
    if (is_reserved(detail->name))
        return;
    json_put_name(writer, detail->name);
    if (is_quantity(detail->name) && detail->value[0] != '\0' && *end == '\0')
        json_put_int(writer, number);
    else
        json_put_text(writer, detail->value);
}

void http_problem_details(struct http_request *request, int status, const char *code,
                          const char *field, const char *sentence,
                          Penstock__Bus__V1__Detail *const *details, size_t count)
{
    struct json_writer writer;
    char trace_id[33] = "";
    memcpy(trace_id, request->traceparent + 3, 32);
    json_writer_open(&writer);
    json_begin_object(&writer);
    json_put_member_text(&writer, "type",
                         arena_printf(request->arena, "urn:penstock:problem:%s", code));
    json_put_member_text(&writer, "title", title_of(code, request->arena));
    json_put_member_int(&writer, "status", status);
    json_put_member_text(&writer, "code", code);
    json_put_member_text(&writer, "detail", sentence);
    json_put_member_text(&writer, "field", field != NULL && field[0] != '\0' ? field : NULL);
    json_put_member_text(&writer, "trace_id", trace_id);
    for (size_t i = 0; i < count; i++)
        write_detail(&writer, details[i]);
    json_end_object(&writer);
    size_t bytes;
    char *body = json_writer_take(&writer, &bytes);
    http_answer(request, status, PROBLEM_TYPE, body, bytes);
}

void http_problem(struct http_request *request, int status, const char *code, const char *field,
                  const char *sentence)
{
    http_problem_details(request, status, code, field, sentence, NULL, 0);
}

/* ---- sending ---- */

static void add_headers(const struct http_request *request, struct MHD_Response *response)
{
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    MHD_add_response_header(response, "Cache-Control",
                            request->cache_control != NULL ? request->cache_control : "no-store");
    if (request->content_type != NULL)
        MHD_add_response_header(response, "Content-Type", request->content_type);
    if (request->traceparent[0] != '\0')
        MHD_add_response_header(response, "traceparent", request->traceparent);
    for (size_t i = 0; i < request->nheaders; i++)
        MHD_add_response_header(response, request->headers[i].name, request->headers[i].value);
    if (request->closes || request->thread->is_stopping)
        MHD_add_response_header(response, "Connection", "close");
}

enum MHD_Result http_queue_answer(struct http_request *request)
{
    struct http_thread *thread = request->thread;
    int64_t took_us = clock_monotonic_us() - request->started_us;
    struct MHD_Response *response =
        request->listener != NULL ? live_response(request->listener)
        : request->export != NULL
            ? export_response(request->export)
            : MHD_create_response_from_buffer(request->answer_bytes, request->answer,
                                              MHD_RESPMEM_MUST_FREE);
    assert(response != NULL);
    request->answer = NULL;
    add_headers(request, response);
    HTTP_COUNT(thread, requests[request->status / 100 % 6], 1);
    HTTP_COUNT(thread, answer_us, took_us);
    HTTP_COUNT(thread, bytes_out, (int64_t)request->answer_bytes);
    if (request->status >= 500)
        log_warn("http_request_failed", "A request was answered with a fault",
                 LOG_TEXT("http.request.method", request->method),
                 LOG_TEXT("http.route",
                          request->endpoint != NULL ? request->endpoint->route->pattern : NULL),
                 LOG_INT("http.response.status_code", request->status),
                 LOG_INT("duration_ms", took_us / 1000));
    enum MHD_Result result = MHD_queue_response(request->mhd, (unsigned)request->status, response);
    MHD_destroy_response(response);
    request->stage = STAGE_ANSWERED;
    return result;
}
