-- The audit's chain.

-- Each entry's hash is that of the hash before and of itself, as netstrings: "5:owner,".
-- name: audit_chain
SELECT what, count(*) OVER () AS number FROM (
    SELECT CASE WHEN position <> coalesce(before_position, 0) + 1
                THEN format('the audit has entry %s after %s', position, coalesce(before_position, 0))
                ELSE format('the audit''s entry %s is not what its hash was made of', position)
           END AS what
    FROM (
        SELECT e.position, e.sha256, lag(e.position) OVER v AS before_position,
               sha256(coalesce(lag(e.sha256) OVER v, ''::bytea) || convert_to((
                   SELECT string_agg(octet_length(f.value) || ':' || f.value || ',', '' ORDER BY f.place)
                   FROM unnest(ARRAY[e.position::text, e.id::text,
                                     (extract(epoch FROM e.at) * 1000000)::bigint::text, e.actor,
                                     e.action, e.route, e.target, e.address, e.times::text])
                        WITH ORDINALITY AS f (value, place)), 'UTF8')) AS computed
        FROM gateway.audit_entry e
        WINDOW v AS (ORDER BY e.position)
    ) AS entries
    WHERE sha256 <> computed OR position <> coalesce(before_position, 0) + 1
) AS d ORDER BY what LIMIT 20;

-- What was noted has its place within a second, and after a stop within a minute of the start.
-- name: audit_waits
SELECT what, count(*) OVER () AS number FROM (
    SELECT format('%s noted at %s is not in the audit''s chain, which has gone on to %s', action, at,
                  (SELECT max(e.at) FROM gateway.audit_entry e)) AS what
    FROM gateway.audit_pending p
    WHERE p.at < (SELECT max(e.at) FROM gateway.audit_entry e) - interval '2 minutes'
) AS d ORDER BY what LIMIT 20;
