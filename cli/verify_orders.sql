-- What holds in the schemas of orders, fulfillment and returns, each for itself.

-- ---- order.lines ----

-- name: order_lines_identity
SELECT what, count(*) OVER () AS number FROM (
    SELECT format('order %s line %s: ordered %s, but cancelled %s + fulfilled %s + unallocated %s'
                  ' + backordered %s + preordered %s + reserved %s + picked %s + packed %s; delivered'
                  ' %s, returned %s', order_id, line_no, quantity, cancelled, fulfilled, unallocated,
                  backordered, preordered, reserved, picked, packed, delivered, returned) AS what
    FROM orders.order_line
    WHERE quantity <> cancelled + fulfilled + unallocated + backordered + preordered + reserved
                      + picked + packed
       OR least(quantity, cancelled, fulfilled, unallocated, backordered, preordered, reserved, picked,
                packed, delivered, returned) < 0
       OR returned > fulfilled OR delivered > fulfilled
    UNION ALL
    SELECT format('line %s of order %s belongs to no order', l.id, l.order_id)
    FROM orders.order_line l LEFT JOIN orders.orders o ON o.id = l.order_id WHERE o.id IS NULL
    UNION ALL
    SELECT format('order %s has no lines', o.id)
    FROM orders.orders o LEFT JOIN orders.order_line l ON l.order_id = o.id WHERE l.id IS NULL
) AS d ORDER BY what LIMIT 20;

-- The terms of a tracked line follow from the totals that the logs tell: who is furthest along the way
-- has its units first. A line that nobody picks is done with the rest of a confirmed order.
-- name: order_lines_terms
SELECT what, count(*) OVER () AS number FROM (
    SELECT format('order %s line %s: fulfilled %s packed %s picked %s reserved %s unallocated %s'
                  ' delivered %s returned %s, which do not follow from shipped %s packed %s picked %s'
                  ' allocated %s delivered %s returned %s of %s', l.order_id, l.line_no, l.fulfilled,
                  l.packed, l.picked, l.reserved, l.unallocated, l.delivered, l.returned,
                  l.shipped_total, l.packed_total, l.picked_total, l.allocated_total,
                  l.delivered_total, l.returned_total, l.quantity - l.cancelled) AS what
    FROM orders.order_line l
    CROSS JOIN LATERAL (SELECT l.quantity - l.cancelled AS wanted,
                               greatest(l.shipped_total, l.packed_total) AS behind_packed,
                               greatest(l.shipped_total, l.packed_total, l.picked_total)
                               AS behind_picked) AS a
    CROSS JOIN LATERAL (SELECT least(greatest(l.shipped_total, 0), a.wanted) AS fulfilled) AS f
    CROSS JOIN LATERAL (SELECT least(greatest(l.packed_total - l.shipped_total, 0),
                                     a.wanted - f.fulfilled) AS packed) AS p
    CROSS JOIN LATERAL (SELECT least(greatest(l.picked_total - a.behind_packed, 0),
                                     a.wanted - f.fulfilled - p.packed) AS picked) AS k
    CROSS JOIN LATERAL (SELECT least(greatest(l.allocated_total - a.behind_picked, 0),
                                     a.wanted - f.fulfilled - p.packed - k.picked) AS reserved) AS r
    WHERE NOT l.is_custom AND NOT l.no_shipping
      AND (l.fulfilled, l.packed, l.picked, l.reserved, l.backordered + l.preordered + l.unallocated,
           l.delivered, l.returned)
          IS DISTINCT FROM
          (f.fulfilled, p.packed, k.picked, r.reserved,
           a.wanted - f.fulfilled - p.packed - k.picked - r.reserved,
           least(l.delivered_total, f.fulfilled), least(l.returned_total, f.fulfilled))
    UNION ALL
    SELECT format('order %s line %s needs no picking: fulfilled %s, reserved %s, but the order is in'
                  ' state %s with %s units open', l.order_id, l.line_no, l.fulfilled, l.reserved,
                  o.status, s.open)
    FROM orders.order_line l JOIN orders.orders o ON o.id = l.order_id
    CROSS JOIN LATERAL (SELECT coalesce(sum(quantity - cancelled - fulfilled), 0) AS open
                        FROM orders.order_line t
                        WHERE t.order_id = l.order_id AND NOT t.is_custom AND NOT t.no_shipping) AS s
    WHERE (l.is_custom OR l.no_shipping)
      AND (l.unallocated + l.backordered + l.preordered + l.picked + l.packed <> 0
           OR l.fulfilled <> CASE WHEN o.status IN (3, 4, 5) AND s.open = 0
                                  THEN l.quantity - l.cancelled ELSE 0 END)
) AS d ORDER BY what LIMIT 20;

-- What an order was agreed to be is kept for each edit, from what it was placed as on, and by whom.
-- name: order_lines_versions
SELECT what, count(*) OVER () AS number FROM (
    SELECT format('order %s was edited at version %s, which is not kept', t.order_id, t.version) AS what
    FROM orders.timeline t
    LEFT JOIN orders.order_version v ON v.order_id = t.order_id AND v.version = t.version AND v.kind = 'edited'
    WHERE t.type = 'order_edited' AND v.order_id IS NULL
    UNION ALL
    SELECT format('version %s of order %s is no edit that its timeline knows', v.version, v.order_id)
    FROM orders.order_version v
    LEFT JOIN orders.timeline t ON t.order_id = v.order_id AND t.version = v.version AND t.type = 'order_edited'
    WHERE v.kind = 'edited' AND (t.order_id IS NULL OR t.actor <> v.actor OR v.actor = '')
    UNION ALL
    SELECT format('order %s (%s) was edited at %s, and what it was placed as is not kept', o.number, o.id, o.edited_at)
    FROM orders.orders o
    LEFT JOIN orders.order_version v ON v.order_id = o.id AND v.version = 1
    WHERE o.edited_at IS NOT NULL AND v.order_id IS NULL
    UNION ALL
    SELECT format('order %s has a version %s beyond its own, %s', v.order_id, v.version, coalesce(o.version, 0))
    FROM orders.order_version v LEFT JOIN orders.orders o ON o.id = v.order_id
    WHERE o.id IS NULL OR v.version > o.version
) AS d ORDER BY what LIMIT 20;

-- ---- order.status ----

-- name: order_status
SELECT what, count(*) OVER () AS number FROM (
    SELECT format('order %s (%s) says fulfillment %s and return %s, its quantities %s and %s', o.number,
                  o.id, o.fulfillment_status, o.return_status, d.fulfillment, d.returning) AS what
    FROM orders.orders o
    JOIN (SELECT order_id, sum(returned) AS returned, sum(fulfilled) AS fulfilled,
                 sum(quantity - cancelled - fulfilled) AS open,
                 count(*) FILTER (WHERE t AND quantity > 0) AS tracked,
                 coalesce(sum(fulfilled) FILTER (WHERE t), 0) AS t_fulfilled,
                 coalesce(sum(delivered) FILTER (WHERE t), 0) AS t_delivered,
                 coalesce(sum(quantity - cancelled - fulfilled) FILTER (WHERE t), 0) AS t_open
          FROM (SELECT *, NOT is_custom AND NOT no_shipping AS t FROM orders.order_line) AS x
          GROUP BY order_id) AS l ON l.order_id = o.id
    LEFT JOIN (SELECT order_id, count(*) AS number FROM orders.order_return WHERE is_open
               GROUP BY order_id) AS r ON r.order_id = o.id
    CROSS JOIN LATERAL (
        SELECT CASE WHEN l.tracked = 0 THEN 6 WHEN l.t_fulfilled = 0 THEN 1 WHEN l.t_open > 0 THEN 2
                    WHEN l.t_delivered = 0 THEN 3 WHEN l.t_delivered < l.t_fulfilled THEN 4
                    ELSE 5 END AS fulfillment,
               CASE WHEN l.returned > 0 AND l.returned = l.fulfilled AND l.open = 0 THEN 4
                    WHEN l.returned > 0 THEN 3 WHEN r.number > 0 THEN 2 ELSE 1 END AS returning) AS d
    WHERE (o.fulfillment_status, o.return_status) IS DISTINCT FROM (d.fulfillment, d.returning)
    UNION ALL
    SELECT format('order %s (%s) in state %s: confirmed %s, cancelled %s, completed %s, %s units open,'
                  ' %s fulfilled, %s owed', o.number, o.id, o.status, coalesce(o.confirmed_at::text, '-'),
                  coalesce(o.cancelled_at::text, '-'), coalesce(o.completed_at::text, '-'), l.open,
                  l.fulfilled, greatest(0, o.current_total - o.captured_total + o.refunded_total))
    FROM orders.orders o
    JOIN (SELECT order_id, sum(fulfilled) AS fulfilled, sum(quantity - cancelled - fulfilled) AS open
          FROM orders.order_line GROUP BY order_id) AS l ON l.order_id = o.id
    CROSS JOIN LATERAL (SELECT l.open = 0 AND l.fulfilled > 0
                               AND o.current_total <= o.captured_total - o.refunded_total) AS c (is_done)
    WHERE (o.status = 6) <> (o.cancelled_at IS NOT NULL)
       OR (o.status IN (3, 4) AND o.confirmed_at IS NULL)
       OR (o.status = 4) <> (o.completed_at IS NOT NULL AND o.status = 4)
       OR (o.status = 6 AND (l.open > 0 OR l.fulfilled > 0))
       OR (o.status = 4 AND NOT c.is_done) OR (o.status = 3 AND c.is_done)
    UNION ALL
    SELECT format('order %s (%s) counts %s standing holds and has %s', o.number, o.id, o.hold_count,
                  coalesce(h.number, 0))
    FROM orders.orders o
    LEFT JOIN (SELECT order_id, count(*) AS number FROM orders.hold WHERE released_at IS NULL
               GROUP BY order_id) AS h ON h.order_id = o.id
    WHERE o.hold_count <> coalesce(h.number, 0)
) AS d ORDER BY what LIMIT 20;

-- The status of a fulfillment order follows from its lines and from what is known of the order.
-- name: order_status_work
SELECT what, count(*) OVER () AS number FROM (
    SELECT format('fulfillment order %s of order %s says %s, its lines %s', f.id, f.order_id, f.status,
                  d.status) AS what
    FROM fulfillment.fulfillment_order f
    JOIN fulfillment.sales_order s ON s.order_id = f.order_id
    JOIN (SELECT fulfillment_id, sum(allocated - cancelled) AS allocated, sum(picked) AS picked,
                 sum(packed) AS packed, sum(shipped) AS shipped
          FROM fulfillment.fulfillment_line GROUP BY fulfillment_id) AS l ON l.fulfillment_id = f.id
    CROSS JOIN LATERAL (
        SELECT CASE WHEN l.allocated = l.shipped AND l.shipped = 0 THEN 14
                    WHEN l.allocated = l.shipped AND f.delivered = l.shipped THEN 11
                    WHEN l.allocated = l.shipped THEN 10
                    WHEN NOT s.is_confirmed THEN 1 WHEN s.is_on_hold THEN 3
                    WHEN l.packed = l.allocated THEN 8 WHEN l.packed > l.shipped THEN 7
                    WHEN l.picked = l.allocated THEN 6 WHEN l.picked > l.shipped THEN 5
                    ELSE 2 END AS status) AS d
    WHERE f.status <> d.status
    UNION ALL
    SELECT format('fulfillment order %s belongs to order %s, which is not known', f.id, f.order_id)
    FROM fulfillment.fulfillment_order f LEFT JOIN fulfillment.sales_order s ON s.order_id = f.order_id
    WHERE s.order_id IS NULL
    UNION ALL
    SELECT format('return %s (%s) is in state %s with %s units received and %s inspected', r.number,
                  r.id, r.status, l.received, l.inspected)
    FROM returns.return_order r
    JOIN (SELECT return_id, sum(received) AS received,
                 sum(restocked + quarantined + scrapped) AS inspected,
                 bool_or(received > restocked + quarantined + scrapped) AS has_more
          FROM returns.return_line GROUP BY return_id) AS l ON l.return_id = r.id
    WHERE (r.status IN (1, 2, 3, 7, 8, 9) AND l.received > 0)
       OR (r.status = 4 AND NOT l.has_more) OR (r.status = 5 AND (l.has_more OR l.inspected = 0))
) AS d ORDER BY what LIMIT 20;

-- ---- order.once ----

-- name: order_once
SELECT what, count(*) OVER () AS number FROM (
    SELECT format('%s orders have the number %s', count(*), number) AS what
    FROM orders.orders GROUP BY number HAVING count(*) > 1
    UNION ALL
    SELECT format('%s orders are %s of channel %s', count(*), external_id, channel)
    FROM orders.orders WHERE external_id <> '' GROUP BY channel, external_id HAVING count(*) > 1
    UNION ALL
    SELECT format('order %s is not the one that its number %s names', o.id, o.number)
    FROM orders.orders o LEFT JOIN orders.order_number n ON n.number = o.number
    WHERE n.order_id IS DISTINCT FROM o.id
    UNION ALL
    SELECT format('the number %s names order %s, which does not exist', n.number, n.order_id)
    FROM orders.order_number n LEFT JOIN orders.orders o ON o.id = n.order_id WHERE o.id IS NULL
    UNION ALL
    SELECT format('order %s is not the one that %s of channel %s names', o.id, o.external_id, o.channel)
    FROM orders.orders o
    LEFT JOIN orders.order_external x ON x.channel = o.channel AND x.external_id = o.external_id
    WHERE o.external_id <> '' AND x.order_id IS DISTINCT FROM o.id
    UNION ALL
    SELECT format('%s of channel %s names order %s, which does not exist', x.external_id, x.channel,
                  x.order_id)
    FROM orders.order_external x LEFT JOIN orders.orders o ON o.id = x.order_id WHERE o.id IS NULL
    UNION ALL
    SELECT format('%s orders adopted stock of the same command: %s', count(*),
                  string_agg(order_id::text, ', '))
    FROM inventory.order_stock WHERE command_key IS NOT NULL
    GROUP BY command_key
    HAVING count(*) > 1 AND max(decided_at) - min(decided_at) < interval '7 days'
    UNION ALL
    SELECT format('order %s has the number %s, beyond the counter of %s at %s', o.id, o.number, c.name,
                  c.next_number)
    FROM orders.orders o JOIN orders.channel c ON c.name = o.channel
    WHERE o.number ~ '-[0-9]{1,18}$' AND substring(o.number from '-([0-9]+)$')::bigint >= c.next_number
) AS d ORDER BY what LIMIT 20;

-- ---- money ----

-- What was given back, is on its way or is owed after a failure never exceeds what was taken, per
-- payment, per order and per inspection.
-- name: money_refund
SELECT what, count(*) OVER () AS number FROM (
    SELECT format('payment %s of order %s: %s captured, %s refunded', p.id, p.order_id,
                  CASE WHEN p.status = 3 THEN p.amount ELSE 0 END, r.amount) AS what
    FROM orders.payment p
    JOIN (SELECT order_id, payment_id, sum(amount) AS amount FROM orders.refund
          WHERE status <> 6 GROUP BY order_id, payment_id) AS r
         ON r.order_id = p.order_id AND r.payment_id = p.id
    WHERE r.amount > CASE WHEN p.status = 3 THEN p.amount ELSE 0 END
    UNION ALL
    SELECT format('order %s (%s): %s captured, %s refunded', number, id, captured_total, refunded_total)
    FROM orders.orders WHERE refunded_total > captured_total
    UNION ALL
    SELECT format('inspection %s of order %s made %s due, but %s was refunded for it', i.inspection_id,
                  i.order_id, i.refund_due, r.amount)
    FROM orders.inspection i
    JOIN (SELECT inspection_id, sum(amount) AS amount FROM orders.refund
          WHERE inspection_id IS NOT NULL GROUP BY inspection_id) AS r
         ON r.inspection_id = i.inspection_id
    WHERE r.amount > i.refund_due
    UNION ALL
    SELECT format('refund %s of order %s is of inspection %s, which is not known', r.id, r.order_id,
                  r.inspection_id)
    FROM orders.refund r LEFT JOIN orders.inspection i ON i.inspection_id = r.inspection_id
    WHERE r.inspection_id IS NOT NULL AND i.inspection_id IS NULL
) AS d ORDER BY what LIMIT 20;

-- What was one order is whole: its members' parts of the ledger sum to it, and nobody but the root has
-- payments. What each member costs is told by its log, see the fold.
-- name: order_family
SELECT what, count(*) OVER () AS number FROM (
    SELECT format('family of %s: %s captured and %s refunded, its members say %s and %s', f.root_id,
                  coalesce(p.captured, 0), coalesce(p.refunded, 0), f.captured, f.refunded) AS what
    FROM (SELECT m.root_id, sum(o.captured_total) AS captured, sum(o.refunded_total) AS refunded
          FROM orders.order_family m JOIN orders.orders o ON o.id = m.order_id
          GROUP BY m.root_id) AS f
    LEFT JOIN (SELECT order_id, sum(amount) FILTER (WHERE status = 3) AS captured,
                      sum(refunded) AS refunded
               FROM orders.payment GROUP BY order_id) AS p ON p.order_id = f.root_id
    WHERE (f.captured, f.refunded) <> (coalesce(p.captured, 0), coalesce(p.refunded, 0))
    UNION ALL
    SELECT format('order %s (%s) says its family is that of %s, which knows %s', o.number, o.id,
                  coalesce(o.root_id::text, '-'), coalesce(m.root_id::text, '-'))
    FROM orders.orders o FULL JOIN orders.order_family m ON m.order_id = o.id
    WHERE o.root_id IS DISTINCT FROM m.root_id
    UNION ALL
    SELECT format('%s %s has %s of its own, beside its family''s', o.number, o.id, x.what)
    FROM orders.orders o
    JOIN (SELECT order_id, 'a payment' AS what FROM orders.payment
          UNION ALL SELECT order_id, 'a refund' FROM orders.refund) AS x ON x.order_id = o.id
    WHERE o.root_id <> o.id
    UNION ALL
    SELECT format('child %s of %s is numbered %s', m.order_id, r.number, o.number)
    FROM orders.order_family m JOIN orders.orders o ON o.id = m.order_id
    JOIN orders.orders r ON r.id = m.root_id
    WHERE m.letter > 0 AND o.number !~ ('^' || r.number || '-[A-Z]+$')
    UNION ALL
    SELECT format('%s (%s) has %s captured where it costs less, and %s (%s) of its family still lacks %s',
                  a.number, a.id, a.captured_total, b.number, b.id,
                  b.current_total - b.captured_total + b.refunded_total)
    FROM orders.orders a JOIN orders.orders b ON b.root_id = a.root_id AND b.id <> a.id
    WHERE a.captured_total - a.refunded_total > a.current_total
      AND a.captured_total > greatest(a.refunded_total, a.total - a.cancelled_value - a.returned_value)
      AND b.current_total > b.captured_total - b.refunded_total
) AS d ORDER BY what LIMIT 20;

-- name: money_ledger
SELECT what, count(*) OVER () AS number FROM (
    SELECT format('payment %s of order %s says %s refunded, its refunds %s', p.id, p.order_id,
                  p.refunded, coalesce(r.amount, 0)) AS what
    FROM orders.payment p
    LEFT JOIN (SELECT order_id, payment_id, sum(amount) AS amount FROM orders.refund WHERE status <> 6
               GROUP BY order_id, payment_id) AS r ON r.order_id = p.order_id AND r.payment_id = p.id
    WHERE p.refunded <> coalesce(r.amount, 0)
    UNION ALL
    SELECT format('order %s (%s) says captured %s, refunded %s, current total %s, returned %s, payment'
                  ' status %s; its ledger %s, %s, %s, %s and %s', o.number, o.id, o.captured_total,
                  o.refunded_total, o.current_total, o.returned_value, o.payment_status, l.captured,
                  l.refunded, m.current_total, i.due, s.status)
    FROM orders.orders o
    LEFT JOIN (SELECT order_id, sum(amount) FILTER (WHERE status = 3) AS captured,
                      sum(refunded) AS refunded, bool_or(status = 2) AS has_authorized,
                      bool_or(status = 1) AS has_pending, bool_or(status = 4) AS has_voided
               FROM orders.payment GROUP BY order_id) AS p ON p.order_id = coalesce(o.root_id, o.id)
    LEFT JOIN (SELECT coalesce(member_id, order_id) AS order_id,
                      sum(amount) FILTER (WHERE status <> 6) AS refunded,
                      sum(amount) FILTER (WHERE status IN (1, 2, 3, 5)) AS open
               FROM orders.refund GROUP BY coalesce(member_id, order_id)) AS w ON w.order_id = o.id
    LEFT JOIN (SELECT order_id, sum(refund_due) AS due FROM orders.inspection GROUP BY order_id) AS n
         ON n.order_id = o.id
    CROSS JOIN LATERAL (SELECT CASE WHEN o.root_id IS NULL THEN coalesce(p.captured, 0)
                                    ELSE o.captured_total END AS captured,
                               coalesce(w.refunded, 0) AS refunded,
                               coalesce(w.refunded, 0) - coalesce(w.open, 0) AS returned) AS l
    CROSS JOIN LATERAL (SELECT coalesce(n.due, 0) AS due) AS i
    CROSS JOIN LATERAL (SELECT greatest(0, o.total - o.cancelled_value - i.due) AS charge) AS c
    CROSS JOIN LATERAL (
        SELECT greatest(0, c.charge - greatest(0, l.refunded - greatest(0, l.captured - c.charge)))
               AS current_total) AS m
    CROSS JOIN LATERAL (
        SELECT CASE WHEN l.returned > 0 AND l.returned >= l.captured THEN 8 WHEN l.returned > 0 THEN 7
                    WHEN l.captured > c.charge THEN 6
                    WHEN l.captured = c.charge AND (l.captured > 0 OR o.total = 0) THEN 5
                    WHEN l.captured > 0 THEN 4 WHEN p.has_authorized THEN 3 WHEN p.has_pending THEN 2
                    WHEN p.has_voided THEN 9 ELSE 1 END AS status) AS s
    WHERE (o.captured_total, o.refunded_total, o.current_total, o.returned_value, o.payment_status)
          IS DISTINCT FROM (l.captured, l.refunded, m.current_total, i.due, s.status)
    UNION ALL
    SELECT format('payment %s belongs to no order', p.id)
    FROM orders.payment p LEFT JOIN orders.orders o ON o.id = p.order_id WHERE o.id IS NULL
) AS d ORDER BY what LIMIT 20;

-- ---- work and returns ----

-- name: fulfillment_quantity
SELECT what, count(*) OVER () AS number FROM (
    SELECT format('fulfillment order %s line %s: allocated %s, cancelled %s, picked %s, packed %s,'
                  ' shipped %s', fulfillment_id, order_line_id, allocated, cancelled, picked, packed,
                  shipped) AS what
    FROM fulfillment.fulfillment_line
    WHERE shipped > packed OR packed > picked OR picked > allocated - cancelled
       OR least(shipped, cancelled) < 0
    UNION ALL
    SELECT format('order %s line %s: %s units in parcels of fulfillment order %s, which has shipped %s',
                  coalesce(p.order_id, l.order_id), coalesce(p.order_line_id, l.order_line_id),
                  coalesce(p.units, 0), coalesce(p.fulfillment_id, l.fulfillment_id),
                  coalesce(l.shipped, 0))
    FROM (SELECT b.order_id, b.fulfillment_id, c.order_line_id, sum(c.quantity) AS units
          FROM fulfillment.parcel b
          JOIN fulfillment.parcel_line c ON c.order_id = b.order_id AND c.parcel_id = b.id
          GROUP BY b.order_id, b.fulfillment_id, c.order_line_id) AS p
    FULL JOIN (SELECT f.order_id, g.fulfillment_id, g.order_line_id, g.shipped
               FROM fulfillment.fulfillment_line g
               JOIN fulfillment.fulfillment_order f ON f.id = g.fulfillment_id
               WHERE g.shipped > 0) AS l
         ON l.fulfillment_id = p.fulfillment_id AND l.order_line_id = p.order_line_id
    WHERE coalesce(p.units, 0) <> coalesce(l.shipped, 0)
    UNION ALL
    SELECT format('%s parcels of order %s have the key "%s"', count(*), order_id, parcel_key)
    FROM fulfillment.parcel GROUP BY order_id, parcel_key HAVING count(*) > 1
    UNION ALL
    SELECT format('fulfillment order %s says %s units delivered, its parcels %s', f.id, f.delivered,
                  coalesce(d.units, 0))
    FROM fulfillment.fulfillment_order f
    LEFT JOIN (SELECT b.fulfillment_id, sum(c.quantity) AS units
               FROM fulfillment.parcel b
               JOIN fulfillment.parcel_line c ON c.order_id = b.order_id AND c.parcel_id = b.id
               WHERE b.status IN (5, 7) GROUP BY b.fulfillment_id) AS d ON d.fulfillment_id = f.id
    WHERE f.delivered <> coalesce(d.units, 0)
) AS d ORDER BY what LIMIT 20;

-- name: return_quantity
SELECT what, count(*) OVER () AS number FROM (
    SELECT format('return %s line %s: requested %s, received %s, restocked %s, quarantined %s,'
                  ' scrapped %s', return_id, line_no, requested, received, restocked, quarantined,
                  scrapped) AS what
    FROM returns.return_line
    WHERE received > requested OR restocked + quarantined + scrapped > received
       OR least(received, restocked, quarantined, scrapped) < 0
    UNION ALL
    SELECT format('order %s line %s: %s units returned of %s shipped', r.order_id, l.order_line_id,
                  sum(l.received), coalesce(min(s.shipped), 0))
    FROM returns.return_line l JOIN returns.return_order r ON r.id = l.return_id
    LEFT JOIN returns.shipped_line s
         ON s.order_id = r.order_id AND s.order_line_id = l.order_line_id
    GROUP BY r.order_id, l.order_line_id
    HAVING sum(l.received) > coalesce(min(s.shipped), 0)
    UNION ALL
    SELECT format('return %s made %s due in its inspections and %s on its lines', r.number,
                  coalesce(i.due, 0), coalesce(l.due, 0))
    FROM returns.return_order r
    LEFT JOIN (SELECT return_id, sum(refund_minor) AS due FROM returns.inspection
               GROUP BY return_id) AS i ON i.return_id = r.id
    LEFT JOIN (SELECT return_id, sum(refund_minor) AS due FROM returns.return_line
               GROUP BY return_id) AS l ON l.return_id = r.id
    WHERE coalesce(i.due, 0) <> coalesce(l.due, 0)
) AS d ORDER BY what LIMIT 20;

-- ---- event.actor: every change of an order is told, with who made it ----

-- name: event_actor_orders
SELECT what, count(*) OVER () AS number FROM (
    SELECT format('order %s (%s) is at version %s, its timeline tells %s changes up to %s', o.number,
                  o.id, o.version, coalesce(t.number, 0), coalesce(t.last, 1)) AS what
    FROM orders.orders o
    LEFT JOIN (SELECT order_id, count(*) AS number, max(version) AS last FROM orders.timeline
               GROUP BY order_id) AS t ON t.order_id = o.id
    WHERE o.version <> coalesce(t.number, 0) + 1 OR o.version <> coalesce(t.last, 1)
    UNION ALL
    SELECT format('change %s of order %s (%s) has no actor: "%s"', version, order_id, type, actor)
    FROM orders.timeline WHERE actor !~ '^[a-z]+:.'
    UNION ALL
    SELECT format('refund %s of order %s has no actor: "%s"', id, order_id, actor)
    FROM orders.refund WHERE actor !~ '^[a-z]+:.'
    UNION ALL
    SELECT format('order %s (%s) has no actor: "%s"', number, id, created_by)
    FROM orders.orders WHERE created_by !~ '^[a-z]+:.'
    UNION ALL
    SELECT format('hold %s of order %s has no actor: "%s"', id, order_id, actor)
    FROM orders.hold WHERE actor !~ '^[a-z]+:.'
) AS d ORDER BY what LIMIT 20;

-- ---- event.effect: the search projection ----

-- Once the projection has read the whole log, every order is in a segment, and every segment has the
-- orders that it says.
-- name: event_effect_search
SELECT what, count(*) OVER () AS number FROM (
    WITH indexed AS (
        SELECT s.id AS segment_id,
               encode(substring(d.docs FROM 24 * i + 9 FOR 16), 'hex')::uuid AS order_id
        FROM orders.search_segment s JOIN orders.search_doc d ON d.segment_id = s.id
        CROSS JOIN LATERAL generate_series(0, length(d.docs) / 24 - 1) AS i
        WHERE s.retired_at IS NULL)
    SELECT format('order %s (%s) is not in the search index', o.number, o.id) AS what
    FROM orders.orders o
    WHERE NOT EXISTS (SELECT FROM indexed x WHERE x.order_id = o.id)
      AND (SELECT c.position >= coalesce((SELECT max(position) FROM orders.event), 0)
           FROM orders.cursor c WHERE c.source = 'projection:search_segments')
    UNION ALL
    SELECT format('segment %s of the search index has %s orders instead of %s', s.id,
                  count(x.order_id), s.doc_count)
    FROM orders.search_segment s LEFT JOIN indexed x ON x.segment_id = s.id
    WHERE s.retired_at IS NULL
    GROUP BY s.id, s.doc_count HAVING count(x.order_id) <> s.doc_count
    UNION ALL
    SELECT format('segment %s of the search index has orders and no grams', s.id)
    FROM orders.search_segment s
    WHERE s.retired_at IS NULL
      AND NOT EXISTS (SELECT FROM orders.search_block b WHERE b.segment_id = s.id)
    UNION ALL
    SELECT format('tag %s is counted %s times and on %s orders', coalesce(c.tag, t.tag),
                  coalesce(c.orders, 0), coalesce(t.orders, 0))
    FROM (SELECT tag, orders FROM orders.tag_count WHERE orders <> 0) AS c
    FULL JOIN (SELECT tag, count(*) AS orders FROM orders.order_tag GROUP BY tag) AS t
         ON t.tag = c.tag
    WHERE c.orders IS DISTINCT FROM t.orders
) AS d ORDER BY what LIMIT 20;

-- ---- event.effect: bulk actions ----

-- What a bulk says that it did is what its results say.
-- name: event_effect_bulk
SELECT what, count(*) OVER () AS number FROM (
    SELECT format('bulk %s says %s applied, %s unchanged, %s refused and has %s, %s, %s', b.id, b.applied,
                  b.unchanged, b.refused, r.applied, r.unchanged, r.refused) AS what
    FROM orders.bulk b
    CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE outcome = 1) AS applied,
               count(*) FILTER (WHERE outcome = 2) AS unchanged,
               count(*) FILTER (WHERE outcome = 3) AS refused
        FROM orders.bulk_result WHERE bulk_id = b.id) AS r
    WHERE (b.applied, b.unchanged, b.refused) <> (r.applied, r.unchanged, r.refused)
) AS d ORDER BY what LIMIT 20;

-- An erased customer is nowhere: not in orders, contacts, addresses or messages.
-- name: privacy_erased
SELECT what, count(*) OVER () AS number FROM (
    SELECT format('order %s (%s) still says who its erased customer was', o.number, o.id) AS what
    FROM orders.customer_order c JOIN orders.orders o ON o.id = c.order_id
    WHERE c.is_erased AND (o.customer_name <> '' OR o.email <> '' OR o.phone <> ''
                           OR o.customer_external_id <> '')
    UNION ALL
    SELECT format('customer %s is erased and is still known by something', e.id)
    FROM orders.customer e
    WHERE e.erased_at IS NOT NULL
      AND (EXISTS (SELECT FROM orders.customer_contact k WHERE k.customer_id = e.id)
           OR EXISTS (SELECT FROM orders.customer_address a WHERE a.customer_id = e.id))
) AS d ORDER BY what LIMIT 20;
