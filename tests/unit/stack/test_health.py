"""`status` tells the busy from the silent."""

import os
import time
from dataclasses import replace

import anyio

from stack.health import look
from stack.identity import Identity, birth_of
from stack.journal import Entry, Record
from tests.unit.stack.platforms import sleeper


async def test_a_component_that_answers_after_some_seconds_is_up() -> None:
    async def slowly() -> None:
        await anyio.sleep(2.1)

    me = Identity(os.getpid(), birth_of(os.getpid()) or "", "run")
    entry = Entry("busy", "component", "ready", identity=me, started=time.time())
    busy = replace(sleeper("busy"), ready=slowly)
    [seen] = await look([busy], Record(supervisor=me, entries={"busy": entry}))
    assert (seen.up, seen.phase, seen.reason) == (True, "ready", "")
