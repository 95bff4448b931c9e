"""The demo's audience: simulated people who ask and vote over HTTP, each with cookies of their own, at a human pace.

It never grows the demo without bound: there are only so many people, so many questions to ask, and one vote per
person and question; when all is voted for, votes are taken back.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from contextlib import AsyncExitStack
from itertools import cycle, islice
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from pulsestage.cli.demo_data import DemoRoom

SECONDS_BETWEEN_VOTES = (1.0, 3.0)
SECONDS_BETWEEN_QUESTIONS = (20.0, 40.0)
_CHANGES_MIND = 0.05


class Person:
    """One guest of one room."""

    def __init__(self, client: httpx.AsyncClient, slug: str) -> None:
        self.slug = slug
        self._client = client

    async def arrive(self) -> None:
        """Become a guest: the answer sets the cookie that makes later votes one person's."""
        await self._client.get("/session")

    async def ask(self, body: str) -> None:
        """Ask a question."""
        await self._client.post("/questions", json={"body": body})

    async def vote(self, dice: Random) -> None:
        """Look at the list, then vote for something; now and then, take a vote back."""
        answer = await self._client.get("/questions", params={"status": "open", "limit": 100})
        listed: list[dict[str, Any]] = answer.json() if answer.is_success else []
        voted = [each for each in listed if each["hasUpvoted"] and not each["isFrozen"]]
        others = [each for each in listed if not (each["hasUpvoted"] or each["isFrozen"] or each["isMine"])]
        if others and not (voted and dice.random() < _CHANGES_MIND):
            # What many find good is found good by more.
            [chosen] = dice.choices(others, weights=[each["upvotes"] + 5 for each in others])
            await self._client.post(f"/questions/{chosen['id']}/upvote")
        elif voted:
            await self._client.delete(f"/questions/{dice.choice(voted)['id']}/upvote")


async def attend(base_url: str, rooms: Sequence[DemoRoom], size: int, dice: Random) -> None:
    """Ask and vote until cancelled, `size` people in all, two in the first room for each in the second."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # never used, and quicker made than the default for each person
    async with AsyncExitStack() as stack:
        people: list[Person] = []
        for room in islice(cycle([rooms[0], *rooms]), size):
            client = httpx.AsyncClient(
                base_url=base_url,
                headers={"X-Tenant-ID": room.slug},
                limits=httpx.Limits(max_keepalive_connections=0),  # seconds pass between two requests
                trust_env=False,  # a proxy has nothing to do with this machine's own server
                verify=tls,
            )
            people.append(Person(await stack.enter_async_context(client), room.slug))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_vote(people, dice))
            tasks.create_task(_ask(people, rooms, dice))


async def _vote(people: Sequence[Person], dice: Random) -> None:
    for person in people:
        with contextlib.suppress(httpx.HTTPError):
            await person.arrive()
    while True:
        await asyncio.sleep(dice.uniform(*SECONDS_BETWEEN_VOTES))
        with contextlib.suppress(httpx.HTTPError):
            await dice.choice(people).vote(dice)


async def _ask(people: Sequence[Person], rooms: Sequence[DemoRoom], dice: Random) -> None:
    texts = [(room.slug, body) for room in rooms for body in room.later]
    dice.shuffle(texts)
    for slug, body in texts:
        await asyncio.sleep(dice.uniform(*SECONDS_BETWEEN_QUESTIONS))
        there = [person for person in people if person.slug == slug]
        if there:
            with contextlib.suppress(httpx.HTTPError):
                await dice.choice(there).ask(body)
