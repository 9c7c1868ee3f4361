-- What channels delivered. A delivery stays for good, so that the same event never has a second
-- effect; its body, which holds personal data, goes after 30 days.
CREATE TABLE inbox_delivery (
    id uuid PRIMARY KEY,
    channel text NOT NULL CHECK (channel <> ''),
    channel_type text NOT NULL,
    topic text NOT NULL,
    -- The event as the channel tells it apart.
    event_identity text NOT NULL CHECK (event_identity <> ''),
    source text NOT NULL,
    external_id text NOT NULL,
    is_test boolean NOT NULL,
    triggered_at_ns bigint NOT NULL,
    traceparent text NOT NULL,
    body_sha256 bytea NOT NULL CHECK (length(body_sha256) = 32),
    body_bytes integer NOT NULL,
    -- 1 received, 2 done, 3 parked, 4 ignored
    status smallint NOT NULL CHECK (status BETWEEN 1 AND 4),
    reason_code text NOT NULL DEFAULT '',
    reason text NOT NULL DEFAULT '',
    attempts integer NOT NULL DEFAULT 0,
    -- Attempts of which no result is stored: one that is being made, and those under which the
    -- process died.
    lost integer NOT NULL DEFAULT 0,
    -- Results in a row that were a fault of ours.
    faults integer NOT NULL DEFAULT 0,
    replays integer NOT NULL DEFAULT 0,
    order_id uuid,
    order_number text NOT NULL DEFAULT '',
    effect text NOT NULL DEFAULT '',
    received_at timestamptz NOT NULL,
    next_attempt_at timestamptz NOT NULL,
    done_at timestamptz,
    CHECK ((status = 1) = (done_at IS NULL)),
    CHECK (status <> 2 OR order_id IS NOT NULL),
    CHECK (status < 3 OR reason_code <> '')
);
CREATE UNIQUE INDEX inbox_delivery_event ON inbox_delivery (channel, topic, event_identity);
CREATE INDEX inbox_delivery_order ON inbox_delivery (external_id, channel, id);
CREATE INDEX inbox_delivery_due ON inbox_delivery (next_attempt_at, id) WHERE status = 1;
CREATE INDEX inbox_delivery_parked ON inbox_delivery (id) WHERE status = 3;

CREATE TABLE inbox_body (
    id uuid PRIMARY KEY,
    body bytea NOT NULL
);
