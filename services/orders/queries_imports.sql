-- Imports of files.

-- name: import_insert
INSERT INTO import (id, created_at, status, format, error_policy, stock_policy, is_historic, notify_customers,
                    name, channel, currency, created_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12);

-- name: import_by_id
SELECT id, created_at, finished_at, bytes, rows, orders, failed, known, placed, parts, next_part, status, format,
       error_policy, stock_policy, is_historic, notify_customers, name, channel, currency, created_by, header, carry
FROM import WHERE id = $1;

-- name: imports_page
SELECT id, created_at, finished_at, bytes, rows, orders, failed, known, placed, parts, next_part, status, format,
       error_policy, stock_policy, is_historic, notify_customers, name, channel, currency, created_by, header, carry
FROM import WHERE id < $1 ORDER BY id DESC LIMIT $2::bigint;

-- name: imports_at_work
SELECT id, created_at, finished_at, bytes, rows, orders, failed, known, placed, parts, next_part, status, format,
       error_policy, stock_policy, is_historic, notify_customers, name, channel, currency, created_by, header, carry
FROM import WHERE status IN (2, 4) ORDER BY id LIMIT 1;

-- Guarded by the state that it was decided from.
-- name: import_save
UPDATE import
SET finished_at = $4, bytes = $5, rows = $6, orders = $7, failed = $8, known = $9, placed = $10, parts = $11,
    next_part = $12, status = $13, header = $14, carry = $15
WHERE id = $1 AND status = $2 AND next_part = $3;

-- name: import_part_put
INSERT INTO import_part (import_id, part, body) VALUES ($1, $2, $3)
ON CONFLICT (import_id, part) DO NOTHING;

-- name: import_part_body
SELECT body FROM import_part WHERE import_id = $1 AND part = $2;

-- name: import_part_delete
DELETE FROM import_part WHERE import_id = $1 AND part = $2;

-- name: import_order_insert
INSERT INTO import_order (import_id, seq, row, status, external_id, code, field, message, body)
SELECT unnest($1::uuid[]), unnest($2::bigint[]), unnest($3::bigint[]), unnest($4::smallint[]),
       unnest($5::text[]), unnest($6::text[]), unnest($7::text[]), unnest($8::text[]), unnest($9::bytea[]);

-- name: import_orders_due
SELECT seq, row, external_id, body FROM import_order
WHERE import_id = $1 AND status = 1 ORDER BY seq LIMIT $2::bigint;

-- name: import_order_done
UPDATE import_order o
SET status = t.status, order_id = t.order_id, code = t.code, field = t.field, message = t.message, body = NULL
FROM (SELECT unnest($1::uuid[]) AS import_id, unnest($2::bigint[]) AS seq, unnest($3::smallint[]) AS status,
             unnest($4::uuid[]) AS order_id, unnest($5::text[]) AS code, unnest($6::text[]) AS field,
             unnest($7::text[]) AS message) AS t
WHERE o.import_id = t.import_id AND o.seq = t.seq;

-- name: import_errors
SELECT seq, row, external_id, code, field, message FROM import_order
WHERE import_id = $1 AND status = 2 AND seq > $2 ORDER BY seq LIMIT $3::bigint;

-- What is left of a file that is not to be run any more.
-- name: import_parts_drop
DELETE FROM import_part WHERE import_id = $1;

-- name: import_orders_drop
DELETE FROM import_order WHERE import_id = $1 AND status = 1;

-- name: imports_forgotten
SELECT id, created_at, finished_at, bytes, rows, orders, failed, known, placed, parts, next_part, status, format,
       error_policy, stock_policy, is_historic, notify_customers, name, channel, currency, created_by, header, carry
FROM import WHERE status IN (1, 3) AND created_at < $1 ORDER BY id LIMIT 1;
