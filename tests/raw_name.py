"""Header names as a client sends them that does not care for UTF-8."""


class RawName(str):
    """A name that is these bytes on the wire, with aiokafka's encoder in Python."""

    raw: bytes

    def __new__(cls, raw: bytes) -> "RawName":
        name = super().__new__(cls, "raw")
        name.raw = raw
        return name

    def encode(self, *_: str) -> bytes:
        """Give the bytes as they are."""
        return self.raw
