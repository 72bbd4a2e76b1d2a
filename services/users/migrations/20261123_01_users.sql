-- The read model of users, the claims on their credit, and registrations under way
-- depends:

-- migrate: apply
-- Written in the transaction that appends the event: it is both what is shown and the state that
-- the next decision starts from, at the stream's version.
CREATE TABLE users (
    -- Keycloak's sub
    id text COLLATE "C" PRIMARY KEY,
    username text COLLATE "C" NOT NULL,
    display_name text NOT NULL,
    email text NOT NULL,
    -- Nanos of EUR
    credit_limit bigint NOT NULL CHECK (credit_limit >= 0),
    reserved bigint NOT NULL CHECK (reserved >= 0),
    active boolean NOT NULL,
    -- Version of the event stream that this row shows
    version bigint NOT NULL,
    create_time timestamptz NOT NULL,
    update_time timestamptz NOT NULL
);

CREATE UNIQUE INDEX users_by_username ON users (lower(username));
-- ListUsers goes through it page by page.
CREATE INDEX users_in_order ON users (username);
CREATE UNIQUE INDEX users_by_email ON users (lower(email));

-- The answer to each order that asked for credit.
CREATE TABLE claims (
    user_id text COLLATE "C" NOT NULL REFERENCES users (id),
    -- orders/{id}
    order_name text COLLATE "C" NOT NULL,
    -- reserved, denied or released
    answer text NOT NULL,
    -- What is held now, in nanos of EUR
    amount bigint NOT NULL,
    PRIMARY KEY (user_id, order_name)
);

-- A registration between its first step and its last. No password, and nothing made from one.
CREATE TABLE intents (
    -- UUIDv7; the Keycloak user carries it as attribute
    id text COLLATE "C" PRIMARY KEY,
    username text COLLATE "C" NOT NULL,
    display_name text NOT NULL,
    email text NOT NULL,
    -- The caller's sub, empty for nobody, and its request_id, empty for none
    caller text COLLATE "C" NOT NULL,
    request_id text COLLATE "C" NOT NULL,
    -- Digest of the request without its password
    body_hash bytea NOT NULL,
    -- Where the request came from, for the event: bridge.event.Origin
    origin jsonb NOT NULL,
    -- True: no Keycloak user was found; kept until none can appear late.
    abandoned boolean NOT NULL DEFAULT false,
    -- One process at a time works on it.
    lease_until timestamptz NOT NULL,
    -- By then a request to Keycloak has been answered or has failed.
    settle_after timestamptz NOT NULL
);

CREATE UNIQUE INDEX intents_by_username ON intents (lower(username)) WHERE NOT abandoned;
CREATE UNIQUE INDEX intents_by_email ON intents (lower(email)) WHERE NOT abandoned;
CREATE UNIQUE INDEX intents_by_request ON intents (caller, request_id)
WHERE NOT abandoned AND request_id <> '';
CREATE INDEX intents_by_settle_after ON intents (settle_after);

-- migrate: rollback
DROP TABLE intents;
DROP TABLE claims;
DROP TABLE users;
