"""What the processes of Orders read from the environment (`CAUSEWAY_*`)."""

from bridge.settings import BridgeSettings


class Settings(BridgeSettings):
    """Where it listens: `listen` host:port. The server kit reads its own settings."""

    listen: str
