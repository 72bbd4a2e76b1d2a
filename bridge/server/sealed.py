"""Signed opaque text: base64url of a tag and the text that it covers."""

import base64
import binascii
import hmac
from collections.abc import Callable

TAG = 16
"""Bytes of the HMAC-SHA256 that a token begins with."""

Tag = Callable[[bytes], bytes]
"""The tag of a text, for one key and whatever else the token is bound to."""


def mac(key: bytes, said: bytes) -> bytes:
    """The tag of what is said."""
    return hmac.digest(key, said, "sha256")[:TAG]


def seal(text: bytes, tag: Tag) -> str:
    """Make the token."""
    return base64.urlsafe_b64encode(tag(text) + text).rstrip(b"=").decode()


def unseal(token: str, tag: Tag) -> bytes | None:
    """The text of a token; None: altered, or bound to something else."""
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    given, text = raw[:TAG], raw[TAG:]
    return text if hmac.compare_digest(given, tag(text)) else None
