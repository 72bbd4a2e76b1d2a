"""Resume tokens of streams: how far a reader has seen, signed for it alone."""

import hashlib
from functools import partial

from pydantic import SecretStr

from bridge.errors import FieldViolation, InvalidArgument
from bridge.server.sealed import mac, seal, unseal


class ResumeTokens:
    """Good only for the caller, and for what it watched, that they were made for."""

    def __init__(self, secret: SecretStr) -> None:
        self._key = hashlib.sha256(b"resume-token\0" + secret.get_secret_value().encode()).digest()

    def seal(self, caller: str, watched: str, position: str) -> str:
        """The token for "has seen this far"; `watched` has no NUL."""
        return seal(position.encode(), partial(self._tag, caller, watched))

    def open(self, caller: str, watched: str, token: str) -> str | None:
        """The position that was seen; None for no token. InvalidArgument: altered, or another's."""
        if not token:
            return None
        text = unseal(token, partial(self._tag, caller, watched))
        if text is None:
            raise _bad_token()
        return text.decode()

    def _tag(self, caller: str, watched: str, text: bytes) -> bytes:
        return mac(self._key, b"\0".join((caller.encode(), watched.encode(), text)))


def _bad_token() -> InvalidArgument:
    text = "is not a resume token of this stream"
    return InvalidArgument(
        f"resume_token: {text}",
        violations=(FieldViolation("resume_token", text),),
        reason="INVALID_RESUME_TOKEN",
    )
