-- open --
-- Makes the row of key $2 of group $1, for this transaction to hold; no row: it is there already.
INSERT INTO bridge.parked_keys (consumer_group, key) VALUES ($1, $2)
ON CONFLICT DO NOTHING
RETURNING true

-- hold --
-- Holds the row of key $2 of group $1: nobody releases the key until this transaction ends.
SELECT true FROM bridge.parked_keys WHERE consumer_group = $1 AND key = $2 FOR KEY SHARE

-- claim --
-- Claims event $2 for group $1 as if to handle it, and so waits for whoever is at it; no row: it
-- is handled.
INSERT INTO bridge.inbox (consumer_group, event_id, attempts) VALUES ($1, $2::uuid, 0)
ON CONFLICT DO NOTHING
RETURNING true

-- unclaim --
-- Takes the claim back.
DELETE FROM bridge.inbox WHERE consumer_group = $1 AND event_id = $2::uuid AND epoch = 0

-- close --
-- Takes the row of key $2 of group $1 away.
DELETE FROM bridge.parked_keys WHERE consumer_group = $1 AND key = $2

-- add --
-- Parks records of group $1 in the order given: keys $2, event ids $3, types $4, topics $5,
-- partitions $6, offsets $7, the keys' bytes $8, values $9, headers $10; all with reason $11,
-- attempts $12, next attempt in $13 seconds (null: on demand), stack digest $14. Gives how many:
-- what is handled, discarded or parked already comes again after a crash, and is passed over.
WITH added AS (
    INSERT INTO bridge.parked (
        consumer_group, key, event_id, type, topic, partition, record_offset, record_key, value,
        headers, reason, attempts, next_attempt_time, stack_digest
    )
    SELECT
        $1::text, late.key, late.event_id, late.type, late.topic, late.partition, late.place,
        late.record_key, late.value, late.headers, $11::text, $12::int,
        now() + make_interval(secs => $13::float8), $14::text
    FROM unnest(
        $2::text[], $3::uuid[], $4::text[], $5::text[], $6::int[], $7::bigint[], $8::bytea[],
        $9::bytea[], $10::jsonb[]
    ) WITH ORDINALITY AS late (
        key, event_id, type, topic, partition, place, record_key, value, headers, ordinal
    )
    WHERE
        NOT EXISTS (
            SELECT FROM bridge.inbox
            WHERE consumer_group = $1 AND event_id = late.event_id AND epoch = 0
        )
        AND NOT EXISTS (
            SELECT FROM bridge.discarded
            WHERE
                consumer_group = $1 AND topic = late.topic AND partition = late.partition
                AND record_offset = late.place
        )
    ORDER BY late.ordinal
    ON CONFLICT DO NOTHING
    RETURNING 1
)
SELECT count(*) FROM added

-- due --
-- Lists at most $2 parked keys of groups $1 to look at: an event is due, or somebody asked for one
-- to be redriven or discarded. `id` is of the first such event, and tells those without a key
-- apart.
SELECT consumer_group, key, min(id) AS id
FROM (
    SELECT id, consumer_group, key, next_attempt_time AS since
    FROM bridge.parked
    WHERE next_attempt_time <= now() AND consumer_group = ANY ($1::text[])
    UNION ALL
    SELECT id, consumer_group, key, coalesce(redrive_time, discard_time)
    FROM bridge.parked
    WHERE
        (redrive_time IS NOT NULL OR discard_time IS NOT NULL)
        AND consumer_group = ANY ($1::text[])
) AS found
GROUP BY consumer_group, key, CASE WHEN key IS NULL THEN id END
ORDER BY min(since)
LIMIT $2

-- lock_key --
-- Takes key $2 of group $1 for this transaction; no row: another redrive has it, or it is released.
-- The consumer may still add to it.
SELECT true FROM bridge.parked_keys
WHERE consumer_group = $1 AND key = $2
FOR NO KEY UPDATE SKIP LOCKED

-- lock_one --
-- Takes event $2 of group $1, which has no key, as `lock_key` does.
SELECT true FROM bridge.parked
WHERE consumer_group = $1 AND id = $2
FOR UPDATE SKIP LOCKED

-- discard --
-- Moves the events that were given up out of key $2 of group $1, or without a key event $3, and
-- notes them in the inbox: they are never handled. Gives how many.
WITH gone AS (
    DELETE FROM bridge.parked
    WHERE
        consumer_group = $1 AND (key = $2 OR ($2::text IS NULL AND id = $3))
        AND discard_time IS NOT NULL
    RETURNING *
), kept AS (
    INSERT INTO bridge.discarded (
        id, consumer_group, key, event_id, type, topic, partition, record_offset, record_key,
        value, headers, reason, attempts, park_time, actor
    )
    SELECT
        id, consumer_group, key, event_id, type, topic, partition, record_offset, record_key,
        value, headers, reason, attempts, park_time, discard_actor
    FROM gone
), noted AS (
    INSERT INTO bridge.inbox (consumer_group, event_id, attempts)
    SELECT consumer_group, event_id, attempts FROM gone WHERE event_id IS NOT NULL
    ON CONFLICT DO NOTHING
)
SELECT count(*) FROM gone

-- wake --
-- Makes the first event of key $2 of group $1 due if it was never tried: what it waited for is
-- gone. Whatever happens next, somebody will look at it.
UPDATE bridge.parked SET next_attempt_time = now()
WHERE
    attempts = 0 AND next_attempt_time IS NULL
    AND id = (
        SELECT id FROM bridge.parked WHERE consumer_group = $1 AND key = $2 ORDER BY id LIMIT 1
    )

-- page --
-- Reads the first $4 events of key $2 of group $1, or without a key event $3, in order. `due`:
-- the first is to be tried now, as its time has come or because somebody asked.
SELECT
    id, topic, partition, record_offset, record_key, value, headers, attempts, now() AS read_time,
    extract(epoch FROM now() - park_time)::float8 AS parked_seconds,
    coalesce(next_attempt_time <= now(), false) OR EXISTS (
        SELECT FROM bridge.parked AS asked
        WHERE
            asked.consumer_group = $1 AND asked.redrive_time IS NOT NULL
            AND (asked.key = $2 OR ($2::text IS NULL AND asked.id = $3))
    ) AS due
FROM bridge.parked
WHERE consumer_group = $1 AND (key = $2 OR ($2::text IS NULL AND id = $3))
ORDER BY id
LIMIT $4

-- remove --
-- Takes the handled events $1 out.
DELETE FROM bridge.parked WHERE id = ANY ($1::bigint[])

-- failed --
-- Notes that the first event ($4) of key $2 of group $1 failed again, event $4 alone without a
-- key: reason $5, next attempt in $6 seconds (null: on demand), stack digest $7. What was asked for
-- before $3 is answered by that.
WITH answered AS (
    UPDATE bridge.parked SET redrive_time = NULL, redrive_actor = ''
    WHERE
        consumer_group = $1 AND key = $2 AND id <> $4 AND redrive_time <= $3::timestamptz
)
UPDATE bridge.parked SET
    attempts = attempts + 1, reason = $5, stack_digest = $7,
    next_attempt_time = now() + make_interval(secs => $6::float8),
    redrive_time = CASE WHEN redrive_time <= $3::timestamptz THEN NULL ELSE redrive_time END,
    redrive_actor = CASE WHEN redrive_time <= $3::timestamptz THEN '' ELSE redrive_actor END
WHERE id = $4

-- lock_for_release --
-- Holds the row of key $2 of group $1 alone: whoever was adding to the key has done so.
SELECT true FROM bridge.parked_keys WHERE consumer_group = $1 AND key = $2 FOR UPDATE

-- release --
-- Takes the row of key $2 of group $1 away if nothing of the key is parked.
DELETE FROM bridge.parked_keys AS held
WHERE
    consumer_group = $1 AND key = $2
    AND NOT EXISTS (
        SELECT FROM bridge.parked
        WHERE parked.consumer_group = held.consumer_group AND parked.key = held.key
    )
RETURNING true

-- count --
-- Counts the parked events of groups $1, and their keys.
SELECT consumer_group, count(*) AS events, count(DISTINCT key) AS keys
FROM bridge.parked
WHERE consumer_group = ANY ($1::text[])
GROUP BY consumer_group
