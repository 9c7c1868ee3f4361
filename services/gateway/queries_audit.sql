-- The audit.

-- name: audit_add
INSERT INTO audit_pending (id, at, actor, action, route, target, address, times)
SELECT unnest($1::uuid[]), unnest($2::timestamptz[]), unnest($3::text[]), unnest($4::text[]),
       unnest($5::text[]), unnest($6::text[]), unnest($7::text[]), unnest($8::bigint[]);

-- name: audit_pending
SELECT id, at, actor, action, route, target, address, times, 0::bigint AS position,
       NULL::bytea AS sha256
FROM audit_pending ORDER BY id LIMIT $1::bigint;

-- name: audit_taken
DELETE FROM audit_pending WHERE id = ANY($1::uuid[]);

-- name: audit_last
SELECT id, at, actor, action, route, target, address, times, position, sha256
FROM audit_entry ORDER BY position DESC LIMIT 1;

-- name: audit_append
INSERT INTO audit_entry (position, id, at, actor, action, route, target, address, times, sha256)
SELECT unnest($1::bigint[]), unnest($2::uuid[]), unnest($3::timestamptz[]), unnest($4::text[]),
       unnest($5::text[]), unnest($6::text[]), unnest($7::text[]), unnest($8::text[]),
       unnest($9::bigint[]), unnest($10::bytea[]);

-- Newest first; '' and NULL: all.
-- name: audit_page
SELECT id, at, actor, action, route, target, address, times, position, sha256
FROM audit_entry
WHERE position < $1 AND ($2::text = '' OR actor = $2) AND ($3::text = '' OR action = $3)
  AND ($4::text = '' OR target = $4) AND ($5::timestamptz IS NULL OR at >= $5)
  AND ($6::timestamptz IS NULL OR at < $6)
ORDER BY position DESC LIMIT $7::bigint;
