/* api.c -- a request of the public API becomes a message to a service, and its reply an answer. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "services/gateway/http_internal.h"
#include "services/gateway/transcode.h"

#define KEY_TEXT_BYTES 255

/* ---- who, and may he ---- */

static enum http_verdict refuse_unauthenticated(struct http_request *request, const char *challenge)
{
    HTTP_COUNT(request->thread, unauthenticated, 1);
    http_answer_header(request, "WWW-Authenticate", challenge);
    http_problem(request, 401, "unauthenticated", "",
                 "This takes an API key (Authorization: Bearer pk_...) or a session: sign in.");
    return VERDICT_ANSWERED;
}

static enum http_verdict authenticate_key(struct http_request *request, const char *given,
                                          struct uuid *caller)
{
    static const char scheme[] = "Bearer ";
    if (strncasecmp(given, scheme, strlen(scheme)) != 0)
        return refuse_unauthenticated(request, "Bearer realm=\"penstock\"");
    int64_t now_us = clock_wall_us();
    const char *text = given + strlen(scheme);
    struct api_key *key = snapshot_find_key(request->thread->snapshot, text, now_us);
    if (key == NULL && !request->was_checked && api_key_is_plausible(text))
        return VERDICT_UNKNOWN;
    if (key == NULL)
        return refuse_unauthenticated(request,
                                      "Bearer realm=\"penstock\", error=\"invalid_token\"");
    key->used_at_us = now_us;
    char id[UUID_TEXT_BYTES];
    request->role = key->is_narrowed ? role_copy(key->role, request->arena) : key->role;
    request->caller_hash = arena_copy(request->arena, key->hash, sizeof key->hash);
    request->principal = arena_printf(request->arena, "key:%s", uuid_text(&key->id, id));
    *caller = key->id;
    return VERDICT_GO_ON;
}

/* A key where there is one, else the session of the cookie. */
static enum http_verdict authenticate(struct http_request *request, struct uuid *caller)
{
    const char *given = http_header(request, "Authorization");
    if (given != NULL)
        return authenticate_key(request, given, caller);
    enum http_verdict verdict = session_authenticate(request, caller);
    return verdict != VERDICT_ANSWERED
               ? verdict
               : refuse_unauthenticated(request, "Bearer realm=\"penstock\"");
}

static bool authorize(struct http_request *request)
{
    const char *permission = request->endpoint->route->permission;
    if (role_allows(request->role, permission))
        return true;
    HTTP_COUNT(request->thread, forbidden, 1);
    http_audit_refused(request);
    log_info("http_forbidden", "A caller lacks the permission for a route",
             LOG_TEXT("actor", request->principal),
             LOG_TEXT("http.route", request->endpoint->route->pattern),
             LOG_TEXT("permission", permission));
    http_problem(
        request, 403, "forbidden", "",
        arena_printf(request->arena, "This takes the permission %s, which %s %s lacks.", permission,
                     role_find(request->role->name) == request->role ? "the role"
                                                                     : "this key of the role",
                     request->role->name));
    return false;
}

static bool pass_key_rate(struct http_request *request, const struct uuid *caller)
{
    int64_t wait_ms;
    if (rate_take(request->thread->rate_per_key, caller, sizeof *caller, request->started_us,
                  &wait_ms))
        return true;
    HTTP_COUNT(request->thread, limited, 1);
    http_answer_header(request, "Retry-After",
                       arena_printf(request->arena, "%lld", (long long)(wait_ms + 999) / 1000));
    http_problem(request, 429, "too_many_requests", "",
                 "Too many requests with this key; come again later.");
    return false;
}

/* ---- headers that matter ---- */

static bool read_idempotency_key(struct http_request *request)
{
    const char *key = http_header(request, "Idempotency-Key");
    bool is_needed = (request->endpoint->route->flags & ROUTE_NEEDS_KEY) != 0;
    if (key == NULL || request->endpoint->route->method == HTTP_GET) {
        if (!is_needed)
            return true;
        http_problem(request, 400, "idempotency_key_required", "Idempotency-Key",
                     "This moves stock or money, so it takes the header Idempotency-Key: a text of "
                     "yours that is the same when you try again.");
        return false;
    }
    size_t bytes = strlen(key);
    bool is_good = bytes >= 1 && bytes <= KEY_TEXT_BYTES;
    for (size_t i = 0; i < bytes; i++)
        is_good = is_good && key[i] > ' ' && key[i] < 0x7F;
    if (!is_good) {
        http_problem(request, 400, "invalid", "Idempotency-Key",
                     "An Idempotency-Key is 1 to 255 visible ASCII characters.");
        return false;
    }
    request->idempotency_key = arena_strdup(request->arena, key);
    return true;
}

/* curl -d says that it sends a form; what it sends is JSON all the same. */
static bool is_acceptable_type(const char *type)
{
    static const char *const accepted[] = {"application/json", "application/x-www-form-urlencoded"};
    if (type == NULL)
        return true;
    size_t bytes = strcspn(type, "; \t");
    for (size_t i = 0; i < sizeof accepted / sizeof accepted[0]; i++)
        if (bytes == strlen(accepted[i]) && strncasecmp(type, accepted[i], bytes) == 0)
            return true;
    return bytes == 0;
}

/* The version that a change is made from; NULL when the request has none. */
static const ProtobufCFieldDescriptor *version_field(const struct http_request *request)
{
    const ProtobufCFieldDescriptor *field =
        transcode_field(request->endpoint->rpc->input, "version");
    bool is_number = field != NULL && field->type == PROTOBUF_C_TYPE_INT64 &&
                     field->label != PROTOBUF_C_LABEL_REPEATED;
    return is_number ? field : NULL;
}

/* "12", as an ETag says it; 0 for anything else. */
static int64_t version_of_etag(const char *etag)
{
    char *end;
    if (etag[0] != '"' || etag[1] < '1' || etag[1] > '9' || strlen(etag) > 20)
        return 0;
    long long version = strtoll(etag + 1, &end, 10);
    return end[0] == '"' && end[1] == '\0' ? version : 0;
}

/* Better refused than not looked at: whoever says If-Match relies on it. */
static bool check_precondition(struct http_request *request)
{
    const char *etag = http_header(request, "If-Match");
    if (etag == NULL || request->endpoint->route->method == HTTP_GET)
        return true;
    if (version_field(request) == NULL)
        http_problem(request, 400, "precondition_unsupported", "If-Match",
                     "This route cannot check a version.");
    else if (version_of_etag(etag) == 0)
        http_problem(request, 400, "invalid", "If-Match",
                     "If-Match takes one ETag, as the order's answer had it.");
    else
        return true;
    return false;
}

static bool check_headers(struct http_request *request)
{
    bool takes_body = http_method_has_body(request->endpoint->route->method);
    if (!takes_body && request->framing.content_length > 0) {
        http_problem(request, 400, "unexpected_body", "", "This route takes no body.");
        return false;
    }
    if (takes_body && !is_acceptable_type(http_header(request, "Content-Type"))) {
        http_problem(request, 415, "unsupported_media_type", "",
                     "A body is sent as application/json.");
        return false;
    }
    if (!check_precondition(request))
        return false;
    return read_idempotency_key(request);
}

static bool find_endpoint(struct http_request *request)
{
    char allow[ROUTE_ALLOW_BYTES];
    request->endpoint =
        endpoints_find(request->thread->http->endpoints, request->method, &request->uri, allow);
    if (request->endpoint != NULL)
        return true;
    if (allow[0] == '\0') {
        http_problem(request, 404, "not_found", "", "There is nothing at this address.");
        return false;
    }
    http_answer_header(request, "Allow", arena_strdup(request->arena, allow));
    http_problem(request, 405, "method_not_allowed", "",
                 arena_printf(request->arena, "This address knows: %s.", allow));
    return false;
}

static bool is_public(const struct http_request *request)
{
    return (request->endpoint->route->flags & ROUTE_PUBLIC) != 0;
}

enum http_verdict api_begin(struct http_request *request)
{
    struct uuid caller;
    if (!find_endpoint(request))
        return VERDICT_ANSWERED;
    if (!is_public(request)) {
        enum http_verdict verdict = authenticate(request, &caller);
        if (verdict != VERDICT_GO_ON)
            return verdict;
        if (!pass_key_rate(request, &caller) || !authorize(request))
            return VERDICT_ANSWERED;
    }
    bool is_good = session_pass_origin(request) && check_headers(request);
    return is_good ? VERDICT_GO_ON : VERDICT_ANSWERED;
}

static bool is_of_every_service(const struct endpoint *endpoint)
{
    return endpoint->bus_method == NULL;
}

static const char *service_of(const struct http_request *request)
{
    const struct endpoint *endpoint = request->endpoint;
    return is_of_every_service(endpoint) ? request->uri.segments[endpoint->service_segment]
                                         : endpoint->route->service;
}

static const char *bus_method_of(const struct http_request *request)
{
    const struct endpoint *endpoint = request->endpoint;
    return is_of_every_service(endpoint)
               ? arena_printf(request->arena, "%s.%s", service_of(request), endpoint->route->rpc)
               : endpoint->bus_method;
}

/* ---- the reply ---- */

static int http_status(enum status status)
{
    switch (status) {
    case STATUS_OK:
        return 200;
    case STATUS_INVALID:
        return 400;
    case STATUS_UNAUTHENTICATED:
        return 401;
    case STATUS_FORBIDDEN:
        return 403;
    case STATUS_NOT_FOUND:
        return 404;
    case STATUS_CONFLICT:
        return 409;
    case STATUS_STALE:
        return 412;
    case STATUS_TOO_LARGE:
        return 413;
    case STATUS_TOO_MANY:
        return 429;
    case STATUS_UNAVAILABLE:
    case STATUS_NOT_LEADER:
    case STATUS_RETRY:
    case STATUS_LATER:
        return 503;
    case STATUS_DEADLINE:
        return 504;
    case STATUS_INTERNAL:
    case STATUS_UNKNOWN:
        return 500;
    }
    return 500;
}

/* What is said when the service said nothing itself. */
static const char *default_code(int status)
{
    switch (status) {
    case 503:
        return "unavailable";
    case 504:
        return "deadline";
    case 500:
        return "internal";
    default:
        return "refused";
    }
}

static const char *default_sentence(int status)
{
    switch (status) {
    case 503:
        return "The service behind this is not available right now; try again.";
    case 504:
        return "No answer came in time. It may have had its effect: try again with the same "
               "Idempotency-Key to find out.";
    case 500:
        return "A fault of ours, which has been logged.";
    default:
        return "The request was refused.";
    }
}

static void answer_refusal(struct http_request *request, const ReplyHeader *header)
{
    int status = http_status((enum status)header->status);
    if (status == 503 || status == 429) {
        int seconds = (header->retry_after_ms + 999) / 1000;
        http_answer_header(request, "Retry-After",
                           arena_printf(request->arena, "%d", seconds > 0 ? seconds : 1));
    }
    http_problem_details(
        request, status, header->code[0] != '\0' ? header->code : default_code(status),
        header->field, header->message[0] != '\0' ? header->message : default_sentence(status),
        header->details, header->n_details);
}

/* True when the client has this version already and was told so. */
static bool answer_version(struct http_request *request, const ProtobufCMessage *rendered)
{
    int64_t version = rendered != NULL ? transcode_int64(rendered, "version") : 0;
    if (version == 0)
        return false;
    const char *etag = arena_printf(request->arena, "\"%lld\"", (long long)version);
    const char *known = http_header(request, "If-None-Match");
    http_answer_header(request, "ETag", etag);
    if (request->endpoint->route->method != HTTP_GET || known == NULL || strcmp(known, etag) != 0)
        return false;
    http_answer(request, 304, NULL, NULL, 0);
    return true;
}

static void answer_message(struct http_request *request, const ReplyHeader *header,
                           const ProtobufCMessage *answer)
{
    const struct http_route *route = request->endpoint->route;
    const ProtobufCMessage *rendered = transcode_rendered(answer);
    if (header->position > 0)
        http_answer_header(
            request, "Penstock-Position",
            arena_printf(request->arena, "%s=%lld", route->service, (long long)header->position));
    if (header->repeated)
        http_answer_header(request, "Idempotent-Replayed", "true");
    if (answer_version(request, rendered))
        return;
    struct json_writer writer;
    json_writer_open(&writer);
    if (rendered != NULL)
        transcode_write(&writer, rendered);
    else
        json_put_null(&writer);
    http_answer_json(request, (route->flags & ROUTE_CREATES) != 0 ? 201 : 200, &writer);
}

static void replied(void *context, const ReplyHeader *header, const uint8_t *payload,
                    size_t payload_bytes)
{
    struct http_request *request = context;
    if (header->status != PENSTOCK__BUS__V1__STATUS__STATUS_OK) {
        answer_refusal(request, header);
    } else {
        ProtobufCMessage *answer = protobuf_c_message_unpack(
            request->endpoint->rpc->output, arena_protobuf(request->arena), payload_bytes, payload);
        if (answer != NULL) {
            http_audit_read(request);
            if ((request->endpoint->route->flags & ROUTE_FILE) != 0)
                export_begin(request, request->message, answer);
            else
                answer_message(request, header, answer);
        } else {
            log_error("http_bad_reply", "A service's answer could not be read",
                      LOG_TEXT("rpc", bus_method_of(request)));
            http_problem(request, 500, "internal", "", default_sentence(500));
        }
    }
    http_resume(request);
}

/* ---- the request ---- */

static bool refuse_reading(struct http_request *request, const struct transcode_refusal *refusal)
{
    http_problem(request, 400, refusal->code, refusal->field, refusal->text);
    return false;
}

static bool read_body(struct http_request *request, ProtobufCMessage *message)
{
    struct json_error error;
    struct transcode_refusal refusal;
    if (request->body_bytes == 0)
        return true;
    bool takes_file = (request->endpoint->route->flags & ROUTE_LONG_TEXT) != 0;
    const struct json_value *value =
        json_parse(request->body, request->body_bytes,
                   takes_file ? JSON_LIMITS_FILE : JSON_LIMITS_API, request->arena, &error);
    if (value == NULL) {
        http_problem(request, 400, error.code, "",
                     arena_printf(request->arena, "The body cannot be read at byte %zu: %s.",
                                  error.offset, error.sentence));
        return false;
    }
    return transcode_read(value, message, request->arena, &refusal) == STATUS_OK ||
           refuse_reading(request, &refusal);
}

/* What the path says cannot be said in the body or the query too. */
static bool bind_path(struct http_request *request, ProtobufCMessage *message)
{
    const struct endpoint *endpoint = request->endpoint;
    for (size_t i = 0; i < endpoint->nsegments; i++) {
        bool names_service = is_of_every_service(endpoint) && i == endpoint->service_segment;
        if (!endpoint->is_parameter[i] || names_service)
            continue;
        const ProtobufCFieldDescriptor *field =
            transcode_field(endpoint->rpc->input, endpoint->segments[i]);
        char **text = (char **)((char *)message + field->offset);
        if (*text != NULL && (*text)[0] != '\0') {
            http_problem(request, 400, "invalid", endpoint->segments[i],
                         "This is said by the address already.");
            return false;
        }
        *text = arena_strdup(request->arena, request->uri.segments[i]);
    }
    return true;
}

static bool bind_query(struct http_request *request, ProtobufCMessage *message)
{
    struct transcode_refusal refusal;
    const struct http_uri *uri = &request->uri;
    for (size_t i = 0; i < uri->nparameters; i++) {
        const char *name = uri->parameters[i].name;
        for (size_t j = 0; j < i; j++)
            if (strcmp(uri->parameters[j].name, name) == 0) {
                http_problem(request, 400, "duplicate_parameter", name,
                             "A parameter stands there twice.");
                return false;
            }
        if (request->endpoint->route->method != HTTP_GET) {
            http_problem(request, 400, "unknown_parameter", name,
                         "There is no such parameter on this route.");
            return false;
        }
        if (uri->parameters[i].value[0] != '\0' &&
            transcode_read_parameter(name, uri->parameters[i].value, message, request->arena,
                                     &refusal) != STATUS_OK)
            return refuse_reading(request, &refusal);
    }
    return true;
}

/* If-Match says what the body's version says. */
static bool bind_version(struct http_request *request, ProtobufCMessage *message)
{
    const char *etag = http_header(request, "If-Match");
    const ProtobufCFieldDescriptor *field = version_field(request);
    if (etag == NULL || field == NULL || request->endpoint->route->method == HTTP_GET)
        return true;
    int64_t *version = (int64_t *)(void *)((char *)message + field->offset);
    if (*version != 0 && *version != version_of_etag(etag)) {
        http_problem(request, 400, "invalid", "version", "If-Match says another version.");
        return false;
    }
    *version = version_of_etag(etag);
    return true;
}

static const char *command_id(const struct http_request *request)
{
    if (request->idempotency_key == NULL)
        return "";
    return arena_printf(request->arena, "%s/%s/%s", request->principal, bus_method_of(request),
                        request->idempotency_key);
}

/* The wire's structs have no const; what they point to is not changed. */
static char *loan(const char *text)
{
    return (char *)(uintptr_t)text;
}

/* What every service answers it answers to services only: here the gateway is the one that asks,
 * and has checked the permission itself. */
static const char *const *permissions_of(const struct http_request *request)
{
    static const char *const internal[] = {"internal", NULL};
    return is_of_every_service(request->endpoint) ? internal : request->role->permissions;
}

static void ask(struct http_request *request, const ProtobufCMessage *message)
{
    struct http_thread *thread = request->thread;
    RequestHeader header = PENSTOCK__BUS__V1__REQUEST_HEADER__INIT;
    char *permissions[ROLE_MAX_PERMISSIONS + 1];
    if (!is_of_every_service(request->endpoint)) /* rules may tell roles apart */
        permissions[header.n_permissions++] =
            arena_printf(request->arena, "role:%s", request->role->name);
    for (const char *const *at = permissions_of(request); *at != NULL; at++) {
        assert(header.n_permissions < sizeof permissions / sizeof permissions[0]);
        permissions[header.n_permissions++] = loan(*at);
    }
    header.permissions = permissions;
    header.method = loan(bus_method_of(request));
    header.traceparent = request->traceparent;
    header.actor = loan(request->principal);
    header.command_id = loan(command_id(request));
    if (protobuf_c_message_get_packed_size(message) > BUS_MAX_MESSAGE_BYTES) {
        http_problem(request, 413, "too_large", "", "The request is too large.");
        return;
    }
    request->message = message;
    /* Suspended first: the answer may come from within. */
    http_suspend(request);
    enum status status =
        bus_ask_message(thread->client, service_of(request), &header, message,
                        (int)thread->http->conf->request_timeout_ms, replied, request);
    if (status == STATUS_OK)
        return;
    ReplyHeader refusal = PENSTOCK__BUS__V1__REPLY_HEADER__INIT;
    refusal.status = (Penstock__Bus__V1__Status)status;
    answer_refusal(request, &refusal);
    http_resume(request);
}

void api_run(struct http_request *request)
{
    ProtobufCMessage *message = transcode_new(request->endpoint->rpc->input, request->arena);
    if (!read_body(request, message) || !bind_query(request, message) ||
        !bind_path(request, message) || !bind_version(request, message))
        return;
    if ((request->endpoint->route->flags & ROUTE_EDGE) != 0)
        session_run(request, message);
    else
        ask(request, message);
}
