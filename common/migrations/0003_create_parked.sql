-- Events that a handler refused for good, or in which the process died three times; and after them,
-- in order, every later event of the same key. id rises with the order of parking.
CREATE TABLE parked (
    id uuid PRIMARY KEY,
    source text NOT NULL,
    position bigint NOT NULL,
    event_id uuid NOT NULL,
    type text NOT NULL,
    key text NOT NULL,
    occurred_at timestamptz NOT NULL,
    traceparent text,
    actor text NOT NULL,
    payload bytea NOT NULL,
    reason text NOT NULL,
    is_crashed boolean NOT NULL,
    parked_at timestamptz NOT NULL,
    UNIQUE (source, position)
);
CREATE INDEX parked_by_key ON parked (key, id);

-- What was being attempted while the process watches itself after an unclean exit.
CREATE TABLE attempt (
    item text PRIMARY KEY,
    crashes integer NOT NULL,
    retries integer NOT NULL,
    is_running boolean NOT NULL,
    started_at timestamptz NOT NULL
);
