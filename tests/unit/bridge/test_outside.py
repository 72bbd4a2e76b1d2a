"""The identity of an event from outside."""

from uuid import UUID

import pytest

from bridge.errors import InvalidArgument
from bridge.events.outside import cause_of, checked_id, checked_source, event_id_of, source_of

OWN = "/causeway/bridge"


def test_an_id_follows_from_source_and_id_alone() -> None:
    assert event_id_of("/till", "7") == event_id_of("/till", "7")
    others = {event_id_of(*both) for both in (("/till", "7"), ("/till", "8"), ("/till/7", ""))}
    assert len(others) == 3


def test_the_id_stays_what_it_was_ever_since() -> None:
    """Another one would store again what is stored already."""
    made = event_id_of("/warehouse/berlin", "receipt-1")
    assert made == "f150b3c7-63de-8db7-89de-04d8c8e788c4"
    assert UUID(made).version == 8
    assert UUID(made).variant == "specified in RFC 4122"


@pytest.mark.parametrize("source", ["/warehouse/berlin", "urn:till:7", "https://a.example/b#c"])
def test_the_source_is_read_from_the_causation(source: str) -> None:
    assert checked_source(source) == source
    assert source_of(cause_of(source, checked_id("events/receipt-1")), OWN) == source


@pytest.mark.parametrize("causation", ["", "01a7f0b2-1b7e-7c44-8f4e-6f2f6c8f0a51"])
def test_what_one_of_our_own_caused_is_of_its_store(causation: str) -> None:
    assert source_of(causation, OWN) == OWN


@pytest.mark.parametrize(
    "source",
    [
        "",
        "warehouse",
        "/a b",
        "/a\n",
        "/ä",
        "/causeway",
        "/causeway/orders",
        "/CAUSEWAY/x",
        "7:x",
        "/causeway#1",
        '/a"b',
        "/a{b}",
        "/causeway;x/orders",
        "/causeway%2Forders",
        "/causeway:1",
    ],
)
def test_a_source_is_refused_that_is_none_or_ours(source: str) -> None:
    with pytest.raises(InvalidArgument, match=r"^event\.source"):
        checked_source(source)


@pytest.mark.parametrize(
    "source",
    [
        "/./causeway/orders",
        "/../causeway/orders",
        "/x/../causeway/orders",
        "/x/..;y/causeway/orders",
        "/x/..",
        "/x/.?a",
        "/%63auseway/orders",
        "/%2e/causeway/orders",
        "/x%2F..%2fcauseway",
        "/x%5c..",
        "//causeway/orders",
        "/x//causeway",
        "https://a.example//b",
        "https://a.example/../b",
        "/a%",
        "/a%4",
        "/a%zz",
    ],
)
def test_a_source_is_refused_that_is_another_one_when_normalized(source: str) -> None:
    with pytest.raises(InvalidArgument, match=r"^event\.source: spell it"):
        checked_source(source)


@pytest.mark.parametrize(
    "source",
    [
        "/",
        "/causewayside",
        "/causeway-2/x",
        "/x/causeway/",
        "/a.b/..c/d..",
        "/a%20b%C3%A4%25",
        "/a?x=/../y//z",
        "https://a.example",
        "https://a.example/causeway/x",
        "mailto:a@b.example",
    ],
)
def test_a_source_that_looks_like_those_is_taken(source: str) -> None:
    assert checked_source(source) == source


@pytest.mark.parametrize(
    "name", ["receipt", "events/", "events/A", "events/a#b", "events/" + "a" * 65]
)
def test_an_id_is_refused_that_could_be_no_name(name: str) -> None:
    with pytest.raises(InvalidArgument, match=r"^event\.name"):
        checked_id(name)
