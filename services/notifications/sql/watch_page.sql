-- At most $4 notifications of $1 whose last change comes after transaction $2, notification $3, in
-- that order.
SELECT changes.changed::text AS changed, notifications.*
FROM notification_changes AS changes
JOIN notifications ON notifications.id = changes.notification_id
WHERE
    changes.recipient = $1
    AND (changes.changed, changes.notification_id) > ($2::text::xid8, $3)
ORDER BY changes.changed, changes.notification_id
LIMIT $4
