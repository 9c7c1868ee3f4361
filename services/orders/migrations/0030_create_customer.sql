-- The shop's customers over all channels. customer_order, and the customers and contacts that orders
-- bring, are written by the projection "customers", which follows this service's own log; commands
-- write the rest. No foreign keys: a projection and the writer each have a transaction of their own.
--
-- A merge only points: whoever was merged keeps rows, contacts and orders, and is found through
-- merged_into, so that taking a merge back is one update. grams: the pairs of characters of a name.
CREATE TABLE customer (
    id uuid PRIMARY KEY,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    consented_at timestamptz,
    erasing_since timestamptz,
    erased_at timestamptz,
    version bigint NOT NULL CHECK (version > 0),
    merged_into uuid CHECK (merged_into <> id),
    accepts_marketing boolean NOT NULL,
    name text NOT NULL,
    email text NOT NULL,
    phone text NOT NULL,
    locale text NOT NULL,
    note text NOT NULL,
    tags text NOT NULL, -- one a line
    grams text[] NOT NULL,
    CHECK (erased_at IS NULL OR (name = '' AND email = '' AND phone = '' AND note = '' AND tags = ''))
);
CREATE INDEX customer_by_grams ON customer USING gin (grams);
CREATE INDEX customer_by_merge ON customer (merged_into) WHERE merged_into IS NOT NULL;
CREATE INDEX customer_by_erasing ON customer (erasing_since)
    WHERE erasing_since IS NOT NULL AND erased_at IS NULL;

-- How a customer is known. value: a telephone number (E.164, or its digits where the country is not
-- known), an e-mail address in lower case, a channel's customer as channel/id. Several customers may
-- share one: then they may be the same. grams: the triples of a number's digits.
CREATE TABLE customer_contact (
    kind smallint NOT NULL CHECK (kind BETWEEN 1 AND 3), -- telephone, e-mail, channel's customer
    value text COLLATE "C" NOT NULL CHECK (value <> ''),
    customer_id uuid NOT NULL,
    grams text[],
    PRIMARY KEY (kind, value, customer_id)
);
CREATE INDEX customer_contact_by_customer ON customer_contact (customer_id);
CREATE INDEX customer_contact_by_grams ON customer_contact USING gin (grams) WHERE grams IS NOT NULL;

CREATE TABLE customer_address (
    customer_id uuid NOT NULL,
    id uuid NOT NULL,
    label text NOT NULL,
    address bytea NOT NULL, -- common.v1.Address, packed
    PRIMARY KEY (customer_id, id)
);

-- Whose an order is. is_erased: the order's own words about its customer are gone.
CREATE TABLE customer_order (
    order_id uuid PRIMARY KEY,
    customer_id uuid NOT NULL,
    placed_at timestamptz NOT NULL,
    is_erased boolean NOT NULL DEFAULT false
);
CREATE INDEX customer_order_by_customer ON customer_order (customer_id, placed_at, order_id);
