"""Notifications: what the platform tells its users, by e-mail."""
