"""From Kafka into handlers: a group's member, its lanes, and the inbox."""
