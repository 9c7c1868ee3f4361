/* The audit thread: stores what the HTTP threads note, in batches. */
#include "services/gateway/audit.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/log.h"
#include "services/gateway/audit_internal.h"
#include "services/gateway/http.h"

#define STORE_EVERY_MS 100
#define AGAIN_US INT64_C(1000000)
#define ARENA_BYTES ((size_t)16 << 20)

struct audit {
    const struct service *service;
    struct bus *bus;
    size_t nthreads;
    pthread_t thread;
    int stop_fd;
    _Atomic int64_t waiting;
    /* the thread's own */
    struct bus_loop *loop;
    struct db *db; /* NULL: not connected */
    struct arena *arena;
    struct audit_box **boxes;
    size_t count, room;
    int64_t again_at_us;
};

char *audit_channel_name(int http_thread, char buffer[AUDIT_CHANNEL_NAME_BYTES])
{
    snprintf(buffer, AUDIT_CHANNEL_NAME_BYTES, "audit.%d", http_thread);
    return buffer;
}

_Atomic int64_t *audit_waiting(struct audit *audit)
{
    return &audit->waiting;
}

static enum status store(struct audit *audit)
{
    if (audit->db != NULL && db_is_broken(audit->db))
        db_close(&audit->db);
    if (audit->db == NULL)
        TRY(service_db_open(audit->service, "gateway audit", &audit->db));
    arena_reset(audit->arena);
    db_use_arena(audit->db, audit->arena);
    TRY(db_begin(audit->db));
    for (size_t i = 0; i < audit->count; i++)
        audit_write(audit->db, &audit->boxes[i]->note);
    return db_commit(audit->db);
}

/* A COMMIT of which nobody knows is taken for one that was not: rather twice than not at all. */
static void store_waiting(void *context)
{
    struct audit *audit = context;
    int64_t now_us = clock_monotonic_us();
    if (audit->count == 0 || now_us < audit->again_at_us)
        return;
    enum status status = store(audit);
    if (status != STATUS_OK) {
        if (audit->db != NULL)
            db_rollback(audit->db);
        log_warn("audit_waits", "The audit waits for the database", LOG_INT("count", audit->count),
                 LOG_TEXT("status", status_name(status)));
        audit->again_at_us = now_us + AGAIN_US;
        return;
    }
    atomic_fetch_sub(&audit->waiting, (int64_t)audit->count);
    for (size_t i = 0; i < audit->count; i++)
        free(audit->boxes[i]);
    audit->count = 0;
}

static void receive(void *context, void *pointer)
{
    struct audit *audit = context;
    if (audit->count == audit->room) {
        audit->room = audit->room == 0 ? 64 : audit->room * 2;
        audit->boxes = reallocarray(audit->boxes, audit->room, sizeof(struct audit_box *));
        assert(audit->boxes != NULL);
    }
    audit->boxes[audit->count++] = pointer;
}

static void on_stop(void *context, int fd)
{
    struct audit *audit = context;
    uint64_t wakes;
    if (read(fd, &wakes, sizeof wakes) < 0)
        assert(errno == EAGAIN);
    bus_loop_stop(audit->loop);
}

static void *run(void *argument)
{
    struct audit *audit = argument;
    char name[AUDIT_CHANNEL_NAME_BYTES];
    audit->loop = bus_loop_open(audit->bus);
    audit->arena = arena_open(ARENA_BYTES);
    for (size_t i = 0; i < audit->nthreads; i++)
        bus_channel_bind(audit->loop, audit_channel_name((int)i, name), receive, audit);
    bus_loop_watch_fd(audit->loop, audit->stop_fd, on_stop, audit);
    bus_loop_every(audit->loop, STORE_EVERY_MS, store_waiting, audit);
    bus_loop_run(audit->loop);
    bus_loop_once(audit->loop, 0);
    audit->again_at_us = 0;
    store_waiting(audit);
    for (size_t i = 0; i < audit->count; i++)
        free(audit->boxes[i]);
    free(audit->boxes);
    if (audit->db != NULL)
        db_close(&audit->db);
    bus_loop_close(&audit->loop);
    arena_close(&audit->arena);
    return NULL;
}

enum status audit_open(const struct service *service, struct bus *bus, int http_threads,
                       struct audit **out)
{
    struct audit *audit = calloc(1, sizeof *audit);
    assert(audit != NULL && http_threads >= 1 && http_threads <= HTTP_MAX_THREADS);
    audit->service = service;
    audit->bus = bus;
    audit->nthreads = (size_t)http_threads;
    audit->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (audit->stop_fd < 0 || pthread_create(&audit->thread, NULL, run, audit) != 0) {
        log_error("audit_not_started", "The audit thread could not be started");
        free(audit);
        return STATUS_INTERNAL;
    }
    *out = audit;
    return STATUS_OK;
}

void audit_close(struct audit **audit)
{
    struct audit *it = *audit;
    const uint64_t one = 1;
    if (it == NULL)
        return;
    if (write(it->stop_fd, &one, sizeof one) < 0)
        assert(errno == EAGAIN);
    pthread_join(it->thread, NULL);
    close(it->stop_fd);
    free(it);
    *audit = NULL;
}
