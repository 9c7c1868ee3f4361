-- Who came in, who was refused what, who read about whom, who changed whose rights. Any instance
-- notes; the leader gives each note its place in a chain within a second, and takes it from here.
CREATE TABLE audit_pending (
    id uuid PRIMARY KEY,
    at timestamptz NOT NULL,
    actor text NOT NULL,
    action text NOT NULL CHECK (action <> ''),
    route text NOT NULL,
    target text NOT NULL,
    address text NOT NULL,
    -- How many of the same; since the one before, when it stands for several.
    times bigint NOT NULL CHECK (times > 0)
);

-- Append only: the service may not change or delete. Each entry's hash covers it and the hash before,
-- so that one that is changed, taken out or put in breaks the chain from there on.
CREATE TABLE audit_entry (
    position bigint PRIMARY KEY CHECK (position > 0),
    id uuid NOT NULL UNIQUE,
    at timestamptz NOT NULL,
    actor text NOT NULL,
    action text NOT NULL,
    route text NOT NULL,
    target text NOT NULL,
    address text NOT NULL,
    times bigint NOT NULL,
    sha256 bytea NOT NULL CHECK (length(sha256) = 32)
);
CREATE INDEX audit_entry_actor ON audit_entry (actor, position);
CREATE INDEX audit_entry_target ON audit_entry (target, position) WHERE target <> '';
