-- Every service's own tables: the log, cursors, identities, what is parked.

-- The lock belongs to the session that the writer writes with.
-- name: leader_try_lock
SELECT CASE WHEN pg_try_advisory_lock(hashtextextended($1::text, 0)) THEN 1 ELSE 0 END::bigint AS number;

-- name: ping
SELECT 1::bigint AS number;

-- name: leader_read
SELECT turn, is_clean FROM leader WHERE id = 1;

-- name: leader_move
UPDATE leader SET turn = $2 WHERE id = 1 AND turn = $1;

-- name: leader_mark
UPDATE leader SET turn = $2, is_clean = $3 WHERE id = 1 AND turn = $1;

-- name: event_head
SELECT position, event_id FROM event ORDER BY position DESC LIMIT 1;

-- name: event_first
SELECT position, event_id FROM event ORDER BY position LIMIT 1;

-- The arrays are unnested side by side in the target list, which streams them; FROM unnest(a, b, ...)
-- first fills a tuplestore for each, and took twice as long.
-- name: event_insert
INSERT INTO event (position, event_id, type, key, occurred_at, traceparent, actor, payload)
SELECT unnest($1::bigint[]), unnest($2::uuid[]), unnest($3::text[]), unnest($4::text[]),
       unnest($5::timestamptz[]), unnest($6::text[]), unnest($7::text[]), unnest($8::bytea[]);

-- Positions are dense: a range needs no LIMIT.
-- name: event_range
SELECT position, event_id, type, key, occurred_at, traceparent, actor, payload
FROM event WHERE position >= $1 AND position <= $2 ORDER BY position;

-- name: cursor_create
INSERT INTO cursor (source, position) SELECT unnest($1::text[]), 0 ON CONFLICT (source) DO NOTHING;

-- name: cursor_read
SELECT source, position, event_id FROM cursor;

-- name: cursor_move
UPDATE cursor SET position = $3, event_id = $4, moved_at = $5 WHERE source = $1 AND position = $2;

-- name: consumer_seen
INSERT INTO consumer (name, committed_position, seen_at) VALUES ($1, $2, $3)
ON CONFLICT (name) DO UPDATE SET committed_position = excluded.committed_position,
                                 seen_at = excluded.seen_at;

-- Identities of the commands of a turn and void ones among the holds that they bring, at once.
-- name: identity_lookup
SELECT id, request_hash, reply, position, NULL::uuid AS void_hold_id
FROM command WHERE id = ANY($1::uuid[])
UNION ALL
SELECT NULL, NULL, NULL, 0, hold_id FROM void_hold WHERE hold_id = ANY($2::uuid[]);

-- name: identity_insert
INSERT INTO command (slot, id, request_hash, hold_ids, reply, position, created_at)
SELECT unnest($1::smallint[]), unnest($2::uuid[]), unnest($3::uuid[]),
       array_remove(ARRAY[unnest($4::uuid[]), unnest($5::uuid[])], NULL), unnest($6::bytea[]),
       unnest($7::bigint[]), unnest($8::timestamptz[]);

-- name: identity_names_hold
SELECT count(*) AS number FROM command WHERE id = $1 AND $2 = ANY(hold_ids);

-- name: identity_oldest
SELECT created_at FROM command WHERE slot = $1 LIMIT 1;

-- name: identity_clear_0
TRUNCATE command_0;

-- name: identity_clear_1
TRUNCATE command_1;

-- name: identity_clear_2
TRUNCATE command_2;

-- name: void_hold_insert
INSERT INTO void_hold (hold_id, command_id, voided_at) VALUES ($1, $2, $3);

-- name: void_hold_exists
SELECT count(*) AS number FROM void_hold WHERE hold_id = $1;

-- name: parked_keys
SELECT DISTINCT key FROM parked;

-- name: parked_counts
SELECT source, count(*) AS number FROM parked GROUP BY source;

-- name: parked_insert
INSERT INTO parked (id, source, position, event_id, type, key, occurred_at, traceparent, actor,
                    payload, reason, is_crashed, parked_at)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::uuid[], $5::text[], $6::text[],
                     $7::timestamptz[], $8::text[], $9::text[], $10::bytea[], $11::text[],
                     $12::boolean[], $13::timestamptz[]);

-- name: parked_list
SELECT id, source, position, type, key, reason, is_crashed, parked_at
FROM parked WHERE $1::uuid IS NULL OR id > $1 ORDER BY id LIMIT $2;

-- name: parked_by_id
SELECT id, source, position, event_id, type, key, occurred_at, traceparent, actor, payload, reason,
       is_crashed
FROM parked WHERE id = $1;

-- name: parked_by_item
SELECT id, source, position, event_id, type, key, occurred_at, traceparent, actor, payload, reason,
       is_crashed
FROM parked WHERE 'event:' || source || ':' || position = $1;

-- The oldest of a key: the one that holds the others back.
-- name: parked_first_of_key
SELECT id, source, position, event_id, type, key, occurred_at, traceparent, actor, payload, reason,
       is_crashed
FROM parked WHERE key = $1 ORDER BY id LIMIT 1;

-- name: parked_delete
DELETE FROM parked WHERE id = $1;

-- name: parked_reason
UPDATE parked SET reason = $2, is_crashed = $3 WHERE id = $1;

-- name: attempt_read
SELECT item, crashes, retries, is_running FROM attempt;

-- name: attempt_start
INSERT INTO attempt (item, crashes, retries, is_running, started_at) VALUES ($1, 0, 0, true, $2)
ON CONFLICT (item) DO UPDATE SET is_running = true, started_at = excluded.started_at;

-- name: attempt_crashed
UPDATE attempt SET crashes = crashes + 1, is_running = false WHERE is_running;

-- name: attempt_retried
UPDATE attempt SET retries = retries + 1, is_running = true, started_at = $2 WHERE item = $1;

-- name: attempt_delete
DELETE FROM attempt WHERE item = $1;
