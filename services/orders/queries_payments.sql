-- Refunds that need somebody, oldest first. Their ids rise with time.

-- name: refund_keys
SELECT r.order_id, r.id, o.number
FROM refund r JOIN orders o ON o.id = r.order_id
WHERE r.status = ANY($1::smallint[]) AND ($2::uuid IS NULL OR r.id > $2) ORDER BY r.id LIMIT $3;

-- Approved, or begun and not heard of.
-- name: refunds_due
SELECT r.order_id, r.id, '' AS number FROM refund r
WHERE r.status IN (2, 3) AND r.status <> 4 AND r.provider = 2
  AND (r.status = 2 OR r.next_attempt_at < $1)
ORDER BY r.id LIMIT $2;

-- name: refund_limits
SELECT role, currency, amount FROM refund_limit ORDER BY role, currency;

-- name: refund_limits_delete
DELETE FROM refund_limit;

-- name: refund_limit_insert
INSERT INTO refund_limit (role, currency, amount) VALUES ($1, $2, $3);
