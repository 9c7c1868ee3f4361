-- What is told grows with what happens to orders.
ALTER TABLE message DROP CONSTRAINT message_kind_check;
ALTER TABLE message ADD CONSTRAINT message_kind_check CHECK (kind BETWEEN 1 AND 12);
