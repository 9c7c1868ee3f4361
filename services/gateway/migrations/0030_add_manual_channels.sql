-- Orders that somebody types in have a channel from the first day too. ON CONFLICT: a shop that has
-- given one of these names or prefixes away keeps its own.
INSERT INTO channel (name, type, number_prefix, confirms_manually, is_active, created_at)
VALUES ('phone', 'manual', 'TEL', false, true, now()), ('counter', 'manual', 'POS', false, true, now())
ON CONFLICT DO NOTHING;
