"""A name has one spelling: others that a UUID reader takes are nobody's."""

import pytest

from bridge.api.ids import is_id

ID = "b285be4f-9be5-4307-bd46-919d04720963"


def test_the_one_spelling_is_an_id() -> None:
    assert is_id(ID)


@pytest.mark.parametrize(
    "other",
    [
        "",
        "r1",
        ID.upper(),
        ID.replace("-", ""),
        "----------" + ID.replace("-", ""),
        "-".join(ID.replace("-", "")),
        f"{{{ID}}}",
        f"urn:uuid:{ID}",
    ],
)
def test_another_spelling_is_none(other: str) -> None:
    assert not is_id(other)
