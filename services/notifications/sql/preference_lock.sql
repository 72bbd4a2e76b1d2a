-- Makes changes of one user's preferences queue up, also while there are none yet. $1 user
SELECT pg_advisory_xact_lock(hashtextextended('preferences/' || $1, 0))
