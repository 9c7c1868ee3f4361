/* store_access.h -- API keys and channels: structs to rows and back.
 *
 * Used by handlers, inside the writer's transaction, and by the directory thread on a connection of
 * its own. What is read lives in the arena that the connection uses.
 */
#pragma once

#include "common/db.h"
#include "services/gateway/snapshot.h"

struct key_row {
    struct uuid id;
    const char *name, *role, *prefix;
    const char *scopes; /* separated by spaces; "": all of the role's */
    int64_t created_at_us, expires_at_us, last_used_at_us, revoked_at_us;
};
struct channel_row {
    const char *name, *type, *number_prefix;
    bool confirms_manually, is_active;
    struct db_bytea secret, previous_secret;
    int64_t previous_secret_until_us, created_at_us;
    int32_t version;
};

enum status store_key_insert(struct db *db, const struct key_row *key, const uint8_t *hash,
                             const char *created_by) MUST_CHECK;
/* NOT_FOUND when there is none. */
enum status store_key_by_id(struct db *db, const struct uuid *id, struct key_row **key) MUST_CHECK;
/* before: nil for the newest. */
enum status store_key_page(struct db *db, const struct uuid *before, size_t limit,
                           struct key_row **keys, size_t *count) MUST_CHECK;
enum status store_key_revoke(struct db *db, const struct uuid *id, int64_t now_us) MUST_CHECK;
enum status store_key_count(struct db *db, int64_t *count) MUST_CHECK;

enum status store_channel_insert(struct db *db, const struct channel_row *channel) MUST_CHECK;
enum status store_channel_update(struct db *db, const struct channel_row *channel) MUST_CHECK;
/* Those that have the name or the prefix: at most two. */
enum status store_channel_find(struct db *db, const char *name, const char *prefix,
                               struct channel_row **channels, size_t *count) MUST_CHECK;
enum status store_channel_page(struct db *db, const char *after, size_t limit,
                               struct channel_row **channels, size_t *count) MUST_CHECK;
/* Those of which orders has not heard the latest. */
enum status store_channel_untold(struct db *db, size_t limit, struct channel_row **channels,
                                 size_t *count) MUST_CHECK;
enum status store_channel_told(struct db *db, const char *name, int32_t version) MUST_CHECK;

/* Fills a snapshot; the connection must use the snapshot's arena. */
enum status store_snapshot_load(struct db *db, struct snapshot *snapshot,
                                int64_t now_us) MUST_CHECK;
/* Writes down when keys and sessions were used, of those where that has moved by more than age_us.
 */
enum status store_snapshot_used(struct db *db, const struct snapshot *snapshot,
                                int64_t age_us) MUST_CHECK;
