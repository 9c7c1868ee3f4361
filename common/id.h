/* id.h -- ids and the clocks.
 *
 * Ids are UUIDv7 (RFC 9562 5.7): they sort by the millisecond they were made in, so that new rows
 * go to the right edge of every index. Rules take ids and times as arguments; only the skeleton and
 * handlers call these.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct uuid {
    uint8_t bytes[16];
};

#define UUID_TEXT_BYTES 37 /* with the final NUL */

/* A new UUIDv7; rises within a thread even when the clock steps back. */
struct uuid uuid_new(void);
/* The first 16 bytes of the BLAKE2b hash: an id for what has a natural key. */
struct uuid uuid_of_hash(const void *bytes, size_t count);
/* False when text is not a UUID in its usual form of 36 characters (either case). NULL and "" too.
 */
bool uuid_parse(const char *text, struct uuid *out);
/* Lower case, in a buffer of UUID_TEXT_BYTES; returns the buffer. */
char *uuid_text(const struct uuid *uuid, char buffer[UUID_TEXT_BYTES]);
bool uuid_is_nil(const struct uuid *uuid);
bool uuid_equal(const struct uuid *a, const struct uuid *b);
int uuid_compare(const struct uuid *a, const struct uuid *b);

/* Microseconds since 1970 UTC. */
int64_t clock_wall_us(void);
/* Microseconds on a clock that never jumps; for deadlines and periods. */
int64_t clock_monotonic_us(void);
