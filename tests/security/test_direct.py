"""Who gets past the edge: a service's own port, the admin's port, and the real Keycloak's tokens.

That PostgreSQL and Kafka refuse strangers and wrong service users is tested where they are:
tests/integration/stack.
"""

import base64
import json
import socket
from collections.abc import Iterator
from typing import Any

import httpx
import psutil
import pytest

from gateway.model import Model
from tests.integration.edge.bench import HOST
from tests.integration.edge.issuer import Issuer
from tests.integration.stack.conftest import Site, site  # noqa: F401 (a fixture)
from tests.platform import Platform
from tests.security import callers, http1, tokens
from tests.security.callers import (
    AT_THE_EDGE,
    PERMISSION_DENIED,
    PROTOCOLS,
    SERVICE,
    UNAUTHENTICATED,
    Operation,
    Ports,
    bearer,
    leaks,
    message,
)
from tests.security.conftest import ORDER, Target
from tests.security.test_identity_headers import SHIP

OPEN = {"/causeway.users.v1.UserService/RegisterUser"}


def test_no_method_of_a_service_answers_to_nobody(target: Target, model: Model) -> None:
    assert len([*model.methods()]) > 20
    for method in model.methods():
        reply = callers.grpc(target.ports.service, method.path, message(b""))
        told = callers.told_by_grpc(reply)
        assert (told.code != UNAUTHENTICATED) is (method.path in OPEN), told
        assert told.code != callers.OK
        assert not leaks(told)


def test_no_method_of_a_service_answers_to_a_caller_without_a_role(
    target: Target, issuer: Issuer, model: Model
) -> None:
    headers = bearer(issuer.token())
    for method in model.methods():
        if method.path in OPEN or method.access.owner.name != "NONE":
            continue
        told = callers.told_by_grpc(
            callers.grpc(target.ports.service, method.path, message(b""), headers)
        )
        assert told.code == PERMISSION_DENIED, (method.path, told)
        assert not leaks(told)


@pytest.mark.parametrize(
    "path",
    [
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
        "/grpc.channelz.v1.Channelz/GetServers",
        "/causeway.orders.v1.OrderService/Nothing",
        "/nothing",
    ],
)
def test_a_service_describes_itself_to_nobody(target: Target, path: str) -> None:
    told = callers.told_by_grpc(callers.grpc(target.ports.service, path, message(b"")))
    assert told.code == UNAUTHENTICATED, told


@pytest.mark.parametrize(
    "data",
    [
        b"GET /v1/orders/7 HTTP/1.1\r\nhost: localhost\r\n\r\n",
        b"POST /causeway.orders.v1.OrderService/GetOrder HTTP/1.1\r\nhost: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500),
        b"\0" * 1000,
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 1000,
    ],
    ids=["HTTP/1.1", "gRPC over HTTP/1.1", "TLS", "zeros", "HTTP/2 that ends in noise"],
)
def test_a_service_speaks_nothing_else(target: Target, data: bytes) -> None:
    received = http1.exchange(target.ports.service, data, patience=2)
    assert b"orders/7" not in received
    assert b"200 OK" not in received
    target.assert_well()


def others() -> Iterator[str]:
    """This machine's addresses but for the one on which everything listens."""
    yield "127.0.0.2"
    for addresses in psutil.net_if_addrs().values():
        for one in addresses:
            if one.family is socket.AF_INET and one.address != HOST:
                yield one.address


def reachable(ports: dict[str, int]) -> list[str]:
    found = []
    for address in others():
        for name, port in ports.items():
            with socket.socket() as connection:
                connection.settimeout(2)
                if connection.connect_ex((address, port)) == 0:
                    found.append(f"{name} at {address}:{port}")
    return found


def test_the_admin_of_envoy_is_on_loopback_and_behind_no_route(
    target: Target, issuer: Issuer
) -> None:
    port = target.edge.deployment.admin.port
    assert reachable({"admin": port}) == []
    headers = bearer(issuer.token("admin"))
    for path in ("/config_dump", "/stats", "/quitquitquit", "/server_info", "/ready"):
        answer = http1.send(target.ports.edge, "GET", path, headers)
        assert answer.status == 404, answer
        hosted = (("host", f"{HOST}:{port}"), *headers)
        assert http1.send(target.ports.edge, "GET", path, hosted).status == 404


# From here on: the real platform, with the real Keycloak's tokens.


def test_nothing_of_the_platform_listens_beyond_loopback(
    causeway: Platform,
    site: Site,  # noqa: F811
) -> None:
    ports = site.port.model_dump(exclude={"offset"})
    assert len(ports) > 20
    assert reachable(ports) == []


@pytest.fixture(scope="module")
def login(causeway: Platform) -> dict[str, Any]:
    """All that Keycloak hands out to a customer that logs in with OpenID Connect."""
    answer = httpx.post(
        f"{causeway['CAUSEWAY_KEYCLOAK']}/realms/causeway/protocol/openid-connect/token",
        data={
            "grant_type": "password",
            "client_id": "causeway-cli",
            "username": "alice",
            "password": "causeway-alice",
            "scope": "openid offline_access",
        },
        timeout=30,
    )
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


@pytest.fixture(scope="module")
def real(causeway: Platform, site: Site) -> Ports:  # noqa: F811
    return Ports(site.port.edge, site.port.orders_api)


MINE = Operation("/causeway.orders.v1.OrderService/ListOrders", b"", "GET", "/v1/orders")


def test_an_access_token_of_keycloak_is_let_in(real: Ports, login: dict[str, Any]) -> None:
    for name, send in PROTOCOLS.items():
        assert send(real, MINE, bearer(login["access_token"])).code == callers.OK, name


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("kind", ["id_token", "refresh_token"])
def test_what_else_keycloak_hands_out_is_no_access_token(
    real: Ports, login: dict[str, Any], kind: str, protocol: str
) -> None:
    told = PROTOCOLS[protocol](real, MINE, bearer(login[kind]))
    allowed = (UNAUTHENTICATED,) if protocol == SERVICE else (UNAUTHENTICATED, PERMISSION_DENIED)
    assert told.code in allowed, told
    assert not leaks(told)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_token_of_the_administrators_realm_is_nobodys(
    real: Ports,
    site: Site,  # noqa: F811
    protocol: str,
) -> None:
    answer = httpx.post(
        f"http://{HOST}:{site.port.keycloak}/realms/master/protocol/openid-connect/token",
        data={
            "grant_type": "password",
            "client_id": "admin-cli",
            "username": "admin",
            "password": site.credentials["keycloak/admin"],
        },
        timeout=30,
    )
    told = PROTOCOLS[protocol](real, MINE, bearer(answer.json()["access_token"]))
    assert told.code == UNAUTHENTICATED, told
    assert not leaks(told)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_customer_ships_nothing(real: Ports, login: dict[str, Any], protocol: str) -> None:
    told = PROTOCOLS[protocol](real, SHIP, bearer(login["access_token"]))
    assert told.code == PERMISSION_DENIED, told
    assert not leaks(told)


@pytest.mark.parametrize("protocol", AT_THE_EDGE)
def test_a_real_signature_under_other_claims_is_refused(
    real: Ports, login: dict[str, Any], protocol: str
) -> None:
    header, payload, signature = login["access_token"].split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    claims["realm_access"]["roles"].append("admin")
    forged = tokens.text(json.dumps(claims).encode())
    told = PROTOCOLS[protocol](real, ORDER, bearer(f"{header}.{forged}.{signature}"))
    assert told.code == UNAUTHENTICATED, told


def test_a_customer_administers_no_realm(causeway: Platform, login: dict[str, Any]) -> None:
    base = f"{causeway['CAUSEWAY_KEYCLOAK']}/admin/realms/causeway"
    headers = {"authorization": f"Bearer {login['access_token']}"}
    for path in ("/users", "/clients", "/keys", "/roles"):
        assert httpx.get(base + path, headers=headers).status_code == 403, path
        assert httpx.get(base + path).status_code == 401, path
