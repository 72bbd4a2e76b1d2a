-- Finds the events of a source outside, which stands before the last # of their causation
-- depends: bridge_0005_leases

-- migrate: apply
-- A source that published little, or nothing, would cost a look at every event of the store.
CREATE INDEX events_by_source
    ON bridge.events (left(causation_id, -strpos(reverse(causation_id), '#')), position)
    WHERE strpos(causation_id, '#') > 0;

-- migrate: rollback
DROP INDEX bridge.events_by_source;
