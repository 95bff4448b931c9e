"""Two instances that are restarted in turn, while people ask, vote and follow through every proxy of `deploy/`."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httpx

from tests.chaos.site import Site
from tests.deploy.browser import browser, following
from tests.deploy.proxies import Proxy
from tests.restarts.caller import Asked, Caller, Record
from tests.restarts.direct import questions_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

FOLLOWERS = 2
SETTINGS = {"database_pool": 5, "heartbeat_seconds": 5}
QUICK_CADDY = ("health_interval 2s", "health_interval 500ms")
HOMES = ("acme", "widgets")
"""The home tenant of each instance: `/` leads there, which shows through a proxy who has answered."""


@dataclass
class Rolled:
    """What came of it."""

    records: dict[str, Record]
    """By proxy."""
    questions: list[Asked] = field(default_factory=list)
    """All questions in the end."""
    told: list[list[str]] = field(default_factory=list)
    """For each follower, the texts of the questions it was told of."""
    goodbyes: int = 0

    @property
    def wrongly_told(self) -> int:
        """Followers that were not told of every question exactly once."""
        texts = sorted(each.text for each in self.questions)
        return sum(sorted(told) != texts for told in self.told)


async def roll(
    directory: Path, names: Sequence[str], database_url: str, rounds: int, *, callers: int, drain_seconds: float = 5
) -> Rolled:
    """Restart both instances that often, one after the other, under so many callers behind each proxy.

    With less to drain Caddy must look more often.
    """
    settings = {**SETTINGS, "drain_seconds": drain_seconds}
    site = Site(directory, len(HOMES), "pulsestage", database_url=database_url, **settings)
    for instance, home in zip(site.instances, HOMES, strict=True):
        instance.change(home_tenant=home)
    await site.found(acme="Acme")
    await site.start()
    rolled = Rolled({name: Record() for name in names})
    over, quiet = asyncio.Event(), asyncio.Event()
    try:
        with ExitStack() as stack:
            proxies = []
            for name in names:
                room = directory / name
                room.mkdir()
                changes = [QUICK_CADDY] if name == "caddy" and drain_seconds < 5 else []
                proxies.append(Proxy(room, name, [each.port for each in site.instances], *changes))
                stack.callback(proxies[-1].stop)
            everybody_follows = asyncio.Barrier(FOLLOWERS * len(names) + 1)
            async with asyncio.TaskGroup() as tasks:
                for proxy in proxies:
                    for _ in range(FOLLOWERS):
                        tasks.create_task(follow(proxy, rolled, over, everybody_follows))
                await everybody_follows.wait()
                async with asyncio.TaskGroup() as asking:
                    for proxy in proxies:
                        for number in range(callers):
                            caller = Caller(
                                f"{proxy.name} {number}", proxy.port, rolled.records[proxy.name], proxy.trust
                            )
                            asking.create_task(caller.run(quiet))
                    for _ in range(rounds):
                        for instance, home in zip(site.instances, HOMES, strict=True):
                            await instance.stop()
                            await site.start_one(instance)
                            await asyncio.gather(*(is_used_again(proxy, home) for proxy in proxies))
                    quiet.set()
                rolled.questions = await questions_of(site.instances[0])
                over.set()
    finally:
        await site.stop()
    return rolled


async def is_used_again(proxy: Proxy, home: str) -> None:
    """Wait until this proxy sends requests to the instance with this home."""
    async with browser(proxy) as client:
        while not (await client.get("/")).headers["location"].endswith(f"/app/{home}"):  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.1)


async def follow(proxy: Proxy, rolled: Rolled, over: asyncio.Event, everybody_follows: asyncio.Barrier) -> None:
    """As a browser does: come back with the last id, until all that was asked has been told."""
    told: list[str] = []
    rolled.told.append(told)
    last_id, began = "", False

    def knows_all() -> bool:
        return over.is_set() and len(told) >= len(rolled.questions)

    async with browser(proxy) as client:
        while not knows_all():
            # The server, or a proxy whose instance is gone, has ended it; or asking for it met a server that stops.
            with suppress(StopAsyncIteration, httpx.RemoteProtocolError):
                async with following(client, last_id) as stream:
                    while not knows_all():
                        message = await stream.next()
                        last_id = stream.last_id
                        rolled.goodbyes += message["type"] == "goodbye"
                        if message["type"] == "connected" and not began:
                            began = True
                            await everybody_follows.wait()
                        if message["type"] == "question:created":
                            told.append(message["data"]["body"])
