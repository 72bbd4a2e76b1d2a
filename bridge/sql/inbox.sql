-- take_live --
-- Notes that group $1 handles events $2 (null: can't be read) of keys $3 at try $4, but for those
-- of parked keys, whose rows it holds. Gives those that were not handled before, and the keys that are parked. One
-- statement, as a round trip costs more than the look; a key that is parked or released between
-- its snapshot and its wait does no harm: the inbox decides. The gate: see `take`.
WITH gate AS MATERIALIZED (
    SELECT pg_advisory_xact_lock_shared(1937203568, hashtext($1::text))
), held AS MATERIALIZED (
    SELECT key FROM bridge.parked_keys
    WHERE consumer_group = $1 AND key = ANY ($3::text[])
    ORDER BY key
    FOR KEY SHARE
), taken AS (
    INSERT INTO bridge.inbox (consumer_group, event_id, attempts)
    SELECT $1::text, event.id, $4::int
    FROM gate CROSS JOIN unnest($2::uuid[], $3::text[]) AS event (id, key)
    WHERE event.id IS NOT NULL AND event.key NOT IN (SELECT key FROM held)
    ON CONFLICT DO NOTHING
    RETURNING event_id
)
SELECT
    CASE
        WHEN (SELECT count(*) FROM taken) < cardinality($2)
            THEN ARRAY(SELECT event_id::text FROM taken)
    END AS new,
    ARRAY(SELECT key FROM held) AS parked

-- take --
-- Notes that group $1 handles events $2 at try $3 in epoch $4 (0: live); gives those that it has
-- not handled before. A member that lost its partition and is still at work on one of them is
-- waited for.
-- The gate comes first: a rebuild closes it while it swaps its tables in and marks what it has
-- handled. Without it, two that note the same event and want the same table wait for each other.
WITH gate AS MATERIALIZED (
    SELECT pg_advisory_xact_lock_shared(1937203568, hashtext($1::text))
), taken AS (
    INSERT INTO bridge.inbox (consumer_group, event_id, attempts, epoch)
    SELECT $1::text, event_id, $3::int, $4::bigint
    FROM gate CROSS JOIN unnest($2::uuid[]) AS event_id
    ON CONFLICT DO NOTHING
    RETURNING event_id
)
SELECT ARRAY(SELECT event_id::text FROM taken) AS new
