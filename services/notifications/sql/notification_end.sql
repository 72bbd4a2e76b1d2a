-- Notification $1 reached state $2 at $3.
UPDATE notifications
SET state = $2, send_time = $3
WHERE id = $1
