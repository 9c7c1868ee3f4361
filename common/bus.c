#include "common/bus_internal.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/id.h"
#include "common/log.h"

/* ---- loop ---- */

struct loop_watch {
    loop_ready_fn *ready;
    bus_fd_fn *fd_ready;
    void *context;
};
struct loop_hook {
    bus_timer_fn *fn;
    void *context;
    int64_t period_us;
    struct loop_hook *next;
};
struct loop_owned {
    void (*close)(void *object);
    void *object;
    struct loop_owned *next;
};
#define LOOP_MAX_WATCHES 128
#define LOOP_MAX_TICKERS 64

struct bus_loop {
    struct bus *bus;
    bool is_stopped;
    zmq_pollitem_t items[LOOP_MAX_WATCHES];
    struct loop_watch watches[LOOP_MAX_WATCHES];
    int nwatches;
    struct loop_ticker *tickers[LOOP_MAX_TICKERS];
    size_t ntickers;
    struct loop_hook *timers, *after_round;
    struct loop_owned *owned;
};

static void *must_alloc(size_t bytes)
{
    void *memory = calloc(1, bytes);
    assert(memory != NULL);
    return memory;
}

struct bus_loop *bus_loop_open(struct bus *bus)
{
    struct bus_loop *loop = must_alloc(sizeof *loop);
    loop->bus = bus;
    return loop;
}

static void free_hooks(struct loop_hook *hook)
{
    while (hook != NULL) {
        struct loop_hook *next = hook->next;
        free(hook);
        hook = next;
    }
}

void bus_loop_close(struct bus_loop **loop)
{
    struct bus_loop *it = *loop;
    if (it == NULL)
        return;
    *loop = NULL;
    while (it->owned != NULL) {
        struct loop_owned *owned = it->owned;
        it->owned = owned->next;
        owned->close(owned->object);
        free(owned);
    }
    for (size_t i = 0; i < it->ntickers; i++)
        free(it->tickers[i]);
    free_hooks(it->timers);
    free_hooks(it->after_round);
    free(it);
}

struct bus *loop_bus(struct bus_loop *loop)
{
    return loop->bus;
}

void loop_own(struct bus_loop *loop, void (*close)(void *object), void *object)
{
    struct loop_owned *owned = must_alloc(sizeof *owned);
    *owned = (struct loop_owned){close, object, loop->owned};
    loop->owned = owned;
}

static void add_watch(struct bus_loop *loop, zmq_pollitem_t item, struct loop_watch watch)
{
    assert(loop->nwatches < LOOP_MAX_WATCHES);
    loop->items[loop->nwatches] = item;
    loop->watches[loop->nwatches] = watch;
    loop->nwatches++;
}

void loop_watch_socket(struct bus_loop *loop, void *socket, loop_ready_fn *ready, void *context)
{
    add_watch(loop, (zmq_pollitem_t){socket, 0, ZMQ_POLLIN, 0},
              (struct loop_watch){ready, NULL, context});
}

void loop_unwatch_socket(struct bus_loop *loop, void *socket)
{
    for (int i = 0; i < loop->nwatches; i++)
        if (loop->items[i].socket == socket) {
            loop->nwatches--;
            loop->items[i] = loop->items[loop->nwatches];
            loop->watches[i] = loop->watches[loop->nwatches];
            return;
        }
}

void bus_loop_watch_fd(struct bus_loop *loop, int fd, bus_fd_fn *readable, void *context)
{
    add_watch(loop, (zmq_pollitem_t){NULL, fd, ZMQ_POLLIN, 0},
              (struct loop_watch){NULL, readable, context});
}

struct loop_ticker *loop_tick(struct bus_loop *loop, loop_tick_fn *fn, void *context)
{
    assert(loop->ntickers < LOOP_MAX_TICKERS);
    struct loop_ticker *ticker = must_alloc(sizeof *ticker);
    *ticker = (struct loop_ticker){fn, context, INT64_MAX};
    loop->tickers[loop->ntickers++] = ticker;
    return ticker;
}

void loop_untick(struct bus_loop *loop, struct loop_ticker *ticker)
{
    for (size_t i = 0; i < loop->ntickers; i++)
        if (loop->tickers[i] == ticker) {
            loop->tickers[i] = loop->tickers[--loop->ntickers];
            free(ticker);
            return;
        }
}

static int64_t run_timer(void *context, int64_t now_us)
{
    struct loop_hook *hook = context;
    hook->fn(hook->context);
    return now_us + hook->period_us;
}

void bus_loop_every(struct bus_loop *loop, int period_ms, bus_timer_fn *fn, void *context)
{
    struct loop_hook *hook = must_alloc(sizeof *hook);
    *hook = (struct loop_hook){fn, context, (int64_t)period_ms * 1000, loop->timers};
    loop->timers = hook;
    loop_tick(loop, run_timer, hook)->next_us = clock_monotonic_us() + hook->period_us;
}

void bus_loop_after_round(struct bus_loop *loop, bus_timer_fn *fn, void *context)
{
    struct loop_hook *hook = must_alloc(sizeof *hook);
    *hook = (struct loop_hook){fn, context, 0, NULL};
    struct loop_hook **last = &loop->after_round;
    while (*last != NULL)
        last = &(*last)->next;
    *last = hook;
}

/* Rounded up to the poll's millisecond, so that a timer nearly due does not spin. */
static long wait_for_ms(const struct bus_loop *loop, int wait_ms)
{
    int64_t due = INT64_MAX;
    for (size_t i = 0; i < loop->ntickers; i++)
        if (loop->tickers[i]->next_us < due)
            due = loop->tickers[i]->next_us;
    if (due == INT64_MAX)
        return wait_ms;
    int64_t left_us = due - clock_monotonic_us();
    int64_t left_ms = left_us <= 0 ? 0 : (left_us + 999) / 1000;
    return wait_ms >= 0 && wait_ms < left_ms ? wait_ms : (long)left_ms;
}

static void run_tickers(struct bus_loop *loop)
{
    int64_t now = clock_monotonic_us();
    for (size_t i = 0; i < loop->ntickers; i++)
        if (loop->tickers[i]->next_us <= now) {
            struct loop_ticker *ticker = loop->tickers[i];
            /* What the tick itself brings forward must survive its return value. */
            ticker->next_us = INT64_MAX;
            int64_t next = ticker->fn(ticker->context, now);
            if (next < ticker->next_us)
                ticker->next_us = next;
        }
}

void bus_loop_once(struct bus_loop *loop, int wait_ms)
{
    int ready = zmq_poll(loop->items, loop->nwatches, wait_for_ms(loop, wait_ms));
    assert(ready >= 0 || errno == EINTR || errno == ETERM);
    /* A watch that is removed meanwhile is replaced by the last: it is seen in the next round. */
    for (int i = 0; ready > 0 && i < loop->nwatches; i++) {
        if (loop->items[i].revents == 0)
            continue;
        loop->items[i].revents = 0;
        struct loop_watch *watch = &loop->watches[i];
        if (watch->ready != NULL)
            watch->ready(watch->context);
        else
            watch->fd_ready(watch->context, loop->items[i].fd);
    }
    run_tickers(loop);
    for (struct loop_hook *hook = loop->after_round; hook != NULL; hook = hook->next)
        hook->fn(hook->context);
}

void bus_loop_run(struct bus_loop *loop)
{
    loop->is_stopped = false;
    while (!loop->is_stopped)
        bus_loop_once(loop, -1);
}

void bus_loop_stop(struct bus_loop *loop)
{
    loop->is_stopped = true;
}

bool bus_loop_is_stopped(const struct bus_loop *loop)
{
    return loop->is_stopped;
}

/* ---- channels ---- */

/* One direction: what was sent and not yet received. The eventfd is written only when the queue was
 * empty, so that a thousand sends wake the other thread once. */
struct channel_queue {
    pthread_mutex_t mutex;
    void **pointers;
    size_t count, room;
    int wake_fd;
};
struct bus_channel {
    struct channel_queue in;
    struct bus_channel *other;
    bus_receive_fn *receive;
    void *context;
    void **taken; /* the receiver's; swapped with in.pointers */
    size_t taken_room;
};
struct channel_pair {
    char *name;
    struct bus_channel ends[2]; /* bind, connect */
    struct channel_pair *next;
};

static void queue_init(struct channel_queue *queue)
{
    pthread_mutex_init(&queue->mutex, NULL);
    queue->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    assert(queue->wake_fd >= 0);
}

static struct channel_pair *channel_pair(struct bus *bus, const char *name)
{
    pthread_mutex_lock(&bus->mutex);
    struct channel_pair *pair = bus->pairs;
    while (pair != NULL && strcmp(pair->name, name) != 0)
        pair = pair->next;
    if (pair == NULL) {
        pair = must_alloc(sizeof *pair);
        pair->name = strdup(name);
        assert(pair->name != NULL);
        for (int i = 0; i < 2; i++) {
            queue_init(&pair->ends[i].in);
            pair->ends[i].other = &pair->ends[1 - i];
        }
        pair->next = bus->pairs;
        bus->pairs = pair;
    }
    pthread_mutex_unlock(&bus->mutex);
    return pair;
}

static void channel_ready(void *context, int fd)
{
    struct bus_channel *end = context;
    uint64_t wakes;
    if (read(fd, &wakes, sizeof wakes) < 0)
        assert(errno == EAGAIN || errno == EINTR);
    pthread_mutex_lock(&end->in.mutex);
    void **pointers = end->in.pointers;
    size_t count = end->in.count, room = end->in.room;
    end->in.pointers = end->taken;
    end->in.room = end->taken_room;
    end->in.count = 0;
    pthread_mutex_unlock(&end->in.mutex);
    end->taken = pointers;
    end->taken_room = room;
    for (size_t i = 0; i < count; i++)
        end->receive(end->context, pointers[i]);
}

static struct bus_channel *channel_end(struct bus_loop *loop, const char *name, int which,
                                       bus_receive_fn *receive, void *context)
{
    struct bus_channel *end = &channel_pair(loop->bus, name)->ends[which];
    assert(end->receive == NULL);
    end->receive = receive;
    end->context = context;
    bus_loop_watch_fd(loop, end->in.wake_fd, channel_ready, end);
    return end;
}

struct bus_channel *bus_channel_bind(struct bus_loop *loop, const char *name,
                                     bus_receive_fn *receive, void *context)
{
    return channel_end(loop, name, 0, receive, context);
}

struct bus_channel *bus_channel_connect(struct bus_loop *loop, const char *name,
                                        bus_receive_fn *receive, void *context)
{
    return channel_end(loop, name, 1, receive, context);
}

void bus_channel_send_many(struct bus_channel *channel, void **pointers, size_t count)
{
    if (count == 0)
        return;
    struct channel_queue *queue = &channel->other->in;
    pthread_mutex_lock(&queue->mutex);
    if (queue->count + count > queue->room) {
        size_t room = queue->room == 0 ? 64 : queue->room;
        while (room < queue->count + count)
            room *= 2;
        queue->pointers = reallocarray(queue->pointers, room, sizeof(void *));
        assert(queue->pointers != NULL);
        queue->room = room;
    }
    memcpy(queue->pointers + queue->count, pointers, count * sizeof(void *));
    bool was_empty = queue->count == 0;
    queue->count += count;
    pthread_mutex_unlock(&queue->mutex);
    const uint64_t one = 1;
    if (was_empty && write(queue->wake_fd, &one, sizeof one) < 0)
        assert(errno == EAGAIN);
}

void bus_channel_send(struct bus_channel *channel, void *pointer)
{
    bus_channel_send_many(channel, &pointer, 1);
}

static void channel_pairs_free(struct channel_pair *pair)
{
    while (pair != NULL) {
        struct channel_pair *next = pair->next;
        for (int i = 0; i < 2; i++) {
            close(pair->ends[i].in.wake_fd);
            free(pair->ends[i].in.pointers);
            free(pair->ends[i].taken);
            pthread_mutex_destroy(&pair->ends[i].in.mutex);
        }
        free(pair->name);
        free(pair);
        pair = next;
    }
}

/* ---- the bus ---- */

static char *copy_text(const char *text)
{
    char *copy = strdup(text == NULL ? "" : text);
    assert(copy != NULL);
    return copy;
}

static enum status make_directory(const char *path)
{
    if (mkdir(path, 0700) == 0)
        return STATUS_OK;
    struct stat found;
    if (errno == EEXIST && stat(path, &found) == 0 && S_ISDIR(found.st_mode)) {
        if ((found.st_mode & 0077) == 0)
            return STATUS_OK;
        log_error("bus_directory_open_to_others", "The sockets' directory must have mode 0700",
                  LOG_TEXT("path", path));
        return STATUS_INVALID;
    }
    log_error("bus_directory_missing", "The sockets' directory cannot be made",
              LOG_TEXT("path", path), LOG_INT("errno", errno));
    return STATUS_UNAVAILABLE;
}

enum status bus_open(const struct bus_options *options, struct bus **out)
{
    TRY(make_directory(options->directory));
    struct bus *bus = must_alloc(sizeof *bus);
    pthread_mutex_init(&bus->mutex, NULL);
    bus->lock_fd = -1;
    bus->directory = copy_text(options->directory);
    bus->self = copy_text(options->self);
    bus->peers = copy_text(options->peers);
    bus->bind = copy_text(options->bind);
    bus->zmq = zmq_ctx_new();
    assert(bus->zmq != NULL);
    zmq_ctx_set(bus->zmq, ZMQ_IO_THREADS, 1);
    zmq_ctx_set(bus->zmq, ZMQ_MAX_SOCKETS, 512);
    if (options->curve_secret_key_file != NULL && *options->curve_secret_key_file != '\0') {
        enum status status = bus_security_open(bus, options, &bus->security);
        if (status != STATUS_OK) {
            bus_close(&bus);
            return status;
        }
    }
    *out = bus;
    return STATUS_OK;
}

void bus_close(struct bus **bus)
{
    struct bus *it = *bus;
    if (it == NULL)
        return;
    *bus = NULL;
    bus_security_close(&it->security);
    while (zmq_ctx_term(it->zmq) != 0 && errno == EINTR)
        continue;
    if (it->lock_fd >= 0)
        close(it->lock_fd);
    channel_pairs_free(it->pairs);
    pthread_mutex_destroy(&it->mutex);
    free(it->directory);
    free(it->self);
    free(it->peers);
    free(it->bind);
    free(it);
}

/* ---- sockets ---- */

static void set_option(void *socket, int option, int value)
{
    int failed = zmq_setsockopt(socket, option, &value, sizeof value);
    assert(failed == 0);
}

/* Request sockets hold at least twice the callers' credit: at 64 a ROUTER dropped half of a burst
 * of replies. CONNECT_TIMEOUT and the heartbeats find a half-open link in three seconds and heal it
 * in one; their defaults never do. */
void *bus_socket(struct bus *bus, int type, enum bus_socket_role role, bool is_tcp)
{
    void *socket = zmq_socket(bus->zmq, type);
    if (socket == NULL)
        return NULL;
    int high_water = role == BUS_SOCKET_REQUESTS ? 8192 : 64;
    set_option(socket, ZMQ_SNDHWM, high_water);
    set_option(socket, ZMQ_RCVHWM, high_water);
    set_option(socket, ZMQ_IMMEDIATE, 1);
    set_option(socket, ZMQ_LINGER, role == BUS_SOCKET_REQUESTS ? 200 : 0);
    set_option(socket, ZMQ_SNDTIMEO, 0);
    set_option(socket, ZMQ_CONNECT_TIMEOUT, 1000);
    set_option(socket, ZMQ_HANDSHAKE_IVL, 2000);
    set_option(socket, ZMQ_RECONNECT_IVL, 100);
    set_option(socket, ZMQ_RECONNECT_IVL_MAX, is_tcp ? 2000 : 400);
    set_option(socket, ZMQ_BACKLOG, 256);
    int64_t biggest = BUS_MAX_MESSAGE_BYTES;
    int failed = zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &biggest, sizeof biggest);
    assert(failed == 0);
    if (is_tcp) {
        set_option(socket, ZMQ_HEARTBEAT_IVL, 1000);
        set_option(socket, ZMQ_HEARTBEAT_TIMEOUT, 2000);
        set_option(socket, ZMQ_HEARTBEAT_TTL, 3000);
        set_option(socket, ZMQ_TCP_KEEPALIVE, 1);
    }
    if (type == ZMQ_ROUTER)
        set_option(socket, ZMQ_ROUTER_MANDATORY, 1);
    return socket;
}

void bus_socket_close(void *socket)
{
    if (socket != NULL)
        zmq_close(socket);
}

bool bus_send_part(void *socket, zmq_msg_t *message, int flags)
{
    int sent;
    do
        sent = zmq_msg_send(message, socket, flags | ZMQ_DONTWAIT);
    while (sent < 0 && errno == EINTR);
    return sent >= 0;
}

/* ---- packing ---- */

static void *scratch_alloc(void *context, size_t bytes)
{
    struct bus_scratch *scratch = context;
    size_t start = (scratch->used + 7) & ~(size_t)7;
    if (start > scratch->room || bytes > scratch->room - start)
        return NULL;
    scratch->used = start + bytes;
    return scratch->bytes + start;
}

static void scratch_free(void *context, void *pointer)
{
    (void)context;
    (void)pointer;
}

void bus_scratch_init(struct bus_scratch *scratch, void *bytes, size_t room)
{
    *scratch = (struct bus_scratch){{scratch_alloc, scratch_free, scratch}, bytes, 0, room};
}
