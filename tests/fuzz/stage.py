"""Callers and resources that the fuzzing has to itself, so that no other test is disturbed.

Nothing of alice's or bob's is named anywhere here, no group is replayed, no dead letter of anybody
is given up: see `families` for what keeps a message from meaning that by chance.
"""

import asyncio
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.e2e.conftest import insisting
from tests.platform import Platform

ROLES = ("customer", "operator", "auditor", "publisher", "admin")
INCLUDED = {"admin": frozenset(ROLES)}
PASSWORD = "correct-horse-battery"
FRESH = 120.0
"""Seconds that a token is used; it lives for 300."""
SKUS = tuple(f"zz-fuzz-{number}" for number in range(8))
"""Behind all others in the price list's order: what comes first there stays first."""
MOST = {"currencyCode": "EUR", "units": "1000000000"}
CENT = {"currencyCode": "EUR", "nanos": 10_000_000}


@dataclass(slots=True)
class Caller:
    """A user with one role; nobody has no token."""

    label: str
    roles: frozenset[str] | None
    name: str = ""
    fetch: Callable[[], str] = lambda: ""
    _token: str = ""
    _since: float = field(default=-FRESH)

    def token(self) -> str | None:
        """A token that has some minutes to live."""
        if self.roles is None:
            return None
        if time.monotonic() - self._since > FRESH:
            self._token, self._since = self.fetch(), time.monotonic()
        return self._token


NOBODY = Caller("nobody", None)


@dataclass(frozen=True, slots=True)
class Stage:
    """`targets`: host:port of "edge" and of each service's api. `names`: by resource type."""

    targets: Mapping[str, str]
    callers: tuple[Caller, ...]
    names: Mapping[str, tuple[str, ...]]
    groups: tuple[str, ...]
    tokens: tuple[str, ...]

    @property
    def edge(self) -> str:
        """The edge's base address."""
        return f"http://{self.targets['edge']}"


@contextmanager
def set_up(causeway: Platform, grant: Callable[[str, str], None]) -> Iterator[Stage]:
    """Register the callers, grant their roles, and make an order of each kind."""
    with httpx.Client(base_url=causeway["CAUSEWAY_EDGE"], timeout=20) as http:
        maker = _Maker(causeway, http, grant)
        callers = {role: maker.caller(role) for role in ROLES}
        victim = maker.register("victim")
        admin = callers["admin"]
        maker.prices(admin)
        for role in ("customer", "admin"):
            maker.ask(
                "POST", f"/v1/{callers[role].name}:setCreditLimit", admin, {"creditLimit": MOST}
            )
        orders = [maker.order(callers["customer"]) for _ in range(4)]
        maker.ask("POST", f"/v1/{orders[0]}:cancel", callers["customer"], {})
        yield Stage(
            targets=targets(causeway),
            callers=(NOBODY, *callers.values()),
            names={
                "causeway/Order": (*orders, maker.order(admin)),
                "causeway/User": (victim,),
                "causeway/Product": tuple(f"products/{sku}" for sku in SKUS),
                "causeway/Event": maker.events(admin, orders[0]),
                "causeway/Notification": maker.notifications(callers["customer"]),
                "causeway/Replay": (maker.replay(admin, orders[0]),),
            },
            groups=maker.groups(admin),
            tokens=maker.page_tokens(admin),
        )


def targets(causeway: Platform) -> dict[str, str]:
    """Where the edge is, and an api process of each service."""
    found = {"edge": causeway["CAUSEWAY_EDGE"].removeprefix("http://")}
    for part in causeway.status()["components"]:
        if part["name"].endswith("-api-1"):
            found[part["name"].removesuffix("-api-1")] = (
                f"127.0.0.1:{next(iter(part['ports'].values()))}"
            )
    return found


class _Maker:
    """Makes what the stage needs through the edge, as anybody would."""

    def __init__(
        self, causeway: Platform, http: httpx.Client, grant: Callable[[str, str], None]
    ) -> None:
        self._causeway = causeway
        self._http = http
        self._grant = grant
        self._run = uuid.uuid4().hex[:8]

    def ask(self, verb: str, path: str, caller: Caller, body: object = None) -> dict[str, Any]:
        token = caller.token()
        headers = {"authorization": f"Bearer {token}"} if token else {}
        answer = self._http.request(verb, path, headers=headers, json=body)
        assert answer.is_success, f"{verb} {path}: {answer.status_code} {answer.text}"
        told: dict[str, Any] = answer.json()
        return told

    def register(self, label: str) -> str:
        username = self._username(label)
        body = {
            "username": username,
            "email": f"{username}@example.com",
            "password": PASSWORD,
            "requestId": str(uuid.uuid4()),
        }
        # Keycloak may be busy: with its id the request may be sent again.
        answer = insisting(lambda: self._http.post("/v1/users:register", json=body))
        assert answer.is_success, answer.text
        return str(answer.json()["name"])

    def caller(self, role: str) -> Caller:
        name = self.register(role)
        if role != "customer":
            self._grant(self._username(role), role)
        roles = INCLUDED.get(role, frozenset({role, "customer"}))
        return Caller(role, roles, name, lambda: self._login(self._username(role)))

    def _username(self, label: str) -> str:
        return f"zz-fuzz-{label}-{self._run}"

    def _login(self, username: str) -> str:
        answer = self._http.post(
            f"{self._causeway['CAUSEWAY_ISSUER']}/protocol/openid-connect/token",
            data={
                "grant_type": "password",
                "client_id": "causeway-cli",
                "username": username,
                "password": PASSWORD,
            },
        )
        assert answer.is_success, answer.text
        return str(answer.json()["access_token"])

    def prices(self, operator: Caller) -> None:
        for sku in SKUS[:4]:
            product = {"displayName": "Fuzz", "price": CENT}
            self.ask("PATCH", f"/v1/products/{sku}?allowMissing=true", operator, product)

    def order(self, customer: Caller) -> str:
        items = [{"sku": SKUS[0], "quantity": 1}]
        return str(self.ask("POST", "/v1/orders", customer, {"items": items})["name"])

    def events(self, auditor: Caller, subject: str) -> tuple[str, ...]:
        found = self.ask("GET", f"/v1/events?subject={subject}", auditor)["events"]
        return tuple(event["name"] for event in found)

    def notifications(self, customer: Caller) -> tuple[str, ...]:
        deadline = time.monotonic() + 90
        while True:
            found = self.ask("GET", "/v1/notifications", customer)["notifications"]
            if found or time.monotonic() > deadline:
                return tuple(one["name"] for one in found)
            time.sleep(0.2)

    def groups(self, operator: Caller) -> tuple[str, ...]:
        found = self.ask("GET", "/v1/cluster", operator)["groups"]
        return tuple(sorted(group["id"] for group in found))

    def replay(self, admin: Caller, subject: str) -> str:
        """One of a single order, that a service's own group has handled already."""
        group = next(g for g in self.groups(admin) if g.startswith("causeway.notifications."))
        replay = {"mode": "MODE_REDELIVER", "group": group, "subject": subject}
        return str(self.ask("POST", "/v1/replays", admin, replay)["name"])

    def page_tokens(self, admin: Caller) -> tuple[str, ...]:
        lists = ("orders", "products", "users", "events")
        found = [self.ask("GET", f"/v1/{one}?pageSize=1", admin) for one in lists]
        return tuple(one["nextPageToken"] for one in found if one["nextPageToken"])


def granting(address: str, password: str) -> Callable[[str, str], None]:
    """A function that gives a user of the realm a role, as Keycloak's administrator."""
    from stack.addresses import REALM
    from stack.provision.realm import Administrator, grant

    administrator = Administrator(address, "admin", password)
    return lambda user, role: asyncio.run(grant(administrator, REALM, user, role))
