-- Orders from files. A part of a file is kept until it is read, an order until it is placed: neither
-- outlives its use, for both say who somebody is. carry: the rows of a part's last order, which the next
-- part may go on with.
CREATE TABLE import (
    id uuid PRIMARY KEY,
    created_at timestamptz NOT NULL,
    finished_at timestamptz,
    bytes bigint NOT NULL DEFAULT 0,
    rows bigint NOT NULL DEFAULT 0,
    orders bigint NOT NULL DEFAULT 0,
    failed bigint NOT NULL DEFAULT 0,
    known bigint NOT NULL DEFAULT 0,
    placed bigint NOT NULL DEFAULT 0,
    parts integer NOT NULL DEFAULT 0,
    next_part integer NOT NULL DEFAULT 1,
    status smallint NOT NULL CHECK (status BETWEEN 1 AND 6),
    format smallint NOT NULL CHECK (format IN (1, 2)),
    error_policy smallint NOT NULL CHECK (error_policy IN (1, 2)),
    stock_policy smallint NOT NULL CHECK (stock_policy BETWEEN 1 AND 3),
    is_historic boolean NOT NULL,
    notify_customers boolean NOT NULL,
    name text NOT NULL,
    channel text NOT NULL,
    currency text NOT NULL,
    created_by text NOT NULL,
    header bytea NOT NULL DEFAULT '',
    carry bytea NOT NULL DEFAULT '',
    CHECK (orders >= failed + known + placed)
);
CREATE INDEX import_at_work ON import (id) WHERE status IN (2, 4);

CREATE TABLE import_part (
    import_id uuid NOT NULL REFERENCES import (id),
    part integer NOT NULL CHECK (part > 0),
    body bytea NOT NULL,
    PRIMARY KEY (import_id, part)
);

-- status: 1 checked, 2 failed, 3 known, 4 placed. body: an ImportOrderRequest, packed.
CREATE TABLE import_order (
    import_id uuid NOT NULL REFERENCES import (id),
    seq bigint NOT NULL CHECK (seq > 0),
    row bigint NOT NULL CHECK (row > 1),
    order_id uuid,
    status smallint NOT NULL CHECK (status BETWEEN 1 AND 4),
    external_id text NOT NULL,
    code text NOT NULL,
    field text NOT NULL,
    message text NOT NULL,
    body bytea,
    PRIMARY KEY (import_id, seq),
    CHECK ((status = 1) = (body IS NOT NULL))
);
CREATE INDEX import_order_checked ON import_order (import_id, seq) WHERE status = 1;
CREATE INDEX import_order_failed ON import_order (import_id, seq) WHERE status = 2;
