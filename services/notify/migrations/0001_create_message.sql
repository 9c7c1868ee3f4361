-- Messages to customers. A row says what is to be told about which order; mails are rendered when they
-- are sent and not kept, and addresses stay with orders.
--
-- The id is made from (order, kind, parcel or refund): the primary key keeps a message from being
-- queued twice. More than half of each page is left free, so that what an attempt brings is written
-- beside the row and touches no index; hence no index knows status or sent_at.
CREATE TABLE message (
    position bigint NOT NULL UNIQUE CHECK (position > 0),
    id uuid PRIMARY KEY,
    order_id uuid NOT NULL,
    kind smallint NOT NULL CHECK (kind BETWEEN 1 AND 3),
    status smallint NOT NULL CHECK (status BETWEEN 1 AND 4),
    attempts smallint NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    ambiguous_attempts smallint NOT NULL DEFAULT 0 CHECK (ambiguous_attempts BETWEEN 0 AND attempts),
    message_id text NOT NULL,
    order_number text,
    detail bytea,
    locale text,
    recipient_masked text,
    last_error text,
    queued_at timestamptz NOT NULL,
    sent_at timestamptz,
    gave_up_at timestamptz,
    CHECK ((status = 2) = (sent_at IS NOT NULL)),
    CHECK ((status IN (3, 4)) = (gave_up_at IS NOT NULL)),
    CHECK (status <> 3 OR last_error IS NOT NULL)
) WITH (fillfactor = 45);
CREATE INDEX message_by_number ON message (order_number) WHERE order_number IS NOT NULL;
CREATE INDEX message_given_up ON message (position) WHERE gave_up_at IS NOT NULL;

-- A queued message is in exactly one of three places: not taken yet (its position is above
-- taken_position), being sent (in one row of sending), or waiting for its next attempt (in retry).
CREATE TABLE sender (
    id smallint PRIMARY KEY CHECK (id = 1),
    taken_position bigint NOT NULL CHECK (taken_position >= 0)
);
INSERT INTO sender (id, taken_position) VALUES (1, 0);

-- One row for each batch of mails on its way. run_id names the life of the writer that took it: a row
-- of another life was broken off, and whether its mails arrived is not known.
CREATE TABLE sending (
    id uuid PRIMARY KEY,
    run_id uuid NOT NULL,
    taken_at timestamptz NOT NULL,
    positions bigint[] NOT NULL
);

-- since_at is when this round of attempts began; checks_wish says that the customer's wish to be
-- written to has not been looked at yet.
CREATE TABLE retry (
    position bigint PRIMARY KEY REFERENCES message (position),
    due_at timestamptz NOT NULL,
    since_at timestamptz NOT NULL,
    checks_wish boolean NOT NULL
);
CREATE INDEX retry_by_due ON retry (due_at);
