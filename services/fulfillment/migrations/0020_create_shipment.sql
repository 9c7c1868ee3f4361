-- expand. A parcel that several orders share. It is open until it is shipped or taken apart; then each of
-- its orders has a parcel of the same id.
CREATE TABLE shipment (
    id              uuid PRIMARY KEY,
    status          smallint NOT NULL CHECK (status BETWEEN 1 AND 3),
    location        text NOT NULL,
    carrier         text NOT NULL,
    tracking_number text NOT NULL,
    reason          text NOT NULL,
    created_by      text NOT NULL,
    created_at      timestamptz NOT NULL,
    ended_at        timestamptz,
    CHECK ((status = 1) = (ended_at IS NULL))
);

CREATE TABLE shipment_order (
    shipment_id    uuid NOT NULL REFERENCES shipment (id),
    order_id       uuid NOT NULL,
    fulfillment_id uuid NOT NULL REFERENCES fulfillment_order (id),
    is_open        boolean NOT NULL,
    PRIMARY KEY (shipment_id, order_id)
);
CREATE UNIQUE INDEX shipment_order_open ON shipment_order (order_id) WHERE is_open;
CREATE INDEX shipment_order_by_order ON shipment_order (order_id, shipment_id);
