"""Real resources for the cells of owners: what is there, or an order that is placed once."""

import time
import uuid
from typing import Any

import httpx

from gateway.proof.callers import Caller, payload
from gateway.proof.owners import USER, Resource
from stack.errors import Code, StackError

PATIENCE = 20.0
"""Seconds for a fresh order to be decided, and for the mail that tells of it."""
_PENDING = "STATE_PENDING"


def resources(http: httpx.Client, owner: Caller, other: Caller) -> list[Resource]:
    """Orders of both, the user and a notification of `owner`. `http` is the edge. Blocking.

    Raises StackError CHECK_UNPREPARED where the platform does not get that far.
    """
    found = [_order(http, caller) for caller in (owner, other)]
    found.append(Resource(USER, _user(owner), owner, f"users/{uuid.uuid4()}"))
    name = _first(http, owner, "notifications")["name"]
    missing = f"notifications/{uuid.uuid4()}"
    return [*found, Resource("causeway/Notification", name, owner, missing, personal=True)]


def snapshot(http: httpx.Client, found: list[Resource]) -> list[dict[str, Any]]:
    """These resources as they are: the proof must leave them so."""
    owner = found[0].owner
    listed = _get(http, owner, "/v1/notifications?pageSize=200")["notifications"]
    names = {one.name for one in found}
    return [
        *(_get(http, one.owner, f"/v1/{one.name}") for one in found if not one.personal),
        *(one for one in listed if one["name"] in names),
    ]


def _order(http: httpx.Client, caller: Caller) -> Resource:
    if not _get(http, caller, "/v1/orders?pageSize=1").get("orders"):
        # The same id at every run: the same order, not one more.
        request_id = uuid.uuid5(uuid.NAMESPACE_DNS, f"{_user(caller)}.proof.causeway")
        _post(http, caller, f"/v1/orders?requestId={request_id}")
    order = _first(http, caller, "orders")
    return Resource("causeway/Order", order["name"], caller, f"orders/{uuid.uuid4()}")


def _first(http: httpx.Client, caller: Caller, collection: str) -> dict[str, Any]:
    """The newest of the caller's; waits until it is there and settled."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        listed = _get(http, caller, f"/v1/{collection}?pageSize=1").get(collection, [])
        if listed and listed[0]["state"] != _PENDING:
            return dict(listed[0])
        time.sleep(0.2)
    raise StackError(
        Code.CHECK_UNPREPARED,
        f"{caller.name} has no settled resource in {collection} after {PATIENCE:g} s",
        "causeway status",
    )


def _user(caller: Caller) -> str:
    token = dict(caller.headers)["authorization"].removeprefix("Bearer ")
    return f"users/{payload(token)['sub']}"


def _get(http: httpx.Client, caller: Caller, path: str) -> dict[str, Any]:
    return _read(http.get(path, headers=dict(caller.headers)))


def _post(http: httpx.Client, caller: Caller, path: str) -> None:
    body = {"items": [{"sku": "book", "quantity": 1}]}
    _read(http.post(path, headers=dict(caller.headers), json=body))


def _read(answer: httpx.Response) -> dict[str, Any]:
    if not answer.is_success:
        told = f"{answer.request.url.path} answers {answer.status_code}: {answer.text[:200]}"
        raise StackError(Code.CHECK_UNPREPARED, told, "causeway status")
    return dict(answer.json())
