"""Three Kafka brokers, each also a controller (KRaft), with a user for every service."""

import asyncio

from stack.artifacts import Artifacts
from stack.component import Component
from stack.components.kafka_broker import Broker, Programs, cluster_id
from stack.components.kafka_probe import Login, require_serving
from stack.credentials import Credentials
from stack.java import START_LIMIT
from stack.settings import BROKERS, Settings


def kafka(
    settings: Settings, credentials: Credentials, artifacts: Artifacts
) -> tuple[Component, ...]:
    """The brokers `kafka-1`, `kafka-2`, `kafka-3`. Ready when each is part of the cluster."""
    programs = Programs(artifacts, settings.cache)
    # The brokers of a first start share one training run.
    trained = asyncio.Lock()
    return tuple(
        _component(broker, settings, credentials, programs, trained)
        for broker in _brokers(settings)
    )


def _brokers(settings: Settings) -> list[Broker]:
    controllers = dict(zip(BROKERS, settings.port.controllers(), strict=True))
    return [
        Broker(number, port, controllers, settings.state / "kafka" / str(number))
        for number, port in zip(BROKERS, settings.port.brokers(), strict=True)
    ]


def _component(
    broker: Broker,
    settings: Settings,
    credentials: Credentials,
    programs: Programs,
    trained: asyncio.Lock,
) -> Component:
    home = settings.state / "kafka"
    login = Login(broker.port, "admin", credentials["kafka/admin"])

    async def prepare() -> None:
        async with trained:
            await programs.train(home / "training", credentials)
        await programs.format(broker, cluster_id(home), credentials)

    async def ready() -> None:
        await require_serving(login, broker.number)

    number = broker.number
    return Component(
        name=f"kafka-{number}",
        command=programs.start(broker),
        ready=ready,
        prepare=prepare,
        ports={
            f"kafka_{number}": broker.port,
            f"kafka_controller_{number}": broker.controllers[number],
        },
        stop_timeout=15.0,
        start_timeout=START_LIMIT,
        directory=broker.directory,
    )
