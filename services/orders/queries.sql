-- Writing. Each is a set: one statement for a whole turn. The arrays are unnested side by side in the
-- target list, which streams them; FROM unnest(a, b, ...) first fills a tuplestore for each array, and
-- took twice as long for a whole INSERT of eighteen columns.

-- name: order_insert
INSERT INTO orders (id, placed_at, created_at, updated_at, confirmed_at, cancelled_at, completed_at,
                    version, items_total, discount_total, shipping_total, tax_total, charges_total,
                    total, current_total, cancelled_value, captured_total, refunded_total,
                    hold_count, status, payment_status, fulfillment_status, stock_policy,
                    prices_include_tax, number, channel, external_id, external_number, currency,
                    locale, country, cancel_reason, created_by, customer_id, customer_external_id,
                    customer_name, email, phone, details)
SELECT unnest($1::uuid[]), unnest($2::timestamptz[]), unnest($3::timestamptz[]),
       unnest($3::timestamptz[]), unnest($4::timestamptz[]), unnest($5::timestamptz[]),
       unnest($6::timestamptz[]), unnest($7::bigint[]), unnest($8::bigint[]), unnest($9::bigint[]),
       unnest($10::bigint[]), unnest($11::bigint[]), unnest($12::bigint[]), unnest($13::bigint[]),
       unnest($14::bigint[]), unnest($15::bigint[]), unnest($16::bigint[]), unnest($17::bigint[]),
       unnest($18::integer[]), unnest($19::smallint[]), unnest($20::smallint[]),
       unnest($21::smallint[]), unnest($22::smallint[]), unnest($23::boolean[]),
       unnest($24::text[]), unnest($25::text[]), unnest($26::text[]), unnest($27::text[]),
       unnest($28::text[]), unnest($29::text[]), unnest($30::text[]), unnest($31::text[]),
       unnest($32::text[]), unnest($33::text[]), unnest($34::text[]), unnest($35::text[]),
       unnest($36::text[]), unnest($37::text[]), unnest($38::bytea[]);

-- What every change of an order may touch.
-- name: order_update
UPDATE orders o
SET updated_at = t.updated_at, confirmed_at = t.confirmed_at, cancelled_at = t.cancelled_at,
    completed_at = t.completed_at, version = t.version, current_total = t.current_total,
    cancelled_value = t.cancelled_value, returned_value = t.returned_value,
    captured_total = t.captured_total, refunded_total = t.refunded_total,
    hold_count = t.hold_count, status = t.status, payment_status = t.payment_status,
    fulfillment_status = t.fulfillment_status, return_status = t.return_status,
    cancel_reason = t.cancel_reason
FROM (SELECT unnest($1::uuid[]) AS id, unnest($2::timestamptz[]) AS updated_at,
             unnest($3::timestamptz[]) AS confirmed_at, unnest($4::timestamptz[]) AS cancelled_at,
             unnest($5::timestamptz[]) AS completed_at, unnest($6::bigint[]) AS version,
             unnest($7::bigint[]) AS current_total, unnest($8::bigint[]) AS cancelled_value,
             unnest($9::bigint[]) AS returned_value, unnest($10::bigint[]) AS captured_total,
             unnest($11::bigint[]) AS refunded_total, unnest($12::integer[]) AS hold_count,
             unnest($13::smallint[]) AS status, unnest($14::smallint[]) AS payment_status,
             unnest($15::smallint[]) AS fulfillment_status,
             unnest($16::smallint[]) AS return_status, unnest($17::text[]) AS cancel_reason) AS t
WHERE o.id = t.id;

-- What only the channel that an order came from changes.
-- name: order_rewrite
UPDATE orders o
SET items_total = t.items_total, discount_total = t.discount_total,
    shipping_total = t.shipping_total, tax_total = t.tax_total, charges_total = t.charges_total,
    total = t.total, prices_include_tax = t.prices_include_tax, country = t.country,
    external_number = t.external_number, customer_id = t.customer_id,
    customer_external_id = t.customer_external_id, customer_name = t.customer_name,
    email = t.email, phone = t.phone, details = t.details
FROM (SELECT unnest($1::uuid[]) AS id, unnest($2::bigint[]) AS items_total,
             unnest($3::bigint[]) AS discount_total, unnest($4::bigint[]) AS shipping_total,
             unnest($5::bigint[]) AS tax_total, unnest($6::bigint[]) AS charges_total,
             unnest($7::bigint[]) AS total, unnest($8::boolean[]) AS prices_include_tax,
             unnest($9::text[]) AS country, unnest($10::text[]) AS external_number,
             unnest($11::text[]) AS customer_id, unnest($12::text[]) AS customer_external_id,
             unnest($13::text[]) AS customer_name, unnest($14::text[]) AS email,
             unnest($15::text[]) AS phone, unnest($16::bytea[]) AS details) AS t
WHERE o.id = t.id;

-- name: line_insert
INSERT INTO order_line (order_id, id, quantity, unit_price, discount, tax, total, cancelled,
                        allocated_total, unallocated, reserved, fulfilled, line_no, is_custom,
                        no_shipping, sku, name, external_id)
SELECT unnest($1::uuid[]), unnest($2::uuid[]), unnest($3::integer[]), unnest($4::bigint[]),
       unnest($5::bigint[]), unnest($6::bigint[]), unnest($7::bigint[]), unnest($8::integer[]),
       unnest($9::integer[]), unnest($10::integer[]), unnest($11::integer[]), unnest($12::integer[]),
       unnest($13::smallint[]), unnest($14::boolean[]), unnest($15::boolean[]), unnest($16::text[]),
       unnest($17::text[]), unnest($18::text[]);

-- name: line_update
UPDATE order_line l
SET cancelled = t.cancelled, allocated_total = t.allocated_total, picked_total = t.picked_total,
    packed_total = t.packed_total, shipped_total = t.shipped_total,
    delivered_total = t.delivered_total, returned_total = t.returned_total,
    unallocated = t.unallocated, backordered = t.backordered, preordered = t.preordered,
    reserved = t.reserved, picked = t.picked, packed = t.packed, fulfilled = t.fulfilled,
    delivered = t.delivered, returned = t.returned
FROM (SELECT unnest($1::uuid[]) AS order_id, unnest($2::smallint[]) AS line_no,
             unnest($3::integer[]) AS cancelled, unnest($4::integer[]) AS allocated_total,
             unnest($5::integer[]) AS picked_total, unnest($6::integer[]) AS packed_total,
             unnest($7::integer[]) AS shipped_total, unnest($8::integer[]) AS delivered_total,
             unnest($9::integer[]) AS returned_total, unnest($10::integer[]) AS unallocated,
             unnest($11::integer[]) AS backordered, unnest($12::integer[]) AS preordered,
             unnest($13::integer[]) AS reserved, unnest($14::integer[]) AS picked,
             unnest($15::integer[]) AS packed, unnest($16::integer[]) AS fulfilled,
             unnest($17::integer[]) AS delivered, unnest($18::integer[]) AS returned) AS t
WHERE l.order_id = t.order_id AND l.line_no = t.line_no;

-- As line_update, and what only the channel changes. The quantity and its terms move together: the
-- line identity holds in every row.
-- name: line_rewrite
UPDATE order_line l
SET quantity = t.quantity, unit_price = t.unit_price, discount = t.discount, tax = t.tax,
    total = t.total, cancelled = t.cancelled, allocated_total = t.allocated_total,
    unallocated = t.unallocated, reserved = t.reserved, fulfilled = t.fulfilled,
    is_custom = t.is_custom, no_shipping = t.no_shipping, sku = t.sku, name = t.name,
    external_id = t.external_id, backordered = t.backordered, preordered = t.preordered
FROM (SELECT unnest($1::uuid[]) AS order_id, unnest($2::smallint[]) AS line_no,
             unnest($3::integer[]) AS quantity, unnest($4::bigint[]) AS unit_price,
             unnest($5::bigint[]) AS discount, unnest($6::bigint[]) AS tax,
             unnest($7::bigint[]) AS total, unnest($8::integer[]) AS cancelled,
             unnest($9::integer[]) AS allocated_total, unnest($10::integer[]) AS unallocated,
             unnest($11::integer[]) AS reserved, unnest($12::integer[]) AS fulfilled,
             unnest($13::boolean[]) AS is_custom, unnest($14::boolean[]) AS no_shipping,
             unnest($15::text[]) AS sku, unnest($16::text[]) AS name,
             unnest($17::text[]) AS external_id, unnest($18::integer[]) AS backordered,
             unnest($19::integer[]) AS preordered) AS t
WHERE l.order_id = t.order_id AND l.line_no = t.line_no;

-- name: payment_insert
INSERT INTO payment (order_id, id, amount, refunded, paid_at, recorded_at, status, method, reference)
SELECT unnest($1::uuid[]), unnest($2::uuid[]), unnest($3::bigint[]), unnest($4::bigint[]),
       unnest($5::timestamptz[]), unnest($6::timestamptz[]), unnest($7::smallint[]),
       unnest($8::text[]), unnest($9::text[]);

-- name: payment_update
UPDATE payment p
SET amount = t.amount, refunded = t.refunded, paid_at = t.paid_at, status = t.status,
    reference = t.reference
FROM (SELECT unnest($1::uuid[]) AS order_id, unnest($2::uuid[]) AS id,
             unnest($3::bigint[]) AS amount, unnest($4::bigint[]) AS refunded,
             unnest($5::timestamptz[]) AS paid_at, unnest($6::smallint[]) AS status,
             unnest($7::text[]) AS reference) AS t
WHERE p.order_id = t.order_id AND p.id = t.id;

-- name: refund_insert
INSERT INTO refund (order_id, id, payment_id, status, amount, reason, return_id, inspection_id,
                    recorded_at, actor, request_id, provider, approved_by, settled_at, parts,
                    member_id)
SELECT unnest($1::uuid[]), unnest($2::uuid[]), unnest($3::uuid[]), unnest($4::smallint[]),
       unnest($5::bigint[]), unnest($6::text[]), unnest($7::uuid[]), unnest($8::uuid[]),
       unnest($9::timestamptz[]), unnest($10::text[]), unnest($11::uuid[]), unnest($12::smallint[]),
       unnest($13::text[]), unnest($14::timestamptz[]), unnest($15::bytea[]),
       unnest($16::uuid[]);

-- name: refund_update
UPDATE refund r
SET status = t.status, provider = t.provider, approved_by = t.approved_by, attempts = t.attempts,
    error = t.error, next_attempt_at = t.next_attempt_at, settled_at = t.settled_at
FROM (SELECT unnest($1::uuid[]) AS order_id, unnest($2::uuid[]) AS id,
             unnest($3::smallint[]) AS status, unnest($4::smallint[]) AS provider,
             unnest($5::text[]) AS approved_by, unnest($6::integer[]) AS attempts,
             unnest($7::text[]) AS error, unnest($8::timestamptz[]) AS next_attempt_at,
             unnest($9::timestamptz[]) AS settled_at) AS t
WHERE r.order_id = t.order_id AND r.id = t.id;

-- name: hold_insert
INSERT INTO hold (order_id, id, type, reason, actor, placed_at, expires_at, released_at,
                  released_by)
SELECT unnest($1::uuid[]), unnest($2::uuid[]), unnest($3::text[]), unnest($4::text[]),
       unnest($5::text[]), unnest($6::timestamptz[]), unnest($7::timestamptz[]),
       unnest($8::timestamptz[]), unnest($9::text[]);

-- name: hold_release
UPDATE hold h
SET released_at = t.released_at, released_by = t.released_by
FROM (SELECT unnest($1::uuid[]) AS order_id, unnest($2::uuid[]) AS id,
             unnest($3::timestamptz[]) AS released_at, unnest($4::text[]) AS released_by) AS t
WHERE h.order_id = t.order_id AND h.id = t.id;

-- name: return_upsert
INSERT INTO order_return (order_id, return_id, is_open)
SELECT unnest($1::uuid[]), unnest($2::uuid[]), unnest($3::boolean[])
ON CONFLICT (order_id, return_id) DO UPDATE SET is_open = excluded.is_open;

-- name: inspection_insert
INSERT INTO inspection (order_id, inspection_id, return_id, refund_due)
SELECT unnest($1::uuid[]), unnest($2::uuid[]), unnest($3::uuid[]), unnest($4::bigint[]);

-- name: timeline_insert
INSERT INTO timeline (order_id, version, occurred_at, source, type, actor, detail)
SELECT unnest($1::uuid[]), unnest($2::bigint[]), unnest($3::timestamptz[]), unnest($4::text[]),
       unnest($5::text[]), unnest($6::text[]), unnest($7::text[]);

-- name: number_insert
INSERT INTO order_number (number, order_id) SELECT unnest($1::text[]), unnest($2::uuid[]);

-- name: external_insert
INSERT INTO order_external (channel, external_id, order_id, content_hash, answer)
SELECT unnest($1::text[]), unnest($2::text[]), unnest($3::uuid[]), unnest($4::uuid[]),
       unnest($5::bytea[]);

-- name: external_import
INSERT INTO order_external (channel, external_id, order_id, source_updated_at_us,
                            source_triggered_at_ns, source_body_hash, source_content_hash,
                            financial_status)
SELECT unnest($1::text[]), unnest($2::text[]), unnest($3::uuid[]), unnest($4::bigint[]),
       unnest($5::bigint[]), unnest($6::text[]), unnest($7::uuid[]), unnest($8::text[])
ON CONFLICT (channel, external_id) DO UPDATE
SET source_updated_at_us = excluded.source_updated_at_us,
    source_triggered_at_ns = excluded.source_triggered_at_ns,
    source_body_hash = excluded.source_body_hash,
    source_content_hash = excluded.source_content_hash,
    financial_status = excluded.financial_status;

-- ---- channels ----

-- name: channels_by_name
SELECT name, number_prefix, confirms_manually, next_number, unpaid_minutes
FROM channel WHERE name = ANY($1::text[]);

-- Guarded by the number that it was decided from.
-- name: channel_take_numbers
UPDATE channel SET next_number = $3 WHERE name = $1 AND next_number = $2;

-- name: channel_by_prefix
SELECT name, number_prefix, confirms_manually, next_number, unpaid_minutes
FROM channel WHERE number_prefix = $1;

-- name: channel_upsert
INSERT INTO channel (name, number_prefix, confirms_manually, next_number) VALUES ($1, $2, $3, 100001)
ON CONFLICT (name) DO UPDATE SET number_prefix = excluded.number_prefix,
                                 confirms_manually = excluded.confirms_manually;

-- ---- reading orders ----

-- name: externals_by_key
SELECT e.channel, e.external_id, e.order_id, e.content_hash, e.answer, e.source_updated_at_us,
       e.source_triggered_at_ns, e.source_body_hash, e.source_content_hash
FROM unnest($1::text[], $2::text[]) AS k (channel, external_id)
JOIN order_external e ON e.channel = k.channel AND e.external_id = k.external_id;

-- name: order_id_by_number
SELECT order_id FROM order_number WHERE number = $1;

-- name: order_id_by_external
SELECT order_id FROM order_external WHERE channel = $1 AND external_id = $2;

-- An external id without its channel: there are few channels.
-- name: order_ids_by_external
SELECT e.order_id FROM channel c
JOIN order_external e ON e.channel = c.name AND e.external_id = $1;

-- name: orders_by_id
SELECT id, placed_at, created_at, updated_at, confirmed_at, cancelled_at, completed_at, edited_at, version,
       items_total, discount_total, shipping_total, tax_total, charges_total, total, current_total,
       cancelled_value, returned_value, captured_total, refunded_total, hold_count, status,
       payment_status, fulfillment_status, return_status, stock_policy, prices_include_tax, number,
       channel, external_id, external_number, currency, locale, country, cancel_reason, created_by,
       customer_id, customer_external_id, customer_name, email, phone, details, root_id
FROM orders WHERE id = ANY($1::uuid[]) ORDER BY id;

-- name: lines_by_order
SELECT order_id, id, quantity, unit_price, discount, tax, total, cancelled, allocated_total,
       picked_total, packed_total, shipped_total, delivered_total, returned_total, unallocated,
       backordered, preordered, reserved, picked, packed, fulfilled, delivered, returned, line_no,
       is_custom, no_shipping, sku, name, external_id, origin_id, preordered_total,
       backordered_total, promised_at
FROM order_line WHERE order_id = ANY($1::uuid[]) ORDER BY order_id, line_no;

-- name: payments_by_order
SELECT order_id, id, amount, refunded, paid_at, recorded_at, status, method, reference
FROM payment WHERE order_id = ANY($1::uuid[]) ORDER BY order_id, id;

-- name: refunds_by_order
SELECT order_id, id, payment_id, status, amount, reason, return_id, inspection_id, recorded_at,
       actor, request_id, provider, approved_by, attempts, error, next_attempt_at,
       settled_at, parts, member_id
FROM refund WHERE order_id = ANY($1::uuid[]) ORDER BY order_id, id;

-- name: holds_by_order
SELECT order_id, id, type, reason, actor, placed_at, expires_at, released_at, released_by
FROM hold WHERE order_id = ANY($1::uuid[]) ORDER BY order_id, id;

-- name: returns_by_order
SELECT order_id, return_id, is_open
FROM order_return WHERE order_id = ANY($1::uuid[]) ORDER BY order_id, return_id;

-- name: inspections_by_order
SELECT order_id, inspection_id, return_id, refund_due
FROM inspection WHERE order_id = ANY($1::uuid[]) ORDER BY order_id, inspection_id;

-- Of the allocations that inventory tells, those that are not what the lines say already: an order
-- that was placed with its stock held has them from its first day.
-- name: orders_allocated_otherwise
SELECT DISTINCT t.order_id
FROM (SELECT unnest($1::uuid[]) AS order_id, unnest($2::uuid[]) AS line_id,
             unnest($3::integer[]) AS allocated_total) AS t
LEFT JOIN order_line l ON l.order_id = t.order_id AND l.id = t.line_id
WHERE l.allocated_total IS DISTINCT FROM t.allocated_total;

-- name: holds_expired
SELECT DISTINCT order_id FROM (
    SELECT order_id FROM hold
    WHERE released_at IS NULL AND expires_at IS NOT NULL AND expires_at <= $1
    ORDER BY expires_at LIMIT 200) AS due;

-- ---- the timeline ----

-- name: timeline_page
SELECT version, occurred_at, source, type, actor, detail
FROM timeline WHERE order_id = $1 AND version > $2 ORDER BY version LIMIT $3;
