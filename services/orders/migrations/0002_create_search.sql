-- What orders are found by besides number, external id, status and date: written by the projection
-- "search", which follows this service's own log. term: "e:" e-mail in lower case, "p:" the digits of a
-- telephone number, "c:" a customer's id (ours or the channel's), "s:" SKU. A term that no longer
-- fits stays: reading compares with the order itself.
CREATE TABLE search_term (
    term text COLLATE "C" NOT NULL,
    placed_at timestamptz NOT NULL,
    order_id uuid NOT NULL,
    PRIMARY KEY (term, placed_at, order_id)
);
