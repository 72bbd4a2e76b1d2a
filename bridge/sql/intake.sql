-- append_outside --
-- Writes events from outside, each to the end of its stream ($2), but for those whose ids ($1) are
-- stored already, and for those behind one of their batch ($17, a number) whose id is another
-- event's: the same has the same type ($3), data ($4) and, if the publisher said one ($16), time ($8).
-- Queues them for the relay and wakes it at commit. The parameters are lists, an event a place, or of
-- one place where all events have the same; no id comes twice. An empty correlation ($13) is the
-- event's own id. Gives one row an event that was written.
-- The end of a stream is looked at in the statement that writes. Two that meet there, or at an id:
-- the second waits for the first, then fails with events_stream_version or events_event_id, all of
-- it, and is to be made again; so no version is left out. Streams are written in order, so that two
-- seldom wait for each other. PostgreSQL, which plans without the lists, takes them for short: so no
-- two of them are joined, which would cost the square of their length.
WITH offer AS (
    SELECT
        event_id,
        coalesce(stream, ($2::text[])[1]) AS stream,
        coalesce(type, ($3::text[])[1]) AS type,
        coalesce(data, ($4::bytea[])[1]) AS data,
        coalesce(schema_id, ($5::int[])[1]) AS schema_id,
        coalesce(topic, ($6::text[])[1]) AS topic,
        coalesce(schema_version, ($7::int[])[1]) AS schema_version,
        coalesce(time, ($8::timestamptz[])[1]) AS time,
        coalesce(actor, ($9::text[])[1]) AS actor,
        coalesce(client, ($10::text[])[1]) AS client,
        coalesce(method, ($11::text[])[1]) AS method,
        coalesce(request_id, ($12::text[])[1]) AS request_id,
        coalesce(
            nullif(coalesce(correlation_id, ($13::text[])[1]), ''), event_id::text
        ) AS correlation_id,
        coalesce(causation_id, ($14::text[])[1]) AS causation_id,
        coalesce(traceparent, ($15::text[])[1]) AS traceparent,
        coalesce(timed, ($16::boolean[])[1]) AS timed,
        coalesce(batch, ($17::int[])[1]) AS batch,
        ordinal
    FROM unnest(
        $1::uuid[], $2::text[], $3::text[], $4::bytea[], $5::int[], $6::text[], $7::int[],
        $8::timestamptz[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[],
        $14::text[], $15::text[], $16::boolean[], $17::int[]
    ) WITH ORDINALITY AS one (
        event_id, stream, type, data, schema_id, topic, schema_version, time, actor, client,
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
SELECT event_id::text AS event_id, version, (SELECT pg_notify('bridge_outbox', '')) FROM written

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
