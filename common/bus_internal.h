/* bus_internal.h -- what the parts of the bus share: the loop's insides and the socket options.
 *
 * Only bus*.c include this, and with it ZeroMQ.
 */
#pragma once

#include <pthread.h>
#include <zmq.h>

#include "common/bus.h"

#define BUS_MAX_INSTANCES 8
#define BUS_MAX_PEERS 16
#define BUS_ENDPOINT_BYTES 256
#define BUS_KEY_BYTES 41 /* Z85 text with its NUL */

struct bus_security;

struct bus {
    void *zmq;
    char *directory, *self, *peers, *bind;
    struct bus_security *security; /* NULL: ipc only */
    int lock_fd;                   /* holds this instance's socket name; -1: serves nothing */
    pthread_mutex_t mutex;         /* guards pairs */
    struct channel_pair *pairs;
};

/* ---- loop ---- */

typedef void loop_ready_fn(void *context);
/* Runs when due; returns when it is due next, on the monotonic clock. */
typedef int64_t loop_tick_fn(void *context, int64_t now_us);

struct loop_ticker {
    loop_tick_fn *fn;
    void *context;
    int64_t next_us;
};

/* Both are by pointer from the start, so that who holds one may change it. */
void loop_watch_socket(struct bus_loop *loop, void *socket, loop_ready_fn *ready, void *context);
void loop_unwatch_socket(struct bus_loop *loop, void *socket);
struct loop_ticker *loop_tick(struct bus_loop *loop, loop_tick_fn *fn, void *context);
void loop_untick(struct bus_loop *loop, struct loop_ticker *ticker);
struct bus *loop_bus(struct bus_loop *loop);
/* Closed with the loop, in reverse order of opening. */
void loop_own(struct bus_loop *loop, void (*close)(void *object), void *object);

/* ---- sockets ---- */

enum bus_socket_role { BUS_SOCKET_REQUESTS, BUS_SOCKET_CONTROL };
/* Every option that a socket of ours has, in one place; NULL when there is no socket left. */
void *bus_socket(struct bus *bus, int type, enum bus_socket_role role, bool is_tcp);
void bus_socket_close(void *socket);
/* Sends one part; takes the message over when it returns true. */
bool bus_send_part(void *socket, zmq_msg_t *message, int flags);

/* ---- security of tcp sockets ---- */

enum status bus_security_open(struct bus *bus, const struct bus_options *options,
                              struct bus_security **out) MUST_CHECK;
void bus_security_close(struct bus_security **security);
/* Before bind: this socket asks for CURVE, and ZAP decides who gets in. */
void bus_security_serve(struct bus_security *security, void *socket);
/* Before connect. False when the service's public key is not in the allow-list. */
bool bus_security_connect(struct bus_security *security, void *socket, const char *service);
/* Proves that a key outside of the allow-list does not get in at this endpoint. */
enum status bus_security_prove(struct bus *bus, const char *endpoint) MUST_CHECK;

/* ---- packing ---- */

/* A protobuf-c allocator over a buffer: no malloc for what fits; a message that does not is
 * refused. */
struct bus_scratch {
    ProtobufCAllocator allocator;
    uint8_t *bytes;
    size_t used, room;
};
void bus_scratch_init(struct bus_scratch *scratch, void *bytes, size_t room);
