"""The pinned files of the local platform, and the cache that holds them.

`artifacts.toml` names each by Maven coordinate, size and SHA-256. A part is either a set of
jars (a directory of verified files) or one archive (unpacked; the archive is then deleted).
"""

import asyncio
import hashlib
import os
import shutil
import tomllib
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
from filelock import FileLock, Timeout

from stack.errors import Code, StackError
from stack.failures import first_cause

if TYPE_CHECKING:
    from stack.progress import Meter

PINS = Path(__file__).with_name("artifacts.toml")
PARALLEL = 4
# Both archives unpack to a little more than they weigh packed, and stay until they are.
UNPACKED_FACTOR = 1.5


@dataclass(frozen=True, slots=True)
class Artifact:
    """One pinned file. `part` is what it belongs to; `size` is in bytes, `sha256` in hex."""

    part: str
    coordinate: str
    size: int
    sha256: str

    @property
    def path(self) -> str:
        """Its path below a Maven repository, from `group:name:version[:classifier]@type`."""
        names, packaging = self.coordinate.split("@")
        group, name, version, *classifier = names.split(":")
        stem = "-".join([name, version, *classifier])
        return f"{group.replace('.', '/')}/{name}/{version}/{stem}.{packaging}"

    @property
    def file_name(self) -> str:
        """The last part of its path."""
        return self.path.rpartition("/")[2]

    @property
    def packed(self) -> bool:
        """Whether it is an archive to unpack."""
        return self.coordinate.endswith("@tar.gz")


def read_pins(table: Path = PINS) -> dict[str, list[Artifact]]:
    """The pinned artifacts by part."""
    parts: dict[str, list[Artifact]] = {}
    for row in tomllib.loads(table.read_text(encoding="utf-8"))["artifact"]:
        artifact = Artifact(**row)
        parts.setdefault(artifact.part, []).append(artifact)
    return parts


def repository() -> str:
    """The base address of the Maven repository to fetch from, without a final slash.

    CAUSEWAY_MAVEN wins; then the first repository of jgo's own configuration file; else the
    default that jgo, like Maven itself, carries.
    """
    from jgo.config import GlobalSettings
    from jgo.constants import MAVEN_CENTRAL_URL

    configured = GlobalSettings.load().repositories
    base = os.environ.get("CAUSEWAY_MAVEN") or next(iter(configured.values()), MAVEN_CENTRAL_URL)
    return base.rstrip("/")


class Artifacts:
    """The cache. `ensure` makes parts present; `path` says where a part is."""

    def __init__(self, cache: Path, pins: Mapping[str, list[Artifact]] | None = None) -> None:
        """`cache` is made when first needed; `pins` default to the committed table."""
        self._cache = cache
        self._pins = pins if pins is not None else read_pins()

    def path(self, part: str) -> Path:
        """The directory of a part: its jars, or what its archive held.

        The name carries the pins, so another version is another directory.
        """
        artifacts = self._pins[part]
        mark = artifacts[0].sha256[:12] if len(artifacts) == 1 else _combined(artifacts)
        return self._cache / "parts" / f"{part}-{mark}"

    def files(self, part: str) -> list[Path]:
        """Where a part's jars are or will be, by name."""
        directory = self.path(part)
        return sorted(directory / artifact.file_name for artifact in self._pins[part])

    def missing(self, parts: Iterable[str]) -> list[str]:
        """The parts that are not completely here."""
        return [part for part in parts if not self._complete(part)]

    async def ensure(self, parts: Iterable[str], *, offline: bool = False) -> None:
        """Fetch, verify and unpack what is missing; without network when nothing is.

        Safe to run in several processes at once: one works, the others wait for it.
        Raises StackError (see `download` and `unpack`; NOT_CACHED when `offline` and incomplete).
        """
        parts = list(parts)
        missing = self.missing(parts)
        if not missing:
            return
        if offline:
            raise StackError(
                Code.NOT_CACHED,
                f"not in the cache {self._cache}: {', '.join(missing)}",
                "causeway up   (once, without --offline)",
            )
        self._make_directory()
        async with locked(self._cache / "artifacts.lock"):
            await self._fetch(self.missing(parts))

    def _complete(self, part: str) -> bool:
        directory = self.path(part)
        if self._pins[part][0].packed:
            return directory.is_dir()
        return all(_whole(directory / one.file_name, one.size) for one in self._pins[part])

    def _make_directory(self) -> None:
        try:
            (self._cache / "parts").mkdir(parents=True, exist_ok=True)
        except OSError as error:
            from stack.download import disk_error

            raise disk_error(error, self._cache) from error

    async def _fetch(self, parts: list[str]) -> None:
        # An HTTP client and progress bars take half a second to import, and most starts need
        # neither.
        from stack.download import client, download
        from stack.progress import meter

        targets = {
            artifact: self._target(artifact) for part in parts for artifact in self._pins[part]
        }
        wanted = {one: path for one, path in targets.items() if not _whole(path, one.size)}
        self._check_space(parts, wanted)
        base = repository()
        with meter(sum(one.size for one in wanted)) as shown:
            async with client() as http:
                limit = anyio.CapacityLimiter(PARALLEL)

                async def one(artifact: Artifact, target: Path) -> None:
                    async with limit:
                        target.parent.mkdir(parents=True, exist_ok=True)
                        told = shown.file(artifact.file_name, artifact.size)
                        url = f"{base}/{artifact.path}"
                        await download(http, url, target, artifact.size, artifact.sha256, told)

                await _together(one, wanted)
            await self._unpack(parts, shown)

    async def _unpack(self, parts: list[str], shown: "Meter") -> None:
        from stack.unpack import unpack

        for part in parts:
            artifact = self._pins[part][0]
            if artifact.packed:
                shown.say(f"unpacking {artifact.file_name}")
                archive = self._target(artifact)
                await anyio.to_thread.run_sync(unpack, archive, self.path(part))
                archive.unlink()

    def _target(self, artifact: Artifact) -> Path:
        if artifact.packed:
            return self._cache / "archives" / f"{artifact.sha256[:12]}-{artifact.file_name}"
        return self.path(artifact.part) / artifact.file_name

    def _check_space(self, parts: Iterable[str], wanted: Mapping[Artifact, Path]) -> None:
        """Room for what is still to arrive, and for what every missing part unpacks to."""
        from stack.download import begun

        arriving = sum(max(0, one.size - begun(path)) for one, path in wanted.items())
        archives = (one for part in parts for one in self._pins[part] if one.packed)
        needed = arriving + sum(one.size * UNPACKED_FACTOR for one in archives)
        free = shutil.disk_usage(self._cache).free
        if free < needed:
            raise StackError(
                Code.DISK_FULL,
                f"the parts need {needed / 1e6:.0f} MB in {self._cache}, "
                f"where {free / 1e6:.0f} MB are free",
                "CAUSEWAY_CACHE=<on another disk> causeway up",
            )


def _combined(artifacts: list[Artifact]) -> str:
    return hashlib.sha256("".join(one.sha256 for one in artifacts).encode()).hexdigest()[:12]


def _whole(path: Path, size: int) -> bool:
    # The content was verified before the rename that gave the file this name.
    return path.is_file() and path.stat().st_size == size


async def _together(
    one: Callable[[Artifact, Path], Coroutine[None, None, None]], wanted: Mapping[Artifact, Path]
) -> None:
    """Run all; the first error ends the others and is raised by itself."""
    try:
        async with anyio.create_task_group() as tasks:
            for artifact, target in wanted.items():
                tasks.start_soon(one, artifact, target)
    except BaseExceptionGroup as group:
        raise first_cause(group) from group


@asynccontextmanager
async def locked(path: Path) -> AsyncIterator[None]:
    """Holds the lock file `path` against other processes. Ctrl-C ends the wait."""
    lock = FileLock(path)
    while True:
        try:
            lock.acquire(timeout=0)
            break
        except Timeout:
            await asyncio.sleep(0.2)
    try:
        yield
    finally:
        lock.release()
