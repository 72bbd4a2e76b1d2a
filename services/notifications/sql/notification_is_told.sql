-- Whether any notification tells of event $1.
SELECT EXISTS (SELECT FROM notifications WHERE cause_event_id = $1)
