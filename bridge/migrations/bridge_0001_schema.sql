-- The event store, its outbox and everything that a consumer remembers
-- depends:

-- migrate: apply
CREATE SCHEMA IF NOT EXISTS bridge;

-- The truth of the service. Insert only: the service's role has no other right.
CREATE TABLE bridge.events (
    -- Taken at insert, visible at commit: not the order of commits. Never use it as a cursor.
    position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- Aggregate type and id, orders/{id}; the part after the slash is the partition key
    stream text COLLATE "C" NOT NULL CHECK (stream LIKE '_%/_%'),
    -- 1, 2, … without a gap
    version bigint NOT NULL CHECK (version > 0),
    -- Full name of the message
    type text COLLATE "C" NOT NULL,
    event_id uuid NOT NULL,
    -- The serialized message, without Kafka's prefix
    data bytea NOT NULL,
    -- Global id of the writer's schema in the registry
    schema_id integer NOT NULL,
    time timestamptz NOT NULL,
    -- users/{sub} or a service; empty where unknown, as all that follow
    actor text NOT NULL,
    client text NOT NULL,
    method text NOT NULL,
    request_id text NOT NULL,
    correlation_id text COLLATE "C" NOT NULL,
    -- Id of the event that caused this one
    causation_id text COLLATE "C" NOT NULL,
    -- W3C trace context
    traceparent text NOT NULL,
    CONSTRAINT events_stream_version UNIQUE (stream, version),
    CONSTRAINT events_event_id UNIQUE (event_id)
);

CREATE INDEX events_by_correlation ON bridge.events (correlation_id);
-- Positions and times grow together, so a block range index is enough and costs nothing.
CREATE INDEX events_by_time ON bridge.events USING brin (time);

-- What Kafka has not acknowledged yet. Rows leave it in the transaction that records where they
-- went.
CREATE TABLE bridge.outbox (
    position bigint PRIMARY KEY,
    topic text NOT NULL,
    -- Version of the schema within its subject, for the header ce_dataschema
    schema_version integer NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);

-- Where each event went. Beside events because that table is never updated.
CREATE TABLE bridge.published (
    position bigint PRIMARY KEY,
    topic text NOT NULL,
    partition integer NOT NULL,
    record_offset bigint NOT NULL,
    time timestamptz NOT NULL DEFAULT now()
);

-- Which group has handled which event: the row is written in the handler's transaction.
CREATE TABLE bridge.inbox (
    consumer_group text COLLATE "C" NOT NULL,
    event_id uuid NOT NULL,
    -- 0: live; a replay that delivers again has an epoch of its own
    epoch bigint NOT NULL DEFAULT 0,
    -- Tries that it took
    attempts integer NOT NULL,
    time timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (consumer_group, event_id, epoch)
);

CREATE INDEX inbox_by_event ON bridge.inbox (event_id);
CREATE INDEX inbox_by_time ON bridge.inbox USING brin (time);

-- Events that a group could not handle, and the later ones of the same key, in order of id.
CREATE TABLE bridge.parked (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    consumer_group text COLLATE "C" NOT NULL,
    -- NULL: a record without a key, which parks alone
    key text COLLATE "C",
    -- NULL where the record is too broken to tell
    event_id uuid,
    type text NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    record_offset bigint NOT NULL,
    -- The record as it came
    value bytea,
    headers jsonb NOT NULL,
    -- Reason of the error, UPPER_SNAKE
    reason text NOT NULL,
    attempts integer NOT NULL,
    -- NULL: waits for a redrive
    next_attempt_time timestamptz,
    -- Without personal data
    stack_digest text NOT NULL,
    park_time timestamptz NOT NULL DEFAULT now(),
    -- Set by the bridge's API; the owning worker acts on it
    redrive_time timestamptz,
    discard_time timestamptz,
    CONSTRAINT parked_record UNIQUE (consumer_group, topic, partition, record_offset),
    CONSTRAINT parked_event UNIQUE (consumer_group, event_id)
);

CREATE INDEX parked_by_key ON bridge.parked (consumer_group, key, id);

-- External effects: written by handlers, carried out by senders.
CREATE TABLE bridge.deliveries (
    id uuid PRIMARY KEY,
    effect text NOT NULL,
    -- Resource name, never an address
    recipient text NOT NULL,
    event_id uuid NOT NULL,
    payload bytea NOT NULL,
    -- unrecorded: sent, but the service could not record the outcome
    state text NOT NULL DEFAULT 'pending'
        CHECK (state IN ('pending', 'sent', 'failed', 'unrecorded')),
    attempts integer NOT NULL DEFAULT 0,
    -- Not before; a lease moves it to its own end
    due_time timestamptz NOT NULL DEFAULT now(),
    -- Token of the sender that is at it
    lease uuid,
    -- Without personal data
    last_error text NOT NULL DEFAULT '',
    actor text NOT NULL,
    correlation_id text NOT NULL,
    traceparent text NOT NULL,
    create_time timestamptz NOT NULL DEFAULT now(),
    end_time timestamptz
);

CREATE INDEX deliveries_due ON bridge.deliveries (due_time) WHERE state = 'pending';
CREATE INDEX deliveries_by_event ON bridge.deliveries (event_id);

-- The hash chain over events. Insert only.
CREATE TABLE bridge.seals (
    seq bigint PRIMARY KEY,
    position bigint NOT NULL UNIQUE,
    prev bytea NOT NULL,
    hash bytea NOT NULL,
    time timestamptz NOT NULL DEFAULT now()
);

-- Replays: asked for by the bridge's API, executed by the owning worker.
CREATE TABLE bridge.replays (
    id uuid PRIMARY KEY,
    -- Own epoch in the inbox
    epoch bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    mode text NOT NULL CHECK (mode IN ('rebuild', 'backfill', 'redeliver')),
    consumer_group text NOT NULL,
    origin text NOT NULL CHECK (origin IN ('store', 'kafka')),
    subject text NOT NULL DEFAULT '',
    types text[] NOT NULL DEFAULT '{}',
    start_time timestamptz,
    end_time timestamptz,
    start_position bigint,
    end_position bigint,
    -- External effects that may run
    effects text[] NOT NULL DEFAULT '{}',
    state text NOT NULL DEFAULT 'pending'
        CHECK (state IN ('pending', 'running', 'succeeded', 'failed', 'cancelled')),
    cancel_requested boolean NOT NULL DEFAULT false,
    events_total bigint NOT NULL DEFAULT 0,
    events_done bigint NOT NULL DEFAULT 0,
    -- Where to go on after a crash
    checkpoint jsonb NOT NULL DEFAULT '{}',
    actor text NOT NULL,
    error text NOT NULL DEFAULT '',
    create_time timestamptz NOT NULL DEFAULT now(),
    update_time timestamptz NOT NULL DEFAULT now()
);

-- AIP-155: kept at least 7 days.
CREATE TABLE bridge.requests (
    caller text COLLATE "C" NOT NULL,
    method text COLLATE "C" NOT NULL,
    request_id text COLLATE "C" NOT NULL,
    -- Digest of the request
    body bytea NOT NULL,
    -- NULL only within the transaction that claims it
    resource text,
    time timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (caller, method, request_id)
);

CREATE INDEX requests_by_time ON bridge.requests USING brin (time);

-- migrate: rollback
DROP SCHEMA bridge CASCADE;
