-- Who can be told, and what they were told
-- depends:

-- migrate: apply
-- From the events of Users.
CREATE TABLE recipients (
    user_id text COLLATE "C" PRIMARY KEY,
    display_name text NOT NULL,
    email text NOT NULL
);

CREATE TABLE notifications (
    -- UUIDv7: its order in "C" is the order of creation
    id text COLLATE "C" PRIMARY KEY,
    -- users/{id}
    recipient text COLLATE "C" NOT NULL,
    -- email
    channel text NOT NULL,
    title text NOT NULL,
    body text NOT NULL,
    -- Number of causeway.notifications.v1.Notification.State
    state smallint NOT NULL,
    -- Id of the event that it tells of
    cause_event_id text COLLATE "C" NOT NULL,
    -- Resource that it is about, orders/{id}
    subject text NOT NULL,
    create_time timestamptz NOT NULL,
    send_time timestamptz,
    read_time timestamptz,
    -- An event is told once on a channel.
    CONSTRAINT notifications_cause UNIQUE (cause_event_id, channel)
);

CREATE INDEX notifications_by_recipient ON notifications (recipient, id DESC);

-- migrate: rollback
DROP TABLE notifications;
DROP TABLE recipients;
