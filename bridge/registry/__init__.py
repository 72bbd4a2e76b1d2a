"""The schema registry: register at deploy, look up at start."""
