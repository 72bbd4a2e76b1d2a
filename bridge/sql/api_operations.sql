-- parked_page --
-- Reads the next $7 parked events after id $1, at most $8 bytes of values but for the first: of
-- group $2, key $3, type $4, reason $5 (each empty: all) and ids $6 (null: all). `found` is how
-- many there were before the limit of bytes.
SELECT *
FROM (
    SELECT
        id AS place, consumer_group, key, event_id::text AS event_id, type, topic, partition,
        record_offset, record_key, value, headers, reason, attempts, next_attempt_time, stack_digest,
        park_time, redrive_time, discard_time, count(*) OVER () AS found,
        sum(coalesce(octet_length(value), 0)) OVER (ORDER BY id)
            - coalesce(octet_length(value), 0) AS bytes_before
    FROM (
        SELECT *
        FROM bridge.parked
        WHERE
            id > $1::bigint
            AND ($2::text = '' OR consumer_group = $2)
            AND ($3::text = '' OR key = $3)
            AND ($4::text = '' OR type = $4)
            AND ($5::text = '' OR reason = $5)
            AND ($6::bigint[] IS NULL OR id = ANY ($6))
        ORDER BY id
        LIMIT $7
    ) AS chosen
) AS counted
WHERE bytes_before < $8::bigint
ORDER BY place

-- redrive --
-- Asks the owning worker to handle parked events again, for $6: of group $1, key $2, type $3,
-- reason $4 (each empty: all) and ids $5 (null: all). Gives how many.
WITH asked AS (
    UPDATE bridge.parked
    SET redrive_time = coalesce(redrive_time, now()), redrive_actor = $6::text
    WHERE
        discard_time IS NULL
        AND ($1::text = '' OR consumer_group = $1)
        AND ($2::text = '' OR key = $2)
        AND ($3::text = '' OR type = $3)
        AND ($4::text = '' OR reason = $4)
        AND ($5::bigint[] IS NULL OR id = ANY ($5))
    RETURNING id
)
SELECT (SELECT count(*) FROM asked) AS count, pg_notify('bridge_parked', '')

-- discard --
-- Asks the owning worker to give parked events up, for $6; chosen as by `redrive`. Gives how many.
WITH asked AS (
    UPDATE bridge.parked
    SET discard_time = coalesce(discard_time, now()), discard_actor = $6::text
    WHERE
        ($1::text = '' OR consumer_group = $1)
        AND ($2::text = '' OR key = $2)
        AND ($3::text = '' OR type = $3)
        AND ($4::text = '' OR reason = $4)
        AND ($5::bigint[] IS NULL OR id = ANY ($5))
    RETURNING id
)
SELECT (SELECT count(*) FROM asked) AS count, pg_notify('bridge_parked', '')

-- replay_start --
-- Writes a replay for the owning worker and wakes it; nothing where the id is taken.
WITH written AS (
    INSERT INTO bridge.replays (
        id, mode, consumer_group, origin, subject, types, start_time, end_time, start_position,
        end_position, effects, events_total, actor
    )
    VALUES (
        $1::uuid, $2, $3, $4, $5, $6::text[], $7, $8, $9, $10, $11::text[], $12, $13
    )
    ON CONFLICT (id) DO NOTHING
)
SELECT pg_notify('bridge_replays', '')

-- replay_get --
-- Reads replay $1.
SELECT
    id::text AS id, epoch AS place, mode, consumer_group, origin, subject, types, start_time,
    end_time, start_position, end_position, effects, state, events_total, events_done, actor,
    error, create_time, update_time
FROM bridge.replays
WHERE id = $1::uuid

-- replay_page --
-- Reads at most $2 replays before $1 (null: all), newest first.
SELECT
    id::text AS id, epoch AS place, mode, consumer_group, origin, subject, types, start_time,
    end_time, start_position, end_position, effects, state, events_total, events_done, actor,
    error, create_time, update_time
FROM bridge.replays
WHERE $1::bigint IS NULL OR epoch < $1
ORDER BY epoch DESC
LIMIT $2

-- replay_cancel --
-- Asks the owning worker to stop replay $1, if it has not ended.
WITH asked AS (
    UPDATE bridge.replays
    SET cancel_requested = true, update_time = now()
    WHERE id = $1::uuid AND state IN ('pending', 'running')
    RETURNING id
)
SELECT EXISTS (SELECT FROM asked) AS asked, pg_notify('bridge_replays', '')

-- groups --
-- Lists the consumer groups of this store.
SELECT consumer_group FROM bridge.consumers ORDER BY consumer_group
