"""What the running Envoy says of its configuration, asked at its admin address."""

import json
import re
import urllib.request
from collections.abc import Mapping
from http.client import HTTPException

from gateway.deployments import Address

_VERSION = re.compile(r'\.version_text: "(.+)"$', re.MULTILINE)
_WARMING = re.compile(r"^(.+_warming|.+\.warming_clusters): [1-9]\d*$", re.MULTILINE)


def pending(wanted: Mapping[str, str], admin: Address) -> tuple[str, ...]:
    """Name what the running Envoy has not taken yet: files, or what still warms up.

    `wanted` are the `versions` of the files. Raises OSError when Envoy does not answer.
    """
    told = _get(admin, "/stats?filter=version_text$|warming")
    running = set(_VERSION.findall(told))
    late = [name for name, version in wanted.items() if version not in running]
    return tuple(sorted((*late, *(name for name in _WARMING.findall(told)))))


def versions(texts: Mapping[str, str]) -> dict[str, str]:
    """Give file name → the `version_info` that Envoy reports once it has taken the file."""
    found = {name: json.loads(content).get("version_info") for name, content in texts.items()}
    return {name: str(version) for name, version in found.items() if version}


def healthy(admin: Address, cluster: str) -> int:
    """How many replicas of a cluster the running Envoy sends calls to."""
    told = _get(admin, f"/stats?filter=^cluster\\.{cluster}\\.membership_healthy$")
    return int(told.partition(": ")[2] or 0)


def rejected(admin: Address) -> dict[str, int]:
    """Updates that the running Envoy refused: counter name → count, those above 0 only.

    A refused update leaves the old configuration in place and is told nowhere else.
    """
    stats = json.loads(_get(admin, "/stats?format=json&filter=update_rejected|config_fail"))
    return {one["name"]: one["value"] for one in stats["stats"] if one.get("value")}


def _get(admin: Address, path: str) -> str:
    try:
        with urllib.request.urlopen(f"http://{admin.host}:{admin.port}{path}", timeout=5) as answer:
            return str(answer.read().decode())
    except HTTPException as error:  # cut off in the middle of its answer
        raise OSError(f"{type(error).__name__}: {error}") from error
