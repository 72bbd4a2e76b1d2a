"""A test bench: backends as processes, an issuer, and as many real Envoys as a test asks for."""

import base64
import json
import os
import shutil
import signal
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import grpc
import httpx
from envoy.config.bootstrap.v3.bootstrap_pb2 import Bootstrap
from envoy.extensions.transport_sockets.tls.v3.tls_pb2 import DownstreamTlsContext

from gateway.deployments import Address, Deployment, Tls
from gateway.envoy import files, tls
from gateway.envoy.edge import BOOTSTRAP, Edge, emit
from gateway.model import Model
from stack.failures import is_watched_out
from stack.provision.certificates import provide_certificates
from tests.integration.edge.issuer import Issuer
from tests.ports import free_port

HOST = "127.0.0.1"
_NO_TLS = ssl.create_default_context()  # shared: httpx else makes one for each client, in 20 ms
_AUTHORITY = "authority"
UNWATCHED = "bootstrap.pb"
"""Binary: Python writes JSON of this size for half a second."""
ORIGIN = "http://localhost:3000"
ALWAYS_CONTENT = Path(shutil.which("true") or "true")
BACKEND = Path(__file__).with_name("backend.py")


@dataclass(frozen=True)
class Running:
    """One real Envoy."""

    root: Path
    edge: Edge
    process: subprocess.Popen[bytes]

    @property
    def deployment(self) -> Deployment:
        return self.edge.deployment

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.deployment.listen.port}"

    @property
    def tls_port(self) -> int:
        assert self.deployment.tls
        return self.deployment.tls.listen.port

    @property
    def authority(self) -> Path:
        """The certificate that a client has to trust, alone."""
        return self.root / _AUTHORITY / "ca.pem"

    def publish(self, edge: Edge) -> None:
        files.publish(self.root, edge)

    def stats(self, contains: str) -> dict[str, int]:
        admin = self.deployment.admin
        answer = httpx.get(
            f"http://{HOST}:{admin.port}/stats", params={"format": "json", "filter": contains}
        )
        return {one["name"]: one.get("value", 0) for one in answer.json()["stats"] if "name" in one}

    def rest(self, verb: str, path: str, token: str = "", **more: Any) -> httpx.Response:
        headers = more.pop("headers", {})
        if token:
            headers = {"authorization": f"Bearer {token}", **headers}
        with httpx.Client(timeout=20, verify=_NO_TLS) as client:
            return client.request(verb, self.url + path, headers=headers, **more)

    @contextmanager
    def channel(self) -> Iterator[grpc.Channel]:
        with grpc.insecure_channel(f"{HOST}:{self.deployment.listen.port}") as channel:
            yield channel

    def grpc(self, path: str, request: bytes = b"", token: str = "", **headers: str) -> "Answer":
        """A unary call with raw bytes; in header names `_` stands for a dash."""
        metadata = [(name.replace("_", "-"), value) for name, value in headers.items()]
        if token:
            metadata.append(("authorization", f"Bearer {token}"))
        with self.channel() as channel:
            call = channel.unary_unary(path, lambda b: b, lambda b: b)
            try:
                body, done = call.with_call(request, metadata=tuple(metadata), timeout=15)
            except grpc.RpcError as error:
                return _answer(error)
            return _answer(done, body)


@dataclass(frozen=True)
class Answer:
    code: grpc.StatusCode
    message: str
    body: bytes
    headers: dict[str, str]


def _answer(call: Any, body: bytes = b"") -> Answer:
    """From a finished call; gRPC's errors are calls too, which its types do not say."""
    return Answer(call.code(), call.details() or "", body, dict(call.initial_metadata()))


def code_of(error: Any) -> grpc.StatusCode:
    """The status that gRPC raised."""
    found: grpc.StatusCode = error.code()
    return found


def seen(headers: Any) -> dict[str, str]:
    """What reached the backend."""
    return dict(json.loads(base64.b64decode(headers["x-seen"])))


@contextmanager
def backend(port: int | None = None) -> Iterator["Replica"]:
    address = f"{HOST}:{port or free_port()}"
    process = subprocess.Popen(  # noqa: S603 (our own program)
        [sys.executable, str(BACKEND), address], stdout=subprocess.PIPE
    )
    try:
        assert process.stdout
        assert process.stdout.readline() == b"ready\n"
        yield Replica(Address(HOST, int(address.rpartition(":")[2])), process)
    finally:
        _end(process)
        if process.stdout:
            process.stdout.close()


@dataclass(frozen=True)
class Replica:
    address: Address
    process: subprocess.Popen[bytes]

    def kill(self) -> None:
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()


def deployment_of(
    model: Model, root: Path, issuer: Issuer, replicas: list[Replica], **more: Any
) -> Deployment:
    addresses = tuple(replica.address for replica in replicas)
    certificates = root / _AUTHORITY / "tls"
    return replace(
        Deployment(
            root=str(root),
            listen=Address(HOST, free_port()),
            admin=Address(HOST, free_port()),
            clusters=dict.fromkeys(model.areas, addresses),
            issuer=issuer.issuer,
            keycloak=Address(HOST, issuer.port),
            origins=(ORIGIN,),
            tls=Tls(Address(HOST, free_port()), str(certificates)),
        ),
        **more,
    )


@contextmanager
def running(
    model: Model,
    deployment: Deployment,
    change: Callable[[Edge], Edge] = lambda edge: edge,
    awaited: str = "/readyz",
    *,
    watching: bool = True,
) -> Iterator[Running]:
    """Start and await one Envoy; `change` takes a remedy away to see that it bites.

    Envoy is there when the path `awaited` answers with 200. One that is not `watching` has all in
    one file: nothing can be published to it, and it holds none of a user's 128 inotify instances,
    of which a watching one holds 20.
    """
    root = Path(deployment.root)
    bootstrap = root / (BOOTSTRAP if watching else UNWATCHED)
    edge = change(emit(model, deployment))
    if deployment.tls:
        certify(deployment)
    if watching:
        # Not validated beforehand: it takes as long as the start, which would fail just the same.
        files.publish(root, edge, envoy=ALWAYS_CONTENT)
    else:
        root.mkdir(parents=True, exist_ok=True)
        bootstrap.write_bytes(unwatched(edge).SerializeToString())
    command = files.command(root, threads=1)
    with (root / "envoy.log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 (our own program)
            [str(bootstrap) if word == str(root / BOOTSTRAP) else word for word in command],
            stdout=log,
            stderr=log,
        )
        try:
            _await_ready(f"http://{HOST}:{deployment.listen.port}{awaited}", process, root)
            yield Running(root, edge, process)
        finally:
            _end(process)


def unwatched(edge: Edge) -> Bootstrap:
    """The edge as one bootstrap: as it is validated, but with its own sockets and certificate."""
    whole = edge.whole()
    for listener, written in zip(edge.listeners, whole.static_resources.listeners, strict=True):
        chain = listener.filter_chains[0]
        if chain.HasField("transport_socket"):
            assert edge.deployment.tls
            context = DownstreamTlsContext()
            chain.transport_socket.typed_config.Unpack(context)
            common = context.common_tls_context
            common.ClearField("tls_certificate_sds_secret_configs")
            certificate = common.tls_certificates.add()
            certificate.CopyFrom(tls.secret(edge.deployment.tls).tls_certificate)
            certificate.ClearField("watched_directory")
            socket = written.filter_chains[0].transport_socket
            socket.CopyFrom(chain.transport_socket)
            socket.typed_config.Pack(context)
    return whole


def certify(deployment: Deployment, now: datetime | None = None) -> None:
    """Provide what the edge shows over TLS; `now` is what the clock says."""
    assert deployment.tls
    state = Path(deployment.root) / _AUTHORITY
    provide_certificates(state, Path(deployment.tls.folder), deployment.domains, now)


def _await_ready(url: str, process: subprocess.Popen[bytes], root: Path) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    log = (root / "envoy.log").read_text(errors="replace")
    if is_watched_out(log):
        raise AssertionError(
            "no inotify instance is left for another Envoy, which takes about 20: end other tests "
            "or platforms, or see `sysctl fs.inotify.max_user_instances`"
        )
    raise AssertionError(log[-3000:])


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def until(condition: Callable[[], bool], seconds: float = 30.0) -> bool:
    """Whether the condition came true in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return condition()
