"""Puts crash points at the ports of a process: around each commit and each call to the outside.

At the libraries that the product calls (the database's driver, the mail client) and at the two
adapters that stand for a system each (`bridge.kafka`, `services.users.keycloak`): so a commit or a
call that somebody adds tomorrow passes a point too, with a name that no list has yet.
"""

import asyncio
import functools
import inspect
import re
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Any

import aiosmtplib
import asyncpg

from bridge.consumer.inbox import Inbox
from bridge.kafka.batches import Sent
from bridge.kafka.consumer import GroupConsumer
from bridge.kafka.producer import Producer
from bridge.store.event_store import EventStore
from services.notifications.webhook_post import Poster
from services.users.keycloak import Keycloak
from tests.crashpoints import doing
from tests.crashpoints.trigger import AFTER, BEFORE, Trigger

Call = Callable[..., Awaitable[Any]]

STATEMENTS = ("execute", "fetch", "fetchrow", "fetchval")
WRITES = re.compile(r"\b(INSERT\s+INTO|DELETE\s+FROM|UPDATE\s+[\w.]+(\s+AS\s+\w+)?\s+SET)\b")
POLLS = frozenset({"changes.due", "sender.lease", "sweep.due"})
"""Statements that look for work all the time: only what found some is passed behind them."""


def plant(trigger: Trigger) -> None:
    """Put the points in place, for the whole process."""
    for name in STATEMENTS:
        _put(asyncpg.Connection, name, partial(_committing, trigger))
    _put(Producer, "send_all", partial(_sending, trigger))
    _put(Producer, "send", partial(_sending_one, trigger))
    _put(Sent, "places", partial(_acknowledged, trigger))
    _put(GroupConsumer, "commit", partial(_offsets, trigger))
    _put(aiosmtplib, "send", partial(_calling, trigger, lambda: ["smtp.send"]))
    for name, method in vars(Keycloak).copy().items():
        if inspect.iscoroutinefunction(method) and not name.startswith("_") and name != "close":
            _put(Keycloak, name, partial(_calling, trigger, partial(doing.at, f"keycloak.{name}")))
    _put(Poster, "post", partial(_calling, trigger, lambda: ["webhook.post"]))
    _put(Inbox, "handle", _noting_batch)
    _put(EventStore, "draft", _noting_draft)


def _put(owner: Any, name: str, around: Callable[[Any], Any]) -> None:
    """Put something around a function, where everybody finds it."""
    function = getattr(owner, name)
    setattr(owner, name, functools.wraps(function)(around(function)))


def _calling(trigger: Trigger, named: Callable[[], Iterable[str]], call: Call) -> Call:
    async def run(*arguments: Any, **options: Any) -> Any:
        names = list(named())
        trigger.reach(names, BEFORE)
        result = await call(*arguments, **options)
        trigger.reach(names, AFTER)
        return result

    return run


def _committing(trigger: Trigger, statement: Call) -> Call:
    """Around COMMIT, and around a statement that is a transaction of its own and writes."""

    async def run(self: asyncpg.Connection, query: str, *arguments: Any, **options: Any) -> Any:
        ends = query == "COMMIT;" or (not self.is_in_transaction() and WRITES.search(query))
        names = list(doing.names()) if ends else []
        trigger.reach((f"{name}.commit" for name in names), BEFORE)
        result = await statement(self, query, *arguments, **options)
        if result or not POLLS.intersection(names):
            trigger.reach((f"{name}.commit" for name in names), AFTER)
        return result

    return run


def _sending(trigger: Trigger, send_all: Call) -> Call:
    async def run(self: Producer, records: Any) -> Any:
        trigger.reach(["relay.send"], BEFORE)
        return await send_all(self, records)

    return run


def _acknowledged(trigger: Trigger, places: Call) -> Call:
    async def run(self: Sent) -> Any:
        found = await places(self)
        trigger.reach(["relay.send"], AFTER)
        return found

    return run


def _sending_one(trigger: Trigger, send: Call) -> Call:
    """Only heads of the chain are sent one by one."""

    async def told(future: Awaitable[Any]) -> Any:
        place = await future
        trigger.reach(["heads.send"], AFTER)
        return place

    async def run(*arguments: Any) -> Any:
        trigger.reach(["heads.send"], BEFORE)
        return asyncio.ensure_future(told(await send(*arguments)))

    return run


def _offsets(trigger: Trigger, commit: Call) -> Call:
    async def run(self: GroupConsumer, offsets: Any) -> None:
        name = f"{doing.short(self._consumer._group_id)}.offsets"
        trigger.reach([name], BEFORE)
        await commit(self, offsets)
        trigger.reach([name], AFTER)

    return run


def _noting_batch(handle: Call) -> Call:
    """Tell the points of a consumer's transaction which group it is of."""

    async def run(self: Inbox, records: Any, attempt: int) -> None:
        mark = doing.handling.set(doing.Batch(self._group, len(records)))
        try:
            await handle(self, records, attempt)
        finally:
            doing.handling.reset(mark)

    return run


def _noting_draft(draft: Callable[..., Any]) -> Callable[..., Any]:
    """Tell them what a handler appends."""

    def run(self: EventStore, stream: str, version: int, messages: Any, origin: Any) -> Any:
        batch = doing.handling.get()
        if batch is not None:
            batch.appended += [message.DESCRIPTOR.name for message in messages]
        return draft(self, stream, version, messages, origin)

    return run
