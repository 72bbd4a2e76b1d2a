"""Enforces the `access` option of every method: what no rule allows is denied.

Roles are checked before the request is decoded, owners on the decoded message: a path or a query
may say something else than the message that the handler gets.
"""

from google.protobuf.message import Message

from bridge.errors import PermissionDenied, not_found
from bridge.server.call import Call, Caller, Handler
from bridge.server.methods import Access
from causeway.options.v1 import options_pb2

Owner = options_pb2.Access


async def check_roles(call: Call, proceed: Handler) -> bytes | None:
    """Let through whom the rule lets through, and possible owners."""
    rule = call.method.access
    open_to_all = rule.public or rule.authenticated
    if not open_to_all and not call.caller.has(*rule.roles) and not may_own(rule):
        raise denied(call)
    return await proceed(call)


async def check_owner(call: Call, proceed: Handler) -> bytes | None:
    """Let a caller without a role through to its own alone; a stranger sees nothing there."""
    rule = call.method.access
    by_field = rule.owner in (Owner.OWNER_SELF, Owner.OWNER_FIELD)
    if by_field and not call.caller.has(*rule.roles):
        name = field_value(call.incoming, rule.owner_field)
        if not is_own(name, rule, call.caller):
            raise not_found(name)
    return await proceed(call)


def may_own(rule: Access) -> bool:
    """Whether the rule lets owners in."""
    return rule.owner != Owner.OWNER_UNSPECIFIED


def is_own(name: str, rule: Access, caller: Caller) -> bool:
    """Whether the field names the caller; `users/me` does where the rule is SELF."""
    return name == caller.name or (rule.owner == Owner.OWNER_SELF and name == "users/me")


def field_value(message: Message, path: tuple[str, ...]) -> str:
    """Read a string field by its path."""
    value: object = message
    for part in path:
        value = getattr(value, part)
    return str(value)


def denied(call: Call) -> PermissionDenied:
    """Name the roles that would do. A method without a rule reads like one that does not exist."""
    roles = sorted(call.method.access.roles)
    if not roles:
        return PermissionDenied("no rule allows this method", reason="METHOD_DENIED")
    return PermissionDenied(
        f"one of these roles is needed: {', '.join(roles)}",
        reason="ROLE_MISSING",
        metadata={"roles": ",".join(roles), "method": call.method.path},
    )
