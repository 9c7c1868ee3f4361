/* rfc3339.h -- times between text and microseconds since 1970 UTC.
 *
 * Rows and messages count microseconds; JSON says "2026-11-11T04:00:03.123456Z". Pure.
 *
 * Limits: years 1970 to 9999, and never 0, which means "no time".
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define RFC3339_TEXT_BYTES 32

/* Any offset, any number of decimals up to nine (past six they are cut off); T and Z in either
 * case. False on anything else. *nanoseconds, unless NULL, gets the part below the microsecond too.
 */
bool rfc3339_parse(const char *text, int64_t *us, int64_t *nanoseconds);
/* "2026-11-11T04:00:03.123456Z"; returns the buffer. */
char *rfc3339_text(int64_t us, char buffer[RFC3339_TEXT_BYTES]);
/* Days since 1970-01-01 of a day of the proleptic Gregorian calendar. */
int64_t rfc3339_days(int64_t year, int month, int day);
