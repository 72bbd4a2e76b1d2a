"""The live half: the whole matrix against the edge and the services of the running platform."""

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from gateway.proof.cells import ENCRYPTED, Cell, Matrix, replica
from gateway.proof.owners import Owners, Pair, Resource
from gateway.proof.run import Difference, Progress, Runner
from gateway.proof.surface import Surface, reflection
from gateway.proof.wire import Door
from stack import addresses
from stack.choices import Choices
from stack.components.services import api_ports
from stack.credentials import SERVICES, Credentials
from stack.errors import Code, StackError
from stack.proof.changes import Trace
from stack.proof.fixtures import resources, snapshot
from stack.proof.tokens import CUSTOMER, OTHER, Cast, Desk, await_expiry
from stack.settings import Settings

AUDITOR = "ada"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the matrix came to. `changed`: what the proof itself changed, which must be nothing;
    `others`: events that others' calls began meanwhile. `skipped`: what no call could prove."""

    cells: int
    seconds: float
    differences: tuple[Difference, ...]
    changed: tuple[str, ...]
    others: int
    skipped: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """The platform that is proven."""

    settings: Settings
    choices: Choices
    credentials: Credentials


def prove(promise: Surface, place: Place, progress: Progress) -> Outcome:
    """Run every cell. Blocking. Raises StackError CHECK_UNPREPARED."""
    began = time.monotonic()
    edge = addresses.edge(place.settings.port)
    with httpx.Client(base_url=edge, timeout=20) as http, doors(place) as open_doors:
        cast = _cast(promise, place)
        owned = resources(http, cast.people[CUSTOMER], cast.people[OTHER])
        before = snapshot(http, owned)
        trace = Trace()
        runner = Runner(open_doors, [trace.header])
        pairs, cells, skipped = _plan(promise, place.choices, cast, owned)
        differences = runner.run_pairs(pairs)
        await_expiry(cast)
        differences += runner.run(cells, progress)
        events, others = trace.events(http, cast.people[AUDITOR])
        changed = [*events, *_changed(before, snapshot(http, owned))]
    twins = sum(1 for pair in pairs if pair.twin)
    return Outcome(
        cells=len(cells) + len(pairs) + twins,
        seconds=time.monotonic() - began,
        differences=tuple(differences),
        changed=tuple(changed),
        others=others,
        skipped=skipped,
    )


@contextmanager
def doors(place: Place) -> Iterator[Mapping[str, Door]]:
    """The edge, with TLS and without, every api replica and every worker."""
    settings, choices = place.settings, place.choices
    found = {"edge": settings.port.edge}
    for area in _replicas(choices):
        for number, own in enumerate(api_ports(settings, choices, area)):
            found[replica(area, number)] = own
    found |= zip(_workers(choices), _worker_ports(settings, choices), strict=True)
    with ExitStack() as stack:
        opened = {name: Door(f"{addresses.HOST}:{own}") for name, own in found.items()}
        authority = addresses.authority(settings.state)
        opened[ENCRYPTED] = Door(f"{addresses.HOST}:{settings.port.edge_tls}", authority)
        for door in opened.values():
            stack.callback(door.close)
        yield opened


def _cast(promise: Surface, place: Place) -> Cast:
    from keycloak.exceptions import KeycloakError

    with httpx.Client(timeout=20) as http:
        try:
            return Desk(http, place.settings.port, place.credentials).cast(promise.roles)
        except (httpx.HTTPError, KeycloakError) as error:
            text = f"Keycloak gives no tokens: {error}"
            raise StackError(Code.CHECK_UNPREPARED, text, "causeway status") from None


def _plan(
    promise: Surface, choices: Choices, cast: Cast, owned: list[Resource]
) -> tuple[list[Pair], list[Cell], tuple[str, ...]]:
    matrix = Matrix(promise, reflection(()), _replicas(choices), _workers(choices))
    owners = Owners(promise)
    pairs = list(owners.pairs(owned, list(cast.people.values())))
    cells = [*matrix.cells(cast.callers, cast.forgers), *owners.strangers(owned, cast.callers)]
    return pairs, cells, tuple(matrix.unprovable())


def _replicas(choices: Choices) -> dict[str, int]:
    return {name: choices.replicas(name) for name in SERVICES}


def _workers(choices: Choices) -> list[str]:
    return [f"{name}-worker-{n + 1}" for name in SERVICES for n in range(choices.replicas(name))]


def _worker_ports(settings: Settings, choices: Choices) -> Iterator[int]:
    for name in SERVICES:
        base = int(getattr(settings.port, f"{name}_worker"))
        yield from range(base, base + choices.replicas(name))


def _changed(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> Iterator[str]:
    for was, now in zip(before, after, strict=True):
        fields = [name for name in was.keys() | now.keys() if was.get(name) != now.get(name)]
        if fields:
            yield f"{now['name']}: {', '.join(sorted(fields))}"
