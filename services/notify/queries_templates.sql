-- The shop's own templates, and which mails are sent.

-- name: template_insert
INSERT INTO template_version (kind, locale, part, version, body, updated_at, updated_by)
VALUES ($1, $2, $3, $4, $5, $6, $7);

-- The newest version of each template that was ever changed.
-- name: templates_newest
SELECT DISTINCT ON (kind, locale, part) kind, locale, part, version, body, updated_at, updated_by
FROM template_version ORDER BY kind, locale, part, version DESC;

-- Newest first, before the version $4 (0: from the newest).
-- name: template_versions
SELECT kind, locale, part, version, body, updated_at, updated_by FROM template_version
WHERE kind = $1 AND locale = $2 AND part = $3 AND ($4 = 0 OR version < $4)
ORDER BY version DESC LIMIT $5;

-- name: template_generation
SELECT count(*) AS generation FROM template_version;

-- name: settings_all
SELECT kind, channel, email, updated_at, updated_by FROM notification_setting
ORDER BY kind, channel;

-- name: setting_upsert
INSERT INTO notification_setting (kind, channel, email, updated_at, updated_by)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (kind, channel) DO UPDATE
SET email = excluded.email, updated_at = excluded.updated_at, updated_by = excluded.updated_by;
