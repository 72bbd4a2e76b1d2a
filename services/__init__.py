"""The reference services, each with its own database and its own identity."""
