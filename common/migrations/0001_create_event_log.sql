-- The service's own log. The writer assigns positions: dense, in commit order, from 1. Nothing is
-- ever changed or deleted here; old partitions are dropped by an operator's command.
CREATE TABLE event (
    position bigint PRIMARY KEY CHECK (position > 0),
    event_id uuid NOT NULL,
    type text NOT NULL,
    key text NOT NULL,
    occurred_at timestamptz NOT NULL,
    traceparent text,
    actor text NOT NULL,
    payload bytea NOT NULL
) PARTITION BY RANGE (position);

-- 64 million positions each, a thousand million in all: at a thousand events a second, twelve days of
-- a partition.
CREATE TABLE event_00 PARTITION OF event FOR VALUES FROM (MINVALUE) TO (67108864);
CREATE TABLE event_01 PARTITION OF event FOR VALUES FROM (67108864) TO (134217728);
CREATE TABLE event_02 PARTITION OF event FOR VALUES FROM (134217728) TO (201326592);
CREATE TABLE event_03 PARTITION OF event FOR VALUES FROM (201326592) TO (268435456);
CREATE TABLE event_04 PARTITION OF event FOR VALUES FROM (268435456) TO (335544320);
CREATE TABLE event_05 PARTITION OF event FOR VALUES FROM (335544320) TO (402653184);
CREATE TABLE event_06 PARTITION OF event FOR VALUES FROM (402653184) TO (469762048);
CREATE TABLE event_07 PARTITION OF event FOR VALUES FROM (469762048) TO (536870912);
CREATE TABLE event_08 PARTITION OF event FOR VALUES FROM (536870912) TO (603979776);
CREATE TABLE event_09 PARTITION OF event FOR VALUES FROM (603979776) TO (671088640);
CREATE TABLE event_10 PARTITION OF event FOR VALUES FROM (671088640) TO (738197504);
CREATE TABLE event_11 PARTITION OF event FOR VALUES FROM (738197504) TO (805306368);
CREATE TABLE event_12 PARTITION OF event FOR VALUES FROM (805306368) TO (872415232);
CREATE TABLE event_13 PARTITION OF event FOR VALUES FROM (872415232) TO (939524096);
CREATE TABLE event_14 PARTITION OF event FOR VALUES FROM (939524096) TO (1006632960);
CREATE TABLE event_15 PARTITION OF event FOR VALUES FROM (1006632960) TO (1073741824);

-- One row. A turn that appends no event and moves no cursor moves this one: a writer that has been
-- replaced finds it moved. is_clean is false while a writer is at work, and stays so when it dies.
CREATE TABLE leader (
    id smallint PRIMARY KEY CHECK (id = 1),
    turn bigint NOT NULL,
    is_clean boolean NOT NULL
);
INSERT INTO leader (id, turn, is_clean) VALUES (1, 0, true);

-- How far this service has applied another's log; "projection:<name>" for its own projections.
CREATE TABLE cursor (
    source text PRIMARY KEY,
    position bigint NOT NULL CHECK (position >= 0),
    event_id uuid,
    moved_at timestamptz
);

-- How far others say that they have applied this log.
CREATE TABLE consumer (
    name text PRIMARY KEY,
    committed_position bigint NOT NULL CHECK (committed_position >= 0),
    seen_at timestamptz NOT NULL
);
