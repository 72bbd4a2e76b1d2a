"""What the bridge costs, each figure beside its limit or its peer in the same run."""
