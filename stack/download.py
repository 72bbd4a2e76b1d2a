"""Fetches one pinned file: resumed where it broke off, verified, then renamed into place."""

import asyncio
import errno
import hashlib
import ssl
from collections.abc import Callable
from pathlib import Path

import certifi
import httpx

from stack.errors import Code, StackError

ATTEMPTS = 5
BACKOFF_SECONDS = 0.5
FINAL = (400, 401, 403, 404, 410)
"""Answers that asking again does not change."""

Progress = Callable[[int], None]
"""Told how many bytes of the file are there by now."""


def client() -> httpx.AsyncClient:
    """An HTTP client that trusts the system's certificates as well as certifi's.

    The system's, because companies add their own there; certifi's, because Python on macOS
    comes without any. Proxies are taken from the environment.
    """
    trust = ssl.create_default_context()
    trust.load_verify_locations(certifi.where())
    timeout = httpx.Timeout(30.0, connect=10.0)
    return httpx.AsyncClient(verify=trust, timeout=timeout, follow_redirects=True)


def begun(target: Path) -> int:
    """How many bytes of `target` an interrupted run has left, to be continued."""
    return _length(_part(target))


async def download(
    http: httpx.AsyncClient, url: str, target: Path, size: int, sha256: str, progress: Progress
) -> None:
    """Bring `url` to `target`; `size` in bytes and `sha256` in hex must both hold.

    Data grows in `<target>.part`, which survives a broken connection or an interrupted run
    and is continued with a Range request. A full-length file with a wrong checksum is thrown
    away; if any of it was left over from an earlier run it is fetched once more from the start.

    Raises StackError: DOWNLOAD_FAILED, CHECKSUM_MISMATCH, DISK_FULL, STATE_NOT_WRITABLE.
    """
    part = _part(target)
    inherited = part.exists()
    await _complete(http, url, part, size, progress)
    actual = await asyncio.to_thread(_digest, part)
    if actual != sha256 and inherited:
        _remove(part)
        await _complete(http, url, part, size, progress)
        actual = await asyncio.to_thread(_digest, part)
    if actual != sha256:
        _remove(part)
        raise StackError(
            Code.CHECKSUM_MISMATCH,
            f"{target.name} has another SHA-256 than the pinned one, and was not installed",
            "causeway up   (after a look at what answers for the Maven repository: a proxy?)",
            detail=f"pinned {sha256}\nfound  {actual}\nfrom   {url}",
        )
    await asyncio.to_thread(part.replace, target)


async def _complete(
    http: httpx.AsyncClient, url: str, part: Path, size: int, progress: Progress
) -> None:
    """Append to `part` until it holds `size` bytes."""
    failure = ""
    for attempt in range(ATTEMPTS):
        if attempt:
            await asyncio.sleep(BACKOFF_SECONDS * 2 ** (attempt - 1))
        try:
            await _append(http, url, part, size, progress)
            failure = _judge(part, size)
        except httpx.HTTPStatusError as error:
            failure = _refused(error.response.status_code, part)
            if error.response.status_code in FINAL:
                break
        except httpx.HTTPError as error:
            failure = str(error) or type(error).__name__
        except OSError as error:
            raise _disk_error(error, part) from error
        if not failure:
            return
    raise StackError(
        Code.DOWNLOAD_FAILED,
        f"{part.name.removesuffix('.part')} could not be fetched: {failure}",
        "causeway up   (once the network or the proxy is well: what arrived is continued)",
        detail=f"from {url}",
    )


def _refused(status: int, part: Path) -> str:
    if status == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
        _remove(part)  # longer than what the server has: begin again
    return f"the server answered {status}"


def _judge(part: Path, size: int) -> str:
    """What is wrong with the length of `part`; empty when it is right."""
    if _length(part) > size:
        _remove(part)
        return "more bytes arrived than are pinned"
    return "" if _length(part) == size else "the connection ended early"


async def _append(
    http: httpx.AsyncClient, url: str, part: Path, size: int, progress: Progress
) -> None:
    """One request for what is missing."""
    have = _length(part)
    progress(have)
    if have >= size:
        return
    headers = {"Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    async with http.stream("GET", url, headers=headers) as response:
        response.raise_for_status()
        continues = response.headers.get("content-range", "").startswith(f"bytes {have}-")
        # A server that sends the whole file begins it again; it is not joined to the old half.
        with part.open("ab" if continues else "wb") as file:
            # As they arrive: httpx would throw away a half-filled chunk of a size of ours.
            async for chunk in response.aiter_raw():
                file.write(chunk)
                progress(file.tell())
                if file.tell() > size:
                    return


def _part(target: Path) -> Path:
    return target.with_name(target.name + ".part")


def _remove(part: Path) -> None:
    part.unlink(missing_ok=True)


def _length(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _disk_error(error: OSError, part: Path) -> StackError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        _remove(part)  # what did not fit is of no use: give the space back
    return disk_error(error, part.parent)


def disk_error(error: OSError, directory: Path) -> StackError:
    """The error to show when writing into the cache's `directory` failed."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        cause = f"no space is left in {directory}"
        return StackError(Code.DISK_FULL, cause, "CAUSEWAY_CACHE=<on another disk> causeway up")
    cause = f"the cache {directory} cannot be written: {error.strerror or error}"
    return StackError(Code.STATE_NOT_WRITABLE, cause, "CAUSEWAY_CACHE=<writable> causeway up")
