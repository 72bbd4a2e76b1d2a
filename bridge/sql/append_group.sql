-- write --
-- Writes the drafts of a group, one a stream (name $1, expected version $2, time $3, origin $4 to
-- $10, the claim of its request_id $11 to $14, empty where there is none), with their entries (number
-- of the draft $15 and of the entry in it $16, both from 1, then $17 to $22), queues them for the
-- relay and wakes it at commit. `tell` is its end, and a read model may stand between.
-- The parameters are lists, of one place where all have the same.
-- A request_id that was used before is a repeat, and nothing of its draft is written. One that
-- another process works on is waited for; claims come in an order that is everybody's.
-- A stream that somebody else is writing is waited for, and then it stands elsewhere: the conflict
-- is that of the draft's first entry, and without the first one nothing of it is written. Drafts
-- come in order of their streams, so that two groups never wait for each other.
-- A claim whose draft is not written must not stay: it puts a row without a position into the
-- outbox, which refuses it (not_null_violation), and with it the whole group.
WITH draft AS (
    SELECT
        coalesce(stream, ($1::text[])[1]) AS stream,
        coalesce(version, ($2::bigint[])[1]) AS version,
        coalesce(time, ($3::timestamptz[])[1]) AS time,
        coalesce(actor, ($4::text[])[1]) AS actor,
        coalesce(client, ($5::text[])[1]) AS client,
        coalesce(method, ($6::text[])[1]) AS method,
        coalesce(request_id, ($7::text[])[1]) AS request_id,
        coalesce(correlation_id, ($8::text[])[1]) AS correlation_id,
        coalesce(causation_id, ($9::text[])[1]) AS causation_id,
        coalesce(traceparent, ($10::text[])[1]) AS traceparent,
        coalesce(claim_caller, ($11::text[])[1]) AS claim_caller,
        coalesce(claim_method, ($12::text[])[1]) AS claim_method,
        coalesce(claim_id, ($13::text[])[1]) AS claim_id,
        coalesce(claim_body, ($14::bytea[])[1]) AS claim_body,
        number
    FROM unnest(
        $1::text[], $2::bigint[], $3::timestamptz[], $4::text[], $5::text[], $6::text[],
        $7::text[], $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[],
        $14::bytea[]
    ) WITH ORDINALITY AS one (
        stream, version, time, actor, client, method, request_id, correlation_id, causation_id,
        traceparent, claim_caller, claim_method, claim_id, claim_body, number
    )
), entry AS (
    SELECT
        coalesce(number, ($15::int[])[1]) AS number,
        coalesce(ordinal, ($16::int[])[1]) AS ordinal,
        coalesce(type, ($17::text[])[1]) AS type,
        coalesce(event_id, ($18::uuid[])[1]) AS event_id,
        coalesce(data, ($19::bytea[])[1]) AS data,
        coalesce(schema_id, ($20::int[])[1]) AS schema_id,
        coalesce(topic, ($21::text[])[1]) AS topic,
        coalesce(schema_version, ($22::int[])[1]) AS schema_version
    FROM unnest(
        $15::int[], $16::int[], $17::text[], $18::uuid[], $19::bytea[], $20::int[], $21::text[],
        $22::int[]
    ) AS one (number, ordinal, type, event_id, data, schema_id, topic, schema_version)
), claimed AS (
    INSERT INTO bridge.requests (caller, method, request_id, body, resource)
    SELECT claim_caller, claim_method, claim_id, claim_body, stream
    FROM draft
    WHERE claim_id <> ''
    ORDER BY claim_caller COLLATE "C", claim_method COLLATE "C", claim_id COLLATE "C"
    ON CONFLICT (caller, method, request_id) DO NOTHING
    RETURNING resource
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
    WHERE ordinal = 1
        AND (claim_id = '' OR stream IN (SELECT resource FROM claimed))
        AND draft.version = coalesce(
            (SELECT max(head.version) FROM bridge.events AS head WHERE head.stream = draft.stream),
            0
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
    UNION ALL
    SELECT NULL, '', 0 FROM claimed WHERE resource NOT IN (SELECT stream FROM beginning)
)

-- tell --
-- Gives one row an entry that was written, in order; none for a draft that is a repeat, or whose
-- stream stands elsewhere.
SELECT number, position, pg_notify('bridge_outbox', '')
FROM written
ORDER BY number, ordinal
