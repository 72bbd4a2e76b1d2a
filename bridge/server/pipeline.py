"""Turns a servicer's methods into grpc.aio handlers with the steps around each."""

import inspect
import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing
from contextvars import ContextVar
from dataclasses import replace
from typing import Any, TypeAlias, TypeVar

import grpc
import grpc.aio
import uuid_utils
from google.protobuf.message import Message

from bridge import telemetry
from bridge.errors import CausewayError
from bridge.server.answers import Answers
from bridge.server.call import Call, Handler, Step, compose, present
from bridge.server.methods import Method

Context = grpc.aio.ServicerContext[Any, Any]
# Generic for the type checker alone, hence the quotes.
RpcHandler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
StepsOf = Callable[[Method], Sequence[Step]]
"""The steps around a method of this shape, the outermost first."""
Behaviour = TypeVar("Behaviour", bound=Callable[..., Any])
CHECKS_ITSELF = "_checks_itself"
# What the caller sent along, set by `Routes.service` in the task of the call: gRPC decodes
# it anew for whoever asks the context.
asked_with: ContextVar[Any] = ContextVar("causeway_metadata")
NOTHING: tuple[Message, ...] = ()
REQUEST_ID = re.compile(r"[A-Za-z0-9-]{8,64}")
# Set by the edge's transcoder, which drops it where a caller sends it. Forged by one who comes
# past the edge it changes that caller's own stream alone.
TRANSCODED = "x-envoy-original-path"


class Unimplemented(CausewayError):  # noqa: N818 - named for its status code, as all errors are
    """A method of the protos whose behaviour is not there."""

    code = grpc.StatusCode.UNIMPLEMENTED
    default_reason = "UNIMPLEMENTED"


def handlers_of(
    servicer: Any, methods: Mapping[str, Method], steps: StepsOf
) -> dict[str, RpcHandler]:
    """Build the handlers of one service, by the paths of its methods.

    TypeError for a servicer that does not fit its protos or the kit.
    """
    handlers = {}
    for name, declared in methods.items():
        behaviour = getattr(servicer, name)
        method = replace(declared, checks_itself=hasattr(behaviour, CHECKS_ITSELF))
        if method.checks_itself and (method.streaming or method.access.owner_field):
            raise TypeError(f"{method.path}: only unary requests without an owner's field can wait")
        handlers[method.path] = handler_of(
            method, compose(steps(method), innermost(method, behaviour))
        )
    return handlers


def checks_itself(behaviour: Behaviour) -> Behaviour:
    """Mark a servicer's method that gets its request as `Unchecked`, and checks it later.

    For one that handles what many callers asked for in one go: who may call is known before, and
    what is asked is checked for all of them together, which costs a third of what it costs alone.
    """
    setattr(behaviour, CHECKS_ITSELF, True)
    return behaviour


def innermost(method: Method, behaviour: Callable[..., Any]) -> Handler:
    """Adapt a servicer's method: unary answers are serialized, a stream's are written."""
    if inspect.unwrap(behaviour).__module__.endswith("_pb2_grpc"):
        return unimplemented  # The generated default: nobody has overridden it.
    if inspect.isasyncgenfunction(behaviour) and method.server_streaming:
        return generator(behaviour)
    if not inspect.iscoroutinefunction(behaviour):
        raise TypeError(f"{method.path}: a servicer's methods are coroutines or async generators")
    if method.server_streaming and "heartbeat" in method.response.DESCRIPTOR.fields_by_name:
        raise TypeError(f"{method.path}: must yield its answers; signs of life go between them")
    return coroutine(behaviour, streams=method.server_streaming)


async def unimplemented(call: Call) -> None:
    """Answer for a method whose behaviour comes later."""
    raise Unimplemented(f"{call.method.path.rpartition('/')[2]} is not implemented")


def generator(behaviour: Callable[..., Any]) -> Handler:
    """Write what an async generator yields; it is closed also when the call is cut."""

    async def write_all(call: Call) -> None:
        assert call.answers is not None, "only a method that streams has a generator"  # noqa: S101
        async with aclosing(behaviour(call.incoming, call.context)) as answers:
            async for answer in answers:
                await call.answers.write(answer)

    return write_all


def coroutine(behaviour: Callable[..., Any], *, streams: bool) -> Handler:
    """Serialize what a coroutine returns; one that streams has written by itself."""

    async def answer(call: Call) -> bytes | None:
        response: Message = await behaviour(call.incoming, call.context)
        return None if streams else response.SerializeToString()

    return answer


def handler_of(method: Method, run: Handler) -> RpcHandler:
    """Make grpc's handler. Requests come raw: they are parsed after access."""

    async def unary(request: Any, context: Context) -> Any:
        return await run(begin(method, request, context))

    async def stream(request: Any, context: Context) -> AsyncIterator[Any]:
        # A generator in form (OpenTelemetry's interceptor iterates it) that yields nothing: the
        # steps write. A time limit would miss a write that hangs outside of them.
        await run(begin(method, request, context))
        for answer in NOTHING:
            yield answer

    make: Callable[..., RpcHandler]
    if method.server_streaming:
        make = (
            grpc.stream_stream_rpc_method_handler
            if method.client_streaming
            else grpc.unary_stream_rpc_method_handler
        )
        return make(stream, None, lambda answer: answer.SerializeToString())
    make = (
        grpc.stream_unary_rpc_method_handler
        if method.client_streaming
        else grpc.unary_unary_rpc_method_handler
    )
    return make(unary, None, None)


def begin(method: Method, incoming: Any, context: Context) -> Call:
    """Open the call and make it the present one of this task, which gRPC made for it alone."""
    request_id = traceparent = ""
    rest = False
    metadata = asked_with.get()
    for key, value in metadata:
        if key == "x-request-id":
            request_id = str(value)
        elif key == "traceparent":
            traceparent = str(value)
        elif key == TRANSCODED:
            rest = True
    if not REQUEST_ID.fullmatch(request_id):
        request_id = str(uuid_utils.uuid7())
    telemetry.adopt(traceparent)
    call = Call(method, context, incoming, request_id, metadata=metadata)
    if method.server_streaming:
        call.answers = Answers(context, method.response, rest=rest)
    present.set(call)
    return call


class Routes(grpc.GenericRpcHandler):
    """Finds the handler of a path; a method that nobody registered is denied, by the same steps.

    The one way in. Were each method registered with gRPC, its server would wait for all of them
    anew at each call, 30 µs for the fifteen of Orders (`_server_main_loop` in grpcio's
    aio/server.pyx.pxi).
    """

    def __init__(self, handlers: Mapping[str, RpcHandler], steps: StepsOf) -> None:
        """`handlers` by path, "/causeway.orders.v1.OrderService/GetOrder"."""
        self._handlers = handlers
        method = Method("", Message, client_streaming=True, server_streaming=True)
        self._deny = compose(steps(method), unimplemented)

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> RpcHandler:
        """Return the handler for any path."""
        asked_with.set(handler_call_details.invocation_metadata)
        path = handler_call_details.method
        return self._handlers.get(path) or self._unknown(path)

    def _unknown(self, path: str) -> RpcHandler:
        # A bidi handler serves calls of any shape, as it is ended before a message is read.
        method = Method(path, Message, client_streaming=True, server_streaming=True)
        return handler_of(method, self._deny)
