-- Where stock lies and what it is. Both keys are natural ones and never change.
CREATE TABLE location (
    code text COLLATE "C" PRIMARY KEY CHECK (code ~ '^[a-z0-9-]{1,32}$'),
    location_id uuid NOT NULL UNIQUE,
    name text NOT NULL,
    type smallint NOT NULL CHECK (type BETWEEN 1 AND 5),
    rank integer NOT NULL CHECK (rank > 0),
    is_sellable boolean NOT NULL,
    is_active boolean NOT NULL,
    address bytea,
    created_at timestamptz NOT NULL
);

CREATE TABLE item (
    sku text COLLATE "C" PRIMARY KEY CHECK (octet_length(sku) BETWEEN 1 AND 256),
    item_id uuid NOT NULL UNIQUE,
    name text NOT NULL,
    price_minor bigint NOT NULL,
    price_currency text NOT NULL,
    barcode text NOT NULL,
    weight_g integer NOT NULL CHECK (weight_g >= 0),
    is_active boolean NOT NULL,
    created_at timestamptz NOT NULL
);

-- One row. Every change of what the writer keeps in memory raises version; the writer compares it
-- before it trusts its memory, and moves the row guarded by the old one. position is the last movement's.
-- moved_at never falls, so that a moment and a position say the same.
CREATE TABLE ledger (
    id smallint PRIMARY KEY CHECK (id = 1),
    version bigint NOT NULL,
    position bigint NOT NULL,
    last_level_id integer NOT NULL,
    moved_at timestamptz
) WITH (fillfactor = 10);
INSERT INTO ledger (id, version, position, last_level_id, moved_at) VALUES (1, 0, 0, 0, NULL);

-- The units of one SKU at one location, by bucket: the sum of its movements, written with them. The
-- number is what movements name it by: a third of the width, and a third of the time, of its SKU and
-- location. Half of each page is free, so that a new version stays on it and no index is touched.
CREATE TABLE level (
    level_id integer PRIMARY KEY,
    sku text COLLATE "C" NOT NULL REFERENCES item,
    location text COLLATE "C" NOT NULL REFERENCES location,
    on_hand bigint NOT NULL,
    available bigint NOT NULL CHECK (available >= 0),
    committed bigint NOT NULL CHECK (committed >= 0),
    reserved bigint NOT NULL CHECK (reserved >= 0),
    safety bigint NOT NULL CHECK (safety >= 0),
    quality_control bigint NOT NULL CHECK (quality_control >= 0),
    damaged bigint NOT NULL CHECK (damaged >= 0),
    incoming bigint NOT NULL CHECK (incoming >= 0),
    moves integer NOT NULL CHECK (moves >= 0), -- since the last snapshot
    created_at timestamptz NOT NULL,
    UNIQUE (sku, location),
    CONSTRAINT on_hand_is_the_sum
        CHECK (on_hand = available + committed + reserved + safety + quality_control + damaged)
) WITH (fillfactor = 50);
CREATE INDEX level_by_location ON level (location, sku);

-- The ledger itself: appended to, never changed. Buckets, causes and reasons are the numbers of
-- services/inventory/inventory.h. No foreign key to level: it would cost more than the row.
CREATE TABLE movement (
    level_id integer NOT NULL,
    position bigint NOT NULL,
    from_bucket smallint NOT NULL CHECK (from_bucket BETWEEN 1 AND 8),
    to_bucket smallint NOT NULL CHECK (to_bucket BETWEEN 1 AND 8),
    quantity bigint NOT NULL CHECK (quantity > 0),
    cause smallint NOT NULL CHECK (cause BETWEEN 1 AND 8),
    reason smallint NOT NULL,
    cause_id uuid NOT NULL,
    moved_at timestamptz NOT NULL,
    actor text NOT NULL,
    PRIMARY KEY (level_id, position),
    CHECK (from_bucket <> to_bucket)
);
-- Rows lie in the order of their positions, and those of one cause close together: summaries of page
-- ranges find them, and cost an insert nothing that could be measured, where a tree costs as much as
-- the row.
CREATE INDEX movement_by_position ON movement USING brin (position)
    WITH (pages_per_range = 16, autosummarize = on);
CREATE INDEX movement_by_cause ON movement USING brin (cause_id uuid_bloom_ops (n_distinct_per_range = 2000))
    WITH (pages_per_range = 32, autosummarize = on);

-- Why a person or a program changed a figure: the cause of movements, of one or of none.
CREATE TABLE adjustment (
    adjustment_id uuid PRIMARY KEY,
    sku text COLLATE "C" NOT NULL REFERENCES item,
    location text COLLATE "C" NOT NULL REFERENCES location,
    bucket smallint NOT NULL CHECK (bucket BETWEEN 2 AND 8),
    delta bigint NOT NULL,
    reason smallint NOT NULL,
    note text NOT NULL,
    actor text NOT NULL,
    adjusted_at timestamptz NOT NULL
);

-- A level as it stood after a movement, every few hundred of them: the level of any moment is the last
-- one before it and the movements since.
CREATE TABLE level_snapshot (
    level_id integer NOT NULL REFERENCES level,
    moved_at timestamptz NOT NULL,
    position bigint NOT NULL,
    available bigint NOT NULL,
    committed bigint NOT NULL,
    reserved bigint NOT NULL,
    safety bigint NOT NULL,
    quality_control bigint NOT NULL,
    damaged bigint NOT NULL,
    incoming bigint NOT NULL,
    PRIMARY KEY (level_id, moved_at, position)
);

-- Stock that is held for a command or a checkout: the units count as reserved. A row is here only as
-- long as it holds: adopted by an order, or released, it goes. The three arrays are its allocations
-- (line by index, level, units), decision says the same and why (SourcingDecision).
CREATE TABLE hold (
    hold_id uuid PRIMARY KEY,
    claim_id uuid,          -- a claimed checkout's: the id that the asker knows it by; else hold_id
    command_key uuid,       -- hash of command_id; NULL: a checkout that no command has claimed
    question_key uuid,
    command_id text,
    asker text,
    asked_at timestamptz,
    expires_at timestamptz, -- a checkout's
    due_at timestamptz,     -- the same, and NULL while claimed, for then it does not expire
    decision bytea NOT NULL,
    lines smallint[] NOT NULL,
    levels integer[] NOT NULL,
    quantities bigint[] NOT NULL,
    CHECK (cardinality(lines) = cardinality(levels) AND cardinality(lines) = cardinality(quantities)),
    CHECK ((command_key IS NULL) = (asked_at IS NULL))
) WITH (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 20000);
CREATE INDEX hold_by_command ON hold (command_key);
CREATE INDEX hold_by_due ON hold (due_at) WHERE due_at IS NOT NULL;

-- What POST /v1/reservations made, kept to be asked about. Its units are those of the hold of the same
-- id while it is held, of the order once it is committed.
CREATE TABLE reservation (
    reservation_id uuid PRIMARY KEY,
    status smallint NOT NULL CHECK (status BETWEEN 1 AND 5),
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    order_id uuid,
    decision bytea NOT NULL,
    CHECK ((status = 2) = (order_id IS NOT NULL))
);

-- What inventory knows of an order, from its OrderPlaced on. allocated is the StockAllocated that was
-- last appended for it: per line what is allocated where, unallocated and consumed. The arrays repeat
-- what is live of it (committed) for SQL.
CREATE TABLE order_stock (
    order_id uuid PRIMARY KEY,
    hold_id uuid NOT NULL,  -- that it adopted; its own id if it had none
    claim_id uuid,          -- the id that the asker knew it by; NULL: there was none
    command_key uuid,
    question_key uuid,
    placed_at timestamptz NOT NULL,
    decided_at timestamptz NOT NULL,
    decision bytea NOT NULL,
    allocated bytea NOT NULL,
    lines smallint[] NOT NULL,
    levels integer[] NOT NULL,
    quantities bigint[] NOT NULL,
    CHECK (cardinality(lines) = cardinality(levels) AND cardinality(lines) = cardinality(quantities))
) WITH (fillfactor = 90);
CREATE INDEX order_stock_by_command ON order_stock (command_key);

-- Lines that wait for stock, per SKU in the order in which they are served.
CREATE TABLE backorder (
    sku text COLLATE "C" NOT NULL,
    placed_at timestamptz NOT NULL,
    order_id uuid NOT NULL REFERENCES order_stock,
    line smallint NOT NULL,
    quantity bigint NOT NULL CHECK (quantity > 0),
    PRIMARY KEY (sku, placed_at, order_id, line)
);

-- Decisions for an order after its first one, which stands in order_stock.
CREATE TABLE sourcing (
    order_id uuid NOT NULL REFERENCES order_stock,
    decision_id uuid NOT NULL,
    decided_at timestamptz NOT NULL,
    decision bytea NOT NULL,
    PRIMARY KEY (order_id, decision_id)
);
