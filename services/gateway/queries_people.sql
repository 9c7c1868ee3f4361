-- People and their sessions.

-- name: person_insert
INSERT INTO person (id, name, email, role, locale, password_hash, has_first_password, created_by,
                    created_at)
VALUES ($1, $2, $3, $4, $5, $6, true, $7, $8);

-- name: person_by_id
SELECT id, name, email, role, locale, password_hash, has_first_password, created_at, signed_in_at,
       disabled_at
FROM person WHERE id = $1;

-- name: person_by_email
SELECT id, name, email, role, locale, password_hash, has_first_password, created_at, signed_in_at,
       disabled_at
FROM person WHERE email = $1;

-- Oldest first: the list is short, and whoever is new stands at its end.
-- name: person_page
SELECT id, name, email, role, locale, password_hash, has_first_password, created_at, signed_in_at,
       disabled_at
FROM person WHERE ($1::uuid IS NULL OR id > $1) AND ($2::text = '' OR email = $2)
ORDER BY id LIMIT $3::bigint;

-- name: person_update
UPDATE person
SET name = $2, email = $3, role = $4, locale = $5, password_hash = $6, has_first_password = $7,
    disabled_at = $8
WHERE id = $1;

-- name: person_owners
SELECT count(*) AS count FROM person WHERE role = 'owner' AND disabled_at IS NULL AND id <> $1;

-- name: person_count
SELECT count(*) AS count FROM person;

-- By any instance, beside the session that it begins: it needs no leader.
-- name: person_signed_in
UPDATE person SET signed_in_at = $2, password_hash = coalesce($3, password_hash) WHERE id = $1;

-- What was checked is what is replaced.
-- name: person_password
UPDATE person SET password_hash = $3, has_first_password = false
WHERE id = $1 AND password_hash = $2 AND disabled_at IS NULL
RETURNING id;

-- ---- sessions ----

-- Not for whom was disabled, or given another password or role, while his password was checked.
-- name: session_insert
INSERT INTO session (token_sha256, person_id, created_at, expires_at, seen_at)
SELECT $1::bytea, id, $3::timestamptz, $4::timestamptz, $3::timestamptz
FROM person WHERE id = $2 AND disabled_at IS NULL AND password_hash = $5
RETURNING person_id AS id;

-- name: session_end
DELETE FROM session WHERE token_sha256 = $1;

-- name: session_end_of_person
DELETE FROM session WHERE person_id = $1 AND token_sha256 <> $2;

-- The oldest go when there are too many.
-- name: session_trim
DELETE FROM session WHERE person_id = $1 AND token_sha256 NOT IN (
    SELECT token_sha256 FROM session WHERE person_id = $1 ORDER BY created_at DESC LIMIT $2::bigint);

-- name: session_forget
DELETE FROM session WHERE expires_at <= $1 OR seen_at <= $2;

-- name: session_live
SELECT s.token_sha256, s.expires_at, s.seen_at, p.id, p.role, p.name, p.email, p.locale,
       p.has_first_password
FROM session s JOIN person p ON p.id = s.person_id
WHERE s.expires_at > $1 AND s.seen_at > $2 AND p.disabled_at IS NULL
ORDER BY s.created_at DESC LIMIT $3::bigint;

-- By any instance.
-- name: session_used
UPDATE session s SET seen_at = u.used_at
FROM unnest($1::bytea[], $2::timestamptz[]) AS u (token, used_at)
WHERE s.token_sha256 = u.token AND s.seen_at < u.used_at;
