-- Finds the recipients with a failed try that waits: a sender gives them fewer places
-- depends: bridge_0006_sources

-- migrate: apply
CREATE INDEX deliveries_failing ON bridge.deliveries (recipient)
    WHERE state = 'pending' AND last_error <> '';

-- migrate: rollback
DROP INDEX bridge.deliveries_failing;
