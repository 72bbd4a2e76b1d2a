"""`python -m benchmarks.peers.gateway BACKEND PORT`: the gateway that one writes by hand.

Starlette on uvicorn with its fast parts (uvloop, httptools). It verifies the token, asks for the
role, turns JSON into one gRPC call and its answer into JSON: the least that is needed for one
method, without a limit, a time-out, a retry, a log or another replica.
"""

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc.aio
import jwt
import uvicorn
from google.protobuf.json_format import MessageToDict
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from benchmarks.backend import HOST
from causeway.orders.v1.order_service_pb2 import GetOrderRequest
from causeway.orders.v1.order_service_pb2_grpc import OrderServiceStub

KEYS = jwt.PyJWKClient(os.environ.get("CAUSEWAY_JWKS", ""))


def caller(token: str) -> dict[str, object]:
    """Verify as PyJWT's documentation shows it."""
    return jwt.decode(
        token,
        KEYS.get_signing_key_from_jwt(token),
        algorithms=["RS256"],
        issuer=os.environ["CAUSEWAY_ISSUER"],
        audience="causeway-api",
    )


async def get_order(request: Request) -> JSONResponse:
    """GET /v1/orders/{id}."""
    authorization = request.headers.get("authorization", "")
    try:
        claims = caller(authorization.removeprefix("Bearer "))
    except jwt.PyJWTError:
        return JSONResponse({"code": 16, "message": "a valid token is required"}, 401)
    if "operator" not in claims["realm_access"]["roles"]:  # type: ignore[index]
        return JSONResponse({"code": 7, "message": "this caller may not do that"}, 403)
    name = f"orders/{request.path_params['order']}"
    found = await request.app.state.orders.GetOrder(
        GetOrderRequest(name=name), metadata=(("authorization", authorization),)
    )
    return JSONResponse(MessageToDict(found, always_print_fields_with_no_presence=True))


@asynccontextmanager
async def connected(app: Starlette) -> AsyncIterator[None]:
    """Keep one channel to the backend."""
    async with grpc.aio.insecure_channel(f"{HOST}:{sys.argv[1]}") as channel:
        app.state.orders = OrderServiceStub(channel)
        yield


if __name__ == "__main__":
    application = Starlette(routes=[Route("/v1/orders/{order}", get_order)], lifespan=connected)
    uvicorn.run(
        application,
        host=HOST,
        port=int(sys.argv[2]),
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
    )
