"""The gRPC face of Orders: requests in, resources out; who may see what is decided here."""

from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from contextvars import copy_context
from functools import partial
from typing import Any, cast

import grpc
from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import Message

from bridge.errors import not_found
from bridge.server.canonical import body_hash
from bridge.server.identity import current_call, current_caller, origin_of_call
from bridge.server.paging import PageTokens, page_size
from bridge.server.pipeline import checks_itself
from bridge.server.resume import ResumeTokens
from bridge.server.validation import Unchecked
from bridge.store.repeats import Repeats
from causeway.orders.v1 import order_service_pb2 as pb
from causeway.orders.v1.order_service_pb2_grpc import OrderServiceServicer
from services.orders import aggregate
from services.orders.aggregate import Decision, Order, State
from services.orders.commands import Change, Commands
from services.orders.placing import Asked, Placing, Wanted
from services.orders.price_list import PriceList
from services.orders.product_request import product_change
from services.orders.queries import Queries
from services.orders.resources import order_message, product_message
from services.orders.watch import Watch

OPERATOR, AUDITOR = "operator", "auditor"
Context = grpc.aio.ServicerContext[Any, Any]


class Servicer(OrderServiceServicer):
    """causeway.orders.v1.OrderService."""

    def __init__(
        self,
        placing: Placing,
        commands: Commands,
        queries: Queries,
        price_list: PriceList,
        watch: Watch,
        pages: PageTokens,
        resumes: ResumeTokens,
    ) -> None:
        self._placing = placing
        self._commands = commands
        self._queries = queries
        self._price_list = price_list
        self._watch = watch
        self._pages = pages
        self._resumes = resumes

    @checks_itself
    async def CreateOrder(self, request: pb.CreateOrderRequest, context: Context) -> pb.Order:
        """Place an order for the caller; what only the service sets is ignored (AIP-203)."""
        unchecked = cast(Unchecked, request)  # as the kit gives it
        # The present call is that of the context, whoever places the orders of this moment.
        return await self._placing.place(partial(copy_context().run, _asked, unchecked))

    async def GetOrder(self, request: pb.GetOrderRequest, context: Context) -> pb.Order:
        """The order, to its owner and to operators."""
        order = await self._queries.order(_id(request.name))
        return order_message(_visible(order, request.name))

    async def ListOrders(
        self, request: pb.ListOrdersRequest, context: Context
    ) -> pb.ListOrdersResponse:
        """The caller's orders, or everybody's for an operator; of one customer where asked for."""
        cursor = self._pages.open(request)
        owner = _owner()
        if owner is not None and request.customer not in ("", owner):
            return pb.ListOrdersResponse()
        before = None if cursor is None else str(cursor[0])
        state = State(request.state) if request.state else None
        size = page_size(request)
        orders = await self._queries.orders(
            owner or request.customer or None, state, before, size + 1
        )
        answer = pb.ListOrdersResponse(orders=map(order_message, orders[:size]))
        if len(orders) > size:
            answer.next_page_token = self._pages.seal(request, (orders[size - 1].id,))
        return answer

    async def CancelOrder(self, request: pb.CancelOrderRequest, context: Context) -> pb.Order:
        """Cancel an order that is not shipped."""
        return await self._change(request, aggregate.cancel)

    async def ShipOrder(self, request: pb.ShipOrderRequest, context: Context) -> pb.Order:
        """Mark a confirmed order as shipped."""
        return await self._change(request, aggregate.ship)

    async def DeliverOrder(self, request: pb.DeliverOrderRequest, context: Context) -> pb.Order:
        """Mark a shipped order as delivered."""
        return await self._change(request, aggregate.deliver)

    async def WatchOrder(
        self, request: pb.WatchOrderRequest, context: Context
    ) -> AsyncIterator[pb.WatchOrderResponse]:
        """The order as it is, then after each change; heartbeats between."""
        caller, order_id = current_caller().name, _id(request.name)
        token = self._resumes.open(caller, order_id, request.resume_token)
        seen = None if token is None else int(token)
        found = await self._queries.order(order_id)
        _visible(found, request.name)
        async with aclosing(self._watch.follow(order_id, seen)) as states:
            async for order, changed in states:
                token = self._resumes.seal(caller, order_id, str(order.version))
                if changed:
                    yield pb.WatchOrderResponse(order=order_message(order), resume_token=token)
                else:
                    yield pb.WatchOrderResponse(heartbeat=Empty(), resume_token=token)

    async def ListOrderEvents(
        self, request: pb.ListOrderEventsRequest, context: Context
    ) -> pb.ListOrderEventsResponse:
        """What happened to the order, oldest first; to its owner, operators and auditors."""
        cursor = self._pages.open(request)
        after = 0 if cursor is None else int(cursor[0])
        order_id, size = _id(request.parent), page_size(request)
        _visible(await self._queries.order(order_id), request.parent, OPERATOR, AUDITOR)
        events = await self._queries.events(order_id, after, size + 1)
        answer = pb.ListOrderEventsResponse(events=events[:size])
        if len(events) > size:
            answer.next_page_token = self._pages.seal(request, (events[size - 1].sequence,))
        return answer

    async def ListProducts(
        self, request: pb.ListProductsRequest, context: Context
    ) -> pb.ListProductsResponse:
        """The price list, by sku."""
        cursor = self._pages.open(request)
        after = None if cursor is None else str(cursor[0])
        size = page_size(request)
        products = await self._queries.products(after, size + 1)
        answer = pb.ListProductsResponse(products=map(product_message, products[:size]))
        if len(products) > size:
            answer.next_page_token = self._pages.seal(request, (products[size - 1].sku,))
        return answer

    async def UpdateProduct(self, request: pb.UpdateProductRequest, context: Context) -> pb.Product:
        """Change a product, or make it."""
        product = await self._price_list.update(product_change(request), _repeats(request))
        return product_message(product)

    async def _change(
        self,
        request: pb.CancelOrderRequest | pb.ShipOrderRequest | pb.DeliverOrderRequest,
        decide: Callable[[Order], Decision],
    ) -> pb.Order:
        change = Change(_id(request.name), _owner(), request.etag, decide)
        origin = origin_of_call(request.request_id)
        return order_message(await self._commands.change(change, _repeats(request), origin))


def _asked(unchecked: Unchecked) -> Asked:
    request: pb.CreateOrderRequest = unchecked.check()
    wanted = [Wanted(item.sku, item.quantity) for item in request.order.items]
    origin = origin_of_call(request.request_id)
    return Asked(current_caller().name, wanted, _repeats(request), origin)


def _id(name: str) -> str:
    return name.removeprefix("orders/")


def _owner(*roles: str) -> str | None:
    """Whose orders the caller may see: its own, or, None, everybody's for one with the roles."""
    caller = current_caller()
    return None if caller.has(*(roles or (OPERATOR,))) else caller.name


def _visible(order: Order | None, name: str, *roles: str) -> Order:
    """The order, unless it is missing or a stranger's: then the same words for both."""
    if order is None or _owner(*roles) not in (None, order.customer):
        raise not_found(name)
    return order


def _repeats(request: Message) -> Repeats:
    call = current_call()
    request_id: str = getattr(request, "request_id", "")
    return Repeats(call.caller.subject, call.method.path, request_id, body_hash(request))
