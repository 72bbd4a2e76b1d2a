"""The order of the start, from what each node says it comes `after`."""

from collections.abc import Iterable, Sequence

from stack.component import Component, Node
from stack.errors import Code, StackError


def require_sound(nodes: Sequence[Node]) -> None:
    """Raise ValueError on a doubled name, an unknown `after`, or a circle."""
    known: dict[str, Node] = {}
    for node in nodes:
        if node.name in known:
            raise ValueError(f"two nodes are named {node.name}")
        known[node.name] = node
    for node in nodes:
        for name in _needs(node):
            if name not in known:
                raise ValueError(f"{node.name} comes after {name}, which does not exist")
    _require_no_circle(known)


def _require_no_circle(known: dict[str, Node]) -> None:
    open_names = dict(known)
    while open_names:
        free = [
            n for n, node in open_names.items() if not any(a in open_names for a in _needs(node))
        ]
        if not free:
            raise ValueError(f"these wait for each other: {', '.join(sorted(open_names))}")
        for name in free:
            del open_names[name]


def select(nodes: Sequence[Node], wanted: Iterable[str]) -> list[Node]:
    """The named nodes and all that they need, in the order of `nodes`.

    "kafka" stands for "kafka-1", "kafka-2", …; "orders" for "orders-api-0", "orders-worker-0"
    and the like. An unknown name is StackError UNKNOWN_NAME.
    """
    by_name = {node.name: node for node in nodes}
    chosen: set[str] = set()
    pending = [name for word in wanted for name in matching(by_name, word)]
    while pending:
        name = pending.pop()
        if name not in chosen:
            chosen.add(name)
            pending.extend(_needs(by_name[name]))
    return [node for node in nodes if node.name in chosen]


def _needs(node: Node) -> tuple[str, ...]:
    """What a node is never up without."""
    return node.after + (node.timed_after if isinstance(node, Component) else ())


def matching(names: Iterable[str], word: str) -> list[str]:
    """`word` itself, or the names that begin with it and a dash; else UNKNOWN_NAME."""
    names = list(names)
    found = [name for name in names if name == word or name.startswith(f"{word}-")]
    if not found:
        raise StackError(
            Code.UNKNOWN_NAME,
            f"there is no {word!r}; there are: {', '.join(sorted(names))}",
            "causeway status",
            usage=True,
        )
    return found


def dependents(nodes: Iterable[Node]) -> dict[str, set[str]]:
    """Name -> the names that come directly after it; these stop before it does."""
    nodes = list(nodes)
    found: dict[str, set[str]] = {node.name: set() for node in nodes}
    for node in nodes:
        for name in node.after:
            found[name].add(node.name)
    return found
