-- What of its role's permissions a key has, separated by spaces; empty: all.
ALTER TABLE api_key ADD COLUMN scopes text NOT NULL DEFAULT '';
