"""The authority, and the certificate that it signs: made once, renewed in time, and for whom."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from stack import certificates
from stack.certificates import AUTHORITY_LIFE, LIFE, RENEWED_BEFORE, Pair
from stack.provision.certificates import provide_certificates

NOW = datetime.now(UTC)
DOMAINS = ("localhost", "127.0.0.1", "[::1]")


class Place:
    """One state directory."""

    def __init__(self, state: Path) -> None:
        self.state, self.root = state, state / "tls"

    def provide(self, now: datetime = NOW, domains: Sequence[str] = DOMAINS) -> bool:
        return provide_certificates(self.state, self.root, domains, now)

    @property
    def served(self) -> Pair:
        folder = self.root / "current"
        return _read(folder / "certificate.pem", folder / "key.pem")

    @property
    def authority(self) -> Pair:
        return _read(self.state / "ca.pem", self.state / "secrets" / "ca.key")


def _read(certificate: Path, key: Path) -> Pair:
    return certificates.parse(certificate.read_text(), key.read_text())


@pytest.fixture
def place(tmp_path: Path) -> Place:
    made = Place(tmp_path)
    assert made.provide()
    return made


def test_what_is_good_is_left_as_it_is(place: Place) -> None:
    before = place.served.certificate_pem, place.authority.certificate_pem
    assert not place.provide(NOW + LIFE - RENEWED_BEFORE - timedelta(minutes=1))
    assert (place.served.certificate_pem, place.authority.certificate_pem) == before


def test_a_certificate_is_renewed_before_it_expires_by_the_same_authority(place: Place) -> None:
    old, authority = place.served.certificate, place.authority.certificate
    assert place.provide(NOW + LIFE - RENEWED_BEFORE + timedelta(minutes=1))
    assert place.served.certificate.not_valid_after_utc > old.not_valid_after_utc
    assert place.authority.certificate == authority


def test_an_authority_that_would_not_outlive_a_certificate_is_replaced_with_it(
    place: Place,
) -> None:
    old = place.authority.certificate
    assert place.provide(NOW + AUTHORITY_LIFE - LIFE + timedelta(minutes=1))
    assert place.authority.certificate != old
    place.served.certificate.verify_directly_issued_by(place.authority.certificate)


@pytest.mark.parametrize("cut", ["ca.pem", "secrets/ca.key", "tls/current/key.pem",
                                 "tls/current/certificate.pem"])  # fmt: skip
def test_what_a_crash_cut_off_is_made_anew(place: Place, cut: str) -> None:
    damaged = place.state / cut
    damaged.write_text(damaged.read_text()[:40])
    assert place.provide()
    place.served.certificate.verify_directly_issued_by(place.authority.certificate)


def test_a_name_that_is_added_gets_a_certificate_and_an_authority_for_it(place: Place) -> None:
    assert place.provide(domains=(*DOMAINS, "envoy"))
    assert not place.provide(domains=(*DOMAINS, "envoy"))
    trust = Store([place.authority.certificate])
    verifier = PolicyBuilder().store(trust).time(NOW).build_server_verifier(x509.DNSName("envoy"))
    verifier.verify(place.served.certificate, [])


def test_keys_are_for_their_owner_alone(place: Place) -> None:
    for key in (place.state / "secrets/ca.key", place.root / "current" / "key.pem"):
        assert key.stat().st_mode & 0o777 == 0o600


def test_old_certificates_do_not_pile_up(place: Place) -> None:
    for years in range(1, 5):
        place.provide(NOW + years * LIFE)
    assert len(list(place.root.glob("v*"))) == 2


def test_a_key_of_another_certificate_is_refused(place: Place) -> None:
    served, authority = place.served, place.authority
    with pytest.raises(ValueError, match="another certificate"):
        certificates.parse(served.certificate_pem, authority.key_pem)


def test_an_edge_without_a_host_name_gets_an_authority_for_addresses_alone(tmp_path: Path) -> None:
    place, domains = Place(tmp_path), ("127.0.0.1", "[::1]")
    assert place.provide(domains=domains)
    assert not place.provide(domains=domains)
    policy = PolicyBuilder().store(Store([place.authority.certificate])).time(NOW)
    address = x509.IPAddress(ip_address("127.0.0.1"))
    policy.build_server_verifier(address).verify(place.served.certificate, [])
    forged = certificates.server(place.authority, ("evil.example",), NOW).certificate
    with pytest.raises(VerificationError):
        policy.build_server_verifier(x509.DNSName("evil.example")).verify(forged, [])


def test_the_authority_speaks_for_no_other_host(place: Place) -> None:
    extensions = place.authority.certificate.extensions
    found = extensions.get_extension_for_class(x509.NameConstraints)
    assert found.critical
    assert found.value.permitted_subtrees == [x509.DNSName("localhost")]
