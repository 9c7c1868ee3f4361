#include "services/gateway/inbox.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "common/crash.h"
#include "services/gateway/store_inbox.h"

#define MAX_HTTP_THREADS 64
/* A batch is stored in one transaction: this much at most, whatever the configuration says. */
#define BATCH_BYTES ((size_t)16 << 20)
#define ARENA_BYTES ((size_t)32 << 20)
/* The database is given this many goes before the channels are told to come again. */
#define MAX_TRIES 4

/* The end of one HTTP thread's channel. */
struct door {
    struct inbox *inbox;
    struct bus_channel *channel;
};

struct inbox {
    const struct service *service;
    const struct gateway_conf *conf;
    struct bus *bus;
    size_t ndoors;
    pthread_t thread;
    int stop_fd;
    /* the thread's own */
    struct bus_loop *loop;
    struct door doors[MAX_HTTP_THREADS];
    struct db *db; /* NULL: not connected */
    struct arena *arena;
    struct inbox_delivery **waiting; /* what has come in this round */
    size_t count, room;
};

char *inbox_channel_name(int http_thread, char buffer[INBOX_CHANNEL_NAME_BYTES])
{
    snprintf(buffer, INBOX_CHANNEL_NAME_BYTES, "inbox.%d", http_thread);
    return buffer;
}

/* ---- storing ---- */

static void close_database(struct inbox *inbox)
{
    if (inbox->db != NULL)
        db_close(&inbox->db);
}

static enum status store_once(struct inbox *inbox, struct inbox_delivery **list, size_t count)
{
    if (inbox->db == NULL)
        TRY(service_db_open(inbox->service, "gateway inbox", &inbox->db));
    arena_reset(inbox->arena);
    db_use_arena(inbox->db, inbox->arena);
    TRY(db_begin(inbox->db));
    enum status status = store_inbox_insert(inbox->db, inbox->arena, list, count, clock_wall_us());
    if (status != STATUS_OK) {
        db_rollback(inbox->db);
        return status;
    }
    CRASHPOINT("inbox.before_commit");
    status = db_commit(inbox->db);
    CRASHPOINT("inbox.after_commit");
    return status;
}

static bool is_worth_another_go(enum status status)
{
    return status == STATUS_RETRY || status == STATUS_UNKNOWN || status == STATUS_UNAVAILABLE;
}

/* Running a batch again is harmless: if the COMMIT whose answer was lost did succeed, its
 * deliveries are there already and say so. */
static enum status store(struct inbox *inbox, struct inbox_delivery **list, size_t count)
{
    enum status status = STATUS_UNAVAILABLE;
    for (int tries = 0; tries < MAX_TRIES; tries++) {
        status = store_once(inbox, list, count);
        if (!is_worth_another_go(status))
            break;
        if (inbox->db != NULL && db_is_broken(inbox->db))
            close_database(inbox);
        struct timespec pause = {0, 25000000L << tries};
        nanosleep(&pause, NULL);
    }
    for (size_t i = 0; i < count && status != STATUS_OK; i++)
        list[i]->result = STATUS_UNAVAILABLE;
    return status;
}

/* What the database refuses as a set is stored one by one, so that only the guilty one fails. */
static void store_batch(struct inbox *inbox, struct inbox_delivery **list, size_t count)
{
    enum status status = store(inbox, list, count);
    for (size_t i = 0; i < count && count > 1 && status == STATUS_INTERNAL; i++)
        store_batch(inbox, &list[i], 1);
    if (status != STATUS_OK && (count == 1 || status != STATUS_INTERNAL))
        log_error("inbox_not_stored", "Deliveries could not be stored", LOG_INT("count", count),
                  LOG_TEXT("status", status_name(status)),
                  LOG_TEXT("database", inbox->db != NULL ? db_error(inbox->db) : NULL));
}

/* ---- the rounds of the thread ---- */

/* Answers go back with one wake-up for each HTTP thread. */
static void send_back(struct inbox *inbox, struct inbox_delivery **list, size_t count)
{
    void **mine = arena_array(inbox->arena, count, sizeof(void *));
    for (size_t d = 0; d < inbox->ndoors; d++) {
        size_t n = 0;
        for (size_t i = 0; i < count; i++) {
            if (list[i]->own == &inbox->doors[d])
                mine[n++] = list[i];
        }
        if (n > 0)
            bus_channel_send_many(inbox->doors[d].channel, mine, n);
    }
}

/* How many of what waits fit into one transaction: at least one. */
static size_t batch_of(const struct inbox *inbox, size_t from)
{
    size_t count = 0, bytes = 0;
    while (from + count < inbox->count && count < (size_t)inbox->conf->inbox_batch) {
        bytes += inbox->waiting[from + count]->body_bytes;
        if (count > 0 && bytes > BATCH_BYTES)
            break;
        count++;
    }
    return count;
}

static void store_waiting(void *context)
{
    struct inbox *inbox = context;
    for (size_t from = 0; from < inbox->count;) {
        size_t count = batch_of(inbox, from);
        arena_reset(inbox->arena);
        store_batch(inbox, inbox->waiting + from, count);
        send_back(inbox, inbox->waiting + from, count);
        from += count;
    }
    inbox->count = 0;
}

static void receive(void *context, void *pointer)
{
    struct door *door = context;
    struct inbox *inbox = door->inbox;
    struct inbox_delivery *delivery = pointer;
    delivery->own = door;
    if (inbox->count == inbox->room) {
        inbox->room = inbox->room == 0 ? 256 : inbox->room * 2;
        inbox->waiting = reallocarray(inbox->waiting, inbox->room, sizeof(struct inbox_delivery *));
        assert(inbox->waiting != NULL);
    }
    inbox->waiting[inbox->count++] = delivery;
}

static void stop(void *context, int fd)
{
    struct inbox *inbox = context;
    uint64_t wakes;
    if (read(fd, &wakes, sizeof(wakes)) < 0)
        assert(errno == EAGAIN);
    bus_loop_stop(inbox->loop);
}

static void *run(void *argument)
{
    struct inbox *inbox = argument;
    inbox->loop = bus_loop_open(inbox->bus);
    inbox->arena = arena_open(ARENA_BYTES);
    for (size_t i = 0; i < inbox->ndoors; i++) {
        char name[INBOX_CHANNEL_NAME_BYTES];
        struct door *door = &inbox->doors[i];
        door->inbox = inbox;
        door->channel =
            bus_channel_bind(inbox->loop, inbox_channel_name((int)i, name), receive, door);
    }
    bus_loop_watch_fd(inbox->loop, inbox->stop_fd, stop, inbox);
    bus_loop_after_round(inbox->loop, store_waiting, inbox);
    bus_loop_run(inbox->loop);
    store_waiting(inbox);
    close_database(inbox);
    bus_loop_close(&inbox->loop);
    arena_close(&inbox->arena);
    free(inbox->waiting);
    return NULL;
}

/* ---- start and end ---- */

enum status inbox_open(const struct service *service, struct bus *bus,
                       const struct gateway_conf *conf, int http_threads, struct inbox **out)
{
    assert(http_threads >= 1 && http_threads <= MAX_HTTP_THREADS);
    struct inbox *inbox = calloc(1, sizeof(*inbox));
    assert(inbox != NULL);
    inbox->service = service;
    inbox->bus = bus;
    inbox->conf = conf;
    inbox->ndoors = (size_t)http_threads;
    inbox->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (inbox->stop_fd < 0 || pthread_create(&inbox->thread, NULL, run, inbox) != 0) {
        log_error("inbox_not_started", "The inbox thread could not be started");
        free(inbox);
        return STATUS_INTERNAL;
    }
    *out = inbox;
    return STATUS_OK;
}

void inbox_close(struct inbox **inbox)
{
    struct inbox *it = *inbox;
    const uint64_t one = 1;
    if (write(it->stop_fd, &one, sizeof(one)) < 0)
        assert(errno == EAGAIN);
    pthread_join(it->thread, NULL);
    close(it->stop_fd);
    free(it);
    *inbox = NULL;
}
