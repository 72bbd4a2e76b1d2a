"""The first entries of a list, over as many pages as it takes."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from google.protobuf.message import Message

from client.pages import pages

LARGEST_PAGE = 200
Request = TypeVar("Request", bound=Message)


async def first(
    call: Callable[[Request], Awaitable[Any]], request: Request, field: str, limit: int
) -> tuple[Sequence[Any], bool]:
    """At most `limit` entries of the answers' list `field`, and whether there are more."""
    found: list[Any] = []
    request.page_size = min(limit, LARGEST_PAGE)  # type: ignore[attr-defined]
    async for page in pages(call, request):
        found += getattr(page, field)
        if len(found) >= limit:
            more = len(found) > limit or bool(page.next_page_token)
            return found[:limit], more
    return found, False
