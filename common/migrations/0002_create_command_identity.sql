-- What each command was answered, for its repeats, stored with its effect. The slot is the number of
-- the week modulo 3; a slot is emptied as a whole two weeks after it was begun, so that an answer is
-- kept for seven days at least and no row is ever deleted one by one.
CREATE TABLE command (
    slot smallint NOT NULL,
    id uuid NOT NULL,
    request_hash uuid NOT NULL,
    hold_ids uuid[] NOT NULL,
    reply bytea NOT NULL,
    position bigint NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (id, slot)
) PARTITION BY LIST (slot);
CREATE TABLE command_0 PARTITION OF command FOR VALUES IN (0);
CREATE TABLE command_1 PARTITION OF command FOR VALUES IN (1);
CREATE TABLE command_2 PARTITION OF command FOR VALUES IN (2);

-- Holds that no command of ours will ever use: said in the log, and kept so that none does.
CREATE TABLE void_hold (
    hold_id uuid PRIMARY KEY,
    command_id uuid NOT NULL,
    voided_at timestamptz NOT NULL
);
