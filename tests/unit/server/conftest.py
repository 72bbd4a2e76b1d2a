# ruff: noqa: N802 - servicers name their methods as the proto does.
"""A real server of the kit on loopback, an issuer with keys of its own, and callers."""

import asyncio
import json
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import cache
from typing import Any

import grpc
import grpc.aio
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from pydantic import SecretStr

from bridge.server.serve import Server
from bridge.server.settings import ServerSettings
from causeway.orders.v1 import order_service_pb2 as orders
from causeway.orders.v1.order_service_pb2_grpc import OrderServiceServicer
from causeway.users.v1 import user_service_pb2 as users
from causeway.users.v1.user_service_pb2_grpc import UserServiceServicer

ISSUER = "http://127.0.0.1/realms/causeway"


@cache
def private_key(number: int) -> rsa.RSAPrivateKey:
    """Keys are dear (0.1 s each): tests share them, under ids of their own."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


class Issuer:
    """Signs tokens and serves its JWKS over HTTP, as Keycloak does."""

    def __init__(self) -> None:
        self.keys: dict[str, rsa.RSAPrivateKey] = {}
        self.kid = ""
        self.up = True
        self.fetches = self.rotations = 0
        self.url = ""
        self.rotate()

    def rotate(self, *, keep: bool = False) -> None:
        if not keep:
            self.keys.clear()
        self.kid = uuid.uuid4().hex
        self.keys[self.kid] = private_key(self.rotations)
        self.rotations += 1

    def claims(self, **changed: Any) -> dict[str, Any]:
        now = int(time.time())
        claims = {
            "iss": ISSUER,
            "aud": ["causeway-api", "account"],
            "azp": "causeway-cli",
            "typ": "Bearer",
            "sub": "11111111-aaaa",
            "preferred_username": "alice",
            "iat": now,
            "exp": now + 300,
            "realm_access": {"roles": ["customer"]},
        } | changed
        return {name: value for name, value in claims.items() if value is not None}

    def token(self, *roles: str, headers: dict[str, Any] | None = None, **changed: Any) -> str:
        if roles:
            changed.setdefault("realm_access", {"roles": list(roles)})
        headers = {"kid": self.kid} | (headers or {})
        return jwt.encode(self.claims(**changed), self.keys[self.kid], "RS256", headers=headers)

    def jwks(self) -> dict[str, Any]:
        return {
            "keys": [
                jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
                | {"kid": kid, "use": "sig", "alg": "RS256"}
                for kid, key in self.keys.items()
            ]
        }

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["Issuer"]:
        server = await asyncio.start_server(self.answer, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/certs"
        yield self
        server.close()
        await server.wait_closed()

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        self.fetches += 1
        status = "200 OK" if self.up else "503 Service Unavailable"
        body = json.dumps(self.jwks()).encode()
        head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()
        writer.close()
        await writer.wait_closed()


class Orders(OrderServiceServicer):
    """Handlers that do what a test needs; those not named here are the generated default."""

    def __init__(self) -> None:
        self.calls: list[Message] = []
        self.seen: Any = None
        self.running = asyncio.Event()
        self.release = asyncio.Event()
        self.behaviour: Callable[[Any], Any] | None = None
        self.closed = asyncio.Event()
        self.failure: Exception | None = None
        """What a WatchOrder ends with once it is released."""

    async def GetOrder(self, request: Any, context: Any) -> Any:
        self.calls.append(request)
        if self.behaviour:
            found = self.behaviour(request)
            return await found if asyncio.iscoroutine(found) else found
        return orders.Order(name=request.name)

    async def CreateOrder(self, request: Any, context: Any) -> orders.Order:
        self.calls.append(request)
        return orders.Order(name="orders/1", items=request.order.items)

    async def ListOrders(self, request: Any, context: Any) -> Any:
        assert self.behaviour
        return self.behaviour(request)

    async def ShipOrder(self, request: Any, context: Any) -> orders.Order:
        return orders.Order(name=request.name)

    async def ListProducts(self, request: Any, context: Any) -> orders.ListProductsResponse:
        self.running.set()
        await self.release.wait()
        return orders.ListProductsResponse()

    async def WatchOrder(self, request: Any, context: Any) -> AsyncIterator[Any]:
        try:
            yield orders.WatchOrderResponse(order=orders.Order(name=request.name))
            self.running.set()
            await self.release.wait()
            if self.failure is not None:
                raise self.failure
        finally:
            self.closed.set()


class Users(UserServiceServicer):
    """Users, for the owner rules and the public method."""

    async def GetUser(self, request: Any, context: Any) -> users.User:
        return users.User(name=request.name)

    async def UpdateUser(self, request: Any, context: Any) -> Any:
        return request.user

    async def RegisterUser(self, request: Any, context: Any) -> users.User:
        return users.User(name="users/new")


class Client:
    """Calls by raw path, so that a test can send what a stub would not."""

    def __init__(self, channel: Any) -> None:
        self.channel = channel

    @staticmethod
    def metadata(token: str | None, *more: tuple[str, str]) -> list[tuple[str, str]]:
        return [*([("authorization", f"Bearer {token}")] if token else []), *more]

    async def call(
        self,
        path: str,
        request: Message | bytes,
        token: str | None = None,
        *more: tuple[str, str],
        answer: type[Message] | None = None,
    ) -> Any:
        raw = request if isinstance(request, bytes) else request.SerializeToString()
        unary = self.channel.unary_unary(path)
        response = await unary(raw, metadata=self.metadata(token, *more), timeout=15)
        return answer.FromString(response) if answer else response

    async def refused(
        self, path: str, request: Message | bytes, token: str | None = None, *more: Any
    ) -> "Refusal":
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await self.call(path, request, token, *more)
        return Refusal(caught.value)


def connect(port: int) -> Any:
    """Open a channel for raw bytes; its calls have no types worth the name."""
    return grpc.aio.insecure_channel(f"127.0.0.1:{port}")


class Refusal:
    """An error as a caller sees it, details unpacked."""

    def __init__(self, error: grpc.aio.AioRpcError) -> None:
        self.code, self.message = error.code(), error.details() or ""
        self.status = status_pb2.Status()
        self.everything = self.message
        for key, value in error.trailing_metadata() or ():
            self.everything += f" {key}={value!r}"
            if key == "grpc-status-details-bin":
                self.status.ParseFromString(value)

    def detail(self, kind: Any) -> Any:
        for packed in self.status.details:
            found = kind()
            if packed.Unpack(found):
                return found
        return None

    @property
    def reason(self) -> str:
        info = self.detail(error_details_pb2.ErrorInfo)
        return info.reason if info else ""


@pytest.fixture
async def issuer() -> AsyncIterator[Issuer]:
    async with Issuer().serving() as issuer:
        yield issuer


@pytest.fixture
def settings(issuer: Issuer) -> ServerSettings:
    return ServerSettings(
        issuer=ISSUER,
        jwks=issuer.url,
        clients=("causeway-cli", "orders"),
        signing_key=SecretStr("0123456789abcdef"),
        drain_delay=0.05,
        drain_grace=3,
    )


@pytest.fixture
def servicer() -> Orders:
    return Orders()  # type: ignore[abstract]


@pytest.fixture
async def server(settings: ServerSettings, servicer: Orders) -> AsyncIterator[Server]:
    server = Server(
        {
            "causeway.orders.v1.OrderService": servicer,
            "causeway.users.v1.UserService": Users(),  # type: ignore[abstract]
        },
        settings,
    )
    await server.start("127.0.0.1:0")
    yield server
    servicer.release.set()
    await server.drain()


@pytest.fixture
async def client(server: Server) -> AsyncIterator[Client]:
    async with connect(server.port) as channel:
        yield Client(channel)
