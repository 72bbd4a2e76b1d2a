-- What waits in one store: parked events by group, and the outbox if its oldest event is older than
-- $1 seconds (then without a group). Events that are to be discarded do not wait any more.
SELECT consumer_group, count(*) AS count, min(park_time) AS oldest
FROM bridge.parked
WHERE discard_time IS NULL
GROUP BY consumer_group
UNION ALL
SELECT '', (SELECT count(*) FROM bridge.outbox), first.time
FROM (SELECT min(position) AS position FROM bridge.outbox) AS lowest
JOIN bridge.events AS first USING (position)
WHERE first.time < now() - make_interval(secs => $1)
ORDER BY consumer_group
