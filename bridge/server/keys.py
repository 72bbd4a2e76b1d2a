"""The issuer's public keys (JWKS), kept fresh so that a key that was removed is refused in time.

Keys count for `MAX_AGE` after the fetch that brought them and not a second longer: where the
issuer can't be reached for that long, calls answer UNAVAILABLE until it can. A task fetches well
before that; an unknown `kid` fetches at once, but no more often than every `MIN_INTERVAL`.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any

import httpx
import jwt

from bridge import logs
from bridge.errors import Unauthenticated, Unavailable

# What Keycloak signs with by default, and the only algorithm that is taken.
ALGORITHMS = ("RS256",)
MAX_AGE = 60.0
REFRESH = 20.0
RETRY = 1.0
MIN_INTERVAL = 5.0
TIMEOUT = 3.0


class KeySet:
    """Signing keys by `kid`, fetched from one URL."""

    def __init__(
        self,
        url: str,
        *,
        max_age: float = MAX_AGE,
        refresh: float = REFRESH,
        min_interval: float = MIN_INTERVAL,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url = url
        self._max_age, self._refresh, self._min_interval = max_age, refresh, min_interval
        self._clock = clock
        self._keys: Mapping[str, jwt.PyJWK] = {}
        self._fetched = self._tried = -max_age
        self._fetching = asyncio.Lock()
        self._trouble: tuple[str, bool] | None = None

    @property
    def fresh(self) -> bool:
        """Whether there are keys that count."""
        return bool(self._keys) and self._clock() - self._fetched < self._max_age

    def known(self, kid: str) -> jwt.PyJWK | None:
        """Return the key if it is at hand and counts."""
        return self._keys.get(kid) if self.fresh else None

    async def find(self, kid: str) -> jwt.PyJWK:
        """Return the key, asking the issuer where it is not at hand.

        Raises Unavailable while there are no keys that count, Unauthenticated for an unknown one.
        """
        if kid in self._keys and self.fresh:
            return self._keys[kid]
        await self._fetch_unless_recent()
        await self.require()
        try:
            return self._keys[kid]
        except KeyError:
            raise Unauthenticated("the token is not valid", reason="TOKEN_INVALID") from None

    async def require(self) -> None:
        """Return when there are keys that count; raises Unavailable where none are to be had."""
        if not self.fresh:
            await self._fetch_unless_recent()
        if not self.fresh:
            raise Unavailable("the token issuer cannot be reached", reason="ISSUER_UNAVAILABLE")

    async def run(self, stop: asyncio.Event) -> None:
        """Keep the keys fresh until `stop`."""
        while not stop.is_set():
            fetched = await self.fetch()
            pause = self._refresh if fetched else RETRY
            try:
                await asyncio.wait_for(stop.wait(), pause)
            except TimeoutError:
                continue

    async def _fetch_unless_recent(self) -> None:
        async with self._fetching:
            wait = self._min_interval if self.fresh else RETRY
            if self._clock() - self._tried >= wait:
                await self._fetch()

    async def fetch(self) -> bool:
        """Fetch now; returns whether it worked. The keys at hand stay if it did not."""
        async with self._fetching:
            return await self._fetch()

    async def _fetch(self) -> bool:
        self._tried = self._clock()
        try:
            keys = parse(await download(self._url))
        except (httpx.HTTPError, ValueError, jwt.PyJWTError) as error:
            self._complain(error)
            return False
        if self._trouble is not None:
            self._trouble = None
            logs.info("keys.reached", url=self._url)
        if keys.keys() != self._keys.keys():
            logs.info("keys.changed", count=len(keys))
        # An unchanged key stays the same object: tokens already verified by it stay verified.
        self._keys = {kid: self._same(kid, key) for kid, key in keys.items()}
        self._fetched = self._tried
        return True

    def _complain(self, error: Exception) -> None:
        """Say what is wrong, once until it changes: it is tried again every second."""
        trouble = (_words(error), self.fresh)
        if trouble != self._trouble:
            self._trouble = trouble
            logs.warning("keys.unreachable", url=self._url, error=trouble[0], fresh=trouble[1])

    def _same(self, kid: str, key: jwt.PyJWK) -> jwt.PyJWK:
        before = self._keys.get(kid)
        return before if before is not None and before.key == key.key else key


def _words(error: Exception) -> str:
    """What the issuer answered, or why it did not."""
    if isinstance(error, httpx.HTTPStatusError):
        return f"HTTP {error.response.status_code}"
    return f"{type(error).__name__}: {error}".removesuffix(": ")


async def download(url: str) -> Any:
    """Get the document; raises httpx.HTTPError, or ValueError where it is not JSON."""
    # Redirects are not followed: the keys come from the URL in the settings or not at all.
    async with httpx.AsyncClient(timeout=TIMEOUT, trust_env=False) as client:
        response = await client.get(url)
        response.raise_for_status()
        return response.json()


def parse(document: Any) -> dict[str, jwt.PyJWK]:
    """Take the signing keys of a JWKS; others (encryption, other algorithms) are left out, and so
    is what can't be read. ValueError: no signing key is left, or it is no JWKS."""
    entries = document.get("keys") if isinstance(document, dict) else None
    chosen = {}
    for entry in entries if isinstance(entries, list) else ():
        if not _signs(entry):
            continue
        try:
            chosen[entry["kid"]] = jwt.PyJWK(entry, algorithm=ALGORITHMS[0])
        except (jwt.PyJWTError, ValueError, TypeError) as error:
            logs.warning("keys.unreadable", error=type(error).__name__)
    if not chosen:
        raise ValueError("the JWKS holds no signing key")
    return chosen


def _signs(entry: Any) -> bool:
    return (
        isinstance(entry, dict)
        and entry.get("kty") == "RSA"
        and entry.get("use", "sig") == "sig"
        and entry.get("alg", ALGORITHMS[0]) in ALGORITHMS
        and isinstance(entry.get("kid"), str)
    )
