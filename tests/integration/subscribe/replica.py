"""The bridge's own process, over a topic of the test's own."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from google.protobuf.descriptor_pb2 import FileDescriptorSet

import causeway
from causeway.options.v1 import options_pb2
from tests.integration.bridge.parts import until
from tests.unit.server.conftest import ISSUER

DESCRIPTORS = Path(causeway.__path__[0]) / "descriptors.binpb"
ORDERS = "causeway/orders/v1/events.proto"


@dataclass
class Replica:
    """A process and the port that it listens on."""

    process: asyncio.subprocess.Process
    port: int

    @property
    def memory(self) -> int:
        """Bytes of its own that it has in memory."""
        return int(psutil.Process(self.process.pid).memory_info().rss)

    @property
    def processor(self) -> float:
        """Seconds of processor that it has used."""
        times = psutil.Process(self.process.pid).cpu_times()
        return float(times.user + times.system)

    def kill(self) -> None:
        """End it without a word."""
        self.process.send_signal(signal.SIGKILL)


def descriptors_on(topic: str, folder: Path) -> Path:
    """The compiled set, with the events of Orders on another topic."""
    files = FileDescriptorSet.FromString(DESCRIPTORS.read_bytes())
    for message in next(file for file in files.file if file.name == ORDERS).message_type:
        if message.options.HasExtension(options_pb2.event):
            message.options.Extensions[options_pb2.event].topic = topic
    path = folder / "descriptors.binpb"
    path.write_bytes(files.SerializeToString())
    return path


def environment(dsn: str, jwks: str, descriptors: Path) -> dict[str, str]:
    """What a bridge process is given; of the platform's parts it needs Kafka alone here."""
    kafka = {
        name.replace("_TEST", ""): value
        for name, value in os.environ.items()
        if name.startswith("CAUSEWAY_TEST_KAFKA")
    }
    return {
        **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
        **kafka,
        "CAUSEWAY_LISTEN": "127.0.0.1:0",
        "CAUSEWAY_DATABASE": dsn,
        "CAUSEWAY_DATABASES": "{}",
        "CAUSEWAY_DESCRIPTORS": str(descriptors),
        "CAUSEWAY_REGISTRY": os.environ["CAUSEWAY_TEST_REGISTRY"],
        "CAUSEWAY_ISSUER": ISSUER,
        "CAUSEWAY_JWKS": jwks,
        "CAUSEWAY_CLIENTS": "causeway-cli",
        "CAUSEWAY_SIGNING_KEY": "0123456789abcdef",
    }


@asynccontextmanager
async def replica(given: Mapping[str, str], log: Path) -> AsyncIterator[Replica]:
    """Start a process and wait until it serves; it is ended with the block."""
    with log.open("wb") as written:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bridge.api", "api", env=dict(given), stderr=written
        )
    try:
        await until(lambda: process.returncode is not None or port_in(log) > 0, 60)
        assert process.returncode is None, f"it did not start: see {log}"
        yield Replica(process, port_in(log))
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def port_in(log: Path) -> int:
    """Where the process says to listen; 0 before it does."""
    for line in log.read_text().splitlines():
        if '"server.started"' in line:
            return int(json.loads(line)["port"])
    return 0
