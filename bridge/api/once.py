"""AIP-155 for calls whose effect is in other databases: the claim is in the bridge's own."""

from collections.abc import Awaitable, Callable

from google.protobuf.message import Message

from bridge.api.stores import Store
from bridge.server.canonical import body_hash
from bridge.server.identity import current_call
from bridge.store.repeats import Repeats


class Once:
    """Runs what a call does once per caller, method and request_id.

    The claim commits after the effect: a crash between the two lets a repeat do it again, so what
    is done must itself bear to be done twice.
    """

    def __init__(self, own: Store) -> None:
        """`own` has a pool of its own: a call holds a connection while it asks the stores."""
        self._own = own

    async def __call__(self, request: Message, act: Callable[[], Awaitable[str]]) -> str:
        """What `act` gave, now or the first time. FailedPrecondition: the id with another body."""
        repeats = repeats_of(request)
        if not repeats.request_id:
            return await act()
        async with self._own.connection() as connection, connection.transaction():
            earlier = await repeats.claim(connection)
            if earlier is not None:
                return earlier
            made = await act()
            await repeats.settle(connection, made)
            return made


def repeats_of(request: Message) -> Repeats:
    """Read the request_id of the present call."""
    call = current_call()
    request_id: str = request.request_id  # type: ignore[attr-defined]
    return Repeats(call.caller.subject, call.method.path, request_id, body_hash(request))
