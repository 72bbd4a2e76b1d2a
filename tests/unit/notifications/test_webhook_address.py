"""What a customer may write as the address of a webhook, and what a name server may answer."""

import pytest

from bridge.errors import InvalidArgument
from services.notifications.webhook_address import checked, is_public, target_of
from services.notifications.webhook_allowed import Allowed

NONE = Allowed()


@pytest.mark.parametrize(
    ("uri", "host", "port", "path", "authority"),
    [
        ("https://hooks.example.com", "hooks.example.com", 443, "/", "hooks.example.com"),
        (
            "HTTPS://Hooks.Example.com/a?b=c",
            "hooks.example.com",
            443,
            "/a?b=c",
            "hooks.example.com",
        ),
        ("https://h.example:8443/%2F", "h.example", 8443, "/%2F", "h.example:8443"),
        ("https://h.example?q", "h.example", 443, "/?q", "h.example"),
        ("https://1.1.1.1/", "1.1.1.1", 443, "/", "1.1.1.1"),
        (
            "https://[2606:4700::1111]/x",
            "2606:4700::1111",
            443,
            "/x",
            "[2606:4700::1111]",
        ),
        (
            "https://xn--bcher-kva.example/",
            "xn--bcher-kva.example",
            443,
            "/",
            "xn--bcher-kva.example",
        ),
    ],
)
def test_a_public_https_address_is_taken_apart(
    uri: str, host: str, port: int, path: str, authority: str
) -> None:
    target = target_of(uri, NONE)
    assert (target.host, target.port, target.path) == (host, port, path)
    assert target.authority == authority


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "hooks.example.com",
        "http://hooks.example.com/",
        "ftp://hooks.example.com/",
        "file:///etc/passwd",
        "gopher://hooks.example.com/",
        "https://",
        "https:///path",
        "https:hooks.example.com",
        "https://localhost/",
        "https://intranet/",
        "https://user@hooks.example.com/",
        "https://1.1.1.1@127.0.0.1/",
        "https://hooks.example.com@127.0.0.1/",
        "https://hooks.example.com#@127.0.0.1/",
        "https://hooks.example.com\\@127.0.0.1/",
        "https://hooks.example.com/\r\nHost: other",
        "https://hooks.example.com/ HTTP/1.1",
        "https://hooks.example.com/\t",
        "https://hooks.example.com:0/",
        "https://hooks.example.com:65536/",
        "https://hooks.example.com:99999999/",
        "https://hooks.example.com:/",
        "https://hooks..example.com/",
        "https://.example.com/",
        "https://hooks.example.com./",
        "https://-hooks.example.com/",
        "https://h%6fst.example.com/",
        "https://127。0。0。1/",
        "https://ⓔxample.com/",
        "https://127.0.0.1/",
        "https://127.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0x7f.0.0.1/",
        "https://127.0.0.0x1/",
        "https://0177.0.0.1/",
        "https://127.000.000.001/",
        "https://10.0.0.1/",
        "https://169.254.169.254/latest/meta-data/",
        "https://[::1]/",
        "https://[::]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[::ffff:8.8.8.8]/",
        "https://[::127.0.0.1]/",
        "https://[fe80::1]/",
        "https://[fe80::1%25eth0]/",
        "https://[fd00:ec2::254]/",
        "https://[64:ff9b::7f00:1]/",
        "https://[2002:7f00:1::]/",
        "https://[127.0.0.1]/",
        "https://[cafe.example]/",
        "https://[::1/",
        f"https://hooks.example.com/{'a' * 2000}",
        f"https://{'a' * 64}.example.com/",
        f"https://{'a.' * 130}com/",
    ],
)
def test_any_other_address_is_refused_and_the_field_named(uri: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        target_of(uri, NONE)
    assert caught.value.reason == "WEBHOOK_ADDRESS_REFUSED"
    assert not caught.value.retriable
    assert [one.field for one in caught.value.violations] == ["preferences.webhook_uri"]


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",  # noqa: S104 - refused
        "10.1.2.3",
        "100.64.0.1",
        "100.100.100.200",
        "127.0.0.1",
        "127.255.255.254",
        "168.63.129.16",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.192",
        "192.168.1.1",
        "198.18.0.1",
        "224.0.0.1",
        "239.255.255.250",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:1.1.1.1",
        "::ffff:7f00:1",
        "::1.1.1.1",
        "64:ff9b::1.1.1.1",
        "64:ff9b:1::1",
        "100::1",
        "2001::1",
        "2001:db8::1",
        "2002:7f00:1::1",
        "5f00::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fe80::1%lo",
        "fec0::1",
        "ff02::1",
        "no address",
    ],
)
def test_an_answer_that_is_not_public_is_refused_also_among_public_ones(address: str) -> None:
    target = target_of("https://hooks.example.com/", NONE)
    assert not is_public(address)
    for answer in ([address], ["1.1.1.1", address], [address, "2606:4700::1111"]):
        with pytest.raises(InvalidArgument):
            checked(target, answer, NONE)


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "172.32.0.1", "100.128.0.1", "169.253.0.1", "2606:4700::1111", "2a00::1"]
)
def test_a_public_answer_is_taken(address: str) -> None:
    target = target_of("https://hooks.example.com/", NONE)
    assert checked(target, [address], NONE) == [address]


def test_what_is_allowed_by_name_may_lead_anywhere_and_over_http() -> None:
    allowed = Allowed.of(" Hooks.Internal:8080 , crm ")
    for uri in ("http://hooks.internal:8080/x", "https://crm/"):
        target = target_of(uri, allowed)
        assert checked(target, ["10.0.0.1"], allowed) == ["10.0.0.1"]
    with pytest.raises(InvalidArgument):
        target_of("http://other.internal/", allowed)


def test_what_is_allowed_by_network_is_reached_by_address_and_by_any_name() -> None:
    allowed = Allowed.of("127.0.0.1, 127.0.0.1:9000, fd00::/8, [fd01::/16]:81")
    for uri in ("http://127.0.0.1:9000/", "http://[fd00::1]/", "http://[fd01::1]:81/"):
        assert target_of(uri, allowed).scheme == "http"
    named = target_of("https://hooks.example.com/", allowed)
    assert checked(named, ["127.0.0.1"], allowed) == ["127.0.0.1"]
    for refused in ("127.0.0.2", "::1", "::ffff:127.0.0.1"):
        with pytest.raises(InvalidArgument):
            checked(named, [refused], allowed)


@pytest.mark.parametrize(
    "text", ["*", "http://a", "10.0.0.1/8", "a..b", "127.1", "[a]:80", "a:", "::1:x", "*:80"]
)
def test_a_wrong_exception_is_named(text: str) -> None:
    with pytest.raises(ValueError, match="no host name, no address and no network") as caught:
        Allowed.of(f"a.example, {text}")
    assert repr(text) in str(caught.value)


@pytest.mark.parametrize("port", ["0", "65536", "99999"])
def test_an_exceptions_port_must_be_one(port: str) -> None:
    with pytest.raises(ValueError, match="has no such port"):
        Allowed.of(f"127.0.0.1:{port}")


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("host", ["127.0.0.1", "crm", "[fd01::1]", "hooks.internal"])
def test_an_exception_is_one_of_its_ports_and_else_of_the_usual_ones(
    scheme: str, host: str
) -> None:
    allowed = Allowed.of("127.0.0.1:9000, 127.0.0.1, crm, fd01::1, hooks.internal:8080")
    for port in (9901, 8081, 22, 79, 81, 442, 444):
        with pytest.raises(InvalidArgument):
            checked(target_of(f"{scheme}://{host}:{port}/", allowed), ["127.0.0.1"], allowed)


def test_what_is_connected_to_is_the_checked_address() -> None:
    target = target_of("https://hooks.example.com/a?b", NONE)
    assert target.uri_at("1.1.1.1") == "https://1.1.1.1:443/a?b"
    assert target.uri_at("2606:4700::1111") == "https://[2606:4700::1111]:443/a?b"
