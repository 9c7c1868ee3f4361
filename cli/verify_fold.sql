-- Logs and rows, page by page or for a slice of all orders. A slice is those whose id, or an event
-- whose key, ends within some hexadecimal digits: ids are random there.

-- name: totals_page
SELECT o.id, o.number, o.currency, o.prices_include_tax, o.items_total, o.discount_total,
       o.shipping_total, o.tax_total, o.charges_total, o.total, o.details,
       coalesce(l.price, 0)::bigint AS lines_price, coalesce(l.discount, 0)::bigint AS lines_discount,
       coalesce(l.tax, 0)::bigint AS lines_tax, coalesce(l.total, 0)::bigint AS lines_total
FROM (SELECT * FROM orders.orders
      WHERE id > coalesce($1, '00000000-0000-0000-0000-000000000000'::uuid)
      ORDER BY id LIMIT 10000) AS o
LEFT JOIN LATERAL (SELECT sum(unit_price * quantity) AS price, sum(discount) AS discount,
                          sum(tax) AS tax, sum(total) AS total
                   FROM orders.order_line WHERE order_id = o.id) AS l ON true
ORDER BY o.id;

-- ---- cursors ----

-- How far each consumer has read each log; a log is read to its head by its owner.
-- name: fold_cursors
SELECT c.consumer, c.source, c.position FROM (
    SELECT 'orders' AS consumer, source, position FROM orders.cursor
    UNION ALL SELECT 'inventory', source, position FROM inventory.cursor
    UNION ALL SELECT 'fulfillment', source, position FROM fulfillment.cursor
    UNION ALL SELECT 'returns', source, position FROM returns.cursor
    UNION ALL SELECT 'notify', source, position FROM notify.cursor
) AS c
UNION ALL SELECT 'orders', 'orders', coalesce(max(position), 0) FROM orders.event
UNION ALL SELECT 'inventory', 'inventory', coalesce(max(position), 0) FROM inventory.event
UNION ALL SELECT 'fulfillment', 'fulfillment', coalesce(max(position), 0) FROM fulfillment.event
UNION ALL SELECT 'returns', 'returns', coalesce(max(position), 0) FROM returns.event;

-- name: fold_parked
SELECT DISTINCT consumer, key FROM (
    SELECT 'orders' AS consumer, key FROM orders.parked
    UNION ALL SELECT 'inventory', key FROM inventory.parked
    UNION ALL SELECT 'fulfillment', key FROM fulfillment.parked
    UNION ALL SELECT 'returns', key FROM returns.parked
    UNION ALL SELECT 'notify', key FROM notify.parked
) AS p;

-- ---- logs: positions beyond $1 up to $2, keys that end in $3 up to, but not with, $4 ----

-- name: fold_log_orders
SELECT position, type, key, payload FROM orders.event
WHERE position > $1 AND position <= $2
  AND right(key, 2) COLLATE "C" >= $3 AND right(key, 2) COLLATE "C" < $4
ORDER BY position;

-- name: fold_log_inventory
SELECT position, type, key, payload FROM inventory.event
WHERE position > $1 AND position <= $2
  AND right(key, 2) COLLATE "C" >= $3 AND right(key, 2) COLLATE "C" < $4
ORDER BY position;

-- name: fold_log_fulfillment
SELECT position, type, key, payload FROM fulfillment.event
WHERE position > $1 AND position <= $2
  AND right(key, 2) COLLATE "C" >= $3 AND right(key, 2) COLLATE "C" < $4
ORDER BY position;

-- name: fold_log_returns
SELECT position, type, key, payload FROM returns.event
WHERE position > $1 AND position <= $2
  AND right(key, 2) COLLATE "C" >= $3 AND right(key, 2) COLLATE "C" < $4
ORDER BY position;

-- ---- rows of orders ----

-- name: fold_orders
SELECT id, number, status::int, total, root_id, coalesce(refunds, 0)::bigint AS refunds,
       coalesce(later_refunds, 0)::bigint AS later_refunds
FROM orders.orders o
LEFT JOIN LATERAL (SELECT sum(amount) AS refunds,
                          sum(amount) FILTER (WHERE recorded_at > o.created_at) AS later_refunds
                   FROM (SELECT amount, recorded_at FROM orders.refund
                         WHERE order_id = o.id AND member_id IS NULL AND status = 4
                         UNION ALL
                         SELECT amount, recorded_at FROM orders.refund
                         WHERE member_id = o.id AND status = 4) AS r) AS r ON true
WHERE id > coalesce($1, '00000000-0000-0000-0000-000000000000'::uuid)
  AND right(id::text, 2) COLLATE "C" >= $2 AND right(id::text, 2) COLLATE "C" < $3
ORDER BY id LIMIT 10000;

-- name: fold_order_lines
SELECT order_id, id, line_no::int, quantity, cancelled, allocated_total, picked_total, packed_total,
       shipped_total, delivered_total, returned_total
FROM orders.order_line
WHERE (order_id, line_no) > (coalesce($1, '00000000-0000-0000-0000-000000000000'::uuid), $2::int)
  AND right(order_id::text, 2) COLLATE "C" >= $3 AND right(order_id::text, 2) COLLATE "C" < $4
ORDER BY order_id, line_no LIMIT 10000;

-- name: fold_order_returns
SELECT order_id, return_id, is_open FROM orders.order_return
WHERE right(order_id::text, 2) COLLATE "C" >= $1 AND right(order_id::text, 2) COLLATE "C" < $2;

-- name: fold_inspections
SELECT order_id, inspection_id, refund_due FROM orders.inspection
WHERE right(order_id::text, 2) COLLATE "C" >= $1 AND right(order_id::text, 2) COLLATE "C" < $2;

-- ---- rows of inventory ----

-- name: fold_levels
SELECT level_id, sku, location FROM inventory.level;

-- The arrays as text, so that they compare with what is packed.
-- name: fold_order_stock
SELECT s.order_id, s.allocated,
       coalesce((SELECT string_agg(format('%s:%s:%s', u.line, u.level, u.units), ' '
                                   ORDER BY u.line, u.level)
                 FROM unnest(s.lines, s.levels, s.quantities) AS u (line, level, units)), '') AS live
FROM inventory.order_stock s
WHERE s.order_id > coalesce($1, '00000000-0000-0000-0000-000000000000'::uuid)
  AND right(s.order_id::text, 2) COLLATE "C" >= $2 AND right(s.order_id::text, 2) COLLATE "C" < $3
ORDER BY s.order_id LIMIT 10000;

-- name: fold_backorders
SELECT order_id, string_agg(format('%s:%s:%s', line, quantity, sku), ' ' ORDER BY line, sku) AS waits
FROM inventory.backorder
WHERE right(order_id::text, 2) COLLATE "C" >= $1 AND right(order_id::text, 2) COLLATE "C" < $2
GROUP BY order_id;

-- What left for orders, and what came back for returns.
-- name: fold_moves_shipped
SELECT cause_id, level_id, cause::int, to_bucket::int, sum(quantity)::bigint AS units
FROM inventory.movement
WHERE cause = 6
  AND right(cause_id::text, 2) COLLATE "C" >= $1 AND right(cause_id::text, 2) COLLATE "C" < $2
GROUP BY cause_id, level_id, cause, to_bucket;

-- name: fold_moves_returned
SELECT cause_id, level_id, cause::int, to_bucket::int, sum(quantity)::bigint AS units
FROM inventory.movement WHERE cause = 7
GROUP BY cause_id, level_id, cause, to_bucket;

-- name: fold_holds
SELECT hold_id, coalesce(claim_id, hold_id) AS known_as FROM inventory.hold WHERE asker IS NOT NULL;

-- ---- rows of fulfillment ----

-- name: fold_work
SELECT order_id, number, lines, is_confirmed, is_on_hold, is_cancelled, is_withheld
FROM fulfillment.sales_order
WHERE order_id > coalesce($1, '00000000-0000-0000-0000-000000000000'::uuid)
  AND right(order_id::text, 2) COLLATE "C" >= $2 AND right(order_id::text, 2) COLLATE "C" < $3
ORDER BY order_id LIMIT 10000;

-- name: fold_work_lines
SELECT f.order_id, l.order_line_id, sum(l.allocated - l.cancelled)::bigint AS allocated,
       sum(l.picked)::bigint AS picked, sum(l.packed)::bigint AS packed,
       sum(l.shipped)::bigint AS shipped
FROM fulfillment.fulfillment_line l
JOIN fulfillment.fulfillment_order f ON f.id = l.fulfillment_id
WHERE right(f.order_id::text, 2) COLLATE "C" >= $1 AND right(f.order_id::text, 2) COLLATE "C" < $2
GROUP BY f.order_id, l.order_line_id;

-- name: fold_stops
SELECT hold_id, hold_id AS known_as FROM fulfillment.stop;

-- ---- rows of returns ----

-- name: fold_sales
SELECT order_id, number, lines FROM returns.sold_order
WHERE order_id > coalesce($1, '00000000-0000-0000-0000-000000000000'::uuid)
  AND right(order_id::text, 2) COLLATE "C" >= $2 AND right(order_id::text, 2) COLLATE "C" < $3
ORDER BY order_id LIMIT 10000;

-- name: fold_shipped_lines
SELECT order_id, order_line_id, shipped::bigint, delivered::bigint FROM returns.shipped_line
WHERE right(order_id::text, 2) COLLATE "C" >= $1 AND right(order_id::text, 2) COLLATE "C" < $2;

-- name: fold_return_lines
SELECT r.order_id, l.order_line_id, sum(l.restocked + l.quarantined + l.scrapped)::bigint AS inspected
FROM returns.return_line l JOIN returns.return_order r ON r.id = l.return_id
WHERE right(r.order_id::text, 2) COLLATE "C" >= $1 AND right(r.order_id::text, 2) COLLATE "C" < $2
GROUP BY r.order_id, l.order_line_id;

-- name: fold_own_inspections
SELECT r.order_id, i.id AS inspection_id, i.refund_minor AS refund_due
FROM returns.inspection i JOIN returns.return_order r ON r.id = i.return_id
WHERE right(r.order_id::text, 2) COLLATE "C" >= $1 AND right(r.order_id::text, 2) COLLATE "C" < $2;

-- ---- rows of notify ----

-- name: fold_messages
SELECT order_id, kind::int, count(*) AS number FROM notify.message
WHERE right(order_id::text, 2) COLLATE "C" >= $1 AND right(order_id::text, 2) COLLATE "C" < $2
GROUP BY order_id, kind;
