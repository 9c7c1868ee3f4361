-- expand. What is not there may be sold within a limit: preordered before it is released, backordered
-- when it is sold out. 1 none, 2 preorder, 3 backorder; NULL is none.
ALTER TABLE item
    ADD COLUMN selling_ahead smallint CHECK (selling_ahead BETWEEN 1 AND 3),
    ADD COLUMN ahead_limit bigint CHECK (ahead_limit >= 0),
    ADD COLUMN promised_at timestamptz;

-- What live holds have of items' limits, by line of the hold. Orders that adopted theirs are in the queue
-- (backorder).
CREATE TABLE ahead_hold (
    hold_id uuid NOT NULL,
    line smallint NOT NULL,
    sku text COLLATE "C" NOT NULL,
    quantity bigint NOT NULL CHECK (quantity > 0),
    PRIMARY KEY (hold_id, line)
);
CREATE INDEX ahead_hold_by_sku ON ahead_hold (sku);
