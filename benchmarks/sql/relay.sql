-- published --
-- Whether event $1 is on Kafka and out of the outbox. To ask whether the outbox is empty would cost
-- the more the more rows have just left it.
SELECT EXISTS (SELECT FROM bridge.published WHERE position = $1)
