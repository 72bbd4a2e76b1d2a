"""A mistake in a proto is told as compilers do: file:line:column, what is wrong, what to do."""

from dataclasses import replace

import pytest

from gateway import generate
from gateway.descriptors import Descriptors, load
from gateway.errors import ModelError
from gateway.locations import Locations
from gateway.reading import read_model
from tests.gateway.protos import HEADER, compiled, model_of

CLERK = 'option (causeway.options.v1.access) = { roles: "clerk" };'
BOSS = 'option (causeway.options.v1.access) = { roles: "boss" };'
PUBLIC = "option (causeway.options.v1.access) = { public: true };"
SHOP = """\
option (causeway.options.v1.role) = { name: "clerk" };
message Item { string name = 1; repeated string tags = 2; }
service Shop {
  rpc Get(Item) returns (Item) {
    option (google.api.http) = { get: "/v1/{name=items/*}" };
    option (causeway.options.v1.access) = { roles: "clerk" };
  }
%s
}
"""
SOLD = """\
message Sold {
  string id = 1;
  repeated string ids = 2;
  option (causeway.options.v1.event) = { topic: "causeway.shop.v1" key: "%s" stream: "items" };
}
"""
HEAD = HEADER.count("\n")
"""Lines above the first one of a test's own text."""
SHOP_FILE = "protos/causeway/shop/v1/shop_service.proto"
EVENTS_FILE = "protos/causeway/shop/v1/events.proto"
NO_ACCESS = """\
  rpc Find(Item) returns (Item) {
    option (google.api.http) = { get: "/v1/items" };
  }
"""
PLACES = {
    "a method without access": (NO_ACCESS, f"{SHOP_FILE}:8:3:", "access", "say who may call it"),
    "two methods on one REST path": (
        f"""\
  rpc Find(Item) returns (Item) {{
    {CLERK}
    option (google.api.http) = {{ get: "/v1/{{name=items/*}}" }};
  }}
""",
        f"{SHOP_FILE}:10:5:",
        "http",
        "GET /v1/{name=items/*} is the path of causeway.shop.v1.Shop.Get too: change one",
    ),
    "a body binding that collides": (
        f"""\
  rpc Put(Item) returns (Item) {{
    {CLERK}
    option (google.api.http) = {{ put: "/v1/{{name=items/*}}" body: "name" }};
  }}
""",
        f"{SHOP_FILE}:10:5:",
        "http",
        "binds 'name', which is the body too: take another body",
    ),
    "a path that takes all": (
        f"""\
  rpc Find(Item) returns (Item) {{
    {CLERK}
    option (google.api.http) = {{ get: "/v1/{{name=**}}" }};
  }}
""",
        f"{SHOP_FILE}:10:5:",
        "http",
        "GET /v1/{name=**} takes every collection's paths: name one",
    ),
    "a role that is not declared": (
        f"  rpc Put(Item) returns (Item) {{ {BOSS} }}\n",
        f"{SHOP_FILE}:8:34:",
        "access",
        "role 'boss' is not declared: declare it once",
    ),
    "a public method without a rate limit": (
        f"  rpc Put(Item) returns (Item) {{\n    {PUBLIC}\n  }}\n",
        f"{SHOP_FILE}:9:5:",
        "access",
        "public without a rate_limit: give it one",
    ),
}


def told(body: str, events: str = "") -> str:
    """The one line that the compiler prints, its line numbers counted from the test's own text."""
    with pytest.raises(ModelError) as caught:
        model_of(body, **({"events": events} if events else {}))
    (problem,) = caught.value.problems
    return str(replace(problem, line=problem.line - HEAD))


@pytest.mark.parametrize("case", PLACES)
def test_a_mistake_points_at_its_line_and_option(case: str) -> None:
    method, place, option, text = PLACES[case]
    line = told(SHOP % method)
    assert line.startswith(place)
    assert line.endswith(f"{option})")
    assert text in line


def test_an_event_key_that_is_no_scalar_field_points_at_its_option() -> None:
    line = told(SHOP % "", SOLD % "ids")
    assert line.startswith(f"{EVENTS_FILE}:4:3: causeway.shop.v1.Sold: key 'ids' is no scalar")
    assert line.endswith("(option causeway.options.v1.event)")


def test_a_topic_with_two_writers_points_at_the_one_that_is_not_at_home_there() -> None:
    sources = {
        f"causeway/{area}/v1/{name}.proto": HEADER.format(package=f"causeway.{area}.v1") + body
        for area, name, body in (
            ("depot", "depot_service", "service S {}"),
            ("depot", "events", (SOLD % "id").replace("items", "depot").replace("Sold", "Lost")),
            ("shop", "shop_service", SHOP % ""),
            ("shop", "events", SOLD % "id" + (SOLD % "id").replace("Sold", "Kept")),
        )
    }
    with pytest.raises(ModelError) as caught:
        read_model(compiled(sources))
    (problem,) = caught.value.problems
    assert str(replace(problem, line=problem.line - HEAD)).startswith(
        "protos/causeway/depot/v1/events.proto:4:3: causeway.depot.v1.Lost: "
        "topic 'causeway.shop.v1' has two writers: shop (Sold) and depot (Lost); "
        "give each package a topic of its own"
    )


def test_a_role_that_is_declared_twice_points_at_the_second() -> None:
    second = 'option (causeway.options.v1.role) = { name: "clerk" };'
    assert told(second + "\n" + SHOP % "").startswith(f"{SHOP_FILE}:2:1: clerk: role 'clerk'")


def test_without_source_info_the_file_is_named_alone() -> None:
    from google.protobuf.descriptor_pb2 import FileDescriptorSet

    header = HEADER.format(package="causeway.shop.v1")
    found = compiled({"causeway/shop/v1/shop_service.proto": header + SHOP % NO_ACCESS})
    bare = FileDescriptorSet.FromString(found.binary)
    with pytest.raises(ModelError, match=r"^protos/causeway/shop/v1/shop_service\.proto: cause"):
        read_model(Descriptors(bare, {}))


def test_the_platforms_own_protos_have_lines_and_comments() -> None:
    locations = Locations(load().files.file)
    get = locations.option("causeway.orders.v1.OrderService.GetOrder", 50002)
    text = (generate.PROTOS / "causeway/orders/v1/order_service.proto").read_text().splitlines()
    assert get
    assert text[get.line - 1][get.column - 1 :].startswith("option (causeway.options.v1.access)")
    assert locations.comments()["causeway.orders.v1.OrderService.GetOrder"] == "Gets an order."
