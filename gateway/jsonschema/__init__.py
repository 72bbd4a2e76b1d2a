"""Messages as JSON schemas (2020-12): how protobuf spells them in JSON, and their field rules."""
