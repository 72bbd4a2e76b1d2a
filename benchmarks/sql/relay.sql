-- waiting --
-- Whether the relay has work.
SELECT EXISTS (SELECT FROM bridge.outbox)
