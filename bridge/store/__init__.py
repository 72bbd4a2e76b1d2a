"""The event store of one service, and what is read from it."""
