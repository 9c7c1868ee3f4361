#include "common/id.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sodium.h>

/* A thread's own source of ids: random bytes are drawn from the kernel a page at a time, and the
 * last stamp is remembered so that ids rise. Nothing here is shared. */
struct source {
    uint64_t last_stamp;
    size_t unused;
    uint8_t random[1024];
};

static _Thread_local struct source thread_source;

static const uint8_t *random_take(struct source *source, size_t count)
{
    if (source->unused < count) {
        if (sodium_init() < 0)
            abort();
        randombytes_buf(source->random, sizeof(source->random));
        source->unused = sizeof(source->random);
    }
    source->unused -= count;
    return source->random + source->unused;
}

int64_t clock_wall_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t clock_monotonic_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* Milliseconds in the upper 48 bits, 1/4096 of a millisecond in the lower 12 (RFC 9562, 6.2,
 * method 3): one more than the last when the clock stands still or steps back. */
static uint64_t next_stamp(struct source *source)
{
    uint64_t us = (uint64_t)clock_wall_us();
    uint64_t stamp = (us / 1000) << 12 | (us % 1000) * 4096 / 1000;
    if (stamp <= source->last_stamp)
        stamp = source->last_stamp + 1;
    source->last_stamp = stamp;
    return stamp;
}

struct uuid uuid_new(void)
{
    struct source *source = &thread_source;
    uint64_t stamp = next_stamp(source);
    struct uuid uuid;
    for (int i = 0; i < 6; i++)
        uuid.bytes[i] = (uint8_t)(stamp >> (52 - 8 * i));
    uuid.bytes[6] = (uint8_t)(0x70 | ((stamp >> 8) & 0x0f));
    uuid.bytes[7] = (uint8_t)stamp;
    memcpy(uuid.bytes + 8, random_take(source, 8), 8);
    uuid.bytes[8] = (uint8_t)((uuid.bytes[8] & 0x3f) | 0x80);
    return uuid;
}

struct uuid uuid_of_hash(const void *bytes, size_t count)
{
    uint8_t hash[crypto_generichash_BYTES];
    crypto_generichash(hash, sizeof(hash), bytes, count, NULL, 0);
    struct uuid uuid;
    memcpy(uuid.bytes, hash, sizeof(uuid.bytes));
    return uuid;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

static bool dash_follows(size_t byte)
{
    return byte == 3 || byte == 5 || byte == 7 || byte == 9;
}

bool uuid_parse(const char *text, struct uuid *out)
{
    if (text == NULL)
        return false;
    struct uuid uuid;
    for (size_t i = 0; i < sizeof(uuid.bytes); i++) {
        int high = hex_value(text[0]);
        int low = high < 0 ? -1 : hex_value(text[1]);
        if (low < 0)
            return false;
        uuid.bytes[i] = (uint8_t)(high << 4 | low);
        text += 2;
        if (dash_follows(i) && *text++ != '-')
            return false;
    }
    if (*text != '\0')
        return false;
    *out = uuid;
    return true;
}

char *uuid_text(const struct uuid *uuid, char buffer[UUID_TEXT_BYTES])
{
    static const char digits[] = "0123456789abcdef";
    char *to = buffer;
    for (size_t i = 0; i < sizeof(uuid->bytes); i++) {
        *to++ = digits[uuid->bytes[i] >> 4];
        *to++ = digits[uuid->bytes[i] & 0x0f];
        if (dash_follows(i))
            *to++ = '-';
    }
    *to = '\0';
    return buffer;
}

bool uuid_is_nil(const struct uuid *uuid)
{
    static const struct uuid nil;
    return memcmp(uuid, &nil, sizeof(nil)) == 0;
}

bool uuid_equal(const struct uuid *a, const struct uuid *b)
{
    return memcmp(a, b, sizeof(*a)) == 0;
}

int uuid_compare(const struct uuid *a, const struct uuid *b)
{
    return memcmp(a, b, sizeof(*a));
}
