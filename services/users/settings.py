"""What the processes of Users read from the environment (`CAUSEWAY_*`)."""

from decimal import Decimal

from pydantic import Field, SecretStr

from bridge.settings import BridgeSettings
from services.users.money import NANOS


class Settings(BridgeSettings):
    """Where it listens, and Keycloak. The server kit reads its own settings.

    `listen` host:port · `keycloak` its base address, with the `realm` and the service account that
    may manage its users · `credit_limit` of new users in EUR.
    """

    listen: str
    keycloak: str
    realm: str = "causeway"
    client_id: str
    client_secret: SecretStr
    credit_limit: Decimal = Field(
        default=Decimal("500.00"), ge=0, le=Decimal(1_000_000_000), decimal_places=9
    )

    @property
    def credit_limit_nanos(self) -> int:
        """The credit limit of new users in nanos of EUR."""
        return int(self.credit_limit * NANOS)
