-- open_groups --
-- The groups among $1 that have a replay to work on.
SELECT DISTINCT consumer_group
FROM bridge.replays
WHERE state IN ('pending', 'running') AND consumer_group = ANY ($1::text[])

-- cancelled --
-- The groups among $1 whose replay at hand, the oldest, is to stop, and that replay.
SELECT consumer_group, id::text AS id
FROM (
    SELECT DISTINCT ON (consumer_group) consumer_group, id, cancel_requested
    FROM bridge.replays
    WHERE state IN ('pending', 'running') AND consumer_group = ANY ($1::text[])
    ORDER BY consumer_group, epoch
) AS at_hand
WHERE cancel_requested

-- lock --
-- Tries to become the one who works on the replays of group $2, for as long as the session lives.
SELECT pg_try_advisory_lock($1, hashtext($2::text))

-- next --
-- The oldest replay of group $1 that has not ended.
SELECT
    id::text AS id, epoch, mode, consumer_group, origin, subject, types, start_time, end_time,
    start_position, end_position, effects, actor, checkpoint, cancel_requested
FROM bridge.replays
WHERE state IN ('pending', 'running') AND consumer_group = $1
ORDER BY epoch
LIMIT 1

-- begin --
-- Marks replay $1 as running, from checkpoint $2 on and with nothing done.
UPDATE bridge.replays
SET state = 'running', checkpoint = $2, events_done = 0, update_time = now()
WHERE id = $1::uuid

-- advance --
-- Notes that replay $1 stands at checkpoint $2 and has done $3 events more.
UPDATE bridge.replays
SET checkpoint = $2, events_done = events_done + $3, update_time = now()
WHERE id = $1::uuid

-- finish --
-- Ends replay $1 in state $2 with error $3, and $4 events more; one that has ended stays as it is.
UPDATE bridge.replays
SET
    state = $2, error = $3, events_done = events_done + $4, update_time = now(),
    events_total = CASE $2 WHEN 'succeeded' THEN events_done + $4 ELSE events_total END
WHERE id = $1::uuid AND state IN ('pending', 'running')

-- last_position --
-- The highest position in the store.
SELECT coalesce(max(position), 0) FROM bridge.events

-- given_up --
-- What group $1 was told to give up.
SELECT topic, partition, record_offset, event_id::text AS event_id
FROM bridge.discarded
WHERE consumer_group = $1

-- parked_among --
-- One of the events $2 that is parked in group $1; no row: none is.
SELECT event_id::text FROM bridge.parked
WHERE consumer_group = $1 AND event_id = ANY ($2::uuid[])
LIMIT 1

-- group --
-- What the workers say of group $1.
SELECT consumer_group, topics, types, tables, effects, live, inbox_start_time
FROM bridge.consumers
WHERE consumer_group = $1

-- group_names --
-- The groups that there are.
SELECT consumer_group FROM bridge.consumers ORDER BY consumer_group

-- stored_types --
-- Those of the types $1 of which an event is in this store.
SELECT name
FROM unnest($1::text[]) AS name
WHERE EXISTS (SELECT FROM bridge.events WHERE type = name)

-- time_of --
-- When the first event from position $1 on was written; no row: there is none.
SELECT time FROM bridge.events WHERE position >= $1 ORDER BY position LIMIT 1

-- count --
-- How many events of each type this store holds: of types $1, of stream $2 (empty: all), from time
-- $3 on and before $4, from position $5 up to and with $6 (null: all); with $7 only those that
-- Kafka has.
SELECT type, count(*) AS events
FROM bridge.events
WHERE
    type = ANY ($1::text[])
    AND ($2::text = '' OR stream = $2)
    AND ($3::timestamptz IS NULL OR time >= $3)
    AND ($4::timestamptz IS NULL OR time < $4)
    AND ($5::bigint IS NULL OR position >= $5)
    AND ($6::bigint IS NULL OR position <= $6)
    AND (
        NOT $7::boolean
        OR EXISTS (SELECT FROM bridge.published WHERE published.position = events.position)
    )
GROUP BY type
ORDER BY type
