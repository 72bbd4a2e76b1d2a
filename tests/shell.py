"""Runs blocks of a document in one shell, as pasted one after the other.

`grpcurl` is tests/grpcurl.py there, whether or not there is a real one. `curl` is the machine's.
"""

import os
import shutil
import socketserver
import subprocess
import threading
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.grpcurl import grpcurl

MARK = "\x1e"
# In the shell's own words, for a program of Python's takes half a second to start: the arguments
# go to this process, and back come an exit code and what is printed.
GRPCURL = """
grpcurl() {{
  exec 9<>/dev/tcp/127.0.0.1/{port}
  printf '%s\\0' "$#" "$@" >&9
  local code
  IFS= read -r code <&9
  cat <&9
  exec 9>&-
  return "$code"
}}
"""


@dataclass(frozen=True)
class Outcome:
    """What a block printed, both streams together, and its exit code."""

    text: str
    code: int


class _Handler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        arguments = [self._word() for _ in range(int(self._word()))]
        try:
            code, text = grpcurl(arguments)
        except Exception:
            code, text = 2, traceback.format_exc()
        self.wfile.write(f"{code}\n{text}".encode())

    def _word(self) -> str:
        word = bytearray()
        while (byte := self.rfile.read(1)) not in (b"\0", b""):
            word += byte
        return word.decode()


@contextmanager
def _answering() -> Iterator[int]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def paste(
    blocks: Sequence[str], directory: Path, environment: Mapping[str, str], timeout: float
) -> list[Outcome]:
    """Run them one after the other; what one sets, the next has."""
    bash = shutil.which("bash")
    assert bash
    assert shutil.which("curl"), "recipes are run with curl, and there is none: install it"
    marked = [f"{block}\nprintf '{MARK}%d{MARK}' $?\n" for block in blocks]
    with _answering() as port:
        answer = subprocess.run(  # noqa: S603
            [bash, "-c", "exec 2>&1\n" + GRPCURL.format(port=port) + "".join(marked)],
            cwd=directory,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
    parts = answer.stdout.split(MARK)
    assert len(parts) == 2 * len(blocks) + 1, answer.stdout[-2000:]
    return [Outcome(text, int(code)) for text, code in zip(parts[0:-1:2], parts[1::2], strict=True)]
