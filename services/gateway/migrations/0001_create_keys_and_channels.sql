-- Who may come in. Of a key only the hash is kept; a channel's secret is needed as it is, to check
-- signatures with, and only this service's role can read it.
CREATE TABLE api_key (
    id uuid PRIMARY KEY,
    name text NOT NULL CHECK (name <> ''),
    role text NOT NULL CHECK (role <> ''),
    -- The first characters, to recognise it by.
    prefix text NOT NULL,
    key_sha256 bytea NOT NULL UNIQUE CHECK (length(key_sha256) = 32),
    created_by text NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz,
    last_used_at timestamptz,
    revoked_at timestamptz
);

CREATE TABLE channel (
    name text PRIMARY KEY CHECK (name <> ''),
    type text NOT NULL CHECK (type <> ''),
    number_prefix text NOT NULL UNIQUE CHECK (number_prefix <> ''),
    confirms_manually boolean NOT NULL,
    is_active boolean NOT NULL,
    secret bytea,
    -- The one before, while a rotation is under way.
    previous_secret bytea,
    previous_secret_until timestamptz,
    created_at timestamptz NOT NULL,
    -- Orders is told each version; what it has not heard of yet is told again.
    version integer NOT NULL DEFAULT 1,
    told_version integer NOT NULL DEFAULT 0,
    CHECK ((previous_secret IS NULL) = (previous_secret_until IS NULL)),
    CHECK (told_version <= version)
);

-- Orders that are placed over the API have a channel from the first day.
INSERT INTO channel (name, type, number_prefix, confirms_manually, is_active, created_at)
VALUES ('web', 'api', 'WEB', false, true, now());
