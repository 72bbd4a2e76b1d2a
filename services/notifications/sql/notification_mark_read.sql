-- Notification $1 of $2 is read: since now, or since when it was.
UPDATE notifications SET read_time = coalesce(read_time, now())
WHERE id = $1 AND recipient = $2
RETURNING *
