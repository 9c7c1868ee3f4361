-- What orders are found by besides number, external id, status and date: written by the projection
-- "search", which follows this service's own log. term is the hash of a text: "e:" e-mail in lower
-- case, "p:" the digits of a telephone number, "c:" a customer's id (ours or the channel's), "s:" SKU.
-- Six of them an order make this the most written table of all, hence eight bytes for each, and an
-- index that allows what repeats. A term that no longer fits stays: reading compares with the order.
CREATE TABLE search_term (
    term bigint NOT NULL,
    placed_at timestamptz NOT NULL,
    order_id uuid NOT NULL
);
CREATE INDEX search_term_by_term ON search_term (term, placed_at, order_id);
