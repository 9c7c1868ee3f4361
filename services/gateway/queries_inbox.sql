-- The inbox: what channels delivered, and what became of it.

-- ---- storing, by any instance: unique keys decide ----

-- Arrays are unnested side by side in the target list, which streams them.
-- name: inbox_insert
INSERT INTO inbox_delivery (id, channel, channel_type, topic, event_identity, source, external_id,
                            is_test, triggered_at_ns, traceparent, body_sha256, body_bytes, status,
                            received_at, next_attempt_at)
SELECT unnest($1::uuid[]), unnest($2::text[]), unnest($3::text[]), unnest($4::text[]),
       unnest($5::text[]), unnest($6::text[]), unnest($7::text[]), unnest($8::bigint[]) <> 0,
       unnest($9::bigint[]), unnest($10::text[]), decode(unnest($11::text[]), 'hex'),
       unnest($12::bigint[]), 1, $13, $13
ON CONFLICT (channel, topic, event_identity) DO NOTHING
RETURNING id;

-- name: inbox_body_insert
INSERT INTO inbox_body (id, body) SELECT unnest($1::uuid[]), unnest($2::bytea[]);

-- ---- working off, by the leader ----

-- While orders is away, what has been tried waits and holds the others back.
-- name: inbox_is_waiting
SELECT EXISTS (SELECT FROM inbox_delivery
               WHERE status = 1 AND next_attempt_at > $1 AND reason_code = 'orders_away')
       AS is_waiting;

-- Oldest first, with the order that earlier deliveries led to, and whether one of them said the very
-- same: the body of no later moment, which can have no effect.
-- name: inbox_due
SELECT d.id, d.channel, d.channel_type, d.topic, d.external_id, d.is_test, d.triggered_at_ns,
       d.traceparent, d.body_sha256, d.body_bytes, d.attempts, d.lost, d.faults, d.replays,
       known.order_id, known.order_number,
       EXISTS (SELECT FROM inbox_delivery e
               WHERE d.external_id <> '' AND e.external_id = d.external_id
                     AND e.channel = d.channel AND e.id <> d.id AND e.order_id IS NOT NULL
                     AND e.status = 2
                     AND e.body_sha256 = d.body_sha256
                     AND e.triggered_at_ns >= d.triggered_at_ns) AS is_repeat
FROM inbox_delivery d
     LEFT JOIN LATERAL (
         SELECT e.order_id, e.order_number FROM inbox_delivery e
         WHERE d.external_id <> '' AND e.external_id = d.external_id AND e.channel = d.channel
               AND e.order_id IS NOT NULL
         LIMIT 1) known ON true
WHERE d.status = 1 AND d.next_attempt_at <= $1
ORDER BY d.next_attempt_at, d.id
LIMIT $2;

-- name: inbox_bodies
SELECT id, body FROM inbox_body WHERE id = ANY($1::uuid[]);

-- name: inbox_take
UPDATE inbox_delivery
SET lost = lost + 1, reason_code = '', reason = '', next_attempt_at = $2
WHERE id = ANY($1::uuid[]) AND status = 1;

-- An attempt counts when it has its result, and those that were lost before it count with it.
-- name: inbox_result
UPDATE inbox_delivery d
SET status = r.status, reason_code = r.reason_code, reason = r.reason,
    order_id = coalesce(r.order_id, d.order_id),
    order_number = CASE WHEN r.order_number <> '' THEN r.order_number ELSE d.order_number END,
    effect = CASE WHEN r.effect <> '' THEN r.effect ELSE d.effect END,
    attempts = d.attempts + d.lost, replays = d.replays + r.more_replays, lost = 0, faults = r.faults,
    next_attempt_at = r.next_attempt_at, done_at = r.done_at
FROM unnest($1::uuid[], $2::smallint[], $3::text[], $4::text[], $5::uuid[], $6::text[], $7::text[],
            $8::integer[], $9::integer[], $10::timestamptz[], $11::timestamptz[])
     AS r (id, status, reason_code, reason, order_id, order_number, effect, more_replays, faults,
           next_attempt_at, done_at)
WHERE d.id = r.id AND d.status = 1;

-- What a leader before us had taken and did not finish.
-- name: inbox_untake
UPDATE inbox_delivery SET next_attempt_at = $1
WHERE status = 1 AND next_attempt_at > $1;

-- name: inbox_replay
UPDATE inbox_delivery
SET status = 1, lost = 0, faults = 0, replays = replays + 1, next_attempt_at = $2,
    done_at = NULL, reason_code = '', reason = ''
WHERE id = $1 AND status <> 1;

-- The bodies of deliveries older than an id of that moment.
-- name: inbox_body_forget
DELETE FROM inbox_body
WHERE id IN (SELECT id FROM inbox_body WHERE id < $1 ORDER BY id LIMIT $2);

-- Those of erased customers' orders.
-- name: inbox_body_erase
DELETE FROM inbox_body
WHERE id IN (SELECT d.id FROM unnest($1::text[], $2::text[]) AS k (channel, external_id)
             JOIN inbox_delivery d ON d.external_id = k.external_id AND d.channel = k.channel);

-- ---- reading ----

-- name: inbox_by_id
SELECT d.id, d.channel, d.topic, d.external_id, d.status, d.reason_code, d.reason, d.order_id,
       d.order_number, d.effect, d.attempts, d.received_at, d.done_at, d.body_bytes,
       EXISTS (SELECT FROM inbox_body b WHERE b.id = d.id) AS has_body
FROM inbox_delivery d WHERE d.id = $1;

-- name: inbox_page
SELECT id, channel, topic, external_id, status, reason_code, reason, order_id, order_number, effect,
       attempts, received_at, done_at, body_bytes, false AS has_body
FROM inbox_delivery
WHERE ($1::uuid IS NULL OR id < $1) AND ($2::smallint = 0 OR status = $2)
      AND ($3::text = '' OR channel = $3)
ORDER BY id DESC LIMIT $4;

-- The same, where an index has what is asked for.
-- name: inbox_page_parked
SELECT id, channel, topic, external_id, status, reason_code, reason, order_id, order_number, effect,
       attempts, received_at, done_at, body_bytes, false AS has_body
FROM inbox_delivery
WHERE status = 3 AND ($1::uuid IS NULL OR id < $1) AND ($2::smallint = 0 OR status = $2)
      AND ($3::text = '' OR channel = $3)
ORDER BY id DESC LIMIT $4;

-- name: inbox_page_received
SELECT id, channel, topic, external_id, status, reason_code, reason, order_id, order_number, effect,
       attempts, received_at, done_at, body_bytes, false AS has_body
FROM inbox_delivery
WHERE status = 1 AND ($1::uuid IS NULL OR id < $1) AND ($2::smallint = 0 OR status = $2)
      AND ($3::text = '' OR channel = $3)
ORDER BY id DESC LIMIT $4;

-- name: inbox_page_of_order
SELECT id, channel, topic, external_id, status, reason_code, reason, order_id, order_number, effect,
       attempts, received_at, done_at, body_bytes, false AS has_body
FROM inbox_delivery
WHERE external_id = $5 AND ($1::uuid IS NULL OR id < $1) AND ($2::smallint = 0 OR status = $2)
      AND ($3::text = '' OR channel = $3)
ORDER BY id DESC LIMIT $4;
