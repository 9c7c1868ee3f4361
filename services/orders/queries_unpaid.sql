-- Orders whose payment did not come in time, and what they gave up.

-- Pending, without money, nothing collected on delivery, no transfer that somebody has to look at, and unchanged for as long as their channel waits.
-- name: unpaid_due
SELECT due.id AS order_id
FROM channel c CROSS JOIN LATERAL (
    SELECT o.id FROM orders o
    WHERE o.channel = c.name AND o.status = 2 AND o.payment_status IN (1, 2, 9)
      AND o.placed_at <= $1::timestamptz - c.unpaid_minutes * interval '1 minute'
      AND o.updated_at <= $1::timestamptz - c.unpaid_minutes * interval '1 minute'
      AND NOT EXISTS (SELECT FROM payment p
                      WHERE p.order_id = o.id AND p.method = 'cash_on_delivery')
      AND NOT EXISTS (SELECT FROM transfer t WHERE t.order_id = o.id AND t.status = 1)
    ORDER BY o.placed_at LIMIT 50) AS due
WHERE c.unpaid_minutes > 0;

-- name: expiry_insert
INSERT INTO order_expiry (order_id, line_id, units)
SELECT unnest($1::uuid[]), unnest($2::uuid[]), unnest($3::integer[]);

-- name: expiry_by_order
SELECT line_id, units FROM order_expiry WHERE order_id = $1;

-- name: expiry_delete
DELETE FROM order_expiry WHERE order_id = $1;

-- name: channel_set_unpaid
UPDATE channel SET unpaid_minutes = $2 WHERE name = $1;
