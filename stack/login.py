"""A user's access token, by name and password (the local realm's client `causeway-cli`)."""

import json
import urllib.error
import urllib.parse
import urllib.request
from http import HTTPStatus

from stack.addresses import token_endpoint
from stack.errors import Code, StackError
from stack.settings import Ports

CLIENT = "causeway-cli"


def access_token(ports: Ports, user: str, password: str) -> str:
    """A fresh token; it lives 300 s. Raises StackError LOGIN_FAILED. Blocking."""
    form = {
        "grant_type": "password",
        "client_id": CLIENT,
        "username": user,
        "password": password,
        "scope": "openid",
    }
    request = urllib.request.Request(  # noqa: S310 (our own address on loopback)
        token_endpoint(ports), urllib.parse.urlencode(form).encode()
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            return str(json.load(answer)["access_token"])
    except urllib.error.HTTPError as error:
        raise _refused(user, error) from None
    except OSError as error:
        raise StackError(
            Code.LOGIN_FAILED, f"Keycloak does not answer: {error}", "causeway status"
        ) from None


def _refused(user: str, error: urllib.error.HTTPError) -> StackError:
    words = _words(error)
    if error.code == HTTPStatus.NOT_FOUND or error.code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        # Of the realm, not of the user: while the platform starts Keycloak has none yet.
        cause = f"Keycloak logs nobody in at present: {words}"
        return StackError(Code.LOGIN_FAILED, cause, "causeway status   (is it still starting?)")
    return StackError(
        Code.LOGIN_FAILED,
        f"Keycloak refuses {user}: {words}",
        f"causeway token {user} --password …   (local users: alice bob oscar ada paul root)",
    )


def _words(error: urllib.error.HTTPError) -> str:
    try:
        body = json.load(error)
        return str(body.get("error_description") or body["error"])
    except (ValueError, LookupError, AttributeError):
        return f"status {error.code}"
