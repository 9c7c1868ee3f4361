-- Saved views.

-- name: view_insert
INSERT INTO saved_view (id, owner, name, query, columns, sort, density, is_shared, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9);

-- name: view_update
UPDATE saved_view SET name = $2, query = $3, columns = $4, sort = $5, density = $6, is_shared = $7,
                      updated_at = $8
WHERE id = $1;

-- name: view_delete
DELETE FROM saved_view WHERE id = $1;

-- Commas stand in no column's name.
-- name: view_by_id
SELECT id, owner, name, query, array_to_string(columns, ',') AS columns, sort, density, is_shared,
       created_at, updated_at
FROM saved_view WHERE id = $1;

-- name: views_of
SELECT id, owner, name, query, array_to_string(columns, ',') AS columns, sort, density, is_shared,
       created_at, updated_at
FROM saved_view WHERE (owner = $1 OR is_shared) AND id > $2 ORDER BY id LIMIT $3;

-- name: views_owned
SELECT count(*) AS number FROM saved_view WHERE owner = $1;
