/* inbox.h -- what channels deliver: checked in the HTTP thread, made durable in the inbox thread.
 *
 * An HTTP thread calls hook_accept(), which does no I/O: the adapter of the channel's type checks
 * the signature over the raw bytes and says what the delivery is. Then the delivery goes by pointer
 * to the inbox thread, which inserts what has gathered in one transaction of its own and sends each
 * back with its result. Only then does the channel get its 200. The gateway's leader works the rows
 * off later (the outcall of INBOX_OUTCALLS), so that a bug in an adapter never costs a delivery.
 *
 * Ownership: a delivery and all its texts live in the HTTP request's arena, and the body in the
 * request's buffer, until it has come back through the channel; the inbox thread only borrows it.
 * Limits: body 2 MiB, checked before; topic, identity and external id 255 bytes each.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/bus.h"
#include "common/id.h"
#include "common/service.h"
#include "common/status.h"
#include "services/gateway/channels.h"
#include "services/gateway/gateway.h"

/* ---- the hook, in the HTTP thread: pure ---- */

struct hook_request {
    const struct channel *channel; /* active, of a type that has an adapter */
    const uint8_t *body;
    size_t body_bytes;
    /* The value of a header (names compare without case), NULL when absent; the first when many. */
    const char *(*header)(void *context, const char *name);
    void *context;
    int64_t now_us;
};

/* The longest topic, identity, source or external id. */
#define INBOX_TEXT_BYTES 255

/* One delivery on its way into the inbox and back. */
struct inbox_delivery {
    struct uuid id; /* made by hook_accept() */
    const char *channel, *channel_type;
    const char *topic; /* "orders/create" */
    /* The event, as that channel really tells it apart, else the body's SHA-256 in hex. */
    const char *event_identity;
    const char *external_id; /* "" when the body does not tell */
    const char *source;      /* the shop that says it sends: its domain or address; may be "" */
    bool is_test;            /* a header says so */
    int64_t triggered_at_us; /* the channel's own clock where a header carries it, else 0 */
    int64_t triggered_at_ns; /* the same to the nanosecond, for the source's version */
    uint8_t body_hash[32];   /* SHA-256 */
    int64_t received_at_us;
    const uint8_t *body;
    size_t body_bytes;
    const char *traceparent; /* set by the HTTP thread */
    /* The answer, set by the inbox thread: OK (stored), CONFLICT (it is there already: the channel
     * gets 200 too), else UNAVAILABLE. */
    enum status result;
    void *waiter; /* the HTTP thread's */
    void *own;    /* the inbox thread's */
};

/* What became of a delivery. Stored and sent: append only, never renumber. */
#define INBOX_STATUSES(X) X(RECEIVED, 1) X(DONE, 2) X(PARKED, 3) X(IGNORED, 4)
#define X(name, number) INBOX_##name = number,
enum inbox_status { INBOX_STATUSES(X) };
#undef X

enum hook_verdict {
    HOOK_STORE,     /* *delivery is filled: hand it to the inbox */
    HOOK_PING,      /* nothing to keep: answer 200 */
    HOOK_UNSIGNED,  /* 401, without a word why */
    HOOK_MALFORMED, /* 400: signed, but without the headers that its type always sends */
};
enum hook_verdict hook_accept(const struct hook_request *request, struct arena *arena,
                              struct inbox_delivery *delivery);
/* True when a channel type has an adapter, i.e. takes hooks. */
bool hook_knows_type(const char *type);

/* ---- the inbox thread ---- */

struct inbox;

/* Starts the thread and binds a bus_channel for each HTTP thread; what it inserts it answers
 * through the same channel. Called from service.start before the HTTP threads. */
enum status inbox_open(const struct service *service, struct bus *bus,
                       const struct gateway_conf *conf, int http_threads,
                       struct inbox **out) MUST_CHECK;
/* Ends the thread, after answering what was handed in. The HTTP threads have closed by then. */
void inbox_close(struct inbox **inbox);
/* The name of the bus_channel of HTTP thread n. */
#define INBOX_CHANNEL_NAME_BYTES 32
char *inbox_channel_name(int http_thread, char buffer[INBOX_CHANNEL_NAME_BYTES]);

/* ---- rows for the tables of main.c ---- */

handler_fn handle_list_inbox, handle_get_delivery, handle_replay_delivery;
#define INBOX_ROUTES                                                                               \
    {.rpc = "ListInbox",                                                                           \
     .kind = ROUTE_QUERY,                                                                          \
     .handler = handle_list_inbox,                                                                 \
     .permission = "inbox:read"},                                                                  \
        {.rpc = "GetDelivery",                                                                     \
         .kind = ROUTE_QUERY,                                                                      \
         .handler = handle_get_delivery,                                                           \
         .permission = "inbox:read"},                                                              \
        {.rpc = "ReplayDelivery",                                                                  \
         .kind = ROUTE_COMMAND,                                                                    \
         .handler = handle_replay_delivery,                                                        \
         .permission = "inbox:write"},

/* Gives back what a leader before us had taken: to be called from service.lead. */
enum status inbox_lead(struct call *call);
/* What is received goes to orders, oldest first, one at a time of each order. */
enum status inbox_take(struct call *call, struct outcall_job *jobs, size_t *count);
void *inbox_worker_open(const struct service *service, void *conf);
void inbox_worker_close(void *state);
void inbox_make(struct outcall_worker *worker, struct outcall_job *jobs, size_t count);
enum status inbox_done(struct call *call, struct outcall_job *jobs, size_t count);
#define INBOX_OUTCALLS                                                                             \
    {.name = "inbox",                                                                              \
     .workers = 1,                                                                                 \
     .period_ms = 100,                                                                             \
     .max_jobs = 256,                                                                              \
     .take = inbox_take,                                                                           \
     .open = inbox_worker_open,                                                                    \
     .make = inbox_make,                                                                           \
     .done = inbox_done,                                                                           \
     .close = inbox_worker_close},

/* Bodies are dropped after 30 days; identity and hash stay. */
enum status inbox_forget(struct call *call);
/* CustomerErased, by orders. */
batch_fn on_customer_erased;
#define INBOX_TIMERS {.name = "inbox_forget", .period_ms = 60000, .fn = inbox_forget},

#define INBOX_COUNTERS                                                                             \
    {"inbox_done", "Deliveries that had their effect"},                                            \
        {"inbox_parked", "Deliveries set aside with a reason"},                                    \
        {"inbox_ignored", "Deliveries that need no effect"},
