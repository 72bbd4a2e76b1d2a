"""Resume tokens of WatchOrder: the version that a watcher has seen, signed for it alone."""

import base64
import binascii
import hashlib
import hmac

from bridge.errors import FieldViolation, InvalidArgument

TAG = 16
"""Bytes of the HMAC-SHA256 that a token begins with; the rest is the version in decimal."""


class ResumeTokens:
    """Good only for the caller and the order that they were made for."""

    def __init__(self, secret: str) -> None:
        self._key = hashlib.sha256(b"resume-token\0" + secret.encode()).digest()

    def seal(self, caller: str, order_id: str, version: int) -> str:
        """The token for "has seen this version"."""
        text = str(version).encode()
        token = base64.urlsafe_b64encode(self._tag(caller, order_id, text) + text)
        return token.rstrip(b"=").decode()

    def open(self, caller: str, order_id: str, token: str) -> int | None:
        """The version that was seen; None for no token. InvalidArgument: altered, or another's."""
        if not token:
            return None
        try:
            raw = base64.b64decode(token + "=" * (-len(token) % 4), b"-_", validate=True)
        except (binascii.Error, ValueError):
            raise _bad_token() from None
        tag, text = raw[:TAG], raw[TAG:]
        if not hmac.compare_digest(tag, self._tag(caller, order_id, text)):
            raise _bad_token()
        return int(text)

    def _tag(self, caller: str, order_id: str, text: bytes) -> bytes:
        said = b"\0".join((caller.encode(), order_id.encode(), text))
        return hmac.digest(self._key, said, "sha256")[:TAG]


def _bad_token() -> InvalidArgument:
    text = "is not a resume token of this order"
    return InvalidArgument(
        f"resume_token: {text}",
        violations=(FieldViolation("resume_token", text),),
        reason="INVALID_RESUME_TOKEN",
    )
