"""Holes in a service behind a sound edge: calls past the edge find them, static reading can't."""

from typing import Any

import jwt
import pytest

from bridge.errors import PermissionDenied
from bridge.server import auth, serve
from bridge.server.call import Call, Caller, Handler, Step
from bridge.server.keys import ALGORITHMS
from tests.integration.proof import servicer
from tests.integration.proof.conftest import Play
from tests.integration.proof.stage import callers_of

METHODS = ("OrderService/ShipOrder", "OrderService/GetOrder")
NOTHING = "ProofService/Nothing"
PAST = "gRPC past the edge to orders-1"


def trusting(verifier: auth.Verifier) -> Step:
    """Believe a header, as if only the edge could have written it."""
    sound = auth.auth_step(verifier)

    async def authenticate(call: Call, proceed: Handler) -> bytes | None:
        told = dict(call.context.invocation_metadata() or ())
        if "x-user" not in told:
            return await sound(call, proceed)
        roles = frozenset(str(told["x-roles"]).split(","))
        call.caller = Caller(str(told["x-user"]), "", roles | {"operator"}, 0.0, "")
        return await proceed(call)

    return authenticate


async def passed_on(call: Call, proceed: Handler) -> bytes | None:
    """A step that looks at nothing."""
    return await proceed(call)


def check_signature_alone(self: auth.Verifier, token: str, key: jwt.PyJWK) -> Caller:
    """Any token of the issuer that is for us counts, whatever it is and whoever got it."""
    ours = list(ALGORITHMS)
    try:
        claims = jwt.decode(token, key, ours, issuer=self._issuer, audience=self._audience)
    except jwt.PyJWTError:
        raise auth.invalid() from None
    return auth.caller_of(claims)


def test_a_service_that_trusts_a_header(holed: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve, "auth_step", trusting)
    stage = holed()
    assert stage.static() == []
    found = stage.live(*METHODS)
    assert {one.protocol for one in found} == {PAST}
    assert callers_of(found) == {"forged identity", "alice, forged identity"}
    assert all("INVALID_ARGUMENT by the service" in one.got for one in found)


def test_a_service_that_does_not_look_at_who_a_token_is_for(
    holed: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auth.Verifier, "_check", check_signature_alone)
    found = holed().live(*METHODS)
    assert {one.protocol for one in found} == {PAST}
    assert callers_of(found) == {"ID token", "another client's"}


def test_a_service_that_does_not_ask_for_roles(
    holed: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serve, "check_roles", passed_on)
    found = holed().live(*METHODS, NOTHING)
    assert {one.method for one in found} == {"OrderService/ShipOrder", NOTHING}
    assert all(one.protocol.startswith("gRPC past the edge") for one in found)
    assert {"alice", "auditor", "publisher"} <= callers_of(found)


def test_methods_without_a_handler(holed: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(servicer.Operations, "DescribeCluster")
    monkeypatch.delattr(servicer.Orders, "GetOrder")
    stage = holed()
    anybody, owners = stage.live("OperationsService/DescribeCluster"), stage.owners()
    assert {"operator", "admin"} <= callers_of(anybody)
    assert {one.method for one in owners} == {"OrderService/GetOrder"}
    assert {"alice", "bob", "oscar"} == callers_of(owners)
    assert all(one.got.startswith("UNIMPLEMENTED by the service") for one in (*anybody, *owners))


def test_a_service_that_does_not_ask_who_owns(holed: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve, "check_owner", passed_on)
    monkeypatch.setattr(servicer, "own", lambda name: name)
    found = holed().owners()
    assert {one.method for one in found} == {
        "OrderService/GetOrder",
        "OrderService/CancelOrder",
        "OrderService/WatchOrder",
        "UserService/GetUser",
        "UserService/UpdateUser",
    }
    assert {"alice", "bob"} == callers_of(found)
    assert all("not the owner" in one.protocol for one in found)


def test_a_service_that_tells_what_is_there(holed: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    sound = servicer.own

    def telling(name: str) -> str:
        if name in servicer.OWNED:
            try:
                return sound(name)
            except Exception as error:
                raise NotYours(str(error)) from None
        return sound(name)

    monkeypatch.setattr(servicer, "own", telling)
    found = holed().owners()
    assert found
    assert all("expected NOT_FOUND" in str(one) and "not yours" in one.got for one in found)


class NotYours(PermissionDenied):
    def __init__(self, _: Any) -> None:
        super().__init__("this is not yours")
