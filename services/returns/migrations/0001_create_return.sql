-- Returns, and what has to be known of an order to take something back.
--
-- sold_order gets a row for every order that is placed, and is read when something comes back: its lines
-- stay packed, and nothing but its key and its number is indexed.

CREATE TABLE sold_order (
    order_id uuid PRIMARY KEY,
    number   text NOT NULL,
    lines    bytea NOT NULL -- orders.v1.OrderChanged: id, SKU, name, quantity and total of each line
);
CREATE UNIQUE INDEX sold_order_number ON sold_order (number);

-- Running totals from fulfillment's log.
CREATE TABLE shipped_line (
    order_id      uuid NOT NULL,
    order_line_id uuid NOT NULL,
    shipped       integer NOT NULL CHECK (shipped >= 0),
    delivered     integer NOT NULL CHECK (delivered >= 0),
    PRIMARY KEY (order_id, order_line_id)
);

-- What was cancelled of the quantities in sold_order since they were told.
CREATE TABLE cancelled_line (
    order_id      uuid NOT NULL,
    order_line_id uuid NOT NULL,
    cancelled     integer NOT NULL CHECK (cancelled > 0),
    PRIMARY KEY (order_id, order_line_id)
);

CREATE TABLE return_order (
    id           uuid PRIMARY KEY,
    order_id     uuid NOT NULL,
    requested_at timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    version      integer NOT NULL CHECK (version > 0),
    sequence     integer NOT NULL CHECK (sequence > 0), -- the n-th of its order
    status       smallint NOT NULL CHECK (status BETWEEN 1 AND 9),
    number       text NOT NULL UNIQUE,
    currency     text NOT NULL,
    location     text NOT NULL, -- where it is received; '' before
    note         text NOT NULL,
    end_reason   text NOT NULL,
    UNIQUE (order_id, sequence)
);
CREATE INDEX return_order_status ON return_order (status, id);

CREATE TABLE return_line (
    return_id     uuid NOT NULL REFERENCES return_order (id),
    line_no       smallint NOT NULL,
    order_line_id uuid NOT NULL,
    requested     integer NOT NULL CHECK (requested > 0),
    received      integer NOT NULL CHECK (received BETWEEN 0 AND requested),
    restocked     integer NOT NULL CHECK (restocked >= 0),
    quarantined   integer NOT NULL CHECK (quarantined >= 0),
    scrapped      integer NOT NULL CHECK (scrapped >= 0),
    refund_minor  bigint NOT NULL CHECK (refund_minor >= 0),
    sku           text NOT NULL,
    reason        text NOT NULL,
    PRIMARY KEY (return_id, line_no),
    CHECK (restocked + quarantined + scrapped <= received)
);

-- What each inspection made due: orders records a refund once per row.
CREATE TABLE inspection (
    id           uuid PRIMARY KEY,
    return_id    uuid NOT NULL REFERENCES return_order (id),
    refund_minor bigint NOT NULL CHECK (refund_minor >= 0),
    inspected_at timestamptz NOT NULL
);
CREATE INDEX inspection_return ON inspection (return_id);
