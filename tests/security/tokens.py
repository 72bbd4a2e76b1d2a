"""Tokens of any shape: what no library would sign."""

import base64
import hashlib
import hmac
import json
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.integration.edge.issuer import Issuer

STRANGER = rsa.generate_private_key(public_exponent=65537, key_size=2048)
"""The attacker's own key."""


def text(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


def body(header: Any, claims: Any) -> str:
    """Header and claims; what is bytes already is taken as it is."""
    return ".".join(
        text(one if isinstance(one, bytes) else json.dumps(one).encode())
        for one in (header, claims)
    )


def signed(key: rsa.RSAPrivateKey, header: Any, claims: Any) -> str:
    """Signed as RS256, whatever the header says."""
    unsigned = body(header, claims)
    signature = key.sign(unsigned.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{unsigned}.{text(signature)}"


def header(issuer: Issuer, **changed: Any) -> dict[str, Any]:
    """The header of an honest token; a part that is given as None is left out."""
    whole = {"alg": "RS256", "typ": "JWT", "kid": issuer.kid} | changed
    return {name: value for name, value in whole.items() if value is not None}


def unsigned(issuer: Issuer, alg: Any, signature: str = "") -> str:
    return f"{body(header(issuer, alg=alg), issuer.claims('operator'))}.{signature}"


def by_stranger(issuer: Issuer, **changed: Any) -> str:
    """By the attacker's key, with a header that says why that should do."""
    return signed(STRANGER, header(issuer, **changed), issuer.claims("operator"))


def by_issuer(issuer: Issuer, **changed: Any) -> str:
    """By the issuer's own key, with another header."""
    return signed(issuer.key, header(issuer, **changed), issuer.claims("operator"))


def hmac_with(issuer: Issuer, secret: bytes, alg: str = "HS256") -> str:
    """The public key is no secret: who checks an HMAC with it lets everybody sign."""
    unsigned = body(header(issuer, alg=alg), issuer.claims("operator"))
    digest = getattr(hashlib, f"sha{alg[2:]}")
    return f"{unsigned}.{text(hmac.new(secret, unsigned.encode(), digest).digest())}"


def public(issuer: Issuer, encoding: serialization.Encoding) -> bytes:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return issuer.key.public_key().public_bytes(encoding, form)
