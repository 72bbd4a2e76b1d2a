"""docs/recipes.md as blocks, and whether an answer has the shape that is shown."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.platform import ROOT

PATH = ROOT / "docs" / "recipes.md"
BLOCK = re.compile(r"^(?:#+ (?P<title>[^\n]+)|```(?P<kind>\w+)\n(?P<text>.*?)^```)$", re.M | re.S)
METHOD = re.compile(r"causeway\.[a-z]+\.v1\.\w+Service/\w+")
# Set or filled once brokers, consumers, mail or a person have done their part, which a run may be
# ahead of.
LATER = frozenset(
    {
        "partition",
        "offset",
        "sendTime",
        "readTime",
        "publishTime",
        "outcomes",
        "caused",
        "deliveries",
    }
)
WIDTH = 96


@dataclass
class Recipe:
    """The blocks below one heading: commands, by their place in the document, and the answer."""

    title: str
    commands: list[int] = field(default_factory=list)
    answer: str | None = None


def read(document: str) -> tuple[list[str], list[Recipe]]:
    """Every block of shell in order, and the recipes that they belong to."""
    blocks: list[str] = []
    recipes: list[Recipe] = []
    for found in BLOCK.finditer(document):
        if found["title"]:
            recipes.append(Recipe(found["title"]))
        elif found["kind"] == "sh":
            recipes[-1].commands.append(len(blocks))
            blocks.append(found["text"])
        elif found["kind"] == "json":
            recipes[-1].answer = found["text"]
    return blocks, [recipe for recipe in recipes if recipe.commands]


def values(text: str) -> list[Any]:
    """The JSON values of a text, one behind the other; what stands behind the last is left."""
    decoder, found, rest = json.JSONDecoder(), [], text.lstrip()
    while rest[:1] in ("{", "["):
        value, end = decoder.raw_decode(rest)
        found.append(value)
        rest = rest[end:].lstrip()
    return found


def answers(text: str) -> list[Any]:
    """Those of a call, at most two of a stream; signs of life only where there is nothing else."""
    found = values(text)
    return [one for one in found if "heartbeat" not in one][:2] or found[:1]


def shape(value: Any) -> Iterator[str]:
    """The path of every field with the kind of its value; of a list, that of its first element."""
    if isinstance(value, dict):
        for key, below in value.items():
            yield from (f"{key}.{path}" for path in shape(below)) if key not in LATER else ()
    elif isinstance(value, list):
        yield "[]"
        if value:
            yield from (f"[].{path}" for path in shape(value[0]))
    else:
        yield type(value).__name__


def shorten(value: Any) -> Any:
    """As it is shown: of a list the first element, of a tree one level, long text cut."""
    if isinstance(value, dict):
        below = [one | {"caused": []} for one in value.get("caused", [])]
        whole = value | {"caused": below} if below else value
        return {key: shorten(one) for key, one in whole.items()}
    if isinstance(value, list):
        return [shorten(one) for one in value[:1]]
    return value[:60] + "…" if isinstance(value, str) and len(value) > 80 else value


def shown(told: Sequence[Any]) -> str:
    """The text of a json block."""
    return "".join(_wrapped(shorten(answer), "") + "\n" for answer in told)


def _wrapped(value: Any, indent: str) -> str:
    line = json.dumps(value, ensure_ascii=False)
    if len(indent) + len(line) <= WIDTH or not isinstance(value, dict | list) or not value:
        return line
    deeper = indent + "  "
    if isinstance(value, list):
        return f"[\n{deeper}{_wrapped(value[0], deeper)}\n{indent}]"
    inner = ",\n".join(f'{deeper}"{key}": {_wrapped(v, deeper)}' for key, v in value.items())
    return f"{{\n{inner}\n{indent}}}"
