/* service_internal.h -- what the parts of the service skeleton share.
 *
 * Private to common/service*.c, eventlog.c and outcall.c. One process is one service; its threads
 * (front, writer, lanes, log, outcalls, projections) own what is theirs and hand jobs to each other
 * through channels. What stands in struct process is set before the threads start, or atomic.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "common/bus.h"
#include "common/service.h"
#include "common/settings.h"
#include "platform_queries.h"

#define SERVICE_MAX_SOURCES 8
#define SERVICE_MAX_OUTCALLS 16
#define SERVICE_MAX_PROJECTIONS 8
#define SERVICE_MAX_COUNTERS 64
#define SERVICE_JOB_BYTES ((size_t)64 << 20) /* an arena's limit: 28 times the largest message */

#define TURN_MAX_COMMANDS 256
#define TURN_MAX_SINGLES 60
#define TURN_MAX_US 10000
#define TURN_MAX_RETRIES 2
#define LATER_US 1000000
#define LATER_AGAIN_US 50000
#define FETCH_MAX_EVENTS 1024
#define FETCH_MAX_BYTES (900 << 10)
#define FETCH_WAIT_MS 2000
#define EVENT_MAX_BYTES (512 << 10)

/* ---- figures ---- */

struct metrics {
    _Atomic int64_t turns, turns_rerun, commands, refused, repeated, failed, dropped, overloaded;
    _Atomic int64_t queries, events_applied, events_emitted, events_parked;
    _Atomic int64_t turn_us, commit_us, writer_queue, fetches, asks, asks_unanswered, reasked;
    _Atomic int64_t biggest_turn, crowd, reconnects, holds_voided, outcalls_made;
    _Atomic int64_t counters[SERVICE_MAX_COUNTERS];
};
#define METRIC_ADD(metric, by) atomic_fetch_add_explicit(&(metric), (by), memory_order_relaxed)
#define METRIC_SET(metric, to) atomic_store_explicit(&(metric), (to), memory_order_relaxed)
#define METRIC_GET(metric) atomic_load_explicit(&(metric), memory_order_relaxed)

/* One log that this service consumes. */
struct source {
    const char *service;
    const char *types[64]; /* those with a handler, NULL at the end */
    _Atomic int64_t cursor, head, oldest_us, parked;
    _Atomic bool is_halted;
};

/* ---- what can be asked of this service ---- */

enum builtin {
    BUILTIN_NONE,
    BUILTIN_FETCH,
    BUILTIN_SETTLE_HOLD,
    BUILTIN_HINT_HOLD,
    BUILTIN_GET_HEALTH,
    BUILTIN_LIST_PARKED,
    BUILTIN_RETRY_PARKED,
};
struct method {
    const char *rpc;
    const struct route *route; /* NULL: built in */
    enum builtin builtin;
    const ProtobufCMessageDescriptor *in, *out;
    size_t nasks;
};

struct process {
    const struct service *service;
    struct conf *file;
    struct settings settings;
    struct shop_settings shop;
    void *conf;
    char *dsn;
    char actor[80]; /* "system:orders" */
    bool logs_info;
    int64_t started_us;
    struct bus *bus;
    struct method *methods; /* by name */
    size_t nmethods;
    struct source sources[SERVICE_MAX_SOURCES];
    size_t nsources;
    size_t ncounters, noutcalls, nprojections, nlanes;
    struct metrics metrics;
    _Atomic bool is_leader, has_database;
    _Atomic int64_t head;
};

/* The platform's queries stand behind the service's own. */
static inline int platform_query(const struct process *process, int query)
{
    return process->service->nqueries + query;
}
const char *process_reason_not_ready(const struct process *process);
enum status process_db_open(const struct process *process, const char *application_name,
                            const struct db_options *limits, struct db **out) MUST_CHECK;
void process_thread(pthread_t *thread, void *(*run)(void *argument), void *argument);
/* This thread's work can wait: whoever answers a caller goes first. */
void process_stand_back(void);

/* ---- pace: when followers of this log are told of news ---- */

struct pace {
    int64_t told_us, rest_us; /* monotonic: when last, and how long nothing follows it */
    int64_t occurred_at;      /* wall: when the last event told of happened */
};
void pace_told(struct pace *pace, size_t events, int64_t last_occurred_at, int64_t now_us);
/* The monotonic moment at which the follower is told what there is. stand_back_us: how old news may
 * become while others wait, 0 when nobody does. */
int64_t pace_next_us(const struct pace *pace, int64_t now_us, int64_t wall_us,
                     int64_t stand_back_us);

/* Whether many wait for the writer at once: its owner is the writer. */
struct crowd {
    int64_t since_us, turns, commands, busy_us;
    bool is_there;
};
void crowd_turn(struct crowd *crowd, size_t commands, int64_t turn_us);
/* To be called a few times a second. True when a crowd has come or gone. */
bool crowd_judge(struct crowd *crowd, int64_t now_us);
/* How far followers may fall behind now: 0 without a crowd. */
int64_t process_stand_back_us(const struct process *process);

/* ---- jobs: what passes through the channels ---- */

enum job_kind {
    JOB_COMMAND,   /* front -> writer -> front; with a reading ask, by way of a lane */
    JOB_QUERY,     /* front -> lane -> front */
    JOB_FETCH,     /* front -> log -> front */
    JOB_EVENTS,    /* front -> writer -> front */
    JOB_UNSETTLED, /* front -> lane -> front */
    JOB_LED,       /* writer -> front: where the cursors stand */
    JOB_COMMITTED, /* writer -> log, projections: there are new events */
    JOB_OUTCALL,   /* writer -> outcall -> writer */
    JOB_STOP,      /* front -> all */
};
/* The first member of whatever is sent. */
struct job_head {
    enum job_kind kind;
};

struct emitted {
    const char *type, *key;
    const uint8_t *payload;
    size_t bytes;
    struct emitted *next;
};
struct order_line {
    const char *event_name, *body, *order_id;
    struct order_line *next;
};
/* What belongs to a call and is none of its handler's business. */
struct call_own {
    struct process *process;
    bool is_refused, may_wait;
    const char *code, *field, *text;
    Penstock__Bus__V1__Detail **details;
    size_t ndetails;
    struct emitted *first, *last;
    struct order_line *lines;
    int64_t *counts; /* by counter; NULL: none yet */
    uint32_t kicks;  /* bit per outcall */
};

/* What a turn made of a command. */
enum verdict {
    VERDICT_NONE, /* not run yet */
    VERDICT_DONE, /* it went well */
    VERDICT_SAID, /* its answer is known without running it, or it was refused */
    VERDICT_LATER,
    VERDICT_ASK_AGAIN,
};
struct job {
    struct job_head head;
    struct job *next;
    struct arena *arena;
    struct call call;
    struct call_own own;
    struct bus_request *request;
    const struct method *method;
    int64_t came_us, queued_us, deadline_us; /* monotonic; queued: handed to the writer */
    struct uuid identity;                    /* hash of the command id */
    bool has_identity;                       /* no two of the same in one turn */
    bool must_store;                         /* looked up before, stored after */
    size_t lane;

    /* asks */
    ProtobufCMessage *questions[SERVICE_MAX_ASKS];
    int timeouts_ms[SERVICE_MAX_ASKS];
    struct uuid void_holds[SERVICE_MAX_ASKS];
    int asks_left;
    bool is_built, wants_ask_again, hints;

    /* in the writer */
    enum verdict verdict;
    int64_t later_at_us;

    /* the result */
    enum status status;
    const uint8_t *packed;
    size_t packed_bytes;
    int64_t position;
    bool is_repeated;
    int64_t db_us;
};

/* An event on its way to its handler. */
struct event_item {
    const Penstock__Bus__V1__Event *wire;
    const struct subscription *subscription; /* NULL: nobody cares */
    const ProtobufCMessage *in;
    struct uuid event_id;
    const char *park_reason; /* not NULL: is to be parked */
    bool is_crashed;
};
struct events_job {
    struct job_head head;
    struct events_job *next;
    struct arena *arena;
    size_t source;
    uint64_t epoch;
    struct event_item *items;
    size_t count, done;
    int64_t retry_at_us;
    int tries;
};
struct led_job {
    struct job_head head;
    uint64_t epoch;
    int64_t positions[SERVICE_MAX_SOURCES];
    struct uuid event_ids[SERVICE_MAX_SOURCES];
};
struct unsettled_job {
    struct job_head head;
    struct arena *arena;
    struct unsettled list[64];
    size_t count;
};

/* ---- service_call.c: calls and jobs ---- */

void call_init(struct call *call, struct call_own *own, struct process *process,
               struct arena *arena);
/* Forgets what a run of the handler left, before another. */
void call_again(struct call *call, const ProtobufCMessageDescriptor *out);
/* A handler's return value and what refuse() said, made one. */
enum status call_outcome(struct call *call, enum status returned);
bool status_is_refusal(enum status status);
void call_apply_counts(const struct call *call);
void call_log_lines(const struct call *call);
/* Packs a message into an arena. */
const uint8_t *pack_into(struct arena *arena, const ProtobufCMessage *message, size_t *bytes);
ProtobufCMessage *message_new(struct arena *arena, const ProtobufCMessageDescriptor *type);

/* Jobs that wait to be used again; one thread's. */
struct job_pool {
    struct job *first;
    size_t count;
};
struct job *job_new(struct process *process, struct job_pool *pool);
void job_free(struct job *job, struct job_pool *pool);
void job_pool_close(struct job_pool *pool);
/* What the caller will be told instead of an answer. */
void job_fail(struct job *job, enum status status, const char *code, const char *text);
/* Packs call.out as the answer. */
void job_answer(struct job *job);

/* A list of texts with a number each, in an arena; made for a known count. */
struct textmap {
    const char **texts;
    int64_t *numbers;
    size_t mask;
};
void textmap_init(struct textmap *map, struct arena *arena, size_t count);
/* The number's place for a text; *is_new when it was not there. */
int64_t *textmap_at(struct textmap *map, const char *text, bool *is_new);
bool textmap_has(const struct textmap *map, const char *text);

/* ---- the front: service_front.c, service_ask.c, service_feed.c, service_health.c ---- */

struct front;
struct feed;

struct front {
    struct process *process;
    struct bus_loop *loop;
    struct bus_server *server;
    struct bus_client *client;
    struct bus_channel *writer, *log, *lanes[SERVICE_MAX_LANES];
    size_t lane_load[SERVICE_MAX_LANES];
    struct job_pool pool;
    void **to_writer; /* gathered over a round */
    size_t nto_writer, to_writer_room;
    size_t writer_load;    /* jobs that the writer has */
    int64_t writer_old_us; /* the writer's last answer had waited this long */
    struct feed *feeds;
    uint64_t epoch;
    bool is_stopping, unsettled_is_out;
    int64_t stop_at_us;
    struct unsettled_job *unsettled;
    struct settled_ring *settled;
    size_t in_flight;
};

enum status front_open(struct front *front) MUST_CHECK;
/* Tells the other threads to end. */
void front_stop(struct front *front);
void front_close(struct front *front);
void front_reply(struct front *front, struct job *job);
void front_to_writer(struct front *front, void *job);
void front_to_lane(struct front *front, struct job *job);

/* Builds the questions and asks; ends in front_to_writer(). */
void ask_start(struct front *front, struct job *job);
void ask_built(struct front *front, struct job *job);
/* A command came back because a hold that it brought is void. */
void ask_again(struct front *front, struct job *job);
/* Tells holders about holds that the command did not use. */
void ask_hint(struct front *front, const struct job *job);
/* Another service hints that a hold of ours is unused: settle it now. */
void ask_settle(struct front *front, const char *asker, const char *command_id,
                const char *hold_id);
void ask_unsettled(struct front *front, struct unsettled_job *job);
void ask_poll_unsettled(void *front);
/* In the lane: runs the builds that read. */
enum status ask_build(struct job *job, struct call *call, bool reads);

void feeds_open(struct front *front);
void feeds_led(struct front *front, const struct led_job *led);
void feeds_done(struct front *front, struct events_job *job);
void feeds_close(struct front *front);

void health_answer(struct front *front, Penstock__Bus__V1__GetHealthResponse *out,
                   struct arena *arena);

/* ---- the writer: service_writer.c, service_turn.c, service_events.c, service_guard.c ---- */

struct job_list {
    struct job *first, *last;
    size_t count;
};
void job_list_push(struct job_list *list, struct job *job);
struct job *job_list_pop(struct job_list *list);

struct writer_source {
    struct events_job *first, *last;
    int64_t position;
    struct uuid event_id;
};
struct outcalls;
struct guard;

struct writer {
    struct process *process;
    struct bus_loop *loop;
    struct bus_channel *front, *log, *projections[SERVICE_MAX_PROJECTIONS];
    struct db *db;
    struct arena *arena; /* of the turn */
    void *state;
    bool is_leader, is_stopping;
    int64_t connect_at_us, lead_at_us, lead_again_us, backoff_us, pinged_us;
    int64_t turn, head;
    int64_t now_us; /* wall, of the turn */
    uint64_t epoch;
    struct crowd crowd;
    struct job_list commands, later;
    struct writer_source sources[SERVICE_MAX_SOURCES];
    int64_t *timers_due_us;
    size_t ntimers;
    void **to_front;
    size_t nto_front, to_front_room;
    struct arena *parked_arena;
    struct textmap parked_keys;
    size_t nparked_keys;
    struct outcalls *outcalls;
    struct guard *guard;
    int64_t slot_checked_us;
};

void *writer_run(void *process);
void writer_to_front(struct writer *writer, void *job);
void writer_send(struct writer *writer);
static inline int writer_query(const struct writer *writer, int query)
{
    return platform_query(writer->process, query);
}

/* One transaction being put together. */
struct emitted_row {
    const struct emitted *event;
    const char *traceparent, *actor;
};
struct turn {
    struct writer *writer;
    struct emitted_row *rows; /* in the turn's arena */
    size_t nrows, room;
    bool has_moved_cursor; /* which is a fence: see turn_commit() */
    uint32_t kicks;
    int64_t began_us;
};
void turn_begin(struct writer *writer, struct turn *turn);
/* Takes over what a call that went well has emitted; returns its last event's position, 0: none. */
int64_t turn_collect(struct turn *turn, const struct call *call);
/* Fences, commits, tells who waits for events. When it fails everything is rolled back. */
enum status turn_commit(struct turn *turn) MUST_CHECK;
void turn_abort(struct turn *turn);
/* After a failure: true to go on (run it again, or one by one); false when this writer has lost its
 * connection or its leadership, after which it has neither. */
bool writer_trouble(struct writer *writer, enum status status);
/* Waits before another try of the same turn. */
void writer_back_off(int tries);

/* To the log thread and the projections: there is news, or a crowd has come or gone. */
void writer_tell_followers(struct writer *writer);
bool turn_commands(struct writer *writer);
bool turn_events(struct writer *writer, size_t source);
void turn_retry_parked(struct writer *writer, struct job *job);
/* Tries again what was set aside because the process died of it, when it is time. */
void turn_retry_crashed(struct writer *writer);
/* Applies one parked event and takes it off the list, in one transaction. CONFLICT with a *reason,
 * to be freed, when its handler refuses it again. */
enum status events_replay(struct writer *writer, const char *source, struct event_item *item,
                          const struct uuid *parked_id, const char *guarded, bool skips,
                          char **reason) MUST_CHECK;
enum status events_load_parked(struct writer *writer) MUST_CHECK;
/* Drops what is queued: the front fetches again from where the cursors stand. */
void events_forget(struct writer *writer);
/* Runs a function of the service (a timer, lead, take, done) as a turn of its own. */
typedef enum status turn_fn(struct call *call, void *context);
enum status turn_call(struct writer *writer, const char *what, turn_fn *fn,
                      void *context) MUST_CHECK;

struct guard *guard_open(struct writer *writer);
void guard_close(struct guard **guard);
enum status guard_lead(struct guard *guard, bool was_clean) MUST_CHECK;
/* True while work must run one item at a time. */
bool guard_is_on(const struct guard *guard);
/* Records that the item starts, in a transaction of its own; *is_set_aside when it has crashed too
 * often. */
enum status guard_start(struct guard *guard, const char *item, bool *is_set_aside) MUST_CHECK;
/* Within the item's transaction: it has passed. */
enum status guard_pass(struct guard *guard, const char *item) MUST_CHECK;
void guard_passed(struct guard *guard);
/* True when anything is set aside; and for what is. */
bool guard_has_aside(const struct guard *guard);
bool guard_knows(const struct guard *guard, const char *item);
/* An event that was set aside and is to be tried again by now, or NULL. */
const char *guard_due_event(const struct guard *guard);
enum status guard_forget(struct guard *guard, const char *item) MUST_CHECK;

/* ---- lanes and the log: service_lane.c, service_log.c, service_project.c ---- */

struct lane_start {
    struct process *process;
    size_t number;
};
void *lane_run(void *start);
void *log_run(void *process);
void *projection_run(void *start);

/* ---- outcall.c ---- */

struct outcalls *outcalls_open(struct writer *writer);
void outcalls_drain(struct outcalls *outcalls, int wait_ms);
void outcalls_close(struct outcalls **outcalls);
/* Runs what is due: takes and dones; true when it did something. */
bool outcalls_turn(struct outcalls *outcalls);
void outcalls_kick(struct outcalls *outcalls, uint32_t kicks);
/* When outcalls_turn() wants to run next, monotonic. */
int64_t outcalls_due_us(const struct outcalls *outcalls);
