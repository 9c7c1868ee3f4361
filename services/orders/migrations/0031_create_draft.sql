-- Orders that are not placed yet. body: the PlaceOrderRequest, packed, as far as it has been filled in;
-- empty once it is placed, for the order has it. customer_id, phone and email: whose it is, as
-- customer_contact writes them.
CREATE TABLE draft (
    id uuid PRIMARY KEY,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    held_until timestamptz,
    version bigint NOT NULL CHECK (version > 0),
    status smallint NOT NULL CHECK (status IN (1, 2)), -- open, placed
    reservation_id uuid,
    order_id uuid UNIQUE,
    customer_id uuid,
    created_by text NOT NULL,
    title text NOT NULL,
    phone text NOT NULL,
    email text NOT NULL,
    body bytea NOT NULL,
    CHECK ((status = 2) = (order_id IS NOT NULL)),
    CHECK ((reservation_id IS NULL) = (held_until IS NULL))
);
CREATE INDEX draft_by_status ON draft (status, id);

-- What the shop offers to the clerk. offer: orders.v1.DeliveryOffer, packed.
CREATE TABLE delivery_offer (
    code text COLLATE "C" PRIMARY KEY,
    rank integer NOT NULL,
    offer bytea NOT NULL
);
