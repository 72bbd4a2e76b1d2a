"""Bodies that are malformed, deep, huge, of another type, or not what their headers say."""

import gzip
import json

import pytest

from causeway.orders.v1.order_service_pb2 import CreateOrderRequest, Order
from tests.integration.edge.issuer import Issuer
from tests.security import http1, http2
from tests.security.callers import (
    INVALID_ARGUMENT,
    RESOURCE_EXHAUSTED,
    Ports,
    Told,
    bearer,
    leaks,
    told_by_rest,
)
from tests.security.conftest import Target
from tests.security.http1 import Headers

JSON = "application/json"


def item(quantity: str, sku: str = '"book"') -> bytes:
    return f'{{"items":[{{"sku":{sku},"quantity":{quantity}}}]}}'.encode()


# Bodies of POST /v1/orders, and what their sender is told.
REST: dict[str, tuple[bytes, int]] = {
    "nothing": (b"", 400),
    "white space": (b"  \n", 400),
    "no JSON": (b"{x", 400),
    "half of it": (b'{"items":[{"sku":"book"', 400),
    "two of them": (item("1") + item("1"), 400),
    "something behind": (item("1") + b"x", 400),
    "a list": (b"[]", 400),
    "a text": (b'"order"', 400),
    "a number": (b"7", 400),
    "null": (b"null", 400),
    "a comment": (b'{/* x */"items":[]}', 400),
    "a list that is a number": (b'{"items":7}', 400),
    "a list that is an object": (b'{"items":{"sku":"book"}}', 400),
    "a list of numbers": (b'{"items":[7]}', 400),
    "a list of null": (b'{"items":[null]}', 400),
    "an empty list": (b'{"items":[]}', 400),
    "1,000 items": (b'{"items":[' + b",".join([b"{}"] * 1000) + b"]}", 400),
    "a quantity of 2^31": (item("2147483648"), 400),
    "a quantity of 2^63": (item("9223372036854775808"), 400),
    "a quantity of -2^31 - 1": (item("-2147483649"), 400),
    "a quantity of 10^400": (item("1e400"), 400),
    "a quantity with 10,000 digits": (item("9" * 10_000), 400),
    "a quantity below one": (item("-1"), 400),
    "half a quantity": (item("1.5"), 400),
    "a quantity that is not a number": (item("NaN"), 400),
    "a quantity that is NaN as text": (item('"NaN"'), 400),
    "a quantity that is endless": (item("Infinity"), 400),
    "a quantity that is true": (item("true"), 400),
    "a quantity that is a word": (item('"many"'), 400),
    "a quantity in hexadecimal": (item("0x1"), 400),
    "a quantity with zeros before": (item("0001"), 400),
    "a quantity that is a list": (item("[1]"), 400),
    "a sku that is a number": (item("1", "7"), 400),
    "a sku with a NUL": (item("1", '"bo\\u0000ok"'), 400),
    "a sku that is half a character": (item("1", '"\\ud800"'), 400),
    "a sku that is a path": (item("1", '"../../etc/passwd"'), 400),
    "a sku that is SQL": (item("1", '"x\' OR 1=1 --"'), 400),
    "a sku that is a template": (item("1", '"{{7*7}}${7*7}"'), 400),
    "bad UTF-8": (b'{"items":[{"sku":"\xff\xfe","quantity":1}]}', 400),
    "overlong UTF-8": (b'{"items":[{"sku":"\xc0\xaf","quantity":1}]}', 400),
    "UTF-16": (item("1").decode().encode("utf-16"), 400),
    "UTF-7": (b"+AHsAIgBpAHQAZQBtAHMAIgA6-", 400),
    "a byte order mark": (b"\xef\xbb\xbf" + item("1"), 400),
    "a state that is no state": (b'{"state":"STATE_PAID","items":[]}', 400),
    "a moment that is none": (b'{"createTime":"yesterday","items":[]}', 400),
    "a moment before all time": (b'{"createTime":"-9999-01-01T00:00:00Z"}', 400),
    "10,000 lists in each other": (b'{"items":' + b"[" * 10_000 + b"]" * 10_000 + b"}", 400),
    "10,000 objects in each other": (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, 400),
    "5,000 unknown fields": (
        json.dumps({f"f{n}": n for n in range(5000)}).encode(),
        413,
    ),
    "more than a message may have": (item("1", f'"{"x" * 70_000}"'), 413),
    "more than JSON may have": (item("1", f'"{"x" * 400_000}"'), 413),
    "4 MB of white space": (b" " * 4_000_000, 413),
    "gzip that nobody asked for": (gzip.compress(item("1")), 400),
    "protobuf": (CreateOrderRequest(order=Order(name="orders/7")).SerializeToString(), 400),
    "XML": (b'<!DOCTYPE x [<!ENTITY y SYSTEM "file:///etc/passwd">]><x>&y;</x>', 400),
    "a form": (b"items=book&quantity=1", 400),
}


def rest(ports: Ports, token: str, body: bytes, headers: Headers, *, over: int) -> Told:
    sent = (*headers, *bearer(token))
    if over == 1:
        answer = http1.send(ports.edge, "POST", "/v1/orders", sent, body)
        return told_by_rest(answer.status, answer.headers, answer.body)
    with http2.Connection(ports.edge) as connection:
        reply = connection.request([*http2.pseudo("POST", "/v1/orders"), *sent], body)
    return told_by_rest(reply.status, reply.headers, reply.body)


@pytest.mark.parametrize("over", [1, 2])
@pytest.mark.parametrize("case", REST)
def test_a_bad_body_is_its_senders_fault(
    ports: Ports, issuer: Issuer, case: str, over: int
) -> None:
    body, status = REST[case]
    told = rest(ports, issuer.token("customer"), body, (("content-type", JSON),), over=over)
    assert told.http == status, told
    assert told.code == (INVALID_ARGUMENT if status == 400 else RESOURCE_EXHAUSTED)
    assert not leaks(told), told


# What is said about a good body.
TYPES: dict[str, tuple[Headers, int]] = {
    "JSON": ((("content-type", JSON),), 200),
    "JSON in UTF-8": ((("content-type", f"{JSON}; charset=utf-8"),), 200),
    "gzip, which it is not": ((("content-type", JSON), ("content-encoding", "gzip")), 200),
}


@pytest.mark.parametrize("over", [1, 2])
@pytest.mark.parametrize("case", TYPES)
def test_a_good_body_is_read_as_what_it_is(
    ports: Ports, issuer: Issuer, case: str, over: int
) -> None:
    headers, status = TYPES[case]
    told = rest(ports, issuer.token("customer"), item("1"), headers, over=over)
    assert told.http == status, told


def test_of_a_key_that_is_there_twice_the_service_sees_one(ports: Ports, issuer: Issuer) -> None:
    body = b'{"items":[{"sku":"book","quantity":1}],"items":[{"sku":"book","quantity":0}]}'
    for over in (1, 2):
        told = rest(ports, issuer.token("customer"), body, (("content-type", JSON),), over=over)
        assert told.http == 400, told  # whatever was merged is held against the rules


def test_after_all_of_it_everybody_is_well(target: Target) -> None:
    target.assert_well()
