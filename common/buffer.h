/* buffer.h -- text that grows, in an arena.
 *
 * Mails are put together piece by piece, and nobody knows their length beforehand.
 *
 * Ownership: the bytes live in the arena. Always ends with a NUL that does not count.
 */
#pragma once

#include <stddef.h>

#include "common/arena.h"

struct buffer {
    struct arena *arena;
    char *bytes;
    size_t count, room;
};

struct buffer buffer_open(struct arena *arena, size_t room);
void buffer_add(struct buffer *buffer, const char *bytes, size_t count);
void buffer_add_text(struct buffer *buffer, const char *text);
void buffer_printf(struct buffer *buffer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Room for count more bytes, to be written by the caller; buffer->count is advanced already. */
char *buffer_extend(struct buffer *buffer, size_t count);
