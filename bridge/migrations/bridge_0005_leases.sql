-- Finds what is under lease: a sender bounds it for each recipient
-- depends: bridge_0004_replays

-- migrate: apply
CREATE INDEX deliveries_leased ON bridge.deliveries (recipient)
    WHERE state = 'pending' AND lease IS NOT NULL;

-- migrate: rollback
DROP INDEX bridge.deliveries_leased;
