"""Who hurts a run while the writers write. Each leaves everything alive and awake."""

import asyncio
import signal
from collections.abc import Awaitable, Callable

import asyncpg

from bridge.kafka.cluster import Partition, describe
from bridge.kafka.errors import KafkaError
from tests.integration.bridge.parts import until
from tests.torture.crew import Actor
from tests.torture.curing import cure
from tests.torture.place import broker_names
from tests.torture.stage import Stage

Act = Callable[[Stage], Awaitable[None]]

STALL = (0.2, 0.6)
DEAF_SECONDS = 1.5
ELECTION_SECONDS = 90.0
AWAY_SECONDS = 90.0
DEATH_SECONDS = 90.0


async def calm(stage: Stage) -> None:
    """Do nothing: what hurts is in the writers and in the members themselves."""
    await asyncio.sleep(stage.seconds)


async def deaths(stage: Stage) -> None:
    """Do nothing until each member has died as often as it is to."""
    await asyncio.sleep(stage.seconds)
    await until(lambda: all(map(_has_died, stage.crew.of("consumer"))), DEATH_SECONDS)


def _has_died(actor: Actor) -> bool:
    return actor.orders.life > len(actor.orders.options["die"])


async def stalling_relays(stage: Stage) -> None:
    """Stop one relay after the other for a moment: in the middle of a page it is a slow one."""
    end = asyncio.get_running_loop().time() + stage.seconds
    while asyncio.get_running_loop().time() < end:
        await _stall(stage, stage.random.choice(stage.crew.of("relay")))
        await asyncio.sleep(stage.random.uniform(0.05, 0.2))


async def lost_leader(stage: Stage) -> None:
    """Kill the leader of the run's partition after its followers missed what it took."""
    await asyncio.sleep(stage.random.uniform(1.0, 2.0))
    leader = await leader_of(stage, stage.topic)
    others = [name for name in broker_names() if name != leader]
    with stage.place.unsupervised():
        stage.history.note("deaf", brokers=others)
        for name in others:
            stage.place.signal(name, signal.SIGSTOP)
        try:
            await asyncio.sleep(DEAF_SECONDS)
            stage.history.note("kill", part=leader)
            stage.place.signal(leader, signal.SIGKILL)
        finally:
            for name in others:
                stage.place.signal(name, signal.SIGCONT)
        await _moved(stage, leader)
    await stage.place.whole()


async def everything(stage: Stage) -> None:
    """Relays and members are killed all the time; a leading broker and PostgreSQL once each."""
    await asyncio.gather(
        _again_and_again(stage, "relay", (2.0, 5.0)),
        _again_and_again(stage, "consumer", (4.0, 8.0)),
        _again_and_again(stage, "writer", (8.0, 14.0)),
        _parts_die(stage),
        _cured(stage),
    )


async def _again_and_again(stage: Stage, role: str, pause: tuple[float, float]) -> None:
    loop = asyncio.get_running_loop()
    end = loop.time() + stage.seconds
    while loop.time() < end:
        await asyncio.sleep(min(stage.random.uniform(*pause), max(end - loop.time(), 0)))
        actor = stage.random.choice(stage.crew.of(role))
        stage.history.note("kill", actor=actor.orders.name)
        actor.send(signal.SIGKILL)


async def _parts_die(stage: Stage) -> None:
    third = stage.seconds / 3
    await asyncio.sleep(stage.random.uniform(0.5, 1) * third)
    leader = await leader_of(stage, stage.topic)
    with stage.place.unsupervised():
        stage.history.note("kill", part=leader)
        stage.place.signal(leader, signal.SIGKILL)
        await _moved(stage, leader)
    await asyncio.sleep(stage.random.uniform(0, 1) * third)
    stage.history.note("restart", part="postgres")
    stage.place.signal("postgres", signal.SIGQUIT)  # "immediate": as after a crash
    await asyncio.sleep(third / 2)
    await stage.place.whole()


async def _cured(stage: Stage) -> None:
    """Redrive what is parked in the middle of it all, while new events of those keys come."""
    await asyncio.sleep(stage.random.uniform(0.3, 0.7) * stage.seconds)
    await until(lambda: _cure(stage), AWAY_SECONDS)
    stage.history.note("cure")


async def _cure(stage: Stage) -> bool:
    """Whether PostgreSQL was there to take it."""
    try:
        await cure(stage.dsn)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return False
    return True


async def _stall(stage: Stage, actor: Actor) -> None:
    actor.send(signal.SIGSTOP)
    try:
        await asyncio.sleep(stage.random.uniform(*STALL))
    finally:
        actor.send(signal.SIGCONT)


async def leader_of(stage: Stage, topic: str) -> str:
    """The broker that leads the partition of most records, as a part's name."""
    rows = [one for one in await partitions(stage) if one.topic == topic and one.leader > 0]
    return f"kafka-{max(rows, key=lambda one: one.end).leader}"


async def _moved(stage: Stage, dead: str) -> None:
    """Wait until the partitions of the topic have living leaders."""
    number = int(dead.rpartition("-")[2])

    async def led() -> bool:
        return _led(stage, await partitions(stage), number)

    await until(led, ELECTION_SECONDS)
    stage.history.note("moved", part=dead)


def _led(stage: Stage, rows: list[Partition], dead: int) -> bool:
    leaders = [one.leader for one in rows if one.topic == stage.topic]
    return bool(leaders) and dead not in leaders and min(leaders) > 0


async def partitions(stage: Stage) -> list[Partition]:
    """What the brokers say at this moment; empty where none answers."""
    try:
        return list((await describe(stage.place.kafka)).partitions)
    except (KafkaError, OSError):
        return []
