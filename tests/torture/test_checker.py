"""The checker finds each broken promise, and nothing in a run that keeps them all."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.torture import history
from tests.torture.checker import RULES, check
from tests.torture.evidence import (
    FAILED,
    OK,
    UNKNOWN,
    Append,
    Effect,
    Evidence,
    Parked,
    Published,
    Stored,
    appends_of,
    begun_of,
)

G = "causeway.orders.torture"
GOOD = Evidence(
    groups=(G,),
    appends=(
        Append("orders/a", 0, ("t1", "t2"), OK),
        Append("orders/a", 2, ("t3",), UNKNOWN),
        Append("orders/b", 0, ("t4",), OK),
        Append("orders/b", 1, ("t5",), FAILED),
        Append("orders/b", 1, ("t6",), UNKNOWN),
    ),
    stored=(
        Stored("e1", "orders/a", 1, "t1"),
        Stored("e2", "orders/a", 2, "t2"),
        Stored("e3", "orders/a", 3, "t3"),
        Stored("e4", "orders/b", 1, "t4"),
    ),
    published=(
        Published("e1", "orders/a", 1, 0, 0),
        Published("e2", "orders/a", 2, 0, 1),
        Published("e4", "orders/b", 1, 1, 0),
        # Sent again by the next relay: allowed.
        Published("e1", "orders/a", 1, 0, 2),
        Published("e3", "orders/a", 3, 0, 3),
    ),
    effects=(
        Effect(G, "e1", "orders/a", 1, 1),
        Effect(G, "e4", "orders/b", 1, 2),
    ),
    parked=(Parked(G, "e2"), Parked(G, "e3")),
    begun=frozenset({(G, "e1"), (G, "e2"), (G, "e4")}),
)


def rules(evidence: Evidence) -> dict[str, tuple[str, ...]]:
    return {violation.rule: violation.events for violation in check(evidence)}


def test_a_run_that_keeps_every_promise_is_clean() -> None:
    assert check(GOOD) == []


def test_an_acknowledged_event_must_be_stored() -> None:
    bad = replace(GOOD, appends=(*GOOD.appends, Append("orders/c", 0, ("t9",), OK)))
    assert rules(bad) == {"acknowledged, not stored": ("t9",)}


def test_an_acknowledged_event_must_have_the_version_that_was_told() -> None:
    told = Append("orders/b", 5, ("t4",), OK)
    bad = replace(GOOD, appends=(*GOOD.appends[:2], told))
    assert rules(bad) == {"acknowledged, not stored": ("t4",)}


@pytest.mark.parametrize("appends", [GOOD.appends[:3], (*GOOD.appends, GOOD.appends[3])])
def test_an_append_without_a_word_may_be_stored_or_not(appends: tuple[Append, ...]) -> None:
    assert check(replace(GOOD, appends=appends)) == []


def test_what_was_rolled_back_must_not_be_stored() -> None:
    failed = replace(GOOD.appends[2], outcome=FAILED)
    bad = replace(GOOD, appends=(*GOOD.appends[:2], failed))
    assert rules(bad) == {"stored, never appended": ("e4",)}


def test_an_append_is_stored_whole_or_not_at_all() -> None:
    unknown = Append("orders/b", 0, ("t4", "t7"), UNKNOWN)
    bad = replace(GOOD, appends=(*GOOD.appends[:2], unknown))
    assert rules(bad) == {"half of an append stored": ("t7",)}


def test_the_versions_of_a_stream_have_no_gap() -> None:
    moved = Stored("e3", "orders/a", 4, "t3")
    bad = rules(replace(GOOD, stored=(*GOOD.stored[:2], moved, GOOD.stored[3])))
    assert bad["stored with a gap"] == ("e1", "e2", "e3")


def test_a_stored_event_must_be_on_the_log() -> None:
    bad = replace(
        GOOD,
        published=tuple(one for one in GOOD.published if one.event != "e4"),
        effects=GOOD.effects[:1],
    )
    assert rules(bad) == {"stored, not published": ("e4",)}


def test_nothing_is_on_the_log_that_was_never_stored() -> None:
    ghost = Published("e9", "orders/c", 1, 2, 0)
    bad = rules(replace(GOOD, published=(*GOOD.published, ghost)))
    assert bad["published, never stored"] == ("e9",)


def test_a_key_has_one_partition() -> None:
    moved = Published("e3", "orders/a", 3, 1, 1)
    bad = replace(GOOD, published=(*GOOD.published[:4], moved))
    assert rules(bad) == {"published beside its partition": ("e3",)}


def test_first_arrivals_of_a_key_are_in_order() -> None:
    passed = Published("e2", "orders/a", 2, 0, 4)
    others = tuple(one for one in GOOD.published if one.event != "e2")
    assert rules(replace(GOOD, published=(*others, passed))) == {
        "published out of order": ("e3", "e2")
    }


def test_a_record_is_handled_or_parked() -> None:
    bad = replace(GOOD, effects=GOOD.effects[:1])
    assert rules(bad) == {"published, neither handled nor parked": ("e4",)}


def test_each_group_has_to_handle_or_park_it() -> None:
    bad = rules(replace(GOOD, groups=(G, "causeway.orders.other")))
    assert bad == {"published, neither handled nor parked": ("e1", "e2", "e4", "e3")}


def test_an_event_has_one_effect_in_a_group() -> None:
    twice = Effect(G, "e1", "orders/a", 1, 3)
    assert rules(replace(GOOD, effects=(*GOOD.effects, twice))) == {"handled twice": ("e1",)}


def test_another_group_has_an_effect_of_its_own() -> None:
    other = "causeway.orders.other"
    effects = [replace(one, group=other, ordinal=10 + one.version) for one in GOOD.effects]
    e2, e3 = Effect(other, "e2", "orders/a", 2, 20), Effect(other, "e3", "orders/a", 3, 21)
    begun = frozenset({(other, event) for event in ("e1", "e2", "e3", "e4")}) | GOOD.begun
    both = replace(GOOD, groups=(G, other), effects=(*GOOD.effects, *effects, e2, e3), begun=begun)
    assert check(both) == []


def test_an_event_is_not_handled_and_parked() -> None:
    bad = replace(GOOD, parked=(*GOOD.parked, Parked(G, "e4")))
    assert rules(bad) == {"handled and parked": ("e4",)}


def test_an_effect_has_an_event_on_the_log() -> None:
    ghost = Effect(G, "e9", "orders/c", 1, 3)
    bad = replace(GOOD, effects=(*GOOD.effects, ghost), begun=GOOD.begun | {(G, "e9")})
    assert rules(bad) == {"handled, never published or begun": ("e9",)}


def test_an_effect_has_a_handler_that_began() -> None:
    bad = replace(GOOD, begun=GOOD.begun - {(G, "e4")})
    assert rules(bad) == {"handled, never published or begun": ("e4",)}


def test_the_effects_of_a_key_are_in_order() -> None:
    passed = (
        Effect(G, "e2", "orders/a", 2, 1),
        Effect(G, "e1", "orders/a", 1, 2),
        Effect(G, "e3", "orders/a", 3, 3),
    )
    bad = replace(
        GOOD,
        effects=(*passed, GOOD.effects[1]),
        parked=(),
        begun=GOOD.begun | {(G, "e3")},
    )
    assert rules(bad) == {"handled out of order": ("e2", "e1", "e3")}


def test_no_event_passes_a_parked_one_of_its_key() -> None:
    bad = replace(
        GOOD,
        effects=(*GOOD.effects, Effect(G, "e3", "orders/a", 3, 3)),
        parked=GOOD.parked[:1],
        begun=GOOD.begun | {(G, "e3")},
    )
    assert rules(bad) == {
        "handled out of order": ("e3",),
        "handled past a parked one": ("e3",),
    }


def test_every_rule_is_violated_by_a_test_of_this_file() -> None:
    text = Path(__file__).read_text("utf-8")
    assert [name for name in RULES if text.count(f'"{name}"') == 0] == []


def test_a_violation_names_the_rule_and_its_first_events() -> None:
    ghosts = tuple(Published(f"g{n}", f"orders/g{n}", 1, 0, 10 + n) for n in range(10))
    [ghost] = [
        one
        for one in check(replace(GOOD, published=(*GOOD.published, *ghosts)))
        if one.rule == "published, never stored"
    ]
    assert str(ghost) == "published, never stored: g0, g1, g2, g3, g4, g5, g6, g7 and 2 more"


def test_a_history_is_read_back_without_the_line_that_a_kill_cut(tmp_path: Path) -> None:
    file = tmp_path / "writer.jsonl"
    written = history.History(file)
    written.note("invoke", call="c1", stream="orders/a", after=0, tokens=["t1"])
    written.note("ok", call="c1")
    written.note("invoke", call="c2", stream="orders/a", after=1, tokens=["t2"])
    written.note("begin", group=G, event="e1")
    written.close()
    with file.open("ab") as cut:
        cut.write(b'{"at": "ok", "call": "c')
    lines = list(history.read(tmp_path))
    assert appends_of(lines) == (
        Append("orders/a", 0, ("t1",), OK),
        Append("orders/a", 1, ("t2",), UNKNOWN),
    )
    assert begun_of(lines) == {(G, "e1")}
