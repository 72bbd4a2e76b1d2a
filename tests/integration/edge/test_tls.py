"""The edge over TLS: the same calls, from who trusts our authority and nobody else."""

import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from datetime import UTC, datetime, timedelta

import grpc
import httpx
import pytest

from causeway.orders.v1.order_service_pb2 import GetOrderRequest, Order
from gateway.deployments import Limits
from stack.certificates import LIFE, RENEWED_BEFORE
from tests.integration.edge import bench
from tests.integration.edge.bench import HOST, Running, code_of, until
from tests.integration.edge.conftest import Start
from tests.integration.edge.wire import answer, get, raw, status

GET = "/causeway.orders.v1.OrderService/GetOrder"
HSTS = "strict-transport-security"


def trusting(edge: Running) -> ssl.SSLContext:
    """A client that knows our authority alone."""
    return ssl.create_default_context(cafile=str(edge.authority))


@contextmanager
def connected(
    edge: Running, context: ssl.SSLContext, host: str = "localhost"
) -> Iterator[ssl.SSLSocket]:
    with (
        socket.create_connection((HOST, edge.tls_port), 5) as plain,
        context.wrap_socket(plain, server_hostname=host) as secure,
    ):
        yield secure


def over_tls(edge: Running, request: bytes, context: ssl.SSLContext | None = None) -> bytes:
    with connected(edge, context or trusting(edge)) as connection:
        connection.sendall(request)
        return answer(connection)


def serial(edge: Running) -> int:
    """Which certificate is shown to a new connection."""
    with connected(edge, trusting(edge)) as connection:
        found = connection.getpeercert()
    assert found
    return int(str(found["serialNumber"]), 16)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1"])
def test_the_certificate_is_good_for_each_name_of_the_edge(edge: Running, host: str) -> None:
    with connected(edge, trusting(edge), host) as connection:
        assert connection.version() == "TLSv1.3"


def test_the_certificate_is_good_for_no_other_name_and_only_with_our_authority(
    edge: Running,
) -> None:
    for context, host in (
        (trusting(edge), "example.com"),
        (ssl.create_default_context(), "localhost"),
    ):
        with pytest.raises(ssl.SSLCertVerificationError), connected(edge, context, host):
            pass


@pytest.mark.parametrize(
    ("version", "taken"),
    [
        (ssl.TLSVersion.TLSv1_1, False),
        (ssl.TLSVersion.TLSv1_2, True),
        (ssl.TLSVersion.TLSv1_3, True),
    ],
)
def test_nothing_older_than_tls_1_2_is_spoken(
    edge: Running, version: ssl.TLSVersion, taken: bool
) -> None:
    context = trusting(edge)
    context.set_ciphers("DEFAULT@SECLEVEL=0")  # the client itself would refuse 1.1
    old = version is ssl.TLSVersion.TLSv1_1
    with pytest.warns(DeprecationWarning, match="deprecated") if old else nullcontext():
        context.minimum_version = context.maximum_version = version
    if taken:
        with connected(edge, context) as connection:
            assert connection.version() == version.name.replace("_", ".")
    else:
        with pytest.raises(ssl.SSLError, match=r"(?i)version"), connected(edge, context):
            pass


@pytest.mark.parametrize("cipher", ["AES128-SHA", "ECDHE-ECDSA-AES128-SHA", "AES128-GCM-SHA256"])
def test_no_cipher_without_forward_secrecy_or_with_cbc_is_spoken(
    edge: Running, cipher: str
) -> None:
    context = trusting(edge)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(f"{cipher}:@SECLEVEL=0")
    with pytest.raises(ssl.SSLError), connected(edge, context):
        pass


def test_plain_http_gets_no_answer_on_the_port_for_tls(edge: Running) -> None:
    with socket.create_connection((HOST, edge.tls_port), 5) as connection:
        connection.sendall(get("/healthz"))
        with suppress(ConnectionResetError):
            assert connection.recv(65536) == b""


@pytest.mark.parametrize(
    ("path", "wanted", "headers"),
    [
        ("/healthz", 200, ()),
        ("/v1/orders/7", 401, ()),
        ("/v1/nothing", 401, ()),
        ("/v1/orders%2f7", 400, ()),
        ("/v1/orders/7", 400, ("x_y: 1",)),
        ("/v1/orders/7", 431, (f"x-h: {'x' * 20_000}",)),
    ],
)
def test_every_answer_over_tls_asks_for_tls_and_none_without_it_does(
    edge: Running, path: str, wanted: int, headers: tuple[str, ...]
) -> None:
    for received, told in (
        (over_tls(edge, get(path, "", *headers)), True),
        (raw(edge, get(path, "", *headers)), False),
    ):
        assert status(received) == wanted
        assert (f"\r\n{HSTS}: max-age=31536000\r\n".encode() in received) is told


def test_a_call_over_tls_is_the_same_call(edge: Running, operator: str) -> None:
    with httpx.Client(verify=trusting(edge)) as client:
        url = f"https://localhost:{edge.tls_port}/v1/orders/7"
        got = client.get(url, headers={"authorization": f"Bearer {operator}"})
    assert (got.status_code, got.json()["name"]) == (200, "orders/7")
    assert got.headers[HSTS]


def call(channel: grpc.Channel, token: str) -> str:
    get_order = channel.unary_unary(GET, GetOrderRequest.SerializeToString, Order.FromString)
    request = GetOrderRequest(name="orders/7")
    return str(
        get_order(request, metadata=(("authorization", f"Bearer {token}"),), timeout=10).name
    )


def secure_channel(edge: Running) -> grpc.Channel:
    trusted = grpc.ssl_channel_credentials(edge.authority.read_bytes())
    return grpc.secure_channel(f"localhost:{edge.tls_port}", trusted)


def test_grpc_over_tls(edge: Running, operator: str) -> None:
    with secure_channel(edge) as channel:
        assert call(channel, operator) == "orders/7"
        with pytest.raises(grpc.RpcError) as refused:
            call(channel, "x")
        assert code_of(refused.value) is grpc.StatusCode.UNAUTHENTICATED


def test_a_client_without_alpn_speaks_http_1(edge: Running, operator: str) -> None:
    context = trusting(edge)
    assert status(over_tls(edge, get("/v1/orders/7", operator), context)) == 200
    context.set_alpn_protocols(["h2", "http/1.1"])
    with connected(edge, context) as connection:
        assert connection.selected_alpn_protocol() == "h2"


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl here")
def test_curl_needs_the_authority_and_no_more(edge: Running) -> None:
    url = f"https://localhost:{edge.tls_port}/healthz"
    ask = ["curl", "--silent", "--fail", "--output", "/dev/null", url]
    trusted = subprocess.run([*ask, "--cacert", str(edge.authority)], check=False)  # noqa: S603
    assert trusted.returncode == 0
    assert subprocess.run(ask, check=False).returncode == 60  # noqa: S603 (can't be verified)


def aged(edge: Running) -> int:
    """Give it a certificate that has less left to live than what is renewed; its serial number."""
    fresh = serial(edge)
    (edge.root / "authority" / "tls" / "current").unlink()
    bench.certify(edge.deployment, datetime.now(UTC) - LIFE + RENEWED_BEFORE - timedelta(hours=1))
    assert until(lambda: serial(edge) != fresh)
    return serial(edge)


def test_a_renewed_certificate_is_live_under_calls_and_no_connection_is_dropped(
    start: Start, operator: str
) -> None:
    edge = start(watching=True)
    old = aged(edge)
    calls, stop = 0, threading.Event()
    failed: list[grpc.RpcError] = []

    def keep_calling() -> None:
        nonlocal calls
        with secure_channel(edge) as channel:
            while not stop.is_set() and not failed:
                try:
                    call(channel, operator)
                except grpc.RpcError as error:
                    failed.append(error)
                calls += 1

    context = trusting(edge)
    caller = threading.Thread(target=keep_calling)
    caller.start()
    try:
        with connected(edge, context) as idle:
            bench.certify(edge.deployment)
            assert until(lambda: serial(edge) != old)
            renewed = serial(edge)
            bench.certify(edge.deployment)
            begun = calls
            assert until(lambda: calls > begun + 20)
            idle.sendall(get("/healthz"))  # on the old certificate, still
            assert idle.recv(65536).startswith(b"HTTP/1.1 200")
            assert serial(edge) == renewed  # good for a year: left as it is
    finally:
        stop.set()
        caller.join()
    assert failed == []


def test_a_certificate_that_does_not_fit_its_key_is_not_taken(start: Start) -> None:
    edge = start(watching=True)
    assert edge.deployment.tls
    old, folder = serial(edge), edge.root / "authority" / "tls"
    (folder / "v1" / "certificate.pem").rename(folder / "kept.pem")
    (folder / "v1" / "certificate.pem").write_text(edge.authority.read_text())
    link = folder / ".link"
    link.symlink_to("v1")
    link.rename(folder / "current")
    assert until(lambda: sum(edge.stats("key_rotation_failed").values()) > 0)
    assert serial(edge) == old


def test_the_number_of_connections_is_limited_over_tls_too(start: Start) -> None:
    edge = start(limits=Limits(connections=5))
    context, taken = trusting(edge), 0
    with ExitStack() as stack, suppress(ConnectionError, ssl.SSLError, TimeoutError):
        for _ in range(10):
            stack.enter_context(connected(edge, context))
            taken += 1
    assert 2 < taken <= 5
