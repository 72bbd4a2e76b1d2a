"""The API against its last release: each change that breaks a caller, and its exception."""

import json
from pathlib import Path

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from bridge.schemas.api import EXCEPTIONS, ReleasedApi, api_problems
from bridge.schemas.bindings import ADVICE
from tests.event_protos import protos

FILE = "causeway/shop/v1/shop_service.proto"
EVENTS = "causeway/shop/v1/events.proto"
SHOP = """syntax = "proto3";
package causeway.shop.v1;
import "google/api/annotations.proto";
service ShopService {
  rpc GetCart(GetCartRequest) returns (Cart);
  rpc PutCart(Cart) returns (Cart) {
    option (google.api.http) = {
      put: "/v1/{name=carts/*}"
      body: "*"
      additional_bindings {custom {kind: "KEEP" path: "/v1/carts"} response_body: "note"}
    };
  }
  rpc ListCarts(ListCartsRequest) returns (stream Cart);
}
message GetCartRequest { string name = 1; bool whole = 2; }
message ListCartsRequest { int32 page_size = 1; }
message Cart { string name = 1; string note = 2; }
"""
EVENT = 'syntax = "proto3"; package causeway.shop.v1; message CartOpened { string cart_id = 1; }'


def files(old: str = "", new: str = "", event: str = EVENT) -> FileDescriptorSet:
    """SHOP with a change, and the file of an event beside it."""
    assert old in SHOP
    return protos({FILE: SHOP.replace(old, new), EVENTS: event}).files


@pytest.fixture
def api(tmp_path: Path) -> ReleasedApi:
    """A folder with SHOP as what was released."""
    released = ReleasedApi(tmp_path)
    assert released.renew(files()) is not None
    return released


def told(api: ReleasedApi, today: FileDescriptorSet) -> list[str]:
    return [str(problem) for problem in api_problems(api, today, "causeway/")]


BREAKING = {
    "a field is removed": (" bool whole = 2;", "", 'field "2" with name "whole" on message "GetC'),
    "a field is removed and reserved": (" bool whole = 2;", " reserved 2;", '"whole" on message'),
    "a field is renumbered": ("bool whole = 2", "bool whole = 3", 'field "2" with name "whole"'),
    "a field is renamed": ("string note", "string remark", 'from "note" to "remark"'),
    "a field is retyped": ("string note", "bytes note", 'Field "2" with name "note" on message "C'),
    "a method is removed": (
        "rpc GetCart(GetCartRequest) returns (Cart);",
        "",
        'RPC "GetCart" on service "ShopService" was deleted',
    ),
    "a method answers with a stream": ("(Cart);", "(stream Cart);", '"GetCart" on service "ShopSe'),
    "a method takes another request": (
        "GetCart(GetCartRequest)",
        "GetCart(ListCartsRequest)",
        'RPC "GetCart" on service "ShopService" changed request type',
    ),
}


@pytest.mark.parametrize(("old", "new", "named"), BREAKING.values(), ids=BREAKING)
def test_what_breaks_a_caller_is_named_and_what_to_do(
    api: ReleasedApi, old: str, new: str, named: str
) -> None:
    found = told(api, files(old, new))
    assert [one for one in found if one.startswith(FILE) and named in one]
    assert all("put it back, and add what is new beside it" in one for one in found)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("string note = 2;", "string note = 2 [deprecated = true]; string remark = 3;"),
        ("service ShopService {", "service ShopService { rpc Find(Cart) returns (Cart);"),
        ('put: "', 'additional_bindings {post: "/v1/carts"} put: "'),
        ("message Cart {", "message Basket { string name = 1; }\nmessage Cart {"),
    ],
)
def test_what_is_added_breaks_nobody(api: ReleasedApi, old: str, new: str) -> None:
    assert told(api, files(old, new)) == []


PUT = "causeway.shop.v1.ShopService.PutCart"
WAYS = {
    "another verb": ("put:", "patch:", "PUT /v1/{name=carts/*}, body *"),
    "another path": ("/v1/{name=carts/*}", "/v2/{name=carts/*}", "PUT /v1/{name=carts/*}, body *"),
    "another body": ('body: "*"', "", "PUT /v1/{name=carts/*}, body *"),
    "no second way": (
        'additional_bindings {custom {kind: "KEEP" path: "/v1/carts"} response_body: "note"}',
        "",
        "KEEP /v1/carts, answer note",
    ),
}


@pytest.mark.parametrize(("old", "new", "gone"), WAYS.values(), ids=WAYS)
def test_a_way_over_rest_that_is_gone_is_named(
    api: ReleasedApi, old: str, new: str, gone: str
) -> None:
    (found,) = told(api, files(old, new))
    assert found == f"{PUT} is not at {gone} any more: {ADVICE}"


def test_a_file_of_events_is_left_to_the_gate_of_events(api: ReleasedApi) -> None:
    today = files(event=EVENT.replace("cart_id", "basket_id"))
    assert told(api, today)
    assert list(api_problems(api, today, "causeway/", {EVENTS})) == []


def test_files_of_others_are_not_judged(api: ReleasedApi) -> None:
    today = files(" bool whole = 2;", "")
    assert list(api_problems(api, today, "elsewhere/")) == []


def excuse(folder: Path, **entry: str) -> None:
    (folder / EXCEPTIONS).write_text(json.dumps([entry]))


def test_an_exception_excuses_the_one_change_that_it_names(
    api: ReleasedApi, tmp_path: Path
) -> None:
    today = files("bool whole = 2", "int32 whole = 2")
    (problem,) = api_problems(api, today, "causeway/")
    excuse(tmp_path, element=problem.element, text=problem.text, reason="nobody has it")
    assert told(api, today) == []
    (unused,) = told(api, files())
    assert unused.startswith(f"{EXCEPTIONS} excuses what is not so: {FILE} ")


def test_a_list_of_exceptions_that_can_not_be_read_says_what_it_must_hold(
    api: ReleasedApi, tmp_path: Path
) -> None:
    excuse(tmp_path, element=FILE, text="without its reason")
    (found,) = told(api, files())
    assert found.startswith(f"{EXCEPTIONS} is no list of element, text and reason: ")


def test_a_new_release_takes_the_place_of_the_last_and_excuses_nothing(
    api: ReleasedApi, tmp_path: Path
) -> None:
    excuse(tmp_path, element=FILE, text="something", reason="before the release")
    today = files("string note = 2;", "string note = 2; string remark = 3;")
    assert api.renew(today) is not None
    assert api.excused() == ()
    assert api.renew(today) is None
    (found,) = told(api, files())
    assert '"remark" on message "Cart" was deleted' in found


def test_without_a_release_the_api_is_not_taken_for_a_yes(tmp_path: Path) -> None:
    (found,) = told(ReleasedApi(tmp_path), files())
    assert found == "api.binpb.gz is not there: no API was released: causeway schemas release"
