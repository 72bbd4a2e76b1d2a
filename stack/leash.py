"""Runs a program that must not outlive its caller: `python leash.py PROGRAM ARGUMENT…`.

Standard input is a pipe whose other end only the caller has. When that end closes, by whatever
death, the whole process group is killed. SIGTERM is passed on to the program alone. The caller
starts this file in a session of its own; it imports the standard library alone.
"""

import os
import signal
import subprocess
import sys
import threading


def main() -> None:
    """Start the program, hold the leash, end with the program's exit code."""
    asked: list[int] = []
    forward = asked.append
    # Before the program: it may be asked to end before we know its number.
    signal.signal(signal.SIGTERM, lambda number, _: forward(number))
    program = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)  # noqa: S603
    forward = program.send_signal
    for number in asked:
        program.send_signal(number)
    threading.Thread(target=_hold, daemon=True).start()
    sys.exit(program.wait())


def _hold() -> None:
    # Not sys.stdin: its lock would be taken when the interpreter ends.
    while os.read(0, 1):
        pass
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main()
