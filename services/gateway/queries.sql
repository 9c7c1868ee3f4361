-- API keys and channels.

-- ---- keys ----

-- name: key_insert
INSERT INTO api_key (id, name, role, prefix, key_sha256, created_by, created_at, expires_at, scopes)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9);

-- name: key_by_id
SELECT id, name, role, prefix, created_at, expires_at, last_used_at, revoked_at, scopes
FROM api_key WHERE id = $1;

-- Newest first.
-- name: key_page
SELECT id, name, role, prefix, created_at, expires_at, last_used_at, revoked_at, scopes
FROM api_key WHERE $1::uuid IS NULL OR id < $1
ORDER BY id DESC LIMIT $2::bigint;

-- name: key_revoke
UPDATE api_key SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL;

-- name: key_count
SELECT count(*) AS count FROM api_key WHERE revoked_at IS NULL;

-- Those that open doors.
-- name: key_live
SELECT id, role, scopes, key_sha256, expires_at, last_used_at
FROM api_key WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $1)
ORDER BY id DESC LIMIT $2::bigint;

-- By any instance: it needs no leader.
-- name: key_used
UPDATE api_key k SET last_used_at = u.used_at
FROM unnest($1::uuid[], $2::timestamptz[]) AS u (id, used_at)
WHERE k.id = u.id AND (k.last_used_at IS NULL OR k.last_used_at < u.used_at);

-- ---- channels ----

-- name: channel_insert
INSERT INTO channel (name, type, number_prefix, confirms_manually, is_active, secret, created_at)
VALUES ($1, $2, $3, $4, true, $5, $6);

-- name: channel_update
UPDATE channel
SET number_prefix = $2, confirms_manually = $3, is_active = true, secret = $4,
    previous_secret = $5, previous_secret_until = $6, version = version + 1
WHERE name = $1;

-- name: channel_by_name_or_prefix
SELECT name, type, number_prefix, confirms_manually, is_active, secret, previous_secret,
       previous_secret_until, created_at, version
FROM channel WHERE name = $1 OR number_prefix = $2;

-- name: channel_page
SELECT name, type, number_prefix, confirms_manually, is_active, NULL::bytea AS secret,
       NULL::bytea AS previous_secret, NULL::timestamptz AS previous_secret_until, created_at, version
FROM channel WHERE name > $1 ORDER BY name LIMIT $2::bigint;

-- name: channel_live
SELECT name, type, number_prefix, confirms_manually, is_active, secret, previous_secret,
       previous_secret_until, created_at, version
FROM channel ORDER BY name LIMIT $1::bigint;

-- name: channel_untold
SELECT name, type, number_prefix, confirms_manually, is_active, NULL::bytea AS secret,
       NULL::bytea AS previous_secret, NULL::timestamptz AS previous_secret_until, created_at, version
FROM channel WHERE told_version < version ORDER BY name LIMIT $1::bigint;

-- name: channel_told
UPDATE channel SET told_version = $2 WHERE name = $1 AND told_version < $2;
