"""The text of a `.proto` file and what it imports, found beside its generated module."""

import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from bridge.errors import Internal

_IMPORT = re.compile(r'^import\s+(?:public\s+|weak\s+)?"([^"]+)"\s*;', re.MULTILINE)

# Every protobuf compiler and every registry carries these.
BUILT_IN = "google/protobuf/"


@cache
def text_of(proto_file: str) -> str:
    """Read a file by its path from the proto root, `causeway/orders/v1/events.proto`."""
    module = proto_file.removesuffix(".proto").replace("/", ".") + "_pb2"
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        raise Internal(f"{proto_file}: there is no module {module}")
    path = Path(spec.origin).with_name(proto_file.rpartition("/")[2])
    if not path.is_file():
        raise Internal(f"{proto_file} is not beside its generated module")
    return path.read_text(encoding="utf-8")


def imports_of(proto_file: str) -> tuple[str, ...]:
    """List what a file imports, in its order, without the built-in files."""
    return tuple(
        path for path in _IMPORT.findall(text_of(proto_file)) if not path.startswith(BUILT_IN)
    )
