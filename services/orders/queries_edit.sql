-- ---- editing an order, and its versions ----

-- What the first edit finds is kept as the first version; whoever was quicker has kept the same.
-- name: version_insert
INSERT INTO order_version (order_id, version, made_at, kind, actor, reason, content, contact)
SELECT unnest($1::uuid[]), unnest($2::bigint[]), unnest($3::timestamptz[]), unnest($4::text[]),
       unnest($5::text[]), unnest($6::text[]), unnest($7::bytea[]), unnest($8::bytea[])
ON CONFLICT (order_id, version) DO NOTHING;

-- name: order_edited
UPDATE orders SET edited_at = $2 WHERE id = $1;

-- Newest first, from a version on.
-- name: versions_page
SELECT order_id, version, made_at, kind, actor, reason, content, contact
FROM order_version WHERE order_id = $1 AND version <= $2 ORDER BY version DESC LIMIT $3;

-- name: versions_between
SELECT order_id, version, made_at, kind, actor, reason, content, contact
FROM order_version WHERE order_id = $1 AND version BETWEEN $2 AND $3 ORDER BY version DESC;

-- Whether units were cancelled after a version.
-- name: cancelled_after
SELECT count(*) AS number FROM timeline
WHERE order_id = $1 AND version > $2 AND type = 'order_cancelled';

-- What is left of the versions of an erased customer's orders says nothing about who it was.
-- name: versions_erase
UPDATE order_version SET contact = NULL, reason = '' WHERE order_id = ANY($1::uuid[]);
