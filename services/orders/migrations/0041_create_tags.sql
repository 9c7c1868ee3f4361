-- Tags of orders, and how many orders have each. placed_at is the order's, which never changes: a
-- tag's orders are listed in the order of every list.
CREATE TABLE order_tag (
    order_id uuid NOT NULL,
    tag text COLLATE "C" NOT NULL,
    placed_at timestamptz NOT NULL,
    PRIMARY KEY (order_id, tag)
);
CREATE INDEX order_tag_by_tag ON order_tag (tag, placed_at, order_id);
CREATE TABLE tag_count (
    tag text COLLATE "C" PRIMARY KEY,
    orders bigint NOT NULL
);
