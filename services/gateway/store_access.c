#include "services/gateway/store_access.h"

#include <string.h>

#include "common/log.h"
#include "queries.h"
#include "services/gateway/store_people.h"

DB_SHAPE(key_shape, struct key_row, DB_FIELD(struct key_row, id, DB_UUID),
         DB_FIELD(struct key_row, name, DB_TEXT), DB_FIELD(struct key_row, role, DB_TEXT),
         DB_FIELD(struct key_row, prefix, DB_TEXT), DB_FIELD(struct key_row, scopes, DB_TEXT),
         DB_FIELD_AS(struct key_row, created_at_us, "created_at", DB_TIMESTAMP),
         DB_FIELD_AS(struct key_row, expires_at_us, "expires_at", DB_TIMESTAMP),
         DB_FIELD_AS(struct key_row, last_used_at_us, "last_used_at", DB_TIMESTAMP),
         DB_FIELD_AS(struct key_row, revoked_at_us, "revoked_at", DB_TIMESTAMP));

DB_SHAPE(channel_shape, struct channel_row, DB_FIELD(struct channel_row, name, DB_TEXT),
         DB_FIELD(struct channel_row, type, DB_TEXT),
         DB_FIELD(struct channel_row, number_prefix, DB_TEXT),
         DB_FIELD(struct channel_row, confirms_manually, DB_BOOLEAN),
         DB_FIELD(struct channel_row, is_active, DB_BOOLEAN),
         DB_FIELD(struct channel_row, secret, DB_BYTEA),
         DB_FIELD(struct channel_row, previous_secret, DB_BYTEA),
         DB_FIELD_AS(struct channel_row, previous_secret_until_us, "previous_secret_until",
                     DB_TIMESTAMP),
         DB_FIELD_AS(struct channel_row, created_at_us, "created_at", DB_TIMESTAMP),
         DB_FIELD(struct channel_row, version, DB_INT32));

struct count_row {
    int64_t count;
};
DB_SHAPE(count_shape, struct count_row, DB_FIELD(struct count_row, count, DB_INT64));

/* ---- keys ---- */

enum status store_key_insert(struct db *db, const struct key_row *key, const uint8_t *hash,
                             const char *created_by)
{
    return db_exec(db, Q_KEY_INSERT, db_uuid(&key->id), db_text(key->name), db_text(key->role),
                   db_text(key->prefix), db_bytes(hash, API_KEY_HASH_BYTES), db_text(created_by),
                   db_time(key->created_at_us), db_time(key->expires_at_us), db_text(key->scopes));
}

enum status store_key_by_id(struct db *db, const struct uuid *id, struct key_row **key)
{
    size_t count;
    TRY(db_select(db, Q_KEY_BY_ID, &key_shape, key, &count, db_uuid(id)));
    return count == 1 ? STATUS_OK : STATUS_NOT_FOUND;
}

enum status store_key_page(struct db *db, const struct uuid *before, size_t limit,
                           struct key_row **keys, size_t *count)
{
    return db_select(db, Q_KEY_PAGE, &key_shape, keys, count, db_uuid(before),
                     db_int((int64_t)limit));
}

enum status store_key_revoke(struct db *db, const struct uuid *id, int64_t now_us)
{
    return db_exec_expect(db, Q_KEY_REVOKE, 1, db_uuid(id), db_time(now_us));
}

enum status store_key_count(struct db *db, int64_t *count)
{
    struct count_row *rows;
    size_t n;
    TRY(db_select(db, Q_KEY_COUNT, &count_shape, &rows, &n));
    *count = n == 1 ? rows[0].count : 0;
    return STATUS_OK;
}

/* ---- channels ---- */

static struct db_arg secret_arg(struct db_bytea secret)
{
    return secret.count > 0 ? db_bytes(secret.bytes, secret.count) : db_null();
}

enum status store_channel_insert(struct db *db, const struct channel_row *channel)
{
    return db_exec(db, Q_CHANNEL_INSERT, db_text(channel->name), db_text(channel->type),
                   db_text(channel->number_prefix), db_bool(channel->confirms_manually),
                   secret_arg(channel->secret), db_time(channel->created_at_us));
}

enum status store_channel_update(struct db *db, const struct channel_row *channel)
{
    return db_exec_expect(db, Q_CHANNEL_UPDATE, 1, db_text(channel->name),
                          db_text(channel->number_prefix), db_bool(channel->confirms_manually),
                          secret_arg(channel->secret), secret_arg(channel->previous_secret),
                          db_time(channel->previous_secret_until_us));
}

enum status store_channel_find(struct db *db, const char *name, const char *prefix,
                               struct channel_row **channels, size_t *count)
{
    return db_select(db, Q_CHANNEL_BY_NAME_OR_PREFIX, &channel_shape, channels, count,
                     db_text(name), db_text(prefix));
}

enum status store_channel_page(struct db *db, const char *after, size_t limit,
                               struct channel_row **channels, size_t *count)
{
    return db_select(db, Q_CHANNEL_PAGE, &channel_shape, channels, count, db_text(after),
                     db_int((int64_t)limit));
}

enum status store_channel_untold(struct db *db, size_t limit, struct channel_row **channels,
                                 size_t *count)
{
    return db_select(db, Q_CHANNEL_UNTOLD, &channel_shape, channels, count, db_int((int64_t)limit));
}

enum status store_channel_told(struct db *db, const char *name, int32_t version)
{
    return db_exec(db, Q_CHANNEL_TOLD, db_text(name), db_int(version));
}

/* ---- snapshots ---- */

struct live_row {
    struct uuid id;
    const char *role, *scopes;
    struct db_bytea key_sha256;
    int64_t expires_at, last_used_at;
};
DB_SHAPE(live_shape, struct live_row, DB_FIELD(struct live_row, id, DB_UUID),
         DB_FIELD(struct live_row, role, DB_TEXT), DB_FIELD(struct live_row, scopes, DB_TEXT),
         DB_FIELD(struct live_row, key_sha256, DB_BYTEA),
         DB_FIELD(struct live_row, expires_at, DB_TIMESTAMP),
         DB_FIELD(struct live_row, last_used_at, DB_TIMESTAMP));

static enum status load_keys(struct db *db, struct snapshot *snapshot, int64_t now_us)
{
    struct live_row *rows;
    size_t count;
    TRY(db_select(db, Q_KEY_LIVE, &live_shape, &rows, &count, db_time(now_us),
                  db_int(SNAPSHOT_MAX_KEYS)));
    snapshot->keys = ARENA_ARRAY(snapshot->arena, count, struct api_key);
    for (size_t i = 0; i < count; i++) {
        const struct role *role = role_find(rows[i].role);
        /* A role that a newer version made: whoever has it comes in when this one is replaced. */
        if (role == NULL)
            continue;
        struct api_key *key = &snapshot->keys[snapshot->nkeys++];
        memcpy(key->hash, rows[i].key_sha256.bytes, API_KEY_HASH_BYTES);
        key->id = rows[i].id;
        key->is_narrowed = rows[i].scopes[0] != '\0';
        key->role = key->is_narrowed ? role_narrow(role, rows[i].scopes, snapshot->arena) : role;
        key->expires_at_us = rows[i].expires_at;
        key->stored_used_at_us = rows[i].last_used_at;
    }
    return STATUS_OK;
}

static enum status load_channels(struct db *db, struct snapshot *snapshot)
{
    struct channel_row *rows;
    size_t count;
    TRY(db_select(db, Q_CHANNEL_LIVE, &channel_shape, &rows, &count,
                  db_int(SNAPSHOT_MAX_CHANNELS)));
    struct channel *channels = ARENA_ARRAY(snapshot->arena, count, struct channel);
    for (size_t i = 0; i < count; i++)
        channels[i] = (struct channel){
            .name = rows[i].name,
            .type = rows[i].type,
            .number_prefix = rows[i].number_prefix,
            .confirms_manually = rows[i].confirms_manually,
            .is_active = rows[i].is_active,
            .secret = rows[i].secret.bytes,
            .secret_bytes = rows[i].secret.count,
            .previous_secret = rows[i].previous_secret.bytes,
            .previous_secret_bytes = rows[i].previous_secret.count,
            .previous_secret_until_us = rows[i].previous_secret_until_us,
            .created_at_us = rows[i].created_at_us,
        };
    snapshot->channels = channels;
    snapshot->nchannels = count;
    return STATUS_OK;
}

enum status store_snapshot_load(struct db *db, struct snapshot *snapshot, int64_t now_us)
{
    TRY(load_keys(db, snapshot, now_us));
    TRY(load_channels(db, snapshot));
    TRY(store_session_load(db, snapshot, now_us));
    snapshot_sort(snapshot);
    return STATUS_OK;
}

enum status store_snapshot_used(struct db *db, const struct snapshot *snapshot, int64_t age_us)
{
    struct db_columns *columns = NULL;
    for (size_t i = 0; i < snapshot->nkeys; i++) {
        const struct api_key *key = &snapshot->keys[i];
        if (key->used_at_us == 0 || key->used_at_us - key->stored_used_at_us < age_us)
            continue;
        if (columns == NULL)
            columns = db_columns(db, Q_KEY_USED);
        db_add(columns, db_uuid(&key->id), db_time(key->used_at_us));
    }
    store_session_used(db, snapshot, age_us);
    return STATUS_OK;
}
