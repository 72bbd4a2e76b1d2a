-- What a worker consumes, keys that are parked, and events that were given up
-- depends: bridge_0002_store

-- migrate: apply
-- Written by each worker at its start: what TraceEvent and a replay must know of its groups.
CREATE TABLE bridge.consumers (
    consumer_group text COLLATE "C" PRIMARY KEY,
    topics text[] NOT NULL,
    -- Full names of the messages that it handles
    types text[] NOT NULL,
    -- Tables that its handlers alone write: with any, the group can be rebuilt
    tables text[] NOT NULL DEFAULT '{}',
    -- External effects that its handlers may enqueue
    effects text[] NOT NULL DEFAULT '{}',
    -- false: fed by replays alone
    live boolean NOT NULL DEFAULT true,
    -- Inbox rows before this time were cleaned up
    inbox_start_time timestamptz,
    update_time timestamptz NOT NULL DEFAULT now()
);

-- A key that is parked: its consumer and its redrive lock this row. Deleted when nothing of the
-- key is parked any more.
CREATE TABLE bridge.parked_keys (
    consumer_group text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    park_time timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (consumer_group, key)
);

ALTER TABLE bridge.parked
    -- The key as it came: `key` is what text can hold of it
    ADD COLUMN record_key bytea,
    ADD COLUMN redrive_actor text NOT NULL DEFAULT '',
    ADD COLUMN discard_actor text NOT NULL DEFAULT '';

CREATE INDEX parked_due ON bridge.parked (next_attempt_time) WHERE next_attempt_time IS NOT NULL;
CREATE INDEX parked_asked ON bridge.parked (id)
    WHERE redrive_time IS NOT NULL OR discard_time IS NOT NULL;

-- Events that somebody gave up, whole: nothing is dropped silently, or for good.
CREATE TABLE bridge.discarded (
    id bigint PRIMARY KEY,
    consumer_group text COLLATE "C" NOT NULL,
    key text COLLATE "C",
    event_id uuid,
    type text NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    record_offset bigint NOT NULL,
    record_key bytea,
    value bytea,
    headers jsonb NOT NULL,
    reason text NOT NULL,
    attempts integer NOT NULL,
    park_time timestamptz NOT NULL,
    actor text NOT NULL,
    time timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT discarded_record UNIQUE (consumer_group, topic, partition, record_offset)
);

CREATE INDEX discarded_by_event ON bridge.discarded (event_id);

-- migrate: rollback
DROP TABLE bridge.discarded;
DROP INDEX bridge.parked_asked, bridge.parked_due;
ALTER TABLE bridge.parked DROP COLUMN discard_actor, DROP COLUMN redrive_actor, DROP COLUMN record_key;
DROP TABLE bridge.parked_keys, bridge.consumers;
