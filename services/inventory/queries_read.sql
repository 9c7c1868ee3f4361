-- What the query lanes read, and the rows of the catalogue.

-- name: location_insert
INSERT INTO location (code, location_id, name, type, rank, is_sellable, is_active, address, created_at)
VALUES ($1, $2, $3, $4, $5, $6, true, $7, $8);

-- name: location_update
UPDATE location SET name = $2, rank = $3, is_sellable = $4, is_active = $5, address = $6 WHERE code = $1;

-- name: location_by_code
SELECT code, location_id, name, type::int, rank, is_sellable, is_active, address, created_at
FROM location WHERE code = $1;

-- name: location_ranks
SELECT coalesce(max(rank), 0)::bigint AS last, count(*) AS count FROM location;

-- name: locations
SELECT code, location_id, name, type::int, rank, is_sellable, is_active, address, created_at
FROM location WHERE (rank, code) > ($1::int, $2::text) ORDER BY rank, code LIMIT $3::bigint;

-- name: item_insert
INSERT INTO item (sku, item_id, name, price_minor, price_currency, barcode, weight_g, is_active, created_at,
                  selling_ahead, ahead_limit, promised_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, true, $8, $9, $10, $11);

-- name: item_update
UPDATE item SET name = $2, price_minor = $3, price_currency = $4, barcode = $5, weight_g = $6, is_active = $7,
                selling_ahead = $8, ahead_limit = $9, promised_at = $10
WHERE sku = $1;

-- name: item_by_sku
SELECT sku, item_id, name, price_minor, price_currency, barcode, weight_g, is_active, created_at,
       coalesce(selling_ahead, 1)::int AS selling_ahead, coalesce(ahead_limit, 0) AS ahead_limit, promised_at
FROM item WHERE sku = $1;

-- name: items
SELECT sku, item_id, name, price_minor, price_currency, barcode, weight_g, is_active, created_at,
       coalesce(selling_ahead, 1)::int AS selling_ahead, coalesce(ahead_limit, 0) AS ahead_limit, promised_at
FROM item WHERE sku > $1 ORDER BY sku LIMIT $2::bigint;

-- Levels as they are now. What a checkout holds past its time is available again, whether or not the
-- sweeper has come by.
-- name: levels
SELECT l.sku, l.location, l.on_hand, l.available + coalesce(d.due, 0)::bigint AS available, l.committed,
       l.reserved - coalesce(d.due, 0)::bigint AS reserved, l.safety, l.damaged, l.quality_control, l.incoming
FROM level l
LEFT JOIN (SELECT u.level_id, sum(u.quantity) AS due
           FROM hold h CROSS JOIN LATERAL unnest(h.levels, h.quantities) AS u (level_id, quantity)
           WHERE h.due_at <= $4 GROUP BY u.level_id) d ON d.level_id = l.level_id
WHERE (l.sku, l.location) > ($1::text, $2::text)
ORDER BY l.sku, l.location LIMIT $3::bigint;

-- name: levels_of_sku
SELECT l.sku, l.location, l.on_hand, l.available + coalesce(d.due, 0)::bigint AS available, l.committed,
       l.reserved - coalesce(d.due, 0)::bigint AS reserved, l.safety, l.damaged, l.quality_control, l.incoming
FROM level l
LEFT JOIN (SELECT u.level_id, sum(u.quantity) AS due
           FROM hold h CROSS JOIN LATERAL unnest(h.levels, h.quantities) AS u (level_id, quantity)
           WHERE h.due_at <= $5 GROUP BY u.level_id) d ON d.level_id = l.level_id
WHERE l.sku = $1 AND l.location > $2 AND ($4::text = '' OR l.location = $4)
ORDER BY l.sku, l.location LIMIT $3::bigint;

-- name: levels_of_location
SELECT l.sku, l.location, l.on_hand, l.available + coalesce(d.due, 0)::bigint AS available, l.committed,
       l.reserved - coalesce(d.due, 0)::bigint AS reserved, l.safety, l.damaged, l.quality_control, l.incoming
FROM level l
LEFT JOIN (SELECT u.level_id, sum(u.quantity) AS due
           FROM hold h CROSS JOIN LATERAL unnest(h.levels, h.quantities) AS u (level_id, quantity)
           WHERE h.due_at <= $4 GROUP BY u.level_id) d ON d.level_id = l.level_id
WHERE l.location = $1 AND l.sku > $2
ORDER BY l.location, l.sku LIMIT $3::bigint;

-- Levels as they were: which, then of each the last snapshot before that moment, and the movements between it
-- and the next one (or now), walked from the end, that are not after it.
-- name: levels_then
SELECT level_id, sku, location FROM level
WHERE created_at <= $4 AND (sku, location) > ($1::text, $2::text) ORDER BY sku, location LIMIT $3::bigint;

-- name: levels_then_of_sku
SELECT level_id, sku, location FROM level
WHERE created_at <= $5 AND sku = $1 AND location > $2 AND ($4::text = '' OR location = $4)
ORDER BY sku, location LIMIT $3::bigint;

-- name: levels_then_of_location
SELECT level_id, sku, location FROM level
WHERE created_at <= $4 AND location = $1 AND sku > $2 ORDER BY location, sku LIMIT $3::bigint;

-- name: level_sums
SELECT w.level_id, s.available + m.available AS available, s.committed + m.committed AS committed,
       s.reserved + m.reserved AS reserved, s.safety + m.safety AS safety, s.damaged + m.damaged AS damaged,
       s.quality_control + m.quality_control AS quality_control, s.incoming + m.incoming AS incoming
FROM unnest($1::int[]) AS w (level_id)
CROSS JOIN LATERAL (
    SELECT position, available, committed, reserved, safety, damaged, quality_control, incoming FROM (
        (SELECT position, moved_at, available, committed, reserved, safety, damaged, quality_control, incoming
         FROM level_snapshot WHERE level_id = w.level_id AND moved_at <= $2
         ORDER BY moved_at DESC, position DESC LIMIT 1)
        UNION ALL SELECT 0, NULL, 0, 0, 0, 0, 0, 0, 0
    ) x ORDER BY position DESC LIMIT 1) s
CROSS JOIN LATERAL (
    SELECT coalesce((SELECT position FROM level_snapshot WHERE level_id = w.level_id AND moved_at > $2
                     ORDER BY moved_at, position LIMIT 1),
                    (SELECT last_position FROM level WHERE level_id = w.level_id)) AS position) n
CROSS JOIN LATERAL (
    SELECT coalesce(sum(quantity) FILTER (WHERE to_bucket = 2), 0)::bigint
               - coalesce(sum(quantity) FILTER (WHERE from_bucket = 2), 0)::bigint AS available,
           coalesce(sum(quantity) FILTER (WHERE to_bucket = 3), 0)::bigint
               - coalesce(sum(quantity) FILTER (WHERE from_bucket = 3), 0)::bigint AS committed,
           coalesce(sum(quantity) FILTER (WHERE to_bucket = 4), 0)::bigint
               - coalesce(sum(quantity) FILTER (WHERE from_bucket = 4), 0)::bigint AS reserved,
           coalesce(sum(quantity) FILTER (WHERE to_bucket = 5), 0)::bigint
               - coalesce(sum(quantity) FILTER (WHERE from_bucket = 5), 0)::bigint AS safety,
           coalesce(sum(quantity) FILTER (WHERE to_bucket = 6), 0)::bigint
               - coalesce(sum(quantity) FILTER (WHERE from_bucket = 6), 0)::bigint AS quality_control,
           coalesce(sum(quantity) FILTER (WHERE to_bucket = 7), 0)::bigint
               - coalesce(sum(quantity) FILTER (WHERE from_bucket = 7), 0)::bigint AS damaged,
           coalesce(sum(quantity) FILTER (WHERE to_bucket = 8), 0)::bigint
               - coalesce(sum(quantity) FILTER (WHERE from_bucket = 8), 0)::bigint AS incoming
    FROM (WITH RECURSIVE chain AS (
              SELECT previous, from_bucket, to_bucket, quantity, moved_at
              FROM movement WHERE position = n.position AND position > s.position
              UNION ALL
              SELECT p.* FROM chain c CROSS JOIN LATERAL (
                  SELECT previous, from_bucket, to_bucket, quantity, moved_at
                  FROM movement WHERE position = c.previous OFFSET 0) p
              WHERE c.previous > s.position)
          SELECT * FROM chain WHERE moved_at <= $2) walked) m;

-- Movements, newest first: all of a stretch of positions; of a SKU, level by level; of a cause.
-- name: movement_head
SELECT position FROM ledger WHERE id = 1;

-- name: movements
SELECT m.position, l.sku, l.location, m.from_bucket::int, m.to_bucket::int, m.quantity, m.cause::int, m.reason::int,
       m.cause_id, m.actor, m.moved_at
FROM (SELECT * FROM movement WHERE position < $1 AND position >= $2 OFFSET 0) m
CROSS JOIN LATERAL (SELECT sku, location FROM level WHERE level.level_id = m.level_id OFFSET 0) l
WHERE $3::text = '' OR l.location = $3
ORDER BY m.position DESC LIMIT $4::bigint;

-- Each level's chain, walked from its first snapshot after where the page before ended.
-- name: movements_of_sku
SELECT m.position, l.sku, l.location, m.from_bucket::int, m.to_bucket::int, m.quantity, m.cause::int, m.reason::int,
       m.cause_id, m.actor, m.moved_at
FROM level l CROSS JOIN LATERAL (
    WITH RECURSIVE chain AS (
        SELECT m.* FROM movement m
        WHERE m.position = coalesce(
            (SELECT s.position FROM level_snapshot s
             WHERE s.level_id = l.level_id AND s.moved_at > (SELECT moved_at FROM movement WHERE position = $2)
             ORDER BY s.moved_at, s.position LIMIT 1), l.last_position)
        UNION ALL
        SELECT p.* FROM chain c CROSS JOIN LATERAL (
            SELECT * FROM movement WHERE position = c.previous OFFSET 0) p
        WHERE c.previous > 0)
    SELECT * FROM chain WHERE position < $2 LIMIT $3::bigint) m
WHERE l.sku = $1 AND ($4::text = '' OR l.location = $4)
ORDER BY m.position DESC LIMIT $3::bigint;

-- name: movements_of_cause
SELECT m.position, l.sku, l.location, m.from_bucket::int, m.to_bucket::int, m.quantity, m.cause::int, m.reason::int,
       m.cause_id, m.actor, m.moved_at
FROM (SELECT * FROM movement WHERE cause_id = $1 AND position < $2 OFFSET 0) m
CROSS JOIN LATERAL (SELECT sku, location FROM level WHERE level.level_id = m.level_id OFFSET 0) l
WHERE ($4::text = '' OR l.sku = $4) AND ($5::text = '' OR l.location = $5)
ORDER BY m.position DESC LIMIT $3::bigint;

-- A reservation with what became of it: whether a command has claimed it, and its order's stock.
-- name: reservation
SELECT r.reservation_id, r.order_id, r.status::int, r.created_at, r.expires_at, r.decision, o.allocated,
       EXISTS (SELECT FROM hold h WHERE h.hold_id = r.reservation_id AND h.command_key IS NOT NULL) AS is_claimed
FROM reservation r LEFT JOIN order_stock o ON o.order_id = r.order_id
WHERE r.reservation_id = $1;

-- name: sourcing
SELECT order_id AS decision_id, decided_at, decision FROM order_stock WHERE order_id = $1
UNION ALL
(SELECT decision_id, decided_at, decision FROM sourcing WHERE order_id = $1 ORDER BY decision_id LIMIT 200)
ORDER BY decided_at;
