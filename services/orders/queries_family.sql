-- Families: orders that were split. Only they cost any of this.

-- name: families_by_root
SELECT root_id, letter, order_id, parent_id FROM order_family
WHERE root_id = ANY ($1::uuid[]) ORDER BY root_id, letter;

-- name: family_insert
INSERT INTO order_family (root_id, letter, order_id, parent_id)
SELECT unnest($1::uuid[]), unnest($2::integer[]), unnest($3::uuid[]), unnest($4::uuid[])
ON CONFLICT (root_id, letter) DO NOTHING;

-- name: family_mark
UPDATE orders o SET root_id = t.root_id
FROM (SELECT unnest($1::uuid[]) AS id, unnest($2::uuid[]) AS root_id) AS t
WHERE o.id = t.id;

-- A line that begins as part of another.
-- name: line_part_insert
INSERT INTO order_line (order_id, id, origin_id, quantity, unit_price, discount, tax, total, cancelled,
                        allocated_total, preordered_total, backordered_total, promised_at,
                        unallocated, backordered, preordered, reserved, fulfilled, line_no, is_custom,
                        no_shipping, sku, name, external_id)
SELECT unnest($1::uuid[]), unnest($2::uuid[]), unnest($3::uuid[]), unnest($4::integer[]),
       unnest($5::bigint[]), unnest($6::bigint[]), unnest($7::bigint[]), unnest($8::bigint[]),
       unnest($9::integer[]), unnest($10::integer[]), unnest($11::integer[]),
       unnest($12::integer[]), unnest($13::timestamptz[]), unnest($14::integer[]),
       unnest($15::integer[]), unnest($16::integer[]), unnest($17::integer[]),
       unnest($18::integer[]), unnest($19::smallint[]), unnest($20::boolean[]),
       unnest($21::boolean[]), unnest($22::text[]), unnest($23::text[]), unnest($24::text[]);

-- Quantity, amounts and terms move together: the line identity holds in every row.
-- name: line_resize
UPDATE order_line l
SET quantity = t.quantity, discount = t.discount, tax = t.tax, total = t.total,
    cancelled = t.cancelled, allocated_total = t.allocated_total,
    preordered_total = t.preordered_total, backordered_total = t.backordered_total,
    promised_at = t.promised_at, unallocated = t.unallocated, backordered = t.backordered,
    preordered = t.preordered, reserved = t.reserved, picked = t.picked, packed = t.packed,
    fulfilled = t.fulfilled, delivered = t.delivered, returned = t.returned
FROM (SELECT unnest($1::uuid[]) AS order_id, unnest($2::smallint[]) AS line_no,
             unnest($3::integer[]) AS quantity, unnest($4::bigint[]) AS discount,
             unnest($5::bigint[]) AS tax, unnest($6::bigint[]) AS total,
             unnest($7::integer[]) AS cancelled, unnest($8::integer[]) AS allocated_total,
             unnest($9::integer[]) AS preordered_total, unnest($10::integer[]) AS backordered_total,
             unnest($11::timestamptz[]) AS promised_at, unnest($12::integer[]) AS unallocated,
             unnest($13::integer[]) AS backordered, unnest($14::integer[]) AS preordered,
             unnest($15::integer[]) AS reserved, unnest($16::integer[]) AS picked,
             unnest($17::integer[]) AS packed, unnest($18::integer[]) AS fulfilled,
             unnest($19::integer[]) AS delivered, unnest($20::integer[]) AS returned) AS t
WHERE l.order_id = t.order_id AND l.line_no = t.line_no;

-- What a line waits for, as inventory tells.
-- name: line_ahead
UPDATE order_line l
SET preordered_total = t.preordered_total, backordered_total = t.backordered_total,
    promised_at = t.promised_at
FROM (SELECT unnest($1::uuid[]) AS order_id, unnest($2::smallint[]) AS line_no,
             unnest($3::integer[]) AS preordered_total, unnest($4::integer[]) AS backordered_total,
             unnest($5::timestamptz[]) AS promised_at) AS t
WHERE l.order_id = t.order_id AND l.line_no = t.line_no;
