"""The EventSource of a real browser, on a page of an allowed origin."""

import json
import queue
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.integration.edge.bench import Running

PAGE = Path(__file__).with_name("page.html")
PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
BROWSER = next(filter(None, map(shutil.which, PROGRAMS)), "")


@contextmanager
def page(origin: str, text: str) -> Iterator["queue.Queue[Any]"]:
    """Serve the page; what it tells comes out of the queue."""
    told: queue.Queue[Any] = queue.Queue()

    class Site(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(text.encode())

        def do_POST(self) -> None:
            told.put(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self._answer(b"")

        def _answer(self, body: bytes) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", int(origin.rpartition(":")[2])), Site)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield told
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def browse(origin: str, text: str, profile: Path) -> Any:
    """What the page tells after 5 s in a browser of its own."""
    command = [
        *(BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"),
        *("--disable-background-networking", f"--user-data-dir={profile}", f"{origin}/"),
    ]
    with page(origin, text) as told:
        browser = subprocess.Popen(  # noqa: S603
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            return told.get(timeout=60)
        finally:
            browser.terminate()
            browser.wait(20)


@pytest.mark.skipif(not BROWSER, reason="no Chromium here: test_cookie.py asks as it would")
def test_an_event_source_reads_a_stream_and_closes_it_at_the_end_record(
    streams: Running, page_origin: str, operator: str, tmp_path: Path
) -> None:
    edge = streams.url.replace("127.0.0.1", "localhost")
    values = {"TOKEN": operator, "EDGE": edge, "ORDER": "late"}
    text = PAGE.read_text(encoding="utf-8")
    for name, value in values.items():
        text = text.replace(name, value)
    told = browse(page_origin, text, tmp_path / "profile")
    assert told["opened"] == 1
    first, second, last = told["records"]
    assert (first["order"]["etag"], second["order"]["etag"]) == ("1", "2")
    assert last["end"]["code"] == 11
