"""The JWT filter: one rule for everything at the end, and before it the declared exceptions."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from gateway.proof.configuration import Finding, Json
from gateway.proof.deployed import (
    AUDIENCE,
    COOKIE,
    DOCUMENTS,
    KEYCLOAK,
    PAYLOAD,
    READING,
    SKEW,
    TOKEN_LIFE,
    Deployed,
)
from gateway.proof.shape import REMEDY, anything, findings, packed
from gateway.proof.static_cookies import check_cookie_rule, reads_cookie
from gateway.proof.static_places import match_of, place_of

_SHAPE = packed(
    "JwtAuthentication",
    providers=anything,  # looked at one by one, as the rules are
    rules=anything,
    strip_failure_response=True,
)


def check_tokens(jwt: Json, deployed: Deployed) -> Iterator[Finding]:
    """Everything in which the JWT configuration asks for less than a token of ours."""
    yield from findings("token filter", jwt, _SHAPE)
    providers: Json = jwt.get("providers", {})
    for name, provider in providers.items():
        yield from findings(
            f"token filter, provider {name}", provider, _provider(provider, deployed)
        )
    rules = jwt.get("rules", [])
    last = rules[-1] if rules else {}
    whole = last.keys() == {"match", "requires"} and last["match"] == {"prefix": "/"}
    if not whole or not _required(last, providers):
        text = "the last rule does not ask for a token on every path"
        yield Finding("token filter", text, REMEDY)
    cookie_rules = [rule for rule in rules[:-1] if "requires" in rule]
    for rule in cookie_rules:
        yield from check_cookie_rule(rule, providers, deployed)
    yield from _exceptions([rule for rule in rules[:-1] if "requires" not in rule], deployed)


def _required(rule: Json, providers: Json) -> bool:
    """Exactly one provider by name, one that reads the header: anything else lets more through."""
    requires = rule.get("requires", {})
    name = requires.get("provider_name") if set(requires) == {"provider_name"} else None
    return name in providers and not reads_cookie(providers[name])


def _provider(told: Json, deployed: Deployed) -> dict[str, Any]:
    """The issuer, its keys at its own address, and one place of the token: whatever else it says
    (claims written into headers, tokens kept for good) is more than a proof can follow."""
    return {
        "issuer": deployed.issuer,
        "audiences": [AUDIENCE],
        "require_expiration": True,
        "max_lifetime": f"{TOKEN_LIFE + SKEW}s",
        "clock_skew_seconds": SKEW,
        "forward": True,
        "payload_in_metadata": PAYLOAD,
        "remote_jwks": {
            "http_uri": {"uri": deployed.keys, "cluster": KEYCLOAK, "timeout": anything},
            "async_fetch": {"failed_refetch_duration": anything, "fast_listener": anything},
            "cache_duration": "60s",
            "retry_policy": {"num_retries": anything},
        },
        **_place_of_token(told),
    }


def _place_of_token(told: Json) -> dict[str, Any]:
    """In the header, or in the one cookie alone."""
    if reads_cookie(told):
        return {"from_cookies": [COOKIE]}
    return {"from_headers": [{"name": "Authorization", "value_prefix": "Bearer "}]}


def _exceptions(rules: list[Json], deployed: Deployed) -> Iterator[Finding]:
    wanted = Counter(_wanted(deployed))
    for number, rule in enumerate(rules):
        where = f"token filter, exception {number + 1}"
        place = place_of(rule.get("match", {}), deployed) if set(rule) == {"match"} else None
        if place and rule["match"] != {**match_of(place), "headers": [_verb(place[0])]}:
            place = None
        if place is None:
            text = f"{_shown(rule.get('match', {}))} needs no token, and no public method is there"
            yield Finding(where, text, "make the method public in its proto, or remove it")
        elif wanted[place]:
            del wanted[place]
        else:
            yield Finding(where, f"{' '.join(place)} is no declared exception", "remove it")
    for verb, path in wanted:
        if path not in DOCUMENTS:  # a deployment may leave them out
            yield Finding("token filter", f"{verb} {path} is public and needs a token", REMEDY)


def _wanted(deployed: Deployed) -> Iterator[tuple[str, str]]:
    for rpc in deployed.surface.rpcs:
        if rpc.public:
            yield "POST", rpc.path
            yield from ((one.verb, one.template) for one in rpc.bindings)
    yield from ((READING, path) for path in DOCUMENTS)


def _verb(verb: str) -> Json:
    text = {"safe_regex": {"regex": verb}} if verb == READING else {"exact": verb}
    return {"name": ":method", "string_match": text}


def _shown(match: Json) -> str:
    return ", ".join(f"{key} {value}" for key, value in match.items() if key != "headers")
