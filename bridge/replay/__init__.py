"""Replays: events again, for a group; executed by the owning service's worker."""
