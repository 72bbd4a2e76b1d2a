-- only_one --
-- Tries to be the only one that cleans up, until the end of the transaction.
SELECT pg_try_advisory_xact_lock($1)

-- inbox --
-- Forgets up to $2 events that were handled more than $1 seconds ago, and records for each group
-- that from before then nothing is sure to be remembered. Gives how many.
WITH old AS (
    SELECT ctid, consumer_group, time
    FROM bridge.inbox
    WHERE time < now() - make_interval(secs => $1)
    LIMIT $2
), marked AS (
    UPDATE bridge.consumers
    SET inbox_start_time = greatest(inbox_start_time, gone.time)
    FROM (
        SELECT consumer_group, now() - make_interval(secs => $1) AS time FROM old
        GROUP BY consumer_group
    ) AS gone
    WHERE consumers.consumer_group = gone.consumer_group
), gone AS (
    DELETE FROM bridge.inbox WHERE ctid = ANY (ARRAY(SELECT ctid FROM old))
    RETURNING 1
)
SELECT count(*) FROM gone

-- requests --
-- Forgets up to $2 requests that are older than $1 seconds. Gives how many.
WITH gone AS (
    DELETE FROM bridge.requests
    WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM bridge.requests WHERE time < now() - make_interval(secs => $1) LIMIT $2
    ))
    RETURNING 1
)
SELECT count(*) FROM gone

-- deliveries --
-- Forgets up to $2 deliveries that ended more than $1 seconds ago; never one whose outcome is not
-- recorded: somebody has to look at it. Gives how many.
WITH gone AS (
    DELETE FROM bridge.deliveries
    WHERE ctid = ANY (ARRAY(
        SELECT ctid
        FROM bridge.deliveries
        WHERE state IN ('sent', 'failed') AND end_time < now() - make_interval(secs => $1)
        LIMIT $2
    ))
    RETURNING 1
)
SELECT count(*) FROM gone
