/* world.h -- a folder, a database and toy services to send requests to, for tests of the skeleton.
 *
 * Ownership: world_open() makes all, world_close() ends every process that it started.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "common/bus.h"
#include "toy.pb-c.h"

#define WORLD_MAX_PROCESSES 8

struct world {
    const char *dsn; /* of the owner */
    char toy[512];   /* the binary */
    char folder[64], conf[96];
    pid_t processes[WORLD_MAX_PROCESSES];
    struct bus *bus;
    struct bus_loop *loop;
    struct bus_client *client;
    struct arena *arena;
    struct db *db;
    /* of the last call */
    const ReplyHeader *reply;
    ProtobufCMessage *answer;
};

/* NULL when there is no PENSTOCK_TEST_DSN. */
struct world *world_open(void);
void world_close(struct world *world);

/* Starts a service in a slot; returns when it says that it is ready, or after 10 s. */
void world_start(struct world *world, int slot, const char *service);
/* Starts it without waiting, with one more variable in its environment ("NAME=value"; may be NULL).
 */
void world_spawn(struct world *world, int slot, const char *service, const char *variable);
bool world_is_ready(struct world *world, const char *service);
/* Sends a signal and waits for the end; the status of waitpid(). */
int world_end(struct world *world, int slot, int signal_number);
bool world_has_ended(struct world *world, int slot);

/* Asks; the status is the reply's. command_id may be "". */
enum status world_call(struct world *world, const char *service, const char *rpc,
                       const char *command_id, const ProtobufCMessage *message,
                       const ProtobufCMessageDescriptor *answer, int timeout_ms);
/* One number from the database, as its owner. */
long long world_number(struct world *world, const char *sql);
/* Waits until the number is as wanted, at most wait_ms; returns the last one seen. */
long long world_await(struct world *world, const char *sql, long long wanted, int wait_ms);
