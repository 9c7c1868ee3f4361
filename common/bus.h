/* bus.h -- how processes, and the threads of one process, talk.
 *
 * A loop is a thread's one place to wait: sockets, file descriptors, timers, and channels from
 * other threads. A server answers requests (ROUTER), a client asks other services (one DEALER for
 * each instance). ipc:// on one host, in a directory of mode 0700; tcp:// with CURVE and an
 * allow-list of keys enforced through ZAP, proved at start by a throw-away key that must not get
 * in.
 *
 * The only module that includes ZeroMQ. All socket options are set in one function.
 *
 * Ownership: one thread owns a loop and all that was opened on it. Between threads only pointers
 * pass, through channels, and with them what they point to.
 * Limits: 1 MiB a message; credit requests in flight per client and peer, past which bus_ask() says
 * UNAVAILABLE at once.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/status.h"
#include "penstock/bus/v1/bus.pb-c.h"

typedef Penstock__Bus__V1__RequestHeader RequestHeader;
typedef Penstock__Bus__V1__ReplyHeader ReplyHeader;

#define BUS_MAX_MESSAGE_BYTES (1 << 20)

struct bus;
struct bus_loop;
struct bus_server;
struct bus_client;
struct bus_channel;

struct bus_options {
    const char *directory; /* for ipc://DIRECTORY/<service>.sock */
    const char *self;      /* this service's name */
    const char
        *peers; /* "orders=tcp://10.0.0.1:7001,inventory=ipc"; missing ones: ipc in directory */
    const char *bind; /* more endpoints to bind, comma separated tcp://; NULL: ipc only */
    const char *curve_secret_key_file; /* NULL: no tcp */
    const char *curve_allow_file;      /* lines: service public-key */
};

enum status bus_open(const struct bus_options *options, struct bus **out) MUST_CHECK;
void bus_close(struct bus **bus);

/* ---- loop ---- */

struct bus_loop *bus_loop_open(struct bus *bus);
void bus_loop_close(struct bus_loop **loop);
/* Runs until bus_loop_stop() is called on this thread. */
void bus_loop_run(struct bus_loop *loop);
/* One round of at most wait_ms. */
void bus_loop_once(struct bus_loop *loop, int wait_ms);
void bus_loop_stop(struct bus_loop *loop);
bool bus_loop_is_stopped(const struct bus_loop *loop);
typedef void bus_fd_fn(void *context, int fd);
void bus_loop_watch_fd(struct bus_loop *loop, int fd, bus_fd_fn *readable, void *context);
typedef void bus_timer_fn(void *context);
void bus_loop_every(struct bus_loop *loop, int period_ms, bus_timer_fn *fn, void *context);
/* After each round, when everything that was readable has been read. */
void bus_loop_after_round(struct bus_loop *loop, bus_timer_fn *fn, void *context);

/* ---- channels: pointers between two threads of one process, in order ---- */

/* Both ends are named alike; the receiving end calls receive for each pointer. Sending never blocks
 * and never fails; bounds are the caller's (credit). */
typedef void bus_receive_fn(void *context, void *pointer);
struct bus_channel *bus_channel_bind(struct bus_loop *loop, const char *name,
                                     bus_receive_fn *receive, void *context);
struct bus_channel *bus_channel_connect(struct bus_loop *loop, const char *name,
                                        bus_receive_fn *receive, void *context);
void bus_channel_send(struct bus_channel *channel, void *pointer);
/* Many at once: one wake-up. */
void bus_channel_send_many(struct bus_channel *channel, void **pointers, size_t count);

/* ---- server ---- */

/* A request as it came; the server keeps who asked. Header and payload live until the reply or
 * bus_server_drop(). The deadline is on this host's monotonic clock. */
struct bus_request {
    RequestHeader *header;
    const uint8_t *payload;
    size_t payload_bytes;
    int64_t deadline_us;
    void *own;
};
typedef void bus_request_fn(void *context, struct bus_request *request);
enum status bus_server_open(struct bus_loop *loop, bus_request_fn *fn, void *context,
                            struct bus_server **out) MUST_CHECK;
/* Sends and frees the request. message may be NULL (a refusal); one beyond BUS_MAX_MESSAGE_BYTES
 * becomes the refusal answer_too_large. A reply to a caller that has gone is dropped; one refused
 * by a connected peer is counted as a bug. */
void bus_server_reply(struct bus_server *server, struct bus_request **request, ReplyHeader *header,
                      const ProtobufCMessage *message);
/* The same with a message that is packed already. */
void bus_server_reply_packed(struct bus_server *server, struct bus_request **request,
                             ReplyHeader *header, const uint8_t *packed, size_t bytes);
int64_t bus_server_refused_replies(const struct bus_server *server);

/* ---- client ---- */

/* header is never NULL: when no answer came its status is UNAVAILABLE or DEADLINE. payload is NULL
 * unless OK. Both die with the call. */
typedef void bus_reply_fn(void *context, const ReplyHeader *header, const uint8_t *payload,
                          size_t payload_bytes);
struct bus_client *bus_client_open(struct bus_loop *loop, int credit);
/* Asks service; header->method says what; request_id, remaining_ms are filled in. fn is called
 * exactly once, from the loop, unless this returns UNAVAILABLE (no credit). Goes to the instance
 * that answered last; on NOT_LEADER or a dead peer to the next, within the deadline. */
enum status bus_ask(struct bus_client *client, const char *service, RequestHeader *header,
                    const uint8_t *payload, size_t payload_bytes, int timeout_ms, bus_reply_fn *fn,
                    void *context) MUST_CHECK;
enum status bus_ask_message(struct bus_client *client, const char *service, RequestHeader *header,
                            const ProtobufCMessage *message, int timeout_ms, bus_reply_fn *fn,
                            void *context) MUST_CHECK;
/* True when an instance of the service is connected now. */
bool bus_client_is_connected(const struct bus_client *client, const char *service);
/* Where it was opened, for who asks many at once and runs the loop until all have answered. */
struct bus_loop *bus_client_loop(struct bus_client *client);
/* For tools, tests and outcall workers: asks and runs the loop until the answer is there. *reply
 * and what it holds live in the arena; message is unpacked by descriptor into the arena, NULL
 * unless OK. */
enum status bus_call(struct bus_client *client, const char *service, RequestHeader *header,
                     const ProtobufCMessage *message, int timeout_ms,
                     const ProtobufCMessageDescriptor *answer_type, struct arena *arena,
                     const ReplyHeader **reply, ProtobufCMessage **answer) MUST_CHECK;
