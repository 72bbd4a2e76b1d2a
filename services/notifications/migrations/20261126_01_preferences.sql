-- How users want to be told
-- depends: 20261123_01_notifications

-- migrate: apply
-- One that has no row has all defaults, at version 0.
CREATE TABLE preferences (
    user_id text COLLATE "C" PRIMARY KEY,
    email_disabled boolean NOT NULL,
    -- Empty: no webhook
    webhook_uri text NOT NULL,
    -- Signs what the webhook gets. As it is: a digest could sign nothing
    webhook_secret text NOT NULL,
    -- The etag: 1, 2, …
    version bigint NOT NULL,
    update_time timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT preferences_signed CHECK (webhook_uri = '' OR webhook_secret <> '')
);

-- migrate: rollback
DROP TABLE preferences;
