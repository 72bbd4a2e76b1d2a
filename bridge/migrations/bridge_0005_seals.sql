-- The rest of the trace context, before the first seal is made over it
-- depends: bridge_0004_replays

-- migrate: apply
-- W3C trace state, as the caller sent it: the vendors' part of the trace context.
ALTER TABLE bridge.events ADD COLUMN tracestate text NOT NULL DEFAULT '';

-- migrate: rollback
ALTER TABLE bridge.events DROP COLUMN tracestate;
