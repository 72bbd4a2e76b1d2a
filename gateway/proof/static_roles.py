"""The role filter: one rule a method, on one exact path, for those whom the proto names."""

from collections import Counter
from collections.abc import Iterator

from gateway.proof.callers import Caller, Standing
from gateway.proof.configuration import Finding, Json
from gateway.proof.deployed import CLI, DOCUMENTS, Deployed
from gateway.proof.expected import lets_in
from gateway.proof.principals import Unreadable, allows
from gateway.proof.surface import Rpc

REMEDY = "run causeway compile and publish what it writes"


def check_roles(rbac: Json, deployed: Deployed, payload_key: str) -> Iterator[Finding]:
    """Everything in which the RBAC configuration is not the protos' rules."""
    rules = rbac.get("rules")
    if not isinstance(rules, dict) or rbac.get("matcher"):
        yield Finding("role filter", "has no rules, which lets everybody through", REMEDY)
        return
    if rules.get("action", "ALLOW") != "ALLOW":
        yield Finding("role filter", f"its action is {rules['action']}: no default deny", REMEDY)
    policies: Json = rules.get("policies", {})
    rpcs = {rpc.path: rpc for rpc in deployed.rpcs}
    paths = [path for policy in policies.values() for path in _paths(policy)]
    for path in rpcs.keys() - set(paths):
        yield Finding(f"role filter, {path}", "the method has no rule", REMEDY)
    for path in (path for path, times in Counter(paths).items() if times > 1):
        yield Finding(f"role filter, {path}", "the method has more than one rule", REMEDY)
    for name, policy in policies.items():
        yield from _policy(name, policy, rpcs, deployed, payload_key)


def _policy(
    name: str, policy: Json, rpcs: dict[str, Rpc], deployed: Deployed, payload_key: str
) -> Iterator[Finding]:
    where = f"role filter, rule {name}"
    if more := policy.keys() - {"permissions", "principals"}:
        yield Finding(where, f"says {', '.join(sorted(more))}, which the proof can't read", REMEDY)
    paths = _paths(policy)
    if len(paths) != len(policy.get("permissions", [])) or not paths:
        yield Finding(where, "is not for one exact path alone", REMEDY)
    for path in paths:
        if rpc := rpcs.get(path):
            yield from _principals(where, rpc, policy, deployed, payload_key)
        elif path not in DOCUMENTS:
            yield Finding(where, f"{path} is no method", "remove the rule")


def _principals(
    where: str, rpc: Rpc, policy: Json, deployed: Deployed, payload_key: str
) -> Iterator[Finding]:
    for caller, claims in callers(deployed):
        metadata = {payload_key: claims} if claims is not None else {}
        try:
            open_ = any(allows(one, metadata) for one in policy.get("principals", []))
        except Unreadable as error:
            yield Finding(where, f"has {error}", REMEDY)
            return
        if open_ != lets_in(rpc, caller):
            verb = "lets in" if open_ else "refuses"
            yield Finding(where, f"{verb} {caller.name}, unlike the proto", REMEDY)


def callers(deployed: Deployed) -> Iterator[tuple[Caller, Json | None]]:
    """Made-up callers of every kind with the claims of their token; None: none was verified."""
    yield Caller("a caller without a token", Standing.STRANGER), None
    for client in deployed.clients:
        for role, held in ({"": frozenset[str]()} | dict(deployed.surface.roles)).items():
            name = f"{role or 'a caller without a role'} by {client}"
            claims = _claims(held, azp=client)
            yield Caller(name, Standing.KNOWN, roles=frozenset(held)), claims
    everything = frozenset(deployed.surface.roles)
    for name, changed in _WRONG.items():
        yield Caller(name, Standing.FOREIGN), _claims(everything, **changed)


def _claims(roles: frozenset[str], **changed: str | None) -> Json:
    claims: Json = {
        "sub": "proof",
        "typ": "Bearer",
        "azp": CLI,
        "realm_access": {"roles": sorted(roles)},
    } | changed
    return {name: value for name, value in claims.items() if value is not None}


_WRONG: dict[str, dict[str, str | None]] = {
    "an ID token": {"typ": "ID"},
    "a token without a type": {"typ": None},
    "a token of another client": {"azp": "proof"},
    "a token without a client": {"azp": None},
    "a token without a subject": {"sub": None},
}


def _paths(policy: Json) -> list[str]:
    """The exact paths of the permissions that are for one; more conditions only narrow them."""
    found = []
    for permission in policy.get("permissions", []):
        rules = permission.get("and_rules", {}).get("rules", [permission])
        exact = [path for one in rules if (path := _exact_path(one))]
        if len(exact) == 1 and len(permission) == 1:
            found += exact
    return found


def _exact_path(permission: Json) -> str:
    header = permission.get("header", {}) if set(permission) == {"header"} else {}
    text = header.get("string_match", {})
    plain = set(header) == {"name", "string_match"} and set(text) == {"exact"}
    return str(text["exact"]) if plain and header["name"] == ":path" else ""
