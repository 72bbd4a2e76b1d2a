"""Runs `flow.py` beside a test, and knows what it counts."""

import json
import subprocess
import sys
import threading
from pathlib import Path

from tests.integration.edge import bench
from tests.integration.edge.bench import HOST, Running

FLOW = Path(__file__).with_name("flow.py")
RATE = 200
STREAMS = 50


class Traffic:
    """`with Traffic(edge, token, messages=(6, 12)) as traffic:`; messages come two a second."""

    def __init__(self, edge: Running, token: str, messages: tuple[int, int]) -> None:
        address = f"{HOST}:{edge.deployment.listen.port}"
        self._command = [sys.executable, str(FLOW), address, token, *map(str, messages)]
        self.calls, self.streams, self.open, self.seconds = 0, 0, 0, 0.0
        self.failures: list[str] = []

    def __enter__(self) -> "Traffic":
        self._process = subprocess.Popen(  # noqa: S603 (our own program)
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        if not bench.until(self._flows, 90):
            told = f"{self.open} of {self.streams} streams, {self.calls} calls, {self.failures}"
            self.__exit__()
            raise AssertionError(told)
        return self

    def _flows(self) -> bool:
        # Not all at once: on a busy machine the first have ended before the last begin.
        return self.open > 0 and self.open + self.streams >= STREAMS and self.calls > RATE

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        try:
            self._process.wait(60)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise
        finally:
            self._reader.join()
            self._process.stdout.close()

    def go_on(self, seconds: float) -> None:
        """Let it flow; returns when as many calls were answered as belong to that time."""
        wanted = self.calls + int(RATE * seconds)
        assert bench.until(lambda: self.calls >= wanted or bool(self.failures), 10 * seconds + 60)

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            for name, value in json.loads(line).items():
                setattr(self, name, value)
