-- expand. An order that was split, and what was split off from it, are a family: they have the payments
-- and refunds of its root. root_id is on every member, the root included; NULL: never split.
ALTER TABLE orders ADD COLUMN root_id uuid;

-- letter 0 is the root itself, 1 is A, 27 is AA; none is given twice. parent_id: NULL for the root.
CREATE TABLE order_family (
    root_id uuid NOT NULL REFERENCES orders (id),
    letter integer NOT NULL CHECK (letter >= 0),
    order_id uuid NOT NULL UNIQUE REFERENCES orders (id),
    parent_id uuid REFERENCES orders (id),
    PRIMARY KEY (root_id, letter),
    CHECK ((letter = 0) = (parent_id IS NULL) AND (letter = 0) = (order_id = root_id))
);

-- The member that a refund was made for; NULL: the order whose payment it is.
ALTER TABLE refund ADD COLUMN member_id uuid;
CREATE INDEX refund_by_member ON refund (member_id) WHERE member_id IS NOT NULL;

-- origin_id: the line that this one was a part of before a split. The others are what inventory tells of
-- what the line waits for; NULL is nothing.
ALTER TABLE order_line
    ADD COLUMN origin_id uuid,
    ADD COLUMN preordered_total integer CHECK (preordered_total >= 0),
    ADD COLUMN backordered_total integer CHECK (backordered_total >= 0),
    ADD COLUMN promised_at timestamptz;
