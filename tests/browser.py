"""A headless Chromium, driven over its own protocol on a pair of pipes.

The protocol: https://chromedevtools.github.io/devtools-protocol/, one JSON message before each NUL.
"""

import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

NAMES = ("chromium", "chromium-browser", "chromium-headless-shell", "google-chrome", "chrome")
MAC = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
# Nothing of its own on the network, and no sandbox where root starts it, as in a container.
FLAGS = (
    "--headless",
    "--remote-debugging-pipe",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)
PIPES = 'exec "$@" 3<&0 4>&1 0</dev/null 1>&2'
"""Chromium reads from file 3 and writes to file 4."""


def find() -> str | None:
    """The program: CAUSEWAY_TEST_BROWSER, or one that is installed."""
    named = os.environ.get("CAUSEWAY_TEST_BROWSER")
    return named or next(filter(None, map(shutil.which, (*NAMES, MAC))), None)


class Page:
    """One page; `events` are those that the browser told of while it was asked."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process
        self._number = 0
        self._session = ""
        self.events: list[dict[str, Any]] = []

    def attach(self) -> None:
        """Take the first page, and have it tell of its console and its requests."""
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        attached = self.ask("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.ask(f"{domain}.enable")

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """One command and its result."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        assert self._process.stdin
        self._process.stdin.write(json.dumps(message).encode() + b"\0")
        self._process.stdin.flush()
        while (told := self._read()).get("id") != self._number:
            self.events.append(told)
        assert "error" not in told, told
        result: dict[str, Any] = told["result"]
        return result

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout
        text = bytearray()
        while (byte := self._process.stdout.read(1)) != b"\0":
            assert byte, f"the browser ended with {self._process.wait()}"
            text += byte
        told: dict[str, Any] = json.loads(text)
        return told

    def run(self, script: str) -> Any:
        """The value of an expression in the page; a promise is awaited."""
        options = {"expression": script, "awaitPromise": True, "returnByValue": True}
        answer = self.ask("Runtime.evaluate", **options)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def until(self, script: str, seconds: float = 20.0) -> Any:
        """The value of an expression once it is true."""
        deadline = time.monotonic() + seconds
        while not (value := self.run(script)):
            assert time.monotonic() < deadline, f"{script}: not within {seconds} s; " + self.text()
            time.sleep(0.05)
        return value

    def text(self) -> str:
        """What a person would read."""
        words: str = self.run("document.body.innerText")
        return words


@contextmanager
def browsing(program: str, *flags: str) -> Iterator[Page]:
    """An empty page of a browser with a profile of its own, which is gone afterwards."""
    sandbox = ("--no-sandbox",) if os.geteuid() == 0 else ()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        own = (*FLAGS, *sandbox, *flags, f"--user-data-dir={profile}")
        process = subprocess.Popen(  # noqa: S603
            ["/bin/sh", "-c", PIPES, "sh", program, *own],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        try:
            page = Page(process)
            page.attach()
            yield page
        finally:
            process.terminate()
            process.communicate(timeout=20)
