-- lock --
-- Tries to become the active relay of this database, for as long as the session lives.
SELECT pg_try_advisory_lock($1)

-- page --
-- One turn of the database. First it takes acknowledged events ($3) out of the outbox, records
-- where they went (topics $4, partitions $5, offsets $6), and seals them after seal $7, whose hash
-- is $8, in the order given: hashes $9, NULL for what has a seal. A seq that is taken fails:
-- somebody else went on with the chain.
-- Then it reads the next $2 events of the outbox in order of position, without those in flight ($1,
-- a bigint multirange as text), which are also those that it takes out; of large ones no more than
-- begin within the first $10 bytes. `fields` is what is sealed of an event: see
-- bridge/audit/seals.py.
-- Not "greater than the last one": a lower position may become visible later, and it must go
-- before what follows it in its stream. LATERAL with LIMIT makes PostgreSQL look each event up
-- by its position, whatever it believes about the size of the outbox.
WITH gone AS (
    DELETE FROM bridge.outbox WHERE position = ANY ($3::bigint[])
), placed AS (
    INSERT INTO bridge.published (position, topic, partition, record_offset)
    SELECT * FROM unnest($3::bigint[], $4::text[], $5::int[], $6::bigint[])
    ON CONFLICT (position) DO NOTHING
), sealed AS (
    INSERT INTO bridge.seals (seq, position, prev, hash)
    SELECT
        $7::bigint + row_number() OVER given, position, lag(hash, 1, $8::bytea) OVER given, hash
    FROM unnest($3::bigint[], $9::bytea[]) WITH ORDINALITY AS made (position, hash, ordinal)
    WHERE hash IS NOT NULL
    WINDOW given AS (ORDER BY ordinal)
)
SELECT
    position,
    record_send(ROW(
        position, stream, version, type, event_id, data, schema_id, time, actor, client, method,
        request_id, correlation_id, causation_id, traceparent
    )) AS fields,
    topic, schema_version, stream, version, type, event_id, data, schema_id, time, actor,
    correlation_id, causation_id, traceparent
FROM (
    SELECT
        event.*, queued.topic, queued.schema_version,
        sum(octet_length(event.data)) OVER (ORDER BY queued.position)
        - octet_length(event.data) AS bytes_before
    FROM (
        SELECT position, topic, schema_version
        FROM bridge.outbox
        WHERE NOT position <@ (SELECT $1::text::int8multirange)
        ORDER BY position
        LIMIT $2
    ) AS queued
    CROSS JOIN LATERAL (
        SELECT * FROM bridge.events WHERE events.position = queued.position LIMIT 1
    ) AS event
) AS next
WHERE bytes_before < $10::bigint
ORDER BY position

-- sealed --
-- Says which of these positions have a seal: an event that somebody queued again.
SELECT position FROM bridge.seals WHERE position = ANY ($1::bigint[])

-- backlog --
-- Counts what waits for Kafka, and says since when the oldest does, in seconds.
SELECT
    count(*) AS events,
    coalesce((
        SELECT extract(epoch FROM now() - time)
        FROM bridge.events
        WHERE position = (SELECT min(position) FROM bridge.outbox)
    ), 0)::float8 AS seconds
FROM bridge.outbox
