"""Where the parts of a configuration are that tests make holes into."""

from typing import Any

from gateway.proof.configuration import Configuration, managers

SHIP = "/causeway.orders.v1.OrderService/ShipOrder"


def policies(configuration: Configuration) -> dict[str, Any]:
    found: dict[str, Any] = configuration.filters["authorization"]["rules"]["policies"]
    return found


def rules(configuration: Configuration) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = configuration.filters["authentication"]["rules"]
    return found


def provider(configuration: Configuration) -> dict[str, Any]:
    found: dict[str, Any] = configuration.filters["authentication"]["providers"]["keycloak"]
    return found


def host(configuration: Configuration) -> dict[str, Any]:
    found: dict[str, Any] = configuration.routes["edge"]["virtual_hosts"][0]
    return found


def route(configuration: Configuration, path: str) -> dict[str, Any]:
    return next(one for one in host(configuration)["routes"] if one["match"].get("path") == path)


def manager(configuration: Configuration) -> dict[str, Any]:
    return next(iter(managers(configuration)))[1]
