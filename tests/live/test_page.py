"""The page in real browsers: what one does, the others see."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.async_api import expect

from pulsestage.domain.policy import Role
from tests.live.venue import Venue
from tests.live.visitor import NETWORK, Visitor, somebody

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import Browser

expect.set_options(timeout=20_000)

PHONE = {"width": 390, "height": 844}
NARROW = {"width": 320, "height": 640}
LAPTOP = {"width": 1280, "height": 800}
LONG = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"


@pytest.fixture(scope="module")
async def venue(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Venue]:
    """A running server; each test has a room of its own."""
    venue = Venue(tmp_path_factory.mktemp("page"))
    names = ("ask", "moderate", "restart", "left", "right", "keyboard", "narrow", "tabs", "looks")
    await venue.found(**{name: f"The {name} room" for name in names})
    await venue.start()
    yield venue
    await venue.stop()


@pytest.fixture(scope="module")
def screenshots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where to look at them: set PULSESTAGE_TEST_SCREENSHOTS to keep them."""
    directory = os.environ.get("PULSESTAGE_TEST_SCREENSHOTS")
    return Path(directory) if directory else tmp_path_factory.mktemp("screenshots")


async def test_a_question_and_a_vote_reach_the_other_browser(venue: Venue, browser: Browser) -> None:
    room = f"{venue.url}/app/ask"
    async with somebody(browser, viewport=PHONE) as ann, somebody(browser, viewport=LAPTOP) as ben:
        await ann.enter(room)
        await ben.enter(room)

        asked = await ann.latency_to(ben, "Will there be cake?", ann.ask("Will there be cake?"))
        await ann.sees("Will there be cake?")
        await ben.sees("Will there be cake?")
        await expect(ann.card("Will there be cake?").get_by_text("Yours", exact=True)).to_be_visible()
        await expect(ben.card("Will there be cake?").get_by_text("Yours", exact=True)).to_have_count(0)
        await expect(ann.vote("Will there be cake?")).to_be_disabled()

        await ben.vote("Will there be cake?").click()
        await expect(ben.vote("Will there be cake?")).to_have_attribute("aria-pressed", "true")
        await ann.sees("Will there be cake?", votes=1)

        await ben.page.reload()
        await ben.is_live()
        await ben.sees("Will there be cake?", votes=1)
        await expect(ben.vote("Will there be cake?")).to_have_attribute("aria-pressed", "true")
        await ben.vote("Will there be cake?").click()
        await ann.sees("Will there be cake?", votes=0)
    print(f"question to the other screen: {asked} ms")  # noqa: T201 - a measure, not a promise


async def test_what_a_moderator_does_reaches_the_attendee(venue: Venue, browser: Browser) -> None:
    async with somebody(browser, viewport=PHONE) as ann, somebody(browser, viewport=LAPTOP) as mod:
        await ann.enter(f"{venue.url}/app/moderate")
        await mod.enter(venue.link("moderate", Role.MODERATOR))
        assert mod.page.url == f"{venue.url}/app/moderate", "the token is out of the address bar"
        await ann.ask("Why is the sky blue?")
        await ann.ask("Why is it dark at night?")
        text, other = "Why is the sky blue?", "Why is it dark at night?"
        await mod.sees(text)
        await mod.sees(other)
        # What one has just asked stays on top until one looks elsewhere.
        await ann.page.reload()
        took: dict[str, int] = {}

        await mod.tool(text, "Tag").click()
        await mod.page.get_by_label("Find or create a tag").fill("physics")
        create = mod.page.get_by_role("button", name="Create “physics”")
        took["tag"] = await mod.latency_to(ann, "physics", create.click())
        await mod.page.keyboard.press("Escape")
        await expect(ann.card(text).get_by_text("physics")).to_be_visible()

        took["pin"] = await mod.latency_to(ann, "Pinned", mod.tool(text, "Pin").click())
        await expect(ann.cards.first).to_contain_text(text)

        took["freeze"] = await mod.latency_to(ann, "Frozen", mod.tool(text, "Freeze").click())
        await expect(mod.tool(text, "Answer")).to_be_disabled()
        await mod.tool(text, "Freeze").click()
        await expect(ann.card(text).get_by_text("Frozen")).to_have_count(0)

        await mod.tool(text, "Answer").click()
        await mod.page.get_by_label("Your answer, for everyone to read").fill("Because of Rayleigh scattering.")
        publish = mod.page.get_by_role("button", name="Publish answer")
        await publish.click()
        # Where an answered question is shown is the view's business.
        await ann.page.get_by_role("button", name=re.compile("^Answered")).click()
        await expect(ann.card(text)).to_contain_text("Because of Rayleigh scattering.")
        await ann.page.get_by_role("button", name="Popular").click()

        await mod.tool(other, "Remove").click()
        await mod.page.get_by_role("button", name="Remove for everyone").click()
        await expect(ann.vote(other)).to_have_count(0)
    print(f"moderator to the attendee's screen, in ms: {took}")  # noqa: T201 - likewise


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
async def test_a_restart_changes_nothing(venue: Venue, browser: Browser, how: signal.Signals) -> None:
    room, text = f"{venue.url}/app/restart", f"Does it survive {how.name}?"
    async with somebody(browser) as ann, somebody(browser) as ben:
        await ann.enter(room)
        await ben.enter(room)
        await ann.ask(text)
        await ben.vote(text).click()
        await ann.sees(text, votes=1)
        before = await ben.cards.all_inner_texts()

        await venue.stop(how)
        await expect(ann.connection).not_to_contain_text("Live")
        await expect(ben.connection).not_to_contain_text("Live")
        await venue.start()
        await ann.is_live()
        await ben.is_live()
        await ann.sees(text, votes=1)
        assert len(await ben.cards.all_inner_texts()) == len(before)

        await ann.ask(f"And after {how.name}?")
        await ben.sees(f"And after {how.name}?")
        await ben.sees(text, votes=1)
        for visitor in (ann, ben):
            # Chromium itself complains about a server that is away.
            visitor.problems = [each for each in visitor.problems if not each.startswith(NETWORK)]


async def test_a_room_knows_nothing_of_the_next(venue: Venue, browser: Browser) -> None:
    async with somebody(browser) as ann, somebody(browser) as ben:
        await ann.enter(f"{venue.url}/app/left")
        await ben.enter(f"{venue.url}/app/right")
        await ann.ask("Is anybody in the left room?")
        await ben.ask("Is anybody in the right room?")
        await ann.sees("Is anybody in the left room?")
        await ben.sees("Is anybody in the right room?")
        await ann.sees_nothing_of("Is anybody in the right room?")
        await ben.sees_nothing_of("Is anybody in the left room?")
        # The same browser in the other room is somebody else there.
        await ann.enter(f"{venue.url}/app/right")
        await ann.sees("Is anybody in the right room?")
        await ann.sees_nothing_of("Is anybody in the left room?")


async def test_the_keyboard_is_enough(venue: Venue, browser: Browser) -> None:
    room, text = f"{venue.url}/app/keyboard", "Can I do this without a mouse?"
    async with somebody(browser, viewport=LAPTOP) as ann, somebody(browser, viewport=LAPTOP) as ben:
        await ann.enter(room)
        await ann.tab_to(ann.composer)
        await ann.page.keyboard.type(text)
        await ann.page.keyboard.press("Enter")
        await ann.sees(text)

        await ben.enter(room)
        await ben.sees(text)
        await ben.tab_to(ben.vote(text))
        await ben.page.keyboard.press("Space")
        await ann.sees(text, votes=1)
        await ben.page.keyboard.press("Enter")
        await ann.sees(text, votes=0)


async def test_a_narrow_phone_never_scrolls_sideways(venue: Venue, browser: Browser, screenshots: Path) -> None:
    async with somebody(browser, viewport=NARROW) as ann, somebody(browser, viewport=NARROW) as mod:
        await ann.enter(f"{venue.url}/app/narrow")
        await ann.ask(f"Who owns the {LONG}?")
        await mod.enter(venue.link("narrow", Role.ADMIN))
        await mod.sees(LONG)
        await mod.tool(LONG, "Tag").click()
        await mod.page.get_by_label("Find or create a tag").fill("W" * 50)
        await mod.page.get_by_role("button", name="Create “").click()
        await mod.screen(screenshots / "narrow-tags.png", width=320)
        await mod.page.keyboard.press("Escape")
        await mod.tool(LONG, "Pin").click()
        await expect(ann.card(LONG).get_by_text("Pinned")).to_be_visible()
        await ann.screen(screenshots / "narrow.png", width=320)
        await mod.tool(LONG, "Answer").click()
        await mod.page.get_by_label("Your answer, for everyone to read").fill(f"{LONG} owns itself.")
        await mod.screen(screenshots / "narrow-moderator.png", width=320)
        await mod.page.get_by_role("button", name="Publish answer").click()
        await ann.page.get_by_role("button", name=re.compile("^Answered")).click()
        await expect(ann.card("owns itself")).to_be_visible()
        await ann.screen(screenshots / "narrow-answered.png", width=320)


async def test_tabs_share_one_stream(venue: Venue, browser: Browser) -> None:
    """HTTP/1.1 allows six connections per host: with a stream each, the seventh tab would hang."""
    async with somebody(browser) as ann, somebody(browser) as mod:
        await mod.enter(venue.link("tabs", Role.MODERATOR))
        tabs = [ann, *[Visitor(await ann.page.context.new_page()) for _ in range(7)]]
        for tab in tabs:
            await tab.enter(f"{venue.url}/app/tabs")
        await ann.ask("Do all of my tabs know?")
        for tab in tabs:
            await tab.sees("Do all of my tabs know?")
        streams = await mod.page.evaluate("fetch('/sse/metrics?tenantId=tabs').then((answer) => answer.json())")
        assert streams["totalConnections"] == 2
        # Another takes over from the one that has the stream.
        for tab in tabs[:4]:
            await tab.page.close()
        await mod.ask("And when some are closed?")
        for tab in tabs[4:]:
            await tab.sees("And when some are closed?")
            assert tab.problems == []


async def test_below_a_path_prefix(browser: Browser, tmp_path: Path) -> None:
    venue = Venue(tmp_path, root_path="/qa", home_tenant="acme")
    await venue.found(acme="Acme")
    await venue.start()
    try:
        async with somebody(browser) as ann, somebody(browser) as mod:
            await ann.enter(f"{venue.url}/")
            assert ann.page.url == f"{venue.url}/app/acme"
            await mod.enter(venue.link("acme", Role.MODERATOR))
            await ann.ask("Where am I?")
            await mod.sees("Where am I?")
            await mod.tool("Where am I?", "Pin").click()
            await expect(ann.card("Where am I?").get_by_text("Pinned")).to_be_visible()
            await ann.page.reload()
            await ann.is_live()
            await ann.sees("Where am I?")
            for url in (*ann.requests, *mod.requests):
                assert url.startswith(f"{venue.url}/"), "outside the prefix"
    finally:
        await venue.stop()


async def test_addresses_as_people_type_them(browser: Browser, tmp_path: Path) -> None:
    # A proxy that leaves it serves everything below /app, which is an address of the server too.
    venue = Venue(tmp_path, root_path="/app", home_tenant="Acme")
    await venue.found(acme="Acme")
    await venue.start()
    try:
        async with somebody(browser) as ann:
            for typed in ("app/ACME", "ACME", "app", "app/", ""):
                await ann.enter(f"{venue.url}/{typed}")
                await expect(ann.page.get_by_role("heading", level=1)).to_have_text("Acme")
                assert ann.page.url.startswith(f"{venue.url}/app/")
            await ann.page.goto(f"{venue.url}/app/acme/x")
            await expect(ann.page.get_by_role("heading", level=1)).to_have_text("There is no room with this name")
            await ann.page.get_by_role("button", name="Open the room").click()
            await ann.is_live()
            assert ann.page.url == f"{venue.url}/app/acme"
    finally:
        await venue.stop()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_for_the_eye(venue: Venue, browser: Browser, screenshots: Path, scheme: str) -> None:
    """Nothing runs over the edge on a phone or a laptop, for an attendee or a moderator; a person looks at the rest."""
    options = {"color_scheme": scheme, "reduced_motion": "reduce"}
    async with (
        somebody(browser, viewport=PHONE, **options) as ann,
        somebody(browser, viewport=LAPTOP, **options) as mod,
    ):
        room = f"{venue.url}/app/looks"
        await ann.enter(room)
        await mod.enter(venue.link("looks", Role.MODERATOR))
        for number in range(4):
            await ann.ask(f"Question {scheme} {number}: how do we make sure that everybody is heard in this room?")
            await mod.sees(f"{scheme} {number}")
        await mod.vote(f"{scheme} 1").click()
        await mod.tool(f"{scheme} 2", "Pin").click()
        await mod.tool(f"{scheme} 3", "Freeze").click()
        await expect(ann.card(f"{scheme} 3").get_by_text("Frozen")).to_be_visible()
        await ann.sees(f"{scheme} 1", votes=1)
        await ann.screen(screenshots / f"phone-{scheme}.png", width=PHONE["width"])
        await mod.screen(screenshots / f"laptop-{scheme}.png", width=LAPTOP["width"])
        await mod.tool(f"{scheme} 1", "Tag").click()
        await mod.page.get_by_label("Find or create a tag").fill(f"culture {scheme}")
        await mod.page.get_by_role("button", name="Create “").click()
        await expect(mod.page.get_by_role("checkbox", name=f"culture {scheme}")).to_be_checked()
        await mod.screen(screenshots / f"laptop-tags-{scheme}.png", width=LAPTOP["width"])
