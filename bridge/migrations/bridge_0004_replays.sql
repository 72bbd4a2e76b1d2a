-- Where a rebuild writes before it is swapped in
-- depends: bridge_0003_consumers

-- migrate: apply
-- The service's role may make tables here and nowhere else.
CREATE SCHEMA bridge_shadow;

-- migrate: rollback
DROP SCHEMA bridge_shadow CASCADE;
