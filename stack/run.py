"""Runs a short program to its end."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

from stack.errors import Code, StackError


async def run(
    command: Sequence[str],
    environment: Mapping[str, str] | None = None,
    directory: Path | None = None,
) -> str:
    """What it printed. `environment` None means this process's own.

    Raises StackError START_FAILED with the end of its output when it fails; ends it when the
    caller is cancelled.
    """
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=environment,
        cwd=directory,
    )
    try:
        output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    text = output.decode(errors="replace")
    if process.returncode:
        raise StackError(
            Code.START_FAILED,
            f"{Path(command[0]).name} ended with {process.returncode} while preparing",
            "causeway up",
            detail="\n".join(text.splitlines()[-15:]),
        )
    return text
