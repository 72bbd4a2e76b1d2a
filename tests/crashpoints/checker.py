"""What must hold after everything has settled, whichever process died where."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from causeway.orders.v1 import events_pb2 as orders_events
from tests.crashpoints.customers import Customer, State
from tests.crashpoints.evidence import EMAIL, WEBHOOK, Evidence


def violations(found: Evidence, customers: Sequence[Customer]) -> list[str]:
    """Each promise that is not kept, in words; empty if all are."""
    return [
        *_nothing_waits(found),
        *_orders_end(found, customers),
        *_credit_adds_up(found, customers),
        *_users_left(found, customers),
        *_streams_are_whole(found),
        *_told_once(found),
        *_mails_are_one(found, customers),
        *_posts_are_one(found, customers),
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
