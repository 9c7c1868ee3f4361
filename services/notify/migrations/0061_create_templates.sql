ALTER TABLE message DROP CONSTRAINT message_kind_check;
ALTER TABLE message ADD CONSTRAINT message_kind_check CHECK (kind BETWEEN 1 AND 100);

-- The shop's own texts for mails. Versions are only ever added; the newest counts, and one without a body
-- is the way back to the file. Their number tells the senders that something has changed.
CREATE TABLE template_version (
    kind smallint NOT NULL CHECK (kind BETWEEN 1 AND 99),
    locale text COLLATE "C" NOT NULL,
    part text COLLATE "C" NOT NULL CHECK (part IN ('html', 'text')),
    version integer NOT NULL CHECK (version > 0),
    body text,
    updated_at timestamptz NOT NULL,
    updated_by text NOT NULL,
    PRIMARY KEY (kind, locale, part, version)
);

-- Which mails are sent: channel '' is for all that have no row of their own; without any row they are.
CREATE TABLE notification_setting (
    kind smallint NOT NULL CHECK (kind BETWEEN 1 AND 99),
    channel text COLLATE "C" NOT NULL,
    email boolean NOT NULL,
    updated_at timestamptz NOT NULL,
    updated_by text NOT NULL,
    PRIMARY KEY (kind, channel)
);
