-- lock --
-- Tries to become the active relay of this database, for as long as the session lives.
SELECT pg_try_advisory_lock($1)

-- page --
-- Reads the next $2 events of the outbox in order of position, without those in flight ($1).
-- Not "greater than the last one": a lower position may become visible later, and it must go
-- before what follows it in its stream. LATERAL with LIMIT makes PostgreSQL look each event up
-- by its position, whatever it believes about the size of the outbox.
SELECT
    queued.position, queued.topic, queued.schema_version, event.stream, event.version, event.type,
    event.event_id, event.data, event.schema_id, event.time, event.actor, event.correlation_id,
    event.causation_id, event.traceparent
FROM (
    SELECT position, topic, schema_version
    FROM bridge.outbox
    WHERE position <> ALL ($1::bigint[])
    ORDER BY position
    LIMIT $2
) AS queued
CROSS JOIN LATERAL (
    SELECT * FROM bridge.events WHERE events.position = queued.position LIMIT 1
) AS event
ORDER BY queued.position

-- acknowledged --
-- Takes acknowledged events ($1) out of the outbox and records where they went, in one step.
WITH gone AS (
    DELETE FROM bridge.outbox WHERE position = ANY ($1::bigint[])
)
INSERT INTO bridge.published (position, topic, partition, record_offset)
SELECT * FROM unnest($1::bigint[], $2::text[], $3::int[], $4::bigint[])
ON CONFLICT (position) DO NOTHING
