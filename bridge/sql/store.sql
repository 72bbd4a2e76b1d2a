-- append_one --
-- Writes one event to stream $1 if it stands at version $2, as `append` does for several.
WITH written AS (
    INSERT INTO bridge.events (
        stream, version, type, event_id, data, schema_id, time, actor, client, method,
        request_id, correlation_id, causation_id, traceparent
    )
    SELECT
        $1::text, $2::bigint + 1, $3::text, $4::uuid, $5::bytea, $6::int,
        $9::timestamptz, $10::text, $11::text, $12::text, $13::text, $14::text, $15::text, $16::text
    WHERE $2 = coalesce((SELECT max(version) FROM bridge.events WHERE stream = $1), 0)
    RETURNING position
), queued AS (
    INSERT INTO bridge.outbox (position, topic, schema_version)
    SELECT position, $7::text, $8::int FROM written
)
SELECT position, pg_notify('bridge_outbox', '') FROM written

-- append --
-- Writes events $3.. to stream $1 if it stands at version $2, queues them for the relay and wakes
-- it at commit. Gives one row an event, in order; no row: the stream stands elsewhere. Two that
-- meet at the same version: the second waits and fails with events_stream_version.
-- The version check makes sure that the rows of a stream get their positions in the order of
-- their versions: an append starts only after the one before it was committed.
WITH head AS (
    SELECT coalesce(max(version), 0) AS version FROM bridge.events WHERE stream = $1
), written AS (
    INSERT INTO bridge.events (
        stream, version, type, event_id, data, schema_id, time, actor, client, method,
        request_id, correlation_id, causation_id, traceparent
    )
    SELECT
        $1::text, $2::bigint + new.ordinal, new.type, new.event_id, new.data, new.schema_id,
        $9::timestamptz, $10::text, $11::text, $12::text, $13::text, $14::text, $15::text, $16::text
    FROM head, unnest($3::text[], $4::uuid[], $5::bytea[], $6::int[])
        WITH ORDINALITY AS new (type, event_id, data, schema_id, ordinal)
    WHERE head.version = $2
    ORDER BY new.ordinal
    RETURNING position, version
), queued AS (
    INSERT INTO bridge.outbox (position, topic, schema_version)
    SELECT position, ($7::text[])[version - $2], ($8::int[])[version - $2] FROM written
)
SELECT position, pg_notify('bridge_outbox', '') FROM written ORDER BY version

-- load --
-- Reads stream $1 from the version after $2, in order.
SELECT
    position, stream, version, type, event_id, data, time, actor, client, method, request_id,
    correlation_id, causation_id, traceparent
FROM bridge.events
WHERE stream = $1 AND version > $2
ORDER BY version

-- listed --
-- Reads up to $3 events of stream $1 from the version after $2, in order, and where each went.
SELECT
    event.stream, event.version, event.type, event.event_id::text AS event_id, event.data,
    event.time, event.correlation_id, event.causation_id,
    coalesce(published.topic, outbox.topic, '') AS topic, published.partition,
    published.record_offset
FROM bridge.events AS event
LEFT JOIN bridge.published AS published USING (position)
LEFT JOIN bridge.outbox AS outbox USING (position)
WHERE event.stream = $1 AND event.version > $2
ORDER BY event.version
LIMIT $3
