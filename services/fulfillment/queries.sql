-- Every statement of fulfillment. The first two are the load of all handlers; on the path of a placed
-- order they are followed by the three inserts and nothing else.

-- name: sales_orders
SELECT order_id, number, lines, unassigned, is_confirmed, is_on_hold, is_cancelled, is_withheld
FROM sales_order WHERE order_id = ANY ($1::uuid[]);

-- name: work
SELECT f.order_id, f.id, f.location, f.round::int, f.status::int, f.version, f.delivered, f.created_at, f.updated_at,
       l.order_line_id, l.sku, l.allocated, l.cancelled, l.picked, l.packed, l.shipped
FROM fulfillment_order f JOIN fulfillment_line l ON l.fulfillment_id = f.id
WHERE f.order_id = ANY ($1::uuid[])
ORDER BY f.order_id, f.id, l.order_line_id;

-- name: sales_order_insert
INSERT INTO sales_order (order_id, number, lines, unassigned, is_confirmed, is_on_hold, is_cancelled, is_withheld)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::bytea[], $4::bytea[], $5::boolean[], $6::boolean[], $7::boolean[],
                     $8::boolean[]);

-- name: sales_order_update
UPDATE sales_order s
SET number = u.number, lines = u.lines, unassigned = u.unassigned, is_confirmed = u.is_confirmed,
    is_on_hold = u.is_on_hold, is_cancelled = u.is_cancelled, is_withheld = u.is_withheld
FROM unnest($1::uuid[], $2::text[], $3::bytea[], $4::bytea[], $5::boolean[], $6::boolean[], $7::boolean[],
            $8::boolean[])
     AS u (order_id, number, lines, unassigned, is_confirmed, is_on_hold, is_cancelled, is_withheld)
WHERE s.order_id = u.order_id;

-- name: fulfillment_insert
INSERT INTO fulfillment_order (id, order_id, location, round, status, version, delivered, created_at, updated_at)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::smallint[], $5::smallint[], $6::integer[],
                     $7::integer[], $8::timestamptz[], $9::timestamptz[]);

-- name: fulfillment_update
UPDATE fulfillment_order f
SET status = u.status, version = u.version, delivered = u.delivered, updated_at = u.updated_at
FROM unnest($1::uuid[], $2::smallint[], $3::integer[], $4::integer[], $5::timestamptz[])
     AS u (id, status, version, delivered, updated_at)
WHERE f.id = u.id;

-- name: line_insert
INSERT INTO fulfillment_line (fulfillment_id, order_line_id, sku, allocated, cancelled, picked, packed, shipped)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::integer[], $5::integer[], $6::integer[],
                     $7::integer[], $8::integer[]);

-- name: line_update
UPDATE fulfillment_line l
SET allocated = u.allocated, cancelled = u.cancelled, picked = u.picked, packed = u.packed, shipped = u.shipped
FROM unnest($1::uuid[], $2::uuid[], $3::integer[], $4::integer[], $5::integer[], $6::integer[], $7::integer[])
     AS u (fulfillment_id, order_line_id, allocated, cancelled, picked, packed, shipped)
WHERE l.fulfillment_id = u.fulfillment_id AND l.order_line_id = u.order_line_id;

-- Where an order's units left from, in the order in which they left: only read when inventory says that
-- it has seen some of them leave.
-- name: shipments
SELECT p.order_id, f.location, l.order_line_id, l.quantity
FROM parcel p
JOIN parcel_line l ON l.order_id = p.order_id AND l.parcel_id = p.id
JOIN fulfillment_order f ON f.id = p.fulfillment_id
WHERE p.order_id = ANY ($1::uuid[])
ORDER BY p.order_id, p.id;

-- ---- one fulfillment order, and lists ----

-- name: order_of_fulfillment
SELECT order_id FROM fulfillment_order WHERE id = $1;

-- name: order_by_number
SELECT order_id FROM sales_order WHERE number = $1 AND number <> '';

-- name: fulfillments_of_order
SELECT id, order_id FROM fulfillment_order
WHERE order_id = $1 AND id < $2
  AND (cardinality($3::smallint[]) = 0 OR status = ANY ($3::smallint[])) AND ($4::text IS NULL OR location = $4)
ORDER BY id DESC LIMIT $5;

-- name: fulfillments_newest
SELECT id, order_id FROM fulfillment_order
WHERE id < $1
ORDER BY id DESC LIMIT $2;

-- The locations that have work: few, and found by stepping over the index.
-- name: locations
WITH RECURSIVE place (location) AS (
    (SELECT location FROM fulfillment_order ORDER BY location LIMIT 1)
    UNION ALL
    SELECT (SELECT f.location FROM fulfillment_order f WHERE f.location > p.location ORDER BY f.location LIMIT 1)
    FROM place p WHERE p.location IS NOT NULL
)
SELECT location FROM place WHERE location IS NOT NULL;

-- The newest of each location and status. Said as a range and not as "status = ", and ordered in full, so that
-- only the index for lists fits: no plan walks down the primary key looking for a status that is rare.
-- name: fulfillments_listed
SELECT page.id, page.order_id
FROM unnest($1::text[]) AS p (location) CROSS JOIN unnest($2::smallint[]) AS s (status)
CROSS JOIN LATERAL (
    SELECT f.id, f.order_id FROM fulfillment_order f
    WHERE f.location = p.location AND f.status >= s.status AND (f.status, f.id) < (s.status, $3::uuid)
    ORDER BY f.status DESC, f.id DESC LIMIT $4
) page
ORDER BY page.id DESC LIMIT $4;

-- ---- parcels ----

-- name: parcels_of_orders
SELECT p.order_id, p.id, p.fulfillment_id, p.parcel_key, p.status::int, p.carrier, p.tracking_number, p.shipped_at,
       p.delivered_at, l.order_line_id, l.sku, l.quantity
FROM parcel p JOIN parcel_line l ON l.order_id = p.order_id AND l.parcel_id = p.id
WHERE p.order_id = ANY ($1::uuid[])
ORDER BY p.order_id, p.id, l.order_line_id;

-- name: parcel_insert
INSERT INTO parcel (order_id, id, fulfillment_id, parcel_key, status, carrier, tracking_number, shipped_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8);

-- name: parcel_line_insert
INSERT INTO parcel_line (order_id, parcel_id, order_line_id, sku, quantity)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::integer[]);

-- name: parcel_deliver
UPDATE parcel SET status = $3, delivered_at = $4 WHERE order_id = $1 AND id = $2;

-- ---- stops ----

-- name: stop_by_question
SELECT hold_id, answer FROM stop WHERE command_id = $1 AND question_hash = $2;

-- name: stop_insert
INSERT INTO stop (hold_id, order_id, command_id, question_hash, asker, answer, stopped_at)
VALUES ($1, $2, $3, $4, $5, $6, $7);

-- name: stops_of_order
SELECT hold_id, command_id, asker FROM stop WHERE order_id = $1;

-- name: stops_end
DELETE FROM stop WHERE hold_id = ANY ($1::uuid[]);

-- name: stops_end_by_command
DELETE FROM stop WHERE command_id = ANY ($1::text[]);

-- name: stops_unsettled
SELECT hold_id, command_id, asker FROM stop WHERE stopped_at <= $1 ORDER BY stopped_at LIMIT $2;
