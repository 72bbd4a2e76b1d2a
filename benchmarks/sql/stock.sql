-- events --
-- Stores $1 events of type $2 with data $3 in streams of 100, from number $5 on; $4 is
-- the schema's id. What a service has after a while, all of it on Kafka.
WITH stored AS (
    INSERT INTO bridge.events (
        stream, version, type, event_id, data, schema_id, time, actor, client, method,
        request_id, correlation_id, causation_id, traceparent
    )
    SELECT
        'stock/' || number / 100, number % 100 + 1, $2::text, uuidv7(), $3::bytea, $4::int, now(),
        'users/bench', '', '/bench/Append', '', uuidv7()::text, '', ''
    FROM generate_series($5::int, $5::int + $1::int - 1) AS number
    RETURNING position
)
INSERT INTO bridge.published (position, topic, partition, record_offset)
SELECT position, 'bench', position % 3, position / 3 FROM stored

-- settle --
-- Lets the tables look as they do after a while.
VACUUM (ANALYZE) bridge.events, bridge.published
