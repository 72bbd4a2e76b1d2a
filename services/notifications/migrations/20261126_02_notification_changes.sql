-- When each notification last changed, in an order that readers can go on from
-- depends: 20261126_01_preferences

-- migrate: apply
-- A table beside the notifications: processes from before this migration see no new column.
CREATE TABLE notification_changes (
    notification_id text COLLATE "C" PRIMARY KEY,
    recipient text COLLATE "C" NOT NULL,
    -- The transaction of its last change. Not in order of commit: see watch_page.sql
    changed xid8 NOT NULL
);

CREATE INDEX notification_changes_by_recipient
    ON notification_changes (recipient, changed, notification_id);

-- Whoever writes a notification, no watcher misses it.
CREATE FUNCTION notification_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO notification_changes (notification_id, recipient, changed)
    VALUES (NEW.id, NEW.recipient, pg_current_xact_id())
    ON CONFLICT (notification_id) DO UPDATE SET changed = excluded.changed;
    PERFORM pg_notify('notifications_changed', NEW.recipient);
    RETURN NULL;
END
$$;

CREATE TRIGGER notification_made AFTER INSERT ON notifications
    FOR EACH ROW EXECUTE FUNCTION notification_changed();
CREATE TRIGGER notification_updated AFTER UPDATE ON notifications
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION notification_changed();

-- migrate: rollback
DROP TRIGGER notification_updated ON notifications;
DROP TRIGGER notification_made ON notifications;
DROP FUNCTION notification_changed;
DROP TABLE notification_changes;
