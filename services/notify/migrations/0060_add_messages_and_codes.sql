-- Mails about messages of the shop and one-time codes.
ALTER TABLE message DROP CONSTRAINT message_kind_check;
ALTER TABLE message ADD CONSTRAINT message_kind_check CHECK (kind BETWEEN 1 AND 6);
