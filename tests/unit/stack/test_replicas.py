"""Replicas are replaced one at a time; a start that fails leaves what serves, and can be mended."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import anyio.lowlevel
import pytest

from stack.choices import Choices
from stack.component import Component
from stack.credentials import Credentials
from stack.errors import Code, StackError
from stack.live import replicas
from stack.live.replicas import Replicas
from stack.settings import Settings
from stack.supervisor import Supervisor
from stack.workplace import Workplace


class Processes:
    """Stands in for the supervisor: knows what runs, and starts everything but `broken`."""

    def __init__(self, place: Workplace) -> None:
        self.place, self.broken, self.log = place, "", list[str]()

    async def add(self, component: Component) -> None:
        self.place.admit(component)
        await anyio.lowlevel.checkpoint()
        if component.name == self.broken:
            await self.retire(component.name)
            raise StackError(Code.START_FAILED, f"{component.name} ended", "causeway logs")
        self.log.append(f"+{component.name}")

    async def retire(self, name: str) -> None:
        del self.place.record.entries[name]
        if name != self.broken:
            self.log.append(f"-{name}")

    def pid(self, name: str) -> None:
        return None

    def names(self) -> list[str]:
        return sorted(name for name in self.place.record.entries if name.startswith("orders"))


class Bench:
    def __init__(self, folder: Path, count: int) -> None:
        names = [f"orders-{kind}-{n}" for kind in ("api", "worker") for n in range(1, count + 1)]
        self.place = Workplace(folder, [component(name) for name in names])
        self.processes = Processes(self.place)
        self.replicas = Replicas(
            Settings(state=folder),
            cast(Credentials, None),
            Choices({"orders": count}),
            cast(Supervisor, self.processes),
            self.place,
        )
        self.said: list[str] = []

    async def restart(self) -> None:
        await self.replicas.restart({"service": "orders", "drain": 0}, self.said.append)

    async def scale(self, count: int) -> None:
        order = {"service": "orders", "replicas": count, "drain": 0}
        await self.replicas.scale(order, self.said.append)


async def _ready() -> None:
    return


def component(name: str) -> Component:
    return Component(name=name, command=("true",), ready=_ready)


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], Bench]:
    def process(_: object, __: object, service: str, kind: str, number: int) -> Component:
        return component(f"{service}-{kind}-{number}")

    monkeypatch.setattr(replicas, "process", process)
    return lambda count: Bench(tmp_path, count)


async def test_a_new_replica_is_there_before_an_old_one_goes(
    bench: Callable[[int], Bench],
) -> None:
    one = bench(1)
    await one.restart()
    assert one.processes.log == [
        "+orders-api-2",
        "-orders-api-1",
        "+orders-api-1",
        "-orders-api-2",
        "-orders-worker-1",
        "+orders-worker-1",
    ]


@pytest.mark.parametrize("broken", ["orders-api-1", "orders-api-2", "orders-worker-1"])
@pytest.mark.parametrize("count", [1, 2])
async def test_after_a_start_that_failed_enough_serve_and_the_next_restart_mends_it(
    bench: Callable[[int], Bench], count: int, broken: str
) -> None:
    some = bench(count)
    before = some.processes.names()
    some.processes.broken = broken
    for _ in range(3):
        with pytest.raises(StackError, match=f"{broken} ended"):
            await some.restart()
        serving = [name for name in some.processes.names() if "api" in name]
        assert count <= len(serving) <= count + 1
    some.processes.broken = ""
    await some.restart()
    assert some.processes.names() == before


async def test_a_replica_that_is_only_more_does_not_outlast_a_worker_that_fails(
    bench: Callable[[int], Bench],
) -> None:
    one = bench(1)
    one.processes.broken = "orders-worker-1"
    with pytest.raises(StackError):
        await one.restart()
    assert one.processes.names() == ["orders-api-1"]


async def test_the_edge_that_keeps_an_old_replica_keeps_its_process(
    bench: Callable[[int], Bench],
) -> None:
    one = bench(1)
    before = one.processes.names()

    async def send(_: str, ports: Any) -> None:
        if len(list(ports)) == 1:
            raise StackError(Code.EDGE_REFUSED, "not healthy", "causeway logs edge")

    one.replicas._balanced = True
    one.replicas._balancer = cast(Any, SimpleNamespace(send=send))
    with pytest.raises(StackError, match="not healthy"):
        await one.restart()
    assert set(before) < set(one.processes.names())


async def test_a_scale_that_failed_can_be_repeated_or_taken_back(
    bench: Callable[[int], Bench],
) -> None:
    one = bench(1)
    one.processes.broken = "orders-worker-2"
    with pytest.raises(StackError):
        await one.scale(3)
    one.processes.broken = ""
    await one.scale(3)
    assert len(one.processes.names()) == 6
    await one.scale(1)
    assert one.processes.names() == ["orders-api-1", "orders-worker-1"]
    assert one.place.record.choices["scale"] == {"orders": 1}
