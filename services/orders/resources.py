"""The API's messages of what Orders keeps."""

from bridge.timestamps import timestamp
from causeway.orders.v1 import order_service_pb2
from services.orders.aggregate import Order
from services.orders.money import to_money
from services.orders.product_table import Product


def order_message(order: Order) -> order_service_pb2.Order:
    """The resource `orders/{id}`; its etag is the version of its stream."""
    return order_service_pb2.Order(
        name=order.name,
        customer=order.customer,
        items=[
            order_service_pb2.Order.Item(
                sku=line.sku,
                quantity=line.quantity,
                unit_price=to_money(line.unit_price, order.currency),
            )
            for line in order.lines
        ],
        total=to_money(order.total, order.currency),
        state=order_service_pb2.Order.State.ValueType(order.state),
        etag=str(order.version),
        create_time=timestamp(order.create_time),
        update_time=timestamp(order.update_time),
        reject_reason=order.reject_reason,
    )


def product_message(product: Product) -> order_service_pb2.Product:
    """The resource `products/{sku}`; its etag is its version."""
    return order_service_pb2.Product(
        name=product.name,
        display_name=product.display_name,
        price=to_money(product.price.nanos, product.price.currency),
        stock=product.stock,
        etag=str(product.version),
        update_time=timestamp(product.update_time),
    )
