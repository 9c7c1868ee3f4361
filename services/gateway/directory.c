#include "services/gateway/directory.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/log.h"
#include "services/gateway/store_access.h"

#define READ_EVERY_US INT64_C(500000)
/* When an HTTP thread asks, because of a key that it does not know: no more often than this. */
#define READ_AGAIN_US INT64_C(20000)
#define LOOK_EVERY_MS 20
/* A key's last use is written when it has moved by this much: a minute is exact enough. */
#define USED_US INT64_C(60000000)

struct directory {
    const struct service *service;
    struct bus *bus;
    size_t nthreads;
    pthread_t thread;
    int stop_fd;
    /* the thread's own */
    struct bus_loop *loop;
    struct db *db; /* NULL: not connected */
    struct bus_channel *channels[HTTP_MAX_THREADS];
    /* What was sent last; NULL when the one before it has come back. */
    struct snapshot *sent[HTTP_MAX_THREADS];
    bool is_away, is_wanted;
    int64_t read_at_us;
};

static enum status connect_database(struct directory *directory)
{
    if (directory->db != NULL && db_is_broken(directory->db))
        db_close(&directory->db);
    if (directory->db != NULL)
        return STATUS_OK;
    return service_db_open(directory->service, "gateway directory", &directory->db);
}

static enum status load(struct directory *directory, int http_thread, struct snapshot **out)
{
    struct snapshot *snapshot = snapshot_open(http_thread);
    db_use_arena(directory->db, snapshot->arena);
    enum status status = db_begin_read_only(directory->db);
    if (status == STATUS_OK)
        status = store_snapshot_load(directory->db, snapshot, clock_wall_us());
    if (status == STATUS_OK)
        status = db_commit(directory->db);
    if (status != STATUS_OK) {
        db_rollback(directory->db);
        snapshot_close(&snapshot);
        return status;
    }
    *out = snapshot;
    return STATUS_OK;
}

/* One for each HTTP thread, which swaps it for the one that it has. */
static enum status send_all(struct directory *directory)
{
    for (size_t i = 0; i < directory->nthreads; i++) {
        struct snapshot *snapshot;
        /* It has not looked at the last one yet. */
        if (directory->sent[i] != NULL) {
            directory->is_wanted = true;
            continue;
        }
        TRY(load(directory, (int)i, &snapshot));
        directory->sent[i] = snapshot;
        bus_channel_send(directory->channels[i], snapshot);
    }
    return STATUS_OK;
}

static void look(void *context)
{
    struct directory *directory = context;
    int64_t passed_us = clock_monotonic_us() - directory->read_at_us;
    if (passed_us < (directory->is_wanted ? READ_AGAIN_US : READ_EVERY_US))
        return;
    directory->is_wanted = false;
    bool is_away = connect_database(directory) != STATUS_OK || send_all(directory) != STATUS_OK;
    if (is_away && !directory->is_away)
        log_warn("directory_stale", "Keys and channels stay as they are: the database is away");
    directory->is_away = is_away;
    directory->read_at_us = clock_monotonic_us();
}

static void write_uses(struct directory *directory, struct snapshot *snapshot, int64_t age_us)
{
    if (directory->db == NULL || db_is_broken(directory->db))
        return;
    db_use_arena(directory->db, snapshot->arena);
    enum status status = db_begin(directory->db);
    if (status == STATUS_OK)
        status = store_snapshot_used(directory->db, snapshot, age_us);
    if (status == STATUS_OK && db_has_written(directory->db))
        status = db_commit(directory->db);
    else
        db_rollback(directory->db);
    if (status != STATUS_OK)
        log_info("directory_uses_lost", "When keys were used could not be written");
}

/* A snapshot comes back, or NULL: a newer one is asked for. */
static void on_returned(void *context, void *pointer)
{
    struct directory *directory = context;
    struct snapshot *snapshot = pointer;
    if (snapshot == NULL) {
        directory->is_wanted = true;
        return;
    }
    directory->sent[snapshot->http_thread] = NULL;
    write_uses(directory, snapshot, USED_US);
    snapshot_close(&snapshot);
}

static void on_stop(void *context, int fd)
{
    struct directory *directory = context;
    uint64_t wakes;
    if (read(fd, &wakes, sizeof wakes) < 0)
        assert(errno == EAGAIN);
    bus_loop_stop(directory->loop);
}

static void *run(void *context)
{
    struct directory *directory = context;
    bus_loop_run(directory->loop);
    return NULL;
}

/* Everything that was opened is closed again, however far it came. */
void directory_close(struct directory **directory)
{
    struct directory *it = *directory;
    if (it == NULL)
        return;
    *directory = NULL;
    const uint64_t one = 1;
    if (it->loop != NULL) {
        ssize_t written = write(it->stop_fd, &one, sizeof one);
        assert(written == sizeof one);
        pthread_join(it->thread, NULL);
        /* What came back last; what has not been swapped for anything was never received. */
        bus_loop_once(it->loop, 0);
        for (size_t i = 0; i < it->nthreads; i++)
            snapshot_close(&it->sent[i]);
        bus_loop_close(&it->loop);
    }
    if (it->db != NULL)
        db_close(&it->db);
    close(it->stop_fd);
    free(it);
}

static enum status load_first(struct directory *directory, struct snapshot **snapshots)
{
    TRY(connect_database(directory));
    for (size_t i = 0; i < directory->nthreads; i++)
        TRY(load(directory, (int)i, &snapshots[i]));
    return STATUS_OK;
}

static void start(struct directory *directory)
{
    char name[HTTP_DIRECTORY_CHANNEL_BYTES];
    directory->loop = bus_loop_open(directory->bus);
    for (size_t i = 0; i < directory->nthreads; i++)
        directory->channels[i] = bus_channel_bind(
            directory->loop, http_directory_channel((int)i, name), on_returned, directory);
    bus_loop_watch_fd(directory->loop, directory->stop_fd, on_stop, directory);
    bus_loop_every(directory->loop, LOOK_EVERY_MS, look, directory);
    bus_loop_after_round(directory->loop, look, directory);
    int failed = pthread_create(&directory->thread, NULL, run, directory);
    assert(failed == 0);
}

enum status directory_open(const struct service *service, struct bus *bus, int http_threads,
                           struct snapshot *snapshots[HTTP_MAX_THREADS], struct directory **out)
{
    struct directory *directory = calloc(1, sizeof *directory);
    assert(directory != NULL && http_threads <= HTTP_MAX_THREADS);
    directory->service = service;
    directory->bus = bus;
    directory->nthreads = (size_t)http_threads;
    directory->stop_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    assert(directory->stop_fd >= 0);
    enum status status = load_first(directory, snapshots);
    if (status != STATUS_OK) {
        for (size_t i = 0; i < directory->nthreads; i++)
            snapshot_close(&snapshots[i]);
        directory_close(&directory);
        return status;
    }
    start(directory);
    *out = directory;
    return STATUS_OK;
}
