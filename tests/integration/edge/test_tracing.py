"""Traces begin at the edge when there is a collector, and pass through it when there is none."""

from gateway.deployments import Address
from tests import otlp
from tests.integration.edge.bench import HOST, Running, seen, until
from tests.integration.edge.conftest import Start
from tests.ports import free_port

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"


def test_a_trace_is_begun_or_gone_on_with(start: Start, operator: str) -> None:
    port = free_port()
    with otlp.receive(port) as receiver:
        edge = start(collector=Address(HOST, port))
        begun = seen(edge.rest("GET", "/v1/orders/7", operator).headers)["traceparent"]
        assert begun.endswith("-01")
        headers = {"traceparent": PARENT}
        gone_on = seen(edge.rest("GET", "/v1/orders/7", operator, headers=headers).headers)
        _, trace, span, _ = gone_on["traceparent"].split("-")
        assert trace == TRACE
        assert span != "b7ad6b7169203331"

        def exported() -> bool:
            # Sent every few seconds; a batch that the collector takes too long for is lost.
            edge.rest("GET", "/v1/orders/7", operator, headers=headers)
            return any(span.service == "causeway-edge" for span in receiver.trace(TRACE))

        assert until(exported, 20)


def test_without_a_collector_the_callers_trace_arrives_as_it_is(
    edge: Running, operator: str
) -> None:
    headers = {"traceparent": PARENT}
    arrived = seen(edge.rest("GET", "/v1/orders/7", operator, headers=headers).headers)
    assert arrived["traceparent"] == PARENT
    assert "traceparent" not in seen(edge.rest("GET", "/v1/orders/7", operator).headers)
