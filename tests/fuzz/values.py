"""Single values that trip programs up, and ordinary ones beside them."""

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

ODD_TEXTS = (
    "",
    "\0",
    "a\0b",
    "\r\nx-injected: 1",
    "../../etc/passwd",
    "%2e%2e%2f",
    "' OR '1'='1",
    '"; --',
    "{{7*7}}",
    "${jndi:ldap://x}",
    "<script>alert(1)</script>",
    "*",
    "%",
    "_",
    "-",
    "null",
    "NaN",
    "1e999",
    "\u202egnirts",
    "\ufeff",
    "\u2028",
    "e\u0301" * 20,
    "\U0001f469\u200d\U0001f680",
    "\U0010ffff",
    "İıſK",
    "A" * 1025,
    "ü" * 5000,
    "orders/*",
    "orders/../users/me",
)
"""No text here looks like what the oracle takes for a leak."""

ODD_PATHS = ("", "*", ".", "..", "a..b", "name", "no_such", "order.items.0", "étag", "a" * 300)

ODD_HEADERS = (
    ("+", "x"),
    ("x-odd-bin", "no base64!"),
    ("grpc-encoding", "nope"),
    ("grpc-timeout", "soon"),
    ("grpc-previous-rpc-attempts", "many"),
    ("grpc-status", "0"),
    ("te", "gzip"),
    ("x-odd", "caf\u00e9"),
    ("traceparent", "00-zz"),
    ("x-request-id", "a\tb"),
    ("expect", "200-ok"),
    ("accept", "*/*;q=x"),
    ("accept-encoding", "identity;q=0"),
    ("cookie", "a=b; access_token=x"),
    ("content-language", "x" * 5000),
)
"""Over REST: what gRPC's transport or a filter of the edge reads."""

# Protobuf's strings hold every character but surrogates.
text: SearchStrategy[str] = st.one_of(
    st.sampled_from(ODD_TEXTS), st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
)
data: SearchStrategy[bytes] = st.one_of(
    st.binary(max_size=64), st.sampled_from((b"", b"\0" * 64, b"\xff" * 9, b"x" * 5000))
)
booleans: SearchStrategy[bool] = st.booleans()


def integers(bits: int, *, signed: bool) -> SearchStrategy[int]:
    """Numbers of so many bits, most of them at the ends and around zero."""
    low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)
    ends = sorted({low, low + 1, max(low, -1), 0, 1, 50, 200, 201, high - 1, high})
    return st.one_of(st.sampled_from(ends), st.integers(low, high))


def floats(width: int) -> SearchStrategy[float]:
    """Of 32 or 64 bits; NaN, the infinities and the smallest ones come by themselves."""
    return st.floats(width=32) if width == 32 else st.floats()


def enum_numbers(known: list[int]) -> SearchStrategy[int]:
    """Numbers of an open enum: those that have a name, and those that have none."""
    return st.one_of(st.sampled_from(known), st.sampled_from((-1, 77, 2**31 - 1, -(2**31))))


def seconds() -> SearchStrategy[int]:
    """Of a Timestamp or Duration: inside of what they allow, at its ends, and far outside."""
    ends = (0, -1, -62135596800, -62135596801, 253402300799, 253402300800, 2**63 - 1, -(2**63))
    return st.one_of(st.sampled_from(ends), st.integers(0, 4_000_000_000))


def nanos() -> SearchStrategy[int]:
    """The part below a second, also where it has no meaning."""
    return st.sampled_from((0, 1, -1, 999_999_999, 1_000_000_000, 2**31 - 1, -(2**31)))
