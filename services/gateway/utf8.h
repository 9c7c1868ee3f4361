/* utf8.h -- what is well-formed UTF-8 and what is not (RFC 3629).
 *
 * Everything that comes in over HTTP passes here before it is believed to be text: the shortest
 * form only, no surrogates, nothing past U+10FFFF. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How many bytes of a well-formed character start here; 0 when it is none. */
size_t utf8_sequence_bytes(const uint8_t *at, const uint8_t *end);
bool utf8_is_valid(const void *bytes, size_t count);
/* Writes a code point, at most four bytes; returns the place after it. */
char *utf8_put(char *to, uint32_t point);
