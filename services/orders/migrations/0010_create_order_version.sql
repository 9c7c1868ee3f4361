-- expand
-- What an order was agreed to be, after each change of its lines, prices, address or method; the first
-- row is as it was placed. An order that nobody has changed has no row: it is its own first version.
-- content: an Order without states and people. contact: an OrderDetails with its addresses, note and
-- remark; NULL when its customer was erased.
CREATE TABLE order_version (
    order_id uuid NOT NULL,
    version bigint NOT NULL CHECK (version > 0),
    made_at timestamptz NOT NULL,
    kind text NOT NULL CHECK (kind IN ('placed', 'edited', 'changed_by_channel',
                                             'split', 'unsplit')),
    actor text NOT NULL,
    reason text NOT NULL,
    content bytea NOT NULL,
    contact bytea,
    PRIMARY KEY (order_id, version)
);

-- From then on the channel that it came from no longer leads on its lines and address.
ALTER TABLE orders ADD COLUMN edited_at timestamptz;
