-- Transfers that a customer says they have made: each a pending payment until somebody has looked into
-- the bank's account.
CREATE TABLE transfer (
    payment_id uuid PRIMARY KEY,
    order_id uuid NOT NULL REFERENCES orders (id),
    status smallint NOT NULL CHECK (status BETWEEN 1 AND 3),
    claimed bigint NOT NULL CHECK (claimed > 0),
    received bigint NOT NULL DEFAULT 0 CHECK (received >= 0),
    currency text NOT NULL,
    last_five text NOT NULL CHECK (last_five ~ '^[0-9]{0,5}$'),
    reference text NOT NULL,
    note text NOT NULL,
    submitted_at timestamptz NOT NULL,
    submitted_by text NOT NULL,
    decided_at timestamptz,
    decided_by text NOT NULL DEFAULT '',
    decision_note text NOT NULL DEFAULT ''
);
CREATE INDEX transfer_by_status ON transfer (status, payment_id);
CREATE INDEX transfer_by_order ON transfer (order_id);
