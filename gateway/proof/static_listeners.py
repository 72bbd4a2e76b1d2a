"""The ports of the edge, and how a connection manager takes what comes over them."""

import json
from collections.abc import Callable, Iterator
from typing import Any

from gateway.proof.configuration import Configuration, Finding, Json
from gateway.proof.deployed import COLLECTOR, Deployed, seconds, socket_address
from gateway.proof.shape import REMEDY, Maybe, anything, findings, packed
from gateway.proof.site import Address, Tls

PLAIN, ENCRYPTED = "edge", "edge_tls"
_PREFIXES = ("x-envoy-", "x-forwarded-", "x-original-", "x-http-method")
_NAMES = ("forwarded", "x-real-ip", "x-rewrite-url", "x-method-override", "x-client-ip")
_NO_KEY = "[^:].*[^a-z0-9_.-].*|[^a-z0-9_.:-].*"
"""Names of headers that gRPC's transport does not take."""
_NUMBERS = ("grpc-previous-rpc-attempts", "grpc-retry-pushback-ms")
_MAPPER = {"filter", "status_code", "body", "body_format_override", "headers_to_add"}
_CIPHERS = {
    f"ECDHE-{key}-{cipher}"
    for key in ("ECDSA", "RSA")
    for cipher in ("AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305")
}


def check_listeners(configuration: Configuration, deployed: Deployed) -> Iterator[Finding]:
    """Everything in which the ports are not those of the deployment."""
    wanted = _wanted(deployed)
    for name in wanted.keys() - configuration.listeners.keys():
        yield Finding(f"listener {name}", "is not there", REMEDY)
    for name, listener in configuration.listeners.items():
        if name in wanted:
            yield from findings(f"listener {name}", listener, wanted[name])
        else:
            yield Finding(f"listener {name}", "is none of this deployment", "remove it")
    yield from _secrets(configuration, deployed.site.tls)


def _wanted(deployed: Deployed) -> dict[str, Any]:
    tls = deployed.site.tls
    soon = seconds(deployed.site.limits.headers_time)
    found = {PLAIN: _listener(PLAIN, deployed.site.listen, {}) | _speaking(soon)}
    if tls:
        socket = {"transport_socket": _socket(deployed), "transport_socket_connect_timeout": soon}
        found[ENCRYPTED] = _listener(ENCRYPTED, tls.listen, socket)
    return found


def _speaking(soon: str) -> dict[str, Any]:
    """Who says nothing is closed; the one filter before HTTP looks and passes on."""
    inspector = {"name": "first_line", "typed_config": packed("HttpInspector")}
    return {"listener_filters": [inspector], "listener_filters_timeout": soon}


def _listener(name: str, address: Address, socket: dict[str, Any]) -> dict[str, Any]:
    """The filters of its one chain are looked at one by one, elsewhere."""
    http = {"name": "http", "typed_config": anything}
    return packed(
        "Listener",
        name=name,
        address=socket_address(address),
        per_connection_buffer_limit_bytes=anything,
        filter_chains=[{"filters": [http], **socket}],
    )


def _socket(deployed: Deployed) -> dict[str, Any]:
    common = {
        "tls_params": {
            "tls_minimum_protocol_version": "TLSv1_2",
            "tls_maximum_protocol_version": "TLSv1_3",
            "cipher_suites": lambda told: bool(told) and set(told) <= _CIPHERS,
        },
        "tls_certificate_sds_secret_configs": [
            {"name": "edge", "sds_config": deployed.watched("sds_edge.json")}
        ],
        "alpn_protocols": ["h2", "http/1.1"],
    }
    context = packed("DownstreamTlsContext", common_tls_context=common)
    return {"name": "envoy.transport_sockets.tls", "typed_config": context}


def _secrets(configuration: Configuration, tls: Tls | None) -> Iterator[Finding]:
    for name, secret in configuration.secrets.items():
        folder = tls.folder if tls else ""
        certificate = {
            "certificate_chain": _read(f"{folder}/current/certificate.pem"),
            "private_key": _read(f"{folder}/current/key.pem"),
            "watched_directory": {"path": folder},
        }
        wanted = packed("Secret", name="edge", tls_certificate=certificate)
        yield from findings(f"secret {name}", secret, wanted)


def _read(path: str) -> Callable[[Any], bool]:
    """One file; in use Envoy tells what it read of it, with the key blackened."""
    return lambda told: told == {"filename": path} or set(told or ()) == {"inline_bytes"}


def check_manager(where: str, manager: Json, deployed: Deployed) -> Iterator[Finding]:
    """Everything in which a connection manager takes calls otherwise than it must.

    An upgrade has a chain of filters of its own, and is among what no shape here names.
    """
    yield from findings(where, manager, _manager(deployed))


def _manager(deployed: Deployed) -> dict[str, Any]:
    limits = deployed.site.limits
    return packed(
        "HttpConnectionManager",
        stat_prefix="edge",
        http_filters=anything,  # looked at one by one
        rds={"route_config_name": "edge", "config_source": deployed.watched("rds.json")},
        **_caller(),
        **_paths_and_headers(),
        request_headers_timeout=seconds(limits.headers_time),
        request_timeout=seconds(limits.request_time),
        stream_idle_timeout=seconds(limits.idle_time),
        drain_timeout=anything,
        http2_protocol_options=_http2(),
        local_reply_config={"mappers": _mappers},
        access_log=_quiet,
        **_tracing(deployed),
    )


def _caller() -> dict[str, Any]:
    """Who calls is the peer, and nothing in a header says otherwise."""
    unforged = [
        *({"remove_on_match": {"key_matcher": {"prefix": one}}} for one in _PREFIXES),
        *({"remove": name} for name in _NAMES),
        {"remove_on_match": {"key_matcher": {"safe_regex": {"regex": _NO_KEY}}}},
        {"remove_on_match": {"key_matcher": {"suffix": "-bin"}}},
        *({"remove": name} for name in _NUMBERS),
    ]
    nobody = {"address_prefix": "255.255.255.255", "prefix_len": 32}
    early = packed("HeaderMutation", mutations=unforged)
    return {
        "use_remote_address": True,
        "internal_address_config": {"cidr_ranges": [nobody]},
        "early_header_mutation_extensions": [{"name": "unforge", "typed_config": early}],
        "generate_request_id": True,
        "always_set_request_id_in_response": True,
    }


def _paths_and_headers() -> dict[str, Any]:
    return {
        "normalize_path": True,
        "merge_slashes": True,
        "path_with_escaped_slashes_action": "REJECT_REQUEST",
        "strip_any_host_port": True,
        "max_request_headers_kb": 16,
        "common_http_protocol_options": {
            "idle_timeout": "60s",
            "max_headers_count": 64,
            "headers_with_underscores_action": "REJECT_REQUEST",
            "max_requests_per_connection": 100_000,
        },
        "server_name": "causeway",
        "server_header_transformation": Maybe("OVERWRITE"),
    }


def _http2() -> dict[str, Any]:
    return {
        "max_concurrent_streams": 100,
        "initial_stream_window_size": 65_536,
        "initial_connection_window_size": 1_048_576,
        "connection_keepalive": {"interval": anything, "timeout": anything},
        "max_outbound_frames": 2000,
        "max_outbound_control_frames": 500,
    }


def _tracing(deployed: Deployed) -> dict[str, Any]:
    collector = deployed.site.collector
    if collector is None:
        return {}
    address = f"http://{collector.host}:{collector.port}/v1/traces"
    uri = {"uri": address, "cluster": COLLECTOR, "timeout": anything}
    config = packed("OpenTelemetryConfig", service_name=anything, http_service={"http_uri": uri})
    provider = {"name": "envoy.tracers.opentelemetry", "typed_config": config}
    return {"tracing": {"provider": provider, "random_sampling": anything}}


def _mappers(told: Any) -> bool:
    """Whether what the edge says by itself stays a refusal, in whatever words."""
    return all(one.keys() <= _MAPPER and _still_refuses(one) for one in told or [])


def _still_refuses(mapper: Json) -> bool:
    """GRPC tells a refusal by its own status, under HTTP's 200."""
    added = {
        one["header"]["key"]: one["header"]["value"] for one in mapper.get("headers_to_add", [])
    }
    known = added.keys() <= {"www-authenticate", "grpc-status", "grpc-message"}
    grpc = any(map(_of_grpc, mapper.get("filter", {}).get("and_filter", {}).get("filters", [])))
    status = mapper.get("status_code", 400)
    return known and added.get("grpc-status") != "0" and (status >= 400 or (status == 200 and grpc))


def _of_grpc(condition: Json) -> bool:
    header = condition.get("header_filter", {}).get("header", {})
    prefix = str(header.get("string_match", {}).get("prefix", ""))
    plain = header.keys() <= {"name", "string_match", "treat_missing_header_as_empty"}
    return plain and header.get("name") == "content-type" and prefix.startswith("application/grpc")


def _quiet(told: Any) -> bool:
    """Whether what is logged of a call leaves out what would let its reader in."""
    kinds = [str(one["typed_config"]["@type"]).rpartition(".")[2] for one in told or []]
    text = json.dumps(told).lower()
    secret = ("authorization", "cookie", "x-envoy-original-path", "req(:path")
    return kinds == ["StdoutAccessLog"] and not any(one in text for one in secret)
