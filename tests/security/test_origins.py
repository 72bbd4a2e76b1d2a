"""Pages of other origins: the browser is told nothing that would let them read an answer."""

from itertools import product

import pytest

from tests.integration.edge.bench import ORIGIN
from tests.integration.edge.issuer import Issuer
from tests.security import http1, http2
from tests.security.callers import Ports, bearer, message
from tests.security.conftest import ORDER

FOREIGN = {
    "of another site": "https://evil.example",
    "that is null, as of a sandbox or a file": "null",
    "that is empty": "",
    "that is anybody": "*",
    "with ours as its beginning": f"{ORIGIN}.evil.example",
    "with ours as its end": "http://evil-localhost:3000",
    "with ours as a user": f"{ORIGIN}@evil.example",
    "on another port": "http://localhost:3001",
    "on no port": "http://localhost",
    "over TLS": "https://localhost:3000",
    "below ours": "http://a.localhost:3000",
    "in capitals": ORIGIN.upper(),
    "with a path": f"{ORIGIN}/",
    "with an underscore": "http://localhost_:3000",
    "by address": "http://127.0.0.1:3000",
    "that is two": f"{ORIGIN}, https://evil.example",
    "with a dot for any letter": "http://localhostx3000",
}
ASKED = (
    ("access-control-request-method", "POST"),
    ("access-control-request-headers", "authorization,content-type,x-grpc-web"),
)


@pytest.mark.parametrize("origin", FOREIGN)
@pytest.mark.parametrize("path", [ORDER.rest, ORDER.path])
def test_a_preflight_of_a_foreign_origin_allows_nothing(
    ports: Ports, origin: str, path: str
) -> None:
    headers = (("origin", FOREIGN[origin]), *ASKED)
    over_1 = http1.send(ports.edge, "OPTIONS", path, headers)
    with http2.Connection(ports.edge) as connection:
        over_2 = connection.request([*http2.pseudo("OPTIONS", path), *headers])
    for answer in (over_1, over_2):
        assert not allowances(answer.headers), answer
        assert answer.status in (200, 401), answer


def allowances(headers: dict[str, str]) -> list[str]:
    """What makes a browser hand out an answer; verbs and headers alone allow nothing."""
    names = ("access-control-allow-origin", "access-control-allow-credentials")
    return [name for name in names if name in headers]


@pytest.mark.parametrize("origin", FOREIGN)
def test_an_answer_is_not_for_a_foreign_origin(ports: Ports, issuer: Issuer, origin: str) -> None:
    headers = (("origin", FOREIGN[origin]), *bearer(issuer.token("operator")))
    web = (("content-type", "application/grpc-web+proto"), ("x-grpc-web", "1"), *headers)
    answers = (
        http1.send(ports.edge, "GET", ORDER.rest, headers),
        http1.send(ports.edge, "POST", ORDER.path, web, message(ORDER.request)),
        http1.send(ports.edge, "GET", ORDER.rest, headers[:1]),
    )
    assert [answer.status for answer in answers] == [200, 200, 401]
    for answer in answers:
        assert not allowances(answer.headers), answer


@pytest.mark.parametrize(
    ("path", "verb"), [*product((ORDER.rest, ORDER.path, "/v1/users"), ("GET", "OPTIONS"))]
)
def test_our_own_page_may_bring_no_cookies(ports: Ports, path: str, verb: str) -> None:
    headers = (("origin", ORIGIN), ("cookie", "session=1"), *ASKED)
    answer = http1.send(ports.edge, verb, path, headers)
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert "access-control-allow-credentials" not in answer.headers
    assert answer.status == (200 if verb == "OPTIONS" else 401)
