-- Orders and what belongs to them. The life cycle and the quantities are the truth; the statuses are
-- derived from them in the same transaction (rules_derive.c) and stored for lists. The table is named
-- in the plural because ORDER is a word of SQL.
--
-- orders, order_line, payment, order_number and order_external are written once for every order that
-- comes in: they carry the indexes that writing needs and no others, and no foreign keys, whose
-- triggers would cost as much as the rows. What comes later and seldom has them.

CREATE TABLE channel (
    name text COLLATE "C" PRIMARY KEY,
    number_prefix text COLLATE "C" NOT NULL UNIQUE,
    confirms_manually boolean NOT NULL,
    next_number bigint NOT NULL CHECK (next_number > 100000)
);
INSERT INTO channel (name, number_prefix, confirms_manually, next_number)
VALUES ('web', 'WEB', false, 100001);

-- details: the addresses, shipping lines, discounts, taxes, charges and notes as one packed
-- penstock.orders.v1.OrderDetails: read whole, never searched by.
CREATE TABLE orders (
    id uuid PRIMARY KEY,
    placed_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    confirmed_at timestamptz,
    cancelled_at timestamptz,
    completed_at timestamptz,
    version bigint NOT NULL CHECK (version > 0),
    items_total bigint NOT NULL CHECK (items_total >= 0),
    discount_total bigint NOT NULL CHECK (discount_total >= 0),
    shipping_total bigint NOT NULL CHECK (shipping_total >= 0),
    tax_total bigint NOT NULL CHECK (tax_total >= 0),
    charges_total bigint NOT NULL,
    total bigint NOT NULL CHECK (total >= 0),
    current_total bigint NOT NULL CHECK (current_total >= 0),
    cancelled_value bigint NOT NULL CHECK (cancelled_value >= 0),
    returned_value bigint NOT NULL DEFAULT 0 CHECK (returned_value >= 0),
    captured_total bigint NOT NULL CHECK (captured_total >= 0),
    refunded_total bigint NOT NULL CHECK (refunded_total >= 0),
    hold_count integer NOT NULL CHECK (hold_count >= 0),
    status smallint NOT NULL CHECK (status BETWEEN 1 AND 7),
    payment_status smallint NOT NULL CHECK (payment_status BETWEEN 1 AND 9),
    fulfillment_status smallint NOT NULL CHECK (fulfillment_status BETWEEN 1 AND 6),
    return_status smallint NOT NULL DEFAULT 1 CHECK (return_status BETWEEN 1 AND 4),
    stock_policy smallint NOT NULL CHECK (stock_policy IN (1, 2)),
    prices_include_tax boolean NOT NULL,
    number text COLLATE "C" NOT NULL,
    channel text COLLATE "C" NOT NULL,
    external_id text NOT NULL,
    external_number text NOT NULL,
    currency text NOT NULL CHECK (length(currency) = 3),
    locale text NOT NULL,
    country text NOT NULL,
    cancel_reason text NOT NULL,
    created_by text NOT NULL,
    customer_id text NOT NULL,
    customer_external_id text NOT NULL,
    customer_name text NOT NULL,
    email text NOT NULL,
    phone text NOT NULL,
    details bytea NOT NULL,
    CONSTRAINT totals CHECK (total = items_total - discount_total + shipping_total + charges_total
                                     + CASE WHEN prices_include_tax THEN 0 ELSE tax_total END),
    CONSTRAINT refunds CHECK (refunded_total <= captured_total)
) WITH (fillfactor = 85);

-- Lists: all of them by time, and those by channel or any status as a merge over the few combinations
-- that there are.
CREATE INDEX orders_by_time ON orders (placed_at, id);
CREATE INDEX orders_by_status
    ON orders (channel, status, payment_status, fulfillment_status, placed_at, id);

-- quantity = cancelled + fulfilled + open; open is the other six terms. The ..._total columns are what
-- other services' logs say, and the terms are clamped from them.
CREATE TABLE order_line (
    order_id uuid NOT NULL,
    id uuid NOT NULL,
    quantity integer NOT NULL CHECK (quantity >= 0),
    unit_price bigint NOT NULL CHECK (unit_price >= 0),
    discount bigint NOT NULL CHECK (discount >= 0),
    tax bigint NOT NULL CHECK (tax >= 0),
    total bigint NOT NULL,
    cancelled integer NOT NULL,
    allocated_total integer NOT NULL CHECK (allocated_total >= 0),
    picked_total integer NOT NULL DEFAULT 0 CHECK (picked_total >= 0),
    packed_total integer NOT NULL DEFAULT 0 CHECK (packed_total >= 0),
    shipped_total integer NOT NULL DEFAULT 0 CHECK (shipped_total >= 0),
    delivered_total integer NOT NULL DEFAULT 0 CHECK (delivered_total >= 0),
    returned_total integer NOT NULL DEFAULT 0 CHECK (returned_total >= 0),
    unallocated integer NOT NULL,
    backordered integer NOT NULL DEFAULT 0,
    preordered integer NOT NULL DEFAULT 0,
    reserved integer NOT NULL,
    picked integer NOT NULL DEFAULT 0,
    packed integer NOT NULL DEFAULT 0,
    fulfilled integer NOT NULL DEFAULT 0,
    delivered integer NOT NULL DEFAULT 0,
    returned integer NOT NULL DEFAULT 0,
    line_no smallint NOT NULL CHECK (line_no >= 0),
    is_custom boolean NOT NULL,
    no_shipping boolean NOT NULL,
    sku text COLLATE "C" NOT NULL,
    name text NOT NULL,
    external_id text NOT NULL,
    PRIMARY KEY (order_id, line_no),
    CONSTRAINT line_identity CHECK (quantity = cancelled + fulfilled + unallocated + backordered
                                               + preordered + reserved + picked + packed),
    CONSTRAINT line_terms CHECK (least(cancelled, fulfilled, unallocated, backordered, preordered,
                                       reserved, picked, packed, delivered, returned) >= 0
                                 AND greatest(delivered, returned) <= fulfilled)
) WITH (fillfactor = 85);

CREATE TABLE payment (
    order_id uuid NOT NULL,
    id uuid NOT NULL,
    amount bigint NOT NULL CHECK (amount >= 0),
    refunded bigint NOT NULL,
    paid_at timestamptz,
    recorded_at timestamptz NOT NULL,
    status smallint NOT NULL CHECK (status BETWEEN 1 AND 5),
    method text NOT NULL,
    reference text NOT NULL,
    PRIMARY KEY (order_id, id),
    CONSTRAINT refunds CHECK (refunded BETWEEN 0 AND CASE WHEN status = 3 THEN amount ELSE 0 END)
);

-- What is unique across orders has a small table of its own.
CREATE TABLE order_number (
    number text COLLATE "C" PRIMARY KEY,
    order_id uuid NOT NULL
);
-- (channel, external id) is one order for good. content_hash and answer: of the request that placed it
-- over the API, the answer without personal data. source_*: the version that a channel sent last, and
-- the hash of its lines, address and amounts.
CREATE TABLE order_external (
    channel text COLLATE "C" NOT NULL,
    external_id text COLLATE "C" NOT NULL,
    order_id uuid NOT NULL,
    content_hash uuid,
    answer bytea,
    source_updated_at_us bigint NOT NULL DEFAULT 0,
    source_triggered_at_ns bigint NOT NULL DEFAULT 0,
    source_body_hash text NOT NULL DEFAULT '',
    source_content_hash uuid,
    financial_status text NOT NULL DEFAULT '',
    PRIMARY KEY (channel, external_id)
);

CREATE TABLE refund (
    order_id uuid NOT NULL REFERENCES orders (id),
    id uuid NOT NULL,
    payment_id uuid NOT NULL,
    status smallint NOT NULL CHECK (status BETWEEN 1 AND 5),
    amount bigint NOT NULL CHECK (amount > 0),
    reason text NOT NULL,
    return_id uuid,
    inspection_id uuid,
    recorded_at timestamptz NOT NULL,
    actor text NOT NULL,
    PRIMARY KEY (order_id, id),
    FOREIGN KEY (order_id, payment_id) REFERENCES payment (order_id, id)
);

CREATE TABLE hold (
    order_id uuid NOT NULL REFERENCES orders (id),
    id uuid NOT NULL,
    type text NOT NULL,
    reason text NOT NULL,
    actor text NOT NULL,
    placed_at timestamptz NOT NULL,
    expires_at timestamptz,
    released_at timestamptz,
    released_by text NOT NULL,
    PRIMARY KEY (order_id, id)
);
CREATE INDEX hold_by_expiry ON hold (expires_at) WHERE released_at IS NULL AND expires_at IS NOT NULL;

CREATE TABLE order_return (
    order_id uuid NOT NULL REFERENCES orders (id),
    return_id uuid NOT NULL,
    is_open boolean NOT NULL,
    PRIMARY KEY (order_id, return_id)
);
-- What each inspection of returned goods said is due: counted once.
CREATE TABLE inspection (
    order_id uuid NOT NULL REFERENCES orders (id),
    inspection_id uuid NOT NULL,
    return_id uuid NOT NULL,
    refund_due bigint NOT NULL CHECK (refund_due >= 0),
    PRIMARY KEY (order_id, inspection_id)
);

-- One row for each change after the placing, which the order's own row tells. version: the order's
-- after it.
CREATE TABLE timeline (
    order_id uuid NOT NULL,
    version bigint NOT NULL CHECK (version > 1),
    occurred_at timestamptz NOT NULL,
    source text NOT NULL,
    type text NOT NULL,
    actor text NOT NULL,
    detail text NOT NULL,
    PRIMARY KEY (order_id, version)
);
