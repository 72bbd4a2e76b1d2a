-- events --
-- Stores $1 orders, an event each, of $2 customers: type $3, data by customer $4, schema $5.
INSERT INTO bridge.events (
    stream, version, type, event_id, data, schema_id, time, actor, client, method,
    request_id, correlation_id, causation_id, traceparent
)
SELECT
    'orders/o' || number, 1, $3::text, uuidv7(), ($4::bytea[])[number % $2::int + 1], $5::int,
    now(), 'users/bench', 'cli', '/bench/Append', '', uuidv7()::text, '', ''
FROM generate_series(1, $1::int) AS number

-- settle --
-- Lets the table look as it does after a while.
VACUUM (ANALYZE) bridge.events

-- add --
-- Adds $2 orders to customers $1: two arrays.
INSERT INTO orders_per_customer (customer, orders)
SELECT * FROM unnest($1::text[], $2::bigint[])
ON CONFLICT (customer) DO UPDATE SET orders = orders_per_customer.orders + excluded.orders

-- ask --
-- Asks for a rebuild of group $1, and for nothing else.
INSERT INTO bridge.replays (id, mode, consumer_group, origin, actor)
VALUES (gen_random_uuid(), 'rebuild', $1, 'store', 'users/bench')

-- total --
-- How many orders the projection counts.
SELECT coalesce(sum(orders), 0)::bigint FROM orders_per_customer

-- raw --
-- The same events, in order, as whoever reads them by hand would.
SELECT * FROM bridge.events WHERE type = $1 AND position > $2 ORDER BY position LIMIT $3
