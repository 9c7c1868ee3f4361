#include "common/buffer.h"

#include <stdarg.h>
#include <string.h>

struct buffer buffer_open(struct arena *arena, size_t room)
{
    struct buffer buffer = {arena, arena_alloc(arena, room + 1), 0, room};
    return buffer;
}

static void reserve(struct buffer *buffer, size_t count)
{
    if (count <= buffer->room - buffer->count)
        return;
    size_t room = buffer->room * 2 + count;
    char *bytes = arena_alloc(buffer->arena, room + 1);
    memcpy(bytes, buffer->bytes, buffer->count);
    buffer->bytes = bytes;
    buffer->room = room;
}

char *buffer_extend(struct buffer *buffer, size_t count)
{
    reserve(buffer, count);
    char *at = buffer->bytes + buffer->count;
    buffer->count += count;
    buffer->bytes[buffer->count] = '\0';
    return at;
}

void buffer_add(struct buffer *buffer, const char *bytes, size_t count)
{
    if (count > 0)
        memcpy(buffer_extend(buffer, count), bytes, count);
}

void buffer_add_text(struct buffer *buffer, const char *text)
{
    buffer_add(buffer, text, strlen(text));
}

void buffer_printf(struct buffer *buffer, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *text = arena_vprintf(buffer->arena, format, arguments);
    va_end(arguments);
    buffer_add_text(buffer, text);
}
