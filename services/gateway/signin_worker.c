/* A thread that checks passwords and does nothing else. */
#include <stdio.h>

#include "services/gateway/signin_internal.h"

struct loop_of {
    struct bus_loop *loop;
    struct bus_channel *channel;
};

char *signin_worker_name(int index, char buffer[SIGNIN_WORKER_NAME_BYTES])
{
    snprintf(buffer, SIGNIN_WORKER_NAME_BYTES, "signin.worker.%d", index);
    return buffer;
}

/* A wrong password costs one computation, like an account that is not there. */
static void compute(struct signin_work *work)
{
    bool is_right = password_verify(work->attempt->password, work->checked_hash);
    work->is_right = is_right && work->is_somebody;
    bool wants_hash =
        work->is_right && (work->hashes_anew || password_needs_rehash(work->checked_hash));
    work->hashes_anew = wants_hash && password_hash(work->new_password, work->new_hash);
}

static void on_work(void *context, void *pointer)
{
    struct loop_of *it = context;
    if (pointer == NULL) {
        bus_loop_stop(it->loop);
        return;
    }
    compute(pointer);
    bus_channel_send(it->channel, pointer);
}

void *signin_worker_run(void *argument)
{
    const struct signin_worker *worker = argument;
    char name[SIGNIN_WORKER_NAME_BYTES];
    struct loop_of it = {.loop = bus_loop_open(worker->bus)};
    it.channel =
        bus_channel_connect(it.loop, signin_worker_name(worker->index, name), on_work, &it);
    bus_loop_run(it.loop);
    bus_loop_close(&it.loop);
    return NULL;
}
