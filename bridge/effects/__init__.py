"""External effects: rows written by handlers, carried out by senders."""
