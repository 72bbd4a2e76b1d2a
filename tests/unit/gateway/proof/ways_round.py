"""Holes beside what a reader of rules looks at: ways round the chain, and other people's facts."""

from collections.abc import Callable
from typing import Any

from gateway.proof.configuration import Configuration
from tests.unit.gateway.proof.parts import SHIP, host, manager, policies, provider, route, rules

R = "type.googleapis.com/envoy."
ROUTER = {
    "name": "router",
    "typed_config": {"@type": f"{R}extensions.filters.http.router.v3.Router"},
}
WEBSOCKET = {"upgrade_type": "websocket", "enabled": True, "filters": [ROUTER]}
TCP = {
    "@type": f"{R}extensions.filters.network.tcp_proxy.v3.TcpProxy",
    "stat_prefix": "x",
    "cluster": "orders",
}
ANYWHERE = {"socket_address": {"address": "0.0.0.0", "port_value": 9999}}  # noqa: S104
LISTENER = {
    "name": "x",
    "address": ANYWHERE,
    "filter_chains": [{"filters": [{"name": "tcp", "typed_config": TCP}]}],
}
ADMIN = {"header": {"key": "authorization", "value": "Bearer admin"}}
EVIL = {"regex": r"https://evil\\.example"}


def claim(path: list[str], value: dict[str, Any]) -> dict[str, Any]:
    """One principal more, by a claim of the token."""
    steps = [{"key": key} for key in ("jwt", *path)]
    matcher = {"filter": "envoy.filters.http.jwt_authn", "path": steps, "value": value}
    return {"sourced_metadata": {"metadata_matcher": matcher}}


def subject(configuration: Configuration) -> None:
    mallory = claim(["sub"], {"string_match": {"exact": "mallory"}})
    policies(configuration)[SHIP]["principals"].append(mallory)


def role(configuration: Configuration) -> None:
    held = {"list_match": {"one_of": {"string_match": {"exact": "offline_access"}}}}
    policies(configuration)[SHIP]["principals"].append(claim(["realm_access", "roles"], held))


def exception(configuration: Configuration) -> None:
    match = next(r["match"] for r in rules(configuration)
                 if r["match"].get("path") == "/v1/users:register")  # fmt: skip
    del match["path"]
    match["safe_regex"] = {"regex": "/v1/users:register|/v1/orders/0[^/:]+:ship"}


def cookie_rule(configuration: Configuration) -> dict[str, Any]:
    """The match of the rule for watching one order."""
    return next(r["match"] for r in rules(configuration) if "safe_regex" in r["match"])


def wider_cookie(configuration: Configuration) -> None:
    cookie_rule(configuration)["safe_regex"]["regex"] += "|/v1/[a-z]+/[0-9a-f-]{36}"


def origin(configuration: Configuration, **told: Any) -> None:
    headers = cookie_rule(configuration)["headers"]
    header = next(one for one in headers if one["name"] == "origin")
    header.pop("present_match")
    header.update(told)


def site_may_miss(configuration: Configuration) -> None:
    headers = cookie_rule(configuration)["headers"]
    site = next(one for one in headers if one["name"] == "sec-fetch-site")
    site["invert_match"] = True


def token(configuration: Configuration, value: str) -> None:
    """Written into requests by the route of a stream."""
    written = next(one for one in host(configuration)["routes"] if "request_headers_to_add" in one)
    written["request_headers_to_add"][0]["header"]["value"] = value


def early(configuration: Configuration) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = manager(configuration)["early_header_mutation_extensions"]
    return found


def no_document_verb(configuration: Configuration) -> None:
    policies(configuration)["/openapi.json"]["principals"].append({"any": True})


def encrypted_chain(configuration: Configuration) -> dict[str, Any]:
    found: dict[str, Any] = configuration.listeners["edge_tls"]["filter_chains"][0]
    return found


def added(resources: Any, resource: dict[str, Any]) -> None:
    resources["more"] = resource


def members(address: str) -> dict[str, Any]:
    endpoint = {"address": {"socket_address": {"address": address, "port_value": 80}}}
    return {"cluster_name": "orders", "endpoints": [{"lb_endpoints": [{"endpoint": endpoint}]}]}


ROUND: dict[str, tuple[Callable[[Configuration], Any], str]] = {
    "an upgrade past every filter": (
        lambda c: manager(c).update(upgrade_configs=[WEBSOCKET]), "says upgrade_configs"),
    "an admin address for everybody": (
        lambda c: c.bootstrap["admin"].update(address=ANYWHERE), "admin.address"),
    "a listener in the bootstrap": (
        lambda c: c.bootstrap.update(static_resources={"listeners": [LISTENER]}),
        "says static_resources"),
    "listeners from elsewhere": (
        lambda c: c.bootstrap["dynamic_resources"]["lds_config"]["path_config_source"].update(
            path="/other/lds.json"), "lds_config.path_config_source.path"),
    "no bootstrap": (lambda c: c.bootstrap.clear(), "bootstrap: is not there"),
    "one listener more": (lambda c: added(c.listeners, LISTENER), "none of this deployment"),
    "a listener elsewhere": (
        lambda c: c.listeners["edge"].update(address=ANYWHERE), "address.socket_address"),
    "filters of a listener": (
        lambda c: c.listeners["edge"].update(listener_filters=[{"name": "x"}]),
        "listener_filters[0].name"),
    "silence on a listener": (
        lambda c: c.listeners["edge"].pop("listener_filters_timeout"), "listener_filters_timeout"),
    "silence before TLS": (
        lambda c: encrypted_chain(c).pop("transport_socket_connect_timeout"),
        "transport_socket_connect_timeout"),
    "TLS without TLS": (lambda c: encrypted_chain(c).pop("transport_socket"), "transport_socket"),
    "every request copied": (
        lambda c: c.routes["edge"].update(request_mirror_policies=[{"cluster": "orders"}]),
        "says request_mirror_policies"),
    "every request with a token": (
        lambda c: c.routes["edge"].update(request_headers_to_add=[ADMIN]),
        "says request_headers_to_add"),
    "hosts from elsewhere": (
        lambda c: c.routes["edge"].update(vhds={"config_source": {"ads": {}}}), "says vhds"),
    "no hosts": (lambda c: c.routes["edge"].update(virtual_hosts=[]), "has 0 hosts"),
    "keys from elsewhere": (
        lambda c: provider(c)["remote_jwks"]["http_uri"].update(uri="http://evil.example/jwks"),
        "remote_jwks.http_uri.uri is 'http://evil.example/jwks'"),
    "keys through another cluster": (
        lambda c: provider(c)["remote_jwks"]["http_uri"].update(cluster="orders"),
        "remote_jwks.http_uri.cluster"),
    "claims in headers": (
        lambda c: provider(c).update(claim_to_headers=[{"header_name": "x", "claim_name": "sub"}]),
        "says claim_to_headers"),
    "tokens that are kept": (
        lambda c: provider(c).update(jwt_cache_config={"jwt_cache_size": 9}),
        "says jwt_cache_config"),
    "an exception for real ids": (exception, "needs no token"),
    "a cookie rule for real ids": (wider_cookie, "is not for the GET of one stream"),
    "one subject more": (subject, "by more, or less, than the proto says"),
    "a role that everybody has": (role, "by more, or less, than the proto says"),
    "an inverted origin": (
        lambda c: origin(c, string_match={"safe_regex": EVIL}, invert_match=True),
        "pages of any origin"),
    "a foreign origin": (
        lambda c: origin(c, string_match={"safe_regex": EVIL}), "pages of any origin"),
    "a foreign site": (site_may_miss, "pages of any origin"),
    "a foreign origin in CORS": (
        lambda c: host(c)["typed_per_filter_config"]["cors"].update(
            allow_origin_string_match=[{"exact": "https://evil.example"}]),
        "says allow_origin_string_match"),
    "a token by an early mutation": (
        lambda c: early(c)[0]["typed_config"]["mutations"].append({"append": ADMIN}),
        "early_header_mutation_extensions[0].typed_config.mutations"),
    "one early mutation more": (
        lambda c: early(c).append({"name": "x"}), "early_header_mutation_extensions"),
    "forgeable headers kept": (
        lambda c: manager(c).pop("early_header_mutation_extensions"),
        "early_header_mutation_extensions is None"),
    "a limit that writes a token": (
        lambda c: c.filters["total_limit"].update(
            request_headers_to_add_when_not_enforced=[ADMIN]),
        "says request_headers_to_add_when_not_enforced"),
    "a limit that is not enforced": (
        lambda c: c.filters["caller_limit"].pop("filter_enforced"), "filter_enforced is None"),
    "no bucket of a method": (
        lambda c: c.filters["caller_limit"].update(descriptors=[]), "descriptors is []"),
    "requests of any size": (
        lambda c: c.filters["request_size"].update(max_request_bytes=4_000_000_000),
        "max_request_bytes is 4000000000"),
    "replicas elsewhere": (
        lambda c: c.clusters["orders"].update(load_assignment=members("evil.example")),
        "load_assignment"),
    "a cluster with filters of its own": (
        lambda c: next(iter(c.clusters["orders"]["typed_extension_protocol_options"].values()))
        .update(http_filters=[ROUTER]), "http_filters"),
    "one cluster more": (
        lambda c: added(c.clusters, c.clusters["orders"]), "none of this deployment"),
    "a document for every verb": (no_document_verb, "principals"),
    "another value that names the cookie": (
        lambda c: token(c, "Bearer admin causeway_token"), "writes authorization into requests"),
    "a copy of one method's requests": (
        lambda c: route(c, SHIP)["route"].update(request_mirror_policies=[{"cluster": "orders"}]),
        "says route.request_mirror_policies"),
    "a refusal that is none": (
        lambda c: manager(c)["local_reply_config"]["mappers"][0].update(status_code=200),
        "local_reply_config.mappers"),
    "tokens in the log": (
        lambda c: manager(c)["access_log"][0]["typed_config"]["log_format"]["json_format"].update(
            x="%REQ(AUTHORIZATION)%"), "access_log"),
}  # fmt: skip
