"""What `causeway schemas` asks and says: the gate, the registry and the corpus, joined."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stack.console import table
from stack.errors import Code, StackError

if TYPE_CHECKING:
    from bridge.registry.client import RegistryClient
    from bridge.registry.schemas import Registered
    from bridge.schemas.listing import Listed
    from bridge.schemas.problem import Problem

CORPUS = Path(__file__).resolve().parent.parent / "protos" / "corpus"
COMPATIBLE = "the events are compatible with all that was released, the API with its last release"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gate found; `registry` is the one that was asked, empty if none; `note` says so."""

    problems: "Sequence[Problem]"
    registry: str
    note: str


def address(given: str | None) -> str:
    """Where the registry is: as given, or the running platform's. StackError NOT_RUNNING."""
    from stack import addresses
    from stack.running import running_settings

    return given or addresses.registry(running_settings()[0].port)


@asynccontextmanager
async def registry(at: str) -> "AsyncIterator[RegistryClient]":
    """Hold a client; what the registry says against a call is a StackError."""
    from bridge.errors import CausewayError
    from bridge.registry.client import open_registry

    try:
        async with open_registry(at) as client:
            yield client
    except CausewayError as error:
        raise refused(error) from error


async def register(at: str) -> "list[Registered]":
    """Register all schemas of the platform."""
    from bridge.errors import CausewayError
    from bridge.registry.schemas import register
    from stack.steps import catalog

    try:
        return await register(at, catalog())
    except CausewayError as error:
        raise refused(error) from error


async def listed(at: str) -> "list[Listed]":
    """List the subjects of the platform."""
    from bridge.schemas.listing import list_subjects
    from stack.steps import catalog

    async with registry(at) as client:
        return await list_subjects(client, catalog())


async def judged(given: str | None, corpus: Path) -> Verdict:
    """Ask the gate, and a registry: the one that is named, else the platform's if it answers."""
    from anyio import to_thread

    from bridge.schemas.compatibility import registry_problems
    from bridge.schemas.corpus import Corpus
    from bridge.schemas.gate import gate_problems
    from bridge.schemas.problem import Problem
    from stack.steps import catalog

    found = list(await to_thread.run_sync(gate_problems, catalog(), corpus))
    if not Corpus(corpus).releases():
        found.append(Problem(str(corpus), "holds no release", "causeway schemas release"))
    try:
        at = address(given)
        async with registry(at) as client:
            found += [problem async for problem in registry_problems(client, catalog())]
    except StackError as error:
        if given is not None:
            raise
        return Verdict(found, "", f"the registry was not asked: {error.cause}")
    return Verdict(found, at, f"the registry at {at} was asked too")


def refused(error: Exception) -> StackError:
    """Say that the registry does not answer, or says no."""
    return StackError(Code.REGISTRY_FAILED, str(error), "causeway status")


def rows(found: "Sequence[Listed]") -> list[dict[str, Any]]:
    """Lay a listing out for a program."""
    return [
        {
            "subject": one.subject,
            "compatibility": one.compatibility,
            "versions": [schema._asdict() for schema in one.versions],
            "current": one.current._asdict() if one.current else None,
        }
        for one in found
    ]


def listing_text(found: "Sequence[Listed]") -> str:
    """Lay a listing out for a person."""
    return table(
        [
            (
                one.subject,
                " ".join(f"{schema.version}({schema.id})" for schema in one.versions) or "-",
                one.compatibility or "-",
                f"version {one.current.version}" if one.current else "not registered",
            )
            for one in found
        ],
        ("SUBJECT", "VERSIONS(IDS)", "COMPATIBILITY", "THIS CODE"),
    )


def registered_text(done: "Sequence[Registered]") -> str:
    """Say what is new, and count the rest."""
    new = [one for one in done if one.new]
    lines = [f"new: {one.subject} version {one.schema.version}" for one in new]
    return "\n".join([*lines, f"{len(done) - len(new)} of {len(done)} were there already"])


def registered_rows(done: "Sequence[Registered]") -> list[dict[str, Any]]:
    """Lay out what was registered for a program."""
    return [{"subject": one.subject, **one.schema._asdict(), "new": one.new} for one in done]


def problem_rows(found: "Sequence[Problem]") -> list[dict[str, str]]:
    """Lay problems out for a program."""
    return [asdict(one) for one in found]
