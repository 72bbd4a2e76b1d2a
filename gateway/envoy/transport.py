"""Headers that HTTP allows and gRPC's transport does not: a call with one would end in a 13.

gRPC's core refuses them before any code of ours runs, with words of its own ("Illegal header
key"), and a caller over REST would be told 500. Services read none of them, so they are taken
away; an encoding of messages that the services can't read is refused.
Names: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md (Header-Name, Binary-Header).
"""

from typing import Any

# Without pseudo-headers, whose names begin with a colon.
_NO_KEY = "[^:].*[^a-z0-9_.-].*|[^a-z0-9_.:-].*"
_BINARY = "-bin"
"""The end of a name whose value must be base64."""
_COUNTED = ("grpc-previous-rpc-attempts", "grpc-retry-pushback-ms")
"""Their values must be numbers."""
_READABLE = "identity|gzip"


def unreadable() -> list[dict[str, Any]]:
    """What the connection manager takes away first."""
    matchers: list[dict[str, Any]] = [{"safe_regex": {"regex": _NO_KEY}}, {"suffix": _BINARY}]
    matching = [{"remove_on_match": {"key_matcher": matcher}} for matcher in matchers]
    return [*matching, *({"remove": name} for name in _COUNTED)]


def unreadable_encoding() -> dict[str, Any]:
    """A route that stands before all others: 415 for messages in another encoding."""
    name = "grpc-encoding"
    readable = {"safe_regex": {"regex": _READABLE}}
    return {
        "name": name,
        "match": {
            "prefix": "/",
            "headers": [
                {"name": name, "present_match": True},
                {"name": name, "string_match": readable, "invert_match": True},
            ],
        },
        "direct_response": {"status": 415},
    }
