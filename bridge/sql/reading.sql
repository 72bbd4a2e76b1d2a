-- survey --
-- The highest position, and the virtual ids of the transactions that may yet fill one below it.
-- Whoever writes events holds this lock before it takes a position and until it is over, and the
-- locks are read after the snapshot of the statement is taken. Its own writes a reader sees.
-- `fresh`: each statement has a snapshot of its own, and the locks are the writers'.
SELECT
    current_setting('transaction_isolation') = 'read committed' AND NOT pg_is_in_recovery()
    AS fresh,
    (SELECT coalesce(max(position), 0) FROM bridge.events) AS known,
    ARRAY(
        SELECT virtualtransaction
        FROM pg_locks
        WHERE
            locktype = 'relation'
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
            AND relation = 'bridge.events'::regclass
            AND mode = 'RowExclusiveLock'
            AND granted
            AND pid <> pg_backend_pid()
    ) AS writers

-- missing --
-- The ranges of positions after $1 and up to $2 at which there is no event.
SELECT before + 1 AS low, position - 1 AS high
FROM (
    SELECT position, lag(position, 1, $1::bigint) OVER (ORDER BY position) AS before
    FROM bridge.events
    WHERE position > $1 AND position <= $2
) AS one
WHERE position > before + 1
ORDER BY low

-- page --
-- The next $3 events after position $1 and up to $2, and those that have turned up meanwhile in
-- the gaps from $4 to $5 (two arrays), for which {conditions} hold; in order of position. One
-- statement, so that of one stream no later version is seen before an earlier one. LATERAL with
-- LIMIT makes PostgreSQL go from the gaps to their events, and not through all events.
SELECT *
FROM (
    (
        SELECT
            position, stream, version, type, event_id, data, time, actor, client, method,
            request_id, correlation_id, causation_id, traceparent
        FROM bridge.events
        WHERE position > $1 AND position <= $2 AND {conditions}
        ORDER BY position
        LIMIT $3
    )
    UNION ALL
    (
        SELECT event.*
        FROM unnest($4::bigint[], $5::bigint[]) AS gap (low, high)
        CROSS JOIN LATERAL (
            SELECT
                position, stream, version, type, event_id, data, time, actor, client, method,
                request_id, correlation_id, causation_id, traceparent
            FROM bridge.events
            WHERE position BETWEEN gap.low AND least(gap.high, $1) AND {conditions}
            ORDER BY position
            LIMIT $3
        ) AS event
    )
) AS found
ORDER BY position
LIMIT $3

-- count --
-- How many events there are for which {conditions} hold.
SELECT count(*) FROM bridge.events WHERE {conditions}

-- all --
-- A condition: any event.
true

-- types --
-- A condition: events of the types {value}.
type = ANY ({value}::text[])

-- stream --
-- A condition: events of the stream {value}.
stream = {value}::text

-- correlation_id --
-- A condition: events that followed from the same request as {value}.
correlation_id = {value}::text

-- start_time --
-- A condition: events from time {value} on.
time >= {value}::timestamptz

-- end_time --
-- A condition: events before time {value}.
time < {value}::timestamptz

-- start_position --
-- A condition: events from position {value} on.
position >= {value}::bigint

-- end_position --
-- A condition: events up to and with position {value}.
position <= {value}::bigint
