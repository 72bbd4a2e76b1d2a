"""Where Envoy finds a piece of its configuration: files below `<root>/current`, watched."""

from typing import Any

CURRENT = "current"
"""The symlink below the root; swapping it by rename is the only change that Envoy sees."""


def path(root: str, name: str) -> str:
    """The path of one file of the live version."""
    return f"{root}/{CURRENT}/{name}"


def watched(root: str, name: str) -> dict[str, Any]:
    """A ConfigSource for one file. The root is watched, because the rename happens in it."""
    return {
        "resource_api_version": "V3",
        "path_config_source": {
            "path": path(root, name),
            "watched_directory": {"path": root},
        },
    }
