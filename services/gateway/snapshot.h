/* snapshot.h -- who may come in: the API keys, sessions and channels as of half a second ago.
 *
 * Read from the database by the directory thread, handed whole to an HTTP thread, and handed back
 * when the next one comes, with the times at which keys and sessions were used. So looking up a
 * key, a session or a channel's secret takes no lock and no database, and a revoked key is out
 * within a second.
 *
 * Ownership: whoever holds the pointer; snapshot_close() frees everything in it.
 * Limits: 10,000 live keys, 10,000 sessions and 1,000 channels.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/id.h"
#include "services/gateway/channels.h"
#include "services/gateway/roles.h"

#define API_KEY_HASH_BYTES 32
#define SNAPSHOT_MAX_KEYS 10000
#define SESSION_HASH_BYTES 32
#define SNAPSHOT_MAX_SESSIONS 10000
#define SNAPSHOT_MAX_CHANNELS 1000

struct api_key {
    uint8_t hash[API_KEY_HASH_BYTES]; /* SHA-256 of the key's text */
    struct uuid id;
    const struct role *role;
    bool is_narrowed;          /* the role is this snapshot's, with fewer permissions */
    int64_t expires_at_us;     /* 0: never */
    int64_t stored_used_at_us; /* as the row has it */
    int64_t used_at_us;        /* set by the HTTP thread; 0: not since */
};

/* A person who is signed in. */
struct session {
    uint8_t hash[SESSION_HASH_BYTES]; /* SHA-256 of the token's text */
    struct uuid person_id;
    const struct role *role;
    const char *name, *email, *locale;
    bool has_first_password;
    int64_t expires_at_us;
    int64_t stored_seen_at_us; /* as the row has it */
    int64_t used_at_us;        /* set by the HTTP thread; 0: not since */
};

struct snapshot {
    struct arena *arena;
    struct api_key *keys; /* by hash */
    size_t nkeys;
    struct session *sessions; /* by hash */
    size_t nsessions;
    const struct channel *channels; /* by name */
    size_t nchannels;
    int64_t loaded_at_us; /* monotonic, before it was read */
    int http_thread;      /* which has it */
};

/* Empty, for the thread. */
struct snapshot *snapshot_open(int http_thread);
void snapshot_close(struct snapshot **snapshot);
/* Sorts what was filled in; before any look-up. */
void snapshot_sort(struct snapshot *snapshot);

/* The key of that text, unless it has expired; NULL otherwise. */
struct api_key *snapshot_find_key(struct snapshot *snapshot, const char *text, int64_t now_us);
/* Whether a key or session of that hash is still good; using neither. */
bool snapshot_has_key(const struct snapshot *snapshot, const uint8_t *hash, int64_t now_us);
bool snapshot_has_session(const struct snapshot *snapshot, const uint8_t *hash, int64_t now_us);
/* The session of that token, unless it has ended by age or by lying unused. */
struct session *snapshot_find_session(struct snapshot *snapshot, const char *token, int64_t now_us);
/* NULL when there is none. */
const struct channel *snapshot_find_channel(const struct snapshot *snapshot, const char *name);

/* ---- what a key looks like ---- */

#define API_KEY_PREFIX "pk_"
#define API_KEY_TEXT_BYTES 47 /* prefix, 43 of base64url for 256 bits, NUL */
#define API_KEY_SHOWN_BYTES 11
/* Whether a text could be a key at all. */
bool api_key_is_plausible(const char *text);
/* A new key from the random source; its text is shown once and never stored. */
void api_key_new(char text[API_KEY_TEXT_BYTES], uint8_t hash[API_KEY_HASH_BYTES]);

/* ---- what a session's token looks like ---- */

#define SESSION_TOKEN_BYTES 44 /* 43 of base64url for 256 bits, NUL */
bool session_token_is_plausible(const char *text);
void session_token_new(char text[SESSION_TOKEN_BYTES], uint8_t hash[SESSION_HASH_BYTES]);
void session_token_hash(const char *text, uint8_t hash[SESSION_HASH_BYTES]);
