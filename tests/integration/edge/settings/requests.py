"""What a request may look like, and what of it arrives behind the edge."""

from collections.abc import Iterator
from typing import Any

from envoy.extensions.http.early_header_mutation.header_mutation.v3.header_mutation_pb2 import (
    HeaderMutation,
)
from google.protobuf.any_pb2 import Any as AnyMessage

from tests.integration.edge.bench import seen
from tests.integration.edge.settings.edits import Change, edited, without
from tests.integration.edge.settings.setting import Asked, Setting

ORDER = "/v1/orders/7"
_FORGED = {
    "x-envoy-": "x-envoy-anything",
    "x-forwarded-": "x-forwarded-user",
    "x-original-": "x-original-url",
    "x-http-method": "x-http-method-override",
    "forwarded": "forwarded",
    "x-real-ip": "x-real-ip",
    "x-rewrite-url": "x-rewrite-url",
    "x-method-override": "x-method-override",
    "x-client-ip": "x-client-ip",
}


def arrived(ask: Asked, **headers: str) -> dict[str, str]:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return seen(ask.rest("GET", ORDER, headers=sent).headers)


def _unforged(packed: AnyMessage, name: str) -> None:
    """The early removal without the one of this name or prefix."""
    message = HeaderMutation()
    packed.Unpack(message)
    kept = [one for one in message.mutations if f'"{name}"' not in str(one)]
    assert len(kept) == len(message.mutations) - 1
    del message.mutations[:]
    message.mutations.extend(kept)
    packed.Pack(message)


def arriving(name: str) -> Change:
    def edit(manager: Any) -> None:
        _unforged(manager.early_header_mutation_extensions[0].typed_config, name)

    return edited("manager", edit)


def _removed(removed: str, header: str) -> Setting:
    return Setting(
        f"{removed} is dropped",
        arriving(removed),
        lambda ask: header not in seen(ask.rest("GET", ORDER, headers={header: "forged"}).headers),
    )


def switched(field: str, value: Any) -> Change:
    """What we say though it is the default: the opposite."""
    return edited("manager", lambda manager: setattr(manager, field, value))


def _any_domain(routes: Any) -> None:
    routes.virtual_hosts[0].domains[:] = ["*"]


def settings() -> Iterator[Setting]:
    yield from (_removed(removed, header) for removed, header in _FORGED.items())
    yield from _of_paths()
    yield from _of_headers()
    yield from _of_addresses()
    yield from _of_answers()
    yield Setting(
        "domains",
        edited("routes", _any_domain),
        lambda ask: ask.status(ORDER, host="evil.example") == 404,
    )
    yield Setting(
        "strip_any_host_port",
        without("manager", "strip_any_host_port"),
        lambda ask: ask.status(ORDER, host="localhost:9999") == 200,
    )


def _of_paths() -> Iterator[Setting]:
    paths = {
        "normalize_path": ("/v1/users/../orders/7", 200),
        "merge_slashes": ("//v1//orders/7", 200),
        "path_with_escaped_slashes_action": ("/v1/orders%2f7", 400),
    }
    for field, (path, status) in paths.items():
        yield Setting(
            field,
            without("manager", field),
            lambda ask, path=path, status=status: ask.status(path) == status,  # type: ignore[misc]
        )


def _of_headers() -> Iterator[Setting]:
    common = "common_http_protocol_options"
    many = [f"x-h{n}: 1" for n in range(70)]
    yield Setting(
        "headers_with_underscores_action",
        without("manager", f"{common}.headers_with_underscores_action"),
        lambda ask: ask.status(ORDER, "x_sub: root") == 400,
    )
    yield Setting(
        "max_headers_count",
        without("manager", f"{common}.max_headers_count"),
        lambda ask: ask.status(ORDER, *many) == 431,
    )
    yield Setting(
        "max_request_headers_kb",
        without("manager", "max_request_headers_kb"),
        lambda ask: ask.status(ORDER, f"x-h: {'x' * 20_000}") == 431,
    )


def _of_addresses() -> Iterator[Setting]:
    yield Setting(
        "use_remote_address",
        without("manager", "use_remote_address"),
        lambda ask: "x-forwarded-for" in arrived(ask),
    )
    yield Setting(
        "internal_address_config",
        without("manager", "internal_address_config.cidr_ranges"),  # empty: loopback is inside
        lambda ask: "x-envoy-internal" not in arrived(ask),
    )


def _of_answers() -> Iterator[Setting]:
    yield Setting(
        "preserve_external_request_id",
        switched("preserve_external_request_id", True),
        lambda ask: arrived(ask, x_request_id="forged")["x-request-id"] != "forged",
    )
    yield Setting(
        "always_set_request_id_in_response",
        without("manager", "always_set_request_id_in_response"),
        lambda ask: "x-request-id" in ask.rest("GET", ORDER).headers,
    )
    yield Setting(
        "server_name",
        without("manager", "server_name"),
        lambda ask: ask.rest("GET", ORDER).headers["server"] == "causeway",
    )
    yield Setting(
        "server_header_transformation",
        switched("server_header_transformation", 2),  # PASS_THROUGH
        lambda ask: ask.rest("GET", ORDER).headers.get("server") == "causeway",
    )
