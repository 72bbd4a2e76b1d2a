"""Requests that two parties could cut into pieces at different places.

Each HTTP/1.1 case hides a second request behind (or within) the first. However the first is
answered, the second is never: neither its name nor its answer comes back.
"""

import pytest

from tests.integration.edge.issuer import Issuer
from tests.security import http1, http2
from tests.security.callers import LEAK, Ports, bearer, message
from tests.security.conftest import ORDER, Target

HIDDEN = "smuggled"
END = b"0\r\n\r\n"


def head(*lines: str, start: str = "POST /v1/orders/7:cancel HTTP/1.1") -> bytes:
    fixed = (start, "Host: localhost", "Content-Type: application/json")
    return "\r\n".join((*fixed, *lines)).encode("latin-1") + b"\r\n\r\n"


def hidden(token: str) -> bytes:
    lines = (
        f"GET /v1/orders/{HIDDEN} HTTP/1.1",
        "Host: localhost",
        f"Authorization: Bearer {token}",
    )
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


CL_TE = ("Content-Length: 6", "Transfer-Encoding: chunked")
# Headers, then what stands before the hidden request.
HTTP_1: dict[str, tuple[tuple[str, ...], bytes]] = {
    "CL.TE": (CL_TE, END),
    "TE.CL": (("Transfer-Encoding: chunked", "Content-Length: 4"), b"1\r\nx\r\n" + END),
    "TE and a CL of 0": (("Transfer-Encoding: chunked", "Content-Length: 0"), END),
    "TE.TE": (("Transfer-Encoding: chunked", "Transfer-Encoding: identity"), END),
    "TE.TE, unknown": (("Transfer-Encoding: chunked", "Transfer-Encoding: x"), END),
    "TE that is a list": (("Transfer-Encoding: chunked, identity",), END),
    "TE that ends otherwise": (("Transfer-Encoding: chunked, gzip",), END),
    "TE that is unknown": (("Transfer-Encoding: xchunked",), END),
    "TE with a tab": (("Transfer-Encoding:\tchunked\x0b",), END),
    "TE with a space before the colon": (("Transfer-Encoding : chunked", "Content-Length: 5"), END),
    "TE folded": (("Transfer-Encoding:\r\n chunked", "Content-Length: 5"), END),
    "TE behind a fold": (("X: y\r\n Transfer-Encoding: chunked", "Content-Length: 5"), END),
    "TE behind a bare CR": (("X: y\rTransfer-Encoding: chunked", "Content-Length: 5"), END),
    "TE behind a bare LF": (("X: y\nTransfer-Encoding: chunked", "Content-Length: 5"), END),
    "TE with a NUL": (("Transfer-Encoding: chun\0ked",), END),
    "TE in quotes": (('Transfer-Encoding: "chunked"',), END),
    "TE with an underscore": (("Transfer_Encoding: chunked", "Content-Length: 5"), END),
    "two CL that differ": (("Content-Length: 5", "Content-Length: 0"), END),
    "two CL that agree": (("Content-Length: 5", "Content-Length: 5"), END),
    "CL that is a list": (("Content-Length: 5, 0",), END),
    "CL below zero": (("Content-Length: -1",), b""),
    "CL with a sign": (("Content-Length: +5",), END),
    "CL in hexadecimal": (("Content-Length: 0x5",), END),
    "CL with a point": (("Content-Length: 5.0",), END),
    "CL that overflows": (("Content-Length: 18446744073709551621",), END),
    "CL that is empty": (("Content-Length: ",), END),
    "CL with a space before the colon": (("Content-Length : 0",), b""),
    "a chunk below zero": (("Transfer-Encoding: chunked",), b"-1\r\n"),
    "a chunk that overflows": (("Transfer-Encoding: chunked",), b"10000000000000001\r\nx\r\n"),
    "a chunk whose size is no number": (("Transfer-Encoding: chunked",), b"x\r\n"),
    "a chunk in 0x": (("Transfer-Encoding: chunked",), b"0x0\r\n\r\n"),
    "a chunk that ends with a bare LF": (("Transfer-Encoding: chunked",), b"1\nx\n0\n\n"),
    "a chunk that is longer than it says": (("Transfer-Encoding: chunked",), b"1\r\nxyz\r\n" + END),
    "a header without a name": ((": y",), b""),
    "a header without a colon": (("nothing",), b""),
    "a header with a NUL": (("X: y\0z",), b""),
    "a name with a space": (("X Y: z",), b""),
}  # fmt: skip


UNKNOWN = {
    "TE.TE",
    "TE.TE, unknown",
    "TE that is a list",
    "TE that ends otherwise",
    "TE that is unknown",
    "TE in quotes",
}
"""Encodings that Envoy does not know are 501."""


@pytest.mark.parametrize("case", HTTP_1)
def test_a_request_that_can_be_cut_twice_is_refused(
    ports: Ports, issuer: Issuer, case: str
) -> None:
    """A refusal and the connection is closed; no second answer."""
    token = issuer.token("operator")
    lines, before = HTTP_1[case]
    data = head(*lines, f"Authorization: Bearer {token}") + before + hidden(token)
    received = http1.exchange(ports.edge, data, patience=5)
    answers = [*http1.answers(received)]
    assert [answer.status for answer in answers] == [501 if case in UNKNOWN else 400], received
    assert answers[0].headers["content-type"] == "application/json"
    assert HIDDEN.encode() not in received
    assert not LEAK.search(received.decode("latin-1"))


STARTS: dict[str, tuple[str, list[int]]] = {
    "HTTP/0.9": ("GET /v1/orders/7", [426]),
    "HTTP/1.0": ("GET /v1/orders/7 HTTP/1.0", [426]),
    "HTTP/1.2": ("GET /v1/orders/7 HTTP/1.2", [426]),
    "HTTP/2.0": ("GET /v1/orders/7 HTTP/2.0", [426]),
    "HTTP/3": ("GET /v1/orders/7 HTTP/3", [400]),
    "no version": ("GET /v1/orders/7 ", [426]),
    "a word too many": ("GET /v1/orders/7 HTTP/1.1 x", [400]),
    "a space before": (" GET /v1/orders/7 HTTP/1.1", [400]),
    "small letters": ("GET /v1/orders/7 http/1.1", [400]),
    "a bare CR": ("GET /v1/orders/7\rX HTTP/1.1", [400]),
    "a response": ("HTTP/1.1 200 OK", [400]),
    "TLS": ("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", [400]),
    "a proxy's line": ("PROXY TCP4 10.1.1.1 10.1.1.2 1 2", [400]),
}


@pytest.mark.parametrize("case", STARTS)
def test_a_first_line_that_is_none_is_refused(ports: Ports, issuer: Issuer, case: str) -> None:
    start, statuses = STARTS[case]
    token = issuer.token("operator")
    data = head(f"Authorization: Bearer {token}", start=start) + hidden(token)
    received = http1.exchange(ports.edge, data, patience=5)
    assert [answer.status for answer in http1.answers(received)] == statuses, received
    assert HIDDEN.encode() not in received


def test_requests_behind_each_other_are_each_judged(ports: Ports, issuer: Issuer) -> None:
    """A token counts for its own request only; with a refusal the connection is over."""
    token = issuer.token("operator")
    honest = http1.request("GET", ORDER.rest, bearer(token))
    bare = http1.request("GET", ORDER.rest)
    last = http1.request("GET", ORDER.rest, (("connection", "close"),))
    received = http1.exchange(ports.edge, honest + bare + honest + last, patience=5)
    assert [answer.status for answer in http1.answers(received)] == [200, 401]


Pairs = list[tuple[str, str]]
GET = http2.pseudo("GET", ORDER.rest)
# Header lists that HTTP/2 does not allow, or that would mean something else in HTTP/1.1.
HTTP_2: dict[str, Pairs] = {
    "transfer-encoding": [*GET, ("transfer-encoding", "chunked")],
    "connection": [*GET, ("connection", "keep-alive, x-secret")],
    "keep-alive": [*GET, ("keep-alive", "timeout=5")],
    "proxy-connection": [*GET, ("proxy-connection", "keep-alive")],
    "upgrade": [*GET, ("upgrade", "h2c"), ("connection", "upgrade")],
    "te other than trailers": [*GET, ("te", "gzip")],
    "a name in capitals": [*GET, ("X-Upper", "y")],
    "a name with a line's end": [*GET, ("x\r\ntransfer-encoding", "chunked")],
    "a name with a colon": [*GET, ("x: y\r\nz", "y")],
    "a name with a space": [*GET, ("x y", "z")],
    "no name": [*GET, ("", "x")],
    "a value with a line's end": [*GET, ("x", "y\r\ntransfer-encoding: chunked")],
    "a value with a bare LF": [*GET, ("x", "y\nz: 1")],
    "a value with a NUL": [*GET, ("x", "y\0z")],
    "a path with a line's end": [
        *http2.pseudo("GET", "/v1/orders/7 HTTP/1.1\r\nx: y\r\n\r\nGET /v1/orders/smuggled")
    ],
    "a verb with a line's end": [
        *http2.pseudo("GET /v1/orders/smuggled HTTP/1.1\r\nhost: x\r\n\r\nGET", ORDER.rest)
    ],
    "an authority with a line's end": [*http2.pseudo("GET", ORDER.rest, "localhost\r\nx: y")],
    "an authority with a user": [*http2.pseudo("GET", ORDER.rest, "root@localhost")],
    "a pseudo-header that is late": [("x", "y"), *GET],
    "a pseudo-header that is not there": [*GET, (":evil", "1")],
    "a status": [*GET, (":status", "200")],
    "two verbs": [(":method", "POST"), *GET],
    "two paths": [(":path", "/v1/users:register"), *GET],
    "two authorities": [*GET, (":authority", "evil.example")],
    "no verb": GET[1:],
    "no path": [GET[0], GET[1], GET[3]],
    "no scheme": [GET[0], *GET[2:]],
    "a length and no body": [*GET, ("content-length", "5")],
    "two lengths": [*GET, ("content-length", "0"), ("content-length", "5")],
    "a length below zero": [*GET, ("content-length", "-1")],
}


@pytest.mark.parametrize("case", HTTP_2)
def test_headers_that_http_2_does_not_allow_are_refused(
    ports: Ports, issuer: Issuer, case: str
) -> None:
    """The stream is reset, or answered 400; the service sees nothing."""
    headers = [*HTTP_2[case], *bearer(issuer.token("operator"))]
    with http2.Connection(ports.edge) as connection:
        reply = connection.request(headers)
    assert reply.status in (0, 400, 404), reply
    assert b"orders/7" not in reply.body
    assert "x-backend" not in reply.headers


LENGTHS: dict[str, tuple[str, bytes]] = {
    "less than it says": ("100", message(ORDER.request)),
    "more than it says": ("3", message(ORDER.request)),
    "something, and says nothing": ("0", message(ORDER.request)),
    "a length that is none": ("x", message(ORDER.request)),
}


@pytest.mark.parametrize("case", LENGTHS)
def test_a_body_of_another_length_is_refused(ports: Ports, issuer: Issuer, case: str) -> None:
    length, body = LENGTHS[case]
    headers = [
        *http2.pseudo("POST", ORDER.path),
        ("content-type", "application/grpc"),
        ("content-length", length),
        *bearer(issuer.token("operator")),
    ]
    with http2.Connection(ports.edge) as connection:
        reply = connection.request(headers, body)
    assert reply.headers.get("grpc-status") != "0", reply
    assert "x-backend" not in reply.headers


def test_host_and_authority_that_differ_are_one_to_the_service(
    ports: Ports, issuer: Issuer
) -> None:
    headers = [*GET, ("host", "evil.example"), *bearer(issuer.token("operator"))]
    with http2.Connection(ports.edge) as connection:
        reply = connection.request(headers)
    assert "evil.example" not in reply.headers.get("x-seen", "")


def test_after_all_of_it_everybody_is_well(target: Target) -> None:
    target.assert_well()
