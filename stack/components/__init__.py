"""The real components of the local platform, one file each."""
