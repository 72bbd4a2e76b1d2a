"""How to reach the brokers."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class KafkaSettings:
    """Bootstrap addresses, and credentials where the cluster asks for them.

    `bootstrap` is a comma list of host:port. With a username the client speaks SASL_PLAINTEXT
    with mechanism PLAIN.
    """

    bootstrap: str
    username: str = ""
    password: str = field(default="", repr=False)
    client_id: str = "causeway"

    def client(self) -> dict[str, Any]:
        """Give the keyword arguments that every aiokafka client takes."""
        options: dict[str, Any] = {
            "bootstrap_servers": self.bootstrap.split(","),
            "client_id": self.client_id,
        }
        if self.username:
            options |= {
                "security_protocol": "SASL_PLAINTEXT",
                "sasl_mechanism": "PLAIN",
                "sasl_plain_username": self.username,
                "sasl_plain_password": self.password,
            }
        return options
