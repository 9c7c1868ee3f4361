/* zone.h -- the shop's time zone, so that a customer reads the shop's own clock.
 *
 * Reads the compiled zone itself: the C library knows only one zone per process, and changing it is
 * not safe beside other threads.
 *
 * Ownership: zone_open() makes, zone_close() frees; read by any number of threads.
 * Limits: after the file's last change (2037 in Debian's) its last offset stays.
 */
#pragma once

#include <stdint.h>

#include "common/status.h"

struct zone;

/* An IANA name such as "Asia/Hong_Kong", or "UTC". INVALID when it is no name, NOT_FOUND when the
 * machine does not have it, INTERNAL when the file is broken. */
enum status zone_open(const char *name, struct zone **out) MUST_CHECK;
void zone_close(struct zone **zone);
/* Seconds east of UTC at this moment. */
int32_t zone_offset_s(const struct zone *zone, int64_t at_us);

/* The parts of a local time. */
struct civil {
    int year, month, day, hour, minute, second;
    int weekday; /* 0 is Sunday */
};
struct civil zone_civil(int64_t at_us, int32_t offset_s);
