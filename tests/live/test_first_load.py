"""What a new attendee's phone receives before the first question is on its screen, and in which order it asks."""

from __future__ import annotations

import asyncio
import random
import re
from typing import TYPE_CHECKING

import pytest
from playwright.async_api import async_playwright

from pulsestage.bootstrap import running
from pulsestage.cli.demo_data import demo_rooms
from pulsestage.cli.demo_seed import LateClock, seed
from tests.live.cold_visit import NAMED, RESOLVE, cold_visit
from tests.live.conftest import FLAGS
from tests.live.venue import Venue

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import Browser, Request, Route

BUDGET = 130_000
"""Bytes on the wire, heads included."""


@pytest.fixture(scope="module")
async def venue(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Venue]:
    """A server with the demo's room."""
    venue = Venue(tmp_path_factory.mktemp("first-load"))
    late = LateClock()
    async with running(venue.settings, late) as (context, _):
        await seed(context, demo_rooms()[0], random.Random(1), late, lambda: None)
    await venue.start()
    yield venue
    await venue.stop()


@pytest.fixture(scope="module")
async def browser(chromium_path: str) -> AsyncIterator[Browser]:
    """A Chromium that knows this machine by a name."""
    async with async_playwright() as playwright:
        flags = [*FLAGS, RESOLVE]
        browser = await playwright.chromium.launch(executable_path=chromium_path, headless=True, args=flags)
        yield browser
        await browser.close()


@pytest.mark.parametrize("host, best", [("127.0.0.1", "br"), (NAMED, "gzip")], ids=["localhost", "plain HTTP"])
async def test_what_comes_before_the_first_question_is_compressed_and_little(
    venue: Venue, browser: Browser, host: str, best: str
) -> None:
    async with cold_visit(browser) as visit:
        await visit.page.goto(f"http://{host}:{venue.port}/app/acme")
        await visit.first_question()
        answers = list(visit.answers.values())
    kinds = {answer.type for answer in answers}
    assert kinds >= {"Document", "Script", "Stylesheet", "Fetch", "EventSource"}
    codings = {answer.encoding for answer in answers if answer.type in {"Script", "Stylesheet"}}
    assert codings == {best}
    assert {answer.encoding for answer in answers if answer.type in {"Document", "EventSource"}} == {"gzip"}
    assert not [answer.url for answer in answers if "Moderator" in answer.url]
    print(f"first load with {best}: {visit.bytes / 1000:.1f} KB")  # noqa: T201 - how far from the budget
    assert visit.bytes <= BUDGET


async def test_the_room_is_asked_for_while_the_pages_code_is_on_its_way(venue: Venue, browser: Browser) -> None:
    """Each script is held back until what must not wait for it has been asked for."""
    asked: dict[str, asyncio.Event] = {name: asyncio.Event() for name in ("page-", "session", "tenants", "sse")}

    def note(request: Request) -> None:
        for name, event in asked.items():
            if f"/{name}" in request.url:
                event.set()

    async def after(*names: str, route: Route) -> None:
        for name in names:
            await asked[name].wait()
        await route.continue_()

    async with cold_visit(browser) as visit:
        visit.page.on("request", note)
        await visit.page.route(re.compile("/assets/index-.*js$"), lambda route: after("page-", route=route))
        everything = ("session", "tenants", "sse")
        await visit.page.route(re.compile("/assets/page-.*js$"), lambda route: after(*everything, route=route))
        await visit.page.goto(f"{venue.url}/app/acme")
        await visit.first_question()
