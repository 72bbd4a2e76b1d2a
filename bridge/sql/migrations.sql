-- lock --
-- Waits for its turn to migrate this database, for as long as the session lives.
SELECT pg_advisory_lock($1)
