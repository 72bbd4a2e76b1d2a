-- Adds notification $1, which waits for its channel; true unless its event was told already.
INSERT INTO notifications (
    id, recipient, channel, title, body, state, cause_event_id, subject, create_time
) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (cause_event_id, channel) DO NOTHING
RETURNING true
