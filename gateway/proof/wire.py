"""Sends one request and reads who answered with what: gRPC over HTTP/2, the rest over HTTP/1.1.

`http.client` sends a path byte for byte as it is given, which a mangled one needs; clients with
more comfort put it right first.
"""

import base64
import http.client
import json
import re
import ssl
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import grpc
from google.rpc import code_pb2

from gateway.proof.expected import OK, Place, Verdict
from gateway.proof.requests import WEB_TEXT, Wire

PATIENCE = 15.0
"""Seconds for one call."""
DETAILS = "grpc-status-details-bin"
CHUNK = 65_536
_TRAILERS = 0x80
# The HTTP status that each code has over REST.
_HTTP = {
    "OK": 200, "INVALID_ARGUMENT": 400, "FAILED_PRECONDITION": 400, "OUT_OF_RANGE": 400,
    "UNAUTHENTICATED": 401, "PERMISSION_DENIED": 403, "NOT_FOUND": 404, "ABORTED": 409,
    "ALREADY_EXISTS": 409, "RESOURCE_EXHAUSTED": 429, "UNIMPLEMENTED": 501, "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504, "INTERNAL": 500,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Got:
    """What came back. `text` is the message, `body` the first answer of a call that succeeded."""

    verdict: Verdict
    text: str = ""
    body: bytes = b""


class Door:
    """One address ("host:port") that takes calls. Safe from many threads; close it at the end.

    `authority`: the certificate (PEM) to trust, where it speaks TLS.
    """

    def __init__(self, address: str, authority: Path | None = None) -> None:
        self._address = address
        self._tls = ssl.create_default_context(cafile=authority) if authority else None
        self._channel = _channel(address, authority)
        self._kept = threading.local()
        self._open: list[http.client.HTTPConnection] = []

    def close(self) -> None:
        """Close every connection."""
        self._channel.close()
        for connection in self._open:
            connection.close()

    def send(self, wire: Wire, headers: tuple[tuple[str, str], ...]) -> Got:
        """The answer; never raises: what can't be read is UNKNOWN, with the reason as its text."""
        return self._grpc(wire, headers) if wire.kind == "grpc" else self._http(wire, headers)

    def _grpc(self, wire: Wire, headers: tuple[tuple[str, str], ...]) -> Got:
        method = self._channel.unary_stream(wire.path, lambda sent: sent, lambda read: read)
        call = method(wire.body, metadata=headers, timeout=PATIENCE)
        try:
            body = next(call, b"")
            if wire.streams:
                call.cancel()
            return Got(Verdict(OK, Place.SERVICE.value), body=body)
        except grpc.RpcError as error:
            return _of_error(error)

    def _http(self, wire: Wire, headers: tuple[tuple[str, str], ...]) -> Got:
        for last in (False, True):
            connection = self._connection()
            try:
                connection.putrequest(wire.verb, wire.path, skip_accept_encoding=True)
                for name, value in (*wire.headers, *headers):
                    connection.putheader(name, value)
                if wire.body or wire.verb != "GET":
                    connection.putheader("content-length", str(len(wire.body)))
                connection.endheaders(wire.body or None)
                return self._read(wire, connection.getresponse())
            except (http.client.HTTPException, OSError) as error:
                connection.close()
                if last:
                    return Got(Verdict("UNKNOWN", Place.EDGE.value), f"{type(error).__name__}")
        raise AssertionError("unreachable")

    def _read(self, wire: Wire, answer: http.client.HTTPResponse) -> Got:
        if answer.status == http.client.SWITCHING_PROTOCOLS:
            self._connection().close()  # whatever it speaks now, it is no HTTP
            return Got(Verdict("HTTP 101", Place.SERVICE.value))
        if not wire.streams or answer.status != http.client.OK:
            body = answer.read()
        else:
            body = answer.read1(CHUNK)
            if wire.kind == "rest" or not body or not _plain(answer, body)[0] & _TRAILERS:
                self._connection().close()  # a stream that has begun need not end
            else:
                answer.read()
        if wire.verb == "HEAD":
            return _bodiless(answer.status)
        return _web(answer, body) if wire.kind == "web" else _rest(answer.status, body)

    def _connection(self) -> http.client.HTTPConnection:
        found: http.client.HTTPConnection | None = getattr(self._kept, "connection", None)
        if found is None:
            found = self._connected()
            self._kept.connection = found
            self._open.append(found)
        return found

    def _connected(self) -> http.client.HTTPConnection:
        if self._tls:
            return http.client.HTTPSConnection(self._address, timeout=PATIENCE, context=self._tls)
        return http.client.HTTPConnection(self._address, timeout=PATIENCE)


def _channel(address: str, authority: Path | None) -> grpc.Channel:
    # A connection of its own: the library shares one between equal channels of a process.
    options = [("grpc.use_local_subchannel_pool", 1), ("grpc.enable_retries", 0)]
    if authority is None:
        return grpc.insecure_channel(address, options=options)
    trusted = grpc.ssl_channel_credentials(authority.read_bytes())
    return grpc.secure_channel(address, trusted, options=options)


def _of_error(error: Any) -> Got:
    trailers = dict(error.trailing_metadata() or ())
    by = Place.SERVICE if DETAILS in trailers else Place.EDGE
    return Got(Verdict(error.code().name, by.value), error.details() or "")


def _web(answer: http.client.HTTPResponse, body: bytes) -> Got:
    """The trailers are the last frame of the body; a refusal at the door has them as headers."""
    if answer.status != http.client.OK:
        return Got(Verdict(f"HTTP {answer.status}", Place.EDGE.value))
    first, body = b"", _plain(answer, body)
    trailers = {name.lower(): value for name, value in answer.getheaders()}
    while len(body) >= 5:
        size = int.from_bytes(body[1:5], "big")
        frame, flag = body[5 : 5 + size], body[0]
        body = body[5 + size :]
        if flag & _TRAILERS:
            lines = (line.partition(":") for line in frame.decode().split("\r\n") if line)
            trailers |= {name.lower(): value.strip() for name, _, value in lines}
        else:
            first = first or frame
    code = int(trailers.get("grpc-status", "0" if first else "2"))
    by = Place.SERVICE if code == 0 or DETAILS in trailers else Place.EDGE
    text = unquote(trailers.get("grpc-message", ""))
    return Got(Verdict(code_pb2.Code.Name(code), by.value), text, first)


def _plain(answer: http.client.HTTPResponse, body: bytes) -> bytes:
    """The frames; as text they come in pieces of base64, each padded on its own."""
    if not (answer.getheader("content-type") or "").startswith(WEB_TEXT):
        return body
    pieces = re.findall(rb"[A-Za-z0-9+/]+={0,2}", body)
    return b"".join(base64.b64decode(piece + b"=" * (-len(piece) % 4)) for piece in pieces)


def _bodiless(status: int) -> Got:
    """An answer to HEAD tells no more than its status, and so not who gave it."""
    if status == http.client.OK:
        return Got(Verdict(OK, Place.SERVICE.value))
    codes = (code for code, own in _HTTP.items() if own == status)
    return Got(Verdict(next(codes, f"HTTP {status}"), Place.EDGE.value))


def _rest(status: int, body: bytes) -> Got:
    if status == http.client.OK:
        return Got(Verdict(OK, Place.SERVICE.value), body=body)
    try:
        told = json.loads(body)
        code = code_pb2.Code.Name(told["code"])
    except (ValueError, KeyError, TypeError):
        return Got(Verdict(f"HTTP {status}", Place.EDGE.value), body[:80].decode(errors="replace"))
    if _HTTP.get(code) != status:
        code = f"{code} with HTTP {status}"
    by = Place.SERVICE if told.get("details") else Place.EDGE
    return Got(Verdict(code, by.value), str(told.get("message", "")))
