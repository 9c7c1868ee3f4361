/* stream.h -- commands that come in while things go wrong, and what must hold afterwards.
 *
 * Each command has an identity and is sent again until it is answered for good. The stream keeps
 * its own record of what was acknowledged: the database is no witness for itself.
 */
#pragma once

#include "world.h"

#define STREAM_SLOTS 24

struct stream {
    const char *rpc;
    int64_t end_us;
    int in_flight;
    long long acknowledged, refused, again, next;
};

/* Runs a stream of "Add", "AddMany" or "Place" for some seconds; meanwhile fault is called every
 * period_ms with 0, 1, 2 and so on. Returns when every command has been answered. */
struct stream stream_run(struct world *world, const char *rpc, int seconds, int period_ms,
                         void (*fault)(int number));
/* What was acknowledged is there once, the log has no gap, and the stock has applied each of its
 * events once. */
void stream_assert_none_lost(struct world *world, const struct stream *stream);
