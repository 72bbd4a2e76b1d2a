"""Which services run with other protos than those that are compiled now.

A service reads its methods' access rules when it starts; a rule about owners is enforced nowhere
else. So a service whose protos changed is behind until its processes were replaced.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from google.protobuf.descriptor_pb2 import FileDescriptorProto

from stack.journal import replace_text

if TYPE_CHECKING:
    from gateway.descriptors import Descriptors

FILE = "served.json"
BRIDGE = "bridge"


def digests(descriptors: "Descriptors", areas: tuple[str, ...]) -> dict[str, str]:
    """Area → a digest of its protos; the bridge, which answers for all, has one of everything."""
    found = {area: hashlib.sha256() for area in areas}
    for given in descriptors.platform_files():
        file = FileDescriptorProto()
        file.CopyFrom(given)
        file.ClearField("source_code_info")  # a comment is no reason for a restart
        content = file.SerializeToString(deterministic=True)
        for area in (*file.package.split(".")[1:2], BRIDGE):
            if area in found:
                found[area].update(content)
    return {area: digest.hexdigest()[:16] for area, digest in found.items()}


def read(state: Path) -> dict[str, str]:
    """With which digests the services were started last; empty before the first start."""
    try:
        return dict(json.loads((state / FILE).read_text("utf-8")))
    except (FileNotFoundError, ValueError):
        return {}


def note(state: Path, served: Mapping[str, str]) -> None:
    """Remember that every process of these areas was started with these digests."""
    replace_text(state / FILE, json.dumps({**read(state), **served}, indent=1))


def behind(state: Path, wanted: Mapping[str, str]) -> list[str]:
    """The areas whose processes know other protos."""
    known = read(state)
    return sorted(area for area, digest in wanted.items() if known.get(area, digest) != digest)
