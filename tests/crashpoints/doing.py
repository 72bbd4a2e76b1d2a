"""What a process is doing when it comes to a port: the middle of a point's name."""

import sys
from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field

from bridge.handling import Handler, Handling
from bridge.server.identity import current_call

PLACES = {
    "append_group.run": "append",
    "commands.change": "change",
    "commands.mark_read": "change",
    "commands.set_credit_limit": "change",
    "commands.update_preferences": "change",
    "execution._give_up": "replay.cancelled",
    "intents.begin": "begin",
    "intents.finish": "finish",
    "intents.take": "take",
    "intents.release": "release",
    "intents.due": "sweep.due",
    "identity_changes.begin": "begin",
    "identity_changes.finish": "finish",
    "identity_changes.take": "take",
    "identity_changes.release": "release",
    "identity_changes.due": "changes.due",
    "ledger.begin": "replay.begin",
    "ledger.finish": "replay.finish",
    "once.__call__": "claim",
    "outbox._removed": "relay.acknowledged",
    "park.park": "park",
    "parked_table._ask": "ask",
    "passage._handle": "replay.page",
    "price_list.update": "change",
    "registration.register": "groups.register",
    "replay_table.cancel": "ask",
    "replay_table.start": "ask",
    "sender._begin": "sender.lease",
    "sender._end": "sender.outcome",
    "sender._hold": "sender.hold",
    "sender._postpone": "sender.postpone",
    "turn._step": "redrive",
}
"""Points by where in the product the transaction ends; another place is named as it is."""
TOGETHER = {"intake._store": "PublishEvent.store", "intake._write": "PublishEvents.store"}
"""Where one task writes for all who publish, and knows the call of the first of them alone. Whoever
publishes one by one claims a request_id, in a transaction; a stream's events are a statement."""
BENEATH = frozenset({"outbox._turn", "under_way.first_step"})
"""Places that say less than who called them."""
READING = "outbox.page"
"""The relay's page statement where nothing was acknowledged: it changes nothing."""
AGAIN = "again"
"""What a consumer's transaction is for an event that was handled before: nothing comes of it."""


@dataclass
class Batch:
    """Events that a group handles in one transaction, by what came of each."""

    group: str
    records: int
    handled: int = 0
    names: list[str] = field(default_factory=list)
    appended: list[str] = field(default_factory=list)


handling: ContextVar[Batch | None] = ContextVar("crashpoints_handling", default=None)


def short(group: str) -> str:
    """The last word of a group: `credit` of `causeway.orders.credit`."""
    return group.rpartition(".")[2]


def noting(handler: Handler) -> Handler:
    """Middleware: note each event by what its handler appended, or by its own type."""

    async def run(one: Handling) -> None:
        batch = handling.get()
        if batch is None:  # the redrive's
            await handler(one)
            return
        batch.appended.clear()
        await handler(one)
        batch.handled += 1
        batch.names += batch.appended or [one.event.type.rpartition(".")[2]]

    return run


def names() -> Sequence[str]:
    """Name the transaction that is about to end here; none where it changes nothing."""
    batch = handling.get()
    if batch is not None:
        repeated = [AGAIN] if batch.handled < batch.records else []
        return [f"{short(batch.group)}.{name}" for name in (*batch.names, *repeated)]
    place = _place()
    if place in TOGETHER:
        return [TOGETHER[place]]
    return [] if place == READING else [_called(PLACES.get(place, place))]


def at(port: str) -> Sequence[str]:
    """Name a call of a port by the method that makes it, or by the port alone."""
    return [_called(port)]


def _called(name: str) -> str:
    try:
        return f"{current_call().method.path.rpartition('/')[2]}.{name}"
    except LookupError:
        return name


def _place() -> str:
    """Who ends the transaction: the innermost function of the product that says something."""
    frame = sys._getframe(2)
    while frame.f_back is not None:
        module, function = frame.f_globals.get("__name__", ""), frame.f_code.co_name
        place = f"{module.rpartition('.')[2]}.{function}"
        ours = module.startswith(("bridge.", "services.")) and module != "bridge.database"
        if ours and place not in BENEATH:
            return place
        frame = frame.f_back
    return "nobody"
