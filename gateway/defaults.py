"""What holds for a method whose `access` option does not say otherwise."""

from gateway import identity

REQUEST_BYTES = 65_536
"""Of one request message."""
UNARY_TIMEOUT = 10.0
"""Seconds."""
STREAM_LIFE = float(identity.TOKEN_LIFE)
"""Seconds. A stream is no longer open than a token can live."""
