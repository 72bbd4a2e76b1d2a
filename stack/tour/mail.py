"""The last hop: the mail that the customer reads."""

import asyncio

import httpx

from stack.tour.journey import Addresses, Journey, Sight

INTERVAL = 0.05


async def read_mail(journey: Journey, where: Addresses, http: httpx.AsyncClient) -> Sight:
    """The mail about the confirmation; its Message-ID begins with the event's id."""
    while True:
        listing = await http.get(where.mailbox, params={"to": journey.email})
        for mail in listing.raise_for_status().json():
            raw = await http.get(f"{where.mailbox}/{mail['id']}/raw")
            if journey.confirmation and journey.confirmation in raw.text:
                text = (await http.get(f"{where.mailbox}/{mail['id']}")).json()["text"]
                facts = {"to": journey.email, "subject": mail["subject"]}
                return Sight(facts | {"text": text.strip()})
        await asyncio.sleep(INTERVAL)
