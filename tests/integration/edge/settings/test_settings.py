"""Every setting holds on the edge, and what it promises fails on an edge without it."""

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from gateway.model import Model
from tests.integration.edge import bench
from tests.integration.edge.bench import Replica, Running
from tests.integration.edge.issuer import Issuer
from tests.integration.edge.settings import answers, bounds, chain, requests, tokens
from tests.integration.edge.settings.setting import Asked, Setting

TABLE = {
    f"{table.__name__.rpartition('.')[2]}: {setting.name}": setting
    for table in (tokens, requests, chain, answers, bounds)
    for setting in table.settings()
}
AT_ONCE = 2
"""Edges that are started beside each other."""


class Trials:
    """Asks each setting's question with and without it, a few ahead of the tests."""

    def __init__(self, base: Running, model: Model, issuer: Issuer, replica: Replica) -> None:
        self._base, self._model, self._issuer, self._replica = base, model, issuer, replica
        self._pool = ThreadPoolExecutor(AT_ONCE)
        self._ports = threading.Lock()
        self._answers: dict[tuple[str, bool], Future[bool]] = {}

    def begin(self, name: str, folder: Path, *, without: bool) -> None:
        self._answers[name, without] = self._pool.submit(self._ask, TABLE[name], folder, without)

    def answer(self, name: str, *, without: bool) -> bool:
        return self._answers[name, without].result()

    def end(self) -> None:
        self._pool.shutdown(cancel_futures=True)

    def _ask(self, setting: Setting, folder: Path, without: bool) -> bool:
        if not without and not setting.deployment:
            return setting.holds(Asked(self._base, self._issuer))
        with self._ports:  # which are found free one after the other
            more: dict[str, Any] = dict(setting.deployment)
            wanted = bench.deployment_of(self._model, folder, self._issuer, [self._replica], **more)
        change = setting.without if without else lambda edge: edge
        with bench.running(self._model, wanted, change, watching=False) as edge:
            return setting.holds(Asked(edge, self._issuer))


@pytest.fixture(scope="package")
def trials(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    edge: Running,
    model: Model,
    issuer: Issuer,
    replica: Replica,
) -> Iterator[Trials]:
    found = Trials(edge, model, issuer, replica)
    for item in request.session.items:
        name, without = WANTED.get(item.name, ("", False))
        if name:
            found.begin(name, tmp_path_factory.mktemp("setting"), without=without)
    yield found
    found.end()


@pytest.mark.parametrize("name", TABLE)
def test_it_holds(trials: Trials, name: str) -> None:
    assert trials.answer(name, without=False)


@pytest.mark.parametrize("name", TABLE)
def test_it_does_not_hold_without_the_setting(trials: Trials, name: str) -> None:
    assert not trials.answer(name, without=True)


WANTED = {
    f"{test.__name__}[{name}]": (name, without)
    for test, without in ((test_it_holds, False), (test_it_does_not_hold_without_the_setting, True))
    for name in TABLE
}
"""Test's id -> what it asks."""
