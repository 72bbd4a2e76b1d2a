-- newest --
-- Reads the snapshot of stream $1 in format $2, if the event that it ends with is there and has
-- the snapshot's version: so one of another past of the stream, or of a wrong version, is no
-- snapshot.
SELECT snapshot.version, snapshot.data
FROM bridge.snapshots AS snapshot
INNER JOIN bridge.events AS event USING (stream, version, event_id)
WHERE snapshot.stream = $1 AND snapshot.format = $2

-- save --
-- Writes the snapshot of stream $1 at version $2, which event $3 made, in format $4. The last one
-- wins, also an older one: every one of them is right.
INSERT INTO bridge.snapshots (stream, version, event_id, format, data)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (stream) DO UPDATE
SET
    version = excluded.version, event_id = excluded.event_id, format = excluded.format,
    data = excluded.data, time = excluded.time
