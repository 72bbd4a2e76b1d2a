-- find --
-- Reads the event with the id $1 and where it went.
SELECT
    event.position AS place, event.stream, event.version, event.type,
    event.event_id::text AS event_id, event.data, event.time, event.actor, event.client,
    event.method, event.request_id, event.correlation_id, event.causation_id, event.traceparent,
    coalesce(published.topic, outbox.topic, '') AS topic, published.partition,
    published.record_offset, published.time AS publish_time
FROM bridge.events AS event
LEFT JOIN bridge.published AS published USING (position)
LEFT JOIN bridge.outbox AS outbox USING (position)
WHERE event.event_id = $1::uuid

-- page --
-- Reads the next $8 events after position $1 in order of position, at most $9 bytes of data but
-- for the first: of stream $2, type $3, correlation $4 (each empty: all), at or after $5 and before
-- $6 (each null: any), not below position $7, published by the source $10 outside (empty: any). `found` is how many there were before the limit of
-- bytes.
SELECT *
FROM (
    SELECT
        chosen.position AS place, chosen.stream, chosen.version, chosen.type,
        chosen.event_id::text AS event_id, chosen.data, chosen.time, chosen.correlation_id,
        chosen.causation_id, coalesce(published.topic, outbox.topic, '') AS topic,
        published.partition, published.record_offset, count(*) OVER () AS found,
        sum(octet_length(chosen.data)) OVER (ORDER BY chosen.position) - octet_length(chosen.data)
            AS bytes_before
    FROM (
        SELECT *
        FROM bridge.events
        WHERE
            position > $1::bigint
            AND position >= $7::bigint
            AND ($2::text = '' OR stream = $2)
            AND ($3::text = '' OR type = $3)
            AND ($4::text = '' OR correlation_id = $4)
            AND ($5::timestamptz IS NULL OR time >= $5)
            AND ($6::timestamptz IS NULL OR time < $6)
            AND (
                $10::text = ''
                -- As the index events_by_source has it.
                OR (
                    strpos(causation_id, '#') > 0
                    AND left(causation_id, -strpos(reverse(causation_id), '#')) = $10
                )
            )
        ORDER BY position
        LIMIT $8
    ) AS chosen
    LEFT JOIN bridge.published AS published USING (position)
    LEFT JOIN bridge.outbox AS outbox USING (position)
) AS counted
WHERE bytes_before < $9::bigint
ORDER BY place

-- first_since --
-- Gives the lowest position with a time at or after $1. Apart from `page`, and with an OFFSET that
-- keeps PostgreSQL from walking the positions up to the first match: the block ranges know.
SELECT coalesce(min(position), 9223372036854775807)
FROM (SELECT position FROM bridge.events WHERE time >= $1::timestamptz OFFSET 0) AS late

-- family --
-- Reads at most $2 events with the correlation $1, in order of position: without their data, which
-- `contents` reads, but with its size in bytes.
SELECT
    event.position AS place, event.stream, event.version, event.type,
    event.event_id::text AS event_id, octet_length(event.data) AS size, event.time, event.actor, event.client,
    event.method, event.request_id, event.correlation_id, event.causation_id, event.traceparent,
    coalesce(published.topic, outbox.topic, '') AS topic, published.partition,
    published.record_offset, published.time AS publish_time
FROM (
    SELECT * FROM bridge.events WHERE correlation_id = $1::text ORDER BY position LIMIT $2
) AS event
LEFT JOIN bridge.published AS published USING (position)
LEFT JOIN bridge.outbox AS outbox USING (position)
ORDER BY place

-- contents --
-- Reads the data of the events $1, at most $2 bytes of it but for the first.
SELECT event_id, data
FROM (
    SELECT
        event_id::text AS event_id, position, data,
        sum(octet_length(data)) OVER (ORDER BY position) - octet_length(data) AS bytes_before
    FROM bridge.events
    WHERE event_id = ANY ($1::uuid[])
) AS counted
WHERE bytes_before < $2::bigint

-- outcomes --
-- Reads what the groups of this store did with the events $1. What was given up has a row in the
-- inbox too, so that it is never handled.
SELECT
    inbox.event_id::text AS event_id, inbox.consumer_group, 'HANDLED' AS state, inbox.attempts,
    inbox.time, '' AS reason, coalesce(replay.id::text, '') AS replay
FROM bridge.inbox AS inbox
LEFT JOIN bridge.replays AS replay ON inbox.epoch <> 0 AND replay.epoch = inbox.epoch
WHERE
    inbox.event_id = ANY ($1::uuid[])
    AND NOT EXISTS (
        SELECT FROM bridge.discarded
        WHERE
            discarded.event_id = inbox.event_id
            AND discarded.consumer_group = inbox.consumer_group AND inbox.epoch = 0
    )
UNION ALL
SELECT event_id::text, consumer_group, 'PARKED', attempts, park_time, reason, ''
FROM bridge.parked
WHERE event_id = ANY ($1::uuid[])
UNION ALL
SELECT event_id::text, consumer_group, 'DISCARDED', attempts, time, reason, ''
FROM bridge.discarded
WHERE event_id = ANY ($1::uuid[])
ORDER BY consumer_group, time

-- consumers --
-- Reads the groups of this store that consume any of the types $1.
SELECT consumer_group, types, inbox_start_time
FROM bridge.consumers
WHERE live AND types && $1::text[]
ORDER BY consumer_group

-- deliveries --
-- Reads the external effects of the events $1.
SELECT
    event_id::text AS event_id, effect, recipient, upper(state) AS state, attempts,
    coalesce(end_time, create_time) AS time, last_error
FROM bridge.deliveries
WHERE event_id = ANY ($1::uuid[])
ORDER BY create_time, id
