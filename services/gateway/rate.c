#include "services/gateway/rate.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>

#define BUCKETS 8192
#define WAYS 8
/* A token is a million parts for each second of the rate, so that a microsecond's share of it is a
 * whole number. */
#define TOKEN INT64_C(1000000)

struct bucket {
    uint64_t caller;
    int64_t level; /* parts of tokens */
    int64_t at_us; /* 0: unused */
};
struct rate {
    int64_t count, token, full; /* count tokens in token parts */
    uint8_t key[crypto_shorthash_KEYBYTES];
    struct bucket buckets[BUCKETS];
};

struct rate *rate_open(int64_t per_second, int64_t burst)
{
    return rate_open_slow(per_second, 1, burst);
}

struct rate *rate_open_slow(int64_t count, int64_t seconds, int64_t burst)
{
    if (count == 0)
        return NULL;
    struct rate *rate = calloc(1, sizeof *rate);
    assert(rate != NULL);
    rate->count = count;
    rate->token = seconds * TOKEN;
    rate->full = burst * rate->token;
    crypto_shorthash_keygen(rate->key);
    return rate;
}

void rate_close(struct rate **rate)
{
    free(*rate);
    *rate = NULL;
}

/* The caller's bucket, or the one in its set that was not used for longest, filled up. */
static struct bucket *find(struct rate *rate, uint64_t caller, int64_t now_us)
{
    struct bucket *set = &rate->buckets[caller % (BUCKETS / WAYS) * WAYS], *oldest = set;
    for (size_t i = 0; i < WAYS; i++) {
        if (set[i].at_us != 0 && set[i].caller == caller)
            return &set[i];
        if (set[i].at_us < oldest->at_us)
            oldest = &set[i];
    }
    *oldest = (struct bucket){caller, rate->full, now_us};
    return oldest;
}

bool rate_take(struct rate *rate, const void *caller, size_t bytes, int64_t now_us,
               int64_t *wait_ms)
{
    if (rate == NULL)
        return true;
    uint8_t hash[crypto_shorthash_BYTES];
    uint64_t number = 0;
    crypto_shorthash(hash, caller, bytes, rate->key);
    for (size_t i = 0; i < sizeof hash; i++)
        number = number << 8 | hash[i];
    struct bucket *bucket = find(rate, number, now_us);
    int64_t passed_us = now_us - bucket->at_us, gained;
    /* What overflows has been away for longer than any bucket takes to fill. */
    if (__builtin_mul_overflow(passed_us, rate->count, &gained) ||
        gained > rate->full - bucket->level)
        gained = rate->full - bucket->level;
    bucket->level += gained;
    bucket->at_us = now_us;
    if (bucket->level >= rate->token) {
        bucket->level -= rate->token;
        return true;
    }
    *wait_ms = (rate->token - bucket->level) / rate->count / 1000 + 1;
    return false;
}
