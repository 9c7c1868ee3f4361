-- What the writer reads and writes on the path of an order. A reservation costs the first two, and the
-- third when a SKU is asked for that is not in memory.

-- name: ledger
SELECT version, position, last_level_id, moved_at,
       (SELECT min(due_at) FROM hold WHERE due_at IS NOT NULL) AS next_due
FROM ledger WHERE id = 1;

-- All holds of some commands, live or adopted by an order.
-- name: holds_by_command
SELECT hold_id, claim_id, command_key, question_key, expires_at, false AS is_adopted, decision
FROM hold WHERE command_key = ANY ($1::uuid[])
UNION ALL
SELECT hold_id, claim_id, command_key, question_key, NULL, true, decision
FROM order_stock WHERE command_key = ANY ($1::uuid[]);

-- name: items_with_levels
SELECT i.sku, i.name, i.is_active, i.queued, i.selling_ahead, i.ahead_limit, i.promised_at, i.ahead_held, l.location, l.level_id, l.moves, l.last_position, l.available, l.committed, l.reserved,
       l.safety, l.quality_control, l.damaged, l.incoming
FROM (SELECT sku, name, is_active, coalesce(selling_ahead, 1)::int AS selling_ahead,
             coalesce(ahead_limit, 0) AS ahead_limit, promised_at,
             CASE WHEN selling_ahead > 1
                  THEN coalesce((SELECT sum(a.quantity) FROM ahead_hold a WHERE a.sku = item.sku), 0)
                  ELSE 0 END::bigint AS ahead_held,
             coalesce((SELECT sum(b.quantity) FROM backorder b WHERE b.sku = item.sku), 0)::bigint AS queued
      FROM item WHERE sku = ANY ($1::text[]) OFFSET 0) i
LEFT JOIN level l ON l.sku = i.sku;

-- name: places
SELECT code, type::int, rank, is_sellable, is_active FROM location ORDER BY rank, code;

-- name: checkouts_by_id
SELECT hold_id, claim_id, command_key, question_key, expires_at, false AS is_adopted, decision
FROM hold WHERE hold_id = ANY ($1::uuid[]) AND command_key IS NULL;

-- name: holds_due
SELECT hold_id, claim_id, command_key, question_key, expires_at, false AS is_adopted, decision
FROM hold WHERE due_at <= $1 ORDER BY due_at LIMIT $2::bigint;

-- The rows that a desk writes, as sets. A set is sent in the place where it was first opened: see
-- desk_open(), which opens them in this order. What an update looks for it names twice: however the
-- planner joins, it reads no more than those rows. Arrays are unnested in the target list, which streams them;
-- FROM unnest(a, b, ...) first fills a tuplestore for each.

-- name: order_insert
INSERT INTO order_stock (order_id, hold_id, claim_id, command_key, question_key, placed_at, decided_at, decision,
                         allocated, lines, levels, quantities)
SELECT unnest($1::uuid[]), unnest($2::uuid[]), unnest($3::uuid[]), unnest($4::uuid[]), unnest($5::uuid[]),
       unnest($6::timestamptz[]), unnest($7::timestamptz[]), unnest($8::bytea[]), unnest($9::bytea[]),
       unnest($10::text[])::smallint[], unnest($11::text[])::int[], unnest($12::text[])::bigint[];

-- name: order_update
UPDATE order_stock o
SET allocated = u.allocated, lines = u.lines::smallint[], levels = u.levels::int[], quantities = u.quantities::bigint[]
FROM (SELECT unnest($1::uuid[]) AS order_id, unnest($2::bytea[]) AS allocated, unnest($3::text[]) AS lines,
             unnest($4::text[]) AS levels, unnest($5::text[]) AS quantities) u
WHERE o.order_id = u.order_id AND o.order_id = ANY ($1::uuid[]);

-- name: level_insert
INSERT INTO level (level_id, sku, location, created_at, on_hand, available, committed, reserved, safety,
                   quality_control, damaged, incoming, moves, last_position)
SELECT unnest($1::int[]), unnest($2::text[]), unnest($3::text[]), unnest($4::timestamptz[]), unnest($5::bigint[]),
       unnest($6::bigint[]), unnest($7::bigint[]), unnest($8::bigint[]), unnest($9::bigint[]), unnest($10::bigint[]),
       unnest($11::bigint[]), unnest($12::bigint[]), unnest($13::int[]), unnest($14::bigint[]);

-- name: level_update
UPDATE level l
SET on_hand = u.on_hand, available = u.available, committed = u.committed, reserved = u.reserved,
    safety = u.safety, quality_control = u.quality_control, damaged = u.damaged, incoming = u.incoming,
    moves = u.moves, last_position = u.last_position
FROM (SELECT unnest($1::int[]) AS level_id, unnest($2::bigint[]) AS on_hand, unnest($3::bigint[]) AS available,
             unnest($4::bigint[]) AS committed, unnest($5::bigint[]) AS reserved, unnest($6::bigint[]) AS safety,
             unnest($7::bigint[]) AS quality_control, unnest($8::bigint[]) AS damaged,
             unnest($9::bigint[]) AS incoming, unnest($10::int[]) AS moves, unnest($11::bigint[]) AS last_position) u
WHERE l.level_id = u.level_id AND l.level_id = ANY ($1::int[]);

-- name: snapshot_insert
INSERT INTO level_snapshot (level_id, moved_at, position, available, committed, reserved, safety, quality_control,
                            damaged, incoming)
SELECT unnest($1::int[]), unnest($2::timestamptz[]), unnest($3::bigint[]), unnest($4::bigint[]),
       unnest($5::bigint[]), unnest($6::bigint[]), unnest($7::bigint[]), unnest($8::bigint[]), unnest($9::bigint[]),
       unnest($10::bigint[]);

-- name: movement_insert
INSERT INTO movement (level_id, position, previous, from_bucket, to_bucket, quantity, cause, reason, cause_id,
                      moved_at, actor)
SELECT unnest($1::int[]), unnest($2::bigint[]), unnest($3::bigint[]), unnest($4::smallint[]), unnest($5::smallint[]),
       unnest($6::bigint[]), unnest($7::smallint[]), unnest($8::smallint[]), unnest($9::uuid[]),
       unnest($10::timestamptz[]), unnest($11::text[]);

-- name: hold_insert
INSERT INTO hold (hold_id, claim_id, command_key, question_key, command_id, asker, asked_at, expires_at, due_at,
                  decision, lines, levels, quantities)
SELECT unnest($1::uuid[]), unnest($2::uuid[]), unnest($3::uuid[]), unnest($4::uuid[]), unnest($5::text[]),
       unnest($6::text[]), unnest($7::timestamptz[]), unnest($8::timestamptz[]), unnest($9::timestamptz[]),
       unnest($10::bytea[]), unnest($11::text[])::smallint[], unnest($12::text[])::int[],
       unnest($13::text[])::bigint[];

-- name: ahead_hold_insert
INSERT INTO ahead_hold (hold_id, line, sku, quantity)
SELECT unnest($1::uuid[]), unnest($2::smallint[]), unnest($3::text[]), unnest($4::bigint[]);

-- name: ahead_hold_delete
DELETE FROM ahead_hold WHERE hold_id = ANY ($1::uuid[]);

-- name: hold_delete
DELETE FROM hold WHERE hold_id = ANY ($1::uuid[]);

-- name: reservation_insert
INSERT INTO reservation (reservation_id, status, created_at, expires_at, decision)
SELECT unnest($1::uuid[]), unnest($2::smallint[]), unnest($3::timestamptz[]), unnest($4::timestamptz[]),
       unnest($5::bytea[]);

-- name: reservation_end
UPDATE reservation r SET status = u.status, order_id = u.order_id
FROM (SELECT unnest($1::uuid[]) AS reservation_id, unnest($2::smallint[]) AS status, unnest($3::uuid[]) AS order_id) u
WHERE r.reservation_id = u.reservation_id AND r.reservation_id = ANY ($1::uuid[]);

-- name: backorder_put
INSERT INTO backorder (sku, placed_at, order_id, line, quantity)
SELECT unnest($1::text[]), unnest($2::timestamptz[]), unnest($3::uuid[]), unnest($4::smallint[]), unnest($5::bigint[])
ON CONFLICT (sku, placed_at, order_id, line) DO UPDATE SET quantity = excluded.quantity;

-- name: backorder_drop
DELETE FROM backorder b
USING (SELECT unnest($1::text[]) AS sku, unnest($2::timestamptz[]) AS placed_at, unnest($3::uuid[]) AS order_id,
              unnest($4::smallint[]) AS line) u
WHERE b.sku = u.sku AND b.placed_at = u.placed_at AND b.order_id = u.order_id AND b.line = u.line;

-- name: sourcing_insert
INSERT INTO sourcing (order_id, decision_id, decided_at, decision)
SELECT unnest($1::uuid[]), unnest($2::uuid[]), unnest($3::timestamptz[]), unnest($4::bytea[]);

-- name: adjustment_insert
INSERT INTO adjustment (adjustment_id, sku, location, bucket, delta, reason, note, actor, adjusted_at)
SELECT unnest($1::uuid[]), unnest($2::text[]), unnest($3::text[]), unnest($4::smallint[]), unnest($5::bigint[]),
       unnest($6::smallint[]), unnest($7::text[]), unnest($8::text[]), unnest($9::timestamptz[]);

-- Last, and with everything before it sent: nobody else has written since this was read.
-- name: ledger_update
UPDATE ledger SET version = $1, position = $2, last_level_id = $3, moved_at = $4 WHERE id = 1 AND version = $5;

-- name: hold_claim
UPDATE hold
SET claim_id = $2, command_key = $3, question_key = $4, command_id = $5, asker = $6, asked_at = $7, due_at = $8,
    decision = $9, lines = ($10::text)::smallint[], levels = ($11::text)::int[], quantities = ($12::text)::bigint[]
WHERE hold_id = $1;

-- name: orders_by_id
SELECT order_id, hold_id, claim_id, command_key, question_key, placed_at, decided_at, decision, allocated
FROM order_stock WHERE order_id = ANY ($1::uuid[]);

-- Who waits for some SKUs, oldest first for each.
-- name: queue
SELECT b.sku, b.order_id, b.line::int
FROM unnest($1::text[]) AS s (sku)
CROSS JOIN LATERAL (SELECT * FROM backorder WHERE backorder.sku = s.sku ORDER BY placed_at, order_id, line
                    LIMIT $2::bigint) b
ORDER BY b.sku, b.placed_at, b.order_id, b.line
LIMIT $2::bigint;

-- SKUs that someone waits for while there is some to be had. Steps from one waiting SKU to the next, so
-- that a long queue costs no more than a short one. Types of place: those that sell.
-- name: queue_unserved
WITH RECURSIVE waiting AS (
    (SELECT sku FROM backorder ORDER BY sku LIMIT 1)
    UNION ALL
    SELECT (SELECT b.sku FROM backorder b WHERE b.sku > w.sku ORDER BY b.sku LIMIT 1)
    FROM waiting w WHERE w.sku IS NOT NULL
)
SELECT w.sku FROM waiting w JOIN item i ON i.sku = w.sku
WHERE i.is_active AND EXISTS (
    SELECT FROM level l JOIN location p ON p.code = l.location
    WHERE l.sku = w.sku AND l.available > 0 AND p.is_active AND p.is_sellable AND p.type <= 3)
LIMIT 100;

-- name: holds_unsettled
SELECT hold_id_known AS hold_id, command_id, asker
FROM (SELECT hold_id, coalesce(claim_id, hold_id) AS hold_id_known, command_id, asker, asked_at FROM hold) h
WHERE asked_at < $1 ORDER BY h.hold_id LIMIT $2::bigint;
