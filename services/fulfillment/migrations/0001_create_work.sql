-- What the logs told about each order, and the warehouse's work that follows from it.
--
-- The first three tables get their rows for every order that is placed. They have only the indexes that
-- writing and the lists need, and no foreign keys: checking one costs as much as writing its row.
-- The CHECKs repeat the rules as a net.

-- One row per order, from the moment that any log mentions it.
CREATE TABLE sales_order (
    order_id     uuid PRIMARY KEY,
    number       text NOT NULL,    -- '' until OrderPlaced was read
    lines        bytea NOT NULL,   -- orders.v1.OrderChanged: id, name and the quantity still wanted, per line
    unassigned   bytea,            -- inventory.v1.StockAllocated: what is allocated but on no fulfillment order
    is_confirmed boolean NOT NULL,
    is_on_hold   boolean NOT NULL,
    is_cancelled boolean NOT NULL,
    is_withheld  boolean NOT NULL  -- the warehouse cancelled work: no new work until that hold is released
);
CREATE UNIQUE INDEX sales_order_number ON sales_order (number) WHERE number <> '';

-- What one location has to pick, pack and ship for one order; at most one unfinished for each pair.
CREATE TABLE fulfillment_order (
    id         uuid PRIMARY KEY,
    order_id   uuid NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    version    integer NOT NULL CHECK (version > 0),
    delivered  integer NOT NULL CHECK (delivered >= 0), -- units in parcels that arrived
    round      smallint NOT NULL CHECK (round > 0),     -- the n-th for this order and location
    status     smallint NOT NULL CHECK (status BETWEEN 1 AND 16),
    location   text NOT NULL
);
CREATE UNIQUE INDEX fulfillment_order_round ON fulfillment_order (order_id, location, round);
-- Serves every list: by location and status directly, by either alone in a few probes.
CREATE INDEX fulfillment_order_list ON fulfillment_order (location, status, id);

CREATE TABLE fulfillment_line (
    fulfillment_id uuid NOT NULL,
    order_line_id  uuid NOT NULL,
    allocated      integer NOT NULL,
    cancelled      integer NOT NULL CHECK (cancelled >= 0),
    picked         integer NOT NULL,
    packed         integer NOT NULL,
    shipped        integer NOT NULL CHECK (shipped >= 0),
    sku            text NOT NULL,
    PRIMARY KEY (fulfillment_id, order_line_id),
    CHECK (shipped <= packed AND packed <= picked AND picked + cancelled <= allocated)
);

CREATE TABLE parcel (
    order_id        uuid NOT NULL,
    id              uuid NOT NULL,
    fulfillment_id  uuid NOT NULL REFERENCES fulfillment_order (id),
    parcel_key      text NOT NULL,
    status          smallint NOT NULL CHECK (status BETWEEN 1 AND 14),
    carrier         text NOT NULL,
    tracking_number text NOT NULL,
    shipped_at      timestamptz NOT NULL,
    delivered_at    timestamptz CHECK (delivered_at >= shipped_at),
    PRIMARY KEY (order_id, id)
);
CREATE UNIQUE INDEX parcel_once ON parcel (order_id, parcel_key);

CREATE TABLE parcel_line (
    order_id      uuid NOT NULL,
    parcel_id     uuid NOT NULL,
    order_line_id uuid NOT NULL,
    quantity      integer NOT NULL CHECK (quantity > 0),
    sku           text NOT NULL,
    PRIMARY KEY (order_id, parcel_id, order_line_id),
    FOREIGN KEY (order_id, parcel_id) REFERENCES parcel (order_id, id)
);

-- Work stopped for a command of another service that has not ended yet.
CREATE TABLE stop (
    hold_id       uuid PRIMARY KEY,
    order_id      uuid NOT NULL,
    command_id    text NOT NULL,
    question_hash text NOT NULL,
    asker         text NOT NULL,
    answer        bytea NOT NULL, -- StopWorkResponse, for a repeat of the question
    stopped_at    timestamptz NOT NULL
);
CREATE UNIQUE INDEX stop_question ON stop (command_id, question_hash);
CREATE INDEX stop_order ON stop (order_id);
