"""A PostgreSQL and three brokers of a run's own: it kills them, so nobody else may use them."""

import contextlib
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bridge.kafka.settings import KafkaSettings
from stack.components.postgres import superuser_dsn
from stack.credentials import load_credentials
from stack.environment import kafka_settings
from stack.identity import is_alive
from stack.journal import Record, read
from stack.run import on_leash
from stack.settings import BROKERS, Settings, load_settings
from tests import platform
from tests.integration.bridge.parts import until

OFFSET = int(os.environ.get("CAUSEWAY_TORTURE_OFFSET", "23000"))
"""All ports stay below those that systems give to outgoing connections (Linux: from 32768)."""
PARTS = ("up", "--only", "postgres,kafka")


@dataclass(frozen=True)
class Place:
    """Running parts, and the means to hurt them by process id."""

    settings: Settings
    superuser: str
    kafka: KafkaSettings

    def pid(self, part: str) -> int:
        """The process of `postgres`, `kafka-1`, … as it runs now."""
        identity = self._record().entries[part].identity
        if identity is None or not is_alive(identity):
            raise ProcessLookupError(f"{part} does not run")
        return identity.pid

    def signal(self, part: str, number: signal.Signals) -> None:
        os.kill(self.pid(part), number)

    @contextmanager
    def unsupervised(self) -> Iterator[None]:
        """What is killed meanwhile stays dead; after the block it is started again."""
        supervisor = self._record().supervisor.pid
        os.kill(supervisor, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(supervisor, signal.SIGCONT)

    async def whole(self, seconds: float = 180.0) -> None:
        """Wait until every part is there again."""
        await until(self._is_whole, seconds)

    def _is_whole(self) -> bool:
        entries = [self._record().entries[name] for name in parts()]
        return all(
            one.phase == "ready" and one.identity is not None and is_alive(one.identity)
            for one in entries
        )

    def _record(self) -> Record:
        record = read(self.settings.state)
        if record is None:
            raise FileNotFoundError("the parts were never started")
        return record


def parts() -> list[str]:
    """The names of the parts."""
    return ["postgres", *broker_names()]


def broker_names() -> list[str]:
    return [f"kafka-{number}" for number in BROKERS]


@contextmanager
def started() -> Iterator[Place]:
    """Start the parts on ports of their own; stop them and remove their data at the end.

    On a leash: however this process ends, the supervisor ends with it, and its guard ends the
    parts, also those that were stopped in the middle of a fault.
    """
    with tempfile.TemporaryDirectory(prefix=".causeway-torture-", dir=platform.ROOT) as home:
        state = Path(home) / "state"
        own = {"CAUSEWAY_STATE": str(state), "CAUSEWAY_PORT_OFFSET": str(OFFSET)}
        log = Path(home) / "up.log"
        with log.open("wb") as output:
            up = subprocess.Popen(  # noqa: S603
                on_leash([platform.CAUSEWAY, *PARTS]),
                env={**os.environ, **own},
                cwd=platform.ROOT,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            _await_running(up, state, log)
            yield _place(state)
        finally:
            _stop(up)


def _place(state: Path) -> Place:
    settings = load_settings(port={"offset": OFFSET}, state=state)
    credentials = load_credentials(state)
    admin = kafka_settings(settings, credentials, "admin")
    return Place(settings, superuser_dsn(settings, credentials), admin)


def _await_running(up: subprocess.Popen[bytes], state: Path, log: Path) -> None:
    deadline = time.monotonic() + platform.START_TIMEOUT
    while time.monotonic() < deadline:
        record = read(state)
        if record is not None and record.phase == "running":
            return
        if up.poll() is not None:
            break
        time.sleep(0.1)
    raise AssertionError(f"the parts did not start:\n{log.read_text()}")


def _stop(up: subprocess.Popen[bytes]) -> None:
    """Ask the supervisor to stop the parts; let go of the leash when it does not."""
    if up.stdin is None:
        raise RuntimeError("the leash was started without its pipe")
    up.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        up.wait(60)
    up.stdin.close()
    up.wait(30)
