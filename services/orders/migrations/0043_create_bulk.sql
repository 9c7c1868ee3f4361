-- One action on many orders. It goes through them from the newest that there was when it began, and
-- reached_* is how far it has come: whatever happens to the process, it goes on from there. exclude
-- and ids are given with it; a bulk over another's results names it. status: 1 running, 2 done,
-- 3 cancelled. outcome: 1 applied, 2 unchanged, 3 refused.
CREATE TABLE bulk (
    id uuid PRIMARY KEY,
    action smallint NOT NULL CHECK (action BETWEEN 1 AND 6),
    status smallint NOT NULL CHECK (status BETWEEN 1 AND 3),
    q text NOT NULL,
    ids uuid[] NOT NULL,
    exclude uuid[] NOT NULL,
    source_bulk uuid,
    source_outcome smallint NOT NULL,
    hold_type text NOT NULL,
    reason text NOT NULL,
    expires_at timestamptz,
    tags text[] NOT NULL,
    actor text NOT NULL,
    offset_us bigint NOT NULL,
    created_at timestamptz NOT NULL,
    ended_at timestamptz,
    reached_at timestamptz,
    reached_id uuid,
    seen bigint NOT NULL CHECK (seen >= 0),
    applied bigint NOT NULL CHECK (applied >= 0),
    unchanged bigint NOT NULL CHECK (unchanged >= 0),
    refused bigint NOT NULL CHECK (refused >= 0)
);
CREATE INDEX bulk_running ON bulk (id) WHERE status = 1;
CREATE TABLE bulk_result (
    bulk_id uuid NOT NULL REFERENCES bulk (id),
    outcome smallint NOT NULL CHECK (outcome BETWEEN 1 AND 3),
    order_id uuid NOT NULL,
    number text NOT NULL,
    code text NOT NULL,
    PRIMARY KEY (bulk_id, outcome, order_id)
);
