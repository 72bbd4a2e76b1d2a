"""Logs: one JSON object a line on stderr, the same shape in every process.

`time` (RFC 3339, UTC), `level`, `process`, `event` (a dotted name that never varies), and the
event's own fields. Tokens, passwords and addresses do not get out: fields with a telling name
are dropped, and what looks like a token, an address or a URL's password is masked wherever it
stands, also in the texts of exceptions and of foreign libraries. Of a database's error only its
first line gets out: those behind it hold the row.
"""

import json
import logging
import re
import sys
import traceback
from datetime import UTC, datetime

LOGGER = logging.getLogger("causeway")
SECRET_NAMES = re.compile(
    r"passw|secret|token|authorization|cookie|credential|e.?mail|signing|display_?name|username",
    re.IGNORECASE,
)
MASKS = (
    (re.compile(r"eyJ[\w-]+(\.[\w-]*){0,4}"), "[token]"),
    (re.compile(r"(?i)\bbearer\s+\S+"), "[token]"),
    (re.compile(r"(://[^:/@\s]*):[^@/\s]*@"), r"\1:[password]@"),
    (re.compile(r"(?i)\b(passw\w*|secret|token)(\"?'?\s*[=:]\s*)\S+"), r"\1\2[secret]"),
    # It begins where a word does: tried at each character, a long word took time by its square. So
    # addresses that stand against one another are one word, and masked as one.
    (re.compile(r"(?<![\w.+-])[\w.+-]+@[\w-]+(\.[\w-]+)+([\w.+-]*@[\w.-]+)*"), "[address]"),
)
LONGEST = 2000
"""Characters of a text that are looked at: callers choose some of them, and masking takes time."""
FRAGMENT = 256
"""Characters that the end of a cut text loses: half an address, or half a password in a URL, is
not known for one. An address has 254 at most (RFC 5321)."""
FRAMES = 12
SAID_ENOUGH = frozenset(
    {
        # aiokafka at every connection; the transport is chosen by the settings, and documented.
        "Sending username and password in the clear",
        # grpc, an error a time for each header of a caller's that is no UTF-8, with what it holds:
        # https://github.com/grpc/grpc/blob/master/src/python/grpcio/grpc/_cython/_cygrpc/grpc_string.pyx.pxi
        "Invalid encoding on %s",
    }
)
"""What libraries log again and again, and what callers could fill the log with."""


def scrub(text: str) -> str:
    """Mask what looks like a token, a password or a mail address; a long text is cut first."""
    masked = text[:LONGEST]
    for pattern, mask in MASKS:
        masked = pattern.sub(mask, masked)
    return masked if len(text) <= LONGEST else masked[:-FRAGMENT]


def safe(name: str, value: object) -> object:
    """Return a field's value as it may be logged."""
    if SECRET_NAMES.search(name):
        return "[secret]"
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, list | tuple | set | frozenset):
        return [safe(name, item) for item in value]
    if isinstance(value, dict):
        return {str(key): safe(str(key), item) for key, item in value.items()}
    return scrub(str(value))


def text_of(error: BaseException) -> str:
    """Return an exception's text, masked; a refused setting is named without its value, and of a
    database's error there are the SQLSTATE, the constraint and the first line."""
    if type(error).__module__.startswith("pydantic_core") and hasattr(error, "errors"):
        found = error.errors(include_input=False, include_context=False, include_url=False)
        return "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in found)
    return scrub(_of_database(error) if hasattr(error, "sqlstate") else str(error))[:500]


def _of_database(error: BaseException) -> str:
    # By its attributes: this module stands below all that know the driver. The driver's own text
    # goes on with DETAIL, which shows the row: a user's name, address and telephone.
    words = (getattr(error, "sqlstate", None), getattr(error, "constraint_name", None))
    message = str(next(iter(error.args), "")).partition("\n")[0]
    return ": ".join([*(str(word) for word in words if word), message])


def failure(error: BaseException) -> dict[str, object]:
    """Describe an exception: type, masked text, innermost frames, and the same of its cause."""
    frames = traceback.extract_tb(error.__traceback__)[-FRAMES:]
    described: dict[str, object] = {
        "type": f"{type(error).__module__}.{type(error).__qualname__}",
        "text": text_of(error),
        "frames": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
    }
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None:
        described["cause"] = failure(cause)
    if isinstance(error, BaseExceptionGroup):
        described["errors"] = [failure(inner) for inner in error.exceptions[:5]]
    return described


class JsonLines(logging.Formatter):
    """Formats a record as one JSON line."""

    def __init__(self, process: str) -> None:
        super().__init__()
        self.process = process

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without its end."""
        fields = getattr(record, "fields", None)
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "process": self.process,
            "event": record.getMessage() if fields is not None else f"library.{record.name}",
        }
        if fields is None:
            line["text"] = scrub(record.getMessage())
        else:
            line |= {name: safe(name, value) for name, value in fields.items()}
        if record.exc_info and record.exc_info[1]:
            line["error"] = failure(record.exc_info[1])
        return json.dumps(line, ensure_ascii=False, default=str)


def configure(process: str, level: int = logging.INFO) -> None:
    """Send all logs of this process to stderr as JSON lines; foreign libraries from WARNING up."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines(process))
    handler.addFilter(lambda record: str(record.msg) not in SAID_ENOUGH)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    LOGGER.setLevel(level)


def info(event: str, **fields: object) -> None:
    """Log that something happened as it should."""
    LOGGER.info(event, extra={"fields": fields})


def warning(event: str, **fields: object) -> None:
    """Log that something is wrong and will be tried again or worked around."""
    LOGGER.warning(event, extra={"fields": fields})


def error(event: str, cause: BaseException | None = None, **fields: object) -> None:
    """Log a failure, with its exception where there is one."""
    LOGGER.error(event, exc_info=cause, extra={"fields": fields})
