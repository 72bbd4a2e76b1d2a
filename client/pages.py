"""Reads a list to its end, page by page (AIP-158)."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Protocol, TypeVar

from google.protobuf.message import Message


class Page(Protocol):
    """An answer of a List method."""

    next_page_token: str


Request = TypeVar("Request", bound=Message)
Answer = TypeVar("Answer", bound=Page)


async def pages(
    call: Callable[[Request], Awaitable[Answer]], request: Request
) -> AsyncIterator[Answer]:
    """Every page, from the one that `request` names on; CallFailed from the iteration::

    async for page in pages(causeway.orders.ListOrders, ListOrdersRequest(page_size=200)):
    """
    following = type(request)()
    following.CopyFrom(request)
    while True:
        answer = await call(following)
        yield answer
        if not answer.next_page_token:
            return
        following.page_token = answer.next_page_token  # type: ignore[attr-defined]
