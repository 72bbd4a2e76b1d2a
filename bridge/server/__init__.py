"""The server kit that services and bridge share: one pipeline around every method."""
