"""The page when something fails: a silent server, no network, parts that can't be loaded, browsers that differ."""

from __future__ import annotations

import os
import re
import signal
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.async_api import async_playwright, expect

from pulsestage.domain.policy import Role
from tests.live.conftest import FLAGS
from tests.live.venue import Venue
from tests.live.visitor import NETWORK, Visitor, somebody

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from playwright.async_api import Browser, Page, Route

expect.set_options(timeout=30_000)

PHONE = {"width": 390, "height": 844}
NARROW = {"width": 320, "height": 640}
LAPTOP = {"width": 1280, "height": 800}
LATE_CLOCK = """
const wrong = 5 * 3600 * 1000;
const Real = Date;
window.Date = class extends Real {
  constructor(...given) { given.length ? super(...given) : super(Real.now() + wrong); }
  static now() { return Real.now() + wrong; }
};
"""


@pytest.fixture(scope="module")
async def venue(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Venue]:
    """A running server whose heartbeats come often; each test has a room of its own."""
    venue = Venue(tmp_path_factory.mktemp("trouble"), heartbeat_seconds=4)
    names = ("silent", "offline", "chunk", "deploy", "broken", "missing", "tabs", "clock", "looks")
    await venue.found(**{name: f"The {name} room" for name in names})
    await venue.start()
    yield venue
    await venue.stop()


@pytest.fixture(scope="module")
def screenshots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where to look at them: set PULSESTAGE_TEST_SCREENSHOTS to keep them."""
    directory = os.environ.get("PULSESTAGE_TEST_SCREENSHOTS")
    return Path(directory) if directory else tmp_path_factory.mktemp("screenshots")


@contextmanager
def frozen(venue: Venue) -> Iterator[None]:
    """The server takes connections and bytes, and does nothing."""
    os.kill(venue.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(venue.pid, signal.SIGCONT)


async def shows(visitor: Visitor, *statuses: str) -> None:
    """The connection is in one of these states."""
    await expect(visitor.connection).to_have_text(re.compile("|".join(statuses)))


async def test_a_silent_server_is_noticed(venue: Venue, browser: Browser) -> None:
    room, voted, asked = f"{venue.url}/app/silent", "Is anybody there?", "Did this arrive?"
    async with somebody(browser) as ann, somebody(browser) as ben:
        await ben.enter(room)
        await ben.ask(voted)
        await ann.enter(room)
        await ann.sees(voted)
        with frozen(venue):
            await ann.vote(voted).click()
            await expect(ann.vote(voted)).to_have_attribute("aria-busy", "true")
            await ann.ask(asked)
            await shows(ann, "Checking…")
            # Then the limits: nothing looks counted or sent any more.
            await expect(ann.page.get_by_text("Your vote is not confirmed")).to_be_visible()
            await expect(ann.vote(voted)).to_have_attribute("aria-pressed", "false")
            await expect(ann.card(asked)).to_contain_text("Not confirmed")
            await expect(ann.page.get_by_role("button", name="Send again")).to_have_count(0)
            await shows(ann, "Catching up", "Offline")
        # What the server had received all the same is found, once.
        await ann.is_live()
        await ann.sees(asked)
        await expect(ann.card(asked).get_by_text("Yours", exact=True)).to_be_visible()
        await ben.sees(asked)
        await ann.sees(voted, votes=1)
        await expect(ann.vote(voted)).to_have_attribute("aria-pressed", "true")


async def test_a_late_heartbeat_is_noticed(venue: Venue, browser: Browser) -> None:
    async with somebody(browser) as ann:
        await ann.enter(f"{venue.url}/app/silent")
        with frozen(venue):
            await shows(ann, "Checking…")
            await shows(ann, "Catching up", "Offline")
        await ann.is_live()


async def test_without_a_network_the_page_says_so_at_once(venue: Venue, browser: Browser) -> None:
    text = "Can you hear me?"
    async with somebody(browser) as ann, somebody(browser) as ben:
        for visitor in (ann, ben):
            await visitor.enter(f"{venue.url}/app/offline")
        await ann.page.context.set_offline(True)
        await expect(ann.connection).to_have_text("Connection: Offline", timeout=2000)
        await ann.ask(text)
        await expect(ann.card(text)).to_contain_text("Not sent: You are offline.")
        await ann.page.context.set_offline(False)
        await ann.is_live()
        await ann.page.get_by_role("button", name="Send again").click()
        await ann.sees(text)
        await ben.sees(text)
        ann.problems = [each for each in ann.problems if not each.startswith(NETWORK)]


async def test_a_lost_part_is_tried_again_and_can_be_had_later(
    venue: Venue, browser: Browser, screenshots: Path
) -> None:
    async with somebody(browser, viewport=NARROW) as mod:
        tried = await refuse_tools(mod.page)
        await mod.enter(venue.link("chunk", Role.MODERATOR))
        await mod.ask("Who moderates?")
        again = mod.page.get_by_role("button", name="Try again")
        await expect(mod.card("Who moderates?")).to_contain_text("tools for moderators could not be loaded")
        assert len(tried) == 2
        await mod.screen(screenshots / "no-tools-320-light.png", width=NARROW["width"])
        await mod.page.unroute("**/ModeratorTools-*.js")
        await again.click()
        await expect(mod.tool("Who moderates?", "Pin")).to_be_visible()
        mod.problems.clear()  # the console has them


async def test_after_a_deploy_the_page_reloads_once_and_keeps_the_draft(venue: Venue, browser: Browser) -> None:
    documents: list[str] = []

    async def deployed_meanwhile(route: Route) -> None:
        """The page is of the old version, and whatever is asked for after it of another one."""
        documents.append(route.request.resource_type)
        answer = await route.fetch()
        html = await answer.text()
        if len(documents) > 1:
            html = re.sub(r"index-([\w-]+)\.js", r"index-NEW\1.js", html)
        await route.fulfill(response=answer, body=html)

    async with somebody(browser) as mod:
        await mod.enter(venue.link("deploy", Role.MODERATOR))
        await mod.ask("Anybody?")
        await mod.sees("Anybody?")
        await mod.composer.fill("Half a question")
        tried = await refuse_tools(mod.page)
        await mod.page.route("**/app/deploy", deployed_meanwhile)
        await mod.page.route("**/index-NEW*.js", from_the_old_version)
        await mod.page.reload()
        # Even the new version's part is missing: that must not become a loop.
        await expect(mod.card("Anybody?")).to_contain_text("tools for moderators could not be loaded")
        await expect(mod.composer).to_have_value("Half a question")
        assert len(tried) == 4
        assert documents == ["document", "fetch", "document", "fetch"]
        mod.problems.clear()


async def test_a_page_without_its_code_offers_to_reload(venue: Venue, browser: Browser, screenshots: Path) -> None:
    async with somebody(browser, viewport=NARROW) as ann:
        await ann.page.route("**/assets/page-*.js", lambda route: route.fulfill(status=404, body="gone"))
        await ann.page.goto(f"{venue.url}/app/missing")
        await expect(ann.page.get_by_role("heading")).to_have_text("The page can’t be loaded")
        button = ann.page.get_by_role("button", name="Reload the page")
        box = await button.bounding_box()
        assert box is not None
        assert box["height"] >= 44
        assert box["x"] >= 16
        await ann.screen(screenshots / "no-code-320-light.png", width=NARROW["width"])
        await ann.page.unroute("**/assets/page-*.js")
        await button.click()
        await ann.is_live()
        ann.problems.clear()


async def refuse_tools(page: Page) -> list[str]:
    """Let the moderators' part of the program fail; the addresses tried."""
    tried: list[str] = []

    async def refuse(route: Route) -> None:
        tried.append(route.request.url)
        await route.fulfill(status=404, body="gone")

    await page.route("**/ModeratorTools-*.js", refuse)
    return tried


async def from_the_old_version(route: Route) -> None:
    await route.fulfill(response=await route.fetch(url=route.request.url.replace("index-NEW", "index-")))


async def test_a_page_that_can_not_be_drawn_says_so(venue: Venue, browser: Browser, screenshots: Path) -> None:
    async def spoil(route: Route) -> None:
        answer = await route.fetch()
        await route.fulfill(response=answer, json={**await answer.json(), "settings": None})

    for scheme, viewport in (("light", PHONE), ("dark", LAPTOP), ("light", NARROW)):
        async with somebody(browser, viewport=viewport, color_scheme=scheme) as ann:
            await ann.page.route("**/tenants/current", spoil)
            await ann.page.goto(f"{venue.url}/app/broken")
            await expect(ann.page.get_by_role("heading")).to_have_text("This page has a problem")
            width = viewport["width"]
            await ann.screen(screenshots / f"broken-{width}-{scheme}.png", width=width)
            await ann.page.unroute("**/tenants/current")
            await ann.page.get_by_role("button", name="Reload the page").click()
            await ann.is_live()
            ann.problems.clear()


async def test_tabs_share_one_stream_without_a_secure_context(venue: Venue, chromium_path: str) -> None:
    """Web Locks need one; `http://<name>:<port>` in a hall's network is none."""
    flags = [*FLAGS, "--host-resolver-rules=MAP pulse.test 127.0.0.1"]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium_path, headless=True, args=flags)
        url = f"http://pulse.test:{venue.port}/app/tabs"
        async with somebody(browser) as ann, somebody(browser) as mod:
            await mod.enter(venue.link("tabs", Role.MODERATOR))
            tabs = [ann, *[Visitor(await ann.page.context.new_page()) for _ in range(7)]]
            for tab in tabs:
                await tab.enter(url)
            assert not await ann.page.evaluate("isSecureContext")
            await ann.ask("Do all of my tabs know?")
            for tab in tabs:
                await tab.sees("Do all of my tabs know?")
            assert await streams_of(mod, "tabs") == 2
            # One leaves, others vanish; somebody looks at one that is left, and it takes over.
            await tabs[0].page.goto("about:blank")
            for tab in tabs[1:4]:
                await tab.page.close()
            await tabs[4].page.bring_to_front()
            await mod.ask("And when some are closed?")
            for tab in tabs[4:]:
                await tab.sees("And when some are closed?")
                assert tab.problems == []
            assert await streams_of(mod, "tabs") == 2
        await browser.close()


async def streams_of(moderator: Visitor, slug: str) -> int:
    count = "slug => fetch(`/sse/metrics?tenantId=${slug}`).then(it => it.json()).then(it => it.totalConnections)"
    return int(await moderator.page.evaluate(count, slug))


async def test_times_are_the_servers_and_in_the_language_of_the_page(venue: Venue, browser: Browser) -> None:
    async with somebody(browser, locale="de-DE") as ann:
        await ann.page.add_init_script(LATE_CLOCK)
        await ann.enter(f"{venue.url}/app/clock")
        await ann.ask("What time is it?")
        await ann.ask("מה השעה?")
        await ann.page.reload()
        await ann.is_live()
        await expect(ann.card("What time is it?").get_by_role("time")).to_have_text("just now")
        for text, direction in (("What time is it?", "ltr"), ("מה השעה?", "rtl")):
            shown = ann.page.get_by_text(text, exact=True)
            assert await shown.evaluate("it => getComputedStyle(it).direction") == direction


async def test_for_the_eye(venue: Venue, browser: Browser, screenshots: Path) -> None:
    """Nothing runs over the edge while something fails; a person looks at the rest."""
    looks = [("light", PHONE), ("dark", PHONE), ("dark", NARROW), ("light", LAPTOP)]
    async with AsyncExitStack() as stack:
        ben = await stack.enter_async_context(somebody(browser))
        await ben.enter(f"{venue.url}/app/looks")
        await ben.ask("Did my vote count?")
        visitors: dict[str, Visitor] = {}
        for scheme, viewport in looks:
            options = {"viewport": viewport, "color_scheme": scheme, "reduced_motion": "reduce"}
            visitor = await stack.enter_async_context(somebody(browser, **options))
            await visitor.enter(f"{venue.url}/app/looks")
            await visitor.sees("Did my vote count?")
            visitors[f"{viewport['width']}-{scheme}"] = visitor

        async def picture(what: str) -> None:
            for name, visitor in visitors.items():
                await visitor.screen(screenshots / f"{what}-{name}.png", width=int(name.partition("-")[0]))

        with frozen(venue):
            for name, visitor in visitors.items():
                await visitor.vote("Did my vote count?").click()
                await visitor.ask(f"Has this been sent {name}?")
            for visitor in visitors.values():
                await shows(visitor, "Checking…")
            await picture("checking")
            for name, visitor in visitors.items():
                await expect(visitor.card(f"sent {name}")).to_contain_text("Not confirmed")
            await picture("not-confirmed")
        for name, visitor in visitors.items():
            await visitor.sees(f"sent {name}")
            await visitor.page.context.set_offline(True)
            await visitor.ask(f"And without a network {name}?")
            await expect(visitor.card(f"network {name}")).to_contain_text("Not sent")
        await picture("offline")
        for visitor in visitors.values():
            visitor.problems.clear()
