"""Resume tokens of streams: how far a reader has seen, signed for it alone."""

import base64
import binascii
import hashlib
import hmac

from pydantic import SecretStr

from bridge.errors import FieldViolation, InvalidArgument

TAG = 16
"""Bytes of the HMAC-SHA256 that a token begins with; the rest is the position as text."""


class ResumeTokens:
    """Good only for the caller, and for what it watched, that they were made for."""

    def __init__(self, secret: SecretStr) -> None:
        self._key = hashlib.sha256(b"resume-token\0" + secret.get_secret_value().encode()).digest()

    def seal(self, caller: str, watched: str, position: str) -> str:
        """The token for "has seen this far"; `watched` has no NUL."""
        text = position.encode()
        token = base64.urlsafe_b64encode(self._tag(caller, watched, text) + text)
        return token.rstrip(b"=").decode()

    def open(self, caller: str, watched: str, token: str) -> str | None:
        """The position that was seen; None for no token. InvalidArgument: altered, or another's."""
        if not token:
            return None
        try:
            raw = base64.b64decode(token + "=" * (-len(token) % 4), b"-_", validate=True)
        except (binascii.Error, ValueError):
            raise _bad_token() from None
        tag, text = raw[:TAG], raw[TAG:]
        if not hmac.compare_digest(tag, self._tag(caller, watched, text)):
            raise _bad_token()
        return text.decode()

    def _tag(self, caller: str, watched: str, text: bytes) -> bytes:
        said = b"\0".join((caller.encode(), watched.encode(), text))
        return hmac.digest(self._key, said, "sha256")[:TAG]


def _bad_token() -> InvalidArgument:
    text = "is not a resume token of this stream"
    return InvalidArgument(
        f"resume_token: {text}",
        violations=(FieldViolation("resume_token", text),),
        reason="INVALID_RESUME_TOKEN",
    )
