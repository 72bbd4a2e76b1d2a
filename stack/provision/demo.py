"""What the local platform begins with, made through its own front door.

alice, bob and root register like anybody; bob's credit is small, so that an order can be refused;
three products have prices. What is there already is left as somebody may have changed it.
"""

import uuid
from typing import Any

import anyio
import httpx

from stack.addresses import edge, token_endpoint
from stack.provision.demo_data import DEFAULT_LIMIT, LIMITS, PRODUCTS, REGISTERED
from stack.provision.people import password_of
from stack.settings import Ports

PATIENCE = 30.0
"""Seconds in which the edge must have found the services."""

_NOT_YET = {401, 502, 503, 504}
_EXISTS = 409


async def provision_demo(ports: Ports) -> None:
    """Register the users, set bob's limit, price the products. Repeatable."""
    async with httpx.AsyncClient(base_url=edge(ports), timeout=10) as http:
        door = _Door(http, token_endpoint(ports))
        async with anyio.create_task_group() as tasks:
            for name in REGISTERED:
                tasks.start_soon(_customer, door, name)
            tasks.start_soon(_products, door)


class _Door:
    """The edge, as a named user or as nobody."""

    def __init__(self, http: httpx.AsyncClient, tokens: str) -> None:
        self._http = http
        self._tokens = tokens

    async def token(self, user: str) -> str | None:
        """An access token; None for a user who does not exist yet."""
        form = {
            "grant_type": "password",
            "client_id": "causeway-cli",
            "username": user,
            "password": password_of(user),
        }
        answer = await self._http.post(self._tokens, data=form)
        return answer.json()["access_token"] if answer.is_success else None

    async def call(
        self, verb: str, path: str, *, token: str | None = None, body: object = None
    ) -> httpx.Response:
        """One call, repeated while the edge does not know its services or keys yet."""
        headers = {"authorization": f"Bearer {token}"} if token else {}
        deadline = anyio.current_time() + PATIENCE
        while True:
            answer = await self._http.request(verb, path, headers=headers, json=body)
            if answer.status_code not in _NOT_YET or anyio.current_time() > deadline:
                return answer
            await anyio.sleep(0.1)


async def _customer(door: _Door, name: str) -> None:
    token = await door.token(name)
    if token is None:
        await _register(door, name)
        token = await door.token(name)
    if name in LIMITS:
        user = _accepted(await door.call("GET", "/v1/users/me", token=token))
        if user["creditLimit"] == DEFAULT_LIMIT:
            operator = await door.token("oscar")
            body = {"creditLimit": LIMITS[name], "requestId": str(uuid.uuid4())}
            path = f"/v1/{user['name']}:setCreditLimit"
            _accepted(await door.call("POST", path, token=operator, body=body))


async def _register(door: _Door, name: str) -> None:
    registration = {
        "username": name,
        "email": f"{name}@example.com",
        "displayName": name.capitalize(),
        "password": password_of(name),
        # The same at every try: what a crash interrupted is finished, not begun twice.
        "requestId": str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{name}.local.causeway")),
    }
    answer = await door.call("POST", "/v1/users:register", body=registration)
    if answer.status_code != _EXISTS:
        _accepted(answer)


async def _products(door: _Door) -> None:
    operator = await door.token("oscar")
    known = _accepted(await door.call("GET", "/v1/products", token=operator))
    present = {product["name"] for product in known.get("products", [])}
    for sku, price in PRODUCTS.items():
        if f"products/{sku}" not in present:
            path = f"/v1/products/{sku}?allowMissing=true&requestId={uuid.uuid4()}"
            product = {"displayName": sku.capitalize(), "price": price}
            _accepted(await door.call("PATCH", path, token=operator, body=product))


def _accepted(answer: httpx.Response) -> dict[str, Any]:
    if not answer.is_success:
        raise RuntimeError(
            f"{answer.request.method} {answer.request.url.path} answers "
            f"{answer.status_code}: {answer.text[:300]}"
        )
    return dict(answer.json())
