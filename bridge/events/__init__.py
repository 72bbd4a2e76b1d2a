"""One event: its message, its type, and its bytes in the store and on Kafka."""
