"""What the program prints can't command a terminal."""

import json
import unicodedata

import pytest

from stack.console import complain, say, say_json, table, visible
from stack.errors import Code, StackError

HOSTILE = "\x1b[2J\x9b31m\x9d0;owned\x9c\u202egnp.exe\u2066\r\x08\x7f\x00"
SHOWN = r"\u001b[2J\u009b31m\u009d0;owned\u009c\u202egnp.exe\u2066\u000d\u0008\u007f\u0000"


def test_what_a_terminal_would_obey_is_written_out(capsys: pytest.CaptureFixture[str]) -> None:
    say(HOSTILE)
    assert capsys.readouterr().out == f"{SHOWN}\n"


def test_lines_tabs_and_letters_of_any_script_stay(capsys: pytest.CaptureFixture[str]) -> None:
    say("a\tb\nGröße שלום 李小龙 🙂")
    assert capsys.readouterr().out == "a\tb\nGröße שלום 李小龙 🙂\n"


def test_no_control_and_no_mark_of_direction_is_left_out() -> None:
    marks = "\u200e\u200f\u061c"
    directions = {"LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI"}
    for character in map(chr, range(0xD800)):
        obeyed = unicodedata.category(character) == "Cc" and character not in "\n\t"
        turns = unicodedata.bidirectional(character) in directions or character in marks
        assert (visible(character) != character) == (obeyed or turns)


def test_json_stays_the_same_json(capsys: pytest.CaptureFixture[str]) -> None:
    value = {"reason": HOSTILE}
    say(json.dumps(value, ensure_ascii=False, indent=2))
    assert json.loads(said := capsys.readouterr().out) == value
    assert SHOWN.removeprefix(r"\u001b").partition(r"\u000d")[0] in said
    say_json(value)
    assert json.loads(said := capsys.readouterr().out) == value
    assert "\x7f" not in said


def test_a_table_is_as_wide_as_what_it_shows() -> None:
    assert table([("a\x9b", 1), ("b", 2)], ("KEY", "N")) == ("KEY      N\na\\u009b  1\nb        2")


def test_an_error_is_written_out_too(capsys: pytest.CaptureFixture[str]) -> None:
    complain(StackError(Code.NOT_RUNNING, HOSTILE, "causeway up", detail=f"a\n{HOSTILE}"))
    said = capsys.readouterr().err
    assert said.count(r"\u009b31m") == 2
    assert not {"\x1b", "\x9b", "\u202e", "\r"} & set(said)
