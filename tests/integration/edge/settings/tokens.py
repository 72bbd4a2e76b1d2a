"""Who is let in: each field of the JWT filter, each condition of the role filter."""

import time
from collections.abc import Iterator
from typing import Any

from causeway.orders.v1.order_service_pb2 import GetOrderRequest
from gateway.envoy import names
from tests.integration.edge.bench import seen
from tests.integration.edge.settings.edits import Change, all_of, edited, without
from tests.integration.edge.settings.setting import Asked, Setting

ORDER = "/v1/orders/7"
GET = "/causeway.orders.v1.OrderService/GetOrder"


def provider(field: str) -> Change:
    return without(names.AUTHENTICATION, f"providers.{field}")


def refused(status: int, **claims: Any) -> Any:
    """Whether a token with these claims gets this status."""
    return lambda ask: ask.rest("GET", ORDER, ask.token(**claims)).status_code == status


def _just_expired(ask: Asked) -> bool:
    token = ask.token(exp=int(time.time()) - 30)
    return ask.rest("GET", ORDER, token).status_code == 401


def _header_only(ask: Asked) -> bool:
    path = f"{ORDER}?access_token={ask.token()}"
    return ask.rest("GET", path, "").status_code == 401


def _no_words_of_envoy(ask: Asked) -> bool:
    headers = {"content-type": "application/grpc"}
    answer = ask.rest("POST", GET, "x.y.z", headers=headers, content=b"")
    return "www-authenticate" not in answer.headers


def _queries_open_nothing(ask: Asked) -> bool:
    request = GetOrderRequest(name="orders/7").SerializeToString()
    return ask.edge.grpc(f"{GET}?x=1", request, ask.token()).code.name == "PERMISSION_DENIED"


def policies(edit: Any) -> Change:
    def each(rbac: Any) -> None:
        for policy in rbac.rules.policies.values():
            edit(policy)

    return edited(names.AUTHORIZATION, each)


def without_claim(name: str) -> Change:
    """No policy asks for this claim any more."""

    def edit(policy: Any) -> None:
        for principal in policy.principals:
            kept = [one for one in principal.and_ids.ids if name not in str(one)]
            if principal.HasField("and_ids"):
                del principal.and_ids.ids[:]
                principal.and_ids.ids.extend(kept)

    return policies(edit)


def _prefixes(policy: Any) -> None:
    for permission in (one for one in policy.permissions if one.HasField("header")):
        match = permission.header.string_match
        match.prefix = match.exact


def _last_rule(jwt: Any) -> None:
    del jwt.rules[-1]


def settings() -> Iterator[Setting]:
    yield from _authentication()
    yield from _roles()


def _authentication() -> Iterator[Setting]:
    jwt = names.AUTHENTICATION
    yield Setting("issuer", provider("issuer"), refused(401, iss="http://elsewhere"))
    yield Setting("audiences", provider("audiences"), refused(403, aud="account"))
    # A longest life asks for an expiry too: each of the two would do.
    neither = all_of(provider("require_expiration"), provider("max_lifetime"))
    yield Setting("require_expiration", neither, refused(401, exp=None))
    yield Setting("max_lifetime", provider("max_lifetime"), refused(401, exp=4_000_000_000))
    yield Setting("clock_skew_seconds", provider("clock_skew_seconds"), _just_expired)
    yield Setting("from_headers", provider("from_headers"), _header_only)
    yield Setting(
        "payload_in_metadata",
        provider("payload_in_metadata"),
        lambda ask: ask.rest("GET", ORDER).status_code == 200,
    )
    yield Setting(
        "forward",
        provider("forward"),
        lambda ask: "authorization" in seen(ask.rest("GET", ORDER).headers),
    )
    yield Setting(
        "strip_failure_response", without(jwt, "strip_failure_response"), _no_words_of_envoy
    )
    yield Setting(
        "a rule for every path",
        edited(jwt, _last_rule),
        lambda ask: ask.rest("GET", ORDER, "").status_code == 401,
    )


def _roles() -> Iterator[Setting]:
    yield Setting("azp of a known client", without_claim("azp"), refused(403, azp="stranger"))
    yield Setting("typ Bearer", without_claim("typ"), refused(403, typ="ID"))
    yield Setting("sub", without_claim("sub"), refused(403, sub=None))
    yield Setting(
        "roles",
        without_claim("realm_access"),
        lambda ask: (
            ask.rest("POST", "/v1/orders/7:ship", ask.token("customer"), json={}).status_code == 403
        ),
    )
    yield Setting("the whole path of a policy", policies(_prefixes), _queries_open_nothing)
