"""One Kafka broker's files and command lines.

The jars come from a Maven repository and run on the wheel's Java; no script of Kafka's own
distribution is involved.
"""

import base64
import shutil
import socket
import uuid
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from stack.artifacts import Artifacts
from stack.components.kafka_probe import Login, require_serving
from stack.credentials import KAFKA_USERS, Credentials, write_secret
from stack.java import QUICK_START, AotCache, java, scratch
from stack.run import run

LOGGING = Path(__file__).with_name("log4j2.xml")
HEAP = ("-Xms64m", "-Xmx320m")

# What people and the design rely on; docker-compose.yml sets the same.
BROKER_SETTINGS = {
    "auto.create.topics.enable": "false",
    "default.replication.factor": "3",
    "min.insync.replicas": "2",
    "num.partitions": "3",
    "log.retention.ms": "-1",
    "unclean.leader.election.enable": "false",
    "offsets.topic.replication.factor": "3",
    "transaction.state.log.replication.factor": "3",
    "transaction.state.log.min.isr": "2",
    "share.coordinator.state.topic.replication.factor": "3",
    "share.coordinator.state.topic.min.isr": "2",
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "allow.everyone.if.no.acl.found": "false",
    "super.users": "User:broker;User:admin",
    # A group starts at once; a dead broker or member is noticed within seconds.
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "1000",
    "broker.heartbeat.interval.ms": "1000",
    "broker.session.timeout.ms": "5000",
    # After a restart the broker that was there first leads everything; give the rest back.
    "leader.imbalance.check.interval.seconds": "5",
    "leader.imbalance.per.broker.percentage": "0",
}

# Sizes for a small machine: the defaults are for a server with many cores and disks.
SMALL = {
    "num.network.threads": "2",
    "num.io.threads": "4",
    "num.replica.fetchers": "1",
    "background.threads": "2",
    "log.cleaner.dedupe.buffer.size": "4194304",
    "offsets.topic.num.partitions": "6",
    "transaction.state.log.num.partitions": "6",
    "share.coordinator.state.topic.num.partitions": "3",
    "metric.reporters": "",
}

LISTENERS = ("clients", "controller")
PLAIN = "org.apache.kafka.common.security.plain.PlainLoginModule"


@dataclass(frozen=True, slots=True)
class Broker:
    """One broker, also a controller. `controllers` maps every broker's number to its port."""

    number: int
    port: int
    controllers: Mapping[int, int]
    directory: Path

    @property
    def properties(self) -> Path:
        """Its settings file; holds passwords."""
        return self.directory / "server.properties"

    @property
    def data(self) -> Path:
        """Its log directory."""
        return self.directory / "data"


class Programs:
    """The Java command lines of Kafka."""

    def __init__(self, artifacts: Artifacts, cache: Path) -> None:
        self._jars = [str(jar) for jar in artifacts.files("kafka")]
        self._cache = cache

    def start(self, broker: Broker) -> tuple[str, ...]:
        """The command that runs the broker."""
        return self._broker(broker, self._aot.use())

    async def format(self, broker: Broker, cluster: str, credentials: Credentials) -> None:
        """Write the broker's settings, and its empty storage if it has none."""
        (broker.directory / "tmp").mkdir(parents=True, exist_ok=True)
        write_secret(broker.properties, properties(broker, credentials))
        if not (broker.data / "meta.properties").exists():
            # A half-formatted directory holds no record yet.
            shutil.rmtree(broker.data, ignore_errors=True)
            arguments = ("format", f"--cluster-id={cluster}", "-c", str(broker.properties))
            await run([*self._java((), "kafka.tools.StorageTool"), *arguments])

    async def train(self, directory: Path, credentials: Credentials) -> None:
        """Make the brokers' ahead-of-time cache, on a cluster of one that then goes away.

        `directory` is that cluster's, for this alone.
        """
        shutil.rmtree(directory, ignore_errors=True)  # what a killed start left
        if not self._aot.due():
            return
        port, controller = free_ports(2)
        broker = Broker(1, port, {1: controller}, directory)
        try:
            await self.format(broker, cluster_id(directory), credentials)
            login = Login(port, "admin", credentials["kafka/admin"])
            await self._aot.train(
                lambda flags: self._broker(broker, flags),
                lambda: require_serving(login, 1),
                directory=broker.directory,
            )
        finally:
            shutil.rmtree(directory, ignore_errors=True)

    def _broker(self, broker: Broker, flags: tuple[str, ...]) -> tuple[str, ...]:
        own = (*flags, *HEAP, scratch(broker.directory))
        return (*self._java(own, "kafka.Kafka"), str(broker.properties))

    def _java(self, flags: tuple[str, ...], main: str) -> tuple[str, ...]:
        return (str(java()), *flags, *self._fixed, main)

    @cached_property
    def _fixed(self) -> tuple[str, ...]:
        logging = f"-Dlog4j2.configurationFile={LOGGING.as_uri()}"
        return (*QUICK_START, logging, "-cp", ":".join(self._jars))

    @cached_property
    def _aot(self) -> AotCache:
        return AotCache(self._cache, "kafka", (*HEAP, *QUICK_START, *self._jars))


def properties(broker: Broker, credentials: Credentials) -> str:
    """The broker's settings, in Java's properties format. All listeners ask for a user."""
    addresses = {"clients": broker.port, "controller": broker.controllers[broker.number]}
    rows = {
        "process.roles": "broker,controller",
        "node.id": str(broker.number),
        "log.dirs": str(broker.data),
        "controller.quorum.voters": ",".join(
            f"{number}@127.0.0.1:{port}" for number, port in broker.controllers.items()
        ),
        "listeners": ",".join(
            f"{name.upper()}://127.0.0.1:{port}" for name, port in addresses.items()
        ),
        "listener.security.protocol.map": ",".join(
            f"{name.upper()}:SASL_PLAINTEXT" for name in LISTENERS
        ),
        "inter.broker.listener.name": "CLIENTS",
        "controller.listener.names": "CONTROLLER",
        "sasl.mechanism.inter.broker.protocol": "PLAIN",
        "sasl.mechanism.controller.protocol": "PLAIN",
        "sasl.enabled.mechanisms": "PLAIN",
        **{
            f"listener.name.{name}.plain.sasl.jaas.config": _users(credentials)
            for name in LISTENERS
        },
        **BROKER_SETTINGS,
        **SMALL,
    }
    return "".join(f"{name}={_escape(value)}\n" for name, value in rows.items())


def _users(credentials: Credentials) -> str:
    """The users that a listener knows, and who this broker is when it calls another."""
    own = credentials["kafka/broker"]
    known = [f'user_{name}="{credentials[f"kafka/{name}"]}"' for name in ("broker", *KAFKA_USERS)]
    return f'{PLAIN} required username="broker" password="{own}" {" ".join(known)};'


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\")


def cluster_id(directory: Path) -> str:
    """The cluster's id, made at the first call and kept in `directory`."""
    path = directory / "cluster.id"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_secret(path, new_cluster_id())
    return path.read_text("utf-8")


def new_cluster_id() -> str:
    """16 random bytes as Kafka writes them (URL-safe base64, 22 characters).

    Like Kafka's own, it never begins with "-", which programs take for an option.
    """
    while True:
        text = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        if not text.startswith("-"):
            return text


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on at this moment."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
