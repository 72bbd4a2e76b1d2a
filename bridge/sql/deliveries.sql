-- enqueue --
-- Writes a delivery and wakes the senders at commit.
WITH written AS (
    INSERT INTO bridge.deliveries (
        id, effect, recipient, event_id, payload, actor, correlation_id, traceparent
    ) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
)
SELECT pg_notify('bridge_deliveries', '')

-- lease --
-- Leases up to $2 due deliveries of the effects $1 until $4 seconds from now, under token $3. A
-- lease that runs out makes the delivery due again: its sender is dead or far too slow. No more
-- than $5 of one recipient are under lease (null: any number), and of a recipient with a failed try
-- that waits for its next one, 1, and of all such together $6 (null: no difference); but that
-- senders which look at the same moment do not see each other's. Where a recipient has more among
-- the first, fewer than $2 are leased: look again.
WITH failing AS MATERIALIZED (
    SELECT DISTINCT recipient
    FROM bridge.deliveries
    WHERE state = 'pending' AND last_error <> ''
        AND effect = ANY ($1::text[]) AND $6::integer IS NOT NULL
),
busy AS MATERIALIZED (
    SELECT recipient, count(*) AS places
    FROM bridge.deliveries
    WHERE state = 'pending' AND lease IS NOT NULL AND due_time > now()
        AND effect = ANY ($1::text[]) AND coalesce($5::integer, $6::integer) IS NOT NULL
    GROUP BY recipient
),
share AS MATERIALIZED (
    SELECT $6::integer - coalesce(sum(places), 0) AS room
    FROM busy
    WHERE recipient IN (SELECT recipient FROM failing)
),
closed AS MATERIALIZED (
    SELECT recipient FROM busy WHERE places >= $5
    UNION
    SELECT recipient FROM failing
    WHERE recipient IN (SELECT recipient FROM busy) OR (SELECT room FROM share) <= 0
),
due AS (
    SELECT id, recipient, due_time
    FROM bridge.deliveries
    WHERE state = 'pending' AND due_time <= now() AND effect = ANY ($1::text[])
        AND recipient NOT IN (SELECT recipient FROM closed)
    ORDER BY due_time
    LIMIT $2
    FOR UPDATE SKIP LOCKED
),
fair AS (
    SELECT
        id,
        due_time,
        recipient IN (SELECT recipient FROM failing) AS fails,
        coalesce(places, 0) + row_number() OVER (PARTITION BY recipient ORDER BY due_time) AS place
    FROM due
    LEFT JOIN busy USING (recipient)
),
chosen AS (
    SELECT id, fails, row_number() OVER (PARTITION BY fails ORDER BY due_time) AS turn
    FROM fair
    WHERE CASE WHEN fails THEN place = 1 ELSE place <= $5 OR $5 IS NULL END
)
UPDATE bridge.deliveries
SET
    lease = $3,
    attempts = attempts + 1,
    due_time = now() + make_interval(secs => $4)
WHERE id IN (SELECT id FROM chosen WHERE NOT fails OR turn <= (SELECT room FROM share))
RETURNING
    id::text, effect, recipient, event_id::text, payload, attempts, actor, correlation_id,
    traceparent

-- end --
-- Ends delivery $1 in state $3 with reason $4, if token $2 still holds it; else no row.
UPDATE bridge.deliveries
SET state = $3, last_error = $4, end_time = now(), lease = NULL
WHERE id = $1 AND lease = $2 AND state = 'pending'
RETURNING true

-- postpone --
-- Gives delivery $1 back for a try in $3 seconds because of $4, if token $2 still holds it.
UPDATE bridge.deliveries
SET due_time = now() + make_interval(secs => $3), last_error = $4, lease = NULL
WHERE id = $1 AND lease = $2 AND state = 'pending'

-- hold --
-- Ends delivery $1 as sent with its outcome open, if token $2 still holds it; else no row.
UPDATE bridge.deliveries
SET state = 'unrecorded', last_error = 'OUTCOME_UNRECORDED', end_time = now(), lease = NULL
WHERE id = $1 AND lease = $2 AND state = 'pending'
RETURNING true
