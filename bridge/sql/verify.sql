-- seals --
-- Reads up to $2 seals after seq $1 in order, each with its event (NULL: it is not there) and the
-- place where it was published. LATERAL with LIMIT: looked up one by one, whatever PostgreSQL
-- believes about the sizes.
SELECT
    seal.seq, seal.position AS sealed_position, seal.prev, seal.hash,
    place.topic, place.partition, place.record_offset,
    event.position, event.stream, event.version, event.type, event.event_id, event.data,
    event.schema_id, event.time, event.actor, event.client, event.method, event.request_id,
    event.correlation_id, event.causation_id, event.traceparent
FROM (SELECT * FROM bridge.seals WHERE seq > $1 ORDER BY seq LIMIT $2) AS seal
LEFT JOIN LATERAL (
    SELECT * FROM bridge.published WHERE published.position = seal.position LIMIT 1
) AS place ON true
LEFT JOIN LATERAL (
    SELECT * FROM bridge.events WHERE events.position = seal.position LIMIT 1
) AS event ON true
ORDER BY seal.seq

-- last --
-- Reads the last seq; 0 before the first seal.
SELECT coalesce(max(seq), 0) FROM bridge.seals

-- hashes --
-- Reads the seals of these seqs.
SELECT seq, position, hash FROM bridge.seals WHERE seq = ANY ($1::bigint[])

-- unsealed --
-- Reads events that left the outbox without a seal, or were never in it; at most $1.
SELECT
    event.position, event.stream, event.version, event.type, event.event_id,
    published.topic, published.partition, published.record_offset
FROM bridge.events AS event
LEFT JOIN bridge.published USING (position)
WHERE
    NOT EXISTS (SELECT FROM bridge.seals WHERE seals.position = event.position)
    AND NOT EXISTS (SELECT FROM bridge.outbox WHERE outbox.position = event.position)
ORDER BY event.position
LIMIT $1

-- dangling --
-- Reads positions that the outbox or the list of what was published names, and that neither an
-- event nor a seal has; at most $1.
SELECT position, topic, partition, record_offset
FROM (
    SELECT position, topic, NULL::integer AS partition, NULL::bigint AS record_offset
    FROM bridge.outbox
    UNION ALL
    SELECT position, topic, partition, record_offset FROM bridge.published
) AS named
WHERE
    NOT EXISTS (SELECT FROM bridge.events WHERE events.position = named.position)
    AND NOT EXISTS (SELECT FROM bridge.seals WHERE seals.position = named.position)
ORDER BY position
LIMIT $1

-- shared --
-- Reads positions that claim a place on Kafka that another one claims too; at most $1.
SELECT published.position, topic, partition, record_offset
FROM bridge.published
JOIN (
    SELECT topic, partition, record_offset
    FROM bridge.published
    GROUP BY topic, partition, record_offset
    HAVING count(*) > 1
) AS shared USING (topic, partition, record_offset)
ORDER BY published.position
LIMIT $1

-- by_id --
-- Reads the events with these ids, each with the place where it was published.
SELECT
    event.position, event.stream, event.version, event.type, event.event_id, event.data,
    event.schema_id, event.time, event.actor, event.correlation_id, event.causation_id,
    event.traceparent, place.topic, place.partition, place.record_offset
FROM unnest($1::uuid[]) AS wanted (id)
CROSS JOIN LATERAL (
    SELECT * FROM bridge.events WHERE events.event_id = wanted.id LIMIT 1
) AS event
LEFT JOIN LATERAL (
    SELECT * FROM bridge.published WHERE published.position = event.position LIMIT 1
) AS place ON true

-- topics --
-- Names the topics that anything was published to.
SELECT DISTINCT topic FROM bridge.published
