"""The JWT filter: one rule for everything at the end, and before it the declared exceptions."""

from collections import Counter
from collections.abc import Iterator

from gateway.proof.configuration import Finding, Json
from gateway.proof.deployed import AUDIENCE, COOKIE, DOCUMENTS, READING, SKEW, TOKEN_LIFE, Deployed
from gateway.proof.static_cookies import check_cookie_rule, reads_cookie
from gateway.proof.static_places import place_of

REMEDY = "run causeway compile and publish what it writes"
_ODD = ("requirement_map", "filter_state_rules", "bypass_cors_preflight", "stat_prefix_only")
_OTHER_PLACES = ("from_params", "jwt_provider_config")
PAYLOAD = "jwt"


def check_tokens(jwt: Json, deployed: Deployed) -> Iterator[Finding]:
    """Everything in which the JWT configuration asks for less than a token of ours."""
    for key in _ODD:
        if jwt.get(key):
            yield Finding("token filter", f"sets {key}, a way past the rules", REMEDY)
    providers: Json = jwt.get("providers", {})
    for name, provider in providers.items():
        yield from _provider(name, provider, deployed)
    rules = jwt.get("rules", [])
    last = rules[-1] if rules else {}
    if last.get("match") != {"prefix": "/"} or not _required(last, providers):
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


def _provider(name: str, provider: Json, deployed: Deployed) -> Iterator[Finding]:
    where = f"token filter, provider {name}"
    wanted = {
        "issuer": deployed.issuer,
        "audiences": [AUDIENCE],
        "require_expiration": True,
        "payload_in_metadata": PAYLOAD,
        **_place_of_token(provider),
    }
    for key, value in wanted.items():
        if provider.get(key) != value:
            yield Finding(where, f"{key} is {provider.get(key)!r} and not {value!r}", REMEDY)
    for key in _OTHER_PLACES:
        if provider.get(key):
            yield Finding(where, f"sets {key}: tokens count elsewhere too", REMEDY)
    life = float(str(provider.get("max_lifetime", "inf")).removesuffix("s"))
    if life > TOKEN_LIFE + SKEW:
        yield Finding(where, f"tokens may live {life:g} s and not {TOKEN_LIFE + SKEW} s", REMEDY)
    if int(provider.get("clock_skew_seconds") or 60) > SKEW:
        yield Finding(where, f"clocks may differ by more than {SKEW} s", REMEDY)
    if "remote_jwks" not in provider:
        yield Finding(where, "keys are not fetched from the issuer", REMEDY)


def _place_of_token(provider: Json) -> Json:
    """What must be said of where the token is: in the header, or in the one cookie alone."""
    if reads_cookie(provider):
        return {"from_headers": None, "from_cookies": [COOKIE]}
    header = {"name": "Authorization", "value_prefix": "Bearer "}
    return {"from_headers": [header], "from_cookies": None}


def _exceptions(rules: list[Json], deployed: Deployed) -> Iterator[Finding]:
    wanted = Counter(_wanted(deployed))
    for number, rule in enumerate(rules):
        where = f"token filter, exception {number + 1}"
        place = place_of(rule.get("match", {}), deployed) if set(rule) == {"match"} else None
        if len(rule.get("match", {}).get("headers", [])) > 1:
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


def _shown(match: Json) -> str:
    return ", ".join(f"{key} {value}" for key, value in match.items() if key != "headers")
