"""Who calls, and what began here: the present call as handlers see it."""

from bridge import telemetry
from bridge.events.event import Origin
from bridge.server.call import ANONYMOUS, Call, Caller, present

__all__ = ["ANONYMOUS", "Caller", "current_call", "current_caller", "origin_of_call"]


def current_call() -> Call:
    """Return the call that runs in this task; LookupError outside of one."""
    return present.get()


def current_caller() -> Caller:
    """Return the verified caller (`ANONYMOUS` on a public method); LookupError outside a call."""
    return present.get().caller


def origin_of_call(request_id: str = "") -> Origin:
    """Describe this call as the cause of what is about to be recorded.

    `request_id` is the request's own field; the correlation id is the edge's `x-request-id`, or
    was made when the call came in. Nothing caused a request, so `causation_id` is empty.
    """
    call = present.get()
    return Origin(
        actor=call.caller.name,
        client=call.caller.client,
        method=call.method.path,
        request_id=request_id,
        correlation_id=call.correlation_id,
        causation_id="",
        traceparent=telemetry.traceparent(),
    )
