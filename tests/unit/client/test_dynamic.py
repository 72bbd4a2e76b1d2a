import json

import pytest

from causeway.orders.v1 import order_service_pb2 as pb
from client.dynamic import as_json, find_method, invoke, read_request
from client.platform import Platform
from tests.unit.client.fakes import Script, serving

GET = "causeway.orders.v1.OrderService/GetOrder"


@pytest.mark.parametrize("name", [GET, f"/{GET}", "orders.v1.OrderService/GetOrder", "GetOrder"])
def test_a_method_is_found_by_any_of_its_names(name: str) -> None:
    assert find_method(name).full_name == GET.replace("/", ".")


def test_a_wrong_name_is_answered_with_near_ones() -> None:
    with pytest.raises(LookupError, match=r"orders\.v1\.OrderService/GetOrder"):
        find_method("orders.v1.Orders/GetOrdr")


def test_a_name_that_is_near_to_none_is_answered_with_all_methods() -> None:
    with pytest.raises(
        LookupError, match=r"Xyz is not a method; there are .*GetOrder, .*WatchOrder"
    ):
        find_method("Xyz")


def test_a_request_that_does_not_fit_is_refused_with_the_field() -> None:
    with pytest.raises(ValueError, match="nome"):
        read_request(find_method("GetOrder"), '{"nome": "orders/1"}')


async def test_a_call_by_name_answers_in_the_edges_json() -> None:
    script = Script()
    async with serving(script) as edge, Platform(edge) as platform:
        method = find_method("GetOrder")
        request = read_request(method, '{"name": "orders/1"}')
        answers = [as_json(one) async for one in invoke(platform, method, request)]
    assert script.calls[0][0] == pb.GetOrderRequest(name="orders/1")
    answer = json.loads(answers[0])
    assert answer["name"] == "orders/1"
    assert answer["state"] == "STATE_UNSPECIFIED"


async def test_a_stream_is_answered_one_by_one() -> None:
    script = Script(answer=lambda _: pb.WatchOrderResponse(resume_token="2"))
    async with serving(script) as edge, Platform(edge) as platform:
        method = find_method("WatchOrder")
        request = read_request(method, '{"name": "orders/1"}')
        tokens = [one.resume_token async for one in invoke(platform, method, request)]  # type: ignore[attr-defined]
    assert tokens == ["1", "2"]


async def test_streams_of_requests_are_not_for_text() -> None:
    async with Platform("127.0.0.1:1") as platform:
        method = find_method("PublishEvents")
        with pytest.raises(LookupError, match="stream of requests"):
            await anext(invoke(platform, method, read_request(method, "{}")))
