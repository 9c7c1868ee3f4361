/* arena.h -- memory that lives as long as one piece of work.
 *
 * While a message is handled, everything is allocated here and nothing is freed by hand; the arena
 * is reset when the work is done. It is also the allocator that protobuf-c unpacks with, so that a
 * hostile message can use no more than the limit.
 *
 * Ownership: arena_open() makes, arena_close() frees. Memory dies at arena_reset().
 * Limits: limit_bytes in all; past it allocation through arena_protobuf() fails (the unpack is
 * refused) and arena_alloc() aborts, for what our own code asks for is bounded by what was let in.
 */
#pragma once

#include <stdarg.h>
#include <stddef.h>

#include <protobuf-c/protobuf-c.h>

struct arena;

struct arena *arena_open(size_t limit_bytes);
void arena_close(struct arena **arena);
/* Forget everything; keeps one block for reuse. */
void arena_reset(struct arena *arena);
size_t arena_used(const struct arena *arena);

/* Zeroed memory, aligned for any type. Never NULL. */
void *arena_alloc(struct arena *arena, size_t bytes) __attribute__((returns_nonnull));
/* Zeroed room for count elements; aborts on overflow. */
void *arena_array(struct arena *arena, size_t count, size_t element_bytes)
    __attribute__((returns_nonnull));
void *arena_copy(struct arena *arena, const void *bytes, size_t count)
    __attribute__((returns_nonnull));
char *arena_strdup(struct arena *arena, const char *text) __attribute__((returns_nonnull));
/* At most so many bytes of a text, which may end before. */
char *arena_strndup(struct arena *arena, const char *text, size_t most)
    __attribute__((returns_nonnull));
char *arena_printf(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3), returns_nonnull));
char *arena_vprintf(struct arena *arena, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0), returns_nonnull));

/* The allocator for protobuf_c_message_unpack(); free is a no-op. */
ProtobufCAllocator *arena_protobuf(struct arena *arena);

#define ARENA_NEW(arena, type) ((type *)arena_alloc((arena), sizeof(type)))
#define ARENA_ARRAY(arena, count, type) ((type *)arena_array((arena), (count), sizeof(type)))
