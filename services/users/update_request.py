"""Reads an UpdateUserRequest: which fields it means to change (AIP-134, AIP-161)."""

from typing import NamedTuple

from bridge.errors import FieldViolation, InvalidArgument
from bridge.field_mask import paths_of
from causeway.users.v1.user_service_pb2 import UpdateUserRequest

MUTABLE = ("display_name", "email")


class Wanted(NamedTuple):
    """The new values; None: left as it is."""

    display_name: str | None
    email: str | None


def wanted(request: UpdateUserRequest) -> Wanted:
    """What to change. No mask takes the fields that are set, `*` takes all.

    InvalidArgument: a path that can't be changed, no name, or an address that would be taken away.
    """
    if not request.user.name:
        raise _violation("user.name", "says whom to change, users/{id} or users/me")
    paths = paths_of(request.update_mask, request.user, MUTABLE)
    if "email" in paths and not request.user.email:
        raise _violation("user.email", "a user can't be without an address")
    return Wanted(
        request.user.display_name if "display_name" in paths else None,
        request.user.email if "email" in paths else None,
    )


def _violation(field: str, text: str) -> InvalidArgument:
    return InvalidArgument(f"{field}: {text}", violations=(FieldViolation(field, text),))
