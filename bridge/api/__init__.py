"""The bridge process: the `bridge.v1` services, and reflection for the whole surface."""
