"""The tour is the smoke test of the whole platform."""

import json

from tests.platform import Platform

HOPS = [
    "registration",
    "token",
    "edge",
    "service",
    "store",
    "kafka",
    "credit",
    "confirmation",
    "mail",
]


def test_the_tour_reaches_every_hop_and_reads_the_mail(causeway: Platform) -> None:
    answer = causeway.causeway("tour", "--json", timeout=90)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    tour = json.loads(answer.stdout)
    assert (tour["complete"], tour["missing"]) == (True, None)
    assert [hop["name"] for hop in tour["hops"]] == HOPS
    facts = {hop["name"]: hop["facts"] for hop in tour["hops"]}
    assert facts["kafka"]["topic"] == "causeway.orders.v1"
    assert facts["kafka"]["partition"] == facts["confirmation"]["partition"]
    assert facts["kafka"]["offset"] < facts["confirmation"]["offset"]
    assert facts["credit"]["leader"] in (1, 2, 3)
    assert facts["service"]["order"] in facts["mail"]["text"]


def test_a_call_by_name_prints_the_answer_and_a_refusal_names_the_role(causeway: Platform) -> None:
    answer = causeway.causeway("call", "orders.v1.OrderService/ListProducts")
    assert answer.returncode == 0, answer.stderr
    assert {"products/book", "products/lamp"} <= {
        product["name"] for product in json.loads(answer.stdout)["products"]
    }
    refused = causeway.causeway("call", "users.v1.UserService/ListUsers", "--as", "alice")
    assert refused.returncode == 1
    assert "CALL_FAILED" in refused.stderr
    assert "needs the role operator" in refused.stderr
