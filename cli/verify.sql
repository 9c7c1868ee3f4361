-- The local invariants, over whole tables. Each statement answers with the differences in words, at
-- most as many as are shown, and how many there are in all.

-- ---- stock ----

-- name: stock_balance
SELECT what, count(*) OVER () AS number FROM (
    SELECT format('%s at %s: on hand %s, but available %s + committed %s + reserved %s + safety %s'
                  ' + quality control %s + damaged %s is %s', sku, location, on_hand, available,
                  committed, reserved, safety, quality_control, damaged,
                  available + committed + reserved + safety + quality_control + damaged) AS what
    FROM inventory.level
    WHERE on_hand <> available + committed + reserved + safety + quality_control + damaged
) AS d ORDER BY what LIMIT 20;

-- name: stock_nonnegative
SELECT what, count(*) OVER () AS number FROM (
    SELECT format('%s at %s: available %s, committed %s, reserved %s, safety %s, quality control %s,'
                  ' damaged %s, incoming %s', sku, location, available, committed, reserved, safety,
                  quality_control, damaged, incoming) AS what
    FROM inventory.level
    WHERE least(available, committed, reserved, safety, quality_control, damaged, incoming) < 0
    UNION ALL
    SELECT format('order %s waits for %s units of %s', order_id, quantity, sku)
    FROM inventory.backorder WHERE quantity <= 0
) AS d ORDER BY what LIMIT 20;

-- A bucket is what came into it less what left it.
-- name: stock_ledger_sums
SELECT what, count(*) OVER () AS number FROM (
    SELECT format('%s at %s, %s: the level says %s, its movements %s', l.sku, l.location, b.name,
                  b.units, coalesce(m.units, 0)) AS what
    FROM inventory.level l
    CROSS JOIN LATERAL (VALUES (2, 'available', l.available), (3, 'committed', l.committed),
                               (4, 'reserved', l.reserved), (5, 'safety', l.safety),
                               (6, 'quality control', l.quality_control), (7, 'damaged', l.damaged),
                               (8, 'incoming', l.incoming)) AS b (bucket, name, units)
    LEFT JOIN (
        SELECT level_id, bucket, sum(units) AS units FROM (
            SELECT level_id, to_bucket AS bucket, sum(quantity) AS units
            FROM inventory.movement GROUP BY level_id, to_bucket
            UNION ALL
            SELECT level_id, from_bucket, -sum(quantity)
            FROM inventory.movement GROUP BY level_id, from_bucket
        ) AS sides GROUP BY level_id, bucket
    ) AS m ON m.level_id = l.level_id AND m.bucket = b.bucket
    WHERE b.units <> coalesce(m.units, 0)
) AS d ORDER BY what LIMIT 20;

-- ---- logs ----

-- name: event_gapless_logs
SELECT what, count(*) OVER () AS number FROM (
    SELECT format('the log of %s has a hole between positions %s and %s', log, position, next) AS what
    FROM (
        SELECT 'orders' AS log, position, lead(position) OVER (ORDER BY position) AS next
        FROM orders.event
        UNION ALL
        SELECT 'inventory', position, lead(position) OVER (ORDER BY position) FROM inventory.event
        UNION ALL
        SELECT 'fulfillment', position, lead(position) OVER (ORDER BY position)
        FROM fulfillment.event
        UNION ALL
        SELECT 'returns', position, lead(position) OVER (ORDER BY position) FROM returns.event
        UNION ALL
        SELECT 'notify', position, lead(position) OVER (ORDER BY position) FROM notify.event
        UNION ALL
        SELECT 'gateway', position, lead(position) OVER (ORDER BY position) FROM gateway.event
    ) AS e WHERE next > position + 1
) AS d ORDER BY what LIMIT 20;

-- name: event_actor
SELECT what, count(*) OVER () AS number FROM (
    SELECT format('event %s of %s (%s) has no actor: "%s"', position, log, type, actor) AS what
    FROM (
        SELECT 'orders' AS log, position, type, actor FROM orders.event
        UNION ALL SELECT 'inventory', position, type, actor FROM inventory.event
        UNION ALL SELECT 'fulfillment', position, type, actor FROM fulfillment.event
        UNION ALL SELECT 'returns', position, type, actor FROM returns.event
        UNION ALL SELECT 'notify', position, type, actor FROM notify.event
        UNION ALL SELECT 'gateway', position, type, actor FROM gateway.event
    ) AS e WHERE actor !~ '^[a-z]+:.'
) AS d ORDER BY what LIMIT 20;

-- ---- what the closing line counts ----

-- name: sizes
SELECT (SELECT count(*) FROM orders.orders) AS orders,
       (SELECT count(*) FROM inventory.movement) AS movements,
       (SELECT count(*) FROM orders.event) + (SELECT count(*) FROM inventory.event)
       + (SELECT count(*) FROM fulfillment.event) + (SELECT count(*) FROM returns.event)
       + (SELECT count(*) FROM notify.event) + (SELECT count(*) FROM gateway.event) AS events;
