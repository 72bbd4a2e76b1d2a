"""One trace from the request to the mail."""

import secrets

import httpx

from tests.e2e.conftest import Customer, eventually
from tests.otlp import Receiver


def test_one_call_is_one_trace_from_the_edge_to_the_mail(
    rest: httpx.Client, customer: Customer, spans: Receiver
) -> None:
    trace_id = secrets.token_hex(16)
    headers = customer.headers | {"traceparent": f"00-{trace_id}-{secrets.token_hex(8)}-01"}
    body = {"items": [{"sku": "book", "quantity": 1}]}
    assert rest.post("/v1/orders", json=body, headers=headers).status_code == 200

    def hops() -> set[str]:
        return {span.service for span in spans.trace(trace_id)}

    wanted = {
        "causeway-edge",
        "orders-api",
        "orders-worker",
        "users-worker",
        "notifications-worker",
    }
    eventually(lambda: wanted <= hops(), f"spans of {wanted}")
    eventually(
        lambda: "deliver email" in {span.name for span in spans.trace(trace_id)},
        "a span of the mail",
    )
