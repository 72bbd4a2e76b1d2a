"""From the store to Kafka: the outbox and the one relay that empties it."""
