"""Which fields an UpdateUserRequest means to change."""

import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from bridge.errors import InvalidArgument
from causeway.users.v1.user_service_pb2 import UpdateUserRequest, User
from services.users.update_request import Wanted, wanted


def request(*paths: str, **fields: str) -> UpdateUserRequest:
    return UpdateUserRequest(
        user=User(**({"name": "users/me"} | fields)),  # type: ignore[arg-type]
        update_mask=FieldMask(paths=paths),
    )


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (request(display_name="Ann"), Wanted("Ann", None)),
        (request(email="a@b.org"), Wanted(None, "a@b.org")),
        (request(username="other", etag="3"), Wanted(None, None)),
        (request("email", display_name="Ann", email="a@b.org"), Wanted(None, "a@b.org")),
        (request("display_name"), Wanted("", None)),
        (request("*", email="a@b.org"), Wanted("", "a@b.org")),
    ],
)
def test_the_mask_says_what_changes_and_without_one_the_fields_that_are_set(
    asked: UpdateUserRequest, expected: Wanted
) -> None:
    assert wanted(asked) == expected


@pytest.mark.parametrize(
    ("asked", "field", "words"),
    [
        (request("username", "email", email="a@b.org"), "update_mask", "username is not one of"),
        (request("credit_limit"), "update_mask", "credit_limit is not one of"),
        (request("user.email", email="a@b.org"), "update_mask", "user.email is not one of"),
        (request("email"), "user.email", "without an address"),
        (request("*", display_name="Ann"), "user.email", "without an address"),
        (request(name="", email="a@b.org"), "user.name", "whom to change"),
    ],
)
def test_what_can_not_be_changed_is_refused_by_its_name(
    asked: UpdateUserRequest, field: str, words: str
) -> None:
    with pytest.raises(InvalidArgument, match=words) as refused:
        wanted(asked)
    assert [one.field for one in refused.value.violations] == [field]
