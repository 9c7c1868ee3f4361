#include "services/gateway/snapshot.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "services/gateway/rules_people.h"

#define SNAPSHOT_BYTES ((size_t)64 << 20)

struct snapshot *snapshot_open(int http_thread)
{
    struct snapshot *snapshot = calloc(1, sizeof *snapshot);
    assert(snapshot != NULL);
    snapshot->arena = arena_open(SNAPSHOT_BYTES);
    snapshot->http_thread = http_thread;
    snapshot->loaded_at_us = clock_monotonic_us();
    return snapshot;
}

void snapshot_close(struct snapshot **snapshot)
{
    if (*snapshot == NULL)
        return;
    arena_close(&(*snapshot)->arena);
    free(*snapshot);
    *snapshot = NULL;
}

static int compare_keys(const void *a, const void *b)
{
    return memcmp(((const struct api_key *)a)->hash, ((const struct api_key *)b)->hash,
                  API_KEY_HASH_BYTES);
}

static int compare_sessions(const void *a, const void *b)
{
    return memcmp(((const struct session *)a)->hash, ((const struct session *)b)->hash,
                  SESSION_HASH_BYTES);
}

void snapshot_sort(struct snapshot *snapshot)
{
    if (snapshot->nsessions > 0)
        qsort(snapshot->sessions, snapshot->nsessions, sizeof snapshot->sessions[0],
              compare_sessions);
    if (snapshot->nkeys > 0)
        qsort(snapshot->keys, snapshot->nkeys, sizeof snapshot->keys[0], compare_keys);
}

static struct api_key *find_key(const struct snapshot *snapshot, const uint8_t *hash,
                                int64_t now_us)
{
    struct api_key wanted;
    if (snapshot->nkeys == 0)
        return NULL;
    memcpy(wanted.hash, hash, API_KEY_HASH_BYTES);
    struct api_key *key =
        bsearch(&wanted, snapshot->keys, snapshot->nkeys, sizeof snapshot->keys[0], compare_keys);
    if (key == NULL || (key->expires_at_us != 0 && key->expires_at_us <= now_us))
        return NULL;
    return key;
}

/* The search compares hashes of what was sent: how long it takes tells nothing about a key. */
struct api_key *snapshot_find_key(struct snapshot *snapshot, const char *text, int64_t now_us)
{
    uint8_t hash[API_KEY_HASH_BYTES];
    if (!api_key_is_plausible(text))
        return NULL;
    crypto_hash_sha256(hash, (const uint8_t *)text, API_KEY_TEXT_BYTES - 1);
    return find_key(snapshot, hash, now_us);
}

bool snapshot_has_key(const struct snapshot *snapshot, const uint8_t *hash, int64_t now_us)
{
    return find_key(snapshot, hash, now_us) != NULL;
}

static struct session *find_session(const struct snapshot *snapshot, const uint8_t *hash,
                                    int64_t now_us)
{
    struct session wanted;
    if (snapshot->nsessions == 0)
        return NULL;
    memcpy(wanted.hash, hash, SESSION_HASH_BYTES);
    struct session *session = bsearch(&wanted, snapshot->sessions, snapshot->nsessions,
                                      sizeof snapshot->sessions[0], compare_sessions);
    if (session == NULL || session->expires_at_us <= now_us)
        return NULL;
    int64_t used_at_us = session->used_at_us > session->stored_seen_at_us
                             ? session->used_at_us
                             : session->stored_seen_at_us;
    return used_at_us + SESSION_IDLE_US > now_us ? session : NULL;
}

struct session *snapshot_find_session(struct snapshot *snapshot, const char *token, int64_t now_us)
{
    uint8_t hash[SESSION_HASH_BYTES];
    if (!session_token_is_plausible(token))
        return NULL;
    session_token_hash(token, hash);
    return find_session(snapshot, hash, now_us);
}

bool snapshot_has_session(const struct snapshot *snapshot, const uint8_t *hash, int64_t now_us)
{
    return find_session(snapshot, hash, now_us) != NULL;
}

const struct channel *snapshot_find_channel(const struct snapshot *snapshot, const char *name)
{
    for (size_t i = 0; i < snapshot->nchannels; i++)
        if (strcmp(snapshot->channels[i].name, name) == 0)
            return &snapshot->channels[i];
    return NULL;
}

bool api_key_is_plausible(const char *text)
{
    return strlen(text) == API_KEY_TEXT_BYTES - 1 &&
           strncmp(text, API_KEY_PREFIX, strlen(API_KEY_PREFIX)) == 0;
}

void api_key_new(char text[API_KEY_TEXT_BYTES], uint8_t hash[API_KEY_HASH_BYTES])
{
    uint8_t secret[32];
    size_t prefix = strlen(API_KEY_PREFIX);
    randombytes_buf(secret, sizeof secret);
    memcpy(text, API_KEY_PREFIX, prefix);
    sodium_bin2base64(text + prefix, API_KEY_TEXT_BYTES - prefix, secret, sizeof secret,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    sodium_memzero(secret, sizeof secret);
    crypto_hash_sha256(hash, (const uint8_t *)text, API_KEY_TEXT_BYTES - 1);
}

bool session_token_is_plausible(const char *text)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    return strlen(text) == SESSION_TOKEN_BYTES - 1 &&
           strspn(text, letters) == SESSION_TOKEN_BYTES - 1;
}

void session_token_hash(const char *text, uint8_t hash[SESSION_HASH_BYTES])
{
    crypto_hash_sha256(hash, (const uint8_t *)text, SESSION_TOKEN_BYTES - 1);
}

void session_token_new(char text[SESSION_TOKEN_BYTES], uint8_t hash[SESSION_HASH_BYTES])
{
    uint8_t secret[32];
    randombytes_buf(secret, sizeof secret);
    sodium_bin2base64(text, SESSION_TOKEN_BYTES, secret, sizeof secret,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    sodium_memzero(secret, sizeof secret);
    session_token_hash(text, hash);
}
