"""Runs a short program to its end."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from stack.errors import Code, StackError

LEASH = Path(__file__).with_name("leash.py")
"""Stands before a program that must not outlive this process, whatever ends it."""


def on_leash(command: Sequence[str]) -> list[str]:
    """The command behind the leash; see `leash.py` for what its caller has to do."""
    return [sys.executable, "-I", "-S", str(LEASH), *command]


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
        *on_leash(command),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=environment,
        cwd=directory,
        start_new_session=True,
    )
    try:
        output = await _output(process)
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    text = output.decode(errors="replace")
    if process.returncode:
        raise StackError(
            Code.START_FAILED,
            f"{Path(command[0]).name} ended with {process.returncode} while preparing",
            "causeway up",
            detail="\n".join(text.splitlines()[-15:]),
        )
    return text


async def _output(process: asyncio.subprocess.Process) -> bytes:
    # Not `communicate`: it closes standard input at once, and that is the leash.
    if process.stdout is None:
        raise RuntimeError("the program was started without its pipe")
    text = await process.stdout.read()
    await process.wait()
    return text
