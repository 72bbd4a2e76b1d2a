"""Who may call what: one policy a method, on exact gRPC paths; what has no policy is denied."""

from typing import Any

from envoy.extensions.filters.http.rbac.v3.rbac_pb2 import RBAC

from gateway import identity, surface
from gateway.deployments import Deployment
from gateway.envoy import documents
from gateway.envoy.authentication import METADATA, PAYLOAD
from gateway.envoy.typed import typed
from gateway.model import Access, Model, Owner


def authorization(model: Model, deployment: Deployment) -> RBAC:
    """Stands after the transcoder, so REST calls arrive here under their gRPC path too."""
    caller = _caller(model)
    policies = {
        method.path: _policy(method.path, _principal(method.access, caller))
        for method in model.methods()
    }
    for path in surface.DOCUMENTS:
        policies[path] = _policy(path, {"any": True}, documents.READING)
    for path in surface.REFLECTION:
        policies[path] = _policy(path, _all(caller, _roles(deployment.reflection_roles)))
    # `rules` absent would enforce nothing; present and empty denies everything.
    return typed(RBAC, rules={"action": "ALLOW", "policies": policies})


def asked_for(access: Access) -> str:
    """What to tell a caller who was refused by the method's policy."""
    return asked_for_roles(() if access.owner is not Owner.NONE else access.roles)


def asked_for_roles(roles: tuple[str, ...]) -> str:
    """The same of a method that is for these roles, or for every caller."""
    asked = "this method asks for an access token of this platform"
    if not roles:
        return asked
    word = "the role" if len(roles) == 1 else "one of the roles"
    return f"{asked} with {word} {', '.join(roles)}"


def _policy(path: str, principal: dict[str, Any], *more: dict[str, Any]) -> dict[str, Any]:
    # The whole :path, so that no query can ride along on a gRPC call.
    exact = {"name": ":path", "string_match": {"exact": path}}
    headers = [{"header": header} for header in (exact, *more)]
    permission = {"and_rules": {"rules": headers}} if more else headers[0]
    return {"permissions": [permission], "principals": [principal]}


def _principal(access: Access, caller: list[dict[str, Any]]) -> dict[str, Any]:
    if access.public:
        return {"any": True}
    if access.owner is not Owner.NONE:
        return _all(caller, [])  # the service decides whether the caller is the owner
    return _all(caller, _roles(access.roles))


def _caller(model: Model) -> list[dict[str, Any]]:
    """An access token (an ID token passes the JWT filter too) of a client that we made."""
    clients = [_claim(["azp"], {"string_match": {"exact": c}}) for c in identity.client_ids(model)]
    kind = {"string_match": {"exact": identity.ACCESS_TOKEN_TYPE}}
    return [_claim(["sub"], {"present_match": True}), _claim(["typ"], kind), _any(clients)]


def _roles(roles: tuple[str, ...]) -> list[dict[str, Any]]:
    """Any of the roles; nothing to ask for where there are none."""
    held = [
        _claim(
            ["realm_access", "roles"], {"list_match": {"one_of": {"string_match": {"exact": role}}}}
        )
        for role in roles
    ]
    return [_any(held)] if held else []


def _claim(path: list[str], value: dict[str, Any]) -> dict[str, Any]:
    return {
        "sourced_metadata": {
            "metadata_source": "DYNAMIC",
            "metadata_matcher": {
                "filter": METADATA,
                "path": [{"key": PAYLOAD}, *({"key": key} for key in path)],
                "value": value,
            },
        }
    }


def _all(first: list[dict[str, Any]], more: list[dict[str, Any]]) -> dict[str, Any]:
    return {"and_ids": {"ids": [*first, *more]}}


def _any(ids: list[dict[str, Any]]) -> dict[str, Any]:
    return {"or_ids": {"ids": ids}}
