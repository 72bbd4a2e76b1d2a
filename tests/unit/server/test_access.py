"""Who may call what: the `access` option of every method, and nothing beyond it."""

from typing import Any

import grpc
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool

from bridge.server.methods import DENIED, Access, access_of, methods_of
from causeway.bridge.v1 import event_service_pb2, operations_service_pb2
from causeway.notifications.v1 import notification_service_pb2
from causeway.options.v1 import options_pb2
from causeway.orders.v1 import order_service_pb2 as orders
from causeway.users.v1 import user_service_pb2 as users
from tests.unit.server.conftest import Client, Issuer, Orders

ROLES = ("customer", "operator", "auditor", "publisher", "admin")
SERVICES = [
    service.full_name
    for module in (
        orders,
        users,
        notification_service_pb2,
        event_service_pb2,
        operations_service_pb2,
    )
    for service in module.DESCRIPTOR.services_by_name.values()
]
DENIED_CODE = grpc.StatusCode.PERMISSION_DENIED


def registered(name: str) -> bool:
    return name.startswith(("causeway.orders.", "causeway.users."))


CELLS = [
    (method, role)
    for service in SERVICES
    if registered(service)
    for method in methods_of(service).values()
    for role in (*ROLES, "none-of-ours")
]


@pytest.mark.parametrize("service", SERVICES)
def test_every_method_of_the_surface_has_a_rule(service: str) -> None:
    for method in methods_of(service).values():
        assert method.access != DENIED, method.path


async def test_each_role_gets_exactly_what_the_descriptors_say(
    client: Client, issuer: Issuer, servicer: Orders
) -> None:
    servicer.release.set()
    # An empty request passes access and then fails its rules (or finds nothing), so the code
    # tells which of the two doors was shut.
    for method, role in CELLS:
        refusal = None
        try:
            await client.call(method.path, b"", issuer.token(role))
        except grpc.aio.AioRpcError as error:
            refusal = error.code()
        rule = method.access
        let_in = rule.public or role in rule.roles or rule.owner
        assert (refusal is not DENIED_CODE) == bool(let_in), (method.path, role, refusal)


async def test_a_refused_role_is_told_which_one_would_do(client: Client, issuer: Issuer) -> None:
    path = "/causeway.orders.v1.OrderService/ShipOrder"
    refusal = await client.refused(path, b"", issuer.token("customer"))
    assert refusal.reason == "ROLE_MISSING"
    assert "operator" in refusal.message


@pytest.mark.parametrize(
    "path",
    [
        "/causeway.orders.v1.OrderService/DropTables",
        "/causeway.orders.v2.OrderService/GetOrder",
        "/causeway.orders.v1.OrderService/getOrder",
        "/causeway.orders.v1.OrderService/GetOrder/",
        "/causeway.orders.v1.OrderService/GetOrder;x",
        "//causeway.orders.v1.OrderService/GetOrder",
        "/grpc.channelz.v1.Channelz/GetServers",
        "/",
    ],
)
async def test_a_method_that_does_not_exist_is_denied(
    client: Client, issuer: Issuer, path: str
) -> None:
    assert (await client.refused(path, b"", issuer.token(*ROLES))).code is DENIED_CODE
    assert (await client.refused(path, b"")).code is grpc.StatusCode.UNAUTHENTICATED


def made_up(**options: Any) -> descriptor_pool.DescriptorPool:
    file = descriptor_pb2.FileDescriptorProto(name="t.proto", package="t", syntax="proto3")
    message = file.message_type.add(name="M")
    message.field.add(name="name", number=1, type="TYPE_STRING", label="LABEL_OPTIONAL")
    method = file.service.add(name="S").method.add(name="Do", input_type=".t.M", output_type=".t.M")
    if options:
        method.options.Extensions[options_pb2.access].CopyFrom(options_pb2.Access(**options))
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return pool


def test_a_method_without_a_rule_is_denied_to_everybody() -> None:
    assert methods_of("t.S", made_up())["Do"].access == DENIED == Access()


def test_an_owner_rule_without_its_field_is_refused_when_the_server_is_built() -> None:
    with pytest.raises(ValueError, match="owner_field"):
        methods_of("t.S", made_up(owner=options_pb2.Access.OWNER_SELF))


def test_limits_come_from_the_descriptors() -> None:
    register = methods_of("causeway.users.v1.UserService")["RegisterUser"]
    assert register.max_request_bytes == 4096
    assert register.access.public
    assert methods_of("causeway.orders.v1.OrderService")["WatchOrder"].timeout is None
    assert access_of(orders.DESCRIPTOR.services_by_name["OrderService"].methods_by_name["GetOrder"])


USERS = "/causeway.users.v1.UserService"


@pytest.mark.parametrize("name", ["users/me", "users/11111111-aaaa"])
async def test_a_user_sees_itself(client: Client, issuer: Issuer, name: str) -> None:
    request = users.GetUserRequest(name=name)
    await client.call(f"{USERS}/GetUser", request, issuer.token("customer"))


@pytest.mark.parametrize("name", ["users/22222222-bbbb", "users/11111111", "users/11111111-aaaab"])
async def test_somebody_else_is_not_found_but_an_operator_sees_them(
    client: Client, issuer: Issuer, name: str
) -> None:
    request = users.GetUserRequest(name=name)
    refusal = await client.refused(f"{USERS}/GetUser", request, issuer.token("customer"))
    assert refusal.code is grpc.StatusCode.NOT_FOUND
    assert refusal.message == f"{name} was not found"
    await client.call(f"{USERS}/GetUser", request, issuer.token("operator"))


async def test_the_owner_of_a_nested_field_is_checked(client: Client, issuer: Issuer) -> None:
    own = users.UpdateUserRequest(user=users.User(name="users/11111111-aaaa"))
    other = users.UpdateUserRequest(user=users.User(name="users/22222222-bbbb"))
    token = issuer.token("customer")
    await client.call(f"{USERS}/UpdateUser", own, token)
    refusal = await client.refused(f"{USERS}/UpdateUser", other, token)
    assert refusal.code is grpc.StatusCode.NOT_FOUND
    nobody = users.UpdateUserRequest(user=users.User())
    refusal = await client.refused(f"{USERS}/UpdateUser", nobody, token)
    assert refusal.code is grpc.StatusCode.NOT_FOUND


async def test_health_is_open_and_reflection_asks_for_any_token(
    client: Client, issuer: Issuer
) -> None:
    await client.call("/grpc.health.v1.Health/Check", b"")
    for version in ("v1", "v1alpha"):
        path = f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo"
        call = client.channel.stream_stream(path)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            async for _ in call(iter([b":\x00"])):
                pass
        assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
        token = issuer.token("none-of-ours")
        answers = [one async for one in call(iter([b":\x00"]), metadata=client.metadata(token))]
        assert b"causeway.orders.v1.OrderService" in answers[0]


async def test_a_method_that_nobody_has_written_is_unimplemented_after_access(
    client: Client, issuer: Issuer
) -> None:
    path = "/causeway.orders.v1.OrderService/CancelOrder"
    assert (await client.refused(path, b"")).code is grpc.StatusCode.UNAUTHENTICATED
    refusal = await client.refused(path, orders.CancelOrderRequest(name="orders/1"), issuer.token())
    assert refusal.code is grpc.StatusCode.UNIMPLEMENTED
