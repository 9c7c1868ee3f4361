/* scripted.h -- one real service on a real PostgreSQL, beside the logs of others written by the
 * test.
 *
 * The service under test is the binary that ships, in a process of its own. The services whose logs
 * it reads are threads here that answer Fetch from what the test has appended, so that a test
 * decides in which order two logs are read. Nothing of the service itself is replaced.
 *
 * Included by one test each; everything is static.
 */
#pragma once

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/bus.h"
#include "common/db.h"
#include "common/id.h"
#include "common/migrate.h"
#include "common/service.h"
#include "penstock/bus/v1/bus.pb-c.h"

#define SCRIPTED_MAX_EVENTS 20000
#define SCRIPTED_MAX_LOGS 4

typedef Penstock__Bus__V1__Event WireEvent;
typedef Penstock__Bus__V1__FetchRequest FetchRequest;
typedef Penstock__Bus__V1__FetchResponse FetchResponse;

static void scripted_must(bool is_so, const char *what)
{
    if (is_so)
        return;
    fprintf(stderr, "scripted: %s\n", what);
    abort();
}

static void scripted_pause_ms(int ms)
{
    struct timespec pause = {ms / 1000, (long)(ms % 1000) * 1000000};
    nanosleep(&pause, NULL);
}

/* ---- another service's log ---- */

struct scripted_log {
    const char *name, *folder;
    pthread_t thread;
    pthread_mutex_t lock;
    WireEvent *events;   /* under the lock */
    size_t count, shown; /* events past shown are kept back */
    struct bus_request *waiting;
    int64_t waiting_until_us;
    struct bus_server *server;
    struct bus_loop *loop;
    _Atomic bool stops;
    /* Answers other methods; NULL: an empty answer. */
    const ProtobufCMessage *(*answer)(const char *method);
    /* Answers a request with what stands in its payload, before the above; true when it has. */
    bool (*handle)(struct scripted_log *log, const char *method, struct bus_request *request);
};

static void scripted_reply(struct scripted_log *log, struct bus_request **request,
                           const ProtobufCMessage *message)
{
    ReplyHeader header = PENSTOCK__BUS__V1__REPLY_HEADER__INIT;
    header.request_id = (*request)->header->request_id;
    header.status = PENSTOCK__BUS__V1__STATUS__STATUS_OK;
    bus_server_reply(log->server, request, &header, message);
}

static bool scripted_answer_fetch(struct scripted_log *log, bool even_if_empty)
{
    struct bus_request *request = log->waiting;
    FetchRequest *in =
        penstock__bus__v1__fetch_request__unpack(NULL, request->payload_bytes, request->payload);
    FetchResponse out = PENSTOCK__BUS__V1__FETCH_RESPONSE__INIT;
    WireEvent *events[512];
    scripted_must(in != NULL, "a Fetch that does not unpack");
    pthread_mutex_lock(&log->lock);
    out.events = events;
    for (size_t at = (size_t)in->after_position; at < log->shown && out.n_events < 512; at++)
        events[out.n_events++] = &log->events[at];
    out.result = PENSTOCK__BUS__V1__FETCH_RESULT__FETCH_RESULT_OK;
    out.head_position = (int64_t)log->shown;
    out.first_position = 1;
    bool answers = out.n_events != 0 || even_if_empty;
    if (answers)
        scripted_reply(log, &log->waiting, &out.base);
    pthread_mutex_unlock(&log->lock);
    penstock__bus__v1__fetch_request__free_unpacked(in, NULL);
    return answers;
}

static void scripted_tick(void *context)
{
    struct scripted_log *log = context;
    if (log->stops)
        bus_loop_stop(log->loop);
    if (log->waiting != NULL)
        scripted_answer_fetch(log, clock_monotonic_us() > log->waiting_until_us);
}

static void scripted_request(void *context, struct bus_request *request)
{
    struct scripted_log *log = context;
    const char *method = strchr(request->header->method, '.') + 1;
    if (log->handle != NULL && log->handle(log, method, request))
        return;
    if (strcmp(method, "Fetch") != 0) {
        const ProtobufCMessage *answer = log->answer != NULL ? log->answer(method) : NULL;
        Penstock__Bus__V1__SettleHoldResponse empty = PENSTOCK__BUS__V1__SETTLE_HOLD_RESPONSE__INIT;
        scripted_reply(log, &request, answer != NULL ? answer : &empty.base);
        return;
    }
    if (log->waiting != NULL)
        scripted_answer_fetch(log, true);
    log->waiting = request;
    log->waiting_until_us = clock_monotonic_us() + 500000;
}

static void *scripted_serve(void *context)
{
    struct scripted_log *log = context;
    struct bus *bus;
    struct bus_options options = {.directory = log->folder, .self = log->name};
    scripted_must(bus_open(&options, &bus) == STATUS_OK, "a log's bus");
    log->loop = bus_loop_open(bus);
    scripted_must(bus_server_open(log->loop, scripted_request, log, &log->server) == STATUS_OK,
                  "a log's socket");
    bus_loop_every(log->loop, 2, scripted_tick, log);
    bus_loop_run(log->loop);
    if (log->waiting != NULL)
        scripted_answer_fetch(log, true);
    bus_loop_close(&log->loop);
    bus_close(&bus);
    return NULL;
}

static void scripted_log_open(struct scripted_log *log, const char *name, const char *folder)
{
    log->name = name;
    log->folder = folder;
    log->events = calloc(SCRIPTED_MAX_EVENTS, sizeof *log->events);
    scripted_must(log->events != NULL, "memory");
    pthread_mutex_init(&log->lock, NULL);
    scripted_must(pthread_create(&log->thread, NULL, scripted_serve, log) == 0, "a thread");
}

static void scripted_log_close(struct scripted_log *log)
{
    log->stops = true;
    pthread_join(log->thread, NULL);
    for (size_t i = 0; i < log->count; i++) {
        free(log->events[i].event_id);
        free(log->events[i].key);
        free(log->events[i].payload.data);
    }
    free(log->events);
}

/* Appends an event, which is not shown before scripted_show(). */
static void scripted_append(struct scripted_log *log, const char *key,
                            const ProtobufCMessage *event)
{
    struct uuid id = uuid_new();
    char text[UUID_TEXT_BYTES];
    pthread_mutex_lock(&log->lock);
    scripted_must(log->count < SCRIPTED_MAX_EVENTS, "too many events");
    WireEvent *wire = &log->events[log->count++];
    penstock__bus__v1__event__init(wire);
    wire->position = (int64_t)log->count;
    wire->event_id = strdup(uuid_text(&id, text));
    wire->type = (char *)(uintptr_t)event->descriptor->short_name;
    wire->key = strdup(key);
    wire->occurred_at_us = clock_wall_us();
    wire->actor = (char *)(uintptr_t) "system:test";
    wire->payload.len = protobuf_c_message_get_packed_size(event);
    wire->payload.data = malloc(wire->payload.len + 1);
    protobuf_c_message_pack(event, wire->payload.data);
    pthread_mutex_unlock(&log->lock);
}

static void scripted_show(struct scripted_log *log, size_t more)
{
    pthread_mutex_lock(&log->lock);
    log->shown = log->shown + more < log->count ? log->shown + more : log->count;
    pthread_mutex_unlock(&log->lock);
}

/* ---- the service under test ---- */

struct scripted {
    const char *service, *dsn;
    char folder[64], conf[96], binary[512];
    pid_t pid;
    struct scripted_log logs[SCRIPTED_MAX_LOGS];
    int nlogs;
    struct bus *bus;
    struct bus_loop *loop;
    struct bus_client *client;
    struct arena *arena;
    struct db *db;
    /* of the next call, and of the last */
    const char *command_id, *question_hash, *void_hold_id, *permission;
    const ReplyHeader *reply;
    ProtobufCMessage *answer;
};

static void scripted_write_conf(struct scripted *world)
{
    char host[256] = "";
    const char *at = strstr(world->dsn, "host=");
    scripted_must(at != NULL && sscanf(at, "host=%255s", host) == 1,
                  "no host in PENSTOCK_TEST_DSN");
    snprintf(world->conf, sizeof world->conf, "%s/conf", world->folder);
    FILE *file = fopen(world->conf, "we");
    scripted_must(file != NULL, "the configuration cannot be written");
    const char *level = getenv("SCRIPTED_LOG");
    fprintf(file,
            "common: { database = \"host=%s dbname=postgres\"; run_directory = \"%s\";"
            " log_level = \"%s\"; };\n",
            host, world->folder, level != NULL ? level : "warn");
    fclose(file);
}

static void scripted_find_binary(struct scripted *world)
{
    char self[400];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    scripted_must(length > 0, "where am I?");
    self[length] = '\0';
    *strrchr(self, '/') = '\0';
    snprintf(world->binary, sizeof world->binary, "%s/../../bin/penstock-%s", self, world->service);
    scripted_must(access(world->binary, X_OK) == 0, "the service is not built");
}

static void scripted_spawn(struct scripted *world)
{
    const char *const arguments[] = {world->binary, "--config", world->conf, NULL};
    world->pid = fork();
    scripted_must(world->pid >= 0, "fork");
    if (world->pid > 0)
        return;
    execv(arguments[0], (char *const *)(uintptr_t)arguments);
    _exit(127);
}

static enum status scripted_call(struct scripted *world, const char *rpc,
                                 const ProtobufCMessage *message,
                                 const ProtobufCMessageDescriptor *answer)
{
    RequestHeader header = PENSTOCK__BUS__V1__REQUEST_HEADER__INIT;
    char method[96];
    char *permissions[] = {
        (char *)(uintptr_t)(world->permission != NULL ? world->permission : "internal")};
    snprintf(method, sizeof method, "%s.%s", world->service, rpc);
    header.method = method;
    header.actor = (char *)(uintptr_t) "key:test";
    header.permissions = permissions;
    header.n_permissions = 1;
    if (world->command_id != NULL)
        header.command_id = (char *)(uintptr_t)world->command_id;
    if (world->question_hash != NULL) {
        header.question_hash = (char *)(uintptr_t)world->question_hash;
        header.asker = (char *)(uintptr_t) "orders";
    }
    if (world->void_hold_id != NULL)
        header.void_hold_id = (char *)(uintptr_t)world->void_hold_id;
    world->command_id = world->question_hash = world->void_hold_id = world->permission = NULL;
    arena_reset(world->arena);
    world->reply = NULL;
    world->answer = NULL;
    return bus_call(world->client, world->service, &header, message, 5000, answer, world->arena,
                    &world->reply, &world->answer);
}

static void scripted_await_ready(struct scripted *world)
{
    Penstock__Bus__V1__GetHealthRequest request = PENSTOCK__BUS__V1__GET_HEALTH_REQUEST__INIT;
    for (int i = 0; i < 500; i++) {
        if (scripted_call(world, "GetHealth", &request.base,
                          &penstock__bus__v1__get_health_response__descriptor) == STATUS_OK &&
            ((Penstock__Bus__V1__GetHealthResponse *)world->answer)->ready)
            return;
        scripted_pause_ms(20);
    }
    scripted_must(false, "the service does not become ready");
}

/* One more log: the service finds it when it looks for it next. */
static void scripted_add_log(struct scripted *world, const char *service)
{
    scripted_must(world->nlogs < SCRIPTED_MAX_LOGS, "too many logs");
    scripted_log_open(&world->logs[world->nlogs++], service, world->folder);
}

/* Two logs, by the names of their services. NULL when there is no PENSTOCK_TEST_DSN. */
static struct scripted *scripted_open(const char *service, const struct migration *migrations,
                                      size_t nmigrations, const char *first, const char *second)
{
    const char *dsn = getenv("PENSTOCK_TEST_DSN");
    if (dsn == NULL) {
        printf("skipped: PENSTOCK_TEST_DSN is not set (tools/with-postgres sets it)\n");
        return NULL;
    }
    struct scripted *world = calloc(1, sizeof *world);
    scripted_must(world != NULL, "memory");
    world->service = service;
    world->dsn = dsn;
    scripted_find_binary(world);
    snprintf(world->folder, sizeof world->folder, "/tmp/penstock-scripted.XXXXXX");
    scripted_must(mkdtemp(world->folder) != NULL, "no folder");
    scripted_write_conf(world);
    char role[64];
    const char *message = NULL;
    snprintf(role, sizeof role, "penstock_%s", service);
    if (migrate_apply(dsn, service, role, migrations, nmigrations, NULL, &message) != STATUS_OK)
        scripted_must(false, message);
    scripted_add_log(world, first);
    scripted_add_log(world, second);
    struct bus_options options = {.directory = world->folder, .self = "driver"};
    scripted_must(bus_open(&options, &world->bus) == STATUS_OK, "no bus");
    world->loop = bus_loop_open(world->bus);
    world->client = bus_client_open(world->loop, 256);
    world->arena = arena_open((size_t)64 << 20);
    struct db_options db = {.dsn = dsn, .application_name = "scripted"};
    scripted_must(db_open(&db, &world->db) == STATUS_OK, "no database");
    scripted_spawn(world);
    scripted_await_ready(world);
    return world;
}

/* Ends the service, waits for it, and says how it ended. */
static int scripted_end(struct scripted *world, int signal_number)
{
    int status = 0;
    kill(world->pid, signal_number);
    while (waitpid(world->pid, &status, 0) < 0 && errno == EINTR)
        continue;
    world->pid = 0;
    return status;
}

static void scripted_close(struct scripted *world)
{
    if (world == NULL)
        return;
    if (world->pid != 0)
        scripted_end(world, SIGTERM);
    bus_loop_close(&world->loop);
    bus_close(&world->bus);
    for (int i = 0; i < world->nlogs; i++)
        scripted_log_close(&world->logs[i]);
    arena_close(&world->arena);
    db_close(&world->db);
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", world->folder);
    scripted_must(system(command) == 0, "rm");
    free(world);
}

/* One number from the database, as its owner. */
static long long scripted_number(struct scripted *world, const char *sql)
{
    int64_t number = -1;
    scripted_must(db_command(world->db, sql, &number) == STATUS_OK, sql);
    return number;
}

/* Waits until all logs have been applied as far as they are shown. */
static void scripted_settle(struct scripted *world)
{
    for (int waited = 0; waited < 10000; waited += 5) {
        bool is_done = true;
        for (int i = 0; i < world->nlogs; i++) {
            char sql[256];
            snprintf(sql, sizeof sql,
                     "SELECT coalesce(max(position), 0) FROM %s.cursor WHERE source = '%s'",
                     world->service, world->logs[i].name);
            is_done &= scripted_number(world, sql) == (long long)world->logs[i].shown;
        }
        if (is_done)
            return;
        scripted_pause_ms(5);
    }
    scripted_must(false, "the logs are not applied in 10 s");
}
