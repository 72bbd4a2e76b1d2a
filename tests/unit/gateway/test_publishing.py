"""A version is live whole or not at all, whoever is killed and however many publish."""

import json
import math
import multiprocessing
import random
import time
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from gateway.deployments import Address
from gateway.envoy import files, live, running
from gateway.envoy.running import versions
from gateway.envoy.sources import CURRENT
from gateway.errors import RefusedConfiguration

Texts = dict[str, str]


def texts(what: str) -> Texts:
    """A dozen files, large enough that writing them takes a while."""
    return {
        f"ecds_{number}.json": json.dumps({"resources": [{"name": what, "of": "x" * 20_000}]})
        for number in range(12)
    }


def publish(root: Path, what: Texts) -> None:
    with files.held(root):
        files.place(root, what)


# Not os.fork: where other tests have left gRPC's threads, the child would wait for locks of theirs.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload([__name__])


def publishing(root: Path, *whats: str, times: float) -> BaseProcess:
    """A process that publishes these in turns; it has begun when this returns."""
    heard, told = PROCESSES.Pipe(duplex=False)
    process = PROCESSES.Process(target=in_turns, args=(told, root, whats, times), daemon=True)
    process.start()
    heard.recv()
    return process


def in_turns(told: Connection, root: Path, whats: tuple[str, ...], times: float) -> None:
    told.send("begun")
    while (times := times - 1) >= 0:
        for what in whats:
            publish(root, texts(what))


@pytest.mark.programs
def test_whoever_is_killed_while_publishing_leaves_the_old_version_or_the_new(
    tmp_path: Path,
) -> None:
    one, two = texts("one"), texts("two")
    publish(tmp_path, one)

    seen: set[bool] = set()
    kills = 0
    while kills < 20 or (len(seen) < 2 and kills < 300):
        kills += 1
        process = publishing(tmp_path, "two", "one", times=math.inf)
        time.sleep(random.uniform(0.005, 0.05))  # noqa: S311 (no secret)
        process.kill()
        process.join()
        found = files.read(tmp_path)
        assert found in (files.stamped(one), files.stamped(two))
        seen.add(found == files.stamped(one))
    assert seen == {True, False}
    publish(tmp_path, texts("three"))  # what the killed ones left is no hindrance
    assert files.read(tmp_path) == files.stamped(texts("three"))
    assert len(list(tmp_path.glob("v*"))) <= files.KEPT


def test_two_who_publish_at_once_do_not_mix(tmp_path: Path) -> None:
    for process in [publishing(tmp_path, what, times=15) for what in ("one", "two")]:
        process.join()
    assert files.read(tmp_path) in (files.stamped(texts("one")), files.stamped(texts("two")))
    # Thirty numbers were given: nobody wrote into a folder of somebody else.
    assert (tmp_path / CURRENT).readlink() == Path("v30")


def test_a_file_says_which_one_it_is_and_an_equal_one_says_the_same() -> None:
    first, again, other = (
        versions(files.stamped(texts(what)))["ecds_3.json"] for what in ("one", "one", "two")
    )
    assert first == again != other
    stamped = files.stamped(texts("one"))
    assert files.stamped(stamped) == stamped
    assert files.stamped({"bootstrap.json": "{}"}) == {"bootstrap.json": "{}"}


def test_the_replicas_of_one_area_are_changed_and_nothing_else() -> None:
    one, two = Address("127.0.0.1", 10100), Address("127.0.0.1", 10101)
    before = live.with_members(live.with_members(texts("one"), "orders", [one]), "users", [two])
    after = live.with_members(before, "orders", [two, one])
    assert live.members(before) == {"orders": (one,), "users": (two,)}
    assert live.members(after) == {"orders": (two, one), "users": (two,)}
    assert {name for name in after if after[name] != before[name]} == {"eds_orders.json"}


class Told:
    """What a running Envoy is asked, in place of one: silent `times`, then content."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, times: float) -> None:
        self.silent, self.asked = times, 0
        monkeypatch.setattr(running, "pending", self.pending)
        monkeypatch.setattr(running, "rejected", lambda _: {})
        monkeypatch.setattr(live, "PATIENCE", 0.2)

    def pending(self, *_: object) -> tuple[str, ...]:
        self.asked += 1
        if self.asked <= self.silent:
            raise TimeoutError("timed out")
        return ()


def test_an_envoy_that_answers_late_is_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(tmp_path, texts("one"))
    told = Told(monkeypatch, times=3)
    assert live.change(tmp_path, texts("two"), Address("127.0.0.1", 1))
    assert told.asked == 4
    assert files.read(tmp_path) == files.stamped(texts("two"))


def test_what_a_silent_envoy_was_given_is_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(tmp_path, texts("one"))
    Told(monkeypatch, times=math.inf)
    with pytest.raises(RefusedConfiguration, match=r"does not say .*: timed out"):
        live.change(tmp_path, texts("two"), Address("127.0.0.1", 1))
    assert files.read(tmp_path) == files.stamped(texts("one"))
