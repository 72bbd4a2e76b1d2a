-- One change of user $1 begins at a time: what the next one reads, it reads after that.
SELECT pg_advisory_xact_lock(hashtextextended('users/' || $1, 0))
