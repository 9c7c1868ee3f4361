#include "common/arena.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(address, bytes) ((void)(address), (void)(bytes))
#define ASAN_UNPOISON_MEMORY_REGION(address, bytes) ((void)(address), (void)(bytes))
#endif

#define FIRST_BLOCK_BYTES ((size_t)16 << 10)
#define LAST_BLOCK_BYTES ((size_t)1 << 20)
#define ALIGNMENT _Alignof(max_align_t)

struct block {
    struct block *next;
    size_t bytes, used;
    max_align_t data[];
};

struct arena {
    struct block *head; /* the one that is being filled */
    size_t limit, used;
    ProtobufCAllocator protobuf;
};

static void *protobuf_alloc(void *context, size_t bytes);

static void protobuf_free(void *context, void *pointer)
{
    (void)context;
    (void)pointer;
}

struct arena *arena_open(size_t limit_bytes)
{
    struct arena *arena = calloc(1, sizeof(*arena));
    if (arena == NULL)
        abort();
    arena->limit = limit_bytes;
    arena->protobuf = (ProtobufCAllocator){protobuf_alloc, protobuf_free, arena};
    return arena;
}

static void block_free(struct block *block)
{
    ASAN_UNPOISON_MEMORY_REGION(block->data, block->bytes);
    free(block);
}

void arena_close(struct arena **arena)
{
    if (*arena == NULL)
        return;
    for (struct block *block = (*arena)->head, *next; block != NULL; block = next) {
        next = block->next;
        block_free(block);
    }
    free(*arena);
    *arena = NULL;
}

void arena_reset(struct arena *arena)
{
    struct block *kept = NULL;
    for (struct block *block = arena->head, *next; block != NULL; block = next) {
        next = block->next;
        bool fits = block->bytes <= LAST_BLOCK_BYTES;
        if (fits && (kept == NULL || block->bytes > kept->bytes)) {
            struct block *smaller = kept;
            kept = block;
            block = smaller;
        }
        if (block != NULL)
            block_free(block);
    }
    if (kept != NULL) {
        kept->next = NULL;
        kept->used = 0;
        /* With ASan, whoever holds on to memory over a reset is caught in the act. */
        ASAN_POISON_MEMORY_REGION(kept->data, kept->bytes);
    }
    arena->head = kept;
    arena->used = 0;
}

size_t arena_used(const struct arena *arena)
{
    return arena->used;
}

static struct block *block_add(struct arena *arena, size_t bytes)
{
    size_t size = arena->head == NULL ? FIRST_BLOCK_BYTES : arena->head->bytes * 2;
    if (size > LAST_BLOCK_BYTES)
        size = LAST_BLOCK_BYTES;
    if (size < bytes)
        size = bytes;
    struct block *block = malloc(sizeof(*block) + size);
    if (block == NULL)
        return NULL;
    *block = (struct block){arena->head, size, 0};
    ASAN_POISON_MEMORY_REGION(block->data, size);
    arena->head = block;
    return block;
}

/* Room that is not zeroed, or NULL when the limit or the machine says no. */
static void *take(struct arena *arena, size_t bytes)
{
    if (bytes > arena->limit)
        return NULL;
    size_t rounded = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (rounded == 0)
        rounded = ALIGNMENT;
    if (rounded > arena->limit - arena->used)
        return NULL;
    struct block *block = arena->head;
    if (block == NULL || rounded > block->bytes - block->used) {
        block = block_add(arena, rounded);
        if (block == NULL)
            return NULL;
    }
    void *memory = (char *)block->data + block->used;
    block->used += rounded;
    arena->used += rounded;
    ASAN_UNPOISON_MEMORY_REGION(memory, bytes);
    return memory;
}

static void *take_or_abort(struct arena *arena, size_t bytes)
{
    void *memory = take(arena, bytes);
    if (memory == NULL) {
        fprintf(stderr, "arena: %zu bytes more than the limit of %zu, or no memory\n",
                arena->used + bytes, arena->limit);
        abort();
    }
    return memory;
}

void *arena_alloc(struct arena *arena, size_t bytes)
{
    return memset(take_or_abort(arena, bytes), 0, bytes);
}

void *arena_array(struct arena *arena, size_t count, size_t element_bytes)
{
    size_t bytes;
    bool overflows = __builtin_mul_overflow(count, element_bytes, &bytes);
    assert(!overflows);
    return arena_alloc(arena, bytes);
}

void *arena_copy(struct arena *arena, const void *bytes, size_t count)
{
    void *memory = take_or_abort(arena, count);
    if (count > 0)
        memcpy(memory, bytes, count);
    return memory;
}

char *arena_strdup(struct arena *arena, const char *text)
{
    return arena_copy(arena, text, strlen(text) + 1);
}

char *arena_strndup(struct arena *arena, const char *text, size_t most)
{
    size_t bytes = text == NULL ? 0 : strnlen(text, most);
    char *copy = take_or_abort(arena, bytes + 1);
    if (bytes > 0)
        memcpy(copy, text, bytes);
    copy[bytes] = '\0';
    return copy;
}

char *arena_vprintf(struct arena *arena, const char *format, va_list arguments)
{
    va_list again;
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    assert(length >= 0);
    char *text = take_or_abort(arena, (size_t)length + 1);
    vsnprintf(text, (size_t)length + 1, format, arguments);
    return text;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *text = arena_vprintf(arena, format, arguments);
    va_end(arguments);
    return text;
}

static void *protobuf_alloc(void *context, size_t bytes)
{
    return take(context, bytes);
}

ProtobufCAllocator *arena_protobuf(struct arena *arena)
{
    return &arena->protobuf;
}
