-- name: leader_turn
SELECT 1;
