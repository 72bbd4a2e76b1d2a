"""A log line is one JSON object, and holds no token, password or personal data."""

import io
import json
import logging
import time
from contextlib import contextmanager
from typing import Any

import asyncpg
import pytest

from bridge import logs


@pytest.fixture
def lines() -> Any:
    """What is written, read back."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(logs.JsonLines("orders-api"))
    logs.LOGGER.addHandler(handler)
    before = logs.LOGGER.level
    logs.LOGGER.setLevel(logging.INFO)
    yield lambda: [json.loads(line) for line in written.getvalue().splitlines()]
    logs.LOGGER.setLevel(before)
    logs.LOGGER.removeHandler(handler)


def test_a_line_says_when_who_and_what(lines: Any) -> None:
    logs.info("order.created", order="orders/1", position=7, ok=True, nothing=None)
    (line,) = lines()
    assert line.pop("time").endswith("+00:00")
    assert line == {
        "level": "info",
        "process": "orders-api",
        "event": "order.created",
        "order": "orders/1",
        "position": 7,
        "ok": True,
        "nothing": None,
    }


@pytest.mark.parametrize(
    "name", ["password", "client_secret", "token", "authorization", "email", "username", "cookie"]
)
def test_a_field_with_a_telling_name_is_masked(lines: Any, name: str) -> None:
    logs.info("x", **{name: "hunter2"}, nested={name: "hunter2"})
    assert "hunter2" not in json.dumps(lines())


@pytest.mark.parametrize(
    "text",
    [
        "bad token eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl",
        "sent Bearer abcdef.ghijkl",
        "postgresql://orders:hunter2@127.0.0.1/orders",
        'password="hunter2"',
        "secret: hunter2",
        "Key (email)=(alice@example.org) already exists",
    ],
)
def test_what_looks_secret_is_masked_in_any_text(lines: Any, text: str) -> None:
    logs.error("x", ValueError(text), detail=text)
    said = json.dumps(lines())
    for secret in ("eyJ", "abcdef", "hunter2", "alice", "c2ln"):
        assert secret not in said


@pytest.mark.parametrize("text", ["a", "a.", "a@", "a@b-", "eyJ", "passw", "secret ", "://a:", "é"])
def test_a_long_text_is_masked_in_no_time(text: str) -> None:
    begun = time.process_time()
    for _ in range(10):
        logs.safe("x", text * 500_000)
    assert time.process_time() - begun < 0.5


@pytest.mark.parametrize("text", ["a", "a.", "passw"])
def test_the_time_for_masks_grows_as_the_text_does(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "LONGEST", 10**6)
    begun = time.process_time()
    logs.scrub((text * 40_000)[:40_000])
    assert time.process_time() - begun < 1  # by the square of its length: over 3


@pytest.mark.parametrize("secret", ["alice@example.org", "postgresql://orders:hunter2@127.0.0.1"])
def test_no_secret_gets_out_because_a_long_text_was_cut_within_it(secret: str) -> None:
    for before in range(1900, 2010):
        said = logs.scrub("x" * (before - 1) + " " + secret + " " + "y" * 500)
        assert "alic" not in said
        assert "hunte" not in said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("to alice@example.org.", "to [address]."),
        ("<a.b+c@x.example>, d@y.example", "<[address]>, [address]"),
        ("ann@example.org+bob@example.org", "[address]"),
        ("ann@example.org..bob@example.org", "[address]"),
        ("me@host alice@example.org", "me@host [address]"),
    ],
)
def test_addresses_are_masked_wherever_they_begin(text: str, said: str) -> None:
    assert logs.scrub(text) == said


def test_an_error_of_the_database_says_nothing_of_the_row(lines: Any) -> None:
    fields = {
        "C": "23505",
        "M": 'duplicate key value violates unique constraint "users_key"\nof Alice',
        "D": "Key (display_name, phone)=(Alice Smith, +49 30 12345) already exists.",
        "H": "Ask Alice.",
        "n": "users_key",
    }
    logs.error("x", asyncpg.PostgresError.new(fields))
    (line,) = lines()
    assert line["error"]["type"] == "asyncpg.exceptions.UniqueViolationError"
    assert line["error"]["text"] == (
        '23505: users_key: duplicate key value violates unique constraint "users_key"'
    )
    assert logs.text_of(asyncpg.PostgresError()) == ""


@contextmanager
def wrapped() -> Any:
    try:
        yield
    except KeyError as inner:
        raise RuntimeError("outer") from inner


def test_an_error_keeps_its_type_its_frames_and_its_cause(lines: Any) -> None:
    with pytest.raises(RuntimeError) as caught, wrapped():
        dict[str, str]()["inner"]
    logs.error("x", caught.value)
    (line,) = lines()
    assert line["error"]["type"] == "builtins.RuntimeError"
    assert line["error"]["cause"]["text"] == "'inner'"
    assert "test_logs.py" in line["error"]["frames"][0]


def test_a_text_with_line_ends_stays_on_its_line(lines: Any) -> None:
    logs.info("x", text='a\n{"event":"forged"}\r\nb')
    assert len(lines()) == 1


def test_what_callers_could_fill_the_log_with_is_not_written(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Found by tests/fuzz: grpc logs each header that is no UTF-8, thrice, with what it holds."""
    root, levels = logging.getLogger(), (logging.getLogger().level, logs.LOGGER.level)
    monkeypatch.setattr(root, "handlers", [])
    logs.configure("orders-api")
    logging.getLogger("grpc._cython.cygrpc").error("Invalid encoding on %s", b"caf\xe9")
    logging.getLogger("grpc._cython.cygrpc").error("worth a line")
    root.setLevel(levels[0])
    logs.LOGGER.setLevel(levels[1])
    (line,) = capsys.readouterr().err.splitlines()
    assert json.loads(line)["text"] == "worth a line"
