/* The life of a service: configuration, threads, readiness, drain. */
#include "common/service_internal.h"

#include <assert.h>
#include <ctype.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

/* One process is one service: service_db_open() and its like are called by threads that the service
 * made itself and that were given no other handle. Set once, before the first thread. */
static struct process *the_process;

#define DRAIN_US INT64_C(2500000)
#define END_MS 4700

/* ---- configuration ---- */

static const char *const services[] = {"common",      "shop",    "gateway", "orders", "inventory",
                                       "fulfillment", "returns", "notify",  NULL};

static size_t count_keys(const struct conf_key *keys)
{
    size_t count = 0;
    while (keys != NULL && keys[count].name != NULL)
        count++;
    return count;
}

/* The value of a key in a struct that was filled, as it would stand in the file. */
static const char *key_value(const struct conf_key *key, const void *filled, char text[32])
{
    const char *at = (const char *)filled + key->offset;
    switch (key->type) {
    case CONF_TYPE_TEXT:
    case CONF_TYPE_SECRET:
        return *(char *const *)(const void *)at;
    case CONF_TYPE_INT:
        snprintf(text, 32, "%lld", (long long)*(const int64_t *)(const void *)at);
        return text;
    case CONF_TYPE_BOOL:
        return *(const bool *)at ? "true" : "false";
    }
    return NULL;
}

/* What the group "shop" says becomes the default of the service's shop_<key>. */
static void own_shop_key(struct conf_key *own, const struct shop_settings *shop)
{
    for (const struct conf_key *key = shop_keys; key->name != NULL; key++)
        if (strncmp(own->name, "shop_", 5) == 0 && strcmp(own->name + 5, key->name) == 0)
            own->default_text = key_value(key, shop, NULL);
}

/* What the group "common" said becomes the default of the same key in the service's own group. */
static struct conf_key own_key(const struct conf_key *key, const struct settings *common,
                               size_t shift, char text[32])
{
    struct conf_key own = *key;
    own.default_text = key_value(key, common, text);
    own.offset += shift;
    /* Whether the service has a database of its own must be seen: see make_dsn(). */
    if (strcmp(key->name, "database") == 0)
        own.default_text = "";
    return own;
}

static enum status read_group(struct process *process, const char **message)
{
    const struct service *service = process->service;
    size_t nown = count_keys(service->conf_keys), nsettings = count_keys(settings_keys);
    size_t shift = (service->conf_size + 15) / 16 * 16;
    struct conf_key *keys = calloc(nown + nsettings + 1, sizeof *keys);
    char(*numbers)[32] = calloc(nsettings, sizeof *numbers);
    process->conf = calloc(1, shift + sizeof(struct settings));
    assert(keys != NULL && numbers != NULL && process->conf != NULL);
    if (nown > 0)
        memcpy(keys, service->conf_keys, nown * sizeof *keys);
    for (size_t i = 0; i < nown; i++)
        own_shop_key(&keys[i], &process->shop);
    for (size_t i = 0; i < nsettings; i++)
        keys[nown + i] = own_key(&settings_keys[i], &process->settings, shift, numbers[i]);
    keys[nown + nsettings] = (struct conf_key)CONF_END;
    enum status status = conf_read(process->file, service->name, keys, process->conf, message);
    free(keys);
    free(numbers);
    if (status != STATUS_OK)
        return status;
    char *common_database = process->settings.database;
    memcpy(&process->settings, (char *)process->conf + shift, sizeof process->settings);
    const char *own_database = process->settings.database;
    int length = *own_database != '\0' ? asprintf(&process->dsn, "%s", own_database)
                                       : asprintf(&process->dsn, "%s user=penstock_%s",
                                                  common_database, service->name);
    assert(length >= 0);
    return STATUS_OK;
}

static enum status read_configuration(struct process *process, const char *path,
                                      const char **message)
{
    const char *groups[sizeof services / sizeof services[0] + 1];
    size_t n = 0;
    while (services[n] != NULL) {
        groups[n] = services[n];
        n++;
    }
    groups[n++] = process->service->name;
    groups[n] = NULL;
    TRY(conf_open(path, &process->file, message));
    TRY(conf_check_groups(process->file, groups, message));
    TRY(conf_read(process->file, "common", settings_keys, &process->settings, message));
    TRY(conf_read(process->file, "shop", shop_keys, &process->shop, message));
    return read_group(process, message);
}

static bool log_severity_of(const char *text, enum log_severity *severity)
{
    static const char *const names[] = {"debug", "info", "warn", "error"};
    for (size_t i = 0; i < 4; i++)
        if (strcmp(text, names[i]) == 0) {
            *severity = (enum log_severity)i;
            return true;
        }
    return false;
}

/* ---- the reference of the configuration ---- */

static void print_keys(const char *group, const struct conf_key *keys)
{
    printf("## %s\n\n| key | type | default | meaning |\n|---|---|---|---|\n", group);
    static const char *const types[] = {"text", "integer", "boolean", "secret"};
    for (; keys != NULL && keys->name != NULL; keys++) {
        printf("| `%s` | %s", keys->name, types[keys->type]);
        if (keys->type == CONF_TYPE_INT)
            printf(" %lld to %lld", (long long)keys->minimum, (long long)keys->maximum);
        if (keys->default_text == NULL)
            printf(" | required | %s |\n", keys->doc);
        else if (*keys->default_text == '\0')
            printf(" | | %s |\n", keys->doc);
        else
            printf(" | `%s` | %s |\n", keys->default_text, keys->doc);
    }
    printf("\n");
}

/* ---- what a service consists of ---- */

static const char *const builtins[] = {
    [BUILTIN_NONE] = NULL,
    [BUILTIN_FETCH] = "Fetch",
    [BUILTIN_SETTLE_HOLD] = "SettleHold",
    [BUILTIN_HINT_HOLD] = "HintHold",
    [BUILTIN_GET_HEALTH] = "GetHealth",
    [BUILTIN_LIST_PARKED] = "ListParked",
    [BUILTIN_RETRY_PARKED] = "RetryParked",
};

static struct method method_of(const ProtobufCServiceDescriptor *api, const char *rpc)
{
    const ProtobufCMethodDescriptor *descriptor =
        protobuf_c_service_descriptor_get_method_by_name(api, rpc);
    if (descriptor == NULL) {
        fprintf(stderr, "%s has no rpc %s\n", api->name, rpc);
        abort();
    }
    return (struct method){.rpc = rpc, .in = descriptor->input, .out = descriptor->output};
}

static int compare_methods(const void *a, const void *b)
{
    return strcmp(((const struct method *)a)->rpc, ((const struct method *)b)->rpc);
}

static void make_methods(struct process *process)
{
    const struct route *routes = process->service->routes;
    size_t count = 0;
    while (routes != NULL && routes[count].rpc != NULL)
        count++;
    size_t nbuiltins = sizeof builtins / sizeof builtins[0];
    process->methods = calloc(count + nbuiltins, sizeof *process->methods);
    assert(process->methods != NULL);
    for (size_t i = 0; i < count; i++) {
        struct method *method = &process->methods[process->nmethods++];
        *method = method_of(process->service->api, routes[i].rpc);
        method->route = &routes[i];
        while (method->nasks < SERVICE_MAX_ASKS && routes[i].asks[method->nasks].service != NULL)
            method->nasks++;
    }
    for (size_t i = 1; i < nbuiltins; i++) {
        struct method *method = &process->methods[process->nmethods++];
        *method = method_of(&penstock__bus__v1__every__descriptor, builtins[i]);
        method->builtin = (enum builtin)i;
    }
    qsort(process->methods, process->nmethods, sizeof *process->methods, compare_methods);
}

static struct source *source_of(struct process *process, const char *service)
{
    for (size_t i = 0; i < process->nsources; i++)
        if (strcmp(process->sources[i].service, service) == 0)
            return &process->sources[i];
    assert(process->nsources < SERVICE_MAX_SOURCES);
    process->sources[process->nsources].service = service;
    return &process->sources[process->nsources++];
}

static void make_sources(struct process *process)
{
    const struct subscription *it = process->service->subscriptions;
    for (; it != NULL && it->service != NULL; it++) {
        struct source *source = source_of(process, it->service);
        size_t n = 0;
        while (source->types[n] != NULL)
            n++;
        assert(n + 1 < sizeof source->types / sizeof source->types[0]);
        source->types[n] = it->type->short_name;
    }
}

static void make_counts(struct process *process)
{
    const struct service *service = process->service;
    while (service->counters != NULL && service->counters[process->ncounters].name != NULL)
        process->ncounters++;
    while (service->outcalls != NULL && service->outcalls[process->noutcalls].name != NULL)
        process->noutcalls++;
    while (service->projections != NULL && service->projections[process->nprojections].name != NULL)
        process->nprojections++;
    assert(process->ncounters <= SERVICE_MAX_COUNTERS);
    assert(process->noutcalls <= SERVICE_MAX_OUTCALLS);
    assert(process->nprojections <= SERVICE_MAX_PROJECTIONS);
    process->nlanes = (size_t)process->settings.lanes;
}

/* ---- for the threads ---- */

/* Large enough for zmq, libpq and what handlers keep on their stacks, which is little. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define STACK_BYTES ((size_t)4 << 20)
#else
#define STACK_BYTES ((size_t)512 << 10)
#endif

#define STAND_BACK_NICE 10

void process_thread(pthread_t *thread, void *(*run)(void *argument), void *argument)
{
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    int failed = pthread_create(thread, &attributes, run, argument);
    assert(failed == 0);
    pthread_attr_destroy(&attributes);
}

void process_stand_back(void)
{
    if (setpriority(PRIO_PROCESS, (id_t)gettid(), STAND_BACK_NICE) != 0)
        log_info("priority_unchanged", "A thread could not lower its priority");
}

enum status process_db_open(const struct process *process, const char *application_name,
                            const struct db_options *limits, struct db **out)
{
    const struct service *service = process->service;
    struct db_options options = *limits;
    char name[64];
    snprintf(name, sizeof name, "%s %s", service->name, application_name);
    options.dsn = process->dsn;
    options.schema = service->name;
    options.application_name = name;
    options.queries = service->queries;
    options.nqueries = service->nqueries;
    options.more_queries = platform_queries;
    options.nmore = P_COUNT;
    return db_open(&options, out);
}

enum status service_db_open(const struct service *service, const char *application_name,
                            struct db **out)
{
    assert(the_process != NULL && the_process->service == service);
    struct db_options limits = {.statement_timeout_ms = 5000,
                                .lock_timeout_ms = 1000,
                                .requires_durability = !the_process->settings.allow_lossy_database};
    return process_db_open(the_process, application_name, &limits, out);
}

const char *service_run_directory(const struct service *service)
{
    assert(the_process != NULL && the_process->service == service);
    return the_process->settings.run_directory;
}

/* ---- start ---- */

static bool has_signal(int fd)
{
    struct signalfd_siginfo info;
    return read(fd, &info, sizeof info) == sizeof info;
}

/* Waits while the database is away; says no to a schema that this binary does not fit. */
static enum status check_schema(const struct process *process, int signals)
{
    const struct service *service = process->service;
    for (int tries = 0;; tries++) {
        size_t missing = 0;
        const char *message = NULL;
        enum status status = migrate_check(process->dsn, service->name, service->migrations,
                                           service->nmigrations, &missing, &message);
        if (status == STATUS_OK && message == NULL)
            return STATUS_OK;
        bool is_away = status == STATUS_UNAVAILABLE || status == STATUS_RETRY;
        if (!is_away || tries == 0)
            log_event(is_away ? LOG_WARN : LOG_ERROR, is_away ? "database_away" : "schema_unfit",
                      is_away ? "The database is away: waiting for it"
                              : "The schema does not fit this binary",
                      LOG_TEXT("reason", message));
        if (!is_away)
            return STATUS_INTERNAL;
        struct timespec pause = {0, 500000000};
        nanosleep(&pause, NULL);
        if (has_signal(signals))
            return STATUS_UNAVAILABLE;
    }
}

struct threads {
    pthread_t writer, log, lanes[SERVICE_MAX_LANES], projections[SERVICE_MAX_PROJECTIONS];
};

static struct lane_start *start_of(struct process *process, size_t number)
{
    struct lane_start *start = malloc(sizeof *start);
    assert(start != NULL);
    *start = (struct lane_start){process, number};
    return start;
}

static void start_threads(struct process *process, struct threads *threads)
{
    process_thread(&threads->writer, writer_run, process);
    process_thread(&threads->log, log_run, process);
    for (size_t i = 0; i < process->nlanes; i++)
        process_thread(&threads->lanes[i], lane_run, start_of(process, i));
    for (size_t i = 0; i < process->nprojections; i++)
        process_thread(&threads->projections[i], projection_run, start_of(process, i));
}

static void join_threads(struct process *process, struct threads *threads)
{
    pthread_join(threads->writer, NULL);
    pthread_join(threads->log, NULL);
    for (size_t i = 0; i < process->nlanes; i++)
        pthread_join(threads->lanes[i], NULL);
    for (size_t i = 0; i < process->nprojections; i++)
        pthread_join(threads->projections[i], NULL);
}

static void stop_projections(struct front *front)
{
    static struct job_head stop = {JOB_STOP};
    for (size_t i = 0; i < front->process->nprojections; i++) {
        char name[64];
        snprintf(name, sizeof name, "projection.front.%zu", i);
        bus_channel_send(bus_channel_connect(front->loop, name, NULL, NULL), &stop);
    }
}

/* ---- run and drain ---- */

struct life {
    struct front *front;
    bool was_ready;
};

/* A thread that waits for the outside world may not end in time: by then the writer has ended, and
 * nothing that was acknowledged depends on the rest. */
static void *end_in_any_case(void *nothing)
{
    struct timespec pause = {END_MS / 1000, END_MS % 1000 * 1000000L};
    nanosleep(&pause, NULL);
    log_warn("service_stop_forced", "Not everything ended in time: the process ends without it");
    log_close();
    _exit(0);
    return nothing;
}

static void on_signal(void *context, int fd)
{
    struct life *life = context;
    struct front *front = life->front;
    if (!has_signal(fd) || front->is_stopping)
        return;
    log_info("service_stopping", "Stopping: what was let in is finished first",
             LOG_INT("in_flight", front->in_flight));
    front->is_stopping = true;
    pthread_t last_resort;
    process_thread(&last_resort, end_in_any_case, NULL);
    pthread_detach(last_resort);
    front->stop_at_us = clock_monotonic_us() + DRAIN_US;
    if (front->process->service->stop != NULL)
        front->process->service->stop();
}

static void each_round(void *context)
{
    struct life *life = context;
    struct front *front = life->front;
    struct process *process = front->process;
    if (!life->was_ready && process_reason_not_ready(process) == NULL) {
        life->was_ready = true;
        log_info("service_ready", "Ready",
                 LOG_INT("ms", (clock_monotonic_us() - process->started_us) / 1000),
                 LOG_TEXT("version", PENSTOCK_VERSION));
    }
    const struct service *service = process->service;
    bool is_done = front->in_flight == 0 && (service->is_stopped == NULL || service->is_stopped());
    if (front->is_stopping && (is_done || clock_monotonic_us() > front->stop_at_us))
        bus_loop_stop(front->loop);
}

static void tick(void *context)
{
    (void)context; /* wakes the loop, for each_round() */
}

static int serve(struct process *process, int signals)
{
    struct front front = {.process = process};
    struct threads threads;
    struct life life = {&front, false};
    if (front_open(&front) != STATUS_OK) {
        front_close(&front);
        return 1;
    }
    start_threads(process, &threads);
    bus_loop_watch_fd(front.loop, signals, on_signal, &life);
    bus_loop_after_round(front.loop, each_round, &life);
    bus_loop_every(front.loop, 100, tick, NULL);
    const struct service *service = process->service;
    int code = 0;
    if (service->start != NULL &&
        service->start(service, process->bus, process->conf) != STATUS_OK) {
        /* The cause stands in an error before. */
        log_warn("service_start_failed", "The service could not start");
        life.was_ready = true;
        code = 1;
    } else {
        bus_loop_run(front.loop);
    }
    if (service->end != NULL)
        service->end();
    front_stop(&front);
    stop_projections(&front);
    join_threads(process, &threads);
    /* What the threads answered last leaves now. */
    bus_loop_once(front.loop, 0);
    front_close(&front);
    return code;
}

static int block_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    assert(fd >= 0);
    return fd;
}

static int run(struct process *process)
{
    int signals = block_signals();
    const struct settings *settings = &process->settings;
    struct bus_options options = {
        .directory = settings->run_directory,
        .self = process->service->name,
        .peers = settings->bus_peers,
        .bind = settings->bus_bind,
        .curve_secret_key_file = settings->bus_secret_key_file,
        .curve_allow_file = settings->bus_allow_file,
    };
    enum status fits = check_schema(process, signals);
    int code = fits == STATUS_UNAVAILABLE ? 0 : 1; /* told to end before there was a database */
    if (fits == STATUS_OK && bus_open(&options, &process->bus) == STATUS_OK) {
        code = serve(process, signals);
        bus_close(&process->bus);
        if (code == 0)
            log_info("service_stopped", "Stopped");
    }
    close(signals);
    return code;
}

static void free_process(struct process *process)
{
    the_process = NULL;
    conf_close(&process->file);
    free(process->methods);
    free(process->conf);
    free(process->dsn);
    free(process);
}

static int usage(const struct service *service)
{
    fprintf(stderr, "usage: penstock-%s --config FILE | --print-config-reference\n", service->name);
    return 2;
}

int service_main(const struct service *service, int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--print-config-reference") == 0) {
        print_keys("common", settings_keys);
        print_keys(service->name, service->conf_keys);
        return 0;
    }
    if (argc != 3 || strcmp(argv[1], "--config") != 0)
        return usage(service);
    /* Small and few heaps: six services share a small machine. */
    mallopt(M_ARENA_MAX, 2);
    mallopt(M_TRIM_THRESHOLD, 1 << 20);
    prctl(PR_SET_DUMPABLE, 0);
    struct process *process = calloc(1, sizeof *process);
    assert(process != NULL);
    process->service = service;
    process->started_us = clock_monotonic_us();
    the_process = process;
    const char *message = NULL;
    enum log_severity severity = LOG_INFO;
    int code = 1;
    snprintf(process->actor, sizeof process->actor, "system:%s", service->name);
    if (read_configuration(process, argv[2], &message) != STATUS_OK) {
        fprintf(stderr, "penstock-%s: %s\n", service->name, message);
    } else if (!log_severity_of(process->settings.log_level, &severity)) {
        fprintf(stderr, "penstock-%s: log_level is debug, info, warn or error\n", service->name);
    } else {
        process->logs_info = severity <= LOG_INFO;
        make_methods(process);
        make_sources(process);
        make_counts(process);
        log_open(service->name, severity);
        code = run(process);
        log_close();
    }
    free_process(process);
    return code;
}
