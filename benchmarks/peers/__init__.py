"""What others do about the same thing, in their default settings."""
