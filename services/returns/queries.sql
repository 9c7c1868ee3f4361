-- Every statement of returns. A placed order costs the first one only.

-- name: sold_order_insert
INSERT INTO sold_order (order_id, number, lines)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::bytea[]);

-- name: sold_order_change
UPDATE sold_order s SET lines = u.lines
FROM unnest($1::uuid[], $2::bytea[]) AS u (order_id, lines)
WHERE s.order_id = u.order_id;

-- Totals only grow, and a line may stand in several events of one turn.
-- name: shipped_line_upsert
INSERT INTO shipped_line AS s (order_id, order_line_id, shipped, delivered)
SELECT u.order_id, u.order_line_id, max(u.shipped), max(u.delivered)
FROM unnest($1::uuid[], $2::uuid[], $3::integer[], $4::integer[]) AS u (order_id, order_line_id, shipped, delivered)
GROUP BY u.order_id, u.order_line_id
ON CONFLICT (order_id, order_line_id) DO UPDATE
SET shipped = greatest(s.shipped, excluded.shipped), delivered = greatest(s.delivered, excluded.delivered);

-- name: cancelled_line_upsert
INSERT INTO cancelled_line AS c (order_id, order_line_id, cancelled)
SELECT u.order_id, u.order_line_id, sum(u.cancelled)::integer
FROM unnest($1::uuid[], $2::uuid[], $3::integer[]) AS u (order_id, order_line_id, cancelled)
GROUP BY u.order_id, u.order_line_id
ON CONFLICT (order_id, order_line_id) DO UPDATE SET cancelled = c.cancelled + excluded.cancelled;

-- What a change tells leaves out what was cancelled before it.
-- name: cancelled_lines_forget
DELETE FROM cancelled_line WHERE order_id = ANY ($1::uuid[]);

-- name: sold_orders
SELECT order_id, number, lines FROM sold_order WHERE order_id = ANY ($1::uuid[]);

-- name: sold_lines
SELECT order_id, order_line_id, coalesce(s.shipped, 0) AS shipped, coalesce(c.cancelled, 0) AS cancelled
FROM (SELECT * FROM shipped_line WHERE order_id = ANY ($1::uuid[])) s
FULL JOIN (SELECT * FROM cancelled_line WHERE order_id = ANY ($1::uuid[])) c USING (order_id, order_line_id);

-- name: order_by_number
SELECT order_id FROM sold_order WHERE number = $1;

-- name: order_of_return
SELECT order_id FROM return_order WHERE id = $1;

-- name: order_of_return_number
SELECT order_id FROM return_order WHERE number = $1;

-- name: returns_of_orders
SELECT r.order_id, r.id, r.number, r.sequence, r.status::int, r.currency, r.location, r.note, r.end_reason, r.version,
       r.requested_at, r.updated_at, l.line_no::int, l.order_line_id, l.sku, l.reason, l.requested, l.received,
       l.restocked, l.quarantined, l.scrapped, l.refund_minor
FROM return_order r JOIN return_line l ON l.return_id = r.id
WHERE r.order_id = ANY ($1::uuid[])
ORDER BY r.order_id, r.sequence, l.line_no;

-- name: return_insert
INSERT INTO return_order (id, order_id, number, sequence, status, currency, location, note, end_reason, version,
                          requested_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12);

-- name: return_update
UPDATE return_order SET status = $2, location = $3, end_reason = $4, version = $5, updated_at = $6
WHERE id = $1 AND version = $5 - 1;

-- name: return_line_insert
INSERT INTO return_line (return_id, line_no, order_line_id, sku, reason, requested, received, restocked, quarantined,
                         scrapped, refund_minor)
SELECT u.return_id, u.line_no, u.order_line_id, u.sku, u.reason, u.requested, 0, 0, 0, 0, 0
FROM unnest($1::uuid[], $2::smallint[], $3::uuid[], $4::text[], $5::text[], $6::integer[])
     AS u (return_id, line_no, order_line_id, sku, reason, requested);

-- name: return_line_update
UPDATE return_line l
SET received = u.received, restocked = u.restocked, quarantined = u.quarantined, scrapped = u.scrapped,
    refund_minor = u.refund_minor
FROM unnest($1::uuid[], $2::smallint[], $3::integer[], $4::integer[], $5::integer[], $6::integer[], $7::bigint[])
     AS u (return_id, line_no, received, restocked, quarantined, scrapped, refund_minor)
WHERE l.return_id = u.return_id AND l.line_no = u.line_no;

-- name: inspection_insert
INSERT INTO inspection (id, return_id, refund_minor, inspected_at) VALUES ($1, $2, $3, $4);

-- ---- lists, newest first ----

-- name: returns_of_order
SELECT id, order_id FROM return_order
WHERE order_id = $1 AND id < $2 AND ($3::smallint IS NULL OR status = $3)
ORDER BY id DESC LIMIT $4;

-- name: returns_newest
SELECT id, order_id FROM return_order WHERE id < $1 ORDER BY id DESC LIMIT $2;

-- Said as a range and not as "status = ", and ordered in full, so that only the index by status fits: no plan
-- walks down the primary key looking for a status that is rare.
-- name: returns_by_status
SELECT id, order_id FROM return_order
WHERE status >= $1 AND (status, id) < ($1, $2::uuid)
ORDER BY status DESC, id DESC LIMIT $3;
