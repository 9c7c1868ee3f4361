-- Bulk actions. Ids are uuidv7, so that the greatest is the newest.

-- name: bulk_insert
INSERT INTO bulk (id, action, status, q, ids, exclude, source_bulk, source_outcome, hold_type, reason,
                  expires_at, tags, actor, offset_us, created_at, seen, applied, unchanged, refused)
VALUES ($1, $2, 1, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, 0, 0, 0, 0);

-- name: bulk_by_id
SELECT id, action, status, q, hold_type, reason, expires_at, array_to_string(tags, ',') AS tags,
       actor, offset_us, created_at, ended_at, reached_at, reached_id, seen, applied, unchanged,
       refused, source_bulk, source_outcome, cardinality(ids) AS id_count
FROM bulk WHERE id = $1;

-- name: bulk_list
SELECT id, action, status, q, hold_type, reason, expires_at, array_to_string(tags, ',') AS tags,
       actor, offset_us, created_at, ended_at, reached_at, reached_id, seen, applied, unchanged,
       refused, source_bulk, source_outcome, cardinality(ids) AS id_count
FROM bulk WHERE $1::uuid IS NULL OR id < $1 ORDER BY id DESC LIMIT $2;

-- The oldest that runs: one after the other.
-- name: bulk_next
SELECT id, action, status, q, hold_type, reason, expires_at, array_to_string(tags, ',') AS tags,
       actor, offset_us, created_at, ended_at, reached_at, reached_id, seen, applied, unchanged,
       refused, source_bulk, source_outcome, cardinality(ids) AS id_count
FROM bulk WHERE status = 1 ORDER BY id LIMIT 1;

-- Those given, from a place on.
-- name: bulk_given
SELECT unnest(ids[$2 + 1:$2 + $3]) AS order_id FROM bulk WHERE id = $1;

-- name: bulk_excluded
SELECT unnest(exclude) AS order_id FROM bulk WHERE id = $1;

-- Another's results of one outcome.
-- name: bulk_from_results
SELECT order_id FROM bulk_result
WHERE bulk_id = $1 AND outcome = $2 AND order_id > $3 ORDER BY order_id LIMIT $4;

-- Guarded by how many it had seen.
-- name: bulk_advance
UPDATE bulk SET seen = $3, applied = $4, unchanged = $5, refused = $6, reached_at = $7,
                reached_id = $8, status = $9, ended_at = $10
WHERE id = $1 AND seen = $2;

-- name: bulk_end
UPDATE bulk SET status = $2, ended_at = $3 WHERE id = $1 AND status = 1;

-- name: bulk_result_insert
INSERT INTO bulk_result (bulk_id, outcome, order_id, number, code)
SELECT unnest($1::uuid[]), unnest($2::smallint[]), unnest($3::uuid[]), unnest($4::text[]),
       unnest($5::text[])
ON CONFLICT (bulk_id, outcome, order_id) DO NOTHING;

-- name: bulk_results
SELECT order_id, number, outcome, code FROM bulk_result
WHERE bulk_id = $1 AND (outcome, order_id) > ($2, $3) AND ($4 = 0 OR outcome = $4)
ORDER BY outcome, order_id LIMIT $5;
