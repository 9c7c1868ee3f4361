#include "services/gateway/throttle.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>

#define SLOTS 8192
#define WAYS 8
#define FIRST_PAUSE_US INT64_C(1000000)
#define LONGEST_PAUSE_US (INT64_C(15) * 60 * 1000000)
#define FORGET_US (INT64_C(60) * 60 * 1000000)

struct slot {
    uint64_t caller;
    int failures;
    int64_t last_us; /* 0: unused */
    bool has_succeeded;
};
struct throttle {
    int free_attempts;
    uint8_t key[crypto_shorthash_KEYBYTES];
    struct slot slots[SLOTS];
};

struct throttle *throttle_open(int free_attempts)
{
    struct throttle *throttle = calloc(1, sizeof *throttle);
    assert(throttle != NULL);
    throttle->free_attempts = free_attempts;
    crypto_shorthash_keygen(throttle->key);
    return throttle;
}

void throttle_close(struct throttle **throttle)
{
    free(*throttle);
    *throttle = NULL;
}

/* The caller's slot, or the oldest of its set. */
static struct slot *find(struct throttle *throttle, const void *caller, size_t bytes,
                         uint64_t *number)
{
    uint8_t hash[crypto_shorthash_BYTES];
    *number = 0;
    crypto_shorthash(hash, caller, bytes, throttle->key);
    for (size_t i = 0; i < sizeof hash; i++)
        *number = *number << 8 | hash[i];
    struct slot *set = &throttle->slots[*number % (SLOTS / WAYS) * WAYS], *oldest = set;
    for (size_t i = 0; i < WAYS; i++) {
        if (set[i].last_us != 0 && set[i].caller == *number)
            return &set[i];
        if (set[i].last_us < oldest->last_us)
            oldest = &set[i];
    }
    return oldest;
}

static int64_t pause_us(const struct throttle *throttle, const struct slot *slot)
{
    int beyond = slot->failures - throttle->free_attempts;
    if (beyond < 0)
        return 0;
    int64_t pause = beyond < 20 ? FIRST_PAUSE_US << beyond : LONGEST_PAUSE_US;
    return pause < LONGEST_PAUSE_US ? pause : LONGEST_PAUSE_US;
}

int64_t throttle_begin(struct throttle *throttle, const void *caller, size_t bytes, int64_t now_us)
{
    uint64_t number;
    struct slot *slot = find(throttle, caller, bytes, &number);
    if (slot->caller != number)
        *slot = (struct slot){.caller = number, .last_us = now_us};
    else if (now_us - slot->last_us > FORGET_US)
        slot->failures = 0;
    int64_t wait_us = slot->last_us + pause_us(throttle, slot) - now_us;
    if (wait_us > 0)
        return (wait_us + 999) / 1000;
    slot->failures++;
    slot->last_us = now_us;
    return 0;
}

void throttle_succeeded(struct throttle *throttle, const void *caller, size_t bytes, int64_t now_us)
{
    uint64_t number;
    struct slot *slot = find(throttle, caller, bytes, &number);
    *slot = (struct slot){.caller = number, .last_us = now_us, .has_succeeded = true};
}

bool throttle_has_succeeded(struct throttle *throttle, const void *caller, size_t bytes)
{
    uint64_t number;
    const struct slot *slot = find(throttle, caller, bytes, &number);
    return slot->caller == number && slot->has_succeeded;
}

void throttle_take_back(struct throttle *throttle, const void *caller, size_t bytes)
{
    uint64_t number;
    struct slot *slot = find(throttle, caller, bytes, &number);
    if (slot->caller == number && slot->failures > 0)
        slot->failures--;
}
