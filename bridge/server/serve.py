"""Composes a server from servicers, runs it until SIGTERM, and drains it.

Order of the steps, first is outermost: errors → open calls → drain → auth → the deactivated → roles
→ the subject's open streams → time limit → decoding and rules (but for a handler that
`checks_itself`) → owner → signs of life → the servicer. With traces on, OpenTelemetry's interceptor
stands around them.
"""

import asyncio
import signal
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import grpc.aio

from bridge import logs, telemetry
from bridge.errors import CausewayError
from bridge.server.access import check_owner, check_roles
from bridge.server.admission import Admission
from bridge.server.auth import Verifier, auth_step
from bridge.server.background import Background, Tasks
from bridge.server.barred import Barred
from bridge.server.call import Step
from bridge.server.deadline import TimeLimit
from bridge.server.drain import Drain
from bridge.server.errors import Translate, error_step
from bridge.server.health import Health, Probe
from bridge.server.heartbeat import heartbeat_step
from bridge.server.keys import KeySet
from bridge.server.methods import HEALTH, REFLECTION, Method, methods_of, restricted
from bridge.server.pipeline import Routes, RpcHandler, StepsOf, handlers_of
from bridge.server.reflection import own_surface, reflection_methods
from bridge.server.settings import ServerSettings
from bridge.server.validation import validate

if TYPE_CHECKING:
    from bridge.server.deactivations import Deactivations  # and Kafka's client with it

MAX_METADATA = 16 * 1024
MAX_RESPONSE = 4 * 1024 * 1024
PING_INTERVAL_MS = 10_000
"""Of a quiet connection, at the least: the client and the edge ping every 30 s."""


def untranslated(_error: Exception) -> CausewayError | None:
    """Know no library's errors."""
    return None


def options(settings: ServerSettings, methods: Mapping[str, Mapping[str, Method]]) -> list[Any]:
    """Limits of the transport; the largest request of any method bounds them all."""
    largest = max(m.max_request_bytes for table in methods.values() for m in table.values())
    return [
        ("grpc.max_receive_message_length", largest),
        ("grpc.max_send_message_length", MAX_RESPONSE),
        ("grpc.max_concurrent_streams", settings.max_concurrent_streams),
        ("grpc.max_metadata_size", MAX_METADATA),
        ("grpc.absolute_max_metadata_size", MAX_METADATA),
        # Dead peers are found, and peers that ping more often than they may are sent away.
        ("grpc.keepalive_time_ms", 30_000),
        ("grpc.keepalive_timeout_ms", 10_000),
        ("grpc.keepalive_permit_without_calls", 1),
        # GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS is spelled without `recv`, and an
        # unknown name is passed over: https://github.com/grpc/grpc/blob/master/include/grpc/impl/channel_arg_names.h
        ("grpc.http2.min_ping_interval_without_data_ms", PING_INTERVAL_MS),
        ("grpc.http2.max_ping_strikes", 2),
        # Two processes on one port would share its calls in silence.
        ("grpc.so_reuseport", 0),
    ]


class Server:
    """One process's server: gRPC, health, reflection and background tasks."""

    def __init__(
        self,
        servicers: Mapping[str, Any],
        settings: ServerSettings,
        *,
        ready: Mapping[str, Probe] | None = None,
        background: Sequence[Background] = (),
        reflection: Any = None,
        translate: Translate = untranslated,
        deactivations: "Deactivations | None" = None,
    ) -> None:
        self._settings = settings
        self._drain, self.tasks = Drain(), Tasks()
        self._keys = KeySet(settings.jwks)
        probes = {"keys": self._keys.require, **(ready or {})}
        self._barred = Barred(settings.token_life)
        if deactivations is not None:
            self._barred = deactivations.barred
            probes["deactivations"] = deactivations.ready
            background = (*background, deactivations.run)
        self.health = Health(servicers, probes)
        self._background = (self._keys.run, self.health.run, *background)
        answering = reflection or own_surface(servicers)
        everything = {
            **servicers,
            HEALTH: self.health.servicer,
            **dict.fromkeys(REFLECTION, answering),
        }
        self._grpc = self._compose(everything, self._steps(translate))
        self.port = 0

    def _steps(self, translate: Translate) -> StepsOf:
        admission = Admission(self._settings)
        beat = heartbeat_step(self._settings.heartbeat)
        of_streams: list[Step] = [
            error_step(translate),
            admission.process_step,
            self._drain.step,
            auth_step(Verifier(self._keys, self._settings)),
            self._barred.step,
            check_roles,
            admission.subject_step,
            TimeLimit().step,
            validate,
            check_owner,
            beat,
        ]
        # The first two would end and count a unary call as a stream; the last has nothing to do.
        of_streams_alone = {self._drain.step, admission.subject_step, beat}
        of_unary = [step for step in of_streams if step not in of_streams_alone]
        return lambda method: of_streams if method.streaming else of_unary

    def _compose(self, servicers: Mapping[str, Any], steps: StepsOf) -> grpc.aio.Server:
        roles = self._settings.reflection_roles
        methods = {name: restricted(table, roles) for name, table in reflection_methods().items()}
        methods |= {name: methods_of(name) for name in servicers if name not in methods}
        server = grpc.aio.server(
            interceptors=telemetry.server_interceptors(),
            options=options(self._settings, methods),
        )
        handlers = dict[str, RpcHandler]()
        for name, servicer in servicers.items():
            handlers |= handlers_of(servicer, methods[name], steps)
        server.add_generic_rpc_handlers((Routes(handlers, steps),))
        return server

    async def start(self, listen: str) -> None:
        """Open the port ("host:port"; port 0 takes a free one) and start the background tasks.

        Raises RuntimeError where the port is taken.
        """
        await self.health.begin()
        self.port = self._grpc.add_insecure_port(listen)
        await self._grpc.start()
        self.tasks.start(self._background)
        logs.info("server.started", listen=listen, port=self.port)

    async def drain(self) -> None:
        """Stop in order: say so, let balancers see it, end the streams, let running calls end."""
        await self.health.drain()
        await asyncio.sleep(self._settings.drain_delay)
        streams = self._drain.begin()
        logs.info("server.draining", streams=streams)
        await self._grpc.stop(self._settings.drain_grace)
        await self.tasks.finish(self._settings.drain_grace)
        logs.info("server.stopped")


async def serve(
    listen: str,
    servicers: Mapping[str, Any],
    settings: ServerSettings,
    ready: Mapping[str, Probe] | None = None,
    background: Sequence[Background] = (),
    *,
    reflection: Any = None,
    translate: Translate = untranslated,
    deactivations: "Deactivations | None" = None,
) -> None:
    """Serve until SIGTERM or SIGINT, then drain.

    `servicers` maps full service names to servicer objects; `ready` names probes that raise while
    something is missing; `background` tasks get an event that tells them to stop. `reflection`
    replaces the description of the process's own services; `translate` gives the errors of a
    library (a database driver's) a meaning; `deactivations` says whose tokens count no more. Raises
    what a background task failed with.
    """
    server = Server(
        servicers,
        settings,
        ready=ready,
        background=background,
        reflection=reflection,
        translate=translate,
        deactivations=deactivations,
    )
    told = signalled()
    await server.start(listen)
    await first_of(told, server.tasks.failed)
    await server.drain()
    if server.tasks.error is not None:
        raise server.tasks.error


def signalled() -> asyncio.Event:
    """Return the event that SIGTERM and SIGINT set from now on."""
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    return told


async def first_of(*events: asyncio.Event) -> None:
    """Wait until one of the events is set."""
    waiting = [asyncio.create_task(event.wait()) for event in events]
    _, rest = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    for task in rest:
        task.cancel()
