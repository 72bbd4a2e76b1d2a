-- append_outside --
-- Writes events from outside, each to the end of its stream ($1), but for those whose ids ($3) are
-- stored already, and for those behind one of their batch ($17, a number) whose id is another
-- event's: the same has the same type ($2), data ($4) and, if the publisher said one ($16), time ($8).
-- Queues them for the relay and wakes it at commit. All parameters are lists, an event a place; no id
-- comes twice. Gives one row an event that was written.
-- The end of a stream is looked at in the statement that writes. Two that meet there, or at an id:
-- the second waits for the first, then fails with events_stream_version or events_event_id, all of
-- it, and is to be made again; so no version is left out. Streams are written in order, so that two
-- seldom wait for each other. PostgreSQL, which plans without the lists, takes them for short: so no
-- two of them are joined, which would cost the square of their length.
WITH offer AS (
    SELECT *
    FROM unnest(
        $1::text[], $2::text[], $3::uuid[], $4::bytea[], $5::int[], $6::text[], $7::int[],
        $8::timestamptz[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[],
        $14::text[], $15::text[], $16::boolean[], $17::int[]
    ) WITH ORDINALITY AS one (
        stream, type, event_id, data, schema_id, topic, schema_version, time, actor, client,
        method, request_id, correlation_id, causation_id, traceparent, timed, batch, ordinal
    )
), met AS MATERIALIZED (
    SELECT
        offer.*,
        -- NULL: new. Not EXISTS: a plan from when the table was small would read all of it each time.
        (
            SELECT
                known.type = offer.type AND known.data = offer.data
                AND (NOT offer.timed OR known.time = offer.time)
            FROM bridge.events AS known
            WHERE known.event_id = offer.event_id LIMIT 1
        ) AS same
    FROM offer
), placed AS (
    SELECT
        met.*,
        bool_and(coalesce(same, true)) OVER (PARTITION BY batch ORDER BY ordinal) AS reached
    FROM met
), fresh AS MATERIALIZED (
    SELECT placed.*, row_number() OVER (PARTITION BY stream ORDER BY ordinal) AS step
    FROM placed
    WHERE same IS NULL AND reached
), written AS (
    INSERT INTO bridge.events (
        stream, version, type, event_id, data, schema_id, time, actor, client, method,
        request_id, correlation_id, causation_id, traceparent
    )
    SELECT
        stream,
        step + coalesce(
            (SELECT max(last.version) FROM bridge.events AS last WHERE last.stream = fresh.stream), 0
        ),
        type, event_id, data, schema_id, time, actor, client, method, request_id, correlation_id,
        causation_id, traceparent
    FROM fresh
    ORDER BY stream, step
    RETURNING position, version, event_id, type
), kind AS MATERIALIZED (
    SELECT DISTINCT type, topic, schema_version FROM offer
), queued AS (
    INSERT INTO bridge.outbox (position, topic, schema_version)
    SELECT position, topic, schema_version FROM written INNER JOIN kind USING (type)
)
SELECT event_id::text AS event_id, version, pg_notify('bridge_outbox', '') FROM written

-- known --
-- Reads the events with the ids $1 and where each went.
SELECT
    event.stream, event.version, event.type, event.event_id::text AS event_id, event.data,
    event.time, event.correlation_id, event.causation_id,
    coalesce(published.topic, outbox.topic, '') AS topic, published.partition,
    published.record_offset
FROM unnest($1::uuid[]) AS wanted (id)
CROSS JOIN LATERAL (
    SELECT * FROM bridge.events WHERE events.event_id = wanted.id LIMIT 1
) AS event
LEFT JOIN LATERAL (
    SELECT * FROM bridge.published WHERE published.position = event.position LIMIT 1
) AS published ON true
LEFT JOIN LATERAL (
    SELECT * FROM bridge.outbox WHERE outbox.position = event.position LIMIT 1
) AS outbox ON true
