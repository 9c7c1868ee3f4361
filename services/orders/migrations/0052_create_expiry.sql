-- What an order gave up when it expired, for as long as it is expired: reopening it takes this back.
CREATE TABLE order_expiry (
    order_id uuid NOT NULL REFERENCES orders (id),
    line_id uuid NOT NULL,
    units integer NOT NULL CHECK (units > 0),
    PRIMARY KEY (order_id, line_id)
);
