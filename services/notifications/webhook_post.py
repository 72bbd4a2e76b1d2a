"""Posts to a customer's server: to an address that was checked, in a bounded time, unread."""

import asyncio
import ssl
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from datetime import UTC, datetime
from http import HTTPStatus

import httpx

from bridge.errors import FailedPrecondition, Unavailable
from services.notifications.retry_after import seconds_of
from services.notifications.webhook_address import Target, checked, is_address, target_of
from services.notifications.webhook_allowed import Allowed
from services.notifications.webhook_names import Resolve, resolver

TIMEOUT = 5.0
"""Seconds for one try, the look-up of the name included; below a delivery's attempt. Short: for so
long may a server that hangs hold a place."""
CONNECT_TIMEOUT = 2.0
"""Seconds for one address: a name may have several."""
MOST_ADDRESSES = 4
RESOLVING = 64
"""Names looked up side by side: twice the sender's places. A thread can't be stopped, so a look-up
may outlive the post that has given it up, and its place is taken by the next one."""

TRY_AGAIN = frozenset(
    {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS}
)
"""Of 4xx; any other says that this request is wrong, whenever it comes."""


class Poster:
    """Posts, and says what the answer means. Of what a server writes, its head alone is read."""

    def __init__(
        self, resolve: Resolve, allowed: Allowed, tls: ssl.SSLContext, timeout: float = TIMEOUT
    ) -> None:
        """`tls` says which certificates count; `timeout` in seconds, for one post."""
        self._resolve = resolve
        self._allowed = allowed
        self._tls = tls
        self._timeout = timeout

    async def post(self, uri: str, headers: Mapping[str, str], body: bytes) -> None:
        """Post; returning means that the server took it (2xx).

        InvalidArgument or FailedPrecondition: for good, the reason says why. Unavailable: try
        again, `retry_after` seconds later at the earliest.
        """
        target = target_of(uri, self._allowed)
        try:
            async with asyncio.timeout(self._timeout):
                addresses = checked(target, await self._addresses(target), self._allowed)
                answer = await self._first(target, addresses, headers, body)
        except (TimeoutError, httpx.TimeoutException):
            raise _away("took too long", "WEBHOOK_TIMEOUT") from None
        except httpx.TransportError:
            # It broke off, or speaks no HTTP. Whether the server has the post is unknown.
            raise _away("gave no answer", "WEBHOOK_NO_ANSWER") from None
        judge(answer)

    async def _addresses(self, target: Target) -> Sequence[str]:
        if is_address(target.host):
            return [target.host]
        try:
            return await self._resolve(target.host, target.port)
        except OSError:
            raise _away("has a name that is not found", "WEBHOOK_NAME_UNKNOWN") from None

    async def _first(
        self, target: Target, addresses: Sequence[str], headers: Mapping[str, str], body: bytes
    ) -> httpx.Response:
        """The answer of the first address that can be connected to."""
        # A transport alone: a client would add cookies, proxies of the environment, redirects. Of
        # this one post: a connection kept is one by address, and its certificate was for one name.
        async with httpx.AsyncHTTPTransport(verify=self._tls, trust_env=False) as transport:
            for address in addresses[:MOST_ADDRESSES]:
                request = self._request(target, address, headers, body)
                try:
                    answer = await transport.handle_async_request(request)
                except (httpx.ConnectError, httpx.ConnectTimeout):
                    continue
                async with aclosing(answer):
                    return answer
        raise _away("can't be connected to", "WEBHOOK_UNREACHABLE")

    def _request(
        self, target: Target, address: str, headers: Mapping[str, str], body: bytes
    ) -> httpx.Request:
        limits = httpx.Timeout(None, connect=CONNECT_TIMEOUT).as_dict()
        # By address, so that nothing is looked up again; the certificate is checked for the name.
        # https://www.python-httpx.org/advanced/extensions/#sni_hostname
        return httpx.Request(
            "POST",
            target.uri_at(address),
            headers={"host": target.authority, "user-agent": "Causeway", **headers},
            content=body,
            extensions={"timeout": limits, "sni_hostname": target.host},
        )


def poster(allowed: Allowed) -> Poster:
    """One over the system's resolver and the certificates that httpx trusts."""
    threads = ThreadPoolExecutor(RESOLVING, "webhook-names")
    return Poster(resolver(threads), allowed, httpx.create_ssl_context())


def judge(answer: httpx.Response) -> None:
    """What a status means: nothing for 2xx, else FailedPrecondition or Unavailable. A redirect is
    not followed: it would lead where the customer did not say."""
    status = answer.status_code
    if answer.is_success:
        return
    text, reason = f"the webhook answered {status}", f"WEBHOOK_{status}"
    if status in TRY_AGAIN or answer.is_server_error:
        wait = seconds_of(answer.headers.get("retry-after", ""), datetime.now(UTC))
        raise Unavailable(text, reason=reason, retry_after=wait)
    raise FailedPrecondition(text, reason=reason)


def _away(text: str, reason: str) -> Unavailable:
    return Unavailable(f"the webhook {text}", reason=reason)
