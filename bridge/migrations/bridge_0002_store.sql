-- Snapshots of long streams, and reading events by type
-- depends: bridge_0001_schema

-- migrate: apply
-- A fold of a stream up to a version. A cache: any row may be lost.
CREATE TABLE bridge.snapshots (
    stream text COLLATE "C" PRIMARY KEY,
    version bigint NOT NULL,
    -- The event of that version: a snapshot of another past of the stream is none
    event_id uuid NOT NULL,
    -- Format of `data`, chosen by the service: one that it does not know any more is passed over
    format integer NOT NULL,
    data bytea NOT NULL,
    time timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX events_by_type ON bridge.events (type, position);

-- For the clean-up: what is over, by when
CREATE INDEX deliveries_ended ON bridge.deliveries (end_time) WHERE state IN ('sent', 'failed');

-- migrate: rollback
DROP INDEX bridge.deliveries_ended;
DROP INDEX bridge.events_by_type;
DROP TABLE bridge.snapshots;
