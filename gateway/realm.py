"""The Keycloak realm in Keycloak's own import format: roles, clients, audience, user profile."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from gateway import identity
from gateway.model import Model, Role

Json = dict[str, Any]

INTENT = "intent"
"""User attribute with the id of the registration that made the user; administrators only."""
REGISTRAR = "users"
"""The one area that makes users in Keycloak."""
REGISTRAR_RIGHTS = ("manage-users",)
"""Of the client realm-management. Creating, finding, granting and deleting need no other."""
MARK = "causeway.compiled"
"""Attribute of the roles and clients that were made from protos, so that they can be removed with
them; a role that is no longer declared must not be in tokens."""
_PROFILE = "org.keycloak.userprofile.UserProfileProvider"


def realm(
    model: Model,
    secrets: Mapping[str, str],
    *,
    secure: bool = True,
    people: Sequence[Mapping[str, Any]] = (),
    origins: Sequence[str] = (),
) -> Json:
    """The whole realm. `secrets`: area → secret of its service account (all of them).

    `secure` False takes plain HTTP from anywhere: only for a platform on loopback. `people`
    are users in Keycloak's format that come with a local realm. `origins` are those whose pages
    may log their users in, exact.
    """
    return {
        "realm": identity.REALM,
        "enabled": True,
        **_logins(secure=secure),
        "roles": {"realm": [_role(role) for role in model.roles]},
        "clients": [
            _cli(origins),
            *(_service_account(area, secrets[area]) for area in model.areas),
        ],
        "users": [_registrar(), *(dict(one) for one in people)],
        "components": {_PROFILE: [_user_profile()]},
    }


def _logins(*, secure: bool) -> Json:
    """How people log in, and for how long. Users come by our API, never by a page of Keycloak's."""
    return {
        "sslRequired": "external" if secure else "none",
        "accessTokenLifespan": identity.TOKEN_LIFE,
        "registrationAllowed": False,
        "resetPasswordAllowed": False,
        "editUsernameAllowed": False,
        "loginWithEmailAllowed": False,
        "bruteForceProtected": True,
        "defaultSignatureAlgorithm": "RS256",
        "passwordPolicy": "length(8) and maxLength(128)",
    }


def _role(role: Role) -> Json:
    mark = {MARK: ["true"]}
    found: Json = {"name": role.name, "description": role.description, "attributes": mark}
    if role.includes:
        # Tokens list the included roles too, so edge and services need not know of them.
        found |= {"composite": True, "composites": {"realm": sorted(role.includes)}}
    return found


def _cli(origins: Sequence[str]) -> Json:
    """A program or page of the user: no secret, the user's own name and password."""
    return {
        "clientId": identity.CLI,
        "enabled": True,
        "protocol": "openid-connect",
        "publicClient": True,
        "standardFlowEnabled": False,
        "implicitFlowEnabled": False,
        "directAccessGrantsEnabled": True,
        "serviceAccountsEnabled": False,
        "fullScopeAllowed": True,
        "webOrigins": sorted(origins),
        "attributes": {MARK: "true"},
        "protocolMappers": [_audience()],
    }


def _service_account(area: str, secret: str) -> Json:
    """A service towards Keycloak. Its tokens lack our audience: they open nothing at the edge."""
    return {
        "clientId": area,
        "enabled": True,
        "protocol": "openid-connect",
        "publicClient": False,
        "clientAuthenticatorType": "client-secret",
        "secret": secret,
        "standardFlowEnabled": False,
        "implicitFlowEnabled": False,
        "directAccessGrantsEnabled": False,
        "serviceAccountsEnabled": True,
        # Whether its tokens carry the rights of the account; only one has any.
        "fullScopeAllowed": area == REGISTRAR,
        "attributes": {MARK: "true"},
    }


def _audience() -> Json:
    return {
        "name": "audience",
        "protocol": "openid-connect",
        "protocolMapper": "oidc-audience-mapper",
        "config": {
            "included.custom.audience": identity.AUDIENCE,
            "access.token.claim": "true",
            "id.token.claim": "false",
        },
    }


def _registrar() -> Json:
    return {
        "username": f"service-account-{REGISTRAR}",
        "enabled": True,
        "serviceAccountClientId": REGISTRAR,
        "clientRoles": {"realm-management": list(REGISTRAR_RIGHTS)},
    }


def _user_profile() -> Json:
    # Without first and last name in it, their absence does not make a user "not fully set up".
    everybody = {"view": ["admin", "user"], "edit": ["admin"]}
    administrators = {"view": ["admin"], "edit": ["admin"]}
    profile = {
        "attributes": [
            {
                "name": "username",
                "permissions": everybody,
                "validations": {"length": {"min": 3, "max": 64}},
            },
            {
                "name": "email",
                "permissions": everybody,
                "validations": {"email": {}, "length": {"max": 254}},
            },
            {"name": INTENT, "permissions": administrators, "multivalued": False},
        ]
    }
    text = json.dumps(profile, sort_keys=True)
    return {
        "providerId": "declarative-user-profile",
        "config": {"kc.user.profile.config": [text]},
    }
