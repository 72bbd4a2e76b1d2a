"""Downloads: whole and verified, or a clear error and nothing half-left."""

import asyncio
import hashlib
import io
import shutil
import subprocess
import sys
import tarfile
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path

import pytest

from stack import artifacts as module
from stack import download
from stack.artifacts import Artifact, Artifacts, read_pins
from stack.errors import Code, StackError
from tests.unit.stack.repository import Repository, serve

JAR = bytes(range(256)) * 4000
PATH = "org/example/thing/1.0/thing-1.0.jar"


@pytest.fixture
def repository(monkeypatch: pytest.MonkeyPatch) -> Iterator[Repository]:
    with serve(Repository({PATH: JAR})) as served:
        monkeypatch.setenv("CAUSEWAY_MAVEN", served.address)
        monkeypatch.setattr(download, "BACKOFF_SECONDS", 0.01)
        yield served


def _pin(content: bytes = JAR, coordinate: str = "org.example:thing:1.0@jar") -> Artifact:
    return Artifact("thing", coordinate, len(content), hashlib.sha256(content).hexdigest())


def _cache(path: Path, *pins: Artifact) -> Artifacts:
    return Artifacts(path / "a cache", {"thing": list(pins or [_pin()])})


def _files(path: Path) -> list[str]:
    return sorted(
        file.name for file in path.rglob("*") if file.is_file() and file.suffix != ".lock"
    )


def _leave_part(cache: Artifacts, content: bytes) -> None:
    target = cache.files("thing")[0]
    target.parent.mkdir(parents=True)
    target.with_name(f"{target.name}.part").write_bytes(content)


async def test_a_fetched_part_is_there_under_its_own_name(
    repository: Repository, tmp_path: Path
) -> None:
    cache = _cache(tmp_path)
    await cache.ensure(["thing"])
    assert cache.files("thing")[0].read_bytes() == JAR
    assert _files(tmp_path) == ["thing-1.0.jar"]


async def test_a_second_run_needs_no_network(repository: Repository, tmp_path: Path) -> None:
    await _cache(tmp_path).ensure(["thing"])
    repository.requests.clear()
    await _cache(tmp_path).ensure(["thing"], offline=True)
    assert repository.requests == []


async def test_offline_names_what_is_missing(repository: Repository, tmp_path: Path) -> None:
    with pytest.raises(StackError) as caught:
        await _cache(tmp_path).ensure(["thing"], offline=True)
    assert caught.value.code is Code.NOT_CACHED
    assert "thing" in caught.value.cause
    assert repository.requests == []


async def test_an_interrupted_download_continues_where_it_broke_off(
    repository: Repository, tmp_path: Path
) -> None:
    cache = _cache(tmp_path)
    _leave_part(cache, JAR[:300_000])
    await cache.ensure(["thing"])
    assert repository.requests == [(f"/{PATH}", "bytes=300000-")]
    assert cache.files("thing")[0].read_bytes() == JAR


async def test_a_broken_connection_is_taken_up_again(
    repository: Repository, tmp_path: Path
) -> None:
    repository.cuts = [100_000, 200_000]
    cache = _cache(tmp_path)
    await cache.ensure(["thing"])
    assert cache.files("thing")[0].read_bytes() == JAR
    assert [wanted for _, wanted in repository.requests] == [None, "bytes=100000-", "bytes=300000-"]


async def test_a_server_without_ranges_begins_again_and_the_file_is_right(
    repository: Repository, tmp_path: Path
) -> None:
    repository.ranges = False
    cache = _cache(tmp_path)
    _leave_part(cache, JAR[:300_000])
    await cache.ensure(["thing"])
    assert cache.files("thing")[0].read_bytes() == JAR


async def test_a_damaged_left_over_is_fetched_from_the_start(
    repository: Repository, tmp_path: Path
) -> None:
    cache = _cache(tmp_path)
    _leave_part(cache, b"\xff" * 300_000)
    await cache.ensure(["thing"])
    assert cache.files("thing")[0].read_bytes() == JAR


async def test_a_download_that_never_ends_well_is_named_and_kept_for_later(
    repository: Repository, tmp_path: Path
) -> None:
    repository.cuts = [1000] * download.ATTEMPTS
    cache = _cache(tmp_path)
    with pytest.raises(StackError) as caught:
        await cache.ensure(["thing"])
    assert caught.value.code is Code.DOWNLOAD_FAILED
    assert "thing-1.0.jar" in caught.value.cause
    await cache.ensure(["thing"])
    assert repository.requests[-1] == (f"/{PATH}", f"bytes={1000 * download.ATTEMPTS}-")


async def test_a_wrong_checksum_installs_nothing(repository: Repository, tmp_path: Path) -> None:
    repository.files[PATH] = JAR[:-1] + b"!"
    with pytest.raises(StackError) as caught:
        await _cache(tmp_path).ensure(["thing"])
    assert caught.value.code is Code.CHECKSUM_MISMATCH
    assert _files(tmp_path) == []


async def test_a_missing_file_is_not_asked_for_again(
    repository: Repository, tmp_path: Path
) -> None:
    repository.files.clear()
    with pytest.raises(StackError) as caught:
        await _cache(tmp_path).ensure(["thing"])
    assert caught.value.code is Code.DOWNLOAD_FAILED
    assert "404" in caught.value.cause
    assert len(repository.requests) == 1


def _free(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(count, 0, count))


async def test_too_little_space_is_said_before_the_first_byte(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _free(monkeypatch, 10)
    with pytest.raises(StackError) as caught:
        await _cache(tmp_path).ensure(["thing"])
    assert caught.value.code is Code.DISK_FULL
    assert repository.requests == []


async def test_what_an_interrupted_download_holds_needs_no_space_again(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _free(monkeypatch, len(JAR) - 300_000)
    cache = _cache(tmp_path)
    _leave_part(cache, JAR[:300_000])
    await cache.ensure(["thing"])
    assert cache.files("thing")[0].read_bytes() == JAR


_RUN = """
import asyncio, sys
from pathlib import Path
from stack.artifacts import Artifact, Artifacts
artifact = Artifact("thing", "org.example:thing:1.0@jar", int(sys.argv[2]), sys.argv[3])
asyncio.run(Artifacts(Path(sys.argv[1]), {"thing": [artifact]}).ensure(["thing"]))
"""


@pytest.mark.programs
async def test_runs_at_the_same_time_fetch_each_file_once(
    repository: Repository, tmp_path: Path
) -> None:
    pin = _pin()
    command = [sys.executable, "-c", _RUN, str(tmp_path / "c"), str(pin.size), pin.sha256]
    runs = [
        await asyncio.create_subprocess_exec(*command, stderr=subprocess.DEVNULL) for _ in range(3)
    ]
    assert [await run.wait() for run in runs] == [0, 0, 0]
    assert len(repository.requests) == 1


def _archive(name: str, content: bytes = b"x") -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        member = tarfile.TarInfo(name)
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def _packed(repository: Repository, content: bytes) -> Artifact:
    pin = _pin(content, "org.example:thing:1.0:all@tar.gz")
    repository.files[pin.path] = content
    return pin


async def test_an_archive_is_unpacked_without_its_top_level_and_then_removed(
    repository: Repository, tmp_path: Path
) -> None:
    cache = _cache(tmp_path, _packed(repository, _archive("thing-1.0/bin/run", b"hello")))
    await cache.ensure(["thing"])
    assert (cache.path("thing") / "bin" / "run").read_bytes() == b"hello"
    assert _files(tmp_path) == ["run"]


async def test_an_archive_that_is_here_still_needs_the_space_to_unpack_it(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = _archive("thing-1.0/bin/run", b"hello")
    pin = _packed(repository, content)
    cache = _cache(tmp_path, pin)
    here = tmp_path / "a cache" / "archives" / f"{pin.sha256[:12]}-{pin.file_name}"
    here.parent.mkdir(parents=True)
    here.write_bytes(content)
    _free(monkeypatch, len(content))
    with pytest.raises(StackError) as caught:
        await cache.ensure(["thing"])
    assert caught.value.code is Code.DISK_FULL
    _free(monkeypatch, 2 * len(content))
    await cache.ensure(["thing"])
    assert repository.requests == []


async def test_what_a_killed_run_left_half_unpacked_is_removed(
    repository: Repository, tmp_path: Path
) -> None:
    cache = _cache(tmp_path, _packed(repository, _archive("thing-1.0/bin/run", b"hello")))
    target = cache.path("thing")
    rest = target.with_name(f".{target.name}-abcd1234")
    (rest / "thing-1.0").mkdir(parents=True)
    other = target.with_name(".another-abcd1234")
    other.mkdir()
    await cache.ensure(["thing"])
    assert sorted(target.parent.iterdir()) == [other, target]


async def test_an_archive_that_points_outside_is_refused(
    repository: Repository, tmp_path: Path
) -> None:
    cache = _cache(tmp_path, _packed(repository, _archive("../../outside")))
    with pytest.raises(StackError):
        await cache.ensure(["thing"])
    assert not cache.path("thing").exists()
    assert "outside" not in _files(tmp_path)


def test_the_committed_pins_cover_every_part() -> None:
    pins = read_pins()
    assert pins.keys() == {"kafka", "keycloak", "protovalidate", "registry"}
    assert all(len(pin.sha256) == 64 and pin.size > 0 for part in pins.values() for pin in part)


def test_the_pins_hold_no_address() -> None:
    assert "://" not in module.PINS.read_text("utf-8")
