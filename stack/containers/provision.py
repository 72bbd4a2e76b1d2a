"""Runs steps of the local platform's start against containers, and ends.

    python -m stack.containers.provision topics schemas realm

CAUSEWAY_FORWARD says where the parts are (see `forward`), CAUSEWAY_SECRET_* what their passwords
are (see `secrets`). Safe to repeat: a step leaves what is already there.
"""

import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from gateway.deployments import container
from stack.choices import Choices
from stack.component import Task
from stack.containers.forward import forwarding, parse
from stack.containers.secrets import credentials
from stack.errors import Code, StackError
from stack.settings import Settings, load_settings
from stack.steps import steps


def chosen(names: Sequence[str], settings: Settings) -> list[Task]:
    """The named steps, in the order of the names. Raises StackError for an unknown one."""
    domains = container().domains
    given = credentials(os.environ)
    known = {task.name: task for task in steps(settings, given, Choices(), domains)}
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        raise StackError(
            Code.SETTING_INVALID,
            f"no such step: {', '.join(unknown) or '(none named)'}",
            f"one or more of {' '.join(known)}",
            usage=True,
        )
    return [known[name] for name in names]


async def provide(tasks: Sequence[Task], forward: str) -> None:
    """Run the steps one after the other, each within its own time."""
    async with forwarding(parse(forward)):
        for task in tasks:
            async with asyncio.timeout(task.timeout):
                await task.run()
            print(f"{task.name}: done", flush=True)  # noqa: T201 (the container's log)


def main(names: Sequence[str]) -> int:
    """0 done, 1 failed, 2 usage."""
    try:
        state = Path(os.environ.get("CAUSEWAY_STATE", "/tmp/causeway"))  # noqa: S108 (a tmpfs)
        tasks = chosen(names, load_settings(state=state))
        asyncio.run(provide(tasks, os.environ.get("CAUSEWAY_FORWARD", "")))
    except StackError as error:
        sys.stderr.write(f"{error}\n")
        return 2 if error.usage else 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
