/* throttle.h -- how long whoever failed to sign in has to wait before the next attempt.
 *
 * An attempt counts as failed when it begins, so that a hundred at once are a hundred; success
 * takes that back. A caller has some attempts for nothing, then the pause doubles with each, from a
 * second to a quarter of an hour; an hour without any forgets. A fixed table, found by a keyed
 * hash; when a set is full, whoever failed longest ago gives way.
 *
 * Pure but for the hash's key. Ownership: one thread's. Limits: 8,192 callers remembered.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct throttle;

/* free_attempts: how many cost no pause. */
struct throttle *throttle_open(int free_attempts);
void throttle_close(struct throttle **throttle);
/* Milliseconds until the caller may try again; 0: now, and this attempt counts as failed already.
 * now_us is monotonic. */
int64_t throttle_begin(struct throttle *throttle, const void *caller, size_t bytes, int64_t now_us);
/* It did not fail: the caller's failures are forgotten, and that he succeeded once is kept. */
void throttle_succeeded(struct throttle *throttle, const void *caller, size_t bytes,
                        int64_t now_us);
bool throttle_has_succeeded(struct throttle *throttle, const void *caller, size_t bytes);
/* It was not tried after all: this one does not count. */
void throttle_take_back(struct throttle *throttle, const void *caller, size_t bytes);
