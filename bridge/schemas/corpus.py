"""The folder of released versions: 0001.json, 0002.json, …, and SHA256SUMS over them.

A file is written once and never again: what was released stays stored for ever, whatever is
changed later. The sums are in the format of `sha256sum`, which can check them too.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from bridge.schemas.problem import Problem
from bridge.schemas.release import Release, from_json, to_json

SUMS = "SHA256SUMS"
PUT_BACK = "put it back as it was released; what was released is stored for ever"


class Corpus:
    """Reads the releases of a folder and adds the next one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def releases(self) -> tuple[Release, ...]:
        """Read all, the oldest first."""
        return tuple(from_json(path.read_text(encoding="utf-8")) for path in self._files())

    def problems(self) -> Iterator[Problem]:
        """Say which files are not what was released."""
        sums = self._sums()
        files = {path.name: path for path in self._files()}
        for name, wanted in sums.items():
            if name not in files:
                yield Problem(name, "is gone from the corpus", PUT_BACK)
            elif _sum(files[name]) != wanted:
                yield Problem(name, "was changed after its release", PUT_BACK)
        for name in files.keys() - sums.keys():
            yield Problem(name, f"has no line in {SUMS}", "add releases by the command only")

    def add(self, release: Release) -> Path:
        """Write the next file and its sum."""
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{release.number:04}.json"
        with path.open("x", encoding="utf-8") as file:
            file.write(to_json(release))
        with (self._folder / SUMS).open("a", encoding="utf-8") as file:
            file.write(f"{_sum(path)}  {path.name}\n")
        return path

    def _files(self) -> Sequence[Path]:
        return sorted(self._folder.glob("[0-9]*.json"))

    def _sums(self) -> Mapping[str, str]:
        path = self._folder / SUMS
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else ()
        return {name: found for found, name in (line.split("  ") for line in lines)}


def _sum(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
