-- Drafts, and the delivery methods that the shop offers.

-- name: draft_insert
INSERT INTO draft (id, created_at, updated_at, version, status, customer_id, created_by, title, phone, email, body)
VALUES ($1, $2, $2, 1, 1, $3, $4, $5, $6, $7, $8);

-- Guarded by the version that it was decided from.
-- name: draft_update
UPDATE draft SET updated_at = $3, held_until = $4, version = version + 1, status = $5, reservation_id = $6,
                 order_id = $7, customer_id = $8, title = $9, phone = $10, email = $11, body = $12
WHERE id = $1 AND version = $2;

-- name: draft_delete
DELETE FROM draft WHERE id = $1 AND status = 1;

-- name: draft_by_id
SELECT id, created_at, updated_at, held_until, version, status, reservation_id, order_id, customer_id, created_by,
       title, phone, email, body
FROM draft WHERE id = $1;

-- name: drafts
SELECT id, created_at, updated_at, held_until, version, status, reservation_id, order_id, customer_id, created_by,
       title, phone, email, body
FROM draft WHERE status = $1 AND id < $2 ORDER BY id DESC LIMIT $3::bigint;

-- Those of an erased customer, by whom they name or by their contacts.
-- name: drafts_erase
DELETE FROM draft d
WHERE d.customer_id = ANY($1::uuid[])
   OR EXISTS (SELECT FROM customer_contact k
              WHERE k.customer_id = ANY($1::uuid[])
                AND ((k.kind = 1 AND k.value = d.phone) OR (k.kind = 2 AND k.value = d.email)));

-- name: delivery_offers
SELECT code, offer FROM delivery_offer ORDER BY rank, code;

-- name: delivery_offer_put
INSERT INTO delivery_offer (code, rank, offer) VALUES ($1, $2, $3)
ON CONFLICT (code) DO UPDATE SET rank = excluded.rank, offer = excluded.offer;

-- name: delivery_offer_delete
DELETE FROM delivery_offer WHERE code = $1;
