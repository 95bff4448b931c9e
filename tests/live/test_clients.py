"""Clients that nobody here wrote go on after a lost connection and after a restart: nothing is missing, nothing twice.

All of them live through one story; then each is asked what it saw.
"""

from __future__ import annotations

import asyncio
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.live.cable import laid_to
from tests.live.clients import Chromium, Client, Curl, CurlCompressed, HttpxSse, NpmEventSource
from tests.live.venue import Venue

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import Browser

NAMES = [kind.name for kind in (Chromium, NpmEventSource, HttpxSse, Curl, CurlCompressed)]


@dataclass
class Story:
    """What was asked, and who followed."""

    asked: list[str]
    clients: dict[str, Client]


@pytest.fixture(scope="module")
async def story(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Story]:
    """Questions are asked while the connections break, the server is restarted, and the server is killed."""
    venue = Venue(tmp_path_factory.mktemp("clients"))
    await venue.found(acme="Acme")
    async with laid_to(venue.settings.port) as cable, httpx.AsyncClient() as http, asyncio.TaskGroup() as tasks:
        is_up = asyncio.Event()
        url = f"{cable.url}/sse?tenantId=acme"
        plain = [kind(url, is_up) for kind in (NpmEventSource, HttpxSse, Curl, CurlCompressed)]
        clients: list[Client] = [Chromium(url, is_up, browser), *plain]
        asked: list[str] = []

        async def start() -> None:
            await venue.start()
            is_up.set()

        async def stop(how: signal.Signals) -> None:
            is_up.clear()
            await venue.stop(how)

        async def ask(count: int) -> None:
            for _ in range(count):
                body = f"Question {len(asked)}, with a line\nbreak, ümläuts and \u2028?"
                answer = await http.post(f"{venue.url}/questions", params={"tenantId": "acme"}, json={"body": body})
                assert answer.status_code == 201
                asked.append(answer.json()["body"])

        async def everybody_knows(connections: int) -> None:
            for client in clients:
                await client.knows(len(asked), connections)

        await start()
        following = [tasks.create_task(client.follow()) for client in clients]
        await everybody_knows(connections=1)
        await ask(3)
        await everybody_knows(connections=1)

        await ask(1)
        assert cable.cut() >= len(clients)
        await ask(3)
        await everybody_knows(connections=2)

        await ask(1)
        await stop(signal.SIGTERM)
        await start()
        await ask(3)
        await everybody_knows(connections=3)

        await ask(1)
        await stop(signal.SIGKILL)
        await start()
        await ask(3)
        await everybody_knows(connections=4)

        yield Story(asked, {client.name: client for client in clients})
        for each in following:
            each.cancel()
        await asyncio.wait(following)
        await venue.stop()


@pytest.mark.parametrize("name", NAMES)
async def test_nothing_is_missing_and_nothing_twice(story: Story, name: str) -> None:
    seen = story.clients[name].seen
    assert [message["data"]["body"] for _, message in seen] == story.asked
    assert {message["type"] for _, message in seen} == {"question:created"}
    epochs, numbers = zip(*(position.split(".") for position, _ in seen), strict=True)
    assert len(set(epochs)) == 1
    assert [int(number) for number in numbers] == list(range(1, len(story.asked) + 1))


async def test_compression_is_used_by_who_asks_for_it(story: Story) -> None:
    encodings = {name: client.encoding for name, client in story.clients.items() if isinstance(client, Curl)}
    assert encodings == {"curl": "identity", "curl --compressed": "gzip"}
