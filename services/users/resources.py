"""The API's messages of what Users keeps."""

from bridge.timestamps import timestamp
from causeway.users.v1 import user_service_pb2
from services.users.aggregate import User
from services.users.money import to_money


def user_message(user: User) -> user_service_pb2.User:
    """The resource `users/{id}`; its etag is the version of its stream."""
    states = user_service_pb2.User.State
    return user_service_pb2.User(
        name=f"users/{user.id}",
        username=user.username,
        display_name=user.display_name,
        email=user.email,
        credit_limit=to_money(user.credit_limit),
        credit_reserved=to_money(user.reserved),
        state=states.STATE_ACTIVE if user.active else states.STATE_DEACTIVATED,
        etag=str(user.version),
        create_time=timestamp(user.create_time),
        update_time=timestamp(user.update_time),
    )
