"""The callers of the matrix with real tokens of Keycloak, and forged ones where none is real."""

import textwrap
import time
from collections.abc import Mapping
from dataclasses import dataclass

import httpx

from gateway.proof.callers import (
    Caller,
    foreign,
    forgers,
    known,
    payload,
    signed_with_public_key,
    stranger,
    unsigned,
)
from gateway.proof.deployed import AUDIENCE, CLI, SKEW
from stack import addresses
from stack.credentials import Credentials
from stack.proof.guests import guests
from stack.provision.people import ADMINISTRATOR, LOCAL_USERS, password_of
from stack.provision.realm import Administrator
from stack.settings import Ports

CUSTOMER, OTHER = "alice", "bob"
MARGIN = 1.0
TRIES, PAUSE = 4, 0.5
"""Logins of one user, and the seconds between; a wrong password is locked out after 30."""


@dataclass(frozen=True, slots=True)
class Cast:
    """Who calls. `people`: name → caller, alice and bob among them. `expires`: Unix seconds from
    which the token of the expired caller is over for everybody."""

    callers: tuple[Caller, ...]
    forgers: tuple[Caller, ...]
    people: Mapping[str, Caller]
    expires: float


class Desk:
    """Keycloak's token endpoints of one platform. Blocking."""

    def __init__(self, http: httpx.Client, ports: Ports, credentials: Credentials) -> None:
        self._http = http
        self._ports = ports
        self._credentials = credentials

    def cast(self, roles: Mapping[str, frozenset[str]]) -> Cast:
        """Log everybody in. `roles`: what each declared role includes."""
        with guests(self._administrator(), addresses.REALM, AUDIENCE) as (other, brief):
            short = self.user(ADMINISTRATOR, brief)["access_token"]
            elsewhere = self.user(ADMINISTRATOR, other)["access_token"]
        root = self.user(ADMINISTRATOR, CLI)
        people = self._people(roles)
        low = people[CUSTOMER]
        callers = (
            stranger("no token"),
            stranger("no token at all", "a.b.c"),
            stranger("expired", short),
            stranger("wrong issuer", self._master()),
            stranger("alg none", unsigned(root["access_token"])),
            stranger("HS256 with the public key", self._confused(root["access_token"])),
            # Nobody's key fits it, but its audience is looked at first.
            foreign("refresh token", root["refresh_token"]),
            foreign("wrong audience", self._service()),
            foreign("ID token", root["id_token"]),
            foreign("another client's", elsewhere),
            *(caller for name, caller in people.items() if name != OTHER),
        )
        over = float(payload(short)["exp"]) + SKEW + MARGIN
        return Cast(callers, tuple(forgers(root["access_token"], low)), people, over)

    def user(self, name: str, client: str) -> dict[str, str]:
        """The tokens of a local user by a client."""
        return self._token(
            addresses.REALM,
            grant_type="password",
            client_id=client,
            username=name,
            password=password_of(name),
            scope="openid",
        )

    def _people(self, roles: Mapping[str, frozenset[str]]) -> dict[str, Caller]:
        held = {CUSTOMER: "customer", OTHER: "customer"} | LOCAL_USERS
        return {
            name: known(f"{role} {name}", self.user(name, CLI)["access_token"], roles[role])
            for name, role in held.items()
        }

    def _service(self) -> str:
        secret = self._credentials["client/orders"]
        answer = self._token(
            addresses.REALM,
            grant_type="client_credentials",
            client_id="orders",
            client_secret=secret,
        )
        return answer["access_token"]

    def _master(self) -> str:
        answer = self._token(
            "master",
            grant_type="password",
            client_id="admin-cli",
            username="admin",
            password=self._credentials["keycloak/admin"],
        )
        return answer["access_token"]

    def _confused(self, token: str) -> str:
        realm = self._http.get(addresses.issuer(self._ports)).raise_for_status().json()
        keys = self._http.get(addresses.jwks(self._ports)).raise_for_status().json()["keys"]
        key_id = next(str(key["kid"]) for key in keys if key["alg"] == "RS256")
        lines = "\n".join(textwrap.wrap(str(realm["public_key"]), 64))
        pem = f"-----BEGIN PUBLIC KEY-----\n{lines}\n-----END PUBLIC KEY-----\n"
        return signed_with_public_key(token, key_id, pem.encode())

    def _token(self, realm: str, **form: str) -> dict[str, str]:
        base = f"{addresses.keycloak(self._ports)}/realms/{realm}"
        for _ in range(TRIES):
            answer = self._http.post(f"{base}/protocol/openid-connect/token", data=form)
            if answer.status_code != httpx.codes.UNAUTHORIZED:
                break
            # Of two logins of one user at the same moment Keycloak refuses one as a brute force
            # (https://github.com/advisories/GHSA-gc7q-jgjv-vjr2), whatever the password.
            time.sleep(PAUSE)
        return dict(answer.raise_for_status().json())

    def _administrator(self) -> Administrator:
        address = addresses.keycloak(self._ports)
        return Administrator(address, "admin", self._credentials["keycloak/admin"])


def await_expiry(cast: Cast) -> None:
    """Wait until the short token is over, with the skew that clocks are granted."""
    time.sleep(max(0.0, cast.expires - time.time()))
