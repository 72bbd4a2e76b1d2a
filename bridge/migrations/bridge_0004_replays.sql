-- Where a rebuild writes before it is swapped in, and the replays that are to be worked on
-- depends: bridge_0003_consumers

-- migrate: apply
-- The service's role may make tables here and nowhere else.
CREATE SCHEMA bridge_shadow;

CREATE INDEX replays_open ON bridge.replays (consumer_group, epoch)
    WHERE state IN ('pending', 'running');

-- migrate: rollback
DROP INDEX bridge.replays_open;
DROP SCHEMA bridge_shadow CASCADE;
