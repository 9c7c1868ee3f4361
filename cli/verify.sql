-- Stock, logs and deliveries, over whole tables. Each statement answers with the differences in
-- words, at most as many as are shown, and how many there are in all.

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

-- At no moment that the ledger tells was a bucket negative.
-- name: stock_nonnegative_ever
SELECT what, count(*) OVER () AS number FROM (
    SELECT format('%s at %s had a bucket of %s units after movement %s', l.sku, l.location, m.lowest,
                  m.position) AS what
    FROM (
        SELECT level_id, position,
               least(sum(CASE 2 WHEN to_bucket THEN quantity WHEN from_bucket THEN -quantity END) OVER w,
                     sum(CASE 3 WHEN to_bucket THEN quantity WHEN from_bucket THEN -quantity END) OVER w,
                     sum(CASE 4 WHEN to_bucket THEN quantity WHEN from_bucket THEN -quantity END) OVER w,
                     sum(CASE 5 WHEN to_bucket THEN quantity WHEN from_bucket THEN -quantity END) OVER w,
                     sum(CASE 6 WHEN to_bucket THEN quantity WHEN from_bucket THEN -quantity END) OVER w,
                     sum(CASE 7 WHEN to_bucket THEN quantity WHEN from_bucket THEN -quantity END) OVER w,
                     sum(CASE 8 WHEN to_bucket THEN quantity WHEN from_bucket THEN -quantity END) OVER w)
               AS lowest
        FROM inventory.movement
        WINDOW w AS (PARTITION BY level_id ORDER BY position)
    ) AS m JOIN inventory.level l ON l.level_id = m.level_id
    WHERE m.lowest < 0
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

-- Movements are numbered from 1 to the ledger's position, each once: none was taken out or put in. And
-- each has a cause that exists; holds go when they end, so that theirs cannot be asked for.
-- name: stock_ledger_causes
SELECT what, count(*) OVER () AS number FROM (
    SELECT format('the ledger is at %s, but holds %s movements up to %s that add up to %s', g.position,
                  m.number, m.last, m.sum) AS what
    FROM inventory.ledger g
    CROSS JOIN (SELECT count(*) AS number, coalesce(max(position), 0) AS last,
                       coalesce(sum(position), 0) AS sum FROM inventory.movement) AS m
    WHERE g.position <> m.number OR g.position <> m.last
       OR m.sum <> g.position::numeric * (g.position + 1) / 2
    UNION ALL
    SELECT format('movement %s of %s units has no %s %s behind it', m.position, m.quantity,
                  CASE m.cause WHEN 1 THEN 'adjustment' WHEN 7 THEN 'return' ELSE 'order' END,
                  m.cause_id)
    FROM inventory.movement m
    LEFT JOIN inventory.adjustment a ON m.cause = 1 AND a.adjustment_id = m.cause_id
    LEFT JOIN inventory.order_stock o ON m.cause IN (3, 6, 8) AND o.order_id = m.cause_id
    LEFT JOIN returns.return_order r ON m.cause = 7 AND r.id = m.cause_id
    WHERE m.cause IN (1, 3, 6, 7, 8)
      AND coalesce(a.adjustment_id, o.order_id, r.id) IS NULL
    UNION ALL
    SELECT format('movement %s has no level %s', m.position, m.level_id)
    FROM inventory.movement m LEFT JOIN inventory.level l ON l.level_id = m.level_id
    WHERE l.level_id IS NULL
    UNION ALL
    SELECT format('movement %s names %s as the one before it on its level, which is %s', position, previous,
                  before)
    FROM (SELECT position, previous,
                 lag(position, 1, 0::bigint) OVER (PARTITION BY level_id ORDER BY position) AS before
          FROM inventory.movement) AS m
    WHERE previous <> before
    UNION ALL
    SELECT format('%s at %s names movement %s as its last, which is %s', l.sku, l.location, l.last_position,
                  coalesce(m.last, 0))
    FROM inventory.level l
    LEFT JOIN (SELECT level_id, max(position) AS last FROM inventory.movement GROUP BY level_id) AS m
         ON m.level_id = l.level_id
    WHERE l.last_position <> coalesce(m.last, 0)
    UNION ALL
    SELECT format('adjustment %s of %s by %s moved %s', a.adjustment_id, a.sku, a.delta,
                  coalesce(m.units, 0))
    FROM inventory.adjustment a
    LEFT JOIN (SELECT cause_id, sum(CASE WHEN from_bucket = 1 THEN quantity ELSE -quantity END) AS units
               FROM inventory.movement WHERE cause = 1 GROUP BY cause_id) AS m
         ON m.cause_id = a.adjustment_id
    WHERE a.delta <> coalesce(m.units, 0)
) AS d ORDER BY what LIMIT 20;

-- name: stock_reservation
SELECT what, count(*) OVER () AS number FROM (
    SELECT format('%s at %s: committed %s, orders hold %s; reserved %s, holds have %s', l.sku,
                  l.location, l.committed, coalesce(c.units, 0), l.reserved,
                  coalesce(h.units, 0)) AS what
    FROM inventory.level l
    FULL JOIN (SELECT u.level_id, sum(u.units) AS units
               FROM inventory.order_stock o, unnest(o.levels, o.quantities) AS u (level_id, units)
               GROUP BY u.level_id) AS c ON c.level_id = l.level_id
    FULL JOIN (SELECT u.level_id, sum(u.units) AS units
               FROM inventory.hold o, unnest(o.levels, o.quantities) AS u (level_id, units)
               GROUP BY u.level_id) AS h ON h.level_id = coalesce(l.level_id, c.level_id)
    WHERE l.level_id IS NULL OR l.committed <> coalesce(c.units, 0)
       OR l.reserved <> coalesce(h.units, 0)
) AS d ORDER BY what LIMIT 20;

-- A hold that an order has adopted is gone, and a checkout's lives as long as its reservation.
-- name: stock_owner_holds
SELECT what, count(*) OVER () AS number FROM (
    SELECT format('hold %s still stands though order %s has adopted it', h.hold_id, o.order_id) AS what
    FROM inventory.hold h JOIN inventory.order_stock o ON o.hold_id = h.hold_id
    UNION ALL
    SELECT format('checkout hold %s stands for reservation in state %s', h.hold_id,
                  coalesce(r.status::text, 'none'))
    FROM inventory.hold h LEFT JOIN inventory.reservation r ON r.reservation_id = h.hold_id
    WHERE (h.expires_at IS NOT NULL OR h.command_key IS NULL) AND r.status IS DISTINCT FROM 1
    UNION ALL
    SELECT format('reservation %s is held, but nothing is', r.reservation_id)
    FROM inventory.reservation r LEFT JOIN inventory.hold h ON h.hold_id = r.reservation_id
    WHERE r.status = 1 AND h.hold_id IS NULL
    UNION ALL
    SELECT format('reservation %s is said to be with order %s, which holds %s', r.reservation_id,
                  r.order_id, coalesce(o.hold_id::text, 'no stock'))
    FROM inventory.reservation r LEFT JOIN inventory.order_stock o ON o.order_id = r.order_id
    WHERE r.status = 2 AND o.hold_id IS DISTINCT FROM r.reservation_id
) AS d ORDER BY what LIMIT 20;

-- What left by shipping is at most what ever came in less what was written off.
-- name: stock_sold
SELECT what, count(*) OVER () AS number FROM (
    SELECT format('%s: %s units were shipped, but only %s came in and stayed', l.sku, s.sold,
                  s.came - s.written_off) AS what
    FROM (
        SELECT v.sku,
               sum(CASE WHEN m.from_bucket IN (1, 8) AND m.to_bucket NOT IN (1, 8) THEN m.quantity
                        ELSE 0 END) AS came,
               sum(CASE WHEN m.to_bucket IN (1, 8) AND m.from_bucket NOT IN (1, 8) AND m.cause <> 6
                        THEN m.quantity ELSE 0 END) AS written_off,
               sum(CASE WHEN m.cause = 6 THEN m.quantity ELSE 0 END) AS sold
        FROM inventory.movement m JOIN inventory.level v ON v.level_id = m.level_id
        GROUP BY v.sku
    ) AS s (sku, came, written_off, sold)
    JOIN inventory.item l ON l.sku = s.sku
    WHERE s.sold > s.came - s.written_off
    UNION ALL
    SELECT format('movement %s of cause "ship" goes from bucket %s to bucket %s', position, from_bucket,
                  to_bucket)
    FROM inventory.movement WHERE cause = 6 AND (to_bucket <> 1 OR from_bucket NOT IN (2, 3))
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

-- A cursor stands on an event that is in the log, and is the one that it says. What a consumer has
-- acknowledged it has not lost since.
-- name: event_gapless_cursors
WITH cursors AS (
    SELECT 'orders' AS consumer, source, position, event_id FROM orders.cursor
    UNION ALL SELECT 'inventory', source, position, event_id FROM inventory.cursor
    UNION ALL SELECT 'fulfillment', source, position, event_id FROM fulfillment.cursor
    UNION ALL SELECT 'returns', source, position, event_id FROM returns.cursor
    UNION ALL SELECT 'notify', source, position, event_id FROM notify.cursor
    UNION ALL SELECT 'gateway', source, position, event_id FROM gateway.cursor
), acknowledged AS (
    SELECT 'orders' AS log, name, committed_position FROM orders.consumer
    UNION ALL SELECT 'inventory', name, committed_position FROM inventory.consumer
    UNION ALL SELECT 'fulfillment', name, committed_position FROM fulfillment.consumer
    UNION ALL SELECT 'returns', name, committed_position FROM returns.consumer
    UNION ALL SELECT 'notify', name, committed_position FROM notify.consumer
    UNION ALL SELECT 'gateway', name, committed_position FROM gateway.consumer
)
SELECT what, count(*) OVER () AS number FROM (
    SELECT format('%s has read %s up to %s (%s), where the log has %s', c.consumer, c.source,
                  c.position, coalesce(c.event_id::text, 'no id'),
                  coalesce(e.event_id::text, 'nothing')) AS what
    FROM (SELECT *, CASE WHEN source LIKE 'projection:%' THEN consumer ELSE source END AS log
          FROM cursors) AS c
    LEFT JOIN LATERAL (
        SELECT event_id FROM orders.event WHERE c.log = 'orders' AND position = c.position
        UNION ALL
        SELECT event_id FROM inventory.event WHERE c.log = 'inventory' AND position = c.position
        UNION ALL
        SELECT event_id FROM fulfillment.event WHERE c.log = 'fulfillment' AND position = c.position
        UNION ALL
        SELECT event_id FROM returns.event WHERE c.log = 'returns' AND position = c.position
        UNION ALL
        SELECT event_id FROM notify.event WHERE c.log = 'notify' AND position = c.position
        UNION ALL
        SELECT event_id FROM gateway.event WHERE c.log = 'gateway' AND position = c.position
    ) AS e ON true
    WHERE c.event_id IS DISTINCT FROM e.event_id OR (c.position > 0 AND e.event_id IS NULL)
    UNION ALL
    SELECT format('%s has acknowledged %s up to %s, but its cursor is at %s', a.name, a.log,
                  a.committed_position, c.position)
    FROM acknowledged a JOIN cursors c ON c.consumer = a.name AND c.source = a.log
    WHERE a.committed_position > c.position
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
    UNION ALL
    SELECT format('movement %s has no actor', position) FROM inventory.movement WHERE actor = ''
    UNION ALL
    SELECT format('adjustment %s has no actor', adjustment_id) FROM inventory.adjustment
    WHERE actor = ''
) AS d ORDER BY what LIMIT 20;

-- ---- deliveries ----

-- name: ingest_once
SELECT what, count(*) OVER () AS number FROM (
    SELECT format('delivery %s of %s (%s) made order %s, but %s %s is order %s', d.id, d.channel,
                  d.topic, d.order_id, d.channel, d.external_id,
                  coalesce(x.order_id::text, 'none')) AS what
    FROM gateway.inbox_delivery d
    LEFT JOIN orders.order_external x ON x.channel = d.channel AND x.external_id = d.external_id
    WHERE d.status = 2 AND x.order_id IS DISTINCT FROM d.order_id
    UNION ALL
    SELECT format('delivery %s of %s made order %s, which does not exist', d.id, d.channel, d.order_id)
    FROM gateway.inbox_delivery d LEFT JOIN orders.orders o ON o.id = d.order_id
    WHERE d.order_id IS NOT NULL AND o.id IS NULL
    UNION ALL
    SELECT format('%s deliveries placed order %s', count(*), order_id)
    FROM gateway.inbox_delivery WHERE status = 2 AND effect = 'placed' AND replays = 0
    GROUP BY order_id HAVING count(*) > 1
    UNION ALL
    SELECT format('delivery %s of %s is in state %s: order "%s", reason "%s", done %s', id, channel,
                  status, coalesce(order_id::text, ''), reason_code, coalesce(done_at::text, 'never'))
    FROM gateway.inbox_delivery
    WHERE status NOT BETWEEN 1 AND 4 OR (status = 1) <> (done_at IS NULL)
       OR (status = 2 AND order_id IS NULL) OR (status IN (3, 4) AND reason_code = '')
    UNION ALL
    SELECT format('delivery %s of %s waits to be read, but its body is gone', d.id, d.channel)
    FROM gateway.inbox_delivery d LEFT JOIN gateway.inbox_body b ON b.id = d.id
    WHERE d.status = 1 AND b.id IS NULL
    UNION ALL
    SELECT format('body %s belongs to no delivery', b.id)
    FROM gateway.inbox_body b LEFT JOIN gateway.inbox_delivery d ON d.id = b.id WHERE d.id IS NULL
    UNION ALL
    SELECT format('%s deliveries are event %s of %s (%s)', count(*), event_identity, channel, topic)
    FROM gateway.inbox_delivery GROUP BY channel, topic, event_identity HAVING count(*) > 1
) AS d ORDER BY what LIMIT 20;

-- ---- messages ----

-- A queued message is in exactly one of the three places where something becomes of it, the others in
-- none of those that lead to another mail.
-- name: notify_once_places
SELECT what, count(*) OVER () AS number FROM (
    SELECT format('message %s in state %s is in %s queues (attempts %s, %s of them ambiguous, "%s")',
                  m.id, m.status, p.places, m.attempts, m.ambiguous_attempts,
                  coalesce(m.last_error, '')) AS what
    FROM notify.message m
    LEFT JOIN (SELECT position FROM notify.retry) AS r ON r.position = m.position
    LEFT JOIN (SELECT unnest(positions) AS position FROM notify.sending) AS s
         ON s.position = m.position
    CROSS JOIN notify.sender n
    CROSS JOIN LATERAL (SELECT (m.position > n.taken_position)::int + (r.position IS NOT NULL)::int
                               + (s.position IS NOT NULL)::int AS places) AS p
    WHERE (m.status = 1 AND p.places <> 1)
       OR (m.status <> 1 AND (r.position IS NOT NULL OR s.position IS NOT NULL))
       OR m.status NOT BETWEEN 1 AND 4 OR (m.status = 2) <> (m.sent_at IS NOT NULL)
       OR (m.status IN (3, 4)) <> (m.gave_up_at IS NOT NULL)
       OR (m.status IN (3, 4) AND coalesce(m.last_error, '') = '')
       OR m.ambiguous_attempts > m.attempts OR (m.status = 2 AND m.attempts = 0)
    UNION ALL
    SELECT format('%s messages have the Message-ID %s', count(*), message_id)
    FROM notify.message GROUP BY message_id HAVING count(*) > 1
) AS d ORDER BY what LIMIT 20;

-- ---- what the closing line counts ----

-- name: sizes
SELECT (SELECT count(*) FROM orders.orders) AS orders,
       (SELECT count(*) FROM inventory.movement) AS movements,
       (SELECT count(*) FROM orders.event) + (SELECT count(*) FROM inventory.event)
       + (SELECT count(*) FROM fulfillment.event) + (SELECT count(*) FROM returns.event)
       + (SELECT count(*) FROM notify.event) + (SELECT count(*) FROM gateway.event) AS events,
       (SELECT count(*) FROM orders.parked) + (SELECT count(*) FROM inventory.parked)
       + (SELECT count(*) FROM fulfillment.parked) + (SELECT count(*) FROM returns.parked)
       + (SELECT count(*) FROM notify.parked) + (SELECT count(*) FROM gateway.parked) AS parked;

-- ---- what --strict asks besides ----

-- $1: what was asked before this moment is settled by now.
-- name: strict
WITH cursors AS (
    SELECT 'orders' AS consumer, source, position FROM orders.cursor
    UNION ALL SELECT 'inventory', source, position FROM inventory.cursor
    UNION ALL SELECT 'fulfillment', source, position FROM fulfillment.cursor
    UNION ALL SELECT 'returns', source, position FROM returns.cursor
    UNION ALL SELECT 'notify', source, position FROM notify.cursor
    UNION ALL SELECT 'gateway', source, position FROM gateway.cursor
), heads AS (
    SELECT 'orders' AS log, coalesce(max(position), 0) AS head FROM orders.event
    UNION ALL SELECT 'inventory', coalesce(max(position), 0) FROM inventory.event
    UNION ALL SELECT 'fulfillment', coalesce(max(position), 0) FROM fulfillment.event
    UNION ALL SELECT 'returns', coalesce(max(position), 0) FROM returns.event
    UNION ALL SELECT 'notify', coalesce(max(position), 0) FROM notify.event
    UNION ALL SELECT 'gateway', coalesce(max(position), 0) FROM gateway.event
), parked AS (
    SELECT 'orders' AS consumer, source, position, type, key, reason FROM orders.parked
    UNION ALL SELECT 'inventory', source, position, type, key, reason FROM inventory.parked
    UNION ALL SELECT 'fulfillment', source, position, type, key, reason FROM fulfillment.parked
    UNION ALL SELECT 'returns', source, position, type, key, reason FROM returns.parked
    UNION ALL SELECT 'notify', source, position, type, key, reason FROM notify.parked
    UNION ALL SELECT 'gateway', source, position, type, key, reason FROM gateway.parked
)
SELECT what, count(*) OVER () AS number FROM (
    SELECT format('%s has read %s up to %s of %s', c.consumer, c.source, c.position, h.head) AS what
    FROM cursors c
    JOIN heads h ON h.log = CASE WHEN c.source LIKE 'projection:%' THEN c.consumer ELSE c.source END
    WHERE c.position < h.head
    UNION ALL
    SELECT format('%s has parked event %s of %s (%s, key %s): %s', consumer, position, source, type,
                  key, reason)
    FROM parked
    UNION ALL
    SELECT format('delivery %s of %s waits since %s', id, channel, received_at)
    FROM gateway.inbox_delivery WHERE status = 1 AND received_at < $1
    UNION ALL
    SELECT format('stock hold %s for command %s of %s is not settled since %s', hold_id, command_id,
                  asker, asked_at)
    FROM inventory.hold WHERE asked_at < $1
    UNION ALL
    SELECT format('checkout hold %s ran out at %s', hold_id, due_at)
    FROM inventory.hold WHERE due_at < $1
    UNION ALL
    SELECT format('the stop %s of order %s for command %s is not settled since %s', hold_id, order_id,
                  command_id, stopped_at)
    FROM fulfillment.stop WHERE stopped_at < $1
) AS d ORDER BY what LIMIT 20;
