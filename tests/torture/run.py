"""One run: `await play(place, plan, seed, directory, …)` gives what was violated."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

from bridge.audit.verify import verify
from bridge.kafka.partitioner import partition_of
from tests.integration.bridge.parts import SOURCE, catalog_on, own_topic, seals_topic
from tests.integration.service_database import service_database
from tests.torture.checker import Violation, check
from tests.torture.collecting import collect
from tests.torture.crew import Crew, assembled
from tests.torture.curing import cure
from tests.torture.draining import awake, drained
from tests.torture.evidence import Evidence
from tests.torture.orders import Orders
from tests.torture.place import Place
from tests.torture.plans import PLANS, Plan
from tests.torture.stage import Stage

MIGRATIONS = Path(__file__).parent / "migrations"
PARTITIONS = 3
HONEST_PATIENCE = 60.0
"""Seconds without progress after which even the product is believed to have lost something."""


@dataclass(frozen=True)
class Outcome:
    """What came of a run."""

    plan: str
    seed: int
    bug: str
    evidence: Sequence[Evidence]
    """When all had arrived; where the plan has poison, once more when that was redriven."""
    findings: Sequence[str] = ()
    """What `bridge.audit.verify` says of a store that nobody planted a bug in."""

    @property
    def violations(self) -> list[Violation]:
        """What was broken at any look, each once."""
        return list(dict.fromkeys(one for look in self.evidence for one in check(look)))

    def __str__(self) -> str:
        bug = f" --bug {self.bug}" if self.bug else ""
        again = f"python -m tests.torture {self.plan} --seed {self.seed}{bug}"
        broken = [*map(str, self.violations), *self.findings]
        rows = [f"  {one}" for one in broken] or ["  every promise was kept"]
        return "\n".join([f"seed {self.seed} of {self.plan}; again: {again}", *rows])


async def play(
    place: Place, name: str, seed: int, directory: Path, *, bug: str = "", seconds: float
) -> Outcome:
    """Play the plan `name` with writers at work for `seconds`, then look at what is left.

    `directory` takes the histories and logs of the actors.
    """
    async with _corner(place, directory, seed, bug) as orders:
        plan = PLANS[name]
        groups = tuple(f"{orders.topic}-{number}" for number in range(plan.groups))
        async with assembled() as crew:
            _man(crew, plan, orders, groups)
            await awake(orders.dsn, groups)
            await _hurt(place, crew, plan, orders, seconds)
            await crew.stop("writer", "guest")
            looks = [await _look(plan, orders, groups, parked=True)]
            if "poison" in plan.kinds:
                await cure(orders.dsn)
                looks.append(await _look(plan, orders, groups, parked=False))
        # After the relays' end: they put the last head on Kafka.
        findings = [] if bug else await _findings(orders)
    return Outcome(name, seed, bug, looks, findings)


@asynccontextmanager
async def _corner(place: Place, directory: Path, seed: int, bug: str) -> AsyncIterator[Orders]:
    """A database and a topic of the run's own."""
    async with (
        service_database(place.superuser, MIGRATIONS) as dsn,
        own_topic(place.kafka) as topic,
        _whole(place),
    ):
        yield Orders("", "", seed, dsn, place.kafka, topic, directory, bug)


@asynccontextmanager
async def _whole(place: Place) -> AsyncIterator[None]:
    """However the block ends, every part is there again before anything else is done."""
    try:
        yield
    finally:
        await place.whole()


async def _hurt(place: Place, crew: Crew, plan: Plan, orders: Orders, seconds: float) -> None:
    own = replace(orders, name="adversary")
    with closing(own.history()) as history:
        stage = Stage(place, crew, orders.dsn, orders.topic, own.random(), history, seconds)
        await plan.adversary(stage)


async def _look(plan: Plan, orders: Orders, groups: tuple[str, ...], *, parked: bool) -> Evidence:
    """Wait until all has arrived, where `parked` means that it has; take the evidence."""
    at = (orders.dsn, orders.kafka, orders.topic)
    patience = plan.patience if orders.bug else HONEST_PATIENCE
    await drained(*at, groups, patience, parked=parked)
    return await collect(*at, orders.directory, groups)


async def _findings(orders: Orders) -> list[str]:
    catalog, seals = catalog_on(orders.topic), seals_topic(orders.topic)
    report = await verify(orders.dsn, orders.kafka, catalog, SOURCE, seals=seals)
    return [f"verify: {one.fields()}" for one in report.findings]


def _man(crew: Crew, plan: Plan, orders: Orders, groups: Sequence[str]) -> None:
    """Put everybody on their posts."""
    random = Random(orders.seed)  # noqa: S311 (no secret)
    handling = {**plan.handling, "groups": groups, "session_ms": plan.session_ms}
    writing = {
        "streams": _streams(plan, random),
        **{name: getattr(plan, name) for name in ("tasks", "pace", "ways", "kinds")},
    }

    def add(role: str, number: int, options: dict[str, object]) -> None:
        crew.add(replace(orders, role=role, name=f"{role}-{number}", options=options))

    for number in range(plan.relays):
        add("relay", number, {"slow": plan.slow_relay} if number == 0 else {})
    for number in range(plan.members):
        die = [(plan.death, random.randint(1, 3)) for _ in range(plan.deaths)]
        add("consumer", number, {**handling, "die": die})
    for number in range(plan.guests):
        add("guest", number, handling)
    for number in range(plan.writers):
        add("writer", number, writing)


def _streams(plan: Plan, random: Random) -> list[str]:
    """Names of orders; those of one partition where the plan wants it."""
    home = random.randrange(PARTITIONS)
    names = (f"o{number}" for number in range(plan.streams * PARTITIONS * 10))
    fitting = [
        name
        for name in names
        if not plan.one_partition or partition_of(name.encode(), PARTITIONS) == home
    ]
    return fitting[: plan.streams]
