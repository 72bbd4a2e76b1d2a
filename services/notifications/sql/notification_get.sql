-- The notification with the id $1.
SELECT * FROM notifications WHERE id = $1
