-- Adds notification $1, which waits for its channel, unless its event was told already; gives the
-- id of the one that is there, and whether it is new. The update changes nothing: it waits for
-- whoever tells of the same event at this moment.
INSERT INTO notifications (
    id, recipient, channel, title, body, state, cause_event_id, subject, create_time
) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (cause_event_id, channel) DO UPDATE SET channel = excluded.channel
RETURNING new.id, old.id IS NULL AS is_new
