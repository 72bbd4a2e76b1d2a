"""An authority of this platform alone, and the certificate of the edge that it signs.

Its name constraints let it speak for no host name but the edge's own: who trusts it, trusts it for
no other (RFC 5280, 4.2.1.10). Of addresses it may sign any: see `_permitted`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import TypeAlias

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AUTHORITY_LIFE = timedelta(days=3650)
LIFE = timedelta(days=365)
RENEWED_BEFORE = timedelta(days=30)
_CLOCK_SKEW = timedelta(hours=1)
Names: TypeAlias = Sequence[x509.GeneralName]


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate and its private key (ECDSA, P-256)."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def certificate_pem(self) -> str:
        """The certificate as PEM."""
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    @property
    def key_pem(self) -> str:
        """The key as PEM (PKCS #8), not encrypted."""
        return self.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode()


def parse(certificate: str, key: str) -> Pair:
    """Read a pair. Raises ValueError for what is no certificate, no such key, or not a pair."""
    found = x509.load_pem_x509_certificate(certificate.encode())
    secret = serialization.load_pem_private_key(key.encode(), None)
    if not isinstance(secret, ec.EllipticCurvePrivateKey):
        raise ValueError("the key is not of an elliptic curve")  # noqa: TRY004 (one for all)
    if found.public_key() != secret.public_key():
        raise ValueError("the key is of another certificate")
    return Pair(found, secret)


def authority(domains: Sequence[str], now: datetime) -> Pair:
    """A new authority for these host names and addresses ("[::1]" or "::1")."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _name("Causeway local authority")
    usage = x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    builder = (
        _builder(subject, subject, key, now, AUTHORITY_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(_constraints(domains), critical=True)
    )
    return Pair(builder.sign(key, hashes.SHA256()), key)


def server(signer: Pair, domains: Sequence[str], now: datetime) -> Pair:
    """A new certificate for a server with these names, signed by the authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    issuer = signer.certificate.subject
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.key.public_key())
    builder = (
        _builder(_name("Causeway edge"), issuer, key, now, LIFE)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(_names(domains)), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(identifier, critical=False)
    )
    return Pair(builder.sign(signer.key, hashes.SHA256()), key)


def authority_holds(pair: Pair, domains: Sequence[str], now: datetime) -> bool:
    """Whether it may speak for all these names, for as long as a certificate would live."""
    try:
        found = pair.certificate.extensions.get_extension_for_class(x509.NameConstraints)
    except x509.ExtensionNotFound:
        return False
    lives = pair.certificate.not_valid_after_utc - now > LIFE
    return lives and set(found.value.permitted_subtrees or ()) >= set(_permitted(domains))


def server_holds(pair: Pair, signer: Pair, domains: Sequence[str], now: datetime) -> bool:
    """Whether it is signed by this authority, for all these names, and not about to expire."""
    try:
        pair.certificate.verify_directly_issued_by(signer.certificate)
    except (InvalidSignature, ValueError):
        return False
    named = pair.certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    lives = pair.certificate.not_valid_after_utc - now > RENEWED_BEFORE
    return lives and set(named) >= set(_names(domains))


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    now: datetime,
    life: timedelta,
) -> x509.CertificateBuilder:
    return x509.CertificateBuilder(
        issuer_name=issuer,
        subject_name=subject,
        public_key=key.public_key(),
        serial_number=x509.random_serial_number(),
        not_valid_before=now.astimezone(UTC) - _CLOCK_SKEW,
        not_valid_after=now.astimezone(UTC) + life,
    ).add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _names(domains: Sequence[str]) -> list[x509.GeneralName]:
    return [_general(domain.strip("[]")) for domain in domains]


def _general(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _constraints(domains: Sequence[str]) -> x509.NameConstraints:
    """These host names; where there are none, no host name: the empty one stands for each."""
    permitted = _permitted(domains)
    return x509.NameConstraints(permitted or None, None if permitted else [x509.DNSName("")])


def _permitted(domains: Sequence[str]) -> list[x509.GeneralName]:
    """Host names alone: BoringSSL, and so every gRPC client, refuses a constraint on addresses.

    Source: nc_match_single in https://boringssl.googlesource.com/boringssl/+/main/crypto/x509/v3_ncons.cc
    """
    return [name for name in _names(domains) if isinstance(name, x509.DNSName)]
