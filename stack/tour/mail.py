"""The last hop: the mail that the customer reads."""

import asyncio

import httpx

from stack.tour.journey import Addresses, Journey

INTERVAL = 0.05


async def read_mail(
    journey: Journey, where: Addresses, http: httpx.AsyncClient
) -> dict[str, object]:
    """The mail about the confirmation; its Message-ID begins with the event's id."""
    while True:
        listing = await http.get(where.mailbox, params={"to": journey.email})
        for mail in listing.raise_for_status().json():
            raw = await http.get(f"{where.mailbox}/{mail['id']}/raw")
            if journey.confirmation and journey.confirmation in raw.text:
                text = (await http.get(f"{where.mailbox}/{mail['id']}")).json()["text"]
                return {"to": journey.email, "subject": mail["subject"], "text": text.strip()}
        await asyncio.sleep(INTERVAL)
