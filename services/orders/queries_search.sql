-- The search index, and what lists are made of.

-- ---- segments ----

-- name: segments_live
SELECT id, doc_count, newest_us, oldest_us FROM search_segment
WHERE retired_at IS NULL ORDER BY newest_us DESC, id;

-- Ids are never used twice.
-- name: segment_last_id
SELECT coalesce(max(id), 0) AS id, 0 AS doc_count, 0::bigint AS newest_us, 0::bigint AS oldest_us
FROM search_segment;

-- name: segment_insert
INSERT INTO search_segment (id, doc_count, newest_us, oldest_us) VALUES ($1, $2, $3, $4);

-- name: segment_retire
UPDATE search_segment SET retired_at = $2 WHERE id = ANY($1::bigint[]);

-- name: segments_retired
SELECT id, doc_count, newest_us, oldest_us FROM search_segment WHERE retired_at < $1;

-- The last one stays, so that its id is not given to another.
-- name: segment_delete
DELETE FROM search_segment WHERE id = ANY($1::bigint[]) AND id < (SELECT max(id) FROM search_segment);

-- name: segment_delete_docs
DELETE FROM search_doc WHERE segment_id = ANY($1::bigint[]);

-- name: segment_delete_blocks
DELETE FROM search_block WHERE segment_id = ANY($1::bigint[]);

-- name: segment_doc_insert
INSERT INTO search_doc (segment_id, chunk, oldest_us, docs)
SELECT unnest($1::bigint[]), unnest($2::integer[]), unnest($3::bigint[]), unnest($4::bytea[]);

-- name: segment_block_insert
INSERT INTO search_block (segment_id, first_gram, first_rank, entries)
SELECT unnest($1::bigint[]), unnest($2::bigint[]), unnest($3::integer[]), unnest($4::bytea[]);

-- name: segment_docs
SELECT segment_id, chunk AS place, docs AS bytes FROM search_doc
WHERE segment_id = ANY($1::bigint[]) ORDER BY segment_id, chunk;

-- name: segment_blocks
SELECT segment_id, first_rank AS place, entries AS bytes FROM search_block
WHERE segment_id = ANY($1::bigint[]) ORDER BY segment_id, first_gram, first_rank;

-- Of each segment, gram and window of ranks: the blocks that can hold the gram's ranks in it.
-- name: segment_lookup
SELECT q.place, b.first_rank, b.entries AS bytes
FROM (SELECT unnest($1::integer[]) AS place, unnest($2::bigint[]) AS segment_id,
             unnest($3::bigint[]) AS gram, unnest($4::integer[]) AS from_rank,
             unnest($5::integer[]) AS until_rank) AS q
CROSS JOIN LATERAL (
    SELECT f.first_gram FROM search_block f
    WHERE f.segment_id = q.segment_id AND f.first_gram <= q.gram
    ORDER BY f.first_gram DESC LIMIT 1) AS f
CROSS JOIN LATERAL (
    SELECT l.first_rank FROM search_block l
    WHERE l.segment_id = q.segment_id AND l.first_gram = f.first_gram
      AND l.first_rank <= CASE WHEN f.first_gram = q.gram THEN q.from_rank ELSE 0 END
    ORDER BY l.first_rank DESC LIMIT 1) AS l
CROSS JOIN LATERAL (
    SELECT b.first_rank, b.entries FROM search_block b
    WHERE b.segment_id = q.segment_id AND b.first_gram = f.first_gram
      AND b.first_rank >= l.first_rank
      AND b.first_rank < CASE WHEN f.first_gram = q.gram THEN q.until_rank ELSE 1 END
    ORDER BY b.first_rank) AS b
ORDER BY q.place, b.first_rank;

-- The chunk of each segment in which a moment lies: the first whose oldest order is not newer.
-- name: segment_seek
SELECT q.place, coalesce(c.chunk, -1) AS first_rank, ''::bytea AS bytes
FROM (SELECT unnest($1::integer[]) AS place, unnest($2::bigint[]) AS segment_id) AS q
LEFT JOIN LATERAL (
    SELECT d.chunk FROM search_doc d
    WHERE d.segment_id = q.segment_id AND d.oldest_us <= $3
    ORDER BY d.oldest_us DESC, d.chunk LIMIT 1) AS c ON true
ORDER BY q.place;

-- Orders by segment and rank, in the order asked.
-- name: segment_keys
SELECT substring(d.docs FROM (q.rank % 128) * 24 + 1 FOR 24) AS bytes, q.place, 0 AS first_rank
FROM (SELECT unnest($1::integer[]) AS place, unnest($2::bigint[]) AS segment_id,
             unnest($3::integer[]) AS rank) AS q
JOIN search_doc d ON d.segment_id = q.segment_id AND d.chunk = q.rank / 128
ORDER BY q.place;

-- How far the projection is behind the log, in events.
-- name: search_lag
SELECT coalesce((SELECT max(position) FROM event), 0)
       - coalesce((SELECT position FROM cursor WHERE source = 'projection:search_segments'), 0) AS lag;

-- ---- what an order is found by ----

-- name: search_heads
SELECT id, placed_at, number, external_id, external_number, customer_id, customer_external_id,
       customer_name, email, phone, details
FROM orders WHERE id = ANY($1::uuid[]) ORDER BY id;

-- name: search_lines
SELECT order_id, sku, name FROM order_line
WHERE order_id = ANY($1::uuid[]) AND quantity > 0 ORDER BY order_id;

-- name: tracking_insert
INSERT INTO order_tracking (tracking, order_id, tracking_number)
SELECT unnest($1::text[]), unnest($2::uuid[]), unnest($3::text[])
ON CONFLICT (tracking, order_id) DO NOTHING;

-- ---- lists: keys of orders beyond a cursor, newest first or oldest first ----

-- name: list_newest
SELECT id AS order_id, placed_at FROM orders
WHERE (placed_at, id) < ($1, $2) ORDER BY placed_at DESC, id DESC LIMIT $3;

-- name: list_oldest
SELECT id AS order_id, placed_at FROM orders
WHERE (placed_at, id) > ($1, $2) ORDER BY placed_at, id LIMIT $3;

-- name: list_held_newest
SELECT id AS order_id, placed_at FROM orders
WHERE hold_count > 0 AND (placed_at, id) < ($1, $2) ORDER BY placed_at DESC, id DESC LIMIT $3;

-- name: list_held_oldest
SELECT id AS order_id, placed_at FROM orders
WHERE hold_count > 0 AND (placed_at, id) > ($1, $2) ORDER BY placed_at, id LIMIT $3;

-- The combinations of channel and statuses that there are, found by leaping from one to the next; $1
-- and $2 are the first and the last channel, the rest are masks by the number of the status.
-- name: list_combinations
WITH RECURSIVE combination AS (
    (SELECT channel, status, payment_status, fulfillment_status FROM orders
     WHERE channel >= $1 AND channel <= $2
     ORDER BY channel, status, payment_status, fulfillment_status LIMIT 1)
    UNION ALL
    SELECT n.channel, n.status, n.payment_status, n.fulfillment_status
    FROM combination c CROSS JOIN LATERAL (
        SELECT o.channel, o.status, o.payment_status, o.fulfillment_status FROM orders o
        WHERE (o.channel, o.status, o.payment_status, o.fulfillment_status)
              > (c.channel, c.status, c.payment_status, c.fulfillment_status)
          AND o.channel <= $2
        ORDER BY o.channel, o.status, o.payment_status, o.fulfillment_status LIMIT 1) AS n)
SELECT channel, status, payment_status, fulfillment_status FROM combination
WHERE ($3 = 0 OR ($3 >> status::integer) & 1 = 1)
  AND ($4 = 0 OR ($4 >> payment_status::integer) & 1 = 1)
  AND ($5 = 0 OR ($5 >> fulfillment_status::integer) & 1 = 1)
  AND ($6::text[] IS NULL OR channel = ANY($6));

-- A merge over combinations, each from its own run of the index.
-- name: list_by_status_newest
SELECT page.id AS order_id, page.placed_at
FROM (SELECT unnest($1::text[]) AS channel, unnest($2::smallint[]) AS status,
             unnest($3::smallint[]) AS payment_status,
             unnest($4::smallint[]) AS fulfillment_status) AS c
CROSS JOIN LATERAL (
    SELECT o.id, o.placed_at FROM orders o
    WHERE o.channel = c.channel AND o.status = c.status AND o.payment_status = c.payment_status
      AND o.fulfillment_status = c.fulfillment_status AND (o.placed_at, o.id) < ($5, $6)
    ORDER BY o.placed_at DESC, o.id DESC LIMIT $7) AS page
ORDER BY page.placed_at DESC, page.id DESC LIMIT $7;

-- name: list_by_status_oldest
SELECT page.id AS order_id, page.placed_at
FROM (SELECT unnest($1::text[]) AS channel, unnest($2::smallint[]) AS status,
             unnest($3::smallint[]) AS payment_status,
             unnest($4::smallint[]) AS fulfillment_status) AS c
CROSS JOIN LATERAL (
    SELECT o.id, o.placed_at FROM orders o
    WHERE o.channel = c.channel AND o.status = c.status AND o.payment_status = c.payment_status
      AND o.fulfillment_status = c.fulfillment_status AND (o.placed_at, o.id) > ($5, $6)
    ORDER BY o.placed_at, o.id LIMIT $7) AS page
ORDER BY page.placed_at, page.id LIMIT $7;

-- An order may have several of the tags.
-- name: list_by_tag_newest
SELECT DISTINCT page.order_id, page.placed_at
FROM (SELECT unnest($4::text[]) AS tag) AS t CROSS JOIN LATERAL (
    SELECT o.order_id, o.placed_at FROM order_tag o
    WHERE o.tag = t.tag AND (o.placed_at, o.order_id) < ($1, $2)
    ORDER BY o.placed_at DESC, o.order_id DESC LIMIT $3) AS page
ORDER BY page.placed_at DESC, page.order_id DESC LIMIT $3;

-- name: list_by_tag_oldest
SELECT DISTINCT page.order_id, page.placed_at
FROM (SELECT unnest($4::text[]) AS tag) AS t CROSS JOIN LATERAL (
    SELECT o.order_id, o.placed_at FROM order_tag o
    WHERE o.tag = t.tag AND (o.placed_at, o.order_id) > ($1, $2)
    ORDER BY o.placed_at, o.order_id LIMIT $3) AS page
ORDER BY page.placed_at, page.order_id LIMIT $3;

-- What a word names outright: a number or external id, which the tables of both know without any
-- delay, or the beginning of a tracking number.
-- name: find_exact
SELECT o.id AS order_id, o.placed_at, t.tracking
FROM (SELECT order_id, '' AS tracking FROM order_number WHERE number = $1
      UNION ALL
      SELECT e.order_id, '' FROM channel c
      JOIN order_external e ON e.channel = c.name AND e.external_id = $2
      UNION ALL
      (SELECT order_id, tracking FROM order_tracking
       WHERE tracking >= $3 AND tracking < $4 ORDER BY tracking LIMIT 200)) AS t
JOIN orders o ON o.id = t.order_id;

-- ---- what is compared ----

-- name: find_marks
SELECT id AS order_id, placed_at, status, payment_status, fulfillment_status, return_status,
       hold_count, channel, current_total, currency, country
FROM orders WHERE id = ANY($1::uuid[]) ORDER BY id;

-- name: find_tags
SELECT order_id, tag AS word FROM order_tag WHERE order_id = ANY($1::uuid[]) ORDER BY order_id, tag;

-- name: find_holds
SELECT order_id, type AS word FROM hold
WHERE order_id = ANY($1::uuid[]) AND released_at IS NULL ORDER BY order_id;

-- ---- tags ----

-- name: tag_insert
INSERT INTO order_tag (order_id, tag, placed_at)
SELECT unnest($1::uuid[]), unnest($2::text[]), unnest($3::timestamptz[])
ON CONFLICT (order_id, tag) DO NOTHING;

-- name: tag_delete
DELETE FROM order_tag o
USING (SELECT unnest($1::uuid[]) AS order_id, unnest($2::text[]) AS tag) AS t
WHERE o.order_id = t.order_id AND o.tag = t.tag;

-- name: tag_count_add
INSERT INTO tag_count (tag, orders) SELECT unnest($1::text[]), unnest($2::bigint[])
ON CONFLICT (tag) DO UPDATE SET orders = tag_count.orders + excluded.orders;

-- name: tag_counts
SELECT tag, orders FROM tag_count WHERE tag > $1 AND orders > 0 ORDER BY tag LIMIT $2;
