-- Every statement of the notify service. Sets travel as arrays, one per column.

-- ---- queueing ----

-- Positions go on from the last; a message that is there already is left as it is.
-- name: message_insert
INSERT INTO message (position, id, order_id, kind, status, message_id, order_number, detail,
                     queued_at, gave_up_at, last_error)
SELECT (SELECT coalesce(max(position), 0) FROM message) + n, id, order_id, kind, status, message_id,
       order_number, detail, queued_at, gave_up_at, last_error
FROM unnest($1::uuid[], $2::uuid[], $3::smallint[], $4::smallint[], $5::text[], $6::text[],
            $7::bytea[], $8::timestamptz[], $9::timestamptz[], $10::text[]) WITH ORDINALITY
     AS t (id, order_id, kind, status, message_id, order_number, detail, queued_at, gave_up_at,
           last_error, n)
ON CONFLICT (id) DO NOTHING;

-- ---- taking ----

-- Whether there is anything to do at all: most of the time this is all that is asked. $1 now, $2 this
-- life of the writer, $3 the moment before which nothing can be under way any more.
-- name: sender_look
SELECT taken_position, coalesce((SELECT max(position) FROM message), 0) AS last_position,
       EXISTS (SELECT FROM retry WHERE due_at <= $1) AS has_due,
       EXISTS (SELECT FROM sending WHERE run_id <> $2 OR taken_at < $3) AS has_lost
FROM sender WHERE id = 1;

-- Batches that another life of the writer had under way ($1 is this one), or that have been under way
-- since before $2, longer than any batch can be: their mails may have arrived, and are sent again.
-- name: sending_recover
WITH gone AS (
    DELETE FROM sending WHERE run_id <> $1 OR taken_at < $2 RETURNING positions
), lost AS (
    SELECT unnest(positions) AS position FROM gone
), counted AS (
    UPDATE message SET attempts = attempts + 1, ambiguous_attempts = ambiguous_attempts + 1
    FROM lost WHERE message.position = lost.position AND message.status = 1
    RETURNING message.position
)
INSERT INTO retry (position, due_at, since_at, checks_wish)
SELECT position, $3, $3, false FROM counted
ON CONFLICT (position) DO NOTHING;

-- name: retry_take
WITH due AS (
    DELETE FROM retry WHERE position IN (
        SELECT position FROM retry WHERE due_at <= $1 ORDER BY due_at LIMIT $2)
    RETURNING position, since_at, checks_wish
)
SELECT m.position, m.id, m.order_id, m.kind, m.status, m.message_id, m.detail, m.attempts,
       m.ambiguous_attempts, m.queued_at, due.since_at, due.checks_wish
FROM due JOIN message m ON m.position = due.position;

-- What follows the last position taken, suppressed ones too, so that the position passes them.
-- name: fresh_take
SELECT position, id, order_id, kind, status, message_id, detail, attempts, ambiguous_attempts,
       queued_at, queued_at AS since_at, true AS checks_wish
FROM message WHERE position > $1 ORDER BY position LIMIT $2;

-- name: sender_move
UPDATE sender SET taken_position = $2 WHERE id = 1 AND taken_position = $1;

-- name: sending_insert
INSERT INTO sending (id, run_id, taken_at, positions) VALUES ($1, $2, $3, $4);

-- The confirmations of these orders, by their ids: they know whether the customer wants mails.
-- name: message_wishes
SELECT id, status, last_error FROM message WHERE id = ANY($1::uuid[]);

-- ---- results ----

-- Which of these batches are still ours: one that was recovered in the meantime is not.
-- name: sending_present
SELECT id FROM sending WHERE id = ANY($1::uuid[]);

-- name: sending_delete
DELETE FROM sending WHERE id = ANY($1::uuid[]);

-- name: message_result
UPDATE message SET status = r.status, attempts = message.attempts + r.attempts_more,
       ambiguous_attempts = message.ambiguous_attempts + r.ambiguous_more,
       locale = coalesce(r.locale, message.locale),
       recipient_masked = coalesce(r.recipient_masked, message.recipient_masked),
       last_error = coalesce(r.last_error, message.last_error),
       sent_at = r.sent_at, gave_up_at = r.gave_up_at
FROM unnest($1::bigint[], $2::smallint[], $3::smallint[], $4::smallint[], $5::text[], $6::text[],
            $7::text[], $8::timestamptz[], $9::timestamptz[])
     AS r (position, status, attempts_more, ambiguous_more, locale, recipient_masked, last_error,
           sent_at, gave_up_at)
WHERE message.position = r.position AND message.status = 1;

-- name: retry_insert
INSERT INTO retry (position, due_at, since_at, checks_wish)
SELECT * FROM unnest($1::bigint[], $2::timestamptz[], $3::timestamptz[], $4::boolean[])
ON CONFLICT (position) DO NOTHING;

-- ---- reading ----

-- name: message_by_id
SELECT m.position, m.id, m.order_id, m.kind, m.status, m.message_id, m.attempts, m.ambiguous_attempts,
       m.locale, m.recipient_masked, m.last_error, m.queued_at, m.sent_at,
       retry.due_at AS next_attempt_at
FROM message m LEFT JOIN retry ON retry.position = m.position WHERE m.id = $1;

-- name: message_order_of_number
SELECT order_id FROM message WHERE order_number = $1 LIMIT 1;

-- One order's messages lie between two ids; status 0 is any.
-- name: message_list_of_order
SELECT m.position, m.id, m.order_id, m.kind, m.status, m.message_id, m.attempts, m.ambiguous_attempts,
       m.locale, m.recipient_masked, m.last_error, m.queued_at, m.sent_at,
       retry.due_at AS next_attempt_at
FROM message m LEFT JOIN retry ON retry.position = m.position
WHERE m.id >= $1 AND m.id <= $2 AND m.order_id = $3 AND m.position < $4
  AND ($5 = 0 OR m.status = $5)
ORDER BY m.position DESC LIMIT $6;

-- name: message_list
SELECT m.position, m.id, m.order_id, m.kind, m.status, m.message_id, m.attempts, m.ambiguous_attempts,
       m.locale, m.recipient_masked, m.last_error, m.queued_at, m.sent_at,
       retry.due_at AS next_attempt_at
FROM message m LEFT JOIN retry ON retry.position = m.position
WHERE m.position < $1 AND ($2 = 0 OR m.status = $2) ORDER BY m.position DESC LIMIT $3;

-- name: message_list_given_up
SELECT m.position, m.id, m.order_id, m.kind, m.status, m.message_id, m.attempts, m.ambiguous_attempts,
       m.locale, m.recipient_masked, m.last_error, m.queued_at, m.sent_at,
       NULL::timestamptz AS next_attempt_at
FROM message m WHERE m.gave_up_at IS NOT NULL AND m.position < $1 AND m.status = $2
ORDER BY m.position DESC LIMIT $3;

-- The three places of a queued message.
-- name: message_list_queued
SELECT m.position, m.id, m.order_id, m.kind, m.status, m.message_id, m.attempts, m.ambiguous_attempts,
       m.locale, m.recipient_masked, m.last_error, m.queued_at, m.sent_at,
       retry.due_at AS next_attempt_at
FROM (SELECT position FROM message WHERE position > (SELECT taken_position FROM sender)
      UNION ALL SELECT position FROM retry
      UNION ALL SELECT unnest(positions) FROM sending) AS queued
JOIN message m ON m.position = queued.position
LEFT JOIN retry ON retry.position = m.position
WHERE m.position < $1 AND m.status = $2 ORDER BY m.position DESC LIMIT $3;

-- name: message_requeue
UPDATE message SET status = 1, gave_up_at = NULL WHERE id = $1 AND status IN (3, 4);
