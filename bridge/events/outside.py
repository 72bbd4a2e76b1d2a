"""The identity of an event from outside: its source and its id there, as CloudEvents has them.

The event in the store has an id of our own that follows from the two, so the same source and id
are the same event wherever and whenever they come, and nobody outside can choose an id that one of
our services has. The two themselves stand in the event's causation, `{source}#{id}`: what caused it
is the event out there. The audit's seal covers both columns.
"""

import hashlib
import re
from functools import lru_cache

from bridge.errors import FieldViolation, InvalidArgument

RESERVED = "/causeway"
MARK = "#"
"""Between source and id. No id holds one, and no id of ours, which are UUIDs."""
_SOURCE = re.compile(r"(?:(?=/)|[a-z][a-z0-9+.-]*:(?://[^/?#]*)?)(?P<path>[^?#]*)(?:[?#].*)?")
"""CloudEvents' URI-reference as we take it: a path, or a URI with its scheme."""
_PRINTED = re.compile(r"[!-~]+")
_TWICE = re.compile(
    r"""
    /(?=/) | (?<![^/])\.\.?(?![^/;])         # RFC 3986 6.2.2.3, and empty segments
    | %(?![0-9a-f]{2})                      # no escape
    | %(?:2[def]|3[0-9]|4[1-9a-f]|5[0-9acf]|6[1-9a-f]|7[0-9ae])  # 6.2.2.2, and those of / and \
    """,
    re.IGNORECASE | re.VERBOSE,
)
"""What a reader that normalizes spells otherwise: two sources would be one, and maybe ours."""
_OURS = re.compile(RESERVED + r"(?![a-z0-9._~-])", re.IGNORECASE)
_UNSAFE = frozenset('"<>\\^`{|}')
_ID = re.compile(r"[a-z0-9-]{1,64}")


def event_id_of(*identity: str) -> str:
    """Make the id of our own: a UUID of version 8 (RFC 9562), 122 bits of a SHA-256."""
    made = hashlib.sha256("\0".join(identity).encode()).hexdigest()
    variant = "89ab"[int(made[16], 16) & 3]
    return f"{made[:8]}-{made[8:12]}-8{made[13:16]}-{variant}{made[17:20]}-{made[20:32]}"


def cause_of(source: str, outer_id: str) -> str:
    """Give the causation of an event from outside."""
    return source + MARK + outer_id


def source_of(causation_id: str, own: str) -> str:
    """Give an event's source: `own`, that of its store, unless it came from outside."""
    return causation_id.rpartition(MARK)[0] or own


def is_outside(source: str) -> bool:
    """Whether a source is none of our own services'."""
    return bool(source) and not source.startswith(RESERVED + "/")


@lru_cache(maxsize=1024)  # a publisher says the same one with each event
def checked_source(source: str) -> str:
    """Refuse what is no source, and what only our own services may say."""
    found = _SOURCE.fullmatch(source)
    if found is None or not _PRINTED.fullmatch(source) or _UNSAFE.intersection(source):
        raise _invalid(
            "event.source", "give who publishes: a path or a URI, such as /warehouse/berlin"
        )
    if _OURS.match(source):
        raise _invalid("event.source", f"{RESERVED}/… is said by the platform's own services alone")
    if _TWICE.search(found["path"]):
        text = "spell it as it is when normalized: no //, no . or .. as a part, no needless %"
        raise _invalid("event.source", text)
    return source


def checked_id(name: str) -> str:
    """Give the id in `events/{id}`; empty where there is no name."""
    if not name:
        return ""
    outer_id = name.removeprefix("events/")
    if outer_id == name or not _ID.fullmatch(outer_id):
        raise _invalid(
            "event.name", "must be events/{id}, with an id of a-z, 0-9 and -, at most 64"
        )
    return outer_id


def _invalid(field: str, text: str) -> InvalidArgument:
    return InvalidArgument(
        f"{field}: {text}", violations=(FieldViolation(field, text),), reason="INVALID_EVENT"
    )
