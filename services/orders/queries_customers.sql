-- Customers: their rows, how they are known, which orders are theirs.

-- ---- the projection, and what commands insert ----

-- name: customer_insert
INSERT INTO customer (id, created_at, updated_at, consented_at, version, accepts_marketing, name, email,
                      phone, locale, note, tags, grams)
SELECT t.id, t.created_at, t.created_at, t.consented_at, 1, t.accepts_marketing, t.name, t.email, t.phone,
       t.locale, t.note, t.tags,
       ARRAY(SELECT DISTINCT substr(lower(t.name COLLATE "C"), g, 2)
             FROM generate_series(1, greatest(length(t.name) - 1, 1)) AS g)
FROM (SELECT unnest($1::uuid[]) AS id, unnest($2::timestamptz[]) AS created_at,
             unnest($3::timestamptz[]) AS consented_at, unnest($4::boolean[]) AS accepts_marketing,
             unnest($5::text[]) AS name, unnest($6::text[]) AS email, unnest($7::text[]) AS phone,
             unnest($8::text[]) AS locale, unnest($9::text[]) AS note, unnest($10::text[]) AS tags) AS t;

-- name: customer_contact_insert
INSERT INTO customer_contact (kind, value, customer_id, grams)
SELECT t.kind, t.value, t.customer_id,
       CASE WHEN t.kind = 1 THEN ARRAY(SELECT DISTINCT substr(ltrim(t.value, '+'), g, 3)
                                       FROM generate_series(1, greatest(length(t.value) - 2, 1)) AS g) END
FROM (SELECT unnest($1::smallint[]) AS kind, unnest($2::text[]) AS value,
             unnest($3::uuid[]) AS customer_id) AS t
ON CONFLICT (kind, value, customer_id) DO NOTHING;

-- name: customer_order_insert
INSERT INTO customer_order (order_id, customer_id, placed_at)
SELECT unnest($1::uuid[]), unnest($2::uuid[]), unnest($3::timestamptz[])
ON CONFLICT (order_id) DO NOTHING;

-- Orders as the projection sees them, whose they are already counted in.
-- name: customer_order_facts
SELECT o.id, o.placed_at, o.created_at, o.channel, o.country, o.locale, o.customer_id, o.customer_external_id,
       o.customer_name, o.email, o.phone, c.customer_id AS linked_to
FROM orders o LEFT JOIN customer_order c ON c.order_id = o.id
WHERE o.id = ANY($1::uuid[]) ORDER BY o.id;

-- Who is known by any of these; the one who has been known longest comes first.
-- name: customer_contact_owners
SELECT c.kind, c.value, c.customer_id
FROM (SELECT DISTINCT k.kind, k.value
      FROM (SELECT unnest($1::smallint[]) AS kind, unnest($2::text[]) AS value) AS k) AS k
JOIN customer_contact c ON c.kind = k.kind AND c.value = k.value
ORDER BY c.customer_id;

-- name: customers_existing
SELECT id FROM customer WHERE id = ANY($1::uuid[]) ORDER BY id;

-- ---- reading ----

-- name: customers_by_id
SELECT id, created_at, updated_at, consented_at, erasing_since, erased_at, version, merged_into,
       accepts_marketing, name, email, phone, locale, note, tags
FROM customer WHERE id = ANY($1::uuid[]) ORDER BY id DESC;

-- Whoever these are now, merges followed to their end.
-- name: customer_roots
WITH RECURSIVE up AS (
    SELECT id AS asked, id, merged_into FROM customer WHERE id = ANY($1::uuid[])
    UNION ALL
    SELECT u.asked, c.id, c.merged_into FROM up u JOIN customer c ON c.id = u.merged_into)
SELECT u.asked, c.id, c.name, c.email, c.phone, c.locale, c.erasing_since IS NOT NULL AS is_erased
FROM up u JOIN customer c ON c.id = u.id WHERE u.merged_into IS NULL;

-- A customer and all who were merged into them.
-- name: customer_family
WITH RECURSIVE family AS (
    SELECT id FROM customer WHERE id = $1
    UNION ALL
    SELECT c.id FROM family f JOIN customer c ON c.merged_into = f.id)
SELECT id FROM family ORDER BY id LIMIT $2::bigint;

-- name: customers_newest
SELECT id FROM customer
WHERE id < $1 AND merged_into IS NULL AND erasing_since IS NULL ORDER BY id DESC LIMIT $2::bigint;

-- name: customers_by_name
WITH hit AS MATERIALIZED (
    SELECT id, name FROM customer
    WHERE grams @> ARRAY(SELECT substr($1::text, g, 2)
                         FROM generate_series(1, greatest(length($1::text) - 1, 1)) AS g)
    UNION
    SELECT c.id, c.name FROM customer_contact k JOIN customer c ON c.id = k.customer_id
    WHERE k.kind = 2 AND k.value >= $1 AND k.value < $1 || chr(65533))
SELECT h.id FROM hit h
WHERE h.id < $2 AND (strpos(lower(h.name COLLATE "C"), $1) > 0
                     OR EXISTS (SELECT FROM customer_contact k
                                WHERE k.customer_id = h.id AND k.kind = 2 AND starts_with(k.value, $1)))
ORDER BY h.id DESC LIMIT $3::bigint;

-- name: customers_by_email
SELECT DISTINCT customer_id AS id FROM customer_contact
WHERE kind = 2 AND value >= $1 AND value < $1 || chr(65533) AND customer_id < $2
ORDER BY customer_id DESC LIMIT $3::bigint;

-- A fragment of a number, in digits; three at least.
-- name: customers_by_phone
WITH hit AS MATERIALIZED (
    SELECT customer_id, value FROM customer_contact
    WHERE grams IS NOT NULL
      AND grams @> ARRAY(SELECT substr($1::text, g, 3)
                         FROM generate_series(1, greatest(length($1::text) - 2, 1)) AS g))
SELECT DISTINCT customer_id AS id FROM hit
WHERE strpos(value, $1) > 0 AND customer_id < $2 ORDER BY customer_id DESC LIMIT $3::bigint;

-- name: customer_addresses
SELECT customer_id, id, label, address FROM customer_address
WHERE customer_id = ANY($1::uuid[]) ORDER BY customer_id, id;

-- name: customer_contacts
SELECT customer_id, kind, value FROM customer_contact
WHERE customer_id = ANY($1::uuid[]) ORDER BY customer_id, kind, value;

-- By currency; what was cancelled or expired counts as an order and as no money.
-- name: customer_history
SELECT o.currency, count(*) AS orders,
       count(*) FILTER (WHERE o.status IN (6, 7)) AS cancelled_orders,
       count(*) FILTER (WHERE o.return_status >= 3) AS returned_orders,
       count(*) FILTER (WHERE EXISTS (SELECT FROM payment p
                                      WHERE p.order_id = o.id AND p.method = 'cash_on_delivery'
                                        AND p.status = 5)) AS cod_refusals,
       coalesce(sum(o.current_total) FILTER (WHERE o.status NOT IN (6, 7)), 0)::bigint AS ordered,
       coalesce(sum(o.captured_total - o.refunded_total), 0)::bigint AS paid,
       min(o.placed_at) AS first_at, max(o.placed_at) AS last_at
FROM customer_order c JOIN orders o ON o.id = c.order_id
WHERE c.customer_id = ANY($1::uuid[]) GROUP BY o.currency ORDER BY count(*) DESC, o.currency;

-- name: customer_orders
SELECT order_id, placed_at FROM customer_order
WHERE customer_id = ANY($1::uuid[]) AND (placed_at, order_id) < ($2, $3)
ORDER BY placed_at DESC, order_id DESC LIMIT $4::bigint;

-- name: customers_of_orders
SELECT order_id, customer_id FROM customer_order WHERE order_id = ANY($1::uuid[]);

-- Whoever shares a telephone number or an e-mail address with these, and is not one of them.
-- name: customer_suggestions
SELECT o.customer_id, bool_or(o.kind = 1) AS by_phone, bool_or(o.kind = 2) AS by_email
FROM customer_contact k JOIN customer_contact o ON o.kind = k.kind AND o.value = k.value
WHERE k.customer_id = ANY($1::uuid[]) AND k.kind IN (1, 2) AND o.customer_id <> ALL($1::uuid[])
GROUP BY o.customer_id ORDER BY o.customer_id DESC LIMIT 20;

-- ---- commands ----

-- Guarded by the version that it was decided from.
-- name: customer_update
UPDATE customer
SET updated_at = $3, consented_at = $4, erasing_since = $5, erased_at = $6, version = version + 1,
    merged_into = $7, accepts_marketing = $8, name = $9, email = $10, phone = $11, locale = $12, note = $13,
    tags = $14,
    grams = ARRAY(SELECT DISTINCT substr(lower($9::text COLLATE "C"), g, 2)
                  FROM generate_series(1, greatest(length($9::text) - 1, 1)) AS g)
WHERE id = $1 AND version = $2;

-- name: customer_contact_delete
DELETE FROM customer_contact WHERE customer_id = $1 AND kind = $2 AND value = $3;

-- name: customer_contacts_delete
DELETE FROM customer_contact WHERE customer_id = ANY($1::uuid[]);

-- name: customer_address_put
INSERT INTO customer_address (customer_id, id, label, address) VALUES ($1, $2, $3, $4)
ON CONFLICT (customer_id, id) DO UPDATE SET label = excluded.label, address = excluded.address;

-- name: customer_address_delete
DELETE FROM customer_address WHERE customer_id = $1 AND id = $2;

-- name: customer_addresses_delete
DELETE FROM customer_address WHERE customer_id = ANY($1::uuid[]);

-- ---- erasing ----

-- Orders under way need their address still.
-- name: customer_live_orders
SELECT count(*) AS number FROM customer_order c JOIN orders o ON o.id = c.order_id
WHERE c.customer_id = ANY($1::uuid[]) AND o.status IN (1, 2, 3);

-- name: customers_erasing
SELECT id, created_at, updated_at, consented_at, erasing_since, erased_at, version, merged_into,
       accepts_marketing, name, email, phone, locale, note, tags
FROM customer WHERE erasing_since IS NOT NULL AND erased_at IS NULL ORDER BY erasing_since LIMIT 20;

-- name: customer_orders_to_erase
SELECT c.order_id AS id FROM customer_order c JOIN orders o ON o.id = c.order_id
WHERE c.customer_id = $1 AND NOT c.is_erased AND o.created_at <= $2 LIMIT $3::bigint;

-- name: customer_orders_erased
UPDATE customer_order SET is_erased = true WHERE order_id = ANY($1::uuid[]);

-- Whether the projection has still to read what happened before a moment: its next event says so.
-- name: customer_unprojected
SELECT count(*) AS number FROM event e
WHERE e.position = coalesce((SELECT position FROM cursor WHERE source = 'projection:customers'), 0) + 1
  AND e.occurred_at <= $1;

-- What was written on their orders' threads and notes.
-- name: erase_messages
UPDATE thread_message SET body = '(erased)' WHERE order_id = ANY($1::uuid[]);

-- name: erase_notes
UPDATE note SET body = '(erased)' WHERE order_id = ANY($1::uuid[]);

-- name: erase_timeline
UPDATE timeline SET detail = '(erased)' WHERE order_id = ANY($1::uuid[]) AND type = 'note_added';
