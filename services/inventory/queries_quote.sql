-- What some items cost and what of them may be promised now; what checkouts hold past their time may, and
-- what the reservation that is asked with ($3) holds. The types of a location that sells: warehouse, store,
-- third party.
-- name: quotes
SELECT i.sku, i.name, i.price_minor, i.price_currency,
       coalesce((SELECT sum(l.available + coalesce(d.due, 0))
                 FROM level l JOIN location p ON p.code = l.location
                 LEFT JOIN (SELECT u.level_id, sum(u.quantity) AS due
                            FROM hold h CROSS JOIN LATERAL unnest(h.levels, h.quantities) AS u (level_id, quantity)
                            WHERE h.due_at <= $2 OR h.hold_id = $3 GROUP BY u.level_id) d ON d.level_id = l.level_id
                 WHERE l.sku = i.sku AND p.is_active AND p.is_sellable AND p.type IN (1, 2, 3)), 0)::bigint
       AS available
FROM item i WHERE i.sku = ANY ($1::text[]) AND i.is_active;

-- How a reservation is kept for longer.
-- name: hold_extend
UPDATE hold SET expires_at = $2, due_at = $2 WHERE hold_id = $1;

-- name: reservation_extend
UPDATE reservation SET expires_at = $2 WHERE reservation_id = $1;
