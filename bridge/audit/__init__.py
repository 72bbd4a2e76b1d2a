"""The proof that nobody changed history: seals over events, their heads on Kafka, and the check."""
