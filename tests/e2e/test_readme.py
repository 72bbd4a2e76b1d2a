"""The README's own lines do what it says, when pasted."""

import json
import os
import re
import subprocess
import sys

from tests.platform import ROOT, Platform

README = (ROOT / "README.md").read_text("utf-8")


def block(language: str) -> str:
    """The README's one block in this language."""
    (found,) = re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
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
    # The answers end without a line end: an empty line parts them.
    text = paste(causeway, ["bash", "-ec"], block("sh").replace("curl -s", "echo; curl -s"))
    placed, listed, mails = (json.loads(part) for part in text.strip().split("\n", 2))
    assert placed["total"] == {"currencyCode": "EUR", "units": "25", "nanos": 0}
    assert listed["orders"][0]["name"] == placed["name"]
    assert mails[0]["to"] == ["alice@example.com"]


def test_the_python_lines_watch_an_order_until_it_is_decided(causeway: Platform) -> None:
    lines = paste(causeway, [sys.executable, "-c"], block("python")).splitlines()
    assert re.fullmatch(r"orders/\S+ STATE_(CONFIRMED|REJECTED)", lines[-1])
