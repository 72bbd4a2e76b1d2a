"""The one callable type of the kit: a step gets the call and what comes after it.

A step looks at the call, and either raises a `CausewayError` or awaits `proceed(call)`. It sees
unary and streaming calls alike: `incoming` is one request or an iterator of them (raw bytes until
the decoding step, and behind it for a handler that checks itself), and the innermost handler
writes the answers of a stream to `answers`.
"""

import functools
from collections.abc import Awaitable, Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Protocol

import grpc.aio

from bridge.server.answers import Answers
from bridge.server.methods import Method


@dataclass(frozen=True, slots=True)
class Caller:
    """The holder of a verified token, or nobody (`ANONYMOUS`) on a public method.

    `subject` is Keycloak's `sub`, `client` the token's `azp`, `roles` its realm roles,
    `expires` its `exp` in Unix seconds (0: no token).
    """

    subject: str
    client: str
    roles: frozenset[str]
    expires: float
    username: str

    @property
    def name(self) -> str:
        """Resource name, `users/{id}`; empty for nobody."""
        return f"users/{self.subject}" if self.subject else ""

    def has(self, *roles: str) -> bool:
        """Whether the caller holds any of `roles`."""
        return not self.roles.isdisjoint(roles)


ANONYMOUS = Caller("", "", frozenset(), 0.0, "")


@dataclass(slots=True)
class Call:
    """One call on its way through the steps."""

    method: Method
    context: "grpc.aio.ServicerContext[Any, Any]"
    incoming: Any
    # Names the request in logs, in events and in an INTERNAL answer.
    correlation_id: str
    caller: Caller = ANONYMOUS
    # Of a method that streams its answers.
    answers: Answers | None = None
    # What the caller sent along.
    metadata: Sequence[tuple[str, str | bytes]] = ()


Handler = Callable[[Call], Awaitable[bytes | None]]


class Step(Protocol):
    """One concern around a handler."""

    def __call__(self, call: Call, proceed: Handler) -> Awaitable[bytes | None]:
        """Look at the call, then go on or raise."""


present: ContextVar[Call] = ContextVar("causeway_call")


def compose(steps: Sequence[Step], handler: Handler) -> Handler:
    """Put `steps` around `handler`; the first is outermost."""
    for step in reversed(steps):
        handler = functools.partial(step, proceed=handler)
    return handler
