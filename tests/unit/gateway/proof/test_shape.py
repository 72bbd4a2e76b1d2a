"""A shape names every key that a configuration may have, and what is at it."""

from typing import Any

import pytest

from gateway.proof.shape import Maybe, anything, findings

SHAPE = {
    "a": 1,
    "b": Maybe({"c": True}),
    "d": anything,
    "e": [{"f": "x"}],
    "g": lambda told: told[0] > 0,
}
RIGHT: dict[str, Any] = {"a": 1, "e": [{"f": "x"}], "g": [1]}


@pytest.mark.parametrize("more", [{}, {"d": [1]}, {"b": {"c": True}}])
def test_what_the_shape_says_is_no_finding(more: dict[str, Any]) -> None:
    assert list(findings("here", RIGHT | more, SHAPE)) == []


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"z": 0}, "says z, which the proof does not know"),
        ({"b": {"c": True, "z": 0}}, "says b.z, which the proof does not know"),
        ({"e": [{"f": "x", "z": 0}]}, "says e[0].z, which the proof does not know"),
        ({"a": 2}, "a is 2 and not 1"),
        ({"b": {}}, "b.c is None and not True"),
        ({"e": []}, "e is [] and not [{'f': 'x'}]"),
        ({"g": [0]}, "g is [0], which is not allowed"),
        ({"g": "of another form"}, "g is 'of another form', which is not allowed"),
        ({"g": None}, "g is None, which is not allowed"),
    ],
)
def test_what_it_does_not_say_is_one(more: dict[str, Any], told: str) -> None:
    (found,) = findings("here", RIGHT | more, SHAPE)
    assert (found.where, found.what) == ("here", told)


def test_a_key_that_is_missing_is_one() -> None:
    missing = {key: value for key, value in RIGHT.items() if key != "g"}
    (found,) = findings("here", missing, SHAPE)
    assert found.what == "g is None, which is not allowed"
