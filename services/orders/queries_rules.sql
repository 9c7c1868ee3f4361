-- The shop's rules, who is not trusted, and what is known of a customer.

-- name: rules_all
SELECT body FROM rule ORDER BY place, id;

-- name: rules_delete
DELETE FROM rule;

-- name: rule_insert
INSERT INTO rule (id, place, body) VALUES ($1, $2, $3);

-- name: rule_cursor
SELECT position FROM rule_cursor;

-- name: rule_cursor_move
UPDATE rule_cursor SET position = $1;

-- The rules that need history begin with what comes after they were made.
-- name: rule_cursor_to_head
UPDATE rule_cursor SET position = (SELECT coalesce(max(position), 0) FROM event);

-- Orders that were placed after the cursor; end: how far this has looked.
-- name: rule_orders_placed
SELECT w.position AS end_position, e.key
FROM (SELECT least($1::bigint + 200, coalesce(max(position), 0)) AS position FROM event) AS w
LEFT JOIN event e ON e.position > $1 AND e.position <= w.position AND e.type = 'OrderPlaced'
ORDER BY e.position;

-- Whether the projection that finds a customer's orders has come so far.
-- name: rule_search_is_at
SELECT position FROM cursor WHERE source = 'projection:search_segments' AND position >= $1;

-- Parcels with cash on delivery that were not taken.
-- name: rule_refusals
SELECT count(*) AS count FROM payment
WHERE order_id = ANY($1::uuid[]) AND method = 'cash_on_delivery' AND status = 5;

-- name: blacklist_keys
SELECT key FROM blacklist ORDER BY key LIMIT 10000;

-- name: blacklist_count
SELECT count(*) AS count FROM blacklist;

-- name: blacklist_insert
INSERT INTO blacklist (id, kind, key, value, reason, added_at, added_by)
VALUES ($1, $2, $3, $4, $5, $6, $7);

-- name: blacklist_delete
DELETE FROM blacklist WHERE id = $1;

-- name: blacklist_by_key
SELECT id, kind, value, reason, added_at, added_by FROM blacklist WHERE key = $1;

-- name: blacklist_by_id
SELECT id, kind, value, reason, added_at, added_by FROM blacklist WHERE id = $1;

-- name: blacklist_page
SELECT id, kind, value, reason, added_at, added_by
FROM blacklist WHERE $1::uuid IS NULL OR id > $1 ORDER BY id LIMIT $2;
