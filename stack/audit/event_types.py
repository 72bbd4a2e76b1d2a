"""Names of event types as a person types them."""

from difflib import get_close_matches

from stack.errors import Code, StackError


def full_type(name: str, known: list[str]) -> str:
    """`OrderCreated` → `causeway.orders.v1.OrderCreated`; a full name, also a foreign one, is kept.

    StackError UNKNOWN_NAME (usage) for a short name that no type has, or several.
    """
    found = [one for one in known if name in (one, one.rpartition(".")[2])]
    if len(found) == 1:
        return found[0]
    if not found and "." in name:
        return name
    shorts = {one.rpartition(".")[2] for one in known}
    near = found or get_close_matches(name, shorts, n=3) or sorted(shorts)
    problem = "is more than one type" if found else "is no type of an event"
    raise StackError(
        Code.UNKNOWN_NAME,
        f"{name} {problem}; {'there are' if near[1:] else 'there is'} {', '.join(near)}",
        f"the same with {near[0]}",
        usage=True,
    )


def known_types() -> list[str]:
    """The full names of the platform's events."""
    from stack.steps import catalog

    return sorted(one.name for one in catalog())
