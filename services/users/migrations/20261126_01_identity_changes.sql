-- Changes of users in two systems that are under way
-- depends: 20261123_01_users

-- migrate: apply
-- Written before Keycloak is asked; ends in the transaction that appends the event.
CREATE TABLE identity_changes (
    -- UUIDv7
    id text COLLATE "C" PRIMARY KEY,
    -- Of a user that there may not be: it is written first, and looked at in the same transaction
    user_id text COLLATE "C" NOT NULL,
    -- update or deactivate
    kind text NOT NULL,
    -- What shall be from then on; null: left as it is
    display_name text,
    email text,
    -- Of a deactivation
    reason text NOT NULL,
    -- The caller's sub, the method and its request_id, empty for none, with the request's digest
    caller text COLLATE "C" NOT NULL,
    method text NOT NULL,
    request_id text COLLATE "C" NOT NULL,
    body_hash bytea NOT NULL,
    -- Where the request came from, for the event: bridge.event.Origin
    origin jsonb NOT NULL,
    -- True: it is done, and kept until none of its requests to Keycloak can come late.
    finished boolean NOT NULL DEFAULT false,
    -- One process at a time works on it.
    lease_until timestamptz NOT NULL,
    -- By then a request to Keycloak has been answered or has failed.
    settle_after timestamptz NOT NULL
);

CREATE UNIQUE INDEX identity_changes_by_user ON identity_changes (user_id, kind);
CREATE UNIQUE INDEX identity_changes_by_request ON identity_changes (caller, method, request_id)
WHERE request_id <> '';
CREATE INDEX identity_changes_by_settle_after ON identity_changes (settle_after);

-- migrate: rollback
DROP TABLE identity_changes;
