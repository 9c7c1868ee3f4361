-- expand. A refund may be asked for, approved by a second person, made by a provider, and tried again.
-- Its request may be spread over several payments: rows with one request_id. parts: the lines and the
-- shipping that it was made of, a packed penstock.orders.v1.RefundParts, on the request's first row.
ALTER TABLE refund
    ADD COLUMN request_id uuid,
    ADD COLUMN provider smallint NOT NULL DEFAULT 1 CHECK (provider IN (1, 2)),
    ADD COLUMN approved_by text NOT NULL DEFAULT '',
    ADD COLUMN attempts integer NOT NULL DEFAULT 0,
    ADD COLUMN error text NOT NULL DEFAULT '',
    ADD COLUMN settled_at timestamptz,
    ADD COLUMN next_attempt_at timestamptz,
    ADD COLUMN parts bytea,
    DROP CONSTRAINT refund_status_check,
    ADD CONSTRAINT refund_status_check CHECK (status BETWEEN 1 AND 6);

-- What needs somebody, and what an outside call is to be made for: few of all refunds.
CREATE INDEX refund_by_status ON refund (status, id) WHERE status <> 4;

-- How much a role may give back without a second person. No row: as much as it likes.
CREATE TABLE refund_limit (
    role text NOT NULL,
    currency text NOT NULL CHECK (length(currency) = 3),
    amount bigint NOT NULL CHECK (amount >= 0),
    PRIMARY KEY (role, currency)
);
