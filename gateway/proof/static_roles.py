"""The role filter: one rule a method, on one exact path, for those whom the proto names."""

from collections import Counter
from collections.abc import Iterator

from gateway.proof.callers import Caller, Standing
from gateway.proof.configuration import Finding, Json
from gateway.proof.deployed import CLI, DOCUMENTS, PAYLOAD, READING, Deployed
from gateway.proof.expected import lets_in
from gateway.proof.principals import Unreadable, allows, same, wanted
from gateway.proof.shape import REMEDY, Maybe, anything, findings, packed
from gateway.proof.surface import Rpc

_SHAPE = packed("RBAC", rules={"action": Maybe("ALLOW"), "policies": anything})


def check_roles(rbac: Json, deployed: Deployed) -> Iterator[Finding]:
    """Everything in which the RBAC configuration is not the protos' rules."""
    rules = rbac.get("rules")
    if not isinstance(rules, dict) or rbac.get("matcher"):
        yield Finding("role filter", "has no rules, which lets everybody through", REMEDY)
        return
    if rules.get("action", "ALLOW") != "ALLOW":
        yield Finding("role filter", f"its action is {rules['action']}: no default deny", REMEDY)
    yield from findings("role filter", rbac, _SHAPE)
    policies: Json = rules.get("policies", {})
    rpcs = {rpc.path: rpc for rpc in deployed.rpcs}
    paths = [path for policy in policies.values() for path in _paths(policy)]
    for path in rpcs.keys() - set(paths):
        yield Finding(f"role filter, {path}", "the method has no rule", REMEDY)
    for path in (path for path, times in Counter(paths).items() if times > 1):
        yield Finding(f"role filter, {path}", "the method has more than one rule", REMEDY)
    for name, policy in policies.items():
        yield from _policy(name, policy, rpcs, deployed)


def _policy(name: str, policy: Json, rpcs: dict[str, Rpc], deployed: Deployed) -> Iterator[Finding]:
    where = f"role filter, rule {name}"
    if more := policy.keys() - {"permissions", "principals"}:
        yield Finding(where, f"says {', '.join(sorted(more))}, which the proof can't read", REMEDY)
    paths = _paths(policy)
    if len(paths) != len(policy.get("permissions", [])) or not paths:
        yield Finding(where, "is not for one exact path alone", REMEDY)
    for path in paths:
        if rpc := rpcs.get(path):
            yield from _principals(where, rpc, policy, deployed)
        elif path in DOCUMENTS:
            yield from findings(where, policy, _document(path))
        else:
            yield Finding(where, f"{path} is no method", "remove the rule")


def _principals(where: str, rpc: Rpc, policy: Json, deployed: Deployed) -> Iterator[Finding]:
    """Whether the rule is the proto's, word for word; where it is not, who is let in wrongly."""
    told = policy.get("principals", [])
    if same(told, wanted(rpc, deployed)):
        return
    try:
        wrong = list(wrongly(rpc, told, deployed))
    except Unreadable as error:
        wrong = [f"has {error}"]
    for text in wrong or ["lets in by more, or less, than the proto says"]:
        yield Finding(where, text, REMEDY)


def wrongly(rpc: Rpc, principals: list[Json], deployed: Deployed) -> Iterator[str]:
    """Which made-up callers principals treat otherwise than the proto. Raises Unreadable."""
    for caller, claims in callers(deployed):
        metadata = {PAYLOAD: claims} if claims is not None else {}
        open_ = any(allows(one, metadata) for one in principals)
        if open_ != lets_in(rpc, caller):
            verb = "lets in" if open_ else "refuses"
            yield f"{verb} {caller.name}, unlike the proto"


def _document(path: str) -> Json:
    exact = {"header": {"name": ":path", "string_match": {"exact": path}}}
    reading = {"name": ":method", "string_match": {"safe_regex": {"regex": READING}}}
    rules = {"and_rules": {"rules": [exact, {"header": reading}]}}
    return {"permissions": [rules], "principals": [{"any": True}]}


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
