"""A real edge before a real server of the kit, tokens of every kind, and the proof of both."""

import json
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from gateway.deployments import Address
from gateway.envoy.edge import Edge
from gateway.model import Model
from gateway.proof.callers import (
    Caller,
    foreign,
    forgers,
    known,
    signed_with_public_key,
    stranger,
    unsigned,
)
from gateway.proof.cells import ENCRYPTED, Matrix, replica
from gateway.proof.configuration import Configuration, from_dump, from_files
from gateway.proof.deployed import Deployed
from gateway.proof.owners import USER, Owners, Resource
from gateway.proof.run import Difference, Runner
from gateway.proof.static_chain import check
from gateway.proof.surface import Surface
from gateway.proof.wire import Door
from tests.integration.edge import bench
from tests.integration.edge.issuer import Issuer


@dataclass(frozen=True)
class Stage:
    surface: Surface
    issuer: Issuer
    edge: bench.Running
    port: int

    def configurations(self) -> Iterator[Configuration]:
        """What Envoy was given, and what it says that it works with."""
        yield from_files(self.edge.root / "current", "its files")
        admin = self.edge.deployment.admin
        with urllib.request.urlopen(
            f"http://{admin.host}:{admin.port}/config_dump?include_eds"
        ) as answer:
            yield from_dump(json.load(answer), "its memory")

    def static(self) -> list[str]:
        """What the static proof finds, which must be the same in both."""
        deployed = Deployed(self.surface, self.edge.deployment)
        files, memory = (check(one, deployed) for one in self.configurations())
        assert list(map(str, files)) == list(map(str, memory))
        return [str(finding) for finding in files]

    def live(self, *methods: str, tricks: bool = False) -> list[Difference]:
        """The cells of these methods that differ; with tricks on paths and verbs or without."""
        deployed = Deployed(self.surface, self.edge.deployment)
        areas = dict.fromkeys(self.surface.areas, 1)
        matrix = Matrix(self.surface, deployed.reflection, areas)
        callers, low = everybody(self.issuer, self.surface)
        admin = self.issuer.token(*self.surface.roles["admin"])
        cells = matrix.cells(callers, list(forgers(admin, low)))
        chosen = [c for c in cells if c.method in methods and (tricks or "," not in c.protocol)]
        assert len({cell.method for cell in chosen}) == len(methods)
        with self._runner() as runner:
            return runner.run(chosen, lambda *_: None)

    def strangers(self) -> list[Difference]:
        """The cells of who has no token of ours and names what is there that differ."""
        callers, _ = everybody(self.issuer, self.surface)
        alice, *_ = people(self.issuer, self.surface)
        order = Resource("causeway/Order", "orders/alices", alice, "orders/nowhere")
        cells = list(Owners(self.surface).strangers([order], callers))
        with self._runner() as runner:
            return runner.run(cells, lambda *_: None)

    def owners(self) -> list[Difference]:
        """The cells of owners that differ."""
        alice, bob, operator = people(self.issuer, self.surface)
        orders = [
            Resource("causeway/Order", "orders/alices", alice, "orders/nowhere"),
            Resource("causeway/Order", "orders/bobs", bob, "orders/nowhere"),
        ]
        user = Resource(USER, "users/alice", alice, "users/nobody")
        named = ("OrderService/GetOrder", "OrderService/CancelOrder", "OrderService/WatchOrder")
        owners = Owners(self.surface)
        pairs = [p for p in owners.pairs(orders, (alice, bob, operator)) if p.cell.method in named]
        # The kit has no behaviour for users: strangers alone, whom it turns away by itself.
        pairs += [pair for pair in owners.pairs([user], (alice, bob)) if pair.twin]
        with self._runner() as runner:
            return runner.run_pairs(pairs)

    @contextmanager
    def _runner(self) -> Iterator[Runner]:
        edge = Door(f"{bench.HOST}:{self.edge.deployment.listen.port}")
        encrypted = Door(f"{bench.HOST}:{self.edge.tls_port}", self.edge.authority)
        service = Door(f"{bench.HOST}:{self.port}")
        past = dict.fromkeys((replica(area, 0) for area in self.surface.areas), service)
        try:
            yield Runner({"edge": edge, ENCRYPTED: encrypted, **past}, ())
        finally:
            edge.close()
            encrypted.close()
            service.close()


def everybody(issuer: Issuer, surface: Surface) -> tuple[list[Caller], Caller]:
    """The callers of the matrix, and the one with the least."""
    all_roles = surface.roles["admin"]

    def token(**claims: object) -> str:
        return issuer.token(*all_roles, **claims)

    customers = people(issuer, surface)[0]
    callers = [
        stranger("no token"),
        stranger("expired", token(exp=1_000_000_000)),
        stranger("wrong issuer", token(iss="http://elsewhere")),
        stranger("alg none", unsigned(token())),
        stranger("HS256", signed_with_public_key(token(), issuer.kid, b"the public key")),
        foreign("wrong audience", token(aud="account")),
        foreign("ID token", token(typ="ID")),
        foreign("another client's", token(azp="stranger")),
        customers,
    ]
    others = [role for role in surface.roles if role != "customer"]
    held = surface.roles
    callers += [known(r, issuer.token(*held[r], sub=r), held[r]) for r in others]
    return callers, customers


def people(issuer: Issuer, surface: Surface) -> tuple[Caller, Caller, Caller]:
    """alice, bob and an operator."""
    roles = {"alice": "customer", "bob": "customer", "oscar": "operator"}
    alice, bob, oscar = (
        known(name, issuer.token(role, sub=name), surface.roles[role])
        for name, role in roles.items()
    )
    return alice, bob, oscar


@contextmanager
def staged(
    model: Model,
    surface: Surface,
    issuer: Issuer,
    port: int,
    root: Path,
    change: Callable[[Edge], Edge] = lambda edge: edge,
) -> Iterator[Stage]:
    """Start the edge, with a hole if `change` makes one, before the service at `port`."""
    deployment = replace(
        bench.deployment_of(model, root, issuer, []),
        clusters=dict.fromkeys(model.areas, (Address(bench.HOST, port),)),
    )
    # Watching: the static proof reads the files that are published to it.
    with bench.running(model, deployment, change) as edge:
        yield Stage(surface, issuer, edge, port)


def callers_of(differences: Sequence[Difference], protocol: str = "") -> set[str]:
    """Whose cells differ, on one way or on any."""
    return {one.caller for one in differences if one.protocol.startswith(protocol)}
