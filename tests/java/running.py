"""Compiles the Java sources of this folder and runs them, on the platform's own runtime."""

import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

from stack.artifacts import Artifacts, read_pins
from stack.java import QUICK_START, java
from stack.settings import load_settings

HERE = Path(__file__).parent
SECONDS = 60.0


async def jars(*parts: str) -> list[Path]:
    """Fetch the jars of these parts: the platform's, and those that only tests need."""
    pins = read_pins() | read_pins(HERE / "artifacts.toml")
    artifacts = Artifacts(load_settings().cache, pins)
    await artifacts.ensure(parts)
    return [path for part in parts for path in artifacts.files(part)]


async def compiled(name: str, libraries: Sequence[Path], out: Path) -> list[str]:
    """Compile `name`.java; gives the command that runs it."""
    [compiler] = await jars("compiler")
    path = _joined([out, *libraries])
    words = ["-jar", str(compiler), "-21", "-warn:none", "-cp", path, "-d", str(out)]
    _run([str(java()), *words, str(HERE / f"{name}.java")], "")
    # Logging is set to be silent: its output would stand between the answers.
    return [str(java()), *QUICK_START, "-cp", path, name]


def answers(command: Sequence[str], *arguments: str, lines: Iterable[str]) -> list[str]:
    """Run a program over lines of input; gives its lines of output."""
    return _run([*command, *arguments], "".join(f"{line}\n" for line in lines)).splitlines()


def _run(command: Sequence[str], given: str) -> str:
    done = subprocess.run(  # noqa: S603 (our own program)
        command, input=given, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _joined(paths: Iterable[Path]) -> str:
    return ":".join(map(str, paths))
