"""Clients that nobody here wrote go on after cuts, a restart and a kill: they miss nothing and get nothing twice.

All of them follow one server through the same faults, each over a network of its own. A question is asked once every
client has reported the one before, so a client that gets an event only with the next one never gets there.
"""

from __future__ import annotations

import asyncio
import random
import signal
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.live.cable import Cable, laid_to
from tests.live.clients import KINDS, Client
from tests.live.venue import Venue

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine

    from playwright.async_api import Browser

pytestmark = pytest.mark.timeout(240)

PATIENCE_SECONDS = 40
CUT_AFTER = 100_000
"""Bytes, of which the snapshot has several times as many, also compressed."""
ALPHABETS = ["aäeéiłoøuß", "бгджзийклф", "אבגדהוזחטי", "कखगचतनपमरस", "的一是不了人我在有他", "가나다라마바사아자차"]

UNREADABLE = {"eventsource 2": 1}
"""Messages that are no JSON: it keeps the data of a frame that was cut off, and puts that of the next behind it."""


@dataclass(repr=False)
class Story:
    """What was asked, and who followed over what."""

    venue: Venue
    http: httpx.AsyncClient
    cables: dict[str, Cable] = field(default_factory=dict)
    clients: dict[str, Client] = field(default_factory=dict)
    asked: dict[str, str] = field(default_factory=dict)
    """The text of each question, by its id."""
    lost: dict[str, str] = field(default_factory=dict)
    """Who didn't get to know everything in time, and when. Nobody waits for them any more."""

    async def ask(self, body: str) -> None:
        answer = await self.http.post(f"{self.venue.url}/questions", params={"tenantId": "acme"}, json={"body": body})
        assert answer.status_code == 201, answer.text
        self.asked[answer.json()["id"]] = answer.json()["body"]

    async def ask_one_by_one(self, when: str) -> None:
        for number in range(3):
            await self.ask(f"Question {number} {when}, with a line\nbreak, ümläuts and \u2028?")
            await self.everybody_knows(f"question {number} {when}")

    async def everybody_knows(self, what: str) -> None:
        """Wait until all have been told of all questions."""
        await asyncio.gather(*(self._knows(name, what) for name in self.clients if name not in self.lost))

    async def _knows(self, name: str, what: str) -> None:
        try:
            await asyncio.wait_for(self.clients[name].knows(len(self.asked)), PATIENCE_SECONDS)
        except TimeoutError:
            known = len(self.clients[name].questions)
            self.lost[name] = f"{what}: it knows {known} of {len(self.asked)} questions"


@pytest.fixture(scope="module")
async def story(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Story]:
    """The connections break within and between frames, the server is restarted, and the server is killed."""
    # Nothing but the next event may be what brings an event out of a buffer.
    venue = Venue(tmp_path_factory.mktemp("clients"), heartbeat_seconds=3600)
    await venue.found(acme="Acme")
    await venue.start()
    async with AsyncExitStack() as end, httpx.AsyncClient() as http:
        end.push_async_callback(venue.stop)
        story = Story(venue, http)
        for body in long_texts(150):
            await story.ask(body)

        for name, kind in KINDS.items():
            cable = story.cables[name] = await end.enter_async_context(laid_to(venue.port))
            cable.cut_after = CUT_AFTER
            client = story.clients[name] = kind.at(f"{cable.url}/sse?tenantId=acme&snapshot=1", browser)
            await end.enter_async_context(running(client.follow()))
        await story.everybody_knows("the snapshot, after a cut within it")
        assert [name for name, cable in story.cables.items() if cable.cut_after is not None] == []
        await story.ask_one_by_one("after a cut within a frame")

        for cable in story.cables.values():
            cable.cut()
        await story.ask_one_by_one("after a cut between frames")

        for how in (signal.SIGTERM, signal.SIGKILL):
            await story.ask(f"Is this the end by {how.name}?")
            await venue.stop(how)
            await venue.start()
            await story.ask_one_by_one(f"after {how.name}")
        yield story


@asynccontextmanager
async def running(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """It is done meanwhile, and ended then."""
    task = asyncio.create_task(work)
    yield
    task.cancel()
    await asyncio.wait([task])


@pytest.mark.parametrize("name", KINDS)
async def test_everything_is_there_once_and_in_time(story: Story, name: str) -> None:
    if name in story.lost:
        pytest.fail(story.lost[name], pytrace=False)
    client = story.clients[name]
    assert client.questions == story.asked
    assert client.unreadable == UNREADABLE.get(name, 0)
    kinds = [message["type"] for _, message in client.seen]
    assert kinds == ["snapshot"] + ["question:created"] * (len(kinds) - 1)
    epochs, numbers = zip(*(position.split(".") for position, _ in client.seen), strict=True)
    assert len(set(epochs)) == 1
    assert [int(number) for number in numbers] == list(range(len(story.asked) - len(kinds) + 1, len(story.asked) + 1))


async def test_compression_is_used_by_who_asks_for_it(story: Story) -> None:
    assert story.cables["curl --compressed"].carried < story.cables["curl"].carried / 1.5


def long_texts(count: int) -> list[str]:
    """Questions of nearly 2,000 characters, in many scripts, that can hardly be compressed."""
    some = random.Random(1)
    return [" ".join("".join(some.choices(some.choice(ALPHABETS), k=7)) for _ in range(240)) for _ in range(count)]
