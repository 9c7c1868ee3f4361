/* rate.h -- token buckets: how many requests a second one caller may make.
 *
 * A fixed table of buckets, found by a keyed hash so that nobody can aim at another's. When it is
 * full the bucket unused for longest gives way, and it would be full by then anyway unless
 * thousands of callers are at work at once.
 *
 * Ownership: one thread's. Limits: 8,192 callers remembered.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rate;

/* NULL when per_second is 0: no limit. */
struct rate *rate_open(int64_t per_second, int64_t burst);
/* The same for less than one a second: count in so many seconds. */
struct rate *rate_open_slow(int64_t count, int64_t seconds, int64_t burst);
void rate_close(struct rate **rate);
/* Takes one token; false when there is none, and then *wait_ms says when there will be. A NULL rate
 * lets everything through. now_us is monotonic. */
bool rate_take(struct rate *rate, const void *caller, size_t bytes, int64_t now_us,
               int64_t *wait_ms);
