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
-- lease that runs out makes the delivery due again: its sender is dead or far too slow.
UPDATE bridge.deliveries
SET
    lease = $3,
    attempts = attempts + 1,
    due_time = now() + make_interval(secs => $4)
WHERE id IN (
    SELECT id
    FROM bridge.deliveries
    WHERE state = 'pending' AND due_time <= now() AND effect = ANY ($1::text[])
    ORDER BY due_time
    LIMIT $2
    FOR UPDATE SKIP LOCKED
)
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
