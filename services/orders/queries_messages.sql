-- Threads of messages with customers, canned replies, and the customer's way in.

-- ---- threads ----

-- $3: 1 when the customer wrote it: one more to read, and the thread is open again; what the shop
-- writes says that all before it was read.
-- name: thread_upsert
INSERT INTO thread (order_id, last_message_id, unread, messages, is_closed, assignee)
VALUES ($1, $2, CASE WHEN $3 = 1 THEN 1 ELSE 0 END, 1, false, '')
ON CONFLICT (order_id) DO UPDATE
SET last_message_id = excluded.last_message_id, messages = thread.messages + 1,
    unread = CASE WHEN $3 = 1 THEN thread.unread + 1 ELSE 0 END,
    is_closed = thread.is_closed AND $3 <> 1;

-- name: thread_message_insert
INSERT INTO thread_message (order_id, id, direction, is_read, created_at, author, body)
VALUES ($1, $2, $3, $4, $5, $6, $7);

-- name: thread_messages_read
UPDATE thread_message SET is_read = true WHERE order_id = $1 AND NOT is_read;

-- The customer's last message, if there is one.
-- name: thread_message_unread
UPDATE thread_message SET is_read = false
WHERE order_id = $1 AND id = (SELECT id FROM thread_message WHERE order_id = $1 AND direction = 1
                              ORDER BY id DESC LIMIT 1);

-- name: thread_update
UPDATE thread SET unread = $2, is_closed = $3, assignee = $4 WHERE order_id = $1;

-- name: thread_messages_page
SELECT order_id, id, direction, is_read, created_at, author, body FROM thread_message
WHERE order_id = $1 AND ($2::uuid IS NULL OR id > $2) ORDER BY id LIMIT $3;

-- name: thread_messages_last
SELECT order_id, id, direction, is_read, created_at, author, body FROM thread_message
WHERE order_id = $1 ORDER BY id DESC LIMIT $2;

-- name: thread_messages_by_id
SELECT order_id, id, direction, is_read, created_at, author, body FROM thread_message
WHERE id = ANY($1::uuid[]);

-- How many the customer wrote since $2.
-- name: thread_messages_since
SELECT count(*) AS number FROM thread_message
WHERE order_id = $1 AND direction = 1 AND created_at >= $2;

-- name: thread_by_order
SELECT t.order_id, t.last_message_id, t.unread, t.messages, t.is_closed, t.assignee, o.number,
       o.channel, o.customer_name, o.locale, o.status, m.direction, m.is_read, m.created_at, m.author,
       m.body
FROM thread t JOIN orders o ON o.id = t.order_id
JOIN thread_message m ON m.order_id = t.order_id AND m.id = t.last_message_id
WHERE t.order_id = $1;

-- Before the last message $1; $2 only unread, $3 0 any, 1 open, 2 closed; $4 of this assignee; $5 a
-- pattern.
-- name: thread_list
SELECT t.order_id, t.last_message_id, t.unread, t.messages, t.is_closed, t.assignee, o.number,
       o.channel, o.customer_name, o.locale, o.status, m.direction, m.is_read, m.created_at, m.author,
       m.body
FROM thread t JOIN orders o ON o.id = t.order_id
JOIN thread_message m ON m.order_id = t.order_id AND m.id = t.last_message_id
WHERE ($1::uuid IS NULL OR t.last_message_id < $1) AND (NOT $2::boolean OR t.unread > 0)
  AND ($3 = 0 OR t.is_closed = ($3 = 2)) AND ($4::text IS NULL OR t.assignee = $4)
  AND ($5::text IS NULL OR o.number ILIKE $5 OR o.customer_name ILIKE $5 OR o.email ILIKE $5
       OR o.phone ILIKE $5
       OR EXISTS (SELECT FROM thread_message x WHERE x.order_id = t.order_id AND x.body ILIKE $5))
ORDER BY t.last_message_id DESC LIMIT $6;

-- name: thread_counts
SELECT count(*) FILTER (WHERE unread > 0 AND ($1::text IS NULL OR assignee = $1)) AS unread_threads,
       coalesce(sum(unread) FILTER (WHERE $1::text IS NULL OR assignee = $1), 0)::bigint
           AS unread_messages,
       count(*) FILTER (WHERE $1::text IS NULL OR assignee = $1) AS open_threads,
       count(*) FILTER (WHERE assignee = '') AS unassigned_threads
FROM thread WHERE NOT is_closed;

-- ---- canned replies ----

-- name: canned_insert
INSERT INTO canned_reply (id, name, updated_at, updated_by) VALUES ($1, $2, $3, $4);

-- name: canned_update
UPDATE canned_reply SET name = $2, updated_at = $3, updated_by = $4 WHERE id = $1;

-- name: canned_delete
DELETE FROM canned_reply WHERE id = $1;

-- name: canned_texts_delete
DELETE FROM canned_text WHERE reply_id = $1;

-- name: canned_text_insert
INSERT INTO canned_text (reply_id, locale, body)
SELECT unnest($1::uuid[]), unnest($2::text[]), unnest($3::text[]);

-- name: canned_by_id
SELECT id, name, updated_at, updated_by FROM canned_reply WHERE id = $1;

-- name: canned_by_name
SELECT id, name, updated_at, updated_by FROM canned_reply WHERE name = $1;

-- name: canned_list
SELECT id, name, updated_at, updated_by FROM canned_reply WHERE name > $1 ORDER BY name LIMIT $2;

-- name: canned_texts
SELECT reply_id, locale, body FROM canned_text WHERE reply_id = ANY($1::uuid[])
ORDER BY reply_id, locale DESC;

-- ---- the customer's way in ----

-- The secret once for each of the orders, and once at least.
-- name: links_load
SELECT s.secret, v.order_id, coalesce(v.version, 1) AS version
FROM link_secret s LEFT JOIN link_version v ON v.order_id = ANY($1::uuid[]);

-- name: link_version_upsert
INSERT INTO link_version (order_id, version) VALUES ($1, 2)
ON CONFLICT (order_id) DO UPDATE SET version = link_version.version + 1;

-- name: lookup_by_key
SELECT key, window_at, requests, tries, code_at, code_id, order_id FROM order_lookup WHERE key = $1;

-- name: lookup_by_codes
SELECT key, window_at, requests, tries, code_at, code_id, order_id FROM order_lookup
WHERE code_id = ANY($1::uuid[]);

-- name: lookup_upsert
INSERT INTO order_lookup (key, window_at, requests, tries, code_at, code_id, order_id)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (key) DO UPDATE
SET window_at = excluded.window_at, requests = excluded.requests, tries = excluded.tries,
    code_at = excluded.code_at, code_id = excluded.code_id, order_id = excluded.order_id;

-- name: lookup_forget
DELETE FROM order_lookup WHERE window_at < $1;
