"""Who and what the local platform begins with."""

import json

REGISTERED = ("alice", "bob", "root")
DEFAULT_LIMIT = {"currencyCode": "EUR", "units": "500", "nanos": 0}
LIMITS = {"bob": {"currencyCode": "EUR", "units": "100"}}
PRODUCTS = {
    "book": {"currencyCode": "EUR", "units": "12", "nanos": 500_000_000},
    "lamp": {"currencyCode": "EUR", "units": "40"},
    "desk": {"currencyCode": "EUR", "units": "250"},
}


def fingerprint() -> str:
    """All of it as one text, which differs when any of it does."""
    return json.dumps([REGISTERED, DEFAULT_LIMIT, LIMITS, PRODUCTS])
