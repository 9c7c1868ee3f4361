#include "world.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/db.h"
#include "common/log.h"

static void pause_ms(int ms)
{
    struct timespec pause = {ms / 1000, (long)(ms % 1000) * 1000000};
    nanosleep(&pause, NULL);
}

static void must(bool is_so, const char *what)
{
    if (is_so)
        return;
    fprintf(stderr, "world: %s\n", what);
    abort();
}

/* The host's folder is all that differs between the owner's way in and a service's. */
static void write_conf(struct world *world)
{
    char host[256] = "";
    const char *at = strstr(world->dsn, "host=");
    must(at != NULL && sscanf(at, "host=%255s", host) == 1, "no host in PENSTOCK_TEST_DSN");
    snprintf(world->conf, sizeof world->conf, "%s/conf", world->folder);
    FILE *file = fopen(world->conf, "we");
    must(file != NULL, "the configuration cannot be written");
    fprintf(file,
            "common: { database = \"host=%s dbname=postgres\"; run_directory = \"%s\";"
            " log_level = \"%s\"; };\n",
            host, world->folder, getenv("TOY_LOG") == NULL ? "warn" : getenv("TOY_LOG"));
    fclose(file);
}

static void find_toy(struct world *world)
{
    char self[400];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    must(length > 0, "where am I?");
    self[length] = '\0';
    *strrchr(self, '/') = '\0';
    snprintf(world->toy, sizeof world->toy, "%s/../toy/toy", self);
    must(access(world->toy, X_OK) == 0, "the toy is not built");
}

static pid_t run(const char *const *arguments, const char *variable)
{
    pid_t pid = fork();
    must(pid >= 0, "fork");
    if (pid > 0)
        return pid;
    if (variable != NULL)
        putenv((char *)(uintptr_t)variable);
    execv(arguments[0], (char *const *)(uintptr_t)arguments);
    _exit(127);
}

struct world *world_open(void)
{
    const char *dsn = getenv("PENSTOCK_TEST_DSN");
    if (dsn == NULL)
        return NULL;
    struct world *world = calloc(1, sizeof *world);
    must(world != NULL, "memory");
    world->dsn = dsn;
    find_toy(world);
    snprintf(world->folder, sizeof world->folder, "/tmp/penstock-toy.XXXXXX");
    must(mkdtemp(world->folder) != NULL, "no folder");
    write_conf(world);
    const char *const migrate[] = {world->toy, "migrate", dsn, NULL};
    int status = 0;
    must(waitpid(run(migrate, NULL), &status, 0) > 0 && status == 0, "migrate failed");
    struct bus_options options = {.directory = world->folder, .self = "driver"};
    must(bus_open(&options, &world->bus) == STATUS_OK, "no bus");
    world->loop = bus_loop_open(world->bus);
    world->client = bus_client_open(world->loop, 1024);
    world->arena = arena_open((size_t)64 << 20);
    struct db_options db = {.dsn = dsn, .application_name = "world"};
    must(db_open(&db, &world->db) == STATUS_OK, "no database");
    return world;
}

void world_close(struct world *world)
{
    if (world == NULL)
        return;
    for (int i = 0; i < WORLD_MAX_PROCESSES; i++)
        if (world->processes[i] > 0)
            world_end(world, i, SIGTERM);
    bus_loop_close(&world->loop);
    bus_close(&world->bus);
    arena_close(&world->arena);
    db_close(&world->db);
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", world->folder);
    must(system(command) == 0, "rm");
    free(world);
}

void world_spawn(struct world *world, int slot, const char *service, const char *variable)
{
    const char *const arguments[] = {world->toy, service, "--config", world->conf, NULL};
    must(world->processes[slot] == 0, "that slot is taken");
    world->processes[slot] = run(arguments, variable);
}

bool world_is_ready(struct world *world, const char *service)
{
    Penstock__Bus__V1__GetHealthRequest request = PENSTOCK__BUS__V1__GET_HEALTH_REQUEST__INIT;
    return world_call(world, service, "GetHealth", "", &request.base,
                      &penstock__bus__v1__get_health_response__descriptor, 200) == STATUS_OK &&
           ((Penstock__Bus__V1__GetHealthResponse *)world->answer)->ready;
}

void world_start(struct world *world, int slot, const char *service)
{
    world_spawn(world, slot, service, NULL);
    for (int i = 0; i < 500 && !world_is_ready(world, service); i++)
        pause_ms(20);
}

int world_end(struct world *world, int slot, int signal_number)
{
    int status = 0;
    kill(world->processes[slot], signal_number);
    while (waitpid(world->processes[slot], &status, 0) < 0 && errno == EINTR)
        continue;
    world->processes[slot] = 0;
    return status;
}

bool world_has_ended(struct world *world, int slot)
{
    int status;
    if (world->processes[slot] == 0 ||
        waitpid(world->processes[slot], &status, WNOHANG) != world->processes[slot])
        return false;
    world->processes[slot] = 0;
    return true;
}

enum status world_call(struct world *world, const char *service, const char *rpc,
                       const char *command_id, const ProtobufCMessage *message,
                       const ProtobufCMessageDescriptor *answer, int timeout_ms)
{
    RequestHeader header = PENSTOCK__BUS__V1__REQUEST_HEADER__INIT;
    char method[96], internal[] = "internal";
    char *permissions[] = {internal};
    snprintf(method, sizeof method, "%s.%s", service, rpc);
    header.method = method;
    header.actor = (char *)(uintptr_t) "operator:test";
    header.command_id = (char *)(uintptr_t)command_id;
    header.permissions = permissions;
    header.n_permissions = 1;
    arena_reset(world->arena);
    world->reply = NULL;
    world->answer = NULL;
    return bus_call(world->client, service, &header, message, timeout_ms, answer, world->arena,
                    &world->reply, &world->answer);
}

long long world_number(struct world *world, const char *sql)
{
    int64_t number = -1;
    for (int i = 0; i < 50; i++) {
        if (world->db != NULL && db_command(world->db, sql, &number) == STATUS_OK)
            return number;
        db_close(&world->db);
        struct db_options db = {.dsn = world->dsn, .application_name = "world"};
        if (db_open(&db, &world->db) != STATUS_OK)
            pause_ms(100);
    }
    return -1;
}

long long world_await(struct world *world, const char *sql, long long wanted, int wait_ms)
{
    long long number = world_number(world, sql);
    for (int waited = 0; number != wanted && waited < wait_ms; waited += 20) {
        pause_ms(20);
        number = world_number(world, sql);
    }
    return number;
}
