/* service.h -- the life that every service shares.
 *
 * A service is tables: routes, subscriptions, projections, timers, outcalls, configuration keys,
 * queries, migrations. service_main() does the rest: reads the configuration, opens the log, checks
 * the schema, prepares every statement, binds, serves, drains on SIGTERM, exits.
 *
 * The threads, which share nothing and pass jobs by channel:
 *   front    sockets, admission, deadlines, asks, fetching of events for subscriptions
 *   writer   the one connection that writes: commands, events, timers, in turns of one transaction
 *   lanes    queries, each with a connection of its own; one of them answers Fetch
 *   outcalls what waits for the outside world
 *   projections, one each
 *
 * Handlers hold no connection and no socket: they read and write through call->db inside the turn's
 * transaction, their events are rows of that transaction, and the reply leaves only after COMMIT. A
 * handler decides before it writes: what it refuses has written nothing. When PostgreSQL refuses a
 * turn after all, the turn runs again one command at a time and only the guilty one fails.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <protobuf-c/protobuf-c.h>

#include "common/arena.h"
#include "common/conf.h"
#include "common/db.h"
#include "common/id.h"
#include "common/log.h"
#include "common/migrate.h"
#include "common/status.h"

struct bus;
struct service;

/* ---- one piece of work ---- */

/* What an ask brought. Exactly one of: it was not asked; no answer came (away, too late); or came.
 */
struct answer {
    bool was_asked;
    bool came;
    enum status status;              /* when it came: OK, or the other service's refusal */
    const ProtobufCMessage *message; /* when OK */
    struct uuid hold_id;             /* nil: nothing was held */
    const char *code, *field, *text; /* when refused */
};

#define SERVICE_MAX_ASKS 2

/* An event, as its consumer sees it. */
struct event_source {
    const char *service;
    int64_t position;
    struct uuid event_id;
    const char *type;
    const char *key;
    int64_t occurred_at_us;
};

struct call {
    struct db *db;
    struct arena *arena;
    int64_t now_us; /* the only clock that a handler reads; the same for the whole turn */
    void *state;    /* what service.open made; the writer's and each lane's are separate */
    const char *actor;
    const char *traceparent;
    const char *const *permissions; /* NULL at the end */
    const char *command_id;         /* "" when the caller gave no identity */
    struct uuid command_hash;       /* of the packed request */
    const ProtobufCMessage *in;
    ProtobufCMessage *out;                   /* NULL for events and timers */
    struct answer answers[SERVICE_MAX_ASKS]; /* by the route's asks */
    const struct event_source *event;        /* NULL unless it is an event */
    /* When this service is asked for a hold. */
    const char *question_hash;
    const char *asker;
    struct uuid void_hold_id;  /* nil unless the hold of the answer before is void: release it */
    struct uuid reply_hold_id; /* the handler sets it: the hold that this answer adds */
    bool is_last_try;          /* call_later() would be in vain */
    enum status status;        /* OK, or what refuse() said */
    struct call_own *own;
};

/* Calls of one route, or events of one type from one log, that share a turn. */
struct batch {
    struct db *db;
    struct arena *arena;
    int64_t now_us;
    void *state;
    struct call *calls;
    size_t count;
};

/* Runs the body for each call of the batch that has not been refused: typed in and out.
 *     for_each_call(batch, call, const ReserveRequest, in, ReserveResponse, out) { ... } */
#define for_each_call(batch_, call_, In_, in_, Out_, out_)                                         \
    for (size_t call_##_index = 0; call_##_index < (batch_)->count; call_##_index++)               \
        for (struct call *call_ = &(batch_)->calls[call_##_index];                                 \
             call_ != NULL && call_->status == STATUS_OK; call_ = NULL)                            \
            for (In_ *in_ = (In_ *)call_->in; in_ != NULL; in_ = NULL)                             \
                for (Out_ *out_ = (Out_ *)call_->out; out_ != NULL; out_ = NULL)
/* The same for events. */
#define for_each_event(batch_, call_, Type_, event_)                                               \
    for (size_t call_##_index = 0; call_##_index < (batch_)->count; call_##_index++)               \
        for (struct call *call_ = &(batch_)->calls[call_##_index];                                 \
             call_ != NULL && call_->status == STATUS_OK; call_ = NULL)                            \
            for (const Type_ *event_ = (const Type_ *)call_->in; event_ != NULL; event_ = NULL)

/* Says no: nothing of this call may have been written. code is stable snake_case, field names the
 * request's field at fault ("" when none), the sentence says what would be right. Returns status,
 * so that a handler ends with return refuse(...). In an event handler it parks the event. */
enum status refuse(struct call *call, enum status status, const char *code, const char *field,
                   const char *format, ...) __attribute__((format(printf, 5, 6)));
/* A figure that goes with the refusal: {"available", "3"}. */
void refuse_detail(struct call *call, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* "I cannot know this yet": the command waits for the next events and is tried again, for up to a
 * second after it came; then is_last_try is set and the handler must decide. Returns LATER. */
enum status call_later(struct call *call);

/* Appends an event to this service's log, in this transaction. The type is the message's name. key
 * is the order's id wherever an event concerns an order. */
enum status emit(struct call *call, const char *key, const ProtobufCMessage *event) MUST_CHECK;
/* Counts something for /metrics: name is one of service.counters. */
void count(const struct call *call, const char *name, int64_t by);
/* A line of log that names what this call did to an order; the skeleton adds durations. */
void call_log_order(struct call *call, const char *event_name, const char *body,
                    const char *order_id);

/* ---- routes ---- */

typedef enum status handler_fn(struct call *call, const ProtobufCMessage *in,
                               ProtobufCMessage *out);
typedef enum status batch_fn(struct batch *batch);

/* Before a command, the front asks another service; before a query too, for what is read and not
 * held. The question is built by a function of the
 * request: return OK to ask, NOT_FOUND to go without asking, or a refusal. */
struct ask {
    const char *service; /* "inventory" */
    const char *rpc;     /* "Reserve" */
    const ProtobufCMessageDescriptor *question, *answer;
    enum status (*build)(struct call *call, const ProtobufCMessage *in, ProtobufCMessage *question);
    bool reads; /* build reads rows: it runs on a lane */
    /* How long to wait; past it the command goes on without an answer. 0: as long as the caller. */
    int (*timeout_ms)(const ProtobufCMessage *in);
};

enum route_kind {
    ROUTE_COMMAND, /* one at a time, in the writer */
    ROUTE_BATCH,   /* a set at a time, in the writer */
    ROUTE_QUERY,   /* on a lane: reads */
};
struct route {
    const char *rpc; /* as in the proto's service block */
    enum route_kind kind;
    handler_fn *handler;
    batch_fn *batch;
    const char *permission; /* which of the caller's permissions lets it in; NULL: any service */
    struct ask asks[SERVICE_MAX_ASKS];
    /* What is kept of the answer for a repeat, seven days: NULL keeps all of it. A route whose
     * answer holds personal data gives both: strip takes away what render puts back from the
     * request. */
    void (*strip)(ProtobufCMessage *out, struct arena *arena);
    enum status (*render)(struct call *call, const ProtobufCMessage *in, ProtobufCMessage *out);
};

#define HANDLER(fn, In, Out)                                                                       \
    static enum status fn##_typed(struct call *call, const In *in, Out *out);                      \
    static enum status fn(struct call *call, const ProtobufCMessage *in, ProtobufCMessage *out)    \
    {                                                                                              \
        return fn##_typed(call, (const In *)in, (Out *)out);                                       \
    }                                                                                              \
    static enum status fn##_typed(struct call *call, const In *in, Out *out)
#define BATCH_HANDLER(fn) static enum status fn(struct batch *batch)

/* ---- subscriptions, projections, timers ---- */

struct subscription {
    const char *service; /* whose log */
    const ProtobufCMessageDescriptor *type;
    batch_fn *batch;
};
/* A worker of its own on this service's own log: writes only its own tables, emits nothing. */
struct projection {
    const char *name;
    const ProtobufCMessageDescriptor *type; /* NULL: events of every type, without their messages */
    batch_fn *batch;
};
struct timer {
    const char *name;
    int period_ms;
    enum status (*fn)(struct call *call);
};

/* ---- what waits for the outside world ---- */

/* A kind of call to the outside: take (in the writer) picks what is due and records the attempt,
 * make (in a worker thread, after that commit) does it, done (in the writer) records the results.
 * take runs every period_ms, at once after outcall_kick(), and again while it returns full hands.
 */
struct outcall_job {
    struct arena *arena; /* the job's own: lives until done has committed */
    struct uuid id;
    void *data; /* from take, for make and done */
};
struct outcall_worker {
    struct arena *arena;
    void *state;               /* what open made */
    struct bus_client *client; /* to ask other services with bus_call() */
};
struct outcall {
    const char *name;
    int workers, period_ms, max_jobs;
    enum status (*take)(struct call *call, struct outcall_job *jobs, size_t *count); /* in: room */
    void *(*open)(const struct service *service, void *conf); /* once per worker; may be NULL */
    void (*make)(struct outcall_worker *worker, struct outcall_job *jobs, size_t count);
    enum status (*done)(struct call *call, struct outcall_job *jobs, size_t count);
    void (*close)(void *state); /* frees what open made, at the worker's end; may be NULL */
};
/* After this transaction commits, take runs at once. */
void outcall_kick(struct call *call, const char *name);

/* ---- holds that this service keeps for others ---- */

struct unsettled {
    const char *command_id, *asker;
    struct uuid hold_id;
};

/* ---- the service ---- */

struct counter {
    const char *name, *help;
};

struct service {
    const char *name;
    const ProtobufCServiceDescriptor *api;
    const struct route *routes; /* rpc NULL at the end, and so on */
    const struct subscription *subscriptions;
    const struct projection *projections;
    const struct timer *timers;
    const struct outcall *outcalls;
    const struct counter *counters;
    const struct conf_key *conf_keys;
    size_t conf_size;
    const struct db_query *queries;
    int nqueries;
    const struct migration *migrations;
    size_t nmigrations;
    const ProtobufCMessageDescriptor *const *events; /* what it emits, NULL at the end */
    /* Another key that an event is about besides its own: it keeps its place among the events of
     * both, and while either is parked here, so is this event. NULL: none has one. */
    const char *(*follows)(const ProtobufCMessage *event);
    /* Makes call->state, once for the writer and for each lane; conf is the filled struct. */
    void *(*open)(void *conf);
    /* Frees it, at the end of that thread; may be NULL. */
    void (*close)(void *state);
    /* Runs in the writer whenever it becomes leader, before the first turn: warm what state caches.
     */
    enum status (*lead)(struct call *call);
    /* Holds older than age_us that nobody has adopted, at most *count of them; runs on a lane. */
    enum status (*unsettled)(struct call *call, int64_t age_us, struct unsettled *list,
                             size_t *count);
    /* More threads of its own (the gateway's HTTP); called once everything else is up. */
    enum status (*start)(const struct service *service, struct bus *bus, void *conf);
    /* Stop taking new work; called on SIGTERM before the drain, returns at once. */
    void (*stop)(void);
    /* Whether its own threads have finished what was under way: part of the drain. NULL: none. */
    bool (*is_stopped)(void);
    /* Waits for them; called after the drain, or after start failed. */
    void (*end)(void);
};

/* One more connection to this service's schema, with its queries prepared, for a thread that
 * service.start makes; the thread closes it. */
enum status service_db_open(const struct service *service, const char *application_name,
                            struct db **out) MUST_CHECK;

/* The folder of this process's sockets, where service.start may put small files too: the bus's
 * directory. Lives as long as the process. */
const char *service_run_directory(const struct service *service);

/* Never returns before the service has ended; the exit code. */
int service_main(const struct service *service, int argc, char **argv);
