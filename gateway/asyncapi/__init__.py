"""Model → AsyncAPI 3.0: the topics, what is on them, who writes and who may read."""
