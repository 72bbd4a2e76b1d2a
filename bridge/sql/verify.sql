-- seals --
-- Reads up to $2 seals after seq $1 in order, each with its event (NULL: it is not there) and the
-- place where it was published. Times as they are sent: the driver can't read all (BC). ONLY, here
-- and everywhere: a child table's rows are no history. LATERAL with LIMIT: looked up one by one,
-- whatever PostgreSQL believes about the sizes.
SELECT
    seal.seq, seal.position AS sealed_position, seal.prev, seal.hash,
    place.topic, place.partition, place.record_offset,
    event.position, event.stream, event.version, event.type, event.event_id, event.data,
    event.schema_id, timestamptz_send(event.time) AS time, event.actor, event.client, event.method,
    event.request_id, event.correlation_id, event.causation_id, event.traceparent
FROM (SELECT * FROM ONLY bridge.seals WHERE seq > $1 ORDER BY seq LIMIT $2) AS seal
LEFT JOIN LATERAL (
    SELECT * FROM ONLY bridge.published WHERE published.position = seal.position LIMIT 1
) AS place ON true
LEFT JOIN LATERAL (
    SELECT * FROM ONLY bridge.events WHERE events.position = seal.position LIMIT 1
) AS event ON true
ORDER BY seal.seq

-- last --
-- Reads the last seq; 0 before the first seal.
SELECT coalesce(max(seq), 0) FROM ONLY bridge.seals

-- hashes --
-- Reads the seals of these seqs.
SELECT seq, position, hash FROM ONLY bridge.seals WHERE seq = ANY ($1::bigint[])

-- unsealed --
-- Reads events that left the outbox without a seal, or were never in it; at most $1.
SELECT
    event.position, event.stream, event.version, event.type, event.event_id,
    published.topic, published.partition, published.record_offset
FROM ONLY bridge.events AS event
LEFT JOIN ONLY bridge.published USING (position)
WHERE
    NOT EXISTS (SELECT FROM ONLY bridge.seals WHERE seals.position = event.position AND seq > 0)
    AND NOT EXISTS (SELECT FROM ONLY bridge.outbox WHERE outbox.position = event.position)
ORDER BY event.position
LIMIT $1

-- waiting --
-- Reads events that wait in the outbox, without a seal, and should not: for none of the topics $1,
-- or although a younger one left more than $2 ago; at most $3.
SELECT
    event.position, event.stream, event.version, event.type, event.event_id, outbox.topic,
    coalesce(outbox.topic = ANY ($1::text[]), false) AS known
FROM ONLY bridge.outbox
CROSS JOIN LATERAL (
    SELECT * FROM ONLY bridge.events WHERE events.position = outbox.position LIMIT 1
) AS event
WHERE
    NOT EXISTS (SELECT FROM ONLY bridge.seals WHERE seals.position = outbox.position AND seq > 0)
    AND (
        coalesce(outbox.topic <> ALL ($1::text[]), true)
        OR outbox.position < (
            SELECT max(position) FROM ONLY bridge.published WHERE time < now() - $2::interval
        )
    )
ORDER BY outbox.position
LIMIT $3

-- duplicates --
-- Reads what more than one event has: a position, an id, a version of a stream; at most $1.
SELECT *
FROM (
    SELECT 'position' AS what, position, NULL AS event_id, NULL AS stream, NULL::bigint AS version
    FROM ONLY bridge.events GROUP BY position HAVING count(*) > 1
    UNION ALL
    SELECT 'id', min(position), event_id::text, NULL, NULL
    FROM ONLY bridge.events GROUP BY event_id HAVING count(*) > 1
    UNION ALL
    SELECT 'version of its stream', min(position), NULL, stream, version
    FROM ONLY bridge.events GROUP BY stream, version HAVING count(*) > 1
) AS twice
LIMIT $1

-- dangling --
-- Reads positions that the outbox or the list of what was published names, and that neither an
-- event nor a seal has; at most $1.
SELECT position, topic, partition, record_offset
FROM (
    SELECT position, topic, NULL::integer AS partition, NULL::bigint AS record_offset
    FROM ONLY bridge.outbox
    UNION ALL
    SELECT position, topic, partition, record_offset FROM ONLY bridge.published
) AS named
WHERE
    NOT EXISTS (SELECT FROM ONLY bridge.events WHERE events.position = named.position)
    AND NOT EXISTS (SELECT FROM ONLY bridge.seals WHERE seals.position = named.position)
ORDER BY position
LIMIT $1

-- shared --
-- Reads positions that claim a place on Kafka that another one claims too; at most $1.
SELECT published.position, topic, partition, record_offset
FROM ONLY bridge.published
JOIN (
    SELECT topic, partition, record_offset
    FROM ONLY bridge.published
    GROUP BY topic, partition, record_offset
    HAVING count(*) > 1
) AS shared USING (topic, partition, record_offset)
ORDER BY published.position
LIMIT $1

-- by_id --
-- Reads the events with these ids, each with the place where it was published.
SELECT
    event.position, event.stream, event.version, event.type, event.event_id, event.data,
    event.schema_id, timestamptz_send(event.time) AS time, event.actor, event.correlation_id,
    event.causation_id, event.traceparent, place.topic, place.partition, place.record_offset
FROM unnest($1::uuid[]) AS wanted (id)
CROSS JOIN LATERAL (
    SELECT * FROM ONLY bridge.events WHERE events.event_id = wanted.id LIMIT 1
) AS event
LEFT JOIN LATERAL (
    SELECT * FROM ONLY bridge.published WHERE published.position = event.position LIMIT 1
) AS place ON true

-- topics --
-- Names the topics that anything was published to.
SELECT DISTINCT topic FROM ONLY bridge.published

-- structure --
-- Says of the tables $1 what they are made of, one line a fact: kind, columns, valid keys, and all
-- that can hide rows or add some.
WITH kept AS (
    SELECT pg_class.*
    FROM pg_class
    JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE nspname = 'bridge' AND relname = ANY ($1::text[])
)
SELECT relname::text, format('kind %s, %s', relkind, relpersistence) AS fact
FROM kept
UNION ALL
SELECT
    relname, format('%s %s', attname, format_type(atttypid, atttypmod))
    || CASE WHEN attnotnull THEN ' not null' ELSE '' END
FROM kept
JOIN pg_attribute ON attrelid = kept.oid
WHERE attnum > 0 AND NOT attisdropped
UNION ALL
SELECT
    relname, CASE WHEN indisprimary THEN 'primary' ELSE 'unique' END || ' key ' || (
        SELECT string_agg(attname, ', ' ORDER BY ordinal)
        FROM unnest(indkey::int2[]) WITH ORDINALITY AS part (number, ordinal)
        JOIN pg_attribute ON attrelid = kept.oid AND attnum = number
        WHERE ordinal <= indnkeyatts
    )
FROM kept
JOIN pg_index ON indrelid = kept.oid
WHERE indisunique AND indisvalid AND indisready AND indpred IS NULL AND indexprs IS NULL
UNION ALL
SELECT relname, 'row level security'
FROM kept
WHERE relrowsecurity OR relforcerowsecurity
UNION ALL
SELECT relname, 'policy ' || polname
FROM kept
JOIN pg_policy ON polrelid = kept.oid
UNION ALL
SELECT relname, 'rule ' || rulename
FROM kept
JOIN pg_rewrite ON ev_class = kept.oid
UNION ALL
SELECT relname, 'trigger ' || tgname
FROM kept
JOIN pg_trigger ON tgrelid = kept.oid
WHERE NOT tgisinternal
UNION ALL
SELECT relname, 'child ' || inhrelid::regclass::text
FROM kept
JOIN pg_inherits ON inhparent = kept.oid
UNION ALL
SELECT relname, 'parent ' || inhparent::regclass::text
FROM kept
JOIN pg_inherits ON inhrelid = kept.oid
