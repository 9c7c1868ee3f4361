-- What the shop and the customers of orders write to each other, internal notes, canned replies, and
-- what lets a customer see the own order. No row here is written when an order is placed.

-- One row for each order that has messages. The id of the last message is newer than that of any
-- other thread's that has been quiet since: the message centre pages by it.
CREATE TABLE thread (
    order_id uuid PRIMARY KEY REFERENCES orders (id),
    last_message_id uuid NOT NULL UNIQUE,
    unread integer NOT NULL CHECK (unread >= 0),
    messages integer NOT NULL CHECK (messages >= unread),
    is_closed boolean NOT NULL,
    assignee text COLLATE "C" NOT NULL
);
CREATE INDEX thread_unread ON thread (last_message_id) WHERE unread > 0;

-- direction: 1 by the customer, 2 by the shop. is_read: somebody of the shop has read it.
CREATE TABLE thread_message (
    order_id uuid NOT NULL REFERENCES thread (order_id),
    id uuid NOT NULL,
    direction smallint NOT NULL CHECK (direction IN (1, 2)),
    is_read boolean NOT NULL,
    created_at timestamptz NOT NULL,
    author text NOT NULL,
    body text NOT NULL CHECK (length(body) BETWEEN 1 AND 4000),
    PRIMARY KEY (order_id, id),
    CHECK (is_read OR direction = 1)
);
-- Letters ask for messages by their ids.
CREATE UNIQUE INDEX thread_message_by_id ON thread_message (id);

-- Never read together with the tables above: notes do not leave the shop.
CREATE TABLE note (
    id uuid PRIMARY KEY,
    order_id uuid NOT NULL REFERENCES orders (id),
    created_at timestamptz NOT NULL,
    author text NOT NULL,
    body text NOT NULL CHECK (length(body) BETWEEN 1 AND 4000),
    mentions text[] COLLATE "C" NOT NULL
);
CREATE INDEX note_by_order ON note (order_id, id);
CREATE INDEX note_by_mention ON note USING gin (mentions);

CREATE TABLE canned_reply (
    id uuid PRIMARY KEY,
    name text NOT NULL UNIQUE,
    updated_at timestamptz NOT NULL,
    updated_by text NOT NULL
);
CREATE TABLE canned_text (
    reply_id uuid NOT NULL REFERENCES canned_reply (id),
    locale text COLLATE "C" NOT NULL,
    body text NOT NULL,
    PRIMARY KEY (reply_id, locale)
);

-- What links to an order's page are signed with. gen_random_uuid() takes its bits from the system's
-- source of randomness, 122 each.
CREATE TABLE link_secret (
    id smallint PRIMARY KEY CHECK (id = 1),
    secret bytea NOT NULL CHECK (length(secret) = 32)
);
INSERT INTO link_secret (id, secret)
VALUES (1, uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()));
-- Links carry the version that they were made at; an order that is not here is at version 1.
CREATE TABLE link_version (
    order_id uuid PRIMARY KEY REFERENCES orders (id),
    version integer NOT NULL CHECK (version > 1)
);

-- Who asked for an order by its number and a telephone number. The key is a hash of both, and there is
-- a row whether or not there is such an order: so nothing can be told from how long an answer takes.
-- order_id and code_id are set if there is one. The codes themselves are derived, not stored.
CREATE TABLE order_lookup (
    key uuid PRIMARY KEY,
    window_at timestamptz NOT NULL,
    requests integer NOT NULL,
    tries integer NOT NULL,
    code_at timestamptz,
    code_id uuid UNIQUE,
    order_id uuid REFERENCES orders (id),
    CHECK ((code_id IS NULL) = (order_id IS NULL))
);
CREATE INDEX order_lookup_by_window ON order_lookup (window_at);
