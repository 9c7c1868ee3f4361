-- contract: a binary that does not know "previous" would break the chain.
-- The movements of a level form a chain: each names the one before it, the level the last. So the ledger
-- grows at its end, by one key in order: a tree by level and summaries of page ranges cost three times
-- what a row itself does. The movements of one cause are found by a tree whose keys rise with time.
ALTER TABLE level ADD COLUMN last_position bigint NOT NULL DEFAULT 0;
ALTER TABLE movement ADD COLUMN previous bigint NOT NULL DEFAULT 0;

UPDATE movement m SET previous = p.previous
FROM (SELECT position, lag(position) OVER (PARTITION BY level_id ORDER BY position) AS previous
      FROM movement) AS p
WHERE m.position = p.position AND p.previous IS NOT NULL;
UPDATE level l SET last_position = m.last
FROM (SELECT level_id, max(position) AS last FROM movement GROUP BY level_id) AS m
WHERE m.level_id = l.level_id;

ALTER TABLE movement DROP CONSTRAINT movement_pkey, ADD PRIMARY KEY (position),
    ADD CHECK (previous >= 0 AND previous < position);
DROP INDEX movement_by_position, movement_by_cause;
CREATE INDEX movement_by_cause ON movement (cause_id);
