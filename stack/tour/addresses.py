"""The tour's addresses, from the platform that runs."""

from stack import addresses
from stack.components.postgres import dsn
from stack.credentials import load_credentials
from stack.environment import kafka_settings
from stack.running import running_settings
from stack.tour.journey import Addresses


def running_addresses() -> Addresses:
    """Where everything is, and the onlooker's credentials. StackError NOT_RUNNING."""
    settings, _ = running_settings()
    credentials = load_credentials(settings.state)
    return Addresses(
        edge=addresses.edge(settings.port),
        issuer=addresses.issuer(settings.port),
        kafka=kafka_settings(settings, credentials, "observer"),
        orders_database=dsn(settings, credentials, "orders", "orders"),
        mailbox=addresses.mailbox(settings.port),
    )
