"""Page tokens open the list they were made for, to whom they were made for."""

import base64
from typing import Any

import pytest
from pydantic import SecretStr

from bridge.errors import InvalidArgument
from bridge.server.call import Call, Caller, present
from bridge.server.methods import methods_of
from bridge.server.paging import PageTokens, page_size
from causeway.orders.v1 import order_service_pb2 as orders

METHODS = methods_of("causeway.orders.v1.OrderService")
TOKENS = PageTokens(SecretStr("0123456789abcdef"))
NO_CONTEXT: Any = None
CURSOR = ("2026-11-23T18:00:00Z", 7, "ord-ü")


def calling(subject: str = "alice", method: str = "ListOrders") -> None:
    caller = Caller(subject, "causeway-cli", frozenset(), 0.0, subject)
    present.set(Call(METHODS[method], NO_CONTEXT, None, "request", caller))


def listing(**fields: Any) -> orders.ListOrdersRequest:
    return orders.ListOrdersRequest(**fields)


def refused(request: Any, tokens: Any = TOKENS) -> None:
    with pytest.raises(InvalidArgument) as caught:
        tokens.open(request)
    assert caught.value.reason == "INVALID_PAGE_TOKEN"
    assert caught.value.violations[0].field == "page_token"


def test_a_token_gives_its_cursor_back_whatever_the_page_size() -> None:
    calling()
    token = TOKENS.seal(listing(page_size=10), CURSOR)
    assert TOKENS.open(listing(page_token=token, page_size=20)) == CURSOR
    again = TOKENS.seal(listing(page_token=token), CURSOR)
    assert again == token
    assert len(token) < 1024


def test_the_first_page_has_no_cursor() -> None:
    calling()
    assert TOKENS.open(listing()) is None


def test_a_token_of_another_caller_is_refused() -> None:
    calling("alice")
    token = TOKENS.seal(listing(), CURSOR)
    calling("bob")
    refused(listing(page_token=token))


def test_a_token_of_another_filter_is_refused() -> None:
    calling()
    token = TOKENS.seal(listing(state=1), CURSOR)
    refused(listing(page_token=token, state=2))
    refused(listing(page_token=token))


def test_a_token_of_another_method_is_refused() -> None:
    calling(method="ListOrders")
    token = TOKENS.seal(listing(), CURSOR)
    calling(method="ListProducts")
    refused(orders.ListProductsRequest(page_token=token))


def test_a_token_of_another_secret_is_refused() -> None:
    calling()
    token = PageTokens(SecretStr("fedcba9876543210")).seal(listing(), CURSOR)
    refused(listing(page_token=token))


def test_every_altered_byte_is_noticed() -> None:
    calling()
    token = TOKENS.seal(listing(), CURSOR)
    raw = bytearray(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    for at in range(len(raw)):
        changed = raw.copy()
        changed[at] ^= 1
        refused(listing(page_token=base64.urlsafe_b64encode(changed).rstrip(b"=").decode()))


@pytest.mark.parametrize("token", ["x", "AAAA", "€", "!!!!", "=", "[]", "a" * 1024, " "])
def test_what_is_no_token_is_refused(token: str) -> None:
    calling()
    refused(listing(page_token=token))


def test_a_page_has_50_rows_unless_asked_and_200_at_most() -> None:
    assert [page_size(listing(page_size=n)) for n in (0, 1, 200, 201)] == [50, 1, 200, 200]
