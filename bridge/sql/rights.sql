-- service --
-- Lets the service's role use its tables, and only add to the tables that are history. Repeated
-- after every migration, so that new tables are covered.
GRANT USAGE ON SCHEMA bridge, public TO {role};
GRANT USAGE, CREATE ON SCHEMA bridge_shadow TO {role};
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA bridge, public TO {role};
GRANT USAGE ON ALL SEQUENCES IN SCHEMA bridge, public TO {role};
REVOKE UPDATE, DELETE ON bridge.events, bridge.seals, bridge.published, bridge.discarded FROM {role};
REVOKE ALL ON public._pogo_migration, public._pogo_version FROM {role};

-- audit --
-- Lets the bridge's API read the schema and write control rows, nothing else.
GRANT USAGE ON SCHEMA bridge TO {role};
GRANT SELECT ON ALL TABLES IN SCHEMA bridge TO {role};
GRANT INSERT, UPDATE (cancel_requested, update_time) ON bridge.replays TO {role};
GRANT UPDATE (redrive_time, redrive_actor, discard_time, discard_actor) ON bridge.parked TO {role};

-- present --
-- Whether a role is there.
SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)
