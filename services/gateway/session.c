/* session.c -- people over HTTP: the cookie, what protects it, and the routes of service Edge.
 *
 * A browser sends its cookie with whatever page makes it send something. So a change that comes
 * with a cookie must say X-CSRF-Token, which only a page of ours can know, and must not come from
 * elsewhere by what the browser itself says (Sec-Fetch-Site, Origin). The token is derived from the
 * cookie and nothing but the cookie's hash is stored.
 */
#include <sodium.h>
#include <string.h>

#include "penstock/gateway/v1/people.pb-c.h"
#include "services/gateway/http_internal.h"
#include "services/gateway/rules_people.h"
#include "services/gateway/signin.h"
#include "services/gateway/transcode.h"

typedef Penstock__Gateway__V1__SignInRequest SignInRequest;
typedef Penstock__Gateway__V1__ChangePasswordRequest ChangePasswordRequest;
typedef Penstock__Gateway__V1__Session Session;

#define COOKIE "penstock_session"
/* Such a name a browser takes only with Secure, for all of this host and no other. */
#define SECURE_COOKIE "__Host-" COOKIE

/* ---- the cookie ---- */

static const char *cookie_name(const struct http_request *request)
{
    return http_is_secure(request) ? SECURE_COOKIE : COOKIE;
}

/* The token in the Cookie header; NULL when there is none that could be one. */
static const char *find_token(const struct http_request *request)
{
    const char *at = http_header(request, "Cookie"), *name = cookie_name(request);
    size_t name_bytes = strlen(name);
    while (at != NULL && *at != '\0') {
        at += strspn(at, "; ");
        size_t bytes = strcspn(at, ";");
        if (bytes == name_bytes + SESSION_TOKEN_BYTES && at[name_bytes] == '=' &&
            strncmp(at, name, name_bytes) == 0) {
            const char *token =
                arena_strndup(request->arena, at + name_bytes + 1, SESSION_TOKEN_BYTES - 1);
            return session_token_is_plausible(token) ? token : NULL;
        }
        at += bytes;
    }
    return NULL;
}

static void set_cookie(struct http_request *request, const char *token, int64_t lasts_us)
{
    http_answer_header(request, "Set-Cookie",
                       arena_printf(request->arena,
                                    "%s=%s; Path=/; Max-Age=%lld; HttpOnly; SameSite=Strict%s",
                                    cookie_name(request), token, (long long)(lasts_us / 1000000),
                                    http_is_secure(request) ? "; Secure" : ""));
}

static const char *csrf_token(struct arena *arena, const char *token)
{
    static const char purpose[] = "penstock csrf";
    uint8_t hash[crypto_auth_hmacsha256_BYTES];
    crypto_auth_hmacsha256_state state;
    char *text = arena_alloc(arena, SESSION_TOKEN_BYTES);
    crypto_auth_hmacsha256_init(&state, (const uint8_t *)token, strlen(token));
    crypto_auth_hmacsha256_update(&state, (const uint8_t *)purpose, sizeof purpose - 1);
    crypto_auth_hmacsha256_final(&state, hash);
    return sodium_bin2base64(text, SESSION_TOKEN_BYTES, hash, sizeof hash,
                             sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

/* ---- who ---- */

static const struct http_session *copy_session(struct arena *arena, const struct session *session,
                                               const char *token)
{
    struct http_session *copy = ARENA_NEW(arena, struct http_session);
    copy->as = *session;
    copy->as.name = arena_strdup(arena, session->name);
    copy->as.email = arena_strdup(arena, session->email);
    copy->as.locale = arena_strdup(arena, session->locale);
    copy->csrf_token = csrf_token(arena, token);
    return copy;
}

enum http_verdict session_authenticate(struct http_request *request, struct uuid *caller)
{
    const char *token = find_token(request);
    int64_t now_us = clock_wall_us();
    if (token == NULL)
        return VERDICT_ANSWERED;
    struct session *session = snapshot_find_session(request->thread->snapshot, token, now_us);
    if (session == NULL)
        return request->was_checked ? VERDICT_ANSWERED : VERDICT_UNKNOWN;
    session->used_at_us = now_us;
    char id[UUID_TEXT_BYTES];
    request->session = copy_session(request->arena, session, token);
    request->role = session->role;
    request->caller_hash = request->session->as.hash;
    request->principal =
        arena_printf(request->arena, "person:%s", uuid_text(&session->person_id, id));
    *caller = session->person_id;
    return VERDICT_GO_ON;
}

/* ---- where from ---- */

static bool is_own_origin(const char *origin, const char *host)
{
    const char *after = strstr(origin, "://");
    return after != NULL && host != NULL && strcasecmp(after + 3, host) == 0;
}

/* What the browser says of the page that sends this; programs say nothing. */
static bool is_from_elsewhere(const struct http_request *request)
{
    const char *site = http_header(request, "Sec-Fetch-Site");
    const char *origin = http_header(request, "Origin");
    if (site != NULL)
        return strcmp(site, "same-origin") != 0;
    return origin != NULL && !is_own_origin(origin, http_header(request, "Host"));
}

static bool has_csrf_token(const struct http_request *request)
{
    const char *given = http_header(request, "X-CSRF-Token");
    const char *wanted = request->session->csrf_token;
    return given != NULL && strlen(given) == strlen(wanted) &&
           sodium_memcmp(given, wanted, strlen(wanted)) == 0;
}

bool session_pass_origin(struct http_request *request)
{
    bool has_key = request->principal != NULL && request->session == NULL;
    if (has_key || request->endpoint->route->method == HTTP_GET)
        return true;
    const char *sentence = NULL;
    if (is_from_elsewhere(request))
        sentence = "A page of another site may not send this.";
    else if (request->session != NULL && !has_csrf_token(request))
        sentence = "A change that comes with a session takes the header X-CSRF-Token, as "
                   "GET /v1/session tells it.";
    if (sentence == NULL)
        return true;
    HTTP_COUNT(request->thread, forbidden, 1);
    http_audit_refused(request);
    log_info("http_cross_site", "A change that came with a session was refused",
             LOG_TEXT("actor", request->principal),
             LOG_TEXT("http.route", request->endpoint->route->pattern));
    http_problem(request, 403, "csrf", "", sentence);
    return false;
}

/* ---- answers ---- */

static char *loan(const char *text)
{
    return (char *)(uintptr_t)text;
}

static void answer_session(struct http_request *request, int status, const struct session *session,
                           const char *csrf)
{
    Penstock__Gateway__V1__SessionUser user = PENSTOCK__GATEWAY__V1__SESSION_USER__INIT;
    Session view = PENSTOCK__GATEWAY__V1__SESSION__INIT;
    char *permissions[ROLE_MAX_PERMISSIONS];
    struct json_writer writer;
    user.id = uuid_text(&session->person_id, arena_alloc(request->arena, UUID_TEXT_BYTES));
    user.name = loan(session->name);
    user.email = loan(session->email);
    user.role = loan(session->role->name);
    user.locale = loan(session->locale);
    user.has_first_password = session->has_first_password;
    view.user = &user;
    view.permissions = permissions;
    for (const char *const *at = session->role->permissions; *at != NULL; at++)
        permissions[view.n_permissions++] = loan(*at);
    view.csrf_token = loan(csrf);
    json_writer_open(&writer);
    transcode_write(&writer, &view.base);
    http_answer_json(request, status, &writer);
}

static void get_session(struct http_request *request)
{
    if (request->session != NULL) {
        answer_session(request, 200, &request->session->as, request->session->csrf_token);
        return;
    }
    struct session key = {.role = request->role, .name = "", .email = "", .locale = ""};
    uuid_parse(request->principal + strlen("key:"), &key.person_id);
    answer_session(request, 200, &key, "");
}

static void refuse_attempt(struct http_request *request, const struct signin_attempt *attempt)
{
    bool begins = attempt->kind == SIGNIN_BEGIN;
    switch (attempt->result) {
    case SIGNIN_OK:
        break;
    case SIGNIN_WRONG:
        HTTP_COUNT(request->thread, unauthenticated, 1);
        http_problem(request, begins ? 401 : 403, begins ? "wrong_credentials" : "wrong_password",
                     begins ? "" : "password",
                     begins ? "The address or the password is not right."
                            : "This is not your password.");
        break;
    case SIGNIN_WEAK:
        http_problem(request, 400, "weak_password", "new_password", attempt->why);
        break;
    case SIGNIN_PAUSE:
        HTTP_COUNT(request->thread, limited, 1);
        http_answer_header(
            request, "Retry-After",
            arena_printf(request->arena, "%lld", (long long)(attempt->wait_ms + 999) / 1000));
        http_problem(request, 429, "too_many_attempts", "",
                     "Too many attempts have failed; wait a little.");
        break;
    case SIGNIN_BUSY:
    case SIGNIN_UNAVAILABLE:
        http_answer_header(request, "Retry-After", "1");
        http_problem(request, 503, "unavailable", "", "Signing in is not possible right now.");
        break;
    }
}

/* The thread's own snapshot forgets at once; those of others within half a second. */
static void forget_session(struct http_request *request)
{
    const char *token = find_token(request);
    struct session *session =
        token != NULL ? snapshot_find_session(request->thread->snapshot, token, clock_wall_us())
                      : NULL;
    if (session != NULL)
        session->expires_at_us = 0;
}

static void answer_attempt(struct http_request *request, const struct signin_attempt *attempt)
{
    switch (attempt->kind) {
    case SIGNIN_BEGIN:
        set_cookie(request, attempt->token, SESSION_LONGEST_US);
        answer_session(request, 201, &attempt->session, csrf_token(request->arena, attempt->token));
        break;
    case SIGNIN_END:
        forget_session(request);
        set_cookie(request, "", 0);
        http_answer(request, 204, NULL, NULL, 0);
        break;
    case SIGNIN_PASSWORD:
        answer_session(request, 200, &attempt->session, request->session->csrf_token);
        break;
    }
}

void session_attempted(void *context, void *pointer)
{
    struct http_thread *thread = context;
    struct signin_attempt *attempt = pointer;
    struct http_request *request = attempt->waiter;
    thread->in_signin--;
    if (attempt->result == SIGNIN_OK)
        answer_attempt(request, attempt);
    else
        refuse_attempt(request, attempt);
    http_resume(request);
}

/* ---- the routes ---- */

static void hand_in(struct http_request *request, struct signin_attempt *attempt)
{
    struct http_thread *thread = request->thread;
    if (thread->signin == NULL) {
        http_problem(request, 503, "unavailable", "", "Signing in is not possible right now.");
        return;
    }
    attempt->arena = request->arena;
    attempt->client = http_client(request);
    attempt->waiter = request;
    thread->in_signin++;
    http_suspend(request);
    bus_channel_send(thread->signin, attempt);
}

static struct signin_attempt *new_attempt(struct http_request *request, enum signin_kind kind)
{
    struct signin_attempt *attempt = ARENA_NEW(request->arena, struct signin_attempt);
    const char *token = find_token(request);
    attempt->kind = kind;
    attempt->has_session = token != NULL;
    if (token != NULL)
        session_token_hash(token, attempt->hash);
    if (request->session != NULL)
        attempt->person_id = request->session->as.person_id;
    return attempt;
}

static bool is_given(struct http_request *request, const char *text, const char *field)
{
    if (text[0] == '\0')
        http_problem(request, 400, "required", field, "This is needed.");
    return text[0] != '\0';
}

static void sign_in(struct http_request *request, const SignInRequest *in)
{
    if (!is_given(request, in->email, "email") || !is_given(request, in->password, "password"))
        return;
    struct signin_attempt *attempt = new_attempt(request, SIGNIN_BEGIN);
    attempt->email = rules_email(in->email, request->arena);
    attempt->password = in->password;
    hand_in(request, attempt);
}

static void change_password(struct http_request *request, const ChangePasswordRequest *in)
{
    if (!is_given(request, in->password, "password") ||
        !is_given(request, in->new_password, "new_password"))
        return;
    struct signin_attempt *attempt = new_attempt(request, SIGNIN_PASSWORD);
    attempt->password = in->password;
    attempt->new_password = in->new_password;
    hand_in(request, attempt);
}

void session_run(struct http_request *request, const ProtobufCMessage *message)
{
    const char *rpc = request->endpoint->route->rpc;
    if (strcmp(rpc, "SignIn") == 0) {
        sign_in(request, (const SignInRequest *)message);
    } else if (strcmp(rpc, "GetSession") == 0) {
        get_session(request);
    } else if (strcmp(rpc, "Watch") == 0) {
        live_begin(request);
    } else if (request->session == NULL) {
        http_problem(request, 400, "session_required", "",
                     "An API key has no session and no password.");
    } else if (strcmp(rpc, "SignOut") == 0) {
        hand_in(request, new_attempt(request, SIGNIN_END));
    } else {
        change_password(request, (const ChangePasswordRequest *)message);
    }
}
