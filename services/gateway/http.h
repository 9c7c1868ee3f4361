/* http.h -- the HTTP server: threads that each own their sockets, their bus client and their
 * requests.
 *
 * Each thread runs one bus_loop in which everything waits: a libmicrohttpd daemon by its epoll
 * descriptor, answers from services, deliveries that come back from the inbox, snapshots from the
 * directory. A request is suspended until its answer is there; nothing blocks and nothing crosses
 * threads. With several threads the kernel shares connections out between their sockets.
 *
 * Ownership: http_open() makes, http_close() stops accepting, lets what is under way finish, and
 * frees. Limits: those of gateway_conf and http_guard.h; bodies 1 MiB, hooks 2 MiB.
 */
#pragma once

#include <stdbool.h>

#include "common/bus.h"
#include "services/gateway/gateway.h"
#include "services/gateway/snapshot.h"

#define HTTP_MAX_THREADS 16

struct audit;
struct http;

struct customer_pages;

struct http_options {
    struct bus *bus;
    const struct gateway_conf *conf;
    /* Where http.port and http.address tell the port that was taken; NULL: nowhere. */
    const char *run_directory;
    /* Where the console's files are. */
    const char *console_directory;
    /* One for each thread, taken over. */
    struct snapshot *snapshots[HTTP_MAX_THREADS];
    /* Whether the directory sends newer ones, the inbox takes deliveries, and people can sign in.
     */
    struct customer_pages *customer_pages; /* taken over; NULL: none are served */
    bool has_directory, has_inbox, has_signin;
    struct audit *audit; /* NULL: none is kept */
};

/* Listens when it returns. INVALID: an address that cannot be read; UNAVAILABLE: one that is taken.
 * The cause is logged. */
enum status http_open(const struct http_options *options, struct http **out) MUST_CHECK;
/* Listens no longer; returns at once. */
void http_stop(struct http *http);
/* True when every thread has finished what was under way. */
bool http_is_stopped(const struct http *http);
/* Stops and waits. */
void http_close(struct http **http);
/* The first address's port. */
int http_port(const struct http *http);

/* The bus_channel on which thread n and the directory exchange snapshots: the directory binds. NULL
 * from the thread asks for a newer one. */
#define HTTP_DIRECTORY_CHANNEL_BYTES 32
char *http_directory_channel(int http_thread, char buffer[HTTP_DIRECTORY_CHANNEL_BYTES]);
