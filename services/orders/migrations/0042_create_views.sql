-- Saved views of the list of orders. A person has a few; they are read whole.
CREATE TABLE saved_view (
    id uuid PRIMARY KEY,
    owner text NOT NULL,
    name text NOT NULL,
    query text NOT NULL,
    columns text[] NOT NULL,
    sort text NOT NULL,
    density text NOT NULL,
    is_shared boolean NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE INDEX saved_view_by_owner ON saved_view (owner);
CREATE INDEX saved_view_shared ON saved_view (id) WHERE is_shared;
