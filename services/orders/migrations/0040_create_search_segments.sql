-- What orders are found by, written by the projection "search_segments": search_segment.h has the
-- form, docs/decisions/0075 the reason. It takes the place of search_term, which nobody writes any
-- more. A segment that was merged into another is retired and deleted half a minute later, when
-- nobody reads it any more.

CREATE TABLE search_segment (
    id bigint PRIMARY KEY,
    doc_count integer NOT NULL CHECK (doc_count > 0),
    newest_us bigint NOT NULL,
    oldest_us bigint NOT NULL,
    retired_at timestamptz
);
CREATE TABLE search_doc (
    segment_id bigint NOT NULL,
    chunk integer NOT NULL,
    oldest_us bigint NOT NULL,
    docs bytea NOT NULL,
    PRIMARY KEY (segment_id, chunk)
);
ALTER TABLE search_doc ALTER COLUMN docs SET STORAGE PLAIN;
CREATE INDEX search_doc_by_time ON search_doc (segment_id, oldest_us, chunk);
CREATE TABLE search_block (
    segment_id bigint NOT NULL,
    first_gram bigint NOT NULL,
    first_rank integer NOT NULL,
    entries bytea NOT NULL,
    PRIMARY KEY (segment_id, first_gram, first_rank)
);
ALTER TABLE search_block ALTER COLUMN entries SET STORAGE PLAIN;

-- An order that stands on hold is found by that: an order is seldom put on hold, and one that never
-- was costs this index nothing.
CREATE INDEX orders_held ON orders (placed_at, id) WHERE hold_count > 0;

-- The parcels of orders. Found by the beginning of the number, as it is read from a label.
CREATE TABLE order_tracking (
    tracking text COLLATE "C" NOT NULL,
    order_id uuid NOT NULL,
    tracking_number text NOT NULL,
    PRIMARY KEY (tracking, order_id)
);
