"""From protos to the edge: descriptors, a small model, one emitter for each target."""
