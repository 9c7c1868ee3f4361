/* live.c -- streams of events: who looks at the console sees what happens as it happens.
 *
 * While somebody listens, the thread reads the tails of the services' logs: a tail is asked for
 * what follows, without payloads, waits at its service until there is something, and is asked no
 * more than five times a second. While nobody listens nothing is asked. An event goes to those
 * whose role may read its service.
 *
 * A stream has a buffer. What does not fit is left out and said so ("Lagged": read again), as is
 * what a tail is too far behind of: a sale of thousands of orders a second tells the console that
 * there is more than it can show. A listener that takes nothing for a minute is sent away, and so
 * is one whose session or key has ended.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "penstock/gateway/v1/people.pb-c.h"
#include "services/gateway/http_internal.h"

#define TICK_MS 200
#define WAIT_MS 10000
#define ASK_TIMEOUT_MS 12000
#define ASK_EVERY_US INT64_C(200000)
#define ASK_AGAIN_US INT64_C(2000000)
#define MAX_EVENTS 256
#define BUFFER_BYTES ((size_t)32 << 10)
#define BLOCK_BYTES ((size_t)4 << 10)
#define HEARTBEAT_US INT64_C(15000000)
#define STUCK_US INT64_C(60000000)
/* Beyond every log: what is asked for here is only where the log ends. */
#define BEYOND (INT64_MAX / 2)

typedef Penstock__Bus__V1__FetchRequest FetchRequest;
typedef Penstock__Bus__V1__FetchResponse FetchResponse;
typedef Penstock__Bus__V1__Event Event;

static const struct source {
    const char *service, *permission;
} sources[] = {
    {"orders", "orders:read"},   {"inventory", "stock:read"}, {"fulfillment", "fulfillment:read"},
    {"returns", "returns:read"}, {"notify", "messages:read"},
};
#define NSOURCES (sizeof sources / sizeof sources[0])

struct tail {
    struct live *live;
    const struct source *source;
    int64_t position; /* -1: not known yet */
    int64_t ask_at_us;
    bool is_asking;
};
struct live {
    struct http_thread *thread;
    struct arena *arena;
    struct tail tails[NSOURCES];
    struct live_listener *listeners;
    size_t count;
    bool is_ended;
};
struct live_listener {
    struct live *live;
    struct live_listener *next, **link;
    struct MHD_Connection *mhd;
    bool may_read[NSOURCES], has_lagged[NSOURCES];
    bool is_session;
    uint8_t hash[SESSION_HASH_BYTES];
    bool is_suspended, is_ended;
    int64_t moved_us; /* when it last took something */
    size_t first, used;
    char buffer[BUFFER_BYTES];
};

/* ---- a listener ---- */

static void wake(struct live_listener *listener)
{
    if (!listener->is_suspended)
        return;
    listener->is_suspended = false;
    MHD_resume_connection(listener->mhd);
}

static void end(struct live_listener *listener)
{
    listener->is_ended = true;
    wake(listener);
}

static bool append(struct live_listener *listener, const char *text, size_t bytes)
{
    if (listener->first > 0) {
        memmove(listener->buffer, listener->buffer + listener->first, listener->used);
        listener->first = 0;
    }
    if (bytes > BUFFER_BYTES - listener->used)
        return false;
    memcpy(listener->buffer + listener->used, text, bytes);
    listener->used += bytes;
    wake(listener);
    return true;
}

/* The library asks for what is to be sent next; with nothing there the connection sleeps. */
static ssize_t read_buffer(void *context, uint64_t position, char *out, size_t room)
{
    struct live_listener *listener = context;
    (void)position;
    if (listener->used == 0) {
        if (listener->is_ended)
            return MHD_CONTENT_READER_END_OF_STREAM;
        listener->is_suspended = true;
        MHD_suspend_connection(listener->mhd);
        return 0;
    }
    size_t bytes = listener->used < room ? listener->used : room;
    memcpy(out, listener->buffer + listener->first, bytes);
    listener->first += bytes;
    listener->used -= bytes;
    listener->moved_us = clock_monotonic_us();
    return (ssize_t)bytes;
}

static void free_listener(void *context)
{
    struct live_listener *listener = context;
    *listener->link = listener->next;
    if (listener->next != NULL)
        listener->next->link = listener->link;
    listener->live->count--;
    HTTP_COUNT(listener->live->thread, listeners, -1);
    free(listener);
}

struct MHD_Response *live_response(struct live_listener *listener)
{
    struct MHD_Response *response = MHD_create_response_from_callback(
        MHD_SIZE_UNKNOWN, BLOCK_BYTES, read_buffer, listener, free_listener);
    assert(response != NULL);
    return response;
}

static struct live_listener *new_listener(struct http_request *request)
{
    static const char hello[] = "retry: 3000\n\n";
    struct live *live = request->thread->live;
    struct live_listener *listener = calloc(1, sizeof *listener);
    assert(listener != NULL);
    listener->live = live;
    listener->mhd = request->mhd;
    listener->is_session = request->session != NULL;
    memcpy(listener->hash, request->caller_hash, sizeof listener->hash);
    for (size_t i = 0; i < NSOURCES; i++)
        listener->may_read[i] = role_allows(request->role, sources[i].permission);
    listener->moved_us = clock_monotonic_us();
    listener->next = live->listeners;
    listener->link = &live->listeners;
    if (listener->next != NULL)
        listener->next->link = &listener->next;
    live->listeners = listener;
    live->count++;
    HTTP_COUNT(live->thread, listeners, 1);
    append(listener, hello, sizeof hello - 1);
    return listener;
}

/* ---- events ---- */

static void write_event(struct json_writer *writer, const char *type, const char *key,
                        const char *service, int64_t position)
{
    json_begin_object(writer);
    json_put_member_text(writer, "type", type);
    json_put_member_text(writer, "key", key);
    json_put_member_text(writer, "service", service);
    json_put_member_int(writer, "position", position);
    json_end_object(writer);
}

static char *event_line(struct live *live, const char *type, const char *key, const char *service,
                        int64_t position)
{
    struct json_writer writer;
    size_t bytes;
    json_writer_open(&writer);
    write_event(&writer, type, key, service, position);
    char *json = json_writer_take(&writer, &bytes);
    char *line = arena_printf(live->arena, "data: %.*s\n\n", (int)bytes, json);
    free(json);
    return line;
}

/* Says once that something was left out; it is due again when there is room. */
static void tell_lagged(struct live_listener *listener, const struct tail *tail)
{
    size_t index = (size_t)(tail->source - sources);
    char *line = event_line(listener->live, "Lagged", "", tail->source->service, tail->position);
    listener->has_lagged[index] = !append(listener, line, strlen(line));
}

static void lag(struct live_listener *listener, const struct tail *tail)
{
    HTTP_COUNT(listener->live->thread, lagged, 1);
    tell_lagged(listener, tail);
}

static void spread(struct tail *tail, const Event *const *events, size_t count)
{
    struct live *live = tail->live;
    size_t index = (size_t)(tail->source - sources);
    const char **lines = ARENA_ARRAY(live->arena, count, const char *);
    for (size_t i = 0; i < count; i++)
        lines[i] = event_line(live, events[i]->type, events[i]->key, tail->source->service,
                              events[i]->position);
    for (struct live_listener *it = live->listeners; it != NULL; it = it->next) {
        bool fits = it->may_read[index] && !it->is_ended && !it->has_lagged[index];
        for (size_t i = 0; i < count && fits; i++) {
            fits = append(it, lines[i], strlen(lines[i]));
            if (!fits)
                lag(it, tail);
        }
    }
}

static void skip(struct tail *tail, int64_t head)
{
    tail->position = head;
    for (struct live_listener *it = tail->live->listeners; it != NULL; it = it->next)
        if (it->may_read[tail->source - sources] && !it->is_ended)
            lag(it, tail);
}

/* ---- tails ---- */

static void take(struct tail *tail, const FetchResponse *response)
{
    if (tail->position < 0) { /* it was only asked where the log ends */
        tail->position = response->head_position;
        return;
    }
    bool is_behind = response->head_position - tail->position > MAX_EVENTS ||
                     response->head_position < tail->position;
    if (is_behind) {
        skip(tail, response->head_position);
        return;
    }
    if (response->n_events == 0)
        return;
    tail->position = response->events[response->n_events - 1]->position;
    spread(tail, (const Event *const *)response->events, response->n_events);
}

static void fetched(void *context, const ReplyHeader *header, const uint8_t *payload,
                    size_t payload_bytes)
{
    struct tail *tail = context;
    struct live *live = tail->live;
    int64_t now_us = clock_monotonic_us();
    tail->is_asking = false;
    tail->ask_at_us = now_us + ASK_EVERY_US;
    if (header->status != PENSTOCK__BUS__V1__STATUS__STATUS_OK) {
        tail->ask_at_us = now_us + ASK_AGAIN_US;
        return;
    }
    if (live->count == 0) {
        tail->position = -1;
        return;
    }
    arena_reset(live->arena);
    FetchResponse *response = penstock__bus__v1__fetch_response__unpack(arena_protobuf(live->arena),
                                                                        payload_bytes, payload);
    if (response != NULL)
        take(tail, response);
}

static void fetch(struct tail *tail)
{
    static char internal[] = "internal", actor[] = "system:gateway", no_type[] = "-";
    char *permissions[] = {internal}, *types[] = {no_type};
    struct live *live = tail->live;
    FetchRequest question = PENSTOCK__BUS__V1__FETCH_REQUEST__INIT;
    RequestHeader header = PENSTOCK__BUS__V1__REQUEST_HEADER__INIT;
    question.after_position = tail->position >= 0 ? tail->position : BEYOND;
    question.max_events = MAX_EVENTS;
    question.wait_ms = WAIT_MS;
    /* Of no type does it want the payload. */
    question.types = types;
    question.n_types = 1;
    header.method = arena_printf(live->arena, "%s.Fetch", tail->source->service);
    header.actor = actor;
    header.permissions = permissions;
    header.n_permissions = 1;
    tail->is_asking = bus_ask_message(live->thread->client, tail->source->service, &header,
                                      &question.base, ASK_TIMEOUT_MS, fetched, tail) == STATUS_OK;
    if (!tail->is_asking)
        tail->ask_at_us = clock_monotonic_us() + ASK_AGAIN_US;
}

/* ---- time ---- */

static bool may_stay(const struct live_listener *listener)
{
    const struct snapshot *snapshot = listener->live->thread->snapshot;
    int64_t now_us = clock_wall_us();
    return listener->is_session ? snapshot_has_session(snapshot, listener->hash, now_us)
                                : snapshot_has_key(snapshot, listener->hash, now_us);
}

static void look_after(struct live_listener *listener, int64_t now_us)
{
    static const char heartbeat[] = ":\n\n";
    for (size_t i = 0; i < NSOURCES; i++)
        if (listener->has_lagged[i])
            tell_lagged(listener, &listener->live->tails[i]);
    bool is_stuck = listener->used > 0 && now_us - listener->moved_us > STUCK_US;
    if (is_stuck) {
        /* What it has not taken it never will: the library finds the end of the stream. */
        int fd =
            MHD_get_connection_info(listener->mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
        shutdown(fd, SHUT_RDWR);
        end(listener);
    } else if (!may_stay(listener)) {
        end(listener);
    } else if (listener->used == 0 && now_us - listener->moved_us > HEARTBEAT_US) {
        append(listener, heartbeat, sizeof heartbeat - 1);
    }
}

static void tick(void *context)
{
    struct live *live = context;
    int64_t now_us = clock_monotonic_us();
    if (live->count == 0)
        return;
    arena_reset(live->arena);
    for (struct live_listener *it = live->listeners; it != NULL; it = it->next)
        look_after(it, now_us);
    for (size_t i = 0; i < NSOURCES; i++)
        if (!live->tails[i].is_asking && now_us >= live->tails[i].ask_at_us)
            fetch(&live->tails[i]);
}

/* ---- life ---- */

void live_begin(struct http_request *request)
{
    struct live *live = request->thread->live;
    if (live->is_ended || live->count >= (size_t)request->thread->http->conf->max_listeners) {
        http_answer_header(request, "Retry-After", "5");
        http_problem(request, 503, "unavailable", "", "Too many listen already.");
        return;
    }
    /* What is asked already will be answered; where nobody was there, the log is where it is now.
     */
    for (size_t i = 0; i < NSOURCES && live->count == 0; i++)
        if (!live->tails[i].is_asking)
            live->tails[i].position = -1;
    request->listener = new_listener(request);
    request->status = 200;
    request->content_type = "text/event-stream";
    http_answer_header(request, "X-Accel-Buffering", "no");
}

struct live *live_open(struct http_thread *thread)
{
    struct live *live = calloc(1, sizeof *live);
    assert(live != NULL);
    live->thread = thread;
    live->arena = arena_open((size_t)16 << 20);
    for (size_t i = 0; i < NSOURCES; i++)
        live->tails[i] = (struct tail){.live = live, .source = &sources[i], .position = -1};
    bus_loop_every(thread->loop, TICK_MS, tick, live);
    return live;
}

void live_end(struct live *live)
{
    live->is_ended = true;
    for (struct live_listener *it = live->listeners; it != NULL; it = it->next)
        end(it);
}

void live_close(struct live **live)
{
    if (*live == NULL)
        return;
    assert((*live)->count == 0);
    arena_close(&(*live)->arena);
    free(*live);
    *live = NULL;
}
