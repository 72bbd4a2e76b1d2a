"""A mistake in a proto is told with file, element and option; test_error_places has the lines."""

import pytest

from gateway.descriptors import load
from gateway.errors import ModelError
from gateway.model import Idempotency, Owner, Streaming
from gateway.reading import read_model
from tests.gateway.protos import HEADER, compiled, model_of

ROLE = 'option (causeway.options.v1.role) = { name: "clerk" };'
MESSAGES = (
    "message Item { string name = 1; repeated string tags = 2; Item inner = 3; double d = 4; }"
)


def method(name: str, options: str, streams: tuple[str, str] = ("", "")) -> str:
    request, response = streams
    return f"rpc {name}({request} Item) returns ({response} Item) {{ {options} }}"


def access(text: str) -> str:
    return f"option (causeway.options.v1.access) = {{ {text} }};"


def http(text: str) -> str:
    return f"option (google.api.http) = {{ {text} }};"


def service(*methods: str, head: str = ROLE) -> str:
    return f"{head} {MESSAGES} service Shop {{ {' '.join(methods)} }}"


CLERK = access('roles: "clerk"')

METHODS = {
    "a method without access": ("", "access", "is missing"),
    "an undeclared role": (access('roles: "boss"'), "access", "role 'boss' is not declared"),
    "a slip in a role": (access('roles: "clark"'), "access", "did you mean 'clerk'?"),
    "a role far from all": (access('roles: "boss"'), "access", "declared are clerk"),
    "nobody may call": (access(""), "access", "nobody could call it"),
    "public without a rate limit": (access("public: true"), "access", "without a rate_limit"),
    "public with roles": (
        access('public: true roles: "clerk" rate_limit { requests: 1 interval { seconds: 1 } }'),
        "access",
        "only be one of the two",
    ),
    "a rate limit of nothing": (
        access("public: true rate_limit { interval { seconds: 1 } }"),
        "access",
        "at least 1 request",
    ),
    "an owner field that is not there": (
        access('owner: OWNER_FIELD owner_field: "nam"'),
        "access",
        "owner_field 'nam' is no string field of causeway.shop.v1.Item",
    ),
    "a repeated owner field": (
        access('owner: OWNER_SELF owner_field: "tags"'),
        "access",
        "owner_field 'tags' is no string field",
    ),
    "a path that binds what is not there": (
        CLERK + http('get: "/v1/{nam=items/*}"'),
        "http",
        "binds 'nam', no scalar field",
    ),
    "a path that binds a message": (
        CLERK + http('get: "/v1/{inner=items/*}"'),
        "http",
        "binds 'inner', no scalar field",
    ),
    "a body that is in the path too": (
        CLERK + http('post: "/v1/{name=items/*}" body: "name"'),
        "http",
        "binds 'name', which is the body too",
    ),
    "a body that is not there": (
        CLERK + http('post: "/v1/items" body: "thing"'),
        "http",
        "body 'thing' is no field",
    ),
    "a path that takes all": (
        CLERK + http('get: "/v1/{name=**}"'),
        "http",
        "takes every collection's paths: name one",
    ),
    "a path that takes every collection's": (
        CLERK + http('get: "/v1/{name=*/*}"'),
        "http",
        "takes every collection's paths: name one",
    ),
    "a path that takes every path of one segment": (
        CLERK + http('get: "/{name=*}"'),
        "http",
        "takes every collection's paths: name one",
    ),
    "a path of a document": (
        CLERK + http('post: "/openapi.json"'),
        "http",
        "takes /openapi.json, which belongs to the edge itself",
    ),
    "a path of a probe": (
        CLERK + http('get: "/healthz"'),
        "http",
        "takes /healthz, which belongs to the edge itself",
    ),
    "a path of reflection": (
        CLERK + http('post: "/grpc.reflection.v1.ServerReflection/{name}"'),
        "http",
        "takes /grpc.reflection.v1.ServerReflection/ServerReflectionInfo, which belongs to",
    ),
    "a path of a gRPC method": (
        CLERK + http('post: "/causeway.shop.v1.Shop/Get" body: "*"'),
        "http",
        "belongs to gRPC calls of causeway.shop.v1.Shop.Get",
    ),
    "a path that takes those of gRPC methods": (
        CLERK + http('post: "/causeway.shop.v1.Shop/{name}"'),
        "http",
        "takes /causeway.shop.v1.Shop/Get, which belongs to gRPC calls",
    ),
    "a timeout of nothing": (
        access('roles: "clerk" timeout { seconds: 0 }'),
        "access",
        "longer than nothing",
    ),
    "a timeout that is over before it begins": (
        access('roles: "clerk" timeout { seconds: -1 }'),
        "access",
        "longer than nothing",
    ),
}


@pytest.mark.parametrize("case", METHODS)
def test_a_mistake_in_a_method(case: str) -> None:
    options, option, text = METHODS[case]
    with pytest.raises(ModelError) as caught:
        model_of(service(method("Get", options)))
    (problem,) = caught.value.problems
    assert problem.file == "causeway/shop/v1/shop_service.proto"
    assert problem.element == "causeway.shop.v1.Shop.Get"
    assert problem.option.endswith(option)
    assert text in problem.text


CLIENT, SERVER, BOTH = ("stream", ""), ("", "stream"), ("stream", "stream")


def test_a_stream_over_rest_whose_answer_has_no_place_for_its_end() -> None:
    watch = method("Watch", f'{CLERK} {http("""get: "/v1/items" """)}', SERVER)
    with pytest.raises(ModelError, match=r"give causeway\.shop\.v1\.Item a field `google"):
        model_of(service(watch))
    assert list(model_of(service(method("Watch", CLERK, SERVER))).methods())


@pytest.mark.parametrize("streams", [CLIENT, SERVER, BOTH])
def test_a_stream_that_would_outlive_its_token(streams: tuple[str, str]) -> None:
    longer = access('roles: "clerk" timeout { seconds: 301 }')
    with pytest.raises(ModelError, match="a stream ends with its token: timeout is at most 300 s"):
        model_of(service(method("Watch", longer, streams)))
    as_long = access('roles: "clerk" timeout { seconds: 300 }')
    assert list(model_of(service(method("Watch", as_long, streams))).methods())


def test_one_answer_may_take_longer_than_a_token_lives() -> None:
    longer = access('roles: "clerk" timeout { seconds: 301 }')
    assert list(model_of(service(method("Get", longer))).methods())


@pytest.mark.parametrize("owner", ["OWNER_SELF", "OWNER_FIELD"])
@pytest.mark.parametrize("streams", [CLIENT, BOTH])
def test_many_requests_have_no_one_owner(owner: str, streams: tuple[str, str]) -> None:
    named = access(f'owner: {owner} owner_field: "name"')
    with pytest.raises(ModelError, match="need one request, not a stream of them") as caught:
        model_of(service(method("Send", named, streams)))
    assert len(caught.value.problems) == 1
    assert list(model_of(service(method("Watch", named, SERVER))).methods())


def test_two_methods_on_one_rest_path() -> None:
    one = method("Get", CLERK + http('get: "/v1/{name=items/*}"'))
    two = method("Find", CLERK + http('get: "/v1/items/{name}"'))
    with pytest.raises(ModelError, match=r"Shop\.Find: .*is the path of .*Shop\.Get too"):
        model_of(service(one, two))


@pytest.mark.parametrize("path", ["/v1/items", "/v1/{name=items/*}", "/v1/items/a/b:go"])
def test_a_path_that_takes_all_below_swallows_those_of_others(path: str) -> None:
    one = method("Read", CLERK + http('get: "/v1/{name=items/**}"'))
    two = method("Find", CLERK + http(f'get: "{path}"'))
    with pytest.raises(ModelError, match=r"Shop\.Read: .* takes /v1/.* of .*Shop\.Find too"):
        model_of(service(one, two))


@pytest.mark.parametrize("other", ['post: "/v1/items/a"', 'get: "/v1/itemsets"'])
def test_a_path_may_take_all_below_a_collection_of_its_own(other: str) -> None:
    one = method("Read", CLERK + http('get: "/v1/{name=items/**}"'))
    two = method("Find", CLERK + http(other))
    assert len(list(model_of(service(one, two)).methods())) == 2


def test_one_path_with_two_verbs_is_fine() -> None:
    one = method("Get", CLERK + http('get: "/v1/items"'))
    two = method("Put", CLERK + http('post: "/v1/items" body: "*"'))
    assert len(list(model_of(service(one, two)).methods())) == 2


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(ModelError) as caught:
        model_of(service(method("A", ""), method("B", access('roles: "boss"'))))
    assert len(caught.value.problems) == 2


@pytest.mark.parametrize(
    ("head", "text"),
    [
        (ROLE + ROLE, "role 'clerk' is declared in"),
        ('option (causeway.options.v1.role) = { name: "a" includes: "b" };', "includes 'b'"),
        (
            'option (causeway.options.v1.role) = { name: "clerk" includes: "b" };'
            'option (causeway.options.v1.role) = { name: "b" includes: "clerk" };',
            "includes itself",
        ),
    ],
)
def test_a_mistake_in_a_role(head: str, text: str) -> None:
    with pytest.raises(ModelError, match=text):
        model_of(service(head=head))


def event(name: str, options: str) -> str:
    fields = "string id = 1; repeated string ids = 2; double weight = 3; Inner inner = 4;"
    inner = "message Inner { string id = 1; }"
    return f"message {name} {{ {options} {inner} {fields} }}"


def mark(
    topic: str = "causeway.shop.v1", key: str = "id", stream: str = "items", more: str = ""
) -> str:
    fields = f'topic: "{topic}" key: "{key}" stream: "{stream}" {more}'
    return f"option (causeway.options.v1.event) = {{ {fields} }};"


EVENTS = {
    "no option": (event("Sold", ""), "every top-level message of an events.proto is an event"),
    "no topic": (event("Sold", mark(topic="")), "topic is missing"),
    "a key that is not there": (event("Sold", mark(key="nr")), "key 'nr' is no scalar field"),
    "a repeated key": (event("Sold", mark(key="ids")), "key 'ids' is no scalar field"),
    "a key of floating point": (event("Sold", mark(key="weight")), "is no scalar field"),
    "a message as key": (event("Sold", mark(key="inner")), "is no scalar field"),
    "an undeclared role": (
        event("Sold", mark(more='publish_roles: "boss"')),
        "role 'boss' is not declared",
    ),
    "two topics of one stream": (
        event("Sold", mark()) + event("Lost", mark(topic="causeway.other.v1")),
        "stream 'items' has two topics",
    ),
}


@pytest.mark.parametrize("case", EVENTS)
def test_a_mistake_in_an_event(case: str) -> None:
    body, text = EVENTS[case]
    with pytest.raises(ModelError) as caught:
        model_of(service(), events=body)
    (problem,) = caught.value.problems
    assert problem.file == "causeway/shop/v1/events.proto"
    assert problem.option == "causeway.options.v1.event"
    assert text in problem.text


def test_a_key_may_be_nested() -> None:
    (found,) = model_of(service(), events=event("Sold", mark(key="inner.id"))).events
    assert (found.key, found.owner) == ("inner.id", "shop")


def test_a_topic_with_two_writers() -> None:
    sources = {}
    for area in ("shop", "depot"):
        header = HEADER.format(package=f"causeway.{area}.v1")
        sources[f"causeway/{area}/v1/{area}_service.proto"] = header + "service S {}"
        topic = mark(topic="causeway.shop.v1", stream=area)
        sources[f"causeway/{area}/v1/events.proto"] = header + event("Sold", topic)
    with pytest.raises(ModelError, match=r"topic 'causeway\.shop\.v1' has two writers"):
        read_model(compiled(sources))


def test_a_stream_with_two_topics_blames_the_event_that_left_its_packages_topic() -> None:
    body = event("Lost", mark(topic="causeway.other.v1")) + event("Sold", mark())
    with pytest.raises(ModelError) as caught:
        model_of(service(), events=body)
    assert [problem.element for problem in caught.value.problems] == ["causeway.shop.v1.Lost"]


def test_the_platforms_own_protos_make_a_model() -> None:
    model = read_model(load())
    methods = {method.path: method for method in model.methods()}
    assert len(methods) == 35
    public = [path for path, method in methods.items() if method.access.public]
    assert public == ["/causeway.users.v1.UserService/RegisterUser"]
    watch = methods["/causeway.orders.v1.OrderService/WatchOrder"]
    assert (watch.streaming, watch.idempotency) == (Streaming.SERVER, Idempotency.NO_SIDE_EFFECTS)
    assert (watch.access.owner, watch.access.roles) == (Owner.HANDLER, ("operator",))
    owners = {event.topic: event.owner for event in model.events}
    assert owners["causeway.inventory.v1"] == "bridge"
