"""The local platform: real components as supervised child processes."""
