-- Parcels that several orders share.

-- name: shipment_insert
INSERT INTO shipment (id, status, location, carrier, tracking_number, reason, created_by, created_at)
VALUES ($1, $2, $3, '', '', '', $4, $5);

-- name: shipment_order_insert
INSERT INTO shipment_order (shipment_id, order_id, fulfillment_id, is_open)
SELECT unnest($1::uuid[]), unnest($2::uuid[]), unnest($3::uuid[]), true;

-- Guarded by the status that it was decided from.
-- name: shipment_end
UPDATE shipment SET status = $2, carrier = $3, tracking_number = $4, reason = $5, ended_at = $6
WHERE id = $1 AND status = 1;

-- name: shipment_orders_close
UPDATE shipment_order SET is_open = false WHERE shipment_id = $1;

-- name: shipments_by_id
SELECT s.id, s.status::int, s.location, s.carrier, s.tracking_number, s.reason, s.created_at, s.ended_at,
       m.order_id, m.fulfillment_id, o.number
FROM shipment s JOIN shipment_order m ON m.shipment_id = s.id
JOIN sales_order o ON o.order_id = m.order_id
WHERE s.id = ANY ($1::uuid[])
ORDER BY s.id DESC, m.order_id;

-- name: shipments_open_of_orders
SELECT DISTINCT shipment_id AS id FROM shipment_order WHERE order_id = ANY ($1::uuid[]) AND is_open;

-- name: shipments_of_order
SELECT shipment_id AS id FROM shipment_order WHERE order_id = $1 AND shipment_id < $2
ORDER BY shipment_id DESC LIMIT $3;

-- name: shipments_newest
SELECT id FROM shipment WHERE id < $1 ORDER BY id DESC LIMIT $2;
