"""The hops at the edge, over REST as any client would call it."""

from typing import Any

import httpx

from client.tokens import password
from stack.tour.journey import QUANTITY, SKU, Addresses, Journey, Sight
from stack.tour.refused import Refused

Facts = dict[str, Any]


async def register(journey: Journey, where: Addresses, http: httpx.AsyncClient) -> Sight:
    """A customer of our own, so that nobody's orders and credit are touched."""
    body = {
        "username": journey.username,
        "email": journey.email,
        "displayName": "Tour",
        "password": journey.password,
    }
    user = _json(await http.post(f"{where.edge}/v1/users:register", json=body))
    journey.customer = str(user["name"])
    return Sight({"customer": journey.customer, "username": journey.username})


async def log_in(journey: Journey, where: Addresses) -> Sight:
    """Its token, from Keycloak."""
    journey.token = await password(where.issuer, journey.username, journey.password)()
    return Sight({"issuer": where.issuer})


async def post_order(journey: Journey, where: Addresses, http: httpx.AsyncClient) -> Sight:
    """The order, through Envoy: token checked, JSON transcoded, a replica chosen."""
    body = {"items": [{"sku": SKU, "quantity": QUANTITY}]}
    answer = await http.post(f"{where.edge}/v1/orders", json=body, headers=_bearer(journey))
    journey.order = str(_json(answer)["name"])
    facts = {"request": "POST /v1/orders", "status": answer.status_code}
    return Sight(facts | {"server": answer.headers.get("server", "")})


async def read_order(journey: Journey, where: Addresses, http: httpx.AsyncClient) -> Sight:
    """What Orders answers: it reads its own writes."""
    answer = await http.get(f"{where.edge}/v1/{journey.order}", headers=_bearer(journey))
    order = _json(answer)
    facts = {"order": journey.order, "state": order["state"]}
    return Sight(facts | {"total": amount(order["total"]), "etag": order["etag"]})


def amount(money: dict[str, Any]) -> str:
    """`{"units": "25", "nanos": 500000000, …}` -> "25.50 EUR"."""
    cents = int(str(money.get("nanos", 0))) // 10_000_000
    return f"{money.get('units', 0)}.{cents:02d} {money.get('currencyCode', '')}"


def _bearer(journey: Journey) -> dict[str, str]:
    return {"authorization": f"Bearer {journey.token}"}


def _json(answer: httpx.Response) -> Facts:
    if answer.is_success:
        body: Facts = answer.json()
        return body
    raise Refused(
        f"{answer.request.method} {answer.request.url}: {answer.status_code} {answer.text}"
    )
