-- head --
-- Reads the last seal; no row: the chain has not begun.
SELECT seq, position, hash FROM bridge.seals ORDER BY seq DESC LIMIT 1

-- unsealed --
-- Reads the next $2 events after position $1 that are on Kafka: what a release without seals has
-- published. `fields` is what is sealed of an event: see bridge/audit/seals.py. LATERAL with LIMIT:
-- looked up one by one, whatever PostgreSQL believes about the sizes.
SELECT
    event.position,
    record_send(ROW(
        event.position, event.stream, event.version, event.type, event.event_id, event.data,
        event.schema_id, event.time, event.actor, event.client, event.method, event.request_id,
        event.correlation_id, event.causation_id, event.traceparent
    )) AS fields
FROM (
    SELECT position
    FROM bridge.published
    WHERE position > $1
    ORDER BY position
    LIMIT $2
) AS gone
CROSS JOIN LATERAL (
    SELECT * FROM bridge.events WHERE events.position = gone.position LIMIT 1
) AS event
ORDER BY event.position

-- seal --
-- Seals positions $1 after seal $2, whose hash is $3, in the order given: hashes $4.
INSERT INTO bridge.seals (seq, position, prev, hash)
SELECT $2::bigint + ordinal, position, lag(hash, 1, $3::bytea) OVER (ORDER BY ordinal), hash
FROM unnest($1::bigint[], $4::bytea[]) WITH ORDINALITY AS made (position, hash, ordinal)
