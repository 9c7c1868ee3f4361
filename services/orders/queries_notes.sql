-- Internal notes. No statement of another file reads them.

-- name: note_insert
INSERT INTO note (id, order_id, created_at, author, body, mentions) VALUES ($1, $2, $3, $4, $5, $6);

-- Newest first, before the note $1; $2 of one order; $3 those that call this role or person.
-- name: note_list
SELECT n.id, n.order_id, o.number, n.created_at, n.author, n.body,
       array_to_string(n.mentions, ' ') AS mentions
FROM note n JOIN orders o ON o.id = n.order_id
WHERE ($1::uuid IS NULL OR n.id < $1) AND ($2::uuid IS NULL OR n.order_id = $2)
  AND ($3::text[] IS NULL OR n.mentions @> $3)
ORDER BY n.id DESC LIMIT $4;
