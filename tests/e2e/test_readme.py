"""The README's own lines do what it says, when pasted."""

import json
import os
import re
import subprocess
import sys

from causeway.orders.v1 import order_service_pb2
from tests.platform import ROOT, Platform

DESCRIPTORS = order_service_pb2.DESCRIPTOR.pool
README = (ROOT / "README.md").read_text("utf-8")


def block(language: str, document: str = README) -> str:
    """The document's one block in this language."""
    (found,) = re.findall(rf"^```{language}\n(.*?)^```", document, re.MULTILINE | re.DOTALL)
    return str(found)


def paste(causeway: Platform, command: list[str], text: str) -> str:
    answer = subprocess.run(  # noqa: S603
        [*command, text],
        cwd=ROOT,
        env={**os.environ, **causeway.environment, **causeway.settings},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


def test_the_curl_lines_place_and_list_an_order(causeway: Platform) -> None:
    text = paste(causeway, ["bash", "-ec"], block("sh"))
    placed, listed, mails = (json.loads(part) for part in text.strip().split("\n", 2))
    assert placed["total"] == {"currencyCode": "EUR", "units": "25", "nanos": 0}
    assert listed["orders"][0]["name"] == placed["name"]
    assert mails[0]["to"] == ["alice@example.com"]


def test_the_python_lines_watch_an_order_until_it_is_decided(causeway: Platform) -> None:
    lines = paste(causeway, [sys.executable, "-c"], block("python")).splitlines()
    assert re.fullmatch(r"orders/\S+ STATE_(CONFIRMED|REJECTED)", lines[-1])


def test_no_place_is_left_open_and_grpcurls_methods_exist(causeway: Platform) -> None:
    assert "@@" not in README
    for method in re.findall(r"causeway\.[a-z]+\.v1\.\w+Service/\w+", README):
        service, name = method.split("/")
        descriptor = DESCRIPTORS.FindServiceByName(service)
        assert name in descriptor.methods_by_name
