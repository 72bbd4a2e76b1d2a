-- At most $3 notifications of $1 that are older than the one with the id $2 (NULL: the newest).
SELECT * FROM notifications
WHERE recipient = $1 AND ($2::text IS NULL OR id < $2)
ORDER BY id DESC
LIMIT $3
