"""What must hold after everything has settled, whichever process died where."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from causeway.orders.v1 import events_pb2 as orders_events
from causeway.users.v1 import events_pb2 as users_events
from services.users.money import to_nanos
from tests.crashpoints.customer import Customer, State
from tests.crashpoints.evidence import EMAIL, WEBHOOK, Evidence


def violations(found: Evidence, customers: Sequence[Customer]) -> list[str]:
    """Each promise that is not kept, in words; empty if all are."""
    return [
        *_nothing_waits(found),
        *_orders_end(found, customers),
        *_credit_adds_up(found, customers),
        *_users_left(found, customers),
        *_nobody_is_left_over(found, customers),
        *_streams_are_whole(found),
        *_told_once(found),
        *_mails_are_one(found, customers),
        *_posts_are_one(found, customers),
        *_limits_are_set(found, customers),
        *_products_change_once(found, customers),
        *_stock_is_counted(found, customers),
        *_read_marks_stay(found, customers),
        *_replays_end(found, customers),
    ]


def _nothing_waits(found: Evidence) -> Iterator[str]:
    for where, count in found.rest.items():
        if count:
            yield f"{count} wait in {where}"


def _orders_end(found: Evidence, customers: Sequence[Customer]) -> Iterator[str]:
    """Each order ends as its customer's script says, and there is none that nobody placed."""
    placed = Counter(
        one.message.customer
        for one in found.events["orders"]
        if isinstance(one.message, orders_events.OrderCreated)
    )
    for customer in customers:
        name = f"users/{customer.id}"
        if placed[name] != len(customer.orders):
            yield f"{name} placed {len(customer.orders)} orders, there are {placed[name]}"
        for order in customer.orders:
            state = found.states.get(order.name)
            if state != order.end:
                told = "missing" if state is None else State.Name(state)  # type: ignore[arg-type]
                yield f"{order.name} is {told}, not {State.Name(order.end)}"  # type: ignore[arg-type]


def _credit_adds_up(found: Evidence, customers: Sequence[Customer]) -> Iterator[str]:
    for customer in customers:
        account = found.accounts.get(customer.id)
        if account is None:
            yield f"users/{customer.id} was registered and is not there"
            continue
        open_orders = sum(order.total for order in customer.orders if order.holds)
        course = found.credit(customer.id)
        if not account.reserved == open_orders == course[-1]:
            yield (
                f"users/{customer.id} has {account.reserved} reserved, its events say "
                f"{course[-1]}, its open orders {open_orders}"
            )
        if max(course) > account.limit or min(course) < 0:
            yield f"users/{customer.id} left 0..{account.limit}: {course}"


def _users_left(found: Evidence, customers: Sequence[Customer]) -> Iterator[str]:
    """Each has moved and was let go, in both systems."""
    for customer in customers:
        account = found.accounts.get(customer.id)
        if account is None:
            continue  # told already
        here = account.active, account.email
        if here != (False, customer.last_address) or account.identity != here:
            yield f"users/{customer.id} is {here} here and {account.identity} in Keycloak"


def _nobody_is_left_over(found: Evidence, customers: Sequence[Customer]) -> Iterator[str]:
    """Whoever gave up is in neither system: everybody there is a customer."""
    registered = {
        one.message.username
        for one in found.events["users"]
        if isinstance(one.message, users_events.UserRegistered)
    }
    expected = {customer.username for customer in customers}
    for where, names in (("Users", registered), ("Keycloak", found.names)):
        for name in sorted(names - expected):
            yield f"{name} is in {where} and is no customer"


def _streams_are_whole(found: Evidence) -> Iterator[str]:
    """Versions are 1..n, in the store and, in that order, on Kafka."""
    for events in found.events.values():
        streams: defaultdict[str, list[int]] = defaultdict(list)
        for event in events:
            streams[event.stream].append(event.version)
        for stream, versions in streams.items():
            if versions != list(range(1, len(versions) + 1)):
                yield f"{stream} has the versions {versions}"
            if found.records.get(stream) != versions:
                yield f"{stream} has {versions} in the store, {found.records.get(stream)} on Kafka"


def _told_once(found: Evidence) -> Iterator[str]:
    """Of each event its customer is told once on each channel, as the events say."""
    mailed = {(user, cause, EMAIL) for cause, user in found.told().items()}
    posted = {(user, cause, WEBHOOK) for cause, user in found.told(welcome=False).items()}
    either = {(user, cause, WEBHOOK) for cause, user in found.told().items()}
    sent = found.sent()
    for told in (mailed | posted) - sent.keys():
        yield f"nothing says that {told} was sent"
    for told, times in sent.items():
        if times > 1:
            yield f"{told} is said to be sent {times} times"
        if told not in mailed | either:
            yield f"{told} was sent for no event"


def _mails_are_one(found: Evidence, customers: Sequence[Customer]) -> Iterator[str]:
    """A mail comes once or more, always with the id of its event, and to its customer."""
    owners = {
        address: f"users/{one.id}"
        for one in customers
        for address in (one.first_address, one.last_address)
    }
    came = {(message_id.partition("@")[0], owners.get(to, to)) for message_id, to in found.mails}
    expected = set(found.told().items())
    for cause, user in expected - came:
        yield f"the mail of event {cause} to {user} never came"
    for name, user in came - expected:
        yield f"a mail to {user} has the Message-ID {name}, which is no event of theirs"


def _posts_are_one(found: Evidence, customers: Sequence[Customer]) -> Iterator[str]:
    """A post comes once or more, always with the id of its event, and to its customer."""
    ids = {one.username: f"users/{one.id}" for one in customers}
    came = {(cause, ids.get(username, username)) for cause, username in found.posts}
    for cause, user in set(found.told(welcome=False).items()) - came:
        yield f"the post of event {cause} to {user} never came"
    for name, user in came - set(found.told().items()):
        yield f"a post to {user} has the id {name}, which is no event of theirs"


def _limits_are_set(found: Evidence, customers: Sequence[Customer]) -> Iterator[str]:
    """Each limit was set once, in order, and the last one stands."""
    limits: defaultdict[str, list[int]] = defaultdict(list)
    for one in found.events["users"]:
        if isinstance(one.message, users_events.CreditLimitSet):
            limits[one.stream].append(to_nanos(one.message.credit_limit))
    for customer in customers:
        name, account = f"users/{customer.id}", found.accounts.get(customer.id)
        if limits[name] != customer.limits:
            yield f"{name} was given the limits {customer.limits}, its events say {limits[name]}"
        if account is not None and [account.limit] != customer.limits[-1:]:
            yield f"{name} was given the limits {customer.limits}, and has {account.limit}"


def _products_change_once(found: Evidence, customers: Sequence[Customer]) -> Iterator[str]:
    """A version counts each change, and the last price stands."""
    for customer in customers:
        product = found.products.get(customer.sku)
        if product is None:
            yield f"products/{customer.sku} was made and is not there"
        elif product.version != len(customer.prices) or [product.price] != customer.prices[-1:]:
            yield (
                f"products/{customer.sku} had the prices {customer.prices}, and has "
                f"{product.price} at version {product.version}"
            )


def _stock_is_counted(found: Evidence, customers: Sequence[Customer]) -> Iterator[str]:
    """What was published is stored once and in order, and was counted once, and nothing else."""
    streams: defaultdict[str, list[str]] = defaultdict(list)
    for one in found.events["bridge"]:
        streams[one.stream].append(one.id)
    for customer in customers:
        stream = f"inventory/{customer.sku}"
        published = [event_id for event_id, _ in customer.published]
        if (stored := streams.pop(stream, [])) != published:
            yield f"{stream} was told {published}, and has {stored}"
        pieces = sum(delta for _, delta in customer.published)
        product = found.products.get(customer.sku)
        if product is not None and product.pieces != pieces:
            yield f"products/{customer.sku} has {product.pieces} in stock, not {pieces}"
        for event_id in set(published) - set(found.adjusted):
            yield f"event {event_id} about {stream} was never counted"
    for stream in streams:
        yield f"{stream} was told by nobody"


def _read_marks_stay(found: Evidence, customers: Sequence[Customer]) -> Iterator[str]:
    """What was marked read is read since the first time, as every answer said; no other is."""
    marked = {told for customer in customers for told in customer.read}
    for name, time in marked:
        if found.read.get(name) != time:
            yield f"{name} was read at {time}, is read since {found.read.get(name)}"
    for name in found.read.keys() - {name for name, _ in marked}:
        yield f"{name} is read, and nobody read it"


def _replays_end(found: Evidence, customers: Sequence[Customer]) -> Iterator[str]:
    """Each was begun once, by somebody who was told so, and came to an end."""
    asked = {name for customer in customers for name in customer.replays}
    for name in asked ^ found.replays.keys():
        yield f"{name} " + ("is not there" if name in asked else "was asked for by nobody")
    for name, (state, done) in found.replays.items():
        if state not in ("succeeded", "cancelled"):
            yield f"{name} is {state}"
        if state == "succeeded" and not done:
            yield f"{name} has met no event"
