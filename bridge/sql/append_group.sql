-- append_group --
-- Writes the drafts of a group, one a stream (name $1, expected version $2, time $3, origin $4 to
-- $10), with their entries (number of the draft $11 and of the entry in it $12, both from 1, then
-- $13 to $18), queues them for the relay and wakes it at commit. Gives one row an entry that was
-- written, in order; none for a draft whose stream stands elsewhere.
-- A stream that somebody else is writing is waited for, and then it stands elsewhere: the conflict
-- is that of the draft's first entry, and without the first one nothing of it is written. Drafts
-- come in order of their streams, so that two groups never wait for each other.
WITH draft AS (
    SELECT *
    FROM unnest(
        $1::text[], $2::bigint[], $3::timestamptz[], $4::text[], $5::text[], $6::text[],
        $7::text[], $8::text[], $9::text[], $10::text[]
    ) WITH ORDINALITY AS one (
        stream, version, time, actor, client, method, request_id, correlation_id, causation_id,
        traceparent, number
    )
), entry AS (
    SELECT *
    FROM unnest(
        $11::int[], $12::int[], $13::text[], $14::uuid[], $15::bytea[], $16::int[], $17::text[],
        $18::int[]
    ) AS one (number, ordinal, type, event_id, data, schema_id, topic, schema_version)
), beginning AS (
    INSERT INTO bridge.events (
        stream, version, type, event_id, data, schema_id, time, actor, client, method,
        request_id, correlation_id, causation_id, traceparent
    )
    SELECT
        stream, version + 1, type, event_id, data, schema_id, time, actor, client, method,
        request_id, correlation_id, causation_id, traceparent
    FROM draft
    INNER JOIN entry USING (number)
    WHERE ordinal = 1 AND draft.version = coalesce(
        (SELECT max(head.version) FROM bridge.events AS head WHERE head.stream = draft.stream), 0
    )
    ORDER BY number
    ON CONFLICT ON CONSTRAINT events_stream_version DO NOTHING
    RETURNING position, stream, version
), rest AS (
    INSERT INTO bridge.events (
        stream, version, type, event_id, data, schema_id, time, actor, client, method,
        request_id, correlation_id, causation_id, traceparent
    )
    SELECT
        draft.stream, draft.version + ordinal, type, event_id, data, schema_id, time, actor,
        client, method, request_id, correlation_id, causation_id, traceparent
    FROM beginning
    INNER JOIN draft USING (stream)
    INNER JOIN entry USING (number)
    WHERE ordinal > 1
    ORDER BY number, ordinal
    RETURNING position, stream, version
), written AS (
    SELECT number, ordinal, position, topic, schema_version
    FROM (SELECT * FROM beginning UNION ALL SELECT * FROM rest) AS event
    INNER JOIN draft USING (stream)
    INNER JOIN entry USING (number)
    WHERE event.version = draft.version + ordinal
), queued AS (
    INSERT INTO bridge.outbox (position, topic, schema_version)
    SELECT position, topic, schema_version FROM written
)
SELECT number, position, pg_notify('bridge_outbox', '')
FROM written
ORDER BY number, ordinal
