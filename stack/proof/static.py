"""The static half: the committed configuration, and what the running edge reads and works with."""

import json
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.proof.configuration import Configuration, Finding, from_dump, from_files
from gateway.proof.deployed import Deployed
from gateway.proof.static_chain import check
from gateway.proof.surface import Surface, surface
from stack import addresses
from stack.errors import Code, StackError
from stack.settings import Settings

if TYPE_CHECKING:
    from gateway.deployments import Deployment

ROOT = Path(__file__).resolve().parents[2]
DESCRIPTORS = ROOT / "protos/causeway/descriptors.binpb"
COMMITTED = Path("envoy/generated")


@dataclass(frozen=True, slots=True)
class Verdict:
    """One configuration and everything in which it is not what the protos say."""

    source: str
    findings: tuple[Finding, ...]


def promised() -> Surface:
    """What the protos of this checkout promise."""
    return surface(DESCRIPTORS.read_bytes())


def committed(promise: Surface) -> Verdict:
    """The files that `causeway compile` wrote. Raises StackError NOT_GENERATED."""
    from gateway.deployments import container

    try:
        found = from_files(ROOT / COMMITTED, str(COMMITTED))
    except OSError as error:
        raise StackError(Code.NOT_GENERATED, str(error), "causeway compile") from None
    return _verdict(found, Deployed(promise, container()))


def running(promise: Surface, settings: Settings, deployment: "Deployment") -> Iterator[Verdict]:
    """What the edge of a running platform reads, and what it works with."""
    deployed = Deployed(promise, deployment)
    folder = Path(deployment.root) / "current"
    try:
        yield _verdict(from_files(folder, "the files of the running edge"), deployed)
        url = f"{addresses.edge_admin(settings.port)}/config_dump?include_eds"
        with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 (on loopback)
            dump = from_dump(json.load(answer), "the running edge")
    except OSError as error:
        text = f"the edge can't be asked for its configuration: {error}"
        raise StackError(Code.CHECK_UNPREPARED, text, "causeway status") from None
    yield _verdict(dump, deployed)


def _verdict(configuration: Configuration, deployed: Deployed) -> Verdict:
    return Verdict(configuration.source, tuple(check(configuration, deployed)))
