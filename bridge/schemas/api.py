"""The whole API (requests, responses, services, options) against what was last released.

Unlike the events, an API is not stored for ever: the last release alone counts.
"""

import gzip
import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from google.protobuf.descriptor_pb2 import FileDescriptorSet

from bridge.errors import FailedPrecondition
from bridge.schemas.bindings import binding_problems
from bridge.schemas.buf import buf_problems
from bridge.schemas.problem import Problem

IMAGE = "api.binpb.gz"
EXCEPTIONS = "exceptions.json"


@dataclass(frozen=True, slots=True)
class Excused:
    """A change that was made on purpose: element and text of its problem, and why it may be."""

    element: str
    text: str
    reason: str


class ReleasedApi:
    """The descriptors of the last release and the changes since that are excused, in a folder."""

    def __init__(self, folder: Path) -> None:
        self._image = folder / IMAGE
        self._exceptions = folder / EXCEPTIONS

    def files(self) -> FileDescriptorSet | None:
        """What was released; None before the first release."""
        if not self._image.exists():
            return None
        return FileDescriptorSet.FromString(gzip.decompress(self._image.read_bytes()))

    def excused(self) -> tuple[Excused, ...]:
        """The changes that are no problem. FailedPrecondition: the list can't be read."""
        if not self._exceptions.exists():
            return ()
        text = self._exceptions.read_text(encoding="utf-8")
        try:
            return tuple(Excused(**one) for one in json.loads(text))
        except (TypeError, ValueError) as error:
            told = f"is no list of element, text and reason: {error}"
            raise FailedPrecondition(told, reason="EXCEPTIONS_UNREADABLE") from error

    def renew(self, today: FileDescriptorSet) -> Path | None:
        """Keep today's descriptors, without lines and comments, and excuse nothing any more.

        None: they are the released ones.
        """
        bare = _bare(today)
        if bare == self.files():
            return None
        # Without the time of day in it, the same API is the same file.
        self._image.write_bytes(gzip.compress(bare.SerializeToString(deterministic=True), mtime=0))
        self._exceptions.unlink(missing_ok=True)
        return self._image


def api_problems(
    api: ReleasedApi, today: FileDescriptorSet, ours: str, elsewhere: Collection[str] = ()
) -> Iterator[Problem]:
    """What broke since the last release, in files whose path begins with `ours`.

    `elsewhere`: files that another gate judges. An exception that excuses nothing is a problem
    too: it would let the same change through at another time. FailedPrecondition: no buf.
    """
    released = api.files()
    if released is None:
        yield Problem(IMAGE, "is not there: no API was released", "causeway schemas release")
        return
    try:
        excused = {(one.element, one.text) for one in api.excused()}
    except FailedPrecondition as error:
        yield Problem(EXCEPTIONS, str(error), "correct it, see docs/schemas.md")
        return
    found = {(one.element, one.text): one for one in _found(released, today, ours, elsewhere)}
    for said, problem in found.items():
        if said not in excused:
            yield problem
    for element, text in sorted(excused - found.keys()):
        yield Problem(EXCEPTIONS, f"excuses what is not so: {element} {text}", "remove its entry")


def _found(
    released: FileDescriptorSet, today: FileDescriptorSet, ours: str, elsewhere: Collection[str]
) -> Iterator[Problem]:
    # Types of others come with their packages, and keep what they promise by themselves.
    others = [one.name for one in released.file if not one.name.startswith(ours)]
    for problem in buf_problems(released.file, _bare(today).file, (*others, *elsewhere)):
        advice = f"put it back, and add what is new beside it ({problem.advice})"
        yield Problem(problem.element, problem.text, advice)
    yield from binding_problems(released, today, ours)


def _bare(files: FileDescriptorSet) -> FileDescriptorSet:
    bare = FileDescriptorSet()
    bare.CopyFrom(files)
    for file in bare.file:
        file.ClearField("source_code_info")
    return bare
