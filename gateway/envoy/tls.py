"""The edge's own certificate: from files that are watched, so that a renewed one counts at once."""

from typing import Any

from envoy.config.listener.v3.listener_pb2 import Listener
from envoy.extensions.filters.http.header_mutation.v3.header_mutation_pb2 import HeaderMutation
from envoy.extensions.transport_sockets.tls.v3.secret_pb2 import Secret
from envoy.extensions.transport_sockets.tls.v3.tls_pb2 import DownstreamTlsContext

from gateway.deployments import Deployment, Tls
from gateway.envoy import sources
from gateway.envoy.headers import overwriting
from gateway.envoy.typed import packed, typed

SECRET = "edge"  # noqa: S105 (the name of the certificate)
SECRET_FILE = "sds_edge.json"  # noqa: S105
CHAIN = "certificate.pem"
KEY = "key.pem"
HSTS = "max-age=31536000"
"""A year. Not for subdomains: they are not ours to speak for."""
# Forward secrecy and AEAD only; TLS 1.3 has no others, and its suites can't be chosen.
# Source: Mozilla's "intermediate" profile, https://wiki.mozilla.org/Security/Server_Side_TLS
CIPHERS = (
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-CHACHA20-POLY1305",
    "ECDHE-RSA-CHACHA20-POLY1305",
)


def socket(deployment: Deployment) -> dict[str, Any]:
    """The transport socket of the TLS listener."""
    return _socket(sources.watched(deployment.root, SECRET_FILE))


def secret(certificates: Tls) -> Secret:
    """Where Envoy reads the certificate and its key; both are read again when `current` moves."""
    folder = f"{certificates.folder}/{sources.CURRENT}"
    return typed(
        Secret,
        name=SECRET,
        tls_certificate={
            "certificate_chain": {"filename": f"{folder}/{CHAIN}"},
            "private_key": {"filename": f"{folder}/{KEY}"},
            "watched_directory": {"path": certificates.folder},
        },
    )


def strict_transport() -> dict[str, Any]:
    """The first filter, so the last to see an answer: refusals get the header too."""
    append = overwriting("strict-transport-security", HSTS)
    config = packed(HeaderMutation, mutations={"response_mutations": [{"append": append}]})
    return {"name": "strict_transport", "typed_config": config}


def without_files(listener: Listener) -> None:
    """Ask for the certificate elsewhere: a validation has no files, and Envoy wants to see them."""
    for chain in listener.filter_chains:
        if chain.HasField("transport_socket"):
            context = _socket({"resource_api_version": "V3", "ads": {}})
            chain.transport_socket.CopyFrom(typed(type(chain.transport_socket), **context))


def _socket(source: dict[str, Any]) -> dict[str, Any]:
    context = packed(
        DownstreamTlsContext,
        common_tls_context={
            "tls_params": {
                "tls_minimum_protocol_version": "TLSv1_2",
                "tls_maximum_protocol_version": "TLSv1_3",
                "cipher_suites": list(CIPHERS),
            },
            "tls_certificate_sds_secret_configs": [{"name": SECRET, "sds_config": source}],
            # A client that names no protocol is taken for HTTP/1.1 or seen to speak HTTP/2.
            "alpn_protocols": ["h2", "http/1.1"],
        },
    )
    return {"name": "envoy.transport_sockets.tls", "typed_config": context}
