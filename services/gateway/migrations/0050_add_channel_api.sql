-- Where a channel's own API is, and what opens it: refunds that go through the channel are asked of it.
ALTER TABLE channel
    ADD COLUMN api_url text NOT NULL DEFAULT '',
    ADD COLUMN api_user text NOT NULL DEFAULT '',
    ADD COLUMN api_secret text NOT NULL DEFAULT '';
