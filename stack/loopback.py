"""Keeps calls to the platform's own parts away from a company's HTTP proxy."""

from collections.abc import Mapping

NAMES = ("127.0.0.1", "localhost", "::1")
VARIABLES = ("NO_PROXY", "no_proxy")
"""Programs read either; gRPC and curl the small one alone."""


def direct(environment: Mapping[str, str]) -> dict[str, str]:
    """NO_PROXY and no_proxy as `environment` has them, with loopback added.

    What is in front of the parts here is on loopback, where a proxy elsewhere can't reach it;
    HTTP_PROXY is obeyed by httpx, requests and gRPC alike.
    """
    given = next((environment[name] for name in VARIABLES if environment.get(name)), "")
    known = [name.strip() for name in given.split(",") if name.strip()]
    text = ",".join([*known, *(name for name in NAMES if name not in known)])
    return dict.fromkeys(VARIABLES, text)
