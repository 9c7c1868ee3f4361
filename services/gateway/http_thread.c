/* One HTTP thread: its loop, its daemons, and the connections that take too long. */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "services/gateway/audit.h"
#include "services/gateway/console.h"
#include "services/gateway/http_internal.h"
#include "services/gateway/inbox.h"
#include "services/gateway/signin.h"

#define LOOK_EVERY_MS 250
/* How long requests that are arriving may take to do so once we stop. */
#define STOP_US INT64_C(3000000)
/* Forms that a customer may send one after the other. */
#define CUSTOMER_FORMS_AT_ONCE 20
/* Rounds of the daemon in one round of the loop; then other things have their turn. */
#define MAX_DAEMON_ROUNDS 16
/* Memory of one connection: the headers and a piece of the body. */
#define CONNECTION_BYTES ((size_t)16 << 10)
/* More than may ever be waiting: each connection asks one thing at a time. */
#define ASK_CREDIT 65536

/* ---- connections ---- */

static void on_connection(void *context, struct MHD_Connection *mhd, void **socket_context,
                          enum MHD_ConnectionNotificationCode code)
{
    struct http_thread *thread = context;
    struct http_connection *connection = *socket_context;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        connection = calloc(1, sizeof *connection);
        assert(connection != NULL);
        connection->fd =
            MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
        http_phase(connection, PHASE_OPENED);
        connection->next = thread->connections;
        connection->link = &thread->connections;
        if (connection->next != NULL)
            connection->next->link = &connection->next;
        thread->connections = connection;
        *socket_context = connection;
        HTTP_COUNT(thread, connections, 1);
        return;
    }
    HTTP_COUNT(thread, connections, -1);
    *connection->link = connection->next;
    if (connection->next != NULL)
        connection->next->link = connection->link;
    free(connection);
    *socket_context = NULL;
}

static int64_t allowed_us(const struct http_thread *thread, enum http_phase phase)
{
    const struct gateway_conf *conf = thread->http->conf;
    switch (phase) {
    case PHASE_OPENED:
        return thread->is_stopping ? 0 : conf->header_timeout_ms * 1000;
    case PHASE_HEADERS:
        return conf->header_timeout_ms * 1000;
    case PHASE_BODY:
        return conf->body_timeout_ms * 1000;
    case PHASE_KEPT:
        return thread->is_stopping ? 0 : conf->idle_timeout_ms * 1000;
    case PHASE_BUSY:
        break;
    }
    return INT64_MAX;
}

/* The library counts idle time only, so a byte a second would keep a connection open for good: what
 * takes too long in all loses its socket here, and the library finds the end of the stream. */
static void end_slow_connections(void *context)
{
    struct http_thread *thread = context;
    int64_t now_us = clock_monotonic_us();
    http_check(thread);
    exports_look(thread);
    if (thread->audit != NULL)
        audit_book_look(thread->audit, now_us);
    for (struct http_connection *it = thread->connections; it != NULL; it = it->next) {
        if (now_us - it->since_us < allowed_us(thread, it->phase))
            continue;
        if (it->phase == PHASE_HEADERS || it->phase == PHASE_BODY)
            HTTP_COUNT(thread, timed_out, 1);
        shutdown(it->fd, SHUT_RDWR);
        http_phase(it, PHASE_BUSY);
    }
}

/* ---- the daemons in the loop ---- */

static void wake(struct http_thread *thread)
{
    const uint64_t one = 1;
    if (write(thread->wake_fd, &one, sizeof one) < 0)
        assert(errno == EAGAIN);
}

static void on_wake(void *context, int fd)
{
    uint64_t wakes;
    (void)context;
    if (read(fd, &wakes, sizeof wakes) < 0)
        assert(errno == EAGAIN);
}

/* Nothing but the end of the wait: run_daemons() runs after each round. */
static void on_sockets(void *context, int fd)
{
    (void)context;
    (void)fd;
}

static bool has_work(struct MHD_Daemon *daemon)
{
    MHD_UNSIGNED_LONG_LONG timeout;
    return MHD_get_timeout(daemon, &timeout) == MHD_YES && timeout == 0;
}

/* Nobody new is let in; who waits for a next request of his own is sent away. */
static void begin_stop(struct http_thread *thread)
{
    thread->is_stopping = true;
    thread->stop_at_us = clock_monotonic_us() + STOP_US;
    for (size_t i = 0; i < thread->nlisteners; i++)
        close(MHD_quiesce_daemon(thread->listeners[i].daemon));
    live_end(thread->live);
    end_slow_connections(thread);
}

/* In the end what still waits is given up, in this round: a late answer would find nobody. But for
 * deliveries and sign-ins, which other threads have their hands on. */
static bool is_stopped(struct http_thread *thread)
{
    if (!thread->is_stopping || thread->in_inbox > 0 || thread->in_signin > 0)
        return false;
    if (clock_monotonic_us() < thread->stop_at_us)
        return thread->connections == NULL;
    http_give_up(thread);
    for (size_t i = 0; i < thread->nlisteners; i++)
        MHD_run(thread->listeners[i].daemon);
    return true;
}

static void run_daemons(void *context)
{
    struct http_thread *thread = context;
    for (size_t i = 0; i < thread->nlisteners; i++) {
        struct MHD_Daemon *daemon = thread->listeners[i].daemon;
        int rounds = 0;
        do
            MHD_run(daemon);
        while (has_work(daemon) && ++rounds < MAX_DAEMON_ROUNDS);
        if (rounds == MAX_DAEMON_ROUNDS)
            wake(thread);
    }
    if (!thread->is_stopping && atomic_load(&thread->http->is_stopping))
        begin_stop(thread);
    if (is_stopped(thread))
        bus_loop_stop(thread->loop);
}

/* A newer snapshot: the old one goes back with the times at which its keys were used. */
static void on_snapshot(void *context, void *pointer)
{
    struct http_thread *thread = context;
    struct snapshot *old = thread->snapshot;
    thread->snapshot = pointer;
    bus_channel_send(thread->directory, old);
    http_check(thread);
}

/* ---- life ---- */

static struct MHD_Daemon *start_daemon(struct http_thread *thread, int fd)
{
    const struct gateway_conf *conf = thread->http->conf;
    return MHD_start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, http_on_request, thread,
        MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_URI_LOG_CALLBACK, http_on_uri, thread,
        MHD_OPTION_NOTIFY_COMPLETED, http_on_completed, thread, MHD_OPTION_NOTIFY_CONNECTION,
        on_connection, thread, MHD_OPTION_CONNECTION_LIMIT, (unsigned)conf->max_connections,
        MHD_OPTION_PER_IP_CONNECTION_LIMIT, (unsigned)conf->max_connections_per_ip,
        MHD_OPTION_CONNECTION_TIMEOUT, 0u, MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_BYTES,
        MHD_OPTION_END);
}

enum status http_thread_open(struct http_thread *thread, const struct http_options *options)
{
    char name[HTTP_DIRECTORY_CHANNEL_BYTES + INBOX_CHANNEL_NAME_BYTES];
    const struct gateway_conf *conf = thread->http->conf;
    thread->loop = bus_loop_open(thread->http->bus);
    thread->client = bus_client_open(thread->loop, ASK_CREDIT);
    thread->console = console_open(options->console_directory);
    thread->rate_per_key = rate_open(conf->rate_per_key, conf->rate_burst);
    thread->rate_per_ip = rate_open(conf->rate_per_ip, conf->rate_burst);
    thread->rate_customer_pages =
        rate_open_slow(conf->customer_pages_per_minute, 60, conf->customer_pages_per_minute);
    thread->rate_customer_forms =
        rate_open_slow(conf->customer_forms_per_hour, 3600, CUSTOMER_FORMS_AT_ONCE);
    thread->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    assert(thread->wake_fd >= 0);
    bus_loop_watch_fd(thread->loop, thread->wake_fd, on_wake, NULL);
    for (size_t i = 0; i < thread->nlisteners; i++) {
        struct MHD_Daemon *daemon = start_daemon(thread, thread->listeners[i].fd);
        if (daemon == NULL)
            return STATUS_INTERNAL;
        thread->listeners[i].daemon = daemon;
        int fd = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD)->listen_fd;
        bus_loop_watch_fd(thread->loop, fd, on_sockets, NULL);
    }
    if (options->has_directory)
        thread->directory = bus_channel_connect(
            thread->loop, http_directory_channel(thread->index, name), on_snapshot, thread);
    if (options->has_inbox)
        thread->inbox = bus_channel_connect(thread->loop, inbox_channel_name(thread->index, name),
                                            hooks_delivered, thread);
    if (options->has_signin)
        thread->signin = bus_channel_connect(thread->loop, signin_channel_name(thread->index, name),
                                             session_attempted, thread);
    thread->live = live_open(thread);
    if (options->audit != NULL)
        thread->audit = audit_book_open(options->audit, thread->loop, thread->index);
    bus_loop_every(thread->loop, LOOK_EVERY_MS, end_slow_connections, thread);
    bus_loop_after_round(thread->loop, run_daemons, thread);
    return STATUS_OK;
}

void http_thread_run(struct http_thread *thread)
{
    bus_loop_run(thread->loop);
}

void http_thread_close(struct http_thread *thread)
{
    for (size_t i = 0; i < thread->nlisteners; i++) {
        /* It closes the socket that it listens on. */
        if (thread->listeners[i].daemon != NULL)
            MHD_stop_daemon(thread->listeners[i].daemon);
        else
            close(thread->listeners[i].fd);
    }
    live_close(&thread->live);
    audit_book_close(&thread->audit);
    http_requests_free(thread);
    exports_close(thread);
    bus_loop_close(&thread->loop);
    rate_close(&thread->rate_per_key);
    rate_close(&thread->rate_per_ip);
    rate_close(&thread->rate_customer_pages);
    rate_close(&thread->rate_customer_forms);
    snapshot_close(&thread->snapshot);
    console_close(&thread->console);
    if (thread->wake_fd >= 0)
        close(thread->wake_fd);
}
