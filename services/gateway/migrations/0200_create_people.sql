-- Who signs in. Passwords are Argon2id, whose text says its own parameters.
CREATE TABLE person (
    id uuid PRIMARY KEY,
    name text NOT NULL CHECK (name <> ''),
    -- In lower case, as it is compared.
    email text NOT NULL UNIQUE CHECK (email <> ''),
    role text NOT NULL CHECK (role <> ''),
    locale text NOT NULL CHECK (locale <> ''),
    password_hash text NOT NULL CHECK (password_hash <> ''),
    -- Made for him, and not changed since.
    has_first_password boolean NOT NULL,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL,
    signed_in_at timestamptz,
    disabled_at timestamptz
);

-- Only the hash of what the browser keeps.
CREATE TABLE session (
    token_sha256 bytea PRIMARY KEY CHECK (length(token_sha256) = 32),
    person_id uuid NOT NULL REFERENCES person (id),
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    -- To the minute.
    seen_at timestamptz NOT NULL
);
CREATE INDEX session_person ON session (person_id);
