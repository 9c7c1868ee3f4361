-- What looks at an order when it comes in. body: a packed penstock.orders.v1.Rule. Few rows: the writer
-- keeps them in memory.
CREATE TABLE rule (
    id uuid PRIMARY KEY,
    place integer NOT NULL,
    body bytea NOT NULL
);

-- How far the rules that need a customer's history have followed this service's own log.
CREATE TABLE rule_cursor (
    position bigint NOT NULL
);
INSERT INTO rule_cursor (position) VALUES (0);

-- key: what a telephone number, an e-mail or an address comes to, hashed (rules_risk.h).
CREATE TABLE blacklist (
    id uuid PRIMARY KEY,
    kind smallint NOT NULL CHECK (kind BETWEEN 1 AND 3),
    key uuid NOT NULL UNIQUE,
    value text NOT NULL,
    reason text NOT NULL,
    added_at timestamptz NOT NULL,
    added_by text NOT NULL
);

-- 0: its orders wait for no payment.
ALTER TABLE channel
    ADD COLUMN unpaid_minutes integer NOT NULL DEFAULT 0 CHECK (unpaid_minutes >= 0);
