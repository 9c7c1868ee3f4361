-- Refunds that need somebody, oldest first. Their ids rise with time.

-- name: refund_keys
SELECT r.order_id, r.id, o.number
FROM refund r JOIN orders o ON o.id = r.order_id
WHERE r.status = ANY($1::smallint[]) AND ($2::uuid IS NULL OR r.id > $2) ORDER BY r.id LIMIT $3;

-- name: refund_limits
SELECT role, currency, amount FROM refund_limit ORDER BY role, currency;

-- name: refund_limits_delete
DELETE FROM refund_limit;

-- name: refund_limit_insert
INSERT INTO refund_limit (role, currency, amount) VALUES ($1, $2, $3);
