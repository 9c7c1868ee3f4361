-- Transfers that wait for somebody to look into the bank's account.

-- name: transfer_insert
INSERT INTO transfer (payment_id, order_id, status, claimed, currency, last_five, reference, note,
                      submitted_at, submitted_by)
VALUES ($1, $2, 1, $3, $4, $5, $6, $7, $8, $9);

-- name: transfer_by_payment
SELECT t.payment_id, t.order_id, o.number, t.status, t.claimed, t.received, t.currency, t.last_five,
       t.reference, t.note, t.submitted_at, t.submitted_by, t.decided_at, t.decided_by
FROM transfer t JOIN orders o ON o.id = t.order_id WHERE t.payment_id = $1;

-- name: transfer_page
SELECT t.payment_id, t.order_id, o.number, t.status, t.claimed, t.received, t.currency, t.last_five,
       t.reference, t.note, t.submitted_at, t.submitted_by, t.decided_at, t.decided_by
FROM transfer t JOIN orders o ON o.id = t.order_id
WHERE t.status = $1 AND ($2::uuid IS NULL OR t.payment_id > $2)
ORDER BY t.payment_id LIMIT $3;

-- Guarded by the status that it was decided from.
-- name: transfer_decide
UPDATE transfer SET status = $2, received = $3, decided_at = $4, decided_by = $5, decision_note = $6
WHERE payment_id = $1 AND status = 1;
