-- No transaction below `settled` will write in this database any more, and all that wrote are seen
-- by the next statement; none has reached `next`. The snapshot is older than the look at the
-- sessions, so what ran then and has no session now is over; other databases do not count.
SELECT
    pg_snapshot_xmax(now)::text::bigint AS next,
    coalesce(
        (
            SELECT min(running::text::bigint)
            FROM pg_snapshot_xip(now) AS running
            JOIN pg_stat_activity AS session
                ON session.backend_xid::text::bigint = running::text::bigint & 4294967295
            WHERE session.datname = current_database()
        ),
        pg_snapshot_xmax(now)::text::bigint
    ) AS settled
FROM pg_current_snapshot() AS now
