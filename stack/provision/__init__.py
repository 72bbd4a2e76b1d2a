"""What the platform holds once it stands: topics, access lists, the realm."""
